/* CSV whose header row names its columns, in any order and any case.
 *
 *     addr (or address)  needed; hexadecimal with 0x, decimal without. Letters
 *                        without 0x are refused: such a column would also hold
 *                        numbers that look decimal and are not.
 *     op                 R W I M, L S, or read load write store fetch modify rd wr ld st … in
 *                        any case (pw_op_of_word). It may be absent only where every other column is
 *                        one of these: then all accesses are loads.
 *     size               bytes; without it, or empty, unknown
 *     tid, pid           thread and process; without them, or empty, 0
 *
 * A row may also be an event (op map, unmap, protect, discard, move, fork, exec, exit, advise,
 * kernel-read, kernel-write): fmt_csv_events.c, with the columns offset, arg and name.
 *
 * Where there is no such column, those that others call so are taken: vaddr, virtual address; operation, type, access
 * type, rw, cmd; bytes, length; thread; process, and the like. Other columns are ignored. Quoting is that of RFC 4180; a quoted field may hold
 * commas, doubled quotes and line breaks. Blank lines are skipped, blanks around
 * an unquoted field too, and a byte order mark in front of the header.
 *
 * The parser's state holds the number of columns (0 = no header yet) and, from
 * the second word on, one byte a column that says what it is. */
#include "trace/fmt_csv.h"

enum role { OTHER = PW_CSV_OTHER, ADDRESS, OP, SIZE, TID, PID, OFFSET, ARG, NAME, ROLES };

#define MAX_COLUMNS ((sizeof(uint64_t[64]) - sizeof(uint64_t)))

static unsigned char *roles(struct pw_parser *parser)
{
  return (unsigned char *)(parser->state + 1);
}

/* A byte order mark may stand before the header. */
static const unsigned char *skip_mark(const unsigned char *at, const unsigned char *end)
{
  return end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0 ? at + 3 : at;
}

/* Takes the field at `at`: the comma or record end behind it, or NULL. */
static const unsigned char *take_field(const unsigned char *at, const unsigned char *end, struct pw_csv_field *field,
                                       const char **why)
{
  if (at < end && *at == '"') {
    field->at = ++at;
    while (at < end && (*at != '"' || (end - at >= 2 && at[1] == '"'))) at += *at == '"' ? 2 : 1;
    field->end = at;
    if (at < end && (at + 1 == end || at[1] == ',')) return at + 1;
    *why = at < end ? "something follows a closing quote" : "a closing quote is missing";
    return NULL;
  }
  field->at = at;
  for (; at < end && *at != ','; at++)
    if (*at == '"') {
      *why = "a quote stands inside an unquoted field";
      return NULL;
    }
  field->at = pw_skip_blanks(field->at, at);
  field->end = at;
  while (field->end > field->at && pw_is_blank(field->end[-1])) field->end--;
  return at;
}

/* ---- the header row ---- */

/* The column is called so elsewhere. */
#define ALIAS 0x80

