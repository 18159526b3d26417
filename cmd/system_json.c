/* The tables of `pagewalk system` as JSON: an object a row, with the columns of the CSV. See system_json.h.
 *
 * The rows are those that the library writes as CSV, so that both always agree. A cell that is a whole number is a number. */
#include "system_json.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"

/* Takes the next cell out of a line of CSV, unquoted in place; *text is behind it afterwards, NULL at the end of the line. */
static char *next_cell(char **text, char **line_end)
{
  char *cell = *text, *to = cell, *at = cell;
  bool quoted = *at == '"';
  for (at += quoted; *at; at++) {
    if (quoted && *at == '"' && at[1] != '"') {
      quoted = false;
      continue;
    }
    if (quoted && *at == '"') at++;
    else if (!quoted && (*at == ',' || *at == '\n' || *at == '\r')) break;
    *to++ = *at;
  }
  while (*at == '\r') at++;
  bool last = *at != ',';
  char *rest = *at ? at + 1 : at;
  *to = '\0';
  *text = last ? NULL : rest;
  if (last) *line_end = rest;
  return cell;
}

static bool is_number(const char *cell)
{
  size_t n = cell[0] == '-';
  if (!cell[n] || (cell[n] == '0' && cell[n + 1])) return false;
  while (isdigit((unsigned char)cell[n])) n++;
  return !cell[n];
}

static void put_rows(FILE *out, const char *header, char *rows, size_t *n)
{
  while (*rows) {
    char *names = heap_text("%s", header), *name = names, *cell = rows, *ignored;
    fprintf(out, "%s\n    {", (*n)++ ? "," : "");
    for (size_t i = 0; name && cell; i++) {
      fputs(i ? ", " : "", out);
      pw_json_write_text(out, next_cell(&name, &ignored));
      fputs(": ", out);
      const char *value = next_cell(&cell, &rows);
      if (is_number(value)) fputs(value, out);
      else pw_json_write_text(out, value);
    }
    fputc('}', out);
    free(names);
  }
}

/* What a writer of CSV writes, as text; NULL after an error. */
static char *written(enum pw_system_table table, const struct pw_system_config *config, const struct pw_system_result *result, struct pw_error *err)
{
  char *text = NULL;
  size_t n = 0;
  FILE *stream = open_memstream(&text, &n);
  int status = !stream ? PW_ENOMEM : config ? pw_system_csv_rows(stream, table, config, result, err) : pw_system_csv_header(stream, table, err);
  if (stream && fclose(stream)) status = PW_ENOMEM;
  if (status == PW_ENOMEM) pw_error_set(err, PW_ENOMEM, "memory ran out for the rows of the system");
  if (!status) return text;
  free(text);
  return NULL;
}

int system_json_rows(FILE *out, enum pw_system_table table, const struct pw_system_config *config, const struct pw_system_result *result,
                     size_t *n, struct pw_error *err)
{
  char *header = written(table, NULL, NULL, err), *rows = header ? written(table, config, result, err) : NULL;
  if (rows) put_rows(out, header, rows, n);
  int status = rows ? 0 : err->status;
  free(header);
  free(rows);
  return status;
}
