/* Curves on a chart: their knees, and only as many of their steps as can be seen.
 *
 * A curve has a point for every size at which a count changes, often tens of thousands.
 * A point is left out when it stands less than a third of a pixel, on the largest panel,
 * from the last one kept; the first and the last of a curve and its knee always stay. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "report/figure.h"
#include "report/knee.h"

#define WIDEST 1800.0  /* thirds of pixels of the largest panel */
#define HIGHEST 1140.0

/* Where on its axis a value stands, from 0 to 1. */
static double share(const struct pw_axis *axis, double value)
{
  if (value < axis->least) value = axis->floor;
  if (axis->scale == PW_SCALE_LINEAR) return (value - axis->min) / (axis->max - axis->min);
  return log(value / axis->min) / log(axis->max / axis->min);
}

static bool is_seen(const struct pw_figure *f, const struct pw_point *last, const struct pw_point *p)
{
  return fabs(share(&f->x, p->x) - share(&f->x, last->x)) * WIDEST >= 1 ||
         fabs(share(&f->y, p->y) - share(&f->y, last->y)) * HIGHEST >= 1;
}

/* Marks the knee of the n points of a curve; returns its number, or n. */
static size_t mark_knee(struct pw_figure *f, const struct pw_point *points, size_t n, struct pw_knee_step *steps)
{
  for (size_t i = 0; i < n; i++) steps[i] = (struct pw_knee_step){points[i].x / points[i].unit, points[i].y};
  size_t knee = pw_knee_find(steps, n);
  if (knee == n) return n;
  struct pw_mark *mark = &f->marks[f->n_marks++];
  *mark = (struct pw_mark){.panel = points[knee].panel, .series = points[knee].series, .x = points[knee].x, .y = points[knee].y};
  pw_text_number(mark->label, sizeof mark->label, mark->x, f->x.unit);
  bool fits_left = share(&f->x, mark->x) * pw_figure_chars(f) > (double)strlen(mark->label) + 1;
  bool fits_below = share(&f->y, mark->y) > 0.1;
  mark->side = fits_left && fits_below ? PW_SIDE_BELOW : PW_SIDE_ABOVE;
  return knee;
}

static size_t curve_end(const struct pw_figure *f, size_t begin)
{
  size_t end = begin;
  while (end < f->n_points && f->points[end].panel == f->points[begin].panel &&
         f->points[end].series == f->points[begin].series)
    end++;
  return end;
}

int pw_figure_steps(struct pw_figure *f)
{
  size_t n_curves = 0, n = 0;
  for (size_t at = 0; at < f->n_points; at = curve_end(f, at)) n_curves++;
  struct pw_knee_step *steps = pw_malloc(f->n_points, sizeof *steps);
  struct pw_point *kept = pw_malloc(f->n_points + n_curves, sizeof *kept);
  if (!steps || !kept || pw_grow((void **)&f->marks, &f->mark_capacity, n_curves, sizeof *f->marks)) {
    pw_free(steps);
    pw_free(kept);
    return -1;
  }
  for (size_t begin = 0, end; begin < f->n_points; begin = end) {
    end = curve_end(f, begin);
    size_t knee = begin + mark_knee(f, &f->points[begin], end - begin, steps);
    for (size_t i = begin; i < end; i++)
      if (i == begin || i == knee || i + 1 == end || is_seen(f, &kept[n - 1], &f->points[i])) kept[n++] = f->points[i];
    if (kept[n - 1].x < f->x.max) { /* larger sizes change nothing */
      kept[n] = kept[n - 1];
      kept[n++].x = f->x.max;
    }
  }
  pw_free(steps);
  pw_free(f->points);
  f->points = kept;
  f->n_points = f->point_capacity = n;
  return 0;
}
