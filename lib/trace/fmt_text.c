/* Text of one access a line, in whatever order and spelling its writer chose.
 *
 *     R 0x1000          0x1000,w,8          3 ld 7f001000 4          0x7ffc10
 *
 * Fields are divided by blanks, commas, semicolons, colons and bars. Which is which is told from the first lines (1000, or what
 * 64 KiB hold) and holds for all: one field is a word for what was done (pw_op_of_word), one the address, others may be a size
 * or, in front, a thread. What is left is ignored. Each of those lines must fit, but for comments (# // % ;), blank lines and a header in
 * front: a reader that takes nearly everything must not take what it does not understand. Addresses are hexadecimal if one of them has 0x or
 * a letter. If none has, nobody can tell: then the file is not recognised, and text-hex or text-dec has to be asked for. Addresses alone are
 * loads. How the file was read is a remark on the trace, so that a wrong guess is seen. */
#include <inttypes.h>
#include <stdio.h>

#include "trace/textline.h"

enum { FIELDS = 8, LEARN_LINES = 1000, LEARN_BYTES = 64 << 10, NONE = FIELDS, MOST_SIZE = 64, MOST_THREAD = 65535 };
enum number { TOLD, HEX, DEC };

/* Kept in the parser's state. */
struct layout {
  uint8_t known, fields, op, address, size, thread, hex, header, guessed; /* guessed: which number the address is */
};

struct field {
  const unsigned char *at, *end;
};

static bool is_divider(unsigned char c)
{
  return pw_is_blank(c) || c == ',' || c == ';' || c == ':' || c == '|';
}

static bool is_comment(const unsigned char *at, const unsigned char *end)
{
  return at == end || *at == '#' || *at == '%' || *at == ';' || (end - at >= 2 && at[0] == '/' && at[1] == '/');
}

/* The first fields of a line: how many. */
static unsigned divide(const unsigned char *at, const unsigned char *end, struct field fields[FIELDS])
{
  unsigned n = 0;
  while (n < FIELDS) {
    while (at < end && is_divider(*at)) at++;
    if (at == end) break;
    fields[n].at = at;
    while (at < end && !is_divider(*at)) at++;
    fields[n++].end = at;
  }
  return n;
}

static bool has_0x(const struct field *f)
{
  return f->end - f->at > 2 && f->at[0] == '0' && (f->at[1] | 0x20) == 'x';
}

static bool number(const struct field *f, bool hex, uint64_t *value)
{
  const char *why;
  const unsigned char *end = hex || has_0x(f) ? pw_parse_0x(f->at, f->end, value, &why) : pw_parse_decimal(f->at, f->end, value, &why);
  return end == f->end;
}

/* ---- which field is what ---- */

/* What holds for one field of all lines. */
struct text_column {
  bool op, prefixed, hex, decimal, letters, rising, counting; /* rising: from line to line; counting: by one */
  size_t longest;
  uint64_t least, most, last; /* as decimal numbers */
};

static void note(struct text_column *c, const struct field *f, bool first)
{
  enum pw_op op;
  uint64_t value;
  size_t n = (size_t)(f->end - f->at);
  c->op &= pw_op_of_word(f->at, f->end, &op);
  c->prefixed &= has_0x(f);
  c->hex &= number(f, true, &value);
  bool decimal = number(f, false, &value) && !has_0x(f);
  c->letters |= !decimal;
  c->decimal &= decimal;
  c->rising &= decimal && (first || value > c->last);
  c->counting &= decimal && (first || value == c->last + 1);
  c->last = decimal ? value : 0;
  if (n > c->longest) c->longest = n;
  if (decimal && value > c->most) c->most = value;
  if (decimal && value < c->least) c->least = value;
}

/* The field that can be the address alone, or NONE. */
static unsigned find_address(const struct text_column *c, unsigned n)
{
  unsigned prefixed = NONE, longest = NONE, numbers = 0;
  for (unsigned i = 0; i < n; i++) {
    if (c[i].prefixed && prefixed != NONE) return NONE; /* the instruction's too: which is which? */
    if (c[i].prefixed) prefixed = i;
    if (!c[i].hex) continue;
    numbers++;
    if (longest == NONE || c[i].longest > c[longest].longest) longest = i;
  }
  for (unsigned i = 0; i < n && prefixed != NONE; i++) /* a longer number without 0x may be the address, and this a size */
    if (i != prefixed && c[i].hex && c[i].longest > 3 && c[i].longest + 2 > c[prefixed].longest) return NONE;
  if (prefixed != NONE || numbers <= 1) return prefixed != NONE ? prefixed : longest;
  for (unsigned i = 0; i < n; i++)
    if (i != longest && c[i].hex && (c[i].longest > 3 || c[longest].longest < 4)) return NONE;
  return longest;
}

