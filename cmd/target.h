/* A rate that a user wants kept, and the smallest size on a curve that keeps it.
 *
 * The rate is kept as a fraction of whole numbers, so that "at or under" is exact. */
#ifndef CMD_TARGET_H
#define CMD_TARGET_H

#include <stdbool.h>

#include "pagewalk.h"

struct target {
  uint64_t numerator, denominator; /* both at most 10^18, the denominator a power of ten */
  char digits[40];                 /* as given, without its unit */
  enum { TARGET_FRACTION, TARGET_PERCENT, TARGET_PPM, TARGET_SECOND, TARGET_RUN } unit;
};

/* Understands 0.001, 0.1% or 50ppm; PW_EINVAL with `place` named. */
int target_parse(struct target *target, const char *text, const char *place, struct pw_error *err);
/* The same, and 100/s or 100/run. */
int target_parse_faults(struct target *target, const char *text, const char *place, struct pw_error *err);
/* Is it kept by so many faults in so many accesses, of which a second has `rate`? */
bool target_keeps(const struct target *target, uint64_t faults, uint64_t accesses, uint64_t rate);
/* The first point of the curve that keeps the rate, or NULL. */
const struct pw_curve_point *target_find(const struct target *target, const struct pw_curve *curve);

#endif
