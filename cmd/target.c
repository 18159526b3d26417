/* A rate that a user wants kept, and the smallest size on a curve that keeps it. */
#include "target.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

enum { MOST_DIGITS = 18, MOST_PARTS = 1000000 };
#define MOST_FAULTS UINT64_C(1000000000000000000)
 /* so that no product below leaves 128 bits */

static int refuse(const char *place, const char *text, const char *why, struct pw_error *err)
{
  return pw_error_set(err, PW_EINVAL, "%s: '%.60s' %s", place, text, why);
}

/* Digits with at most one point: *scale is how many stand behind it. False for anything else. */
static bool read_digits(const char **text, uint64_t *number, int *scale, bool *over)
{
  int digits = 0;
  bool point = false;
  *number = 0;
  *scale = 0;
  for (; **text; ++*text) {
    if (**text == '.' && !point) {
      point = true;
      continue;
    }
    if (**text < '0' || **text > '9') break;
    *over |= *number > 0 && *number >= 100000000000000000;
    *number = *number * 10 + (uint64_t)(**text - '0');
    *scale += point;
    digits++;
  }
  return digits > 0;
}

/* e-5, E-05 and the like; nothing is 0. */
static bool read_exponent(const char **text, int *exponent)
{
  char *end;
  *exponent = 0;
  if (**text != 'e' && **text != 'E') return true;
  long value = strtol(*text + 1, &end, 10);
  if (end == *text + 1 || value < -100 || value > 100) return false;
  *exponent = (int)value;
  *text = end;
  return true;
}

/* `units`: how many of them may be used. */
static int parse(struct target *target, const char *text, const char *place, int n_units, struct pw_error *err)
{
  static const char *const units[] = {"", "%", "ppm", "/s", "/run"};
  static const int powers[] = {0, 2, 6, 0, 0};
  const char *at = text;
  int scale, exponent, unit = 0;
  bool over = false;
  bool good = read_digits(&at, &target->numerator, &scale, &over) && read_exponent(&at, &exponent);
  snprintf(target->digits, sizeof target->digits, "%.*s", (int)(at - text), text);
  if (good) at += strspn(at, " ");
  while (unit < n_units && strcmp(at, units[unit]) != 0) unit++;
  if (!good || unit == n_units)
    return refuse(place, text, n_units > TARGET_SECOND ? "is no rate; its forms are 0.001, 0.1%, 1000ppm (per million), 100/s and 100/run"
                                                       : "is no rate; its forms are 0.001, 0.1% and 1000ppm (per million)", err);
  scale += powers[unit] - exponent;
  for (; scale > 0 && target->numerator % 10 == 0; scale--) target->numerator /= 10;
  for (; scale < 0 && !over; scale++) over = __builtin_mul_overflow(target->numerator, 10u, &target->numerator);
  if (over || scale > MOST_DIGITS || (size_t)(at - text) >= sizeof target->digits)
    return refuse(place, text, "has too many digits: a rate has at most 18 of them", err);
  target->denominator = 1;
  for (int i = 0; i < scale; i++) target->denominator *= 10;
  if (unit < TARGET_SECOND && target->numerator > target->denominator)
    return refuse(place, text, "is too large: a rate is at most 1, or 100%; per million is written 50ppm", err);
  if (unit >= TARGET_SECOND && (target->denominator > MOST_PARTS || target->numerator > MOST_FAULTS))
    return refuse(place, text, "has too many digits: faults a second are at most 10^12, and have at most six digits behind the point", err);
  target->unit = unit;
  return 0;
}

int target_parse(struct target *target, const char *text, const char *place, struct pw_error *err)
{
  return parse(target, text, place, TARGET_SECOND, err);
}

int target_parse_faults(struct target *target, const char *text, const char *place, struct pw_error *err)
{
  return parse(target, text, place, TARGET_RUN + 1, err);
}

bool target_keeps(const struct target *target, uint64_t faults, uint64_t accesses, uint64_t rate)
{
  wide some = (wide)faults * target->denominator;
  if (target->unit == TARGET_RUN) return some <= target->numerator;
  if (target->unit == TARGET_SECOND) return some * rate <= (wide)target->numerator * accesses;
  return some <= (wide)target->numerator * accesses;
}

const struct pw_curve_point *target_find(const struct target *target, const struct pw_curve *curve)
{
  wide most = (wide)target->numerator * curve->lookups;
  for (size_t i = 0; i < curve->n_points; i++)
    if ((wide)curve->points[i].misses * target->denominator <= most) return &curve->points[i];
  return NULL;
}
