/* The distinct values of a column among a chart's rows: its panels, series or places.
 *
 * A table that is a union of sweeps holds values that only one of the sweeps
 * reaches. A chart is for what can be compared: what stands alone is dropped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/chartwords.h"
#include "report/distinct.h"

struct pw_distinct *pw_distincts_find(const struct pw_distincts *names, const char *cell)
{
  for (size_t i = 0; i < names->n; i++)
    if (strcmp(names->name[i].cell, cell) == 0) return &names->name[i];
  return NULL;
}

int pw_distincts_collect(struct pw_distincts *names, const struct pw_view *view, size_t column)
{
  for (size_t i = 0; i < view->n_picks; i++) {
    const struct pw_pick *pick = &view->picks[i];
    const char *cell = pw_view_cell(view, pick, column), *x = pw_view_cell(view, pick, view->x);
    struct pw_distinct *name = pw_distincts_find(names, cell);
    double accesses = 0;
    if (!name) {
      if (pw_grow((void **)&names->name, &names->capacity, names->n + 1, sizeof *names->name)) return -1;
      name = &names->name[names->n];
      *name = (struct pw_distinct){.cell = cell, .first_x = x, .order = names->n++};
    }
    if (column == view->trace) pw_table_number(view->table, pick->row, view->accesses, &accesses);
    if (accesses > name->accesses) name->accesses = accesses;
    name->varies |= strcmp(name->first_x, x) != 0;
  }
  return 0;
}

static int by_accesses(const void *left, const void *right)
{
  const struct pw_distinct *a = left, *b = right;
  if (a->accesses != b->accesses) return a->accesses > b->accesses ? -1 : 1;
  return a->order < b->order ? -1 : 1;
}

static int by_order(const void *left, const void *right)
{
  const struct pw_distinct *a = left, *b = right;
  return a->order < b->order ? -1 : a->order > b->order;
}

static int by_size(const void *left, const void *right)
{
  const struct pw_distinct *a = left, *b = right;
  char *rest_a, *rest_b;
  double x = strtod(a->cell, &rest_a), y = strtod(b->cell, &rest_b);
  bool numeric_a = rest_a != a->cell, numeric_b = rest_b != b->cell;
  if (numeric_a != numeric_b) return numeric_a ? -1 : 1;
  if (numeric_a && x != y) return x < y ? -1 : 1;
  return by_order(left, right);
}

void pw_distincts_sort(struct pw_distincts *names)
{
  pw_sort(names->name, names->n, sizeof *names->name, by_size);
}

void pw_distincts_keep(struct pw_distincts *names, size_t most, const char *column, const char *called, struct pw_text *note)
{
  if (names->n <= most) return;
  bool of_trace = column && strcmp(column, "trace") == 0, traces = of_trace && !called && names->name[0].accesses > 0;
  if (traces) pw_words_append(note, "the %zu of %zu traces with most accesses", most, names->n);
  else if (of_trace && called) pw_words_append(note, "the first %zu of %zu %s", most, names->n, called);
  else pw_words_append(note, "the first %zu of %zu values of %s", most, names->n, column ? column : "");
  if (traces) pw_sort(names->name, names->n, sizeof *names->name, by_accesses);
  names->n = most;
  pw_sort(names->name, names->n, sizeof *names->name, by_order);
}

void pw_distincts_drop_single(struct pw_distincts *series)
{
  size_t kept = 0;
  for (size_t i = 0; i < series->n; i++) kept += series->name[i].varies;
  if (kept == 0) return;
  kept = 0;
  for (size_t i = 0; i < series->n; i++)
    if (series->name[i].varies) series->name[kept++] = series->name[i];
  series->n = kept;
}

static bool is_full(const struct pw_distinct *name)
{
  return strcmp(name->cell, "full") == 0;
}

/* Which series reach which places: reached[place * series->n + series]. */
static bool *find_reached(const struct pw_distincts *series, const struct pw_distincts *places, const struct pw_view *view)
{
  bool *reached = pw_calloc(series->n * places->n, sizeof *reached);
  for (size_t i = 0; reached && i < view->n_picks; i++) {
    const struct pw_distinct *by = pw_distincts_find(series, pw_view_cell(view, &view->picks[i], view->by));
    const struct pw_distinct *x = pw_distincts_find(places, pw_view_cell(view, &view->picks[i], view->x));
    if (by && x) reached[(size_t)(x - places->name) * series->n + (size_t)(by - series->name)] = true;
  }
  return reached;
}

