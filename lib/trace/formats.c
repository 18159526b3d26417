/* The table of foreign formats, which of them wrote some first bytes, and what
 * else those bytes may be.
 *
 * To be told "this is a perf.data" helps more than "unknown format", so files
 * that people are likely to bring are recognised without being readable; the
 * sentence then says what to do instead. */
#include "trace/format.h"

#include <string.h>

#include "base/text.h"
#include "trace/textline.h"

const struct pw_format *const pw_formats[] = {
    &pw_format_lackey,   &pw_format_din,        &pw_format_hexrw,     &pw_format_csv,
    &pw_format_champsim, &pw_format_cloudsuite, &pw_format_pinatrace, &pw_format_drtext,
    &pw_format_text,     &pw_format_text_hex,   &pw_format_text_dec,  NULL,
};

bool pw_format_entry(size_t index, struct pw_list_entry *entry)
{
  static const size_t n = sizeof pw_formats / sizeof *pw_formats - 1; /* without the NULL behind them */
  if (index == 0) *entry = (struct pw_list_entry){"pwt", "pagewalk's native traces"};
  else if (index <= n) *entry = (struct pw_list_entry){pw_formats[index - 1]->name, pw_formats[index - 1]->summary};
  return index <= n;
}

const struct pw_format *pw_format_find(const char *name)
{
  for (size_t i = 0; pw_formats[i]; i++)
    if (strcmp(pw_formats[i]->name, name) == 0) return pw_formats[i];
  return NULL;
}

/* ---- recognised, but not readable ---- */

/* A drmemtrace raw file opens with a header entry of 8 bytes: kind in the top
 * byte, and a small version number at one of two places. */
static bool is_drmemtrace_raw(const unsigned char *bytes, size_t n)
{
  if (n < 16) return false;
  if (bytes[7] == 0xc4) return bytes[6] > 0 && bytes[6] < 32;
  return bytes[7] == 0xc0 && bytes[0] > 0 && bytes[0] < 32 && !bytes[1] && !bytes[2] && !bytes[3] && !bytes[4] && !bytes[5];
}

/* A final drmemtrace file: entries of 12 bytes, first a header, then a marker. */
static bool is_drmemtrace(const unsigned char *bytes, size_t n)
{
  static const unsigned char header[4] = {25, 0, 0, 0}, rest[7] = {0}, marker[2] = {28, 0};
  return n >= 24 && memcmp(bytes, header, 4) == 0 && bytes[4] < 32 && memcmp(bytes + 5, rest, 7) == 0 &&
         memcmp(bytes + 12, marker, 2) == 0;
}

/* A gem5 protobuf stream: the magic, a length, then the header's object name. */
static bool is_gem5(const unsigned char *bytes, size_t n)
{
  return n >= 7 && memcmp(bytes, "gem5", 4) == 0 && (bytes[5] == 0x0a || bytes[6] == 0x0a);
}

static bool is_tar(const unsigned char *bytes, size_t n)
{
  return n >= 262 && memcmp(bytes + 257, "ustar", 5) == 0;
}

/* A byte order mark of 16 bits, and letters of one byte behind it. */
static bool is_utf16(const unsigned char *bytes, size_t n)
{
  bool little = n >= 6 && bytes[0] == 0xff && bytes[1] == 0xfe, big = n >= 6 && bytes[0] == 0xfe && bytes[1] == 0xff;
  return (little && bytes[2] && !bytes[3] && bytes[4] && !bytes[5]) || (big && !bytes[2] && bytes[3] && !bytes[4] && bytes[5]);
}

/* Ramulator's traces of processors: how many instructions, then one or two addresses, all of them decimal. */
static bool is_ramulator(const unsigned char *bytes, size_t n)
{
  unsigned lines = 0, small = 0;
  const unsigned char *at = bytes, *end = bytes + n, *newline;
  for (; lines < 64 && at < end && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1, lines++) {
    const char *why;
    uint64_t value;
    const unsigned char *stop = pw_drop_return(at, newline);
    const unsigned char *next = pw_parse_decimal(at, stop, &value, &why);
    small += value > 2;
    if (!next || next == stop || value > 100000) return false;
    for (int i = 0; next < stop; i++) {
      const unsigned char *number = pw_skip_blanks(next, stop);
      if (i == 2 || number == next) return false;
      next = pw_parse_decimal(number, stop, &value, &why);
      if (!next || value < 4096) return false;
    }
  }
  return lines > 1 && small > 0;
}

