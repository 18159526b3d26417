/* Valgrind Lackey text (--tool=lackey --trace-mem=yes).
 *
 *     I  04001000,3      fetch of 3 bytes
 *      L 1ffeffe7e,8     load
 *      S 1ffeffe7e,8     store
 *      M 0421c7cc,4      modify: a load, then a store
 *
 * The address is hexadecimal without 0x, the size decimal. Skipped: blank lines,
 * Valgrind's own "==PID== …", "--PID-- …" and "**PID** …" (with --time-stamp=yes the time is before the PID), and "SB address" (superblocks,
 * --trace-superblocks=yes; their fetches have lines of their own). Skipped, and counted: what Valgrind's decoder says of instructions that
 * it does not know. Every other
 * line is refused: what a program printed to the same stream may have cut a
 * record in two, so it is a loss to know about and not noise to drop.
 * Lackey gives no threads: all accesses belong to thread 0 of process 0.
 *
 * Cost: the usual line goes through lackey_fast, which looks at 8 characters at
 * a time; some 10 ns a line against 30 with a loop over the digits. */
#include <stdio.h>

#include "trace/textline.h"

/* By column 1 plus column 2 minus a blank, which is the letter as one of them is blank. */
static const unsigned char op_of_letter[256] = {
    ['I'] = PW_FETCH + 1, ['L'] = PW_LOAD + 1, ['S'] = PW_STORE + 1, ['M'] = PW_MODIFY + 1};

/* A PID, and with --time-stamp=yes the time before it. */
static const unsigned char *skip_stamp(const unsigned char *at, const unsigned char *end)
{
  while (at < end && ((*at >= '0' && *at <= '9') || *at == ':' || *at == '.' || *at == ' ')) at++;
  return at;
}

/* What Valgrind's decoder and its assertions say without a PID in front. */
static bool is_valgrinds(const unsigned char *at, const unsigned char *end)
{
  static const char *const begins[] = {"vex ", "vex: ", "valgrind: ", "VEX temporary storage", "host stacktrace:", "sched status:"};
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
    if ((size_t)(end - at) >= strlen(begins[i]) && memcmp(at, begins[i], strlen(begins[i])) == 0) return true;
  return false;
}

/* "==123== …", "--123-- …", "SB 0400" and blank lines. */
static bool is_known_extra(const unsigned char *at, const unsigned char *end)
{
  if (pw_skip_blanks(at, end) == end) return true;
  if (end - at >= 5 && (*at == '=' || *at == '-' || *at == '*') && at[1] == *at) {
    const unsigned char *digits = at + 2, *behind = skip_stamp(digits, end);
    return behind > digits && end - behind >= 2 && behind[0] == *at && behind[1] == *at;
  }
  uint64_t address;
  const char *why;
  if (end - at < 4 || at[0] != 'S' || at[1] != 'B' || at[2] != ' ') return false;
  at = pw_parse_hex(pw_skip_blanks(at + 2, end), end, &address, &why);
  return at && pw_skip_blanks(at, end) == end;
}