static bool lay_out(struct layout *l, const struct text_column *c, unsigned n, unsigned most, unsigned lines, enum number numbers)
{
  *l = (struct layout){.known = 1, .fields = (uint8_t)n, .op = NONE, .size = NONE, .thread = NONE};
  for (unsigned i = n; i-- > 0;)
    if (c[i].op) l->op = (uint8_t)i;
  unsigned address = n ? find_address(c, n) : NONE;
  l->guessed = address == NONE && numbers != TOLD && l->op + 1u < n && c[l->op + 1].hex; /* it was asked for */
  if (l->guessed) address = l->op + 1u;
  if (address == NONE || (l->op == NONE && most > 1)) return false; /* a second field that only some lines have says what they are */
  bool told = c[address].prefixed || c[address].letters;
  if (!told && numbers == TOLD) return false;
  l->address = (uint8_t)address;
  l->hex = numbers == TOLD ? 1 : numbers == HEX;
  if (!l->hex && !c[address].decimal && !c[address].prefixed) return false;
  for (unsigned i = 0; i < n && l->op != NONE; i++) {
    if (i == address || !c[i].decimal) continue;
    unsigned front = l->op < address ? l->op : address;
    bool numbered = c[i].counting || (c[i].rising && lines > 3); /* lines, or times */
    if (i == 0 && front == 1 && !numbered && c[i].most <= MOST_THREAD) l->thread = 0;
    else if (i > front && l->size == NONE && c[i].least > 0 && c[i].most <= MOST_SIZE) l->size = (uint8_t)i;
  }
  return true;
}

static int take(const struct layout *l, const unsigned char *at, const unsigned char *end, struct pw_access *out, const char **why)
{
  struct field f[FIELDS];
  enum pw_op op = PW_LOAD;
  uint64_t address, size = 0, thread = 0;
  *why = "it has fewer fields than the lines before it";
  if (divide(at, end, f) < l->fields) return PW_LINE_BAD;
  *why = "its operation is no word that is known";
  if (l->op != NONE && !pw_op_of_word(f[l->op].at, f[l->op].end, &op)) return PW_LINE_BAD;
  *why = "its address is no number as in the lines before it";
  if (!number(&f[l->address], l->hex, &address)) return PW_LINE_BAD;
  *why = "its size or thread is no decimal number";
  if ((l->size != NONE && !number(&f[l->size], false, &size)) || (l->thread != NONE && !number(&f[l->thread], false, &thread)) || thread > MOST_THREAD)
    return PW_LINE_BAD;
  int got = pw_line_access(out, op, address, size, why);
  out->tid = (uint32_t)thread;
  return got;
}

/* The next line that is no comment: false if there is none whole. */
static bool next_line(const unsigned char **at, const unsigned char *end, bool whole, struct field *line)
{
  while (*at < end) {
    const unsigned char *newline = memchr(*at, '\n', (size_t)(end - *at)), *stop = newline ? newline : end;
    if (!newline && !whole) return false;
    *line = (struct field){pw_skip_blanks(*at, stop), pw_drop_return(*at, stop)};
    *at = newline ? newline + 1 : end;
    if (line->at < line->end && !is_comment(line->at, line->end)) return true;
  }
  return false;
}

/* From the first lines: false if they do not tell. */
static bool learn(struct layout *l, const unsigned char *bytes, size_t n, bool whole, enum number numbers)
{
  bool all = whole && n < LEARN_BYTES;
  const unsigned char *at = bytes, *end = bytes + (n < LEARN_BYTES ? n : LEARN_BYTES);
  struct text_column columns[FIELDS];
  struct field line, first, f[FIELDS];
  struct pw_access access;
  const char *why;
  unsigned least = FIELDS, most = 0, lines = 0;
  for (int i = 0; i < FIELDS; i++) columns[i] = (struct text_column){.op = true, .prefixed = true, .hex = true, .decimal = true, .rising = true, .counting = true, .least = UINT64_MAX};
  if (!next_line(&at, end, all, &first)) return false;
  for (line = first; lines < LEARN_LINES; lines++) {
    if (lines && !next_line(&at, end, all, &line)) break;
    if (lines == 1) { /* the first is looked at last: it may be a header */
      least = FIELDS;
      most = 0;
      for (int i = 0; i < FIELDS; i++) columns[i] = (struct text_column){.op = true, .prefixed = true, .hex = true, .decimal = true, .rising = true, .counting = true, .least = UINT64_MAX};
    }
    unsigned fields = divide(line.at, line.end, f);
    if (fields < least) least = fields;
    if (fields > most) most = fields;
    for (unsigned i = 0; i < fields; i++) note(&columns[i], &f[i], lines < 2);
  }
  if (!lay_out(l, columns, least, most, lines, numbers)) return false;
  l->header = take(l, first.at, first.end, &access, &why) < 0;
  return !l->header || lines > 1;
}

