/* Text of Pin's pinatrace tools: "0xip: R 0xaddress", closed by "#eof".
 *
 * R is a load, W a store. The tool with values adds a decimal size and the value;
 * the size is used when it is there, the rest of the line is ignored. Only
 * instructions that touch memory have lines, so a line is not taken as a fetch:
 * half of the instruction stream would be worse than none. Lines that begin with
 * '#' are comments. Without "#eof" the program was killed, or the end was cut off: a remark, unless
 * the last line is cut in two. Behind it only blank lines may follow. */
#include <stdio.h>

#include "trace/textline.h"

/* The optional "size value …" behind the address. */
static int take_size(const unsigned char *at, const unsigned char *end, uint64_t *size_bytes, const char **why)
{
  *size_bytes = 0;
  const unsigned char *digits = pw_skip_blanks(at, end);
  if (digits == end) return 0;
  if (digits > at) at = pw_parse_decimal(digits, end, size_bytes, why);
  if (digits > at || !at || (at < end && !pw_is_blank(*at))) {
    *why = "what follows the address is not a decimal size";
    return PW_LINE_BAD;
  }
  return 0;
}

static int pinatrace_line(struct pw_parser *parser, const unsigned char *at, const unsigned char *end,
                          struct pw_access *out, const char **why)
{
  at = pw_skip_blanks(at, end);
  if (at == end) return 0;
  if (parser->ended) {
    *why = "it follows the end mark #eof";
    return PW_LINE_BAD;
  }
  if (*at == '#') {
    parser->ended = end - at >= 4 && memcmp(at, "#eof", 4) == 0 && pw_skip_blanks(at + 4, end) == end;
    return 0;
  }
  uint64_t ip, address, size_bytes;
  at = pw_parse_0x(at, end, &ip, why);
  if (!at) return PW_LINE_BAD;
  if (at == end || *at != ':') {
    *why = "no colon follows the instruction address";
    return PW_LINE_BAD;
  }
  at = pw_skip_blanks(at + 1, end);
  if (end - at < 2 || (*at != 'R' && *at != 'W') || !pw_is_blank(at[1])) {
    *why = "neither R nor W follows the colon";
    return PW_LINE_BAD;
  }
  enum pw_op op = *at == 'W' ? PW_STORE : PW_LOAD;
  at = pw_parse_0x(pw_skip_blanks(at + 1, end), end, &address, why);
  if (!at || take_size(at, end, &size_bytes, why) < 0) return PW_LINE_BAD;
  return pw_line_access(out, op, address, size_bytes, why);
}

static int64_t pinatrace_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last,
                               struct pw_batch *batch, struct pw_error *err)
{
  int64_t taken = pw_lines_parse(parser, bytes, n, last, batch, err, "pinatrace", pinatrace_line, NULL);
  if (taken > 0) parser->state[0] = bytes[taken - 1] == '\n';
  if (last && taken == (int64_t)n && !parser->ended && parser->state[0])
    snprintf(parser->remark, sizeof parser->remark, "it ends without the mark #eof: its program was stopped, or its end was cut off");
  else if (last && taken == (int64_t)n && !parser->ended)
    return pw_error_set(err, PW_EFORMAT, "%s: the trace is truncated: it ends inside line %llu, without the mark #eof; "
                        "get the file again, or take that line away if the rest is not needed",
                        parser->path, (unsigned long long)(parser->line > 1 ? parser->line - 1 : 1));
  return taken;
}

static int pinatrace_bid(const unsigned char *bytes, size_t n, bool whole)
{
  return pw_lines_bid(bytes, n, whole, 90, pinatrace_line);
}

const struct pw_format pw_format_pinatrace = {
    .name = "pinatrace",
    .summary = "Pin's pinatrace text: 0xip: R|W 0xaddress, closed by #eof",
    .bid = pinatrace_bid,
    .parse = pinatrace_parse,
};