static int lackey_line(struct pw_parser *parser, const unsigned char *at, const unsigned char *end,
                       struct pw_access *out, const char **why)
{
  if (is_known_extra(at, end)) return 0;
  if (is_valgrinds(at, end)) {
    parser->state[0]++;
    return 0;
  }
  const unsigned char *letter = pw_skip_blanks(at, end);
  unsigned op = op_of_letter[*letter];
  if (op == 0 || end - letter < 2 || !pw_is_blank(letter[1])) {
    *why = "it begins with none of I, L, S and M";
    return PW_LINE_BAD;
  }
  uint64_t address, size_bytes;
  at = pw_parse_hex(pw_skip_blanks(letter + 1, end), end, &address, why);
  if (!at) return PW_LINE_BAD;
  if (at == end || *at != ',') {
    *why = "no comma follows the address";
    return PW_LINE_BAD;
  }
  at = pw_parse_decimal(at + 1, end, &size_bytes, why);
  if (!at) return PW_LINE_BAD;
  if (pw_skip_blanks(at, end) != end) {
    *why = "something follows the size";
    return PW_LINE_BAD;
  }
  return pw_line_access(out, (enum pw_op)(op - 1), address, size_bytes, why);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Bytes of `x` (all below 0x80) from `low` to `high` get their top bit set. */
PW_LINE_INLINE uint64_t in_range(uint64_t x, unsigned low, unsigned high)
{
  return (x + EACH(0x80 - low)) & ~(x + EACH(0x7f - high)) & EACH(0x80);
}

/* Eight hexadecimal digits, the first in the lowest byte; false if any is none. */
PW_LINE_INLINE bool hex8(uint64_t x, uint64_t *value)
{
  uint64_t folded = x | EACH(0x20);
  bool good = !(x & EACH(0x80)) && (in_range(x & EACH(0x7f), '0', '9') | in_range(folded & EACH(0x7f), 'a', 'f')) == EACH(0x80);
  uint64_t n = (x & EACH(0x0f)) + 9 * (x >> 6 & EACH(0x01));
  n = __builtin_bswap64(n);
  n = (n | n >> 4) & UINT64_C(0x00ff00ff00ff00ff);
  n = (n | n >> 8) & UINT64_C(0x0000ffff0000ffff);
  *value = (n | n >> 16) & UINT64_C(0xffffffff);
  return good;
}

/* How many bytes of `x` come before the first comma; 8 = no comma. */
PW_LINE_INLINE unsigned before_comma(uint64_t x)
{
  uint64_t y = x ^ EACH(',');
  uint64_t zero = (y - EACH(0x01)) & ~y & EACH(0x80);
  return zero ? (unsigned)__builtin_ctzll(zero) / 8 : 8;
}

/* The first `n` (1 … 8) digits of `x`, with zeros put before them. */
PW_LINE_INLINE bool hex_first(uint64_t x, unsigned n, uint64_t *value)
{
  unsigned shift = 8 * (8 - n);
  return hex8(x << shift | (EACH('0') & ((UINT64_C(1) << shift) - 1)), value);
}

static inline size_t lackey_fast(const unsigned char *at, struct pw_access *out)
{
  unsigned op = op_of_letter[(unsigned char)(at[0] + at[1] - ' ')];
  bool shape = ((at[0] == ' ') | (at[1] == ' ')) & (at[2] == ' ') & (op != 0);
  uint64_t first, second, address, low = 0;
  memcpy(&first, at + 3, 8);
  memcpy(&second, at + 11, 8);
  unsigned n = before_comma(first);
  if (!shape || n == 0) return 0;
  bool good = hex_first(first, n, &address);
  if (n == 8) {
    unsigned more = before_comma(second);
    if (more == 8) return 0; /* 16 digits: seldom */
    if (more > 0) good &= hex_first(second, more, &low);
    address = address << 4 * more | low;
    n += more;
  }
  const unsigned char *size = at + 3 + n + 1;
  unsigned size_bytes = (unsigned)size[0] - '0';
  good &= size_bytes < 10;
  unsigned digits = 1;
  if (size[1] != '\n') {
    unsigned digit = (unsigned)size[1] - '0';
    good &= (digit < 10) & (size[2] == '\n');
    size_bytes = size_bytes * 10 + digit;
    digits = 2;
  }
  *out = (struct pw_access){.address = address, .size_bytes = size_bytes, .op = op - 1};
  return good ? 3 + n + 1 + digits + 1 : 0;
}

#else
#define lackey_fast NULL
#endif

static int64_t lackey_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last,
                            struct pw_batch *batch, struct pw_error *err)
{
  int64_t taken = pw_lines_parse(parser, bytes, n, last, batch, err, "Lackey", lackey_line, lackey_fast);
  if (parser->state[0])
    snprintf(parser->remark, sizeof parser->remark, "%llu line%s of Valgrind's own messages left out", (unsigned long long)parser->state[0],
             parser->state[0] == 1 ? "" : "s");
  return taken;
}

/* A trace may open with pages of Valgrind's banner, and its program may talk. */
static int lackey_bid(const unsigned char *bytes, size_t n, bool whole)
{
  int bid = pw_lines_bid(bytes, n, whole, 90, lackey_line);
  const unsigned char *newline = n > 0 ? memchr(bytes, '\n', n) : NULL;
  if (bid == 0 && newline && newline - bytes >= 5 && is_known_extra(bytes, newline)) bid = 20;
  return bid;
}

const struct pw_format pw_format_lackey = {
    .name = "lackey",
    .summary = "Valgrind Lackey text (--trace-mem=yes): I, L, S, M lines",
    .bid = lackey_bid,
    .parse = lackey_parse,
};
