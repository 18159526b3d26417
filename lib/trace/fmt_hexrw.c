/* The class format: one "hexaddr R" or "hexaddr W" a line.
 *
 * Addresses are hexadecimal with or without 0x; r and w may be small. R is a
 * load, W a store; there are no fetches, and the size is unknown. Blank lines
 * are skipped, anything behind the letter is refused. */
#include "trace/textline.h"

static int hexrw_line(struct pw_parser *parser, const unsigned char *at, const unsigned char *end,
                      struct pw_access *out, const char **why)
{
  (void)parser;
  at = pw_skip_blanks(at, end);
  if (at == end) return 0;
  uint64_t address;
  at = pw_parse_0x(at, end, &address, why);
  if (!at) return PW_LINE_BAD;
  const unsigned char *letter = pw_skip_blanks(at, end);
  if (letter == at || letter == end || ((*letter | 0x20) != 'r' && (*letter | 0x20) != 'w')) {
    *why = "neither R nor W follows the address";
    return PW_LINE_BAD;
  }
  if (pw_skip_blanks(letter + 1, end) != end) {
    *why = "something follows the R or W";
    return PW_LINE_BAD;
  }
  return pw_line_access(out, (*letter | 0x20) == 'w' ? PW_STORE : PW_LOAD, address, 0, why);
}

static int64_t hexrw_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last,
                           struct pw_batch *batch, struct pw_error *err)
{
  return pw_lines_parse(parser, bytes, n, last, batch, err, "hexaddr R|W", hexrw_line, NULL);
}

static int hexrw_bid(const unsigned char *bytes, size_t n, bool whole)
{
  return pw_lines_bid(bytes, n, whole, 70, hexrw_line);
}

const struct pw_format pw_format_hexrw = {
    .name = "hexrw",
    .summary = "class format: hexadecimal address and R or W",
    .bid = hexrw_bid,
    .parse = hexrw_parse,
};
