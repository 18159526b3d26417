/* The distinct values of a column among a chart's rows: its panels, series or places. */
#ifndef PW_NAMES_H
#define PW_NAMES_H

#include "report/chartpick.h"

struct pw_name {
  const char *cell;
  double accesses;     /* of the largest row; only of traces */
  const char *first_x; /* of its first pick */
  bool varies;         /* another pick has another x */
  size_t order;        /* of appearance */
};

struct pw_names {
  struct pw_name *name;
  size_t n, capacity;
};

/* Adds every distinct value of a column among the view's picks; 0 or -1. */
int pw_names_collect(struct pw_names *names, const struct pw_view *view, size_t column);
struct pw_name *pw_names_find(const struct pw_names *names, const char *cell);

/* Sorts numbers, and what starts with one, by size; words stay in order behind them. */
void pw_names_sort(struct pw_names *names);
/* Keeps the first `most`, or of traces those with most accesses, and notes it. */
void pw_names_keep(struct pw_names *names, size_t most, const char *column, char *note, size_t n_note);

/* Drops the series that have one x only, when others have more. */
void pw_names_drop_single(struct pw_names *series);
/* Of the places keeps those that every series has, unless they are less than two, and notes it. 0 or -1. */
int pw_names_keep_common(struct pw_names *places, const struct pw_names *series, const struct pw_view *view, char *note,
                         size_t n_note);
/* For series that are ways over places that are entries: settles what to do with
 * "full", and drops places that few series reach if `sparse`. 0 or -1. */
int pw_names_settle_ways(struct pw_names *series, struct pw_names *places, const struct pw_view *view, bool sparse);

#endif
