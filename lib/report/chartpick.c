/* Which rows of a table a chart shows, and what is held fixed meanwhile.
 *
 * A table of results is a union of sweeps; a chart shows two or three columns
 * of it. Of the other columns of the configuration, those that the measure
 * depends on must be the same for all the chart's points: one *setting*. Of all
 * settings that give the chart at least half as many points as the richest one
 * does, the one nearest to the default machine is taken, then the richest, then
 * the first: a choice that does not depend on anything but the rows. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/chartpick.h"

const char *pw_view_cell(const struct pw_view *view, const struct pw_pick *pick, size_t column)
{
  if (pick->full)
    for (size_t i = 0; i < view->n_full; i++)
      if (view->full_ways[i] == column && pw_view_is_full(view, pick->row, column)) return "full";
  return pw_table_cell(view->table, pick->row, column);
}

bool pw_view_is_full(const struct pw_view *view, size_t row, size_t ways_column)
{
  for (size_t i = 0; i < view->n_full; i++)
    if (view->full_ways[i] == ways_column)
      return strcmp(pw_table_cell(view->table, row, ways_column),
                    pw_table_cell(view->table, row, view->full_entries[i])) == 0;
  return false;
}

bool pw_view_value(const struct pw_view *view, size_t row, size_t measure, double *value)
{
  double over = 1;
  if (!pw_table_number(view->table, row, view->measure[measure], value)) return false;
  if (view->chart->y[measure].over &&
      (!pw_table_number(view->table, row, view->over[measure], &over) || over <= 0))
    return false;
  *value = *value / over * view->chart->y[measure].factor;
  return true;
}

double pw_view_times(const struct pw_view *view, size_t row)
{
  double number = 1;
  return pw_table_number(view->table, row, view->times, &number) && number > 0 ? number : 1;
}

/* "column=pattern" or "column!pattern" */
static bool passes(const struct pw_view *view, size_t row)
{
  char column[64];
  const char *where = view->chart->where;
  if (!where) return true;
  size_t n = strcspn(where, "=!");
  memcpy(column, where, n);
  column[n] = 0;
  const char *cell = pw_table_cell(view->table, row, pw_table_find(view->table, column));
  return (fnmatch(where + n + 1, cell, 0) == 0) == (where[n] == '=');
}

static bool usable(const struct pw_view *view, size_t row)
{
  double number;
  bool any = false;
  if (!passes(view, row)) return false;
  if (view->chart->x && view->chart->x_scale != PW_SCALE_CATEGORY) {
    if (!pw_table_number(view->table, row, view->x, &number)) return false;
    if (view->chart->x_scale == PW_SCALE_LOG2 && number <= 0) return false;
  }
  for (size_t i = 0; i < view->n_measures; i++) any |= pw_view_value(view, row, i, &number);
  return any;
}

static int add_pick(struct pw_view *view, size_t row, bool full)
{
  if (pw_grow((void **)&view->picks, &view->capacity, view->n_picks + 1, sizeof *view->picks)) return -1;
  view->picks[view->n_picks++] = (struct pw_pick){.row = row, .full = full};
  return 0;
}

static int pick_usable(struct pw_view *view)
{
  for (size_t row = 0; row < view->table->n_rows; row++) {
    bool full = false;
    if (!usable(view, row)) continue;
    for (size_t i = 0; i < view->n_full; i++) full |= pw_view_is_full(view, row, view->full_ways[i]);
    if (add_pick(view, row, false) || (full && add_pick(view, row, true))) return -1;
  }
  return 0;
}

static int compare_setting(const struct pw_view *view, const struct pw_pick *a, const struct pw_pick *b)
{
  for (size_t i = 0; i < view->n_fixed; i++) {
    size_t column = view->fixed_column[i];
    int order = strcmp(pw_view_cell(view, a, column), pw_view_cell(view, b, column));
    if (order) return order;
  }
  return 0;
}

static int compare_place(const struct pw_view *view, const struct pw_pick *a, const struct pw_pick *b)
{
  const size_t columns[] = {view->by, view->x, view->panel};
  for (size_t i = 0; i < 3; i++) {
    int order = strcmp(pw_view_cell(view, a, columns[i]), pw_view_cell(view, b, columns[i]));
    if (order) return order;
  }
  return 0;
}

static int compare_rows(const void *left, const void *right)
{
  const struct pw_pick *a = left, *b = right;
  if (a->row != b->row) return a->row < b->row ? -1 : 1;
  return a->full - b->full;
}

