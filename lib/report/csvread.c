/* Reads CSV (RFC 4180: quotes, doubled quotes, line breaks inside quotes) by column name.
 *
 * A file is read whole and cut up in place: unquoting only ever shortens a
 * field, so cells are pointers into the file's own text and cost nothing more.
 * Files join by the names of their columns, in any order, with any extras.
 *
 * Invariant: every column holds n_rows cells; a column that comes late is
 * filled with "" for the rows before it. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/csvread.h"

struct cutter {
  const char *path;
  char *at;    /* next byte; the text ends in a NUL at `end` */
  char *end;
  size_t line; /* of `at`, from 1 */
  bool more;   /* the last field was followed by a comma */
};

static int malformed(const struct cutter *c, const char *what, struct pw_error *err)
{
  return pw_error_set(err, PW_EFORMAT, "%s, line %zu: %s; mend that line or make the file again", c->path, c->line,
                      what);
}

static int no_memory(const char *path, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out while reading; give fewer or smaller CSV files", path);
}

/* Reads the whole file into *whole, with a NUL behind it that *n_bytes does not count. */
static int read_whole(const char *path, char **whole, size_t *n_bytes, struct pw_error *err)
{
  int status = 0;
  FILE *in = fopen(path, "rbe");
  char *text = NULL;
  size_t capacity = 0, n = 0;
  bool room = true;
  if (in) {
    while ((room = pw_grow((void **)&text, &capacity, n + 65536, 1) == 0)) {
      size_t got = fread(text + n, 1, capacity - n - 1, in);
      n += got;
      if (got == 0) break;
    }
  }
  if (!in || !room || ferror(in)) {
    if (!room) status = no_memory(path, err);
    else
      status = pw_error_set(err, PW_EIO, "%s cannot be read: %s; name a CSV file such as results.csv", path,
                            strerror(errno));
    pw_free(text);
  } else {
    text[n] = 0;
    *whole = text;
  }
  if (in) fclose(in);
  *n_bytes = n;
  return status;
}

/* Cuts a quoted field whose opening quote was passed; *close is behind the last byte kept. */
static int cut_quoted(struct cutter *c, char **close, struct pw_error *err)
{
  char *to = c->at;
  size_t opened = c->line;
  for (;; c->at++) {
    if (c->at == c->end) {
      c->line = opened;
      return malformed(c, "a quoted field is never closed", err);
    }
    if (*c->at == '\n') c->line++;
    if (*c->at == '"' && *++c->at != '"') break;
    *to++ = *c->at;
  }
  *close = to;
  return 0;
}

/* Cuts the next field out of the text and passes the comma or line end behind it. */
static int cut_field(struct cutter *c, const char **field, struct pw_error *err)
{
  char *close = c->at;
  bool quoted = *c->at == '"';
  if (quoted) {
    *field = ++c->at;
    int status = cut_quoted(c, &close, err);
    if (status) return status;
  } else {
    *field = c->at;
    c->at += strcspn(c->at, ",\"\r\n");
    close = c->at;
  }
  char next = *c->at;
  if (next == '\r' && c->at[1] == '\n') next = *++c->at;
  if (c->at == c->end) {
    c->more = false;
    *close = 0;
    return 0;
  }
  if (next != ',' && next != '\n')
    return malformed(c, quoted ? "text follows a closing quote" : "a quote, a NUL or a lone CR inside a field", err);
  c->more = next == ',';
  if (next == '\n') c->line++;
  c->at++;
  *close = 0;
  return 0;
}

/* True when `field` is the whole of an empty line. */
static bool blank(const struct cutter *c, const char *field, size_t n_fields)
{
  return n_fields == 0 && !*field && !c->more;
}

static int add_column(struct pw_table *t, const char *name, size_t *column)
{
  *column = pw_table_find(t, name);
  if (*column != PW_NO_COLUMN) return 0;
  if (pw_grow((void **)&t->columns, &t->column_capacity, t->n_columns + 1, sizeof *t->columns)) return -1;
  struct pw_table_column new = {.name = name};
  if (pw_grow((void **)&new.cell, &new.capacity, t->n_rows, sizeof *new.cell)) return -1;
  for (size_t i = 0; i < t->n_rows; i++) new.cell[i] = "";
  *column = t->n_columns;
  t->columns[t->n_columns++] = new;
  return 0;
}

/* Columns are looked for one by one, in a few names. */
enum {MOST_COLUMNS = 512};

/* Reads the header: map[i] is the table's column for the file's field i. */
static int read_header(struct pw_table *t, struct cutter *c, size_t **map, size_t *n_map, struct pw_error *err)
{
  size_t capacity = 0;
  if (c->at == c->end)
    return pw_error_set(err, PW_EFORMAT, "%s is empty: it needs a header line that names the columns", c->path);
  do {
    const char *name;
    size_t line = c->line, column;
    int status = cut_field(c, &name, err);
    if (status) return status;
    if (*n_map == MOST_COLUMNS)
      return pw_error_set(err, PW_EFORMAT,
                          "%s, line %zu: it names more than %d columns, and no table for charts has so many; cut them",
                          c->path, line, MOST_COLUMNS);
    if (pw_grow((void **)map, &capacity, *n_map + 1, sizeof **map) || add_column(t, name, &column))
      return no_memory(c->path, err);
    for (size_t i = 0; i < *n_map; i++)
      if ((*map)[i] == column)
        return pw_error_set(err, PW_EFORMAT, "%s, line %zu: column '%s' stands there twice; rename one", c->path, line,
                            name);
    (*map)[(*n_map)++] = column;
  } while (c->more);
  return 0;
}

