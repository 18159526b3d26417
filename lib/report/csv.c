/* Writes texts as CSV: RFC 4180 quoting. */
#include <string.h>

#include "report/cells.h"

int pw_csv_write_text(FILE *out, const char *text)
{
  if (!text[strcspn(text, ",\"\r\n")]) return fputs(text, out) < 0 ? PW_EIO : 0;
  putc('"', out);
  for (; *text; text++) {
    if (*text == '"') putc('"', out);
    putc(*text, out);
  }
  putc('"', out);
  return ferror(out) ? PW_EIO : 0;
}

void pw_csv_cell(FILE *out, const struct pw_cell *cell, bool first)
{
  if (!first) putc(',', out);
  pw_csv_write_text(out, pw_cell_text(cell));
}
