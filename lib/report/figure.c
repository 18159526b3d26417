/* Turns the picked rows into a figure: panels, series, places and points.
 *
 * Panels and series beyond what a page can show are left out and told in the
 * subtitle: of traces those with most accesses stay, of other columns the first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/chartwords.h"
#include "report/figure.h"
#include "report/distinct.h"

enum { MAX_PANELS = 16, MAX_SERIES = 16, MAX_PLACES = 40, MAX_GATHERED = 5 };

int pw_label_add(struct pw_labels *labels, const char *text)
{
  if (pw_grow((void **)&labels->text, &labels->capacity, labels->n + 1, sizeof *labels->text)) return -1;
  snprintf(labels->text[labels->n++], PW_LABEL_BYTES, "%s", text);
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

/* `plain` for numbers whose axis already names the column. */
static int label_names(struct pw_labels *labels, const struct pw_distincts *names, const struct pw_view *view,
                       const char *column, bool plain)
{
  for (size_t i = 0; i < names->n; i++) {
    char text[PW_LABEL_BYTES * 4] = "";
    const char *cell = names->name[i].cell;
    if (plain) snprintf(text, sizeof text, "%s", cell);
    else if (column && strcmp(column, "trace") == 0) pw_words_trace(view->table, cell, text, sizeof text);
    else if (column) pw_text_cell(text, sizeof text, column, cell);
    if (column && !plain && strcmp(column, "page_bytes") == 0) strcat(text, " pages");
    if (pw_label_add(labels, text)) return -1;
  }
  return 0;
}

static bool is_plain_number(const char *column)
{
  const struct pw_column_look *look = pw_column_look(column);
  return look && look->unit == PW_UNIT_PLAIN && look->scale == PW_SCALE_LOG2;
}

static int add_points(struct pw_figure *figure, const struct pw_view *view, const struct pw_distincts *panels,
                      const struct pw_distincts *series, const struct pw_distincts *places)
{
  bool category = view->chart->x_scale == PW_SCALE_CATEGORY, chosen = category || view->chart->common_x;
  for (size_t i = 0; i < view->n_picks; i++) {
    const struct pw_pick *pick = &view->picks[i];
    const struct pw_distinct *panel = pw_distincts_find(panels, pw_view_cell(view, pick, view->panel));
    const struct pw_distinct *by = pw_distincts_find(series, pw_view_cell(view, pick, view->by));
    const struct pw_distinct *place = chosen ? pw_distincts_find(places, pw_view_cell(view, pick, view->x)) : NULL;
    if (!panel || !by || (chosen && !place)) continue;
    for (size_t m = 0; m < view->n_measures; m++) {
      struct pw_point point = { .panel = (size_t)(panel - panels->name), .series = (size_t)(by - series->name) };
      if (!pw_view_value(view, pick->row, m, &point.y)) continue;
      if (category) point.x = (double)(place - places->name);
      else pw_table_number(view->table, pick->row, view->x, &point.x);
      point.unit = pw_view_times(view, pick->row);
      point.x *= point.unit;
      if (view->n_measures > 1) point.series = m;
      if (pw_point_add(figure, point)) return -1;
    }
  }
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
  qsort(values, figure->n_points, sizeof *values, compare_numbers);
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
  struct pw_labels sorted = { 0 };
  int status = ranks && to ? 0 : -1;
  for (size_t i = 0; !status && i < n; i++) ranks[i].place = i;
  for (size_t i = 0; !status && i < figure->n_points; i++)
    if (figure->points[i].series == 0 || figure->chart->x == NULL)
      ranks[(size_t)figure->points[i].x].y = figure->points[i].y;
  if (!status) qsort(ranks, n, sizeof *ranks, compare_ranks);
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
  qsort(figure->points, figure->n_points, sizeof *figure->points, compare_points);
  for (size_t i = 0; i < figure->n_points; i++) {
    const struct pw_point *p = &figure->points[i], *last = n ? &figure->points[n - 1] : NULL;
    bool same = last && last->panel == p->panel && last->series == p->series && last->x == p->x;
    if (same && !figure->scatter) continue;
    figure->points[n++] = *p;
  }
  figure->n_points = n;
  if (figure->x.scale != PW_SCALE_CATEGORY && place_axis(&figure->x, figure, false, ticks))
    return -1;
  return place_axis(&figure->y, figure, true, 8);
}

double pw_figure_chars(const struct pw_figure *figure)
{
  return figure->panels.n == 1 ? 72 : figure->panels.n <= 3 ? 40 : 25;
}

void pw_figure_dress(struct pw_figure *figure)
{
  const struct pw_chart *chart = figure->chart;
  const struct pw_column_look *x = chart->x ? pw_column_look(chart->x) : NULL;
  snprintf(figure->title, sizeof figure->title, "%s", chart->title);
  snprintf(figure->x.title, sizeof figure->x.title, "%s", x ? x->title : chart->x ? chart->x : "");
  snprintf(figure->y.title, sizeof figure->y.title, "%s", chart->y_title);
  figure->x.scale = chart->x ? chart->x_scale : PW_SCALE_CATEGORY;
  figure->x.unit = x ? x->unit : PW_UNIT_PLAIN;
  if (chart->x_times) { /* frames */
    snprintf(figure->x.title, sizeof figure->x.title, "memory");
    figure->x.unit = PW_UNIT_BYTES;
  } else if (chart->x && strcmp(chart->x, "entries") == 0) {
    figure->x.tlb_sizes = pw_figure_chars(figure);
  }
  figure->y.scale = chart->y_scale;
  figure->y.unit = chart->y_unit;
  figure->y.headroom = strcmp(chart->template_name, "heatmap") != 0; /* its colours are for the data alone */
  figure->y.footroom = strcmp(chart->template_name, "bars") == 0;
}