/* ---- the format ---- */

static void say_how(struct pw_parser *parser, const struct layout *l, const struct pw_access *first)
{
  static const char *const ops[] = {[PW_FETCH] = "fetch", [PW_LOAD] = "load", [PW_STORE] = "store", [PW_MODIFY] = "modify"};
  char fields[96] = "";
  size_t n = 0;
  for (unsigned i = 0; i < l->fields && n < sizeof fields; i++) {
    const char *name = i == l->op ? "operation" : i == l->address ? (l->hex ? "hexadecimal address" : "decimal address") : i == l->size ? "size" : i == l->thread ? "thread" : NULL;
    if (name) n += (size_t)snprintf(fields + n, sizeof fields - n, "%s%s", n ? ", " : "", name);
  }
  snprintf(parser->remark, sizeof parser->remark, "read as text: %s%s%s; first access: %s 0x%" PRIx64, fields, l->size == NONE ? ", no size" : "",
           l->op == NONE ? ", all loads" : "", ops[first->op], first->address);
}

static int text_line(struct pw_parser *parser, const unsigned char *at, const unsigned char *end, struct pw_access *out, const char **why)
{
  struct layout *l = (struct layout *)(void *)parser->state;
  at = pw_skip_blanks(at, end);
  if (is_comment(at, end)) return 0;
  if (l->header) {
    l->header = 0;
    return 0;
  }
  int got = take(l, at, end, out, why);
  if (got == 1 && !*parser->remark) say_how(parser, l, out);
  return got;
}

static int64_t parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last, struct pw_batch *batch, struct pw_error *err,
                     enum number numbers)
{
  struct layout *l = (struct layout *)(void *)parser->state;
  if (!l->known) {
    if (n < LEARN_BYTES && !last) return 0;
    if (!learn(l, bytes, n, last, numbers))
      return pw_error_set(err, PW_EFORMAT, "%s: its first lines do not all hold an address%s; give it a header and bring it into CSV with the columns "
                          "addr,op,size", parser->path, numbers == TOLD ? " that is told from other numbers, and an operation" : " and an operation");
  }
  return pw_lines_parse(parser, bytes, n, last, batch, err, "text", text_line, NULL);
}

static int64_t text_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last, struct pw_batch *batch, struct pw_error *err)
{
  return parse(parser, bytes, n, last, batch, err, TOLD);
}

static int64_t hex_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last, struct pw_batch *batch, struct pw_error *err)
{
  return parse(parser, bytes, n, last, batch, err, HEX);
}

static int64_t dec_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last, struct pw_batch *batch, struct pw_error *err)
{
  return parse(parser, bytes, n, last, batch, err, DEC);
}

static int text_bid(const unsigned char *bytes, size_t n, bool whole)
{
  struct layout l;
  return learn(&l, bytes, n, whole, TOLD) ? 40 : 0;
}

bool pw_text_is_ambiguous(const unsigned char *bytes, size_t n, bool whole)
{
  struct layout l;
  return learn(&l, bytes, n, whole, DEC) && !l.guessed && l.fields <= 3;
}

static int no_bid(const unsigned char *bytes, size_t n, bool whole)
{
  (void)bytes, (void)n, (void)whole;
  return 0;
}

const struct pw_format pw_format_text = {
    .name = "text",
    .summary = "an operation and an address a line, in any order and spelling; size and thread if told",
    .bid = text_bid,
    .parse = text_parse,
};

const struct pw_format pw_format_text_hex = {
    .name = "text-hex",
    .summary = "as text, and addresses are hexadecimal though none has a letter",
    .bid = no_bid,
    .parse = hex_parse,
};

const struct pw_format pw_format_text_dec = {
    .name = "text-dec",
    .summary = "as text, and addresses are decimal",
    .bid = no_bid,
    .parse = dec_parse,
};
