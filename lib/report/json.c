/* Writes rows as JSON objects with the names of results.csv.
 *
 * What does not apply is null. Bytes that are not UTF-8 become U+FFFD, since
 * JSON can carry nothing else; the CSV keeps them as they are. */
#include <errno.h>
#include <string.h>

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

static void write_value(FILE *out, const struct pw_value *value)
{
  char number[PW_VALUE_BYTES];
  if (value->kind == PW_VALUE_ABSENT) fputs("null", out);
  else if (value->kind == PW_VALUE_TEXT) pw_json_write_text(out, value->text);
  else fputs(pw_value_text(value, number), out);
}

int pw_json_write_row(FILE *out, const char *trace, const struct pw_config *config,
                      const struct pw_result *result, struct pw_error *err)
{
  const char *name;
  for (size_t i = 0; (name = pw_row_column(i)); i++) {
    struct pw_value value = pw_row_value(i, trace, config, result);
    fprintf(out, "%s\"%s\": ", i ? ", " : "{", name);
    write_value(out, &value);
  }
  putc('}', out);
  if (!ferror(out)) return 0;
  return pw_error_set(err, PW_EIO, "a row of results cannot be written: %s; free some room and run again",
                      strerror(errno));
}
