/* The distinct values of a column among a chart's rows: its panels, series or places. */
#ifndef PW_DISTINCT_H
#define PW_DISTINCT_H

#include "report/chartpick.h"

struct pw_distinct {
  const char *cell;
  double accesses;     /* of the largest row; only of traces */
  const char *first_x; /* of its first pick */
  bool varies;         /* another pick has another x */
  size_t order;        /* of appearance */
};

struct pw_distincts {
  struct pw_distinct *name;
  size_t n, capacity;
};

/* Adds every distinct value of a column among the view's picks; 0 or -1. */
int pw_distincts_collect(struct pw_distincts *names, const struct pw_view *view, size_t column);
struct pw_distinct *pw_distincts_find(const struct pw_distincts *names, const char *cell);

/* Sorts numbers, and what starts with one, by size; words stay in order behind them. */
void pw_distincts_sort(struct pw_distincts *names);
/* Keeps the first `most`, or of traces those with most accesses, and notes it. called: what a column trace holds, if not traces; or NULL. */
void pw_distincts_keep(struct pw_distincts *names, size_t most, const char *column, const char *called, struct pw_text *note);

/* Drops the series that have one x only, when others have more. */
void pw_distincts_drop_single(struct pw_distincts *series);
/* Of the places keeps those that every series has, unless they are less than two, and notes it. 0 or -1. */
int pw_distincts_keep_common(struct pw_distincts *places, const struct pw_distincts *series, const struct pw_view *view,
                             struct pw_text *note);
/* For series that are ways over places that are entries: settles what to do with
 * "full", and drops places that few series reach if `sparse`. 0 or -1. */
int pw_distincts_settle_ways(struct pw_distincts *series, struct pw_distincts *places, const struct pw_view *view, bool sparse);

#endif