static int compare_picks(const void *left, const void *right, void *view)
{
  int order = compare_setting(view, left, right);
  if (!order) order = compare_place(view, left, right);
  return order ? order : compare_rows(left, right);
}

struct setting {
  size_t begin, end; /* picks */
  size_t points, x_values, series;
  size_t usual;      /* columns that are as on the default machine */
  size_t first_row;
};

static size_t count_usual(const struct pw_view *view, const struct pw_pick *pick)
{
  size_t n = 0;
  for (size_t i = 0; i < view->n_fixed; i++) {
    struct pw_config_column c;
    const char *cell = pw_view_cell(view, pick, view->fixed_column[i]);
    pw_config_column(&c, view->fixed[i]);
    n += strcmp(cell, c.column->usual) == 0 || (c.column->also && strcmp(cell, c.column->also) == 0);
  }
  return n;
}

/* How many different texts a column has among the picks, counting up to `enough`. */
static size_t count_distinct(const struct pw_view *view, const struct setting *s, size_t column, size_t enough)
{
  const char *seen[4];
  size_t n = 0;
  if (enough > 4) enough = 4;
  for (size_t i = s->begin; i < s->end && n < enough; i++) {
    const char *cell = pw_view_cell(view, &view->picks[i], column);
    size_t k = 0;
    while (k < n && strcmp(seen[k], cell) != 0) k++;
    if (k == n) seen[n++] = cell;
  }
  return n;
}

static struct setting measure_setting(const struct pw_view *view, size_t begin)
{
  struct setting s = {.begin = begin, .end = begin, .first_row = view->picks[begin].row};
  for (; s.end < view->n_picks && !compare_setting(view, &view->picks[begin], &view->picks[s.end]); s.end++) {
    s.points += s.end == begin || compare_place(view, &view->picks[s.end - 1], &view->picks[s.end]) != 0;
    if (view->picks[s.end].row < s.first_row) s.first_row = view->picks[s.end].row;
  }
  s.usual = count_usual(view, &view->picks[begin]);
  s.x_values = count_distinct(view, &s, view->x, view->chart->min_x);
  s.series = count_distinct(view, &s, view->by, view->chart->min_series);
  return s;
}

static bool feeds(const struct pw_view *view, const struct setting *s)
{
  return (!view->chart->x || s->x_values >= view->chart->min_x) && s->series >= view->chart->min_series;
}

/* True when a is the better of two settings that both have enough points. */
static bool better(const struct setting *a, const struct setting *b)
{
  if (a->usual != b->usual) return a->usual > b->usual;
  if (a->points != b->points) return a->points > b->points;
  return a->first_row < b->first_row;
}

static bool choose_setting(const struct pw_view *view, struct setting *chosen)
{
  size_t richest = 0;
  bool found = false;
  for (int pass = 0; pass < 2; pass++)
    for (size_t at = 0; at < view->n_picks;) {
      struct setting s = measure_setting(view, at);
      at = s.end;
      if (!feeds(view, &s)) continue;
      if (pass == 0) {
        if (s.points > richest) richest = s.points;
      } else if (2 * s.points >= richest && (!found || better(&s, chosen))) {
        *chosen = s;
        found = true;
      }
    }
  return found;
}

static bool shows(const struct pw_view *view, size_t column)
{
  return column != PW_NO_COLUMN && (column == view->x || column == view->by || column == view->panel);
}

/* True when no number of entries comes with two numbers of ways: then a chart
 * over entries needs no fixed ways, and would only lose points by fixing them. */
static bool ways_follow(const struct pw_view *view, size_t entries, size_t ways)
{
  struct {
    const char *entries, *ways;
  } seen[64];
  size_t n = 0;
  bool vary = false;
  for (size_t row = 0; row < view->table->n_rows; row++) {
    const char *e = pw_table_cell(view->table, row, entries), *w = pw_table_cell(view->table, row, ways);
    size_t k = 0;
    while (k < n && strcmp(seen[k].entries, e) != 0) k++;
    if (k < n && strcmp(seen[k].ways, w) != 0) return false;
    if (k == sizeof seen / sizeof seen[0]) return false;
    if (k == n) {
      vary |= n > 0 && strcmp(seen[0].ways, w) != 0;
      seen[n].entries = e;
      seen[n++].ways = w;
    }
  }
  return vary;
}