/* decode_packet_trace.py of gem5: "r,ADDRESS,SIZE,FLAGS,TICK". */
static bool is_gem5_text(const unsigned char *bytes, size_t n)
{
  const unsigned char *newline = n ? memchr(bytes, '\n', n) : NULL;
  if (!newline || (bytes[0] != 'r' && bytes[0] != 'w' && bytes[0] != 'u')) return false;
  const unsigned char *at = bytes + 1, *end = pw_drop_return(bytes, newline);
  for (int i = 0; i < 4; i++) {
    const char *why;
    uint64_t value;
    if (at == end || *at != ',') return false;
    at = pw_parse_decimal(at + 1, end, &value, &why);
    if (!at) return false;
  }
  return at == end || *at == ',';
}

struct stranger {
  const char *magic; /* at the front, or NULL: see test */
  size_t n_magic;
  bool (*test)(const unsigned char *bytes, size_t n);
  const char *sentence; /* continues "PATH is …" */
};

static const struct stranger strangers[] = {
    {NULL, 0, is_drmemtrace_raw,
     "a raw drmemtrace file: run DynamoRIO's raw2trace on its folder, print the result with the view tool "
     "(drrun -t drmemtrace -tool view) and bring its lines into CSV with the columns addr,op,size,tid"},
    {NULL, 0, is_drmemtrace,
     "a drmemtrace trace: print it with DynamoRIO's view tool (drrun -t drmemtrace -tool view) and bring its lines "
     "into CSV with the columns addr,op,size,tid"},
    {NULL, 0, is_gem5,
     "a gem5 protobuf trace: decode it with gem5's util/decode_packet_trace.py and bring it into CSV with the "
     "columns addr,op,size; mind that packet traces hold physical addresses unless taken in front of the TLB"},
    {NULL, 0, is_utf16, "text of 16 bits a letter (UTF-16), as some editors and shells save it: write it anew with iconv -f UTF-16 -t UTF-8"},
    {NULL, 0, is_ramulator,
     "a trace of a processor for Ramulator (how many instructions, then one or two decimal addresses): it holds what missed in a cache "
     "and not what a program touched; if the addresses are virtual and will do, bring them into CSV with the columns addr,op"},
    {NULL, 0, is_gem5_text,
     "a gem5 packet trace as its decoder prints it: packet traces hold physical addresses unless they were taken in front of the TLB; if these "
     "are virtual, name it with --format text-dec"},
    {"PERFILE2", 8, NULL,
     "a perf.data file: perf samples do not hold every access; record the program with pagewalk record instead"},
    {"2ELIFREP", 8, NULL, "a perf.data file of a machine with the other byte order, and no access trace"},
    {"\x7f" "ELF", 4, NULL, "a program, not a trace: record a run of it with pagewalk record"},
    {"\x02\x21\x4c\x18", 4, NULL,
     "an lz4 file in the legacy form, which has no checksum and no end mark: write it anew with lz4 without -l"},
    {"\x1f\x9d", 2, NULL, "compressed with compress (.Z): unpack it with gzip -d first"},
    {"7z\xbc\xaf\x27\x1c", 6, NULL, "a 7z archive: unpack it and name the trace in it"},
    {"Rar!\x1a\x07", 6, NULL, "a rar archive: unpack it and name the trace in it"},
    {NULL, 0, is_tar, "a tar archive: unpack it and name the trace in it"},
    {"\x1f\x8b", 2, NULL, "compressed twice: unpack it once"},
    {"\xfd" "7zXZ", 6, NULL, "compressed twice: unpack it once"},
    {"\x28\xb5\x2f\xfd", 4, NULL, "compressed twice: unpack it once"},
    {"BZh", 3, NULL, "compressed twice: unpack it once"},
    {"\x04\x22\x4d\x18", 4, NULL, "compressed twice: unpack it once"},
    {"PK\x03\x04", 4, NULL, "a zip inside another archive: unpack it once"},
    {"%PDF-", 5, NULL, "a PDF document, not a trace"},
};

static const struct stranger *find_stranger(const unsigned char *bytes, size_t n)
{
  for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
    const struct stranger *s = &strangers[i];
    if (s->magic ? n >= s->n_magic && memcmp(bytes, s->magic, s->n_magic) == 0 : s->test(bytes, n)) return s;
  }
  return NULL;
}

