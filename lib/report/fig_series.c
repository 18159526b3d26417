/* The chart of a time series: what one trace did, window by window, in panels over one axis of accesses.
 *
 * Each panel has a quantity or a few that share a unit, and an axis of its own. Counts are
 * drawn as rates, so that windows of different length compare. Where there are more windows
 * than an eye tells apart, neighbours are drawn as one: rates are their average and amounts
 * of memory the highest, which the subtitle says. A panel with nothing but zeros is left out,
 * and so is a series in it; heap and mappings are there when the trace tells of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/chartwords.h"
#include "report/figure.h"

enum {MOST_STEPS = 380, N_PANELS = 7, N_SERIES = 17};

/* What a panel shows: a state in bytes, or a count for so many accesses. */
static const struct panel {
  const char *title;
  enum pw_unit unit;
  double per; /* accesses; 0: a state */
} panels[N_PANELS] = {
  {"Resident memory", PW_UNIT_BYTES, 0},
  {"Memory by use", PW_UNIT_BYTES, 0},
  {"Page tables", PW_UNIT_BYTES, 0},
  {"Mapped heap and anonymous mappings", PW_UNIT_BYTES, 0},
  {"Faults per million accesses", PW_UNIT_PLAIN, 1e6},
  {"Memory given back per million accesses", PW_UNIT_BYTES, 1e6},
  {"TLB misses per 1000 accesses", PW_UNIT_PLAIN, 1e3},
};

/* The name is its colour too: what is of the heap looks the same in all panels. */
enum colour {RESIDENT, TABLES, MINOR, WALKS, DTLB, ITLB, MAJOR, SWAP, HEAP, MMAP, PRIVATE, FILES, KERNEL, HUGE_PAGES, IN_SWAP, SET_ASIDE, HEAP_TOUCHED};
static const char *const names[N_SERIES] = { "resident", "page tables", "minor faults", "page walks", "DTLB", "ITLB",
                                            "major faults",
                                             "written back", "heap", "mmap", "private", "files", "kernel", "huge pages", "in swap", "set aside, in use",
                                             "heap, touched"};

static const struct series_line {
  const char *column;
  size_t panel;
  enum colour colour;
} lines[] = {
  {"resident_bytes", 0, RESIDENT},
  {"anon_bytes", 1, PRIVATE},
  {"file_bytes", 1, FILES},
  {"kernel_bytes", 1, KERNEL},
  {"thp_bytes", 1, HUGE_PAGES},
  {"swap_bytes", 1, IN_SWAP},
  {"hugetlb_bytes", 1, SET_ASIDE},
  {"table_bytes", 2, TABLES},
  {"heap_bytes", 3, HEAP},
  {"mmap_bytes", 3, MMAP},
  {"heap_touched_bytes", 3, HEAP_TOUCHED},
  {"minor_faults", 4, MINOR},
  {"heap_minor_faults", 4, HEAP},
  {"mmap_minor_faults", 4, MMAP},
  {"major_faults", 4, MAJOR},
  {"swap_outs", 4, SWAP},
  {"heap_returned_bytes", 5, HEAP},
  {"mmap_returned_bytes", 5, MMAP},
  {"itlb_misses", 6, ITLB},
  {"dtlb_misses", 6, DTLB},
  {"walks", 6, WALKS},
};
enum {N_LINES = sizeof lines / sizeof lines[0]};

/* A trace's rows, in order of the axis. */
struct series_rows {
  const struct pw_table *table;
  size_t access, accesses;
  size_t *row;
  size_t n, capacity;
  size_t n_doubles; /* rows of windows that were there already: another machine's */
};

static double number(const struct series_rows *r, size_t i, size_t column)
{
  double value;
  return pw_table_number(r->table, r->row[i], column, &value) ? value : 0;
}