/* What the panels, series and places of the figure are. */
struct parts {
  struct pw_distincts panels, series, places;
};

static int choose_parts(struct parts *p, const struct pw_view *view, char *note, size_t n_note)
{
  const struct pw_chart *chart = view->chart;
  bool category = chart->x_scale == PW_SCALE_CATEGORY, over_entries = false;
  for (size_t i = 0; i < view->n_full; i++)
    over_entries |= view->full_ways[i] == view->by && view->full_entries[i] == view->x;
  if (pw_distincts_collect(&p->panels, view, view->panel) || pw_distincts_collect(&p->series, view, view->by)) return -1;
  if ((category || over_entries || chart->common_x) && pw_distincts_collect(&p->places, view, view->x)) return -1;
  if (over_entries && pw_distincts_settle_ways(&p->series, &p->places, view, category)) return -1;
  if (!category && chart->min_x > 1) pw_distincts_drop_single(&p->series);
  if (chart->common_x && p->series.n > 1 && pw_distincts_keep_common(&p->places, &p->series, view, note, n_note)) return -1;
  pw_distincts_keep(&p->panels, MAX_PANELS, chart->panel, note, n_note);
  pw_distincts_keep(&p->series, MAX_SERIES, chart->by, note, n_note);
  pw_distincts_sort(&p->series);
  if (!category) return 0;
  pw_distincts_keep(&p->places, MAX_PLACES, chart->x, note, n_note);
  if (!chart->x || strcmp(chart->x, "trace") != 0) pw_distincts_sort(&p->places);
  return 0;
}

static int fill(struct pw_figure *figure, const struct pw_view *view, struct parts *p)
{
  const struct pw_chart *chart = view->chart;
  char note[240] = "";
  if (choose_parts(p, view, note, sizeof note)) return -1;
  if (strcmp(chart->template_name, "heatmap") == 0) /* a colour bar has no room for its name */
    snprintf(figure->subtitle, sizeof figure->subtitle, "%s%s", chart->y_title,
             chart->y_unit == PW_UNIT_PERCENT ? ", in %" : "");
  pw_words_fixed(view, figure->subtitle, sizeof figure->subtitle);
  pw_words_append(figure->subtitle, sizeof figure->subtitle, note);
  if (label_names(&figure->panels, &p->panels, view, chart->panel, false)) return -1;
  pw_figure_dress(figure);
  for (size_t m = 0; view->n_measures > 1 && m < view->n_measures; m++)
    if (pw_label_add(&figure->series, chart->y[m].label)) return -1;
  if (view->n_measures == 1 && label_names(&figure->series, &p->series, view, chart->by, false)) return -1;
  if (chart->x_scale == PW_SCALE_CATEGORY &&
      label_names(&figure->places, &p->places, view, chart->x, is_plain_number(chart->x)))
    return -1;
  if (add_points(figure, view, &p->panels, &p->series, &p->places) || pw_figure_settle(figure)) return -1;
  return strcmp(chart->template_name, "curves") == 0 ? pw_figure_steps(figure) : 0;
}

static size_t count_names(const struct pw_view *view, size_t column)
{
  struct pw_distincts names = { 0 };
  size_t n = pw_distincts_collect(&names, view, column) ? 0 : names.n;
  pw_free(names.name);
  return n;
}

/* Lines that stand alone in a few panels are easier to compare in one. 1, or a status. */
static int gather(struct pw_figure *figure, struct pw_view *view, struct pw_error *err)
{
  size_t panels = count_names(view, view->panel);
  if (count_names(view, view->by) != 1 || panels < 2 || panels > MAX_GATHERED) return 1;
  figure->gathered = *figure->chart;
  figure->gathered.by = figure->chart->panel;
  figure->gathered.panel = NULL;
  figure->chart = &figure->gathered;
  pw_view_clear(view);
  return pw_view_make(view, figure->chart, view->table, err);
}

int pw_figure_make(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table,
                   struct pw_error *err)
{
  if (!chart->x) return pw_figure_machines(figure, chart, table, err);
  struct pw_view view;
  struct parts parts = { 0 };
  int status = pw_view_make(&view, chart, table, err);
  if (status <= 0) return status;
  figure->chart = chart;
  figure->scatter = view.scatter;
  if (chart->gathered && (status = gather(figure, &view, err)) <= 0) return status;
  status = fill(figure, &view, &parts);
  pw_free(parts.panels.name);
  pw_free(parts.series.name);
  pw_free(parts.places.name);
  pw_view_clear(&view);
  if (status) return pw_error_set(err, PW_ENOMEM, "chart %s: memory ran out; give fewer rows", chart->name);
  return 1;
}

void pw_figure_clear(struct pw_figure *figure)
{
  pw_free(figure->panels.text);
  pw_free(figure->series.text);
  pw_free(figure->places.text);
  pw_free(figure->points);
  pw_free(figure->marks);
  if (figure->cells) pw_free(figure->cells->count);
  pw_free(figure->cells);
  *figure = (struct pw_figure){ 0 };
}
