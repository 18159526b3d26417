/* Cells: values as text. See cells.h. */
#include "report/cells.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct pw_cell pw_cell_word(const char *word)
{
  return (struct pw_cell){.kind = word ? PW_CELL_WORD : PW_CELL_ABSENT, .word = word};
}

struct pw_cell pw_cell_count(uint64_t count)
{
  struct pw_cell cell = {.kind = PW_CELL_NUMBER};
  snprintf(cell.number, sizeof cell.number, "%" PRIu64, count);
  return cell;
}

struct pw_cell pw_cell_rate(uint64_t count, uint64_t over)
{
  struct pw_cell cell = {.kind = over ? PW_CELL_NUMBER : PW_CELL_ABSENT};
  if (over) snprintf(cell.number, sizeof cell.number, "%.9g", (double)count / (double)over);
  return cell;
}

const char *pw_cell_text(const struct pw_cell *cell)
{
  return cell->kind == PW_CELL_WORD ? cell->word : cell->number;
}

int pw_row_written(FILE *out, const char *kind, struct pw_error *err)
{
  if (!ferror(out)) return 0;
  return pw_error_set(err, PW_EIO, "a row of %s cannot be written: %s; free some room and run again", kind, strerror(errno));
}