static int start_row(struct pw_table *t)
{
  for (size_t i = 0; i < t->n_columns; i++) {
    struct pw_table_column *column = &t->columns[i];
    if (pw_grow((void **)&column->cell, &column->capacity, t->n_rows + 1, sizeof *column->cell)) return -1;
    column->cell[t->n_rows] = "";
  }
  return 0;
}

static int read_rows(struct pw_table *t, struct cutter *c, const size_t *map, size_t n_map, struct pw_error *err)
{
  while (c->at < c->end) {
    size_t n = 0, line = c->line;
    if (start_row(t)) return no_memory(c->path, err);
    do {
      const char *field;
      int status = cut_field(c, &field, err);
      if (status) return status;
      if (blank(c, field, n) && n_map > 1) break;
      if (n < n_map) t->columns[map[n]].cell[t->n_rows] = field;
      n++;
    } while (c->more);
    if (n == 0) continue;
    if (n != n_map)
      return pw_error_set(err, PW_EFORMAT,
                          "%s, line %zu: %zu fields where the header names %zu; mend that line or make the file again",
                          c->path, line, n, n_map);
    t->n_rows++;
  }
  return 0;
}

static bool has(const struct pw_table *t, const size_t *map, size_t n_map, const char *name)
{
  size_t column = pw_table_find(t, name);
  for (size_t i = 0; i < n_map; i++)
    if (map[i] == column) return true;
  return false;
}

static int check_needed(const struct pw_table *t, const char *path, const size_t *map, size_t n_map,
                        const struct pw_table_kind *kind, struct pw_error *err)
{
  for (size_t i = 0; i < kind->n_needed; i++)
    if (!has(t, map, n_map, kind->needed[i]))
      return pw_error_set(err, PW_EFORMAT, "%s has no column '%s'; name columns that its header line has", path,
                          kind->needed[i]);
  return 0;
}

int pw_table_add(struct pw_table *table, const char *path, const char *const *needed, size_t n_needed,
                 struct pw_error *err)
{
  size_t kind;
  return pw_table_add_kind(table, path, &(struct pw_table_kind){NULL, needed, n_needed}, &kind, err);
}

int pw_table_add_kind(struct pw_table *table, const char *path, const struct pw_table_kind *kinds, size_t *kind,
                      struct pw_error *err)
{
  size_t n_bytes, *map = NULL, n_map = 0;
  char *text = NULL;
  int status = read_whole(path, &text, &n_bytes, err);
  if (status) return status;
  if (pw_grow((void **)&table->buffers, &table->buffer_capacity, table->n_buffers + 1, sizeof *table->buffers)) {
    pw_free(text);
    return no_memory(path, err);
  }
  table->buffers[table->n_buffers++] = text;
  struct cutter c = {.path = path, .at = text, .end = text + n_bytes, .line = 1};
  if (n_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) c.at += 3; /* a spreadsheet's byte-order mark */
  status = read_header(table, &c, &map, &n_map, err);
  *kind = 0;
  while (!status && kinds[*kind].mark && !has(table, map, n_map, kinds[*kind].mark)) ++*kind;
  if (!status) status = check_needed(table, path, map, n_map, &kinds[*kind], err);
  if (!status) status = read_rows(table, &c, map, n_map, err);
  pw_free(map);
  return status;
}

void pw_table_clear(struct pw_table *table)
{
  for (size_t i = 0; i < table->n_columns; i++) pw_free(table->columns[i].cell);
  for (size_t i = 0; i < table->n_buffers; i++) pw_free(table->buffers[i]);
  pw_free(table->columns);
  pw_free(table->buffers);
  *table = (struct pw_table){0};
}

size_t pw_table_find(const struct pw_table *table, const char *column)
{
  for (size_t i = 0; i < table->n_columns; i++)
    if (strcmp(table->columns[i].name, column) == 0) return i;
  return PW_NO_COLUMN;
}

const char *pw_table_cell(const struct pw_table *table, size_t row, size_t column)
{
  return column == PW_NO_COLUMN ? "" : table->columns[column].cell[row];
}

bool pw_table_number(const struct pw_table *table, size_t row, size_t column, double *number)
{
  const char *text = pw_table_cell(table, row, column);
  char *rest;
  *number = strtod(text, &rest);
  return rest != text && !*rest && isfinite(*number);
}

int pw_table_traces(const struct pw_table *table, const char *mark, const char ***traces, size_t *n, struct pw_error *err)
{
  size_t trace = pw_table_find(table, "trace"), marked = pw_table_find(table, mark), capacity = 0;
  const char *last = NULL;
  for (size_t row = 0; row < table->n_rows; row++) {
    const char *cell = pw_table_cell(table, row, trace);
    if (!*pw_table_cell(table, row, marked) || (last && strcmp(cell, last) == 0)) continue;
    last = cell;
    size_t i = 0;
    while (i < *n && strcmp((*traces)[i], cell) != 0) i++;
    if (i < *n) continue;
    if (pw_grow((void **)traces, &capacity, *n + 1, sizeof **traces))
      return pw_error_set(err, PW_ENOMEM, "memory ran out for the charts");
    (*traces)[(*n)++] = cell;
  }
  return 0;
}
