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
    &pw_format_champsim, &pw_format_cloudsuite, &pw_format_pinatrace, NULL,
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

static int unknown_format(const char *path, struct pw_error *err)
{
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
  if (!best) unknown_format(path, err);
  return best;
}

/* ---- for the line formats ---- */

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
  return pw_error_set(err, PW_EFORMAT, "%s: line %llu is no %s access: %s, in \"%s\"%s; mend it, or leave such lines "
                      "out with --skip-bad", parser->path, (unsigned long long)parser->line, format, why, quote,
                      at + n < end ? "…" : "");
}

int pw_line_too_long(const struct pw_parser *parser, struct pw_error *err)
{
  return pw_error_set(err, PW_EFORMAT, "%s: line %llu is longer than %zu bytes: this is no text trace, or its line "
                      "breaks are lost", parser->path, (unsigned long long)parser->line, PW_LINE_MAX_BYTES);
}
