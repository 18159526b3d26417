/* How columns look on a chart: titles, units, values for people, tick marks. */
#ifndef PW_AXES_H
#define PW_AXES_H

#include "base/text.h"
#include "report/charts.h"
#include "report/csvread.h"

/* What a column's value depends on, one bit per part of a machine. Parts that
 * a chart's measure does not depend on need not be held fixed. */
enum {
  PW_MODEL_PAGE = 1 << 0,
  PW_MODEL_TABLE = 1 << 1,
  PW_MODEL_ITLB = 1 << 2,
  PW_MODEL_DTLB = 1 << 3,
  PW_MODEL_STLB = 1 << 4,
  PW_MODEL_MEMORY = 1 << 5,
  PW_MODEL_ALL = (1 << 6) - 1,
};

struct pw_column_look {
  const char *name;
  const char *title;
  enum pw_unit unit;
  enum pw_scale scale; /* as an x axis */
  unsigned depends;    /* of a measured column; 0 for configuration */
};

/* NULL for a column that is not one of results.csv. */
const struct pw_column_look *pw_column_look(const char *column);

/* The columns that make a configuration, with the value the default machine has. */
struct pw_config_column {
  const char *name;
  unsigned part;
  const char *usual;
  const char *also; /* a second value that is as usual, or NULL */
};

#define PW_CONFIG_COLUMNS 14 /* the last is of curves, not of results */
extern const struct pw_config_column pw_config_columns[PW_CONFIG_COLUMNS];

/* "64 MiB", "4 KiB", "1536": exact where short, at most three digits otherwise. */
void pw_text_bytes(char *text, size_t n_text, double bytes);
void pw_text_number(char *text, size_t n_text, double number, enum pw_unit unit);
/* Adds a cell of a column as a person says it: "2 MiB", "full", "4-way". */
void pw_text_cell(struct pw_text *text, const char *column, const char *cell);

#define PW_MAX_TICKS 32

struct pw_tick {
  double at;
  char label[24];
};

struct pw_axis {
  char title[160];
  enum pw_scale scale; /* never PW_SCALE_AUTO once placed */
  enum pw_unit unit;
  double min, max;     /* the range drawn */
  double floor, least; /* on a log axis: what is below `least` is drawn at `floor`; else 0 */
  bool headroom;       /* what reaches the top of it would look cut off */
  bool footroom;       /* bars: the least still has some height */
  double tlb_sizes;    /* not 0: ticks at common TLB sizes, named where so many characters have room */
  size_t n_ticks;
  struct pw_tick ticks[PW_MAX_TICKS];
};

/* Settles scale, range and ticks of a numeric axis for n sorted values. */
void pw_axis_place(struct pw_axis *axis, const double *sorted, size_t n, size_t max_ticks);

#endif
