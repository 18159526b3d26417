/* The table of standard charts: a chart is one row here and a template in plots/. */
#ifndef PW_CHARTS_H
#define PW_CHARTS_H

#include <stddef.h>

#include "pagewalk.h"

enum pw_scale {
  PW_SCALE_CATEGORY, /* one place per distinct text */
  PW_SCALE_LINEAR,   /* from 0 */
  PW_SCALE_LOG2,
  PW_SCALE_LOG10,
  PW_SCALE_AUTO,     /* log10 when positive values span two decades, else linear */
};

enum pw_unit {PW_UNIT_PLAIN, PW_UNIT_BYTES, PW_UNIT_PERCENT};

/* What is drawn: a column times `factor`, over another column or over nothing. */
struct pw_measure {
  const char *column;
  const char *over;
  double factor;
  const char *label; /* in the legend, when a chart has several measures */
};

#define PW_MAX_MEASURES 3

struct pw_chart {
  const char *name;     /* also the name of the file */
  const char *mark;     /* a column that only files of its kind have; NULL: as the template says */
  const char *traces;   /* what its column trace holds, if not traces: system's tables are read so that it tells configurations apart; or NULL */
  const char *summary;  /* one line for listings */
  const char *title;
  const char *template_name;
  const char *x;        /* column; NULL: machines, that is one place per configuration */
  const char *x_times;  /* a column that x is multiplied by: frames times page size are bytes; or NULL */
  enum pw_scale x_scale;
  struct pw_measure y[PW_MAX_MEASURES]; /* more than one: each is a series */
  const char *y_title;
  enum pw_scale y_scale;
  enum pw_unit y_unit;
  const char *by;       /* column whose values are the series, or NULL */
  const char *panel;    /* column whose values are the panels, or NULL */
  bool gathered;        /* of a few panels with one series each, the panels become the series */
  bool sorted;          /* places by falling y of the first series */
  bool common_x;        /* only the x that every series has, so that lines compare */
  const char *where;    /* "column=pattern" or "column!pattern": rows to take, or NULL */
  size_t min_x;         /* left out with fewer distinct x … */
  size_t min_series;    /* … or fewer series */
};

/* A processor that machines are named after: the cell that this column has on it with pages of 2^page_shift bytes.
 * Its name, or NULL past the last one. */
struct pw_cell;
struct pw_config_column;
typedef const char *pw_processor_fn(size_t index, unsigned page_shift, const struct pw_config_column *column,
                                    struct pw_cell *cell);

/* pw_charts_draw, with the processors that there are. */
int pw_draw_charts(const char *const *csv_paths, size_t n_paths, const struct pw_chart_options *options,
                   pw_processor_fn *processor, struct pw_error *err);

extern const struct pw_chart pw_chart_table[];
extern const size_t pw_chart_count;

#endif