/* ---- by bid ---- */

static int unknown_format(const unsigned char *bytes, size_t n, bool whole, const char *path, struct pw_error *err)
{
  if (pw_text_is_ambiguous(bytes, n, whole))
    return pw_error_set(err, PW_EFORMAT, "%s: its addresses may be hexadecimal or decimal, which nothing in it tells; say which with "
                        "--format text-hex or --format text-dec", path);
  struct pw_text names = {0};
  for (size_t i = 0; pw_formats[i]; i++) pw_text_printf(&names, ", %s", pw_formats[i]->name);
  int status = pw_error_set(err, PW_EFORMAT, "%s is in no format that is known (pwt%s); if it is one of them, name it "
                            "with --format", path, pw_text_get(&names));
  pw_text_clear(&names);
  return status;
}

const struct pw_format *pw_format_bid(const unsigned char *bytes, size_t n, bool whole, const char *path,
                                      struct pw_error *err)
{
  const struct stranger *stranger = find_stranger(bytes, n);
  if (stranger) {
    pw_error_set(err, PW_EUNSUPPORTED, "%s is %s", path, stranger->sentence);
    return NULL;
  }
  const struct pw_format *best = NULL;
  int highest = 0;
  for (size_t i = 0; pw_formats[i]; i++) {
    int bid = pw_formats[i]->bid(bytes, n, whole);
    if (bid > highest) best = pw_formats[i];
    if (bid > highest) highest = bid;
  }
  if (!best) unknown_format(bytes, n, whole, path, err);
  return best;
}

/* ---- for the line formats ---- */

bool pw_op_of_word(const unsigned char *at, const unsigned char *end, enum pw_op *op)
{
  static const struct {
    const char *word; /* in small letters */
    enum pw_op op;
  } words[] = {{"r", PW_LOAD}, {"w", PW_STORE}, {"l", PW_LOAD}, {"s", PW_STORE}, {"i", PW_FETCH}, {"m", PW_MODIFY},
               {"read", PW_LOAD}, {"write", PW_STORE}, {"load", PW_LOAD}, {"store", PW_STORE}, {"fetch", PW_FETCH}, {"modify", PW_MODIFY},
               {"rd", PW_LOAD}, {"wr", PW_STORE}, {"ld", PW_LOAD}, {"st", PW_STORE}, {"if", PW_FETCH}, {"ifetch", PW_FETCH}, {"readi", PW_FETCH},
               {"instr", PW_FETCH}, {"inst", PW_FETCH}, {"readd", PW_LOAD}, {"writed", PW_STORE}, {"rmw", PW_MODIFY}};
  size_t n = (size_t)(end - at);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t k = 0;
    while (k < n && words[i].word[k] && (at[k] | 0x20) == words[i].word[k]) k++;
    if (k < n || words[i].word[k]) continue;
    *op = words[i].op;
    return true;
  }
  return false;
}

const unsigned char pw_hex_digit[256] = {
    ['0'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ['A'] = 11, 12, 13, 14, 15, 16, ['a'] = 11, 12, 13, 14, 15, 16,
};

int pw_line_error(const struct pw_parser *parser, const char *format, const unsigned char *at,
                  const unsigned char *end, const char *why, struct pw_error *err)
{
  char quote[61];
  size_t n = (size_t)(end - at) < sizeof quote - 1 ? (size_t)(end - at) : sizeof quote - 1;
  for (size_t i = 0; i < n; i++) quote[i] = at[i] < 0x20 || at[i] > 0x7e ? '?' : (char)at[i];
  quote[n] = '\0';
  return pw_error_set(err, PW_EFORMAT, "%s: line %llu is no %s access: %s, in \"%s\"%s; %s", parser->path, (unsigned long long)parser->line, format, why, quote,
                      at + n < end ? "…" : "",
                      parser->many_bad ? "many lines are so: it is of another format, or damaged" : "mend it, or leave such lines out with --skip-bad");
}

int pw_line_too_long(const struct pw_parser *parser, struct pw_error *err)
{
  return pw_error_set(err, PW_EFORMAT, "%s: line %llu is longer than %zu bytes: this is no text trace, or its line "
                      "breaks are lost", parser->path, (unsigned long long)parser->line, PW_LINE_MAX_BYTES);
}