int pw_distincts_keep_common(struct pw_distincts *places, const struct pw_distincts *series, const struct pw_view *view,
                             struct pw_text *note)
{
  bool *reached = find_reached(series, places, view);
  size_t n = 0, n_common = 0, all = places->n;
  if (!reached) return -1;
  for (int pass = 0; pass < 2; pass++)
    for (size_t p = 0; p < all; p++) {
      bool *row = &reached[p * series->n], common = memchr(row, false, series->n) == NULL;
      if (pass == 0) n_common += common;
      else if (common && n_common >= 2) places->name[n++] = places->name[p];
    }
  pw_free(reached);
  if (n_common < 2 || n == all) return 0;
  places->n = n;
  pw_words_append(note, "the %zu of %zu sizes that all lines have", n, all);
  return 0;
}

/* Marks the places that at least half as many numbers of ways reach as the best place. */
static void mark_places(const bool *reached, const struct pw_distincts *series, const struct pw_distincts *places, bool sparse,
                        bool *stays)
{
  size_t most = 0;
  for (int pass = 0; pass < 2; pass++)
    for (size_t p = 0; p < places->n; p++) {
      size_t n = 0;
      for (size_t s = 0; s < series->n; s++) n += reached[p * series->n + s] && !is_full(&series->name[s]);
      if (pass == 0 && n > most) most = n;
      if (pass == 1) stays[p] = !sparse || 2 * n >= most;
    }
}

/* Whether a series is kept: "full" where it has enough members; numbers of ways
 * where they have enough, and one that "full" does not show. */
static bool keeps(const bool *reached, const struct pw_distincts *series, const struct pw_distincts *places,
                  const bool *stays, size_t s, bool full_stays, bool sparse)
{
  size_t n = 0, own = 0, all = 0;
  for (size_t p = 0; p < places->n; p++) {
    if (!stays[p]) continue;
    all++;
    if (!reached[p * series->n + s]) continue;
    n++;
    own += strcmp(places->name[p].cell, series->name[s].cell) != 0;
  }
  if (is_full(&series->name[s])) return n >= 2 && 2 * n >= all;
  if (n == 0 || (sparse && 3 * n < all)) return false;
  return own > 0 || !full_stays;
}

int pw_distincts_settle_ways(struct pw_distincts *series, struct pw_distincts *places, const struct pw_view *view, bool sparse)
{
  bool *reached = find_reached(series, places, view), *stays = pw_calloc(places->n, sizeof *stays);
  bool *kept = pw_calloc(series->n, sizeof *kept), full_stays = false;
  size_t n = 0;
  if (reached && stays && kept) {
    mark_places(reached, series, places, sparse, stays);
    for (size_t s = 0; s < series->n; s++)
      if (is_full(&series->name[s])) full_stays = keeps(reached, series, places, stays, s, false, sparse);
    for (size_t s = 0; s < series->n; s++) kept[s] = keeps(reached, series, places, stays, s, full_stays, sparse);
    for (size_t s = 0; s < series->n; s++)
      if (kept[s]) series->name[n++] = series->name[s];
    series->n = n;
    n = 0;
    for (size_t p = 0; p < places->n; p++)
      if (stays[p]) places->name[n++] = places->name[p];
    places->n = n;
  }
  int status = reached && stays && kept ? 0 : -1;
  pw_free(reached);
  pw_free(stays);
  pw_free(kept);
  return status;
}
