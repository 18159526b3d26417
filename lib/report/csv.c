/* Writes results.csv: RFC 4180 quoting, lines that end in \n, no comment lines. */
#include <errno.h>
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

static int written(FILE *out, struct pw_error *err)
{
  if (!ferror(out)) return 0;
  return pw_error_set(err, PW_EIO, "a row of results cannot be written: %s; free some room and run again",
                      strerror(errno));
}

int pw_csv_write_header(FILE *out, struct pw_error *err)
{
  const char *name;
  for (size_t i = 0; (name = pw_row_column(i)); i++) {
    if (i) putc(',', out);
    fputs(name, out);
  }
  putc('\n', out);
  return written(out, err);
}

int pw_csv_write_row(FILE *out, const char *trace, const struct pw_config *config,
                     const struct pw_result *result, struct pw_error *err)
{
  for (size_t i = 0; pw_row_column(i); i++) {
    char number[PW_VALUE_BYTES];
    struct pw_value value = pw_row_value(i, trace, config, result);
    if (i) putc(',', out);
    pw_csv_write_text(out, pw_value_text(&value, number));
  }
  putc('\n', out);
  return written(out, err);
}