static int compare_rows(const void *left, const void *right, void *context)
{
  const size_t *a = left, *b = right;
  const struct series_rows *r = context;
  double x = 0, y = 0;
  pw_table_number(r->table, *a, r->access, &x);
  pw_table_number(r->table, *b, r->access, &y);
  if (x != y) return x < y ? -1 : 1;
  return *a < *b ? -1 : *a > *b;
}

/* The trace's rows; of two that end at one access the first stays. 0 or -1. */
static int collect(struct series_rows *r, const struct pw_table *table, const char *trace)
{
  size_t column = pw_table_find(table, "trace"), n = 0;
  double value;
  *r = (struct series_rows){.table = table, .access = pw_table_find(table, "access"), .accesses = pw_table_find(table, "accesses")};
  for (size_t row = 0; row < table->n_rows; row++) {
    if (strcmp(pw_table_cell(table, row, column), trace) != 0 || !pw_table_number(table, row, r->access, &value)) continue;
    if (pw_grow((void **)&r->row, &r->capacity, r->n + 1, sizeof *r->row)) return -1;
    r->row[r->n++] = row;
  }
  if (r->n) qsort_r(r->row, r->n, sizeof *r->row, compare_rows, r);
  for (size_t i = 0; i < r->n; i++)
    if (n == 0 || number(r, i, r->access) != number(r, n - 1, r->access)) r->row[n++] = r->row[i];
  r->n_doubles = r->n - n;
  r->n = n;
  return 0;
}

/* A line over rows [from, to): the highest state, or the rate of the counts. */
static double value_of(const struct series_rows *r, const struct series_line *line, size_t from, size_t to)
{
  size_t column = pw_table_find(r->table, line->column);
  double most = 0, sum = 0, accesses = 0, per = panels[line->panel].per;
  for (size_t i = from; i < to; i++) {
    double value = number(r, i, column);
    sum += value;
    most = fmax(most, value);
    accesses += number(r, i, r->accesses);
  }
  if (per == 0) return most;
  return accesses > 0 ? sum / accesses * per : 0;
}

static bool is_shown(const struct series_rows *r, const struct series_line *line)
{
  return value_of(r, line, 0, r->n) > 0;
}

/* A point where each step ends, and one where the first begins. */
static int add_line(struct pw_figure *figure, const struct series_rows *r, const struct series_line *line, size_t panel)
{
  size_t steps = r->n < MOST_STEPS ? r->n : MOST_STEPS;
  struct pw_point point = {.panel = panel, .series = line->colour};
  for (size_t i = 0; i < steps; i++) {
    size_t from = i * r->n / steps, to = (i + 1) * r->n / steps;
    point.y = value_of(r, line, from, to);
    if (i == 0) {
      point.x = fmax(0, number(r, 0, r->access) - number(r, 0, r->accesses));
      if (pw_point_add(figure, point)) return -1;
    }
    point.x = number(r, to - 1, r->access);
    if (pw_point_add(figure, point)) return -1;
  }
  return 0;
}

/* The accesses, from the first to the last and not beyond. */
static void place_x(struct pw_figure *figure, const struct series_rows *r)
{
  double last = number(r, r->n - 1, r->access);
  snprintf(figure->x.title, sizeof figure->x.title, "accesses");
  figure->x.scale = PW_SCALE_LINEAR;
  figure->x.unit = PW_UNIT_PLAIN;
  pw_axis_place(&figure->x, (const double[]){0, last}, 2, 8);
  figure->x.max = last > 0 ? last : 1;
  while (figure->x.n_ticks && figure->x.ticks[figure->x.n_ticks - 1].at > figure->x.max) figure->x.n_ticks--;
}

static int compare_numbers(const void *left, const void *right)
{
  const double *a = left, *b = right;
  return *a < *b ? -1 : *a > *b;
}

