/* The knee of a curve: the size worth having. */
#ifndef PW_KNEE_H
#define PW_KNEE_H

#include <stddef.h>

/* One point of a curve that holds its value up to the next point. */
struct pw_knee_step {
  double size; /* in entries or frames: whole */
  double value;
};

/* Which of n steps, in rising order of size, is the knee; n when the curve has none. */
size_t pw_knee_find(const struct pw_knee_step *steps, size_t n);

#endif
