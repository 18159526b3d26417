/* The columns of results.csv, in the order of the file. */
#ifndef PW_ROWS_H
#define PW_ROWS_H

#include "report/cells.h"

struct pw_column {
  const char *name;
  const struct pw_parameter *parameter; /* or NULL: a count, or the trace where that is NULL too */
  size_t which;                         /* of the parameter's columns */
  const struct pw_count *count;
  size_t next_place, next_count;        /* where the walk goes on in the two tables */
};

/* Begins with a struct of zeros; false past the end. */
bool pw_column_next(struct pw_column *column);
struct pw_cell pw_column_cell(const struct pw_column *column, const char *trace, const struct pw_config *config,
                              const struct pw_result *result);
struct pw_cell pw_parameter_cell(const struct pw_parameter *parameter, size_t which, const struct pw_config *config);
struct pw_cell pw_count_cell(const struct pw_count *count, const struct pw_config *config, const struct pw_result *result);

#endif
