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

enum { MAX_PANELS = 16, MAX_SERIES = 12, MAX_PLACES = 40 };

/* The distinct texts of a column among the picks. */
struct names {
  struct name {
    const char *cell;
    double accesses;
    size_t n, n_full; /* picks, and those of them that are one-set TLBs */
    size_t order;
  } *name;
  size_t n, capacity;
};

static struct name *find_name(const struct names *names, const char *cell)
{
  for (size_t i = 0; i < names->n; i++)
    if (strcmp(names->name[i].cell, cell) == 0) return &names->name[i];
  return NULL;
}

static int collect(const struct pw_view *view, size_t column, struct names *names)
{
  for (size_t i = 0; i < view->n_picks; i++) {
    const struct pw_pick *pick = &view->picks[i];
    const char *cell = pw_view_cell(view, pick, column);
    struct name *name = find_name(names, cell);
    double accesses = 0;
    if (!name) {
      if (pw_grow((void **)&names->name, &names->capacity, names->n + 1, sizeof *names->name)) return -1;
      name = &names->name[names->n];
      *name = (struct name){ .cell = cell, .order = names->n++ };
    }
    if (column == view->trace) pw_table_number(view->table, pick->row, view->accesses, &accesses);
    if (accesses > name->accesses) name->accesses = accesses;
    name->n++;
    name->n_full += column != PW_NO_COLUMN && pw_view_is_full(view, pick->row, column);
  }
  return 0;
}

static int by_accesses(const void *left, const void *right)
{
  const struct name *a = left, *b = right;
  if (a->accesses != b->accesses) return a->accesses > b->accesses ? -1 : 1;
  return a->order < b->order ? -1 : 1;
}

