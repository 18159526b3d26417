/* How columns look on a chart: titles, units, values for people, tick marks. */
#ifndef PW_AXES_H
#define PW_AXES_H

#include "base/parameters.h"
#include "base/text.h"
#include "report/charts.h"
#include "report/csvread.h"

struct pw_column_look {
  const char *name;
  const char *title;
  enum pw_unit unit;
  enum pw_scale scale; /* as an x axis */
  unsigned depends;    /* of a measured column; 0 for configuration */
};

/* Of a column that none of our files has: no name, itself as title, and it may depend on all. */
struct pw_column_look pw_column_look(const char *column);

/* The columns that make a configuration: those of the parameters, and "of" of curves, whose parameter is NULL. */
struct pw_config_column {
  const struct pw_parameter *parameter;
  unsigned part;
  const struct pw_parameter_column *column;
};

#define PW_CONFIG_COLUMNS (3 * PW_PARAMETERS_MOST + 1) /* at most */
/* Column number `index`; false past the end. */
bool pw_config_column(struct pw_config_column *column, size_t index);

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