static int place_y(struct pw_figure *figure, size_t panel, const struct panel *shown)
{
  double *values = pw_malloc(figure->n_points, sizeof *values);
  size_t n = 0;
  struct pw_axis *axis = &figure->rows[panel];
  if (!values) return -1;
  for (size_t i = 0; i < figure->n_points; i++)
    if (figure->points[i].panel == panel) values[n++] = figure->points[i].y;
  pw_sort(values, n, sizeof *values, compare_numbers);
  *axis = (struct pw_axis){.scale = PW_SCALE_LINEAR, .unit = shown->unit, .headroom = true};
  pw_axis_place(axis, values, n, 4);
  pw_free(values);
  return 0;
}

static int compare_points(const void *left, const void *right)
{
  const struct pw_point *a = left, *b = right;
  if (a->panel != b->panel) return a->panel < b->panel ? -1 : 1;
  if (a->series != b->series) return a->series < b->series ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

static void subtitle(struct pw_figure *figure, const struct series_rows *r, const char *trace)
{
  char name[160], window[32];
  struct pw_text *text = &figure->subtitle;
  size_t whole = r->n > 1 ? r->n - 1 : 1; /* the last window is what is left over */
  double first = fmax(0, number(r, 0, r->access) - number(r, 0, r->accesses));
  double each = (number(r, whole - 1, r->access) - first) / (double)whole;
  double digit = each > 0 ? pow(10, floor(log10(each)) - 2) : 1;
  size_t programs = pw_table_find(r->table, "programs"); /* of a computer: the trace is one of its configurations */
  if (programs != PW_NO_COLUMN) pw_text_fit(name, sizeof name / 2, pw_table_cell(r->table, r->row[0], programs));
  else pw_words_trace(r->table, trace, name, sizeof name);
  pw_text_printf(text, programs != PW_NO_COLUMN ? "%s" : "trace %s", name);
  if (programs != PW_NO_COLUMN && strcmp(trace, "system") != 0) pw_words_append(text, "%s", trace);
  pw_text_number(window, sizeof window, round(each / digit) * digit, PW_UNIT_PLAIN);
  if (r->n == 1) pw_words_append(text, "1 window");
  else pw_words_append(text, "%zu windows of about %s accesses", r->n, window);
  if (r->n > MOST_STEPS) pw_words_append(text, "%d steps: average rates, highest amounts of memory", MOST_STEPS);
  if (r->n_doubles)
    pw_words_append(text, "%zu more row%s of the same windows left out", r->n_doubles, r->n_doubles == 1 ? "" : "s");
}

static int fill(struct pw_figure *figure, const struct series_rows *r, const char *trace)
{
  for (size_t i = 0; i < N_SERIES; i++)
    if (pw_label_add(&figure->series, names[i])) return -1;
  for (size_t p = 0; p < N_PANELS; p++) {
    bool any = false;
    for (size_t i = 0; i < N_LINES; i++) {
      if (lines[i].panel != p || !is_shown(r, &lines[i])) continue;
      if (add_line(figure, r, &lines[i], figure->panels.n)) return -1;
      any = true;
    }
    if (!any) continue;
    if (pw_label_add(&figure->panels, panels[p].title) || place_y(figure, figure->panels.n - 1, &panels[p])) return -1;
  }
  pw_sort(figure->points, figure->n_points, sizeof *figure->points, compare_points);
  place_x(figure, r);
  pw_text_add(&figure->title, figure->chart->title);
  subtitle(figure, r, trace);
  return figure->title.failed || figure->subtitle.failed ? -1 : 0;
}

int pw_figure_timeline(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table, const char *trace,
                       struct pw_error *err)
{
  struct series_rows rows;
  figure->chart = chart;
  int status = collect(&rows, table, trace);
  if (!status && rows.n == 0) {
    pw_error_set(err, PW_OK, "it needs the rows of a time series");
    return 0;
  }
  if (!status) status = fill(figure, &rows, trace);
  pw_free(rows.row);
  if (status) return pw_error_set(err, PW_ENOMEM, "chart %s: memory ran out; give fewer rows", chart->name);
  if (figure->panels.n) return 1;
  pw_error_set(err, PW_OK, "nothing happened in %s: all counts are 0", trace);
  return 0;
}
