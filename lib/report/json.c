/* Writes texts and cells as JSON.
 *
 * What does not apply is null. Bytes that are not UTF-8 become U+FFFD, since
 * JSON can carry nothing else; the CSV keeps them as they are. */
#include "report/cells.h"
#include "report/utf8.h"

int pw_json_write_text(FILE *out, const char *text)
{
  putc('"', out);
  while (*text) {
    size_t n = pw_utf8_length(text);
    unsigned char c = (unsigned char)*text;
    if (n == 0) fputs("\\ufffd", out);
    else if (c == '"' || c == '\\') fprintf(out, "\\%c", c);
    else if (c < 0x20 || c == 0x7f) fprintf(out, "\\u%04x", c);
    else fwrite(text, 1, n, out);
    text += n ? n : 1;
  }
  putc('"', out);
  return ferror(out) ? PW_EIO : 0;
}

void pw_json_cell(FILE *out, const char *name, const struct pw_cell *cell, bool first)
{
  fprintf(out, "%s\"%s\": ", first ? "{" : ", ", name);
  if (cell->kind == PW_CELL_ABSENT) fputs("null", out);
  else if (cell->kind == PW_CELL_WORD) pw_json_write_text(out, cell->word);
  else fputs(cell->number, out);
}
