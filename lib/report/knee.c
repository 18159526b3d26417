/* The knee of a curve: of all sizes the one at which misses fall most against half that size.
 *
 * The fall is taken in proportion, as a logarithmic axis shows it: most misses go at two
 * or three entries on any curve, which nobody needs to be told. A curve on which no
 * doubling saves more than a third is flat: it has no knee.
 * Half of an odd size is rounded up, or odd sizes would have more than a doubling. */
#include <math.h>

#include "report/knee.h"

#include "base/alloc.h"
#include "pagewalk.h"

size_t pw_knee_find(const struct pw_knee_step *steps, size_t n)
{
  size_t knee = n, half = 0;
  double from = 3, to = 2; /* of the best so far */
  for (size_t i = 0; i < n; i++) {
    if (steps[i].size < 2 * steps[0].size) continue; /* nothing is known of half of it */
    while (half + 1 < i && steps[half + 1].size <= ceil(steps[i].size / 2)) half++;
    if (steps[half].value * to <= from * steps[i].value) continue;
    from = steps[half].value;
    to = steps[i].value;
    knee = i;
  }
  return knee;
}

uint64_t pw_curve_knee(const struct pw_curve *curve)
{
  struct pw_knee_step *steps = pw_malloc(curve->n_points, sizeof *steps);
  if (!steps) return 0;
  for (size_t i = 0; i < curve->n_points; i++)
    steps[i] = (struct pw_knee_step){(double)curve->points[i].entries, (double)curve->points[i].misses};
  size_t knee = pw_knee_find(steps, curve->n_points);
  pw_free(steps);
  return knee < curve->n_points ? curve->points[knee].entries : 0;
}
