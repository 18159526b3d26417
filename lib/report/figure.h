/* One chart as data: labels, axes and points, ready to be written for gnuplot. */
#ifndef PW_FIGURE_H
#define PW_FIGURE_H

#include <string.h>

#include "report/axes.h"
#include "report/charts.h"
#include "report/csvread.h"

#define PW_LABEL_BYTES 64
#define PW_MAX_ROWS 8

/* A longer label is cut, and shows it. */
struct pw_labels {
  size_t n, capacity;
  char (*text)[PW_LABEL_BYTES];
};

struct pw_point {
  size_t panel, series;
  double x; /* or the number of its place, from 0 */
  double y;
  double unit;  /* what x is a multiple of; of curves only */
  size_t order; /* of appearance; of two points in one place the first stays */
};

/* A curve falls, so it is neither below and left of a point nor above and right of it. */
enum pw_side {PW_SIDE_BELOW, PW_SIDE_ABOVE};

/* A point that is named on the chart: the knee of a curve. */
struct pw_mark {
  size_t panel, series;
  double x, y;
  enum pw_side side; /* of the point, for its name */
  char label[24];
};

/* A map: counts by line and column, from the lowest left one; 0 leaves a cell empty. */
struct pw_cells {
  size_t rows, columns, repeat; /* a cell is so many pixels wide, and one high */
  double *count;
};

/* Invariant: points are sorted by panel, series, x; no two agree in all three
 * unless the x axis is a measured column (`scatter`). */
struct pw_figure {
  const struct pw_chart *chart;
  struct pw_text title, subtitle;
  bool scatter;
  struct pw_axis x, y;
  struct pw_axis rows[PW_MAX_ROWS]; /* of a timeline: the y axis of each panel, in place of y */
  struct pw_labels panels, series; /* at least one of each */
  struct pw_labels places;         /* of a category axis */
  struct pw_point *points;
  size_t n_points, point_capacity;
  struct pw_mark *marks;           /* in the order of points */
  size_t n_marks, mark_capacity;
  struct pw_cells *cells;          /* of a map, else NULL */
  struct pw_chart gathered;        /* what `chart` points to when panels became series */
};

/* Fills a figure (zero it first) for one chart from a table. Returns 1, or 0
 * with the reason in err->text when the data do not feed this chart, or a
 * negative status. */
int pw_figure_make(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table,
                   struct pw_error *err);
/* The same for charts that compare whole machines (chart->x is NULL). */
int pw_figure_machines(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table,
                       pw_processor_fn *processor, struct pw_error *err);
/* The same for the time series of one trace. */
int pw_figure_timeline(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table, const char *trace,
                       struct pw_error *err);
/* The same for the owners, and for the map of misses, of one trace. */
int pw_figure_owners(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table, const char *trace,
                     struct pw_error *err);
int pw_figure_heat(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table, const char *trace,
                   struct pw_error *err);
/* The same for free blocks by order of one configuration. */
int pw_figure_blocks(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table, const char *trace,
                     struct pw_error *err);
void pw_figure_clear(struct pw_figure *figure);

int pw_label_add(struct pw_labels *labels, const char *text);
int pw_point_add(struct pw_figure *figure, struct pw_point point);
/* About how many characters fit side by side in a panel. */
double pw_figure_chars(const struct pw_figure *figure);
/* Gives the figure its title and the axes their titles, units and scales, as the chart's row says. */
void pw_figure_dress(struct pw_figure *figure);
/* Sorts the points, drops doubles, places the axes; 0, or -1 when memory ran out. */
int pw_figure_settle(struct pw_figure *figure);
/* Of a map: the y axis is that of its colours, over the cells that are not empty. 0, 1 when all are, or -1 when memory ran out. */
int pw_figure_colours(struct pw_figure *figure, enum pw_scale scale, enum pw_unit unit);
/* Of a settled figure of curves: marks the knees, leaves out the points that no eye would
 * see, and draws each curve on to the end of the axis. 0 or -1. */
int pw_figure_steps(struct pw_figure *figure);

/* Have the panels axes of their own? */
static inline bool pw_figure_is_timeline(const struct pw_figure *figure)
{
  return strcmp(figure->chart->template_name, "timeline") == 0;
}

#endif
