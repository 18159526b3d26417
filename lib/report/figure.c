/* What all figures are made of: labels, points in order, axes around them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/figure.h"

int pw_label_add(struct pw_labels *labels, const char *text)
{
  if (pw_grow((void **)&labels->text, &labels->capacity, labels->n + 1, sizeof *labels->text)) return -1;
  pw_text_fit(labels->text[labels->n++], PW_LABEL_BYTES, text);
  return 0;
}

int pw_point_add(struct pw_figure *figure, struct pw_point point)
{
  if (pw_grow((void **)&figure->points, &figure->point_capacity, figure->n_points + 1, sizeof *figure->points))
    return -1;
  point.order = figure->n_points;
  figure->points[figure->n_points++] = point;
  return 0;
}

static int compare_points(const void *left, const void *right)
{
  const struct pw_point *a = left, *b = right;
  if (a->panel != b->panel) return a->panel < b->panel ? -1 : 1;
  if (a->series != b->series) return a->series < b->series ? -1 : 1;
  if (a->x != b->x) return a->x < b->x ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_numbers(const void *left, const void *right)
{
  const double *a = left, *b = right;
  return *a < *b ? -1 : *a > *b;
}

static int place_axis(struct pw_axis *axis, const struct pw_figure *figure, bool of_y, size_t max_ticks)
{
  double *values = pw_malloc(figure->n_points, sizeof *values);
  if (!values) return -1;
  for (size_t i = 0; i < figure->n_points; i++) values[i] = of_y ? figure->points[i].y : figure->points[i].x;
  pw_sort(values, figure->n_points, sizeof *values, compare_numbers);
  pw_axis_place(axis, values, figure->n_points, max_ticks);
  pw_free(values);
  return 0;
}

struct rank {
  size_t place;
  double y;
};

static int compare_ranks(const void *left, const void *right)
{
  const struct rank *a = left, *b = right;
  if (a->y != b->y) return a->y > b->y ? -1 : 1;
  return a->place < b->place ? -1 : 1;
}

/* Renumbers the places so that the first series' values fall. */
static int sort_places(struct pw_figure *figure)
{
  size_t n = figure->places.n;
  struct rank *ranks = pw_calloc(n, sizeof *ranks);
  size_t *to = pw_calloc(n, sizeof *to);
  struct pw_labels sorted = {0};
  int status = ranks && to ? 0 : -1;
  for (size_t i = 0; !status && i < n; i++) ranks[i].place = i;
  for (size_t i = 0; !status && i < figure->n_points; i++)
    if (figure->points[i].series == 0 || figure->chart->x == NULL)
      ranks[(size_t)figure->points[i].x].y = figure->points[i].y;
  if (!status) pw_sort(ranks, n, sizeof *ranks, compare_ranks);
  for (size_t i = 0; !status && i < n; i++) {
    to[ranks[i].place] = i;
    status = pw_label_add(&sorted, figure->places.text[ranks[i].place]);
  }
  for (size_t i = 0; !status && i < figure->n_points; i++)
    figure->points[i].x = (double)to[(size_t)figure->points[i].x];
  if (!status) {
    pw_free(figure->places.text);
    figure->places = sorted;
  } else {
    pw_free(sorted.text);
  }
  pw_free(ranks);
  pw_free(to);
  return status;
}

int pw_figure_settle(struct pw_figure *figure)
{
  size_t ticks = figure->panels.n == 1 ? 8 : figure->x.unit == PW_UNIT_BYTES && !figure->chart->x_times ? 3 : 4;
  size_t n = 0;
  if (figure->chart->sorted && sort_places(figure)) return -1;
  pw_sort(figure->points, figure->n_points, sizeof *figure->points, compare_points);
  for (size_t i = 0; i < figure->n_points; i++) {
    const struct pw_point *p = &figure->points[i], *last = n ? &figure->points[n - 1] : NULL;
    bool same = last && last->panel == p->panel && last->series == p->series && last->x == p->x;
    if (same && !figure->scatter) continue;
    figure->points[n++] = *p;
  }
  figure->n_points = n;
  if (figure->x.scale != PW_SCALE_CATEGORY && place_axis(&figure->x, figure, false, ticks))
    return -1;
  return place_axis(&figure->y, figure, true, 8) || figure->title.failed || figure->subtitle.failed ? -1 : 0;
}

double pw_figure_chars(const struct pw_figure *figure)
{
  return figure->panels.n == 1 ? 72 : figure->panels.n <= 3 ? 40 : 25;
}

void pw_figure_dress(struct pw_figure *figure)
{
  const struct pw_chart *chart = figure->chart;
  struct pw_column_look x = pw_column_look(chart->x ? chart->x : "");
  pw_text_add(&figure->title, chart->title);
  pw_text_fit(figure->x.title, sizeof figure->x.title, x.title);
  pw_text_fit(figure->y.title, sizeof figure->y.title, chart->y_title);
  figure->x.scale = chart->x ? chart->x_scale : PW_SCALE_CATEGORY;
  figure->x.unit = x.unit;
  if (chart->x_times) { /* frames */
    pw_text_fit(figure->x.title, sizeof figure->x.title, "memory");
    figure->x.unit = PW_UNIT_BYTES;
  } else if (chart->x && strcmp(chart->x, "entries") == 0) {
    figure->x.tlb_sizes = pw_figure_chars(figure);
  }
  figure->y.scale = chart->y_scale;
  figure->y.unit = chart->y_unit;
  figure->y.headroom = strcmp(chart->template_name, "heatmap") != 0; /* its colours are for the data alone */
  figure->y.footroom = strcmp(chart->template_name, "bars") == 0;
}

void pw_figure_clear(struct pw_figure *figure)
{
  pw_text_clear(&figure->title);
  pw_text_clear(&figure->subtitle);
  pw_free(figure->panels.text);
  pw_free(figure->series.text);
  pw_free(figure->places.text);
  pw_free(figure->points);
  pw_free(figure->marks);
  if (figure->cells) pw_free(figure->cells->count);
  pw_free(figure->cells);
  *figure = (struct pw_figure){0};
}

static int by_value(const void *left, const void *right)
{
  const double *a = left, *b = right;
  return *a < *b ? -1 : *a > *b;
}

int pw_figure_colours(struct pw_figure *figure, enum pw_scale scale, enum pw_unit unit)
{
  const struct pw_cells *cells = figure->cells;
  size_t all = cells->rows * cells->columns, n = 0;
  double *values = pw_malloc(all, sizeof *values);
  if (!values) return -1;
  for (size_t i = 0; i < all; i++)
    if (cells->count[i] > 0) values[n++] = cells->count[i];
  pw_sort(values, n, sizeof *values, by_value);
  figure->y = (struct pw_axis){.scale = scale, .unit = unit};
  if (n) pw_axis_place(&figure->y, values, n, 8);
  pw_free(values);
  return n ? 0 : 1;
}
