/* Which rows of a table a chart shows, and what is held fixed meanwhile. */
#ifndef PW_CHARTPICK_H
#define PW_CHARTPICK_H

#include "report/axes.h"
#include "report/charts.h"
#include "report/csvread.h"

/* A row as a chart sees it. A TLB of as many ways as entries is one point of
 * two families, "64-way" and "full": it is picked once for each. */
struct pw_pick {
  size_t row;
  bool full;
};

struct pw_view {
  const struct pw_table *table;
  const struct pw_chart *chart;
  size_t x, times, by, panel;           /* columns of the table, or PW_NO_COLUMN */
  size_t trace, accesses;
  size_t n_measures;
  size_t measure[PW_MAX_MEASURES], over[PW_MAX_MEASURES];
  bool scatter;                         /* x is a measured column: nothing is fixed */
  size_t n_fixed;
  size_t fixed[PW_CONFIG_COLUMNS];      /* numbers of pw_config_column */
  size_t fixed_column[PW_CONFIG_COLUMNS];
  unsigned follows;                     /* parts (TLBs) whose ways vary with the entries shown */
  size_t n_full;                        /* TLBs whose entries vary on this chart */
  size_t full_entries[PW_PARAMETERS_MOST], full_ways[PW_PARAMETERS_MOST];
  struct pw_pick *picks;                /* in order of rows */
  size_t n_picks, capacity;
};

/* Picks the rows of the best setting: 1, 0 with a reason in err, or a status. */
int pw_view_make(struct pw_view *view, const struct pw_chart *chart, const struct pw_table *table,
                 struct pw_error *err);
void pw_view_clear(struct pw_view *view);

/* A cell as this pick shows it ("full" in place of a number of ways). */
const char *pw_view_cell(const struct pw_view *view, const struct pw_pick *pick, size_t column);
/* True when the row's TLB, whose ways column this is, has one set only. */
bool pw_view_is_full(const struct pw_view *view, size_t row, size_t ways_column);
/* What x is multiplied by on a row, 1 if by nothing. */
double pw_view_times(const struct pw_view *view, size_t row);
/* The value of a measure on a row; false when it does not apply. */
bool pw_view_value(const struct pw_view *view, size_t row, size_t measure, double *value);

#endif
