/* Line formats: one loop for all of them, numbers, and how sure a line format is.
 *
 * Everything is static inline, so that each format gets a loop of its own with
 * its line function compiled in: no indirect call for a line. A line function
 * sees one whole line without its newline (and carriage return). It returns how
 * many accesses it wrote, 0 for a line that is to be skipped, or PW_LINE_BAD with
 * the reason. Since lines are found first and parsed after, the cutting of the
 * input into windows cannot change the result.
 *
 * A format may also have a fast function: it is shown PW_LINE_FAST_BYTES bytes
 * that begin with a line, and takes the line only if it is the plain, usual case
 * (returning its length with the newline, one access written), else 0. It must
 * give what the line function would give. */
#ifndef PW_TEXTLINE_H
#define PW_TEXTLINE_H

#include <string.h>

#include "trace/format.h"

#define PW_LINE_BAD (-1)
#define PW_LINE_FAST_BYTES 48
/* Longer lines are no trace. Refused even under skip_bad: where they end is a guess. */
#define PW_LINE_MAX_BYTES ((size_t)65536)
/* No instruction touches more at once; more is a sign of a wrong column. */
#define PW_SIZE_MAX_BYTES ((uint64_t)1 << 20)

#define PW_LINE_INLINE static inline __attribute__((always_inline))

typedef int pw_line_fn(struct pw_parser *parser, const unsigned char *at, const unsigned char *end,
                       struct pw_access *out, const char **why);
typedef size_t pw_line_fast_fn(const unsigned char *at, struct pw_access *out);

/* Value of a hexadecimal digit plus 1, 0 for any other character. */
extern const unsigned char pw_hex_digit[256];

/* The error for a line (or record) that does not parse, quoting its beginning. */
int pw_line_error(const struct pw_parser *parser, const char *format, const unsigned char *at,
                  const unsigned char *end, const char *why, struct pw_error *err);
int pw_line_too_long(const struct pw_parser *parser, struct pw_error *err);

PW_LINE_INLINE bool pw_is_blank(unsigned char c)
{
  return c == ' ' || c == '\t';
}

PW_LINE_INLINE const unsigned char *pw_skip_blanks(const unsigned char *at, const unsigned char *end)
{
  while (at < end && pw_is_blank(*at)) at++;
  return at;
}

/* Digits of a number of at most 64 bits: the place behind them, or NULL with the reason. */
PW_LINE_INLINE const unsigned char *pw_parse_hex(const unsigned char *at, const unsigned char *end, uint64_t *value,
                                                 const char **why)
{
  uint64_t v = 0;
  const unsigned char *first = at;
  for (; at < end && pw_hex_digit[*at] > 0; at++) {
    if (v >> 60) {
      *why = "the number has more than 64 bits";
      return NULL;
    }
    v = v << 4 | (pw_hex_digit[*at] - 1u);
  }
  *value = v;
  if (at == first) *why = "a hexadecimal number is missing";
  return at == first ? NULL : at;
}

PW_LINE_INLINE const unsigned char *pw_parse_0x(const unsigned char *at, const unsigned char *end, uint64_t *value,
                                                const char **why)
{
  if (end - at >= 2 && at[0] == '0' && (at[1] | 0x20) == 'x') at += 2;
  return pw_parse_hex(at, end, value, why);
}

PW_LINE_INLINE const unsigned char *pw_parse_decimal(const unsigned char *at, const unsigned char *end,
                                                     uint64_t *value, const char **why)
{
  uint64_t v = 0;
  const unsigned char *first = at;
  for (; at < end && *at >= '0' && *at <= '9'; at++)
    if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(*at - '0'), &v)) {
      *why = "the number has more than 64 bits";
      return NULL;
    }
  *value = v;
  if (at == first) *why = "a decimal number is missing (write hexadecimal with 0x)";
  return at == first ? NULL : at;
}

/* Writes one access, if its size is believable: 1, else PW_LINE_BAD. */
PW_LINE_INLINE int pw_line_access(struct pw_access *out, enum pw_op op, uint64_t address, uint64_t size_bytes,
                                  const char **why)
{
  if (size_bytes > PW_SIZE_MAX_BYTES) {
    *why = "a size of more than 1 MiB is not believable";
    return PW_LINE_BAD;
  }
  *out = (struct pw_access){.address = address, .size_bytes = (uint32_t)size_bytes, .op = op};
  return 1;
}

PW_LINE_INLINE const unsigned char *pw_drop_return(const unsigned char *at, const unsigned char *end)
{
  return end > at && end[-1] == '\r' ? end - 1 : end;
}

/* The loop: parses whole lines until the window, or the batch, has no more. */
PW_LINE_INLINE int64_t pw_lines_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last,
                                      struct pw_batch *batch, struct pw_error *err, const char *format,
                                      pw_line_fn *line, pw_line_fast_fn *fast)
{
  const unsigned char *at = bytes, *end = bytes + n;
  while (at < end && batch->room - batch->n >= PW_RECORD_ACCESSES) {
    if (fast && end - at >= PW_LINE_FAST_BYTES) {
      size_t taken = fast(at, batch->accesses + batch->n);
      if (taken > 0) {
        at += taken;
        batch->n++;
        parser->line++;
        continue;
      }
    }
    const unsigned char *newline = memchr(at, '\n', (size_t)(end - at));
    const unsigned char *stop = newline ? newline : end;
    if ((size_t)(stop - at) > PW_LINE_MAX_BYTES) return pw_line_too_long(parser, err);
    if (!newline && !last) break;
    const char *why = "it does not parse";
    int got = line(parser, at, pw_drop_return(at, stop), batch->accesses + batch->n, &why);
    if (got >= 0) batch->n += (size_t)got;
    else if (parser->skip_bad) parser->bad_lines++;
    else return pw_line_error(parser, format, at, pw_drop_return(at, stop), why, err);
    parser->line++;
    at = newline ? newline + 1 : end;
  }
  return at - bytes;
}

/* A bid by trying the first lines: `sure` if all of them are accesses or known
 * extras, less when some are not, 0 when most are not. Below 80 the lines look like others': 0 too
 * when more than one in 64 is not. */
PW_LINE_INLINE int pw_lines_bid(const unsigned char *bytes, size_t n, bool whole, int sure, pw_line_fn *line)
{
  struct pw_parser parser = {.line = 1};
  struct pw_access out[PW_RECORD_ACCESSES];
  const unsigned char *at = bytes, *end = bytes + n;
  int good = 0, bad = 0;
  while (at < end && good + bad < 64) {
    const unsigned char *newline = memchr(at, '\n', (size_t)(end - at));
    const unsigned char *stop = newline ? newline : end;
    if ((!newline && !whole) || (size_t)(stop - at) > PW_LINE_MAX_BYTES) break;
    const char *why;
    int got = line(&parser, at, pw_drop_return(at, stop), out, &why);
    good += got > 0;
    bad += got < 0;
    at = newline ? newline + 1 : end;
  }
  if (sure < 80 && bad > 1) return 0;
  return good > 0 && good >= bad ? sure * good / (good + bad) : 0;
}

#endif
