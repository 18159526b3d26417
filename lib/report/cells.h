/* Cells: values as text, as a row of CSV or JSON holds them. */
#ifndef PW_CELLS_H
#define PW_CELLS_H

#include "pagewalk.h"

enum pw_cell_kind {PW_CELL_ABSENT, PW_CELL_WORD, PW_CELL_NUMBER};

struct pw_cell {
  enum pw_cell_kind kind;
  const char *word; /* borrowed; of a word */
  char number[32];  /* of a number */
};

struct pw_cell pw_cell_word(const char *word); /* absent for NULL */
struct pw_cell pw_cell_count(uint64_t count);
/* Nine significant digits; absent over 0. */
struct pw_cell pw_cell_rate(uint64_t count, uint64_t over);
/* Absent is "". */
const char *pw_cell_text(const struct pw_cell *cell);

/* A cell of a row and what stands before it; the first one opens the row. */
void pw_csv_cell(FILE *out, const struct pw_cell *cell, bool first);
void pw_json_cell(FILE *out, const char *name, const struct pw_cell *cell, bool first);
/* 0, or PW_EIO for a row of this kind ("results") when something of the file could not be written. */
int pw_row_written(FILE *out, const char *kind, struct pw_error *err);

#endif
