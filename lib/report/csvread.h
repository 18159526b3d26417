/* A table of text read from CSV files, looked up by column name. */
#ifndef PW_CSVREAD_H
#define PW_CSVREAD_H

#include <stddef.h>

#include "pagewalk.h"

struct pw_table_column {
  const char *name;
  const char **cell; /* [n_rows]; "" where a file lacks the column */
  size_t capacity;
};

struct pw_table {
  size_t n_rows;
  size_t n_columns;
  struct pw_table_column *columns;
  size_t column_capacity;
  char **buffers; /* the files' text; names and cells point into it */
  size_t n_buffers;
  size_t buffer_capacity;
};

/* Appends the rows of a CSV file to the table (zero it first), matching columns
 * by name; each of the needed columns must be there. On failure the table may
 * hold part of the file: clear it. */
int pw_table_add(struct pw_table *table, const char *path, const char *const *needed, size_t n_needed,
                 struct pw_error *err);

/* The columns that a kind of file needs; its kind is told by a column that only it has. */
struct pw_table_kind {
  const char *mark; /* NULL: every file */
  const char *const *needed;
  size_t n_needed;
};

/* The same for a file of one of these kinds, the first that fits; *kind says which. */
int pw_table_add_kind(struct pw_table *table, const char *path, const struct pw_table_kind *kinds, size_t *kind,
                      struct pw_error *err);
void pw_table_clear(struct pw_table *table);

#define PW_NO_COLUMN ((size_t)-1)

size_t pw_table_find(const struct pw_table *table, const char *column);
const char *pw_table_cell(const struct pw_table *table, size_t row, size_t column);
/* False when the cell is not a finite number. */
bool pw_table_number(const struct pw_table *table, size_t row, size_t column, double *number);
/* The traces with rows that have this column, in order of appearance (free the list): 0 or a status. */
int pw_table_traces(const struct pw_table *table, const char *mark, const char ***traces, size_t *n, struct pw_error *err);

#endif