/* Numbers and what starts with one ("4-level") by size, before words in order of appearance. */
static int by_size(const void *left, const void *right)
{
  const struct name *a = left, *b = right;
  char *rest_a, *rest_b;
  double x = strtod(a->cell, &rest_a), y = strtod(b->cell, &rest_b);
  bool numeric_a = rest_a != a->cell, numeric_b = rest_b != b->cell;
  if (numeric_a != numeric_b) return numeric_a ? -1 : 1;
  if (numeric_a && x != y) return x < y ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

static int by_order(const void *left, const void *right)
{
  const struct name *a = left, *b = right;
  return a->order < b->order ? -1 : 1;
}

static void keep_most(struct names *names, size_t most, const char *column, char *note, size_t n_note)
{
  if (names->n <= most) return;
  char words[120];
  bool traces = strcmp(column, "trace") == 0;
  snprintf(words, sizeof words, traces ? "the %zu of %zu traces with most accesses" : "the first %zu of %zu values of %s",
           most, names->n, column);
  pw_words_append(note, n_note, words);
  if (traces) qsort(names->name, names->n, sizeof *names->name, by_accesses);
  names->n = most;
  qsort(names->name, names->n, sizeof *names->name, by_order);
}

/* Keeps "full" as a family of its own where it has enough members, and then
 * drops the families that only it fills; otherwise drops it. */
static void settle_full(struct names *names, size_t n_x)
{
  struct name *full = find_name(names, "full");
  if (!full) return;
  bool stays = full->n >= 2 && 2 * full->n >= n_x;
  size_t kept = 0;
  for (size_t i = 0; i < names->n; i++) {
    struct name *name = &names->name[i];
    bool is_full = strcmp(name->cell, "full") == 0;
    if (is_full ? stays : !stays || name->n_full < name->n) names->name[kept++] = *name;
  }
  names->n = kept;
}

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
static int label_names(struct pw_labels *labels, const struct names *names, const struct pw_view *view,
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

static int add_points(struct pw_figure *figure, const struct pw_view *view, const struct names *panels,
                      const struct names *series, const struct names *places)
{
  bool category = view->chart->x_scale == PW_SCALE_CATEGORY;
  for (size_t i = 0; i < view->n_picks; i++) {
    const struct pw_pick *pick = &view->picks[i];
    const struct name *panel = find_name(panels, pw_view_cell(view, pick, view->panel));
    const struct name *by = find_name(series, pw_view_cell(view, pick, view->by));
    const struct name *place = category ? find_name(places, pw_view_cell(view, pick, view->x)) : NULL;
    if (!panel || !by || (category && !place)) continue;
    for (size_t m = 0; m < view->n_measures; m++) {
      struct pw_point point = { .panel = (size_t)(panel - panels->name), .series = (size_t)(by - series->name) };
      if (!pw_view_value(view, pick->row, m, &point.y)) continue;
      if (category) point.x = (double)(place - places->name);
      else pw_table_number(view->table, pick->row, view->x, &point.x);
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
  size_t ticks = figure->panels.n == 1 ? 8 : figure->x.unit == PW_UNIT_BYTES ? 3 : 4;
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

void pw_figure_dress(struct pw_figure *figure)
{
  const struct pw_chart *chart = figure->chart;
  const struct pw_column_look *x = chart->x ? pw_column_look(chart->x) : NULL;
  snprintf(figure->title, sizeof figure->title, "%s", chart->title);
  snprintf(figure->x.title, sizeof figure->x.title, "%s", x ? x->title : chart->x ? chart->x : "");
  snprintf(figure->y.title, sizeof figure->y.title, "%s", chart->y_title);
  figure->x.scale = chart->x ? chart->x_scale : PW_SCALE_CATEGORY;
  figure->x.unit = x ? x->unit : PW_UNIT_PLAIN;
  figure->y.scale = chart->y_scale;
  figure->y.unit = chart->y_unit;
  figure->y.headroom = true;
}

static int fill(struct pw_figure *figure, const struct pw_view *view, struct names *panels, struct names *series,
                struct names *places)
{
  const struct pw_chart *chart = view->chart;
  char note[240] = "";
  bool category = chart->x_scale == PW_SCALE_CATEGORY;
  if (collect(view, view->panel, panels) || collect(view, view->by, series) ||
      ((category || view->n_full) && collect(view, view->x, places)))
    return -1;
  settle_full(series, places->n * panels->n);
  keep_most(panels, MAX_PANELS, chart->panel ? chart->panel : "", note, sizeof note);
  keep_most(series, MAX_SERIES, chart->by ? chart->by : "", note, sizeof note);
  if (category) keep_most(places, MAX_PLACES, chart->x, note, sizeof note);
  qsort(series->name, series->n, sizeof *series->name, by_size);
  if (places->n) qsort(places->name, places->n, sizeof *places->name, chart->x && !strcmp(chart->x, "trace") ? by_order : by_size);
  pw_figure_dress(figure);
  pw_words_fixed(view, figure->subtitle, sizeof figure->subtitle);
  pw_words_append(figure->subtitle, sizeof figure->subtitle, note);
  if (label_names(&figure->panels, panels, view, chart->panel, false)) return -1;
  for (size_t m = 0; view->n_measures > 1 && m < view->n_measures; m++)
    if (pw_label_add(&figure->series, chart->y[m].label)) return -1;
  if (view->n_measures == 1 && label_names(&figure->series, series, view, chart->by, false)) return -1;
  if (category && label_names(&figure->places, places, view, chart->x, is_plain_number(chart->x))) return -1;
  if (add_points(figure, view, panels, series, places)) return -1;
  return pw_figure_settle(figure);
}

int pw_figure_make(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table,
                   struct pw_error *err)
{
  if (!chart->x) return pw_figure_machines(figure, chart, table, err);
  struct pw_view view;
  struct names panels = { 0 }, series = { 0 }, places = { 0 };
  int status = pw_view_make(&view, chart, table, err);
  if (status <= 0) return status;
  figure->chart = chart;
  figure->scatter = view.scatter;
  status = fill(figure, &view, &panels, &series, &places);
  pw_free(panels.name);
  pw_free(series.name);
  pw_free(places.name);
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
  *figure = (struct pw_figure){ 0 };
}