static void find_following(struct pw_view *view)
{
  const struct pw_parameter *p;
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++) {
    if (p->kind != PW_PARAMETER_TLB) continue;
    size_t entries = pw_table_find(view->table, p->columns[0].name), ways = pw_table_find(view->table, p->columns[1].name);
    if (ways != PW_NO_COLUMN && !shows(view, ways) && shows(view, entries) && ways_follow(view, entries, ways))
      view->follows |= p->part;
  }
}

static void find_fixed(struct pw_view *view)
{
  unsigned parts = 0;
  struct pw_config_column c;
  for (size_t i = 0; i < view->n_measures; i++) parts |= pw_column_look(view->chart->y[i].column).depends;
  bool levels = shows(view, pw_table_find(view->table, "levels"));
  bool whole = view->chart->mark; /* a series is a configuration as a whole */
  for (size_t i = 0; !view->scatter && !whole && pw_config_column(&c, i); i++) {
    size_t column = pw_table_find(view->table, c.column->name);
    if (column == PW_NO_COLUMN || !(c.part & parts) || shows(view, column)) continue;
    if ((c.part & view->follows) && strstr(c.column->name, "_ways")) continue;
    if (levels && c.part == PW_PART_TABLE) continue;
    view->fixed[view->n_fixed] = i;
    view->fixed_column[view->n_fixed++] = column;
  }
}

static void find_full(struct pw_view *view)
{
  const struct pw_parameter *p;
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++) {
    if (p->kind != PW_PARAMETER_TLB) continue;
    size_t entries = pw_table_find(view->table, p->columns[0].name), ways = pw_table_find(view->table, p->columns[1].name);
    if (!shows(view, entries) || ways == PW_NO_COLUMN || ways == view->x) continue;
    view->full_entries[view->n_full] = entries;
    view->full_ways[view->n_full++] = ways;
  }
}

static size_t find_optional(const struct pw_table *table, const char *column)
{
  return column ? pw_table_find(table, column) : PW_NO_COLUMN;
}

static void resolve(struct pw_view *view)
{
  const struct pw_chart *chart = view->chart;
  view->x = find_optional(view->table, chart->x ? chart->x : "trace");
  view->times = find_optional(view->table, chart->x_times);
  view->by = find_optional(view->table, chart->by);
  view->panel = find_optional(view->table, chart->panel);
  view->trace = pw_table_find(view->table, "trace");
  view->accesses = pw_table_find(view->table, "accesses");
  for (; view->n_measures < PW_MAX_MEASURES && chart->y[view->n_measures].column; view->n_measures++) {
    const struct pw_measure *m = &chart->y[view->n_measures];
    view->measure[view->n_measures] = pw_table_find(view->table, m->column);
    view->over[view->n_measures] = find_optional(view->table, m->over);
  }
  struct pw_column_look look = pw_column_look(chart->x ? chart->x : "");
  view->scatter = chart->x && chart->x_scale != PW_SCALE_CATEGORY && look.name && look.depends;
  find_following(view);
  find_fixed(view);
  find_full(view);
}

int pw_view_make(struct pw_view *view, const struct pw_chart *chart, const struct pw_table *table,
                 struct pw_error *err)
{
  struct setting chosen = {0};
  *view = (struct pw_view){.table = table, .chart = chart};
  resolve(view);
  if (pick_usable(view)) {
    pw_view_clear(view);
    return pw_error_set(err, PW_ENOMEM, "chart %s: memory ran out; give fewer rows", chart->name);
  }
  if (view->n_picks) qsort_r(view->picks, view->n_picks, sizeof *view->picks, compare_picks, view);
  if (!choose_setting(view, &chosen)) {
    pw_error_set(err, PW_OK, "it needs rows that differ in %s%s%s%s and agree in the rest of the machine",
                 chart->x ? chart->x : "the machine", chart->min_series > 1 && chart->by ? " and " : "",
                 chart->min_series > 1 && chart->by ? chart->by : "", chart->where ? " (of the kind it shows)" : "");
    pw_view_clear(view);
    return 0;
  }
  view->n_picks = chosen.end - chosen.begin;
  memmove(view->picks, view->picks + chosen.begin, view->n_picks * sizeof *view->picks);
  pw_sort(view->picks, view->n_picks, sizeof *view->picks, compare_rows);
  return 1;
}

void pw_view_clear(struct pw_view *view)
{
  pw_free(view->picks);
  view->picks = NULL;
}