static unsigned role_of(const struct pw_csv_field *field)
{
  static const struct {
    const char *name;
    unsigned role;
  } names[] = {{"addr", ADDRESS}, {"address", ADDRESS}, {"op", OP}, {"size", SIZE}, {"tid", TID}, {"pid", PID}, {"offset", OFFSET}, {"arg", ARG}, {"name", NAME},
               {"vaddr", ADDRESS | ALIAS}, {"virtual address", ADDRESS | ALIAS}, {"virtual_address", ADDRESS | ALIAS}, {"memory address", ADDRESS | ALIAS},
               {"mem_addr", ADDRESS | ALIAS}, {"data address", ADDRESS | ALIAS}, {"operation", OP | ALIAS}, {"type", OP | ALIAS}, {"access type", OP | ALIAS},
               {"access_type", OP | ALIAS}, {"access", OP | ALIAS}, {"rw", OP | ALIAS}, {"r/w", OP | ALIAS}, {"read/write", OP | ALIAS}, {"cmd", OP | ALIAS},
               {"command", OP | ALIAS}, {"bytes", SIZE | ALIAS}, {"length", SIZE | ALIAS}, {"access size", SIZE | ALIAS}, {"access_size", SIZE | ALIAS},
               {"thread", TID | ALIAS}, {"thread_id", TID | ALIAS}, {"thread id", TID | ALIAS}, {"process", PID | ALIAS}, {"process_id", PID | ALIAS}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (pw_csv_is(field, names[i].name)) return names[i].role;
  return OTHER;
}

/* Names become roles: an alias counts where no column has the name itself; and where both the address and the op have theirs, sizes, threads and processes
 * that are called otherwise are other things. Which roles there are; others: so many columns of none, or of events. False: one is named twice. */
static bool settle_roles(unsigned char *of, size_t n, bool has[ROLES], size_t *others)
{
  for (size_t i = 0; i < n; i++) {
    if (of[i] & ALIAS || of[i] == OTHER) continue;
    if (has[of[i]]) return false;
    has[of[i]] = true;
  }
  bool ours = has[ADDRESS] && has[OP];
  *others = 0;
  for (size_t i = 0; i < n; i++) {
    unsigned char role = of[i] & (unsigned char)~ALIAS;
    if (of[i] & ALIAS) of[i] = has[role] || ours ? OTHER : role;
    has[of[i]] |= of[i] != OTHER;
    *others += of[i] == OTHER || of[i] >= OFFSET;
  }
  return true;
}

/* 0, or PW_LINE_BAD with the reason. */
static int take_header(struct pw_parser *parser, const unsigned char *at, const unsigned char *end, const char **why)
{
  bool has[ROLES] = {false};
  size_t n = 0, others;
  for (at = skip_mark(at, end);; at++) {
    struct pw_csv_field field;
    at = take_field(at, end, &field, why);
    if (!at) return PW_LINE_BAD;
    *why = "it has too many columns";
    if (n == MAX_COLUMNS) return PW_LINE_BAD;
    roles(parser)[n++] = (unsigned char)role_of(&field);
    if (at == end) break;
  }
  *why = "it names a column twice";
  if (!settle_roles(roles(parser), n, has, &others)) return PW_LINE_BAD;
  *why = "no column is named addr or address";
  if (!has[ADDRESS]) return PW_LINE_BAD;
  parser->state[0] = n;
  /* a column that says it in words of its own, taken for a remark, would turn every store into a load */
  *why = "it has other columns but none named op";
  return others && !has[OP] ? PW_LINE_BAD : 0;
}

/* ---- rows ---- */

static int take_op(const struct pw_csv_field *field, uint64_t *op, const char **why)
{
  enum pw_op known;
  *why = "its op is none of R, W, I, M, read, write, load, store, fetch, modify, and events such as map and fork";
  if (!pw_op_of_word(field->at, field->end, &known)) return PW_LINE_BAD;
  *op = known;
  return 0;
}

static int take_number(const struct pw_csv_field *field, uint64_t *value, const char **why)
{
  bool hex = field->end - field->at > 2 && field->at[0] == '0' && (field->at[1] | 0x20) == 'x';
  const unsigned char *at = hex ? pw_parse_hex(field->at + 2, field->end, value, why)
                                : pw_parse_decimal(field->at, field->end, value, why);
  if (at == field->end) return 0;
  if (at) *why = hex ? "a number holds something else" : "a number is not decimal (write hexadecimal with 0x)";
  return PW_LINE_BAD;
}

/* A number that may be absent: then 0. */
static int take_optional(const struct pw_csv_field *field, uint64_t *value, const char **why)
{
  *value = 0;
  return field->at == field->end ? 0 : take_number(field, value, why);
}

/* Who runs: of threads and processes, without a column 0. */
static int take_who(const struct pw_csv_field fields[ROLES], uint64_t *tid, uint64_t *pid, const char **why)
{
  if (take_optional(&fields[TID], tid, why) < 0 || take_optional(&fields[PID], pid, why) < 0) return PW_LINE_BAD;
  *why = "a tid or pid has more than 32 bits";
  return *tid > UINT32_MAX || *pid > UINT32_MAX ? PW_LINE_BAD : 0;
}

static int take_fields(const struct pw_parser *parser, const unsigned char *at, const unsigned char *end,
                       struct pw_csv_field fields[ROLES], const char **why)
{
  for (size_t i = 0;; i++, at++) {
    struct pw_csv_field field;
    at = take_field(at, end, &field, why);
    if (!at) return PW_LINE_BAD;
    if (i < parser->state[0]) fields[((const unsigned char *)(parser->state + 1))[i]] = field;
    if (at < end) continue;
    *why = "it has not as many fields as the header";
    return i + 1 != parser->state[0] ? PW_LINE_BAD : 0;
  }
}

static int take_event(const struct pw_csv_field fields[ROLES], const struct pw_csv_event *kind, struct pw_batch *batch,
                      const char **why)
{
  struct pw_csv_row row = {.name = fields[NAME], .arg = fields[ARG], .has_address = fields[ADDRESS].at < fields[ADDRESS].end};
  uint64_t tid = 0, pid = 0;
  if (take_optional(&fields[ADDRESS], &row.address, why) < 0 || take_optional(&fields[SIZE], &row.bytes, why) < 0 ||
      take_optional(&fields[OFFSET], &row.offset, why) < 0 || take_who(fields, &tid, &pid, why) < 0)
    return PW_LINE_BAD;
  if (fields[ARG].at < fields[ARG].end && take_number(&fields[ARG], &row.number, why) == 0) row.has_number = true;
  size_t from = batch->n_events;
  int status = pw_csv_event(kind, &row, batch, why);
  if (status) return status;
  for (; from < batch->n_events; from++) {
    batch->events[from].before = batch->n;
    batch->events[from].pid = (uint32_t)pid;
    batch->events[from].tid = (uint32_t)tid;
  }
  return 0;
}

/* How many accesses, 0 for an event, PW_LINE_BAD, or PW_CSV_FULL. */
static int take_row(struct pw_parser *parser, const unsigned char *at, const unsigned char *end,
                    struct pw_batch *batch, const char **why)
{
  struct pw_csv_field fields[ROLES] = {{0}};
  uint64_t op = PW_LOAD, address = 0, size = 0, tid = 0, pid = 0;
  struct pw_access *out = batch->accesses + batch->n;
  if (take_fields(parser, at, end, fields, why) < 0) return PW_LINE_BAD;
  if (fields[OP].at && take_op(&fields[OP], &op, why) < 0) {
    const struct pw_csv_event *event = pw_csv_event_find(&fields[OP]);
    return event ? take_event(fields, event, batch, why) : PW_LINE_BAD;
  }
  if (take_number(&fields[ADDRESS], &address, why) < 0 || take_optional(&fields[SIZE], &size, why) < 0 || take_who(fields, &tid, &pid, why) < 0)
    return PW_LINE_BAD;
  int got = pw_line_access(out, (enum pw_op)op, address, size, why);
  out->pid = (uint32_t)pid;
  out->tid = (uint32_t)tid;
  return got;
}

/* The newline that ends the record at `at` (quoted ones do not), or NULL. As in
 * take_field, a quote opens only where a field begins: a stray one inside a field
 * must not draw the lines behind it into a record that is bad. */
static const unsigned char *find_end(const unsigned char *at, const unsigned char *end, uint64_t *lines)
{
  const unsigned char *newline = memchr(at, '\n', (size_t)(end - at));
  *lines = 1;
  if (!memchr(at, '"', (size_t)((newline ? newline : end) - at))) return newline;
  bool quoted = false, may_open = true; /* also behind a quote that closed: it was doubled */
  for (at = skip_mark(at, end); at < end; at++) {
    if (*at == '\n' && !quoted) return at;
    *lines += *at == '\n' && at + 1 < end; /* the last newline begins no line */
    if (*at == '"' && quoted) quoted = false, may_open = true;
    else if (*at == '"') quoted = may_open;
    else may_open = !quoted && *at == ',';
  }
  return NULL;
}

static int no_room(const struct pw_parser *parser, const struct pw_batch *batch, struct pw_error *err)
{
  if (!batch->texts->full) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out for the names in its events", parser->path);
  return pw_error_set(err, PW_EUNSUPPORTED, "%s: the names in its events take more than %zu MiB, which is more than is kept of a trace; "
                      "shorten them", parser->path, PW_MOST_TEXT_BYTES >> 20);
}

static int take_record(struct pw_parser *parser, const unsigned char *at, const unsigned char *end, uint64_t lines,
                       struct pw_batch *batch, struct pw_error *err)
{
  const char *why = "it does not parse";
  if (pw_skip_blanks(at, end) == end) return 0;
  if (parser->state[0] == 0) {
    if (take_header(parser, at, end, &why) == 0) return 0;
    return pw_error_set(err, PW_EFORMAT, "%s: line %llu is no CSV header: %s; give it a row such as "
                        "addr,op,size,tid,pid", parser->path, (unsigned long long)parser->line, why);
  }
  int got = take_row(parser, at, end, batch, &why);
  if (got >= 0) batch->n += (size_t)got;
  else if (got == PW_CSV_FULL) return no_room(parser, batch, err);
  else if (parser->skip_bad) parser->bad_lines += lines;
  else return pw_line_error(parser, "CSV", at, end, why, err);
  return 0;
}

static int64_t csv_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last,
                         struct pw_batch *batch, struct pw_error *err)
{
  const unsigned char *at = bytes, *end = bytes + n;
  while (at < end && batch->room - batch->n >= PW_RECORD_ACCESSES &&
         batch->room - batch->n_events >= PW_RECORD_ACCESSES) {
    uint64_t lines;
    const unsigned char *newline = find_end(at, end, &lines);
    const unsigned char *stop = newline ? newline : end;
    if ((size_t)(stop - at) > PW_LINE_MAX_BYTES) return pw_line_too_long(parser, err);
    if (!newline && !last) break;
    int status = take_record(parser, at, pw_drop_return(at, stop), lines, batch, err);
    if (status < 0) return status;
    parser->line += lines;
    at = newline ? newline + 1 : end;
  }
  return at - bytes;
}

static int csv_bid(const unsigned char *bytes, size_t n, bool whole)
{
  struct pw_parser parser = {.line = 1};
  const unsigned char *at = bytes, *end = bytes + n;
  while (at < end) {
    uint64_t lines;
    const char *why;
    const unsigned char *newline = find_end(at, end, &lines);
    if (!newline && !whole) return 0;
    const unsigned char *stop = pw_drop_return(at, newline ? newline : end);
    if (pw_skip_blanks(at, stop) != stop) {
      take_header(&parser, at, stop, &why); /* one that is good but for its op is named when it is read */
      return parser.state[0] ? 85 : 0;
    }
    at = newline ? newline + 1 : end;
  }
  return 0;
}

const struct pw_format pw_format_csv = {
    .name = "csv",
    .summary = "CSV with a header row: addr, op, size, tid, pid in any order; rows may be events",
    .bid = csv_bid,
    .parse = csv_parse,
};
