/* Dinero text: traditional "din" and Dinero IV's extended form, by the label.
 *
 *     0 70f60888             traditional: 0 read, 1 write, 2 instruction fetch
 *     r 70f60888 4           extended: r read, w write, i instruction fetch
 *
 * Addresses are hexadecimal, with or without 0x. What follows is a comment, as
 * Dinero has it: in the traditional form everything behind the address, so that
 * its size is unknown; in the extended form everything behind the size, which is
 * hexadecimal and must be there. Blank lines are skipped.
 * Labels 3 and 4 (escapes) and m, c, v (miscellaneous, copy-back, invalidate) are
 * refused: Dinero's versions do not agree on them, and none says what the program
 * did, so that counting them as reads would be a guess. */
#include "trace/textline.h"

static int op_of_label(unsigned char label, const char **why)
{
  switch (label) {
  case '0': case 'r': return PW_LOAD;
  case '1': case 'w': return PW_STORE;
  case '2': case 'i': return PW_FETCH;
  case '3': case '4': case 'm': case 'c': case 'v':
    *why = "its label is neither read, write nor fetch";
    return PW_LINE_BAD;
  default:
    *why = "it begins with none of the labels 0, 1, 2, r, w and i";
    return PW_LINE_BAD;
  }
}

static int din_line(struct pw_parser *parser, const unsigned char *at, const unsigned char *end,
                    struct pw_access *out, const char **why)
{
  (void)parser;
  at = pw_skip_blanks(at, end);
  if (at == end) return 0;
  bool extended = *at >= 'a';
  int op = op_of_label(*at, why);
  if (op < 0) return PW_LINE_BAD;
  uint64_t address, size_bytes = 0;
  const unsigned char *digits = pw_skip_blanks(at + 1, end);
  if (digits == at + 1) {
    *why = "no blank follows the label";
    return PW_LINE_BAD;
  }
  at = pw_parse_0x(digits, end, &address, why);
  if (at && extended) at = pw_parse_0x(pw_skip_blanks(at, end), end, &size_bytes, why);
  if (!at) return PW_LINE_BAD;
  if (at < end && !pw_is_blank(*at)) {
    *why = "its number is not hexadecimal";
    return PW_LINE_BAD;
  }
  return pw_line_access(out, (enum pw_op)op, address, size_bytes, why);
}

static int64_t din_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last,
                         struct pw_batch *batch, struct pw_error *err)
{
  return pw_lines_parse(parser, bytes, n, last, batch, err, "Dinero", din_line, NULL);
}

static int din_bid(const unsigned char *bytes, size_t n, bool whole)
{
  return pw_lines_bid(bytes, n, whole, 70, din_line);
}

const struct pw_format pw_format_din = {
    .name = "din",
    .summary = "Dinero text: label (0 1 2, or r w i) and hexadecimal address",
    .bid = din_bid,
    .parse = din_parse,
};
