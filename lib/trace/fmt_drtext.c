/* What DynamoRIO's tools print of a memory trace: the view tool's lines, and those of the memtrace samples.
 *
 *     1  1: 1234567 ifetch  3 byte(s) @ 0x00007f4d9b2a0cc0 48 89 e7   mov %rsp, %rdi
 *     2  1: 1234567 write   8 byte(s) @ 0x00007ffc5b1a2c38 by PC 0x00007f4d9b2a0cc3
 *
 *     Format: <data address>: <data size>, <(r)ead/(w)rite/opcode>
 *     0x00007ffd3c8a1fd8:  8, w
 *
 * Of view: the number before the operation is the thread; markers, the lines between threads, prefetches and repetitions of
 * one instruction that fetch nothing have no access. Of memtrace: an opcode is a fetch of so many bytes. */
#include "trace/textline.h"

static const unsigned char *find(const unsigned char *at, const unsigned char *end, const char *words)
{
  size_t n = strlen(words);
  for (; (size_t)(end - at) >= n && at < end; at++)
    if (memcmp(at, words, n) == 0) return at;
  return NULL;
}

static const unsigned char *word_end(const unsigned char *at, const unsigned char *end)
{
  while (at < end && !pw_is_blank(*at)) at++;
  return at;
}

/* The decimal number before `end`, with blanks between: its place, or NULL. */
static const unsigned char *number_before(const unsigned char *line, const unsigned char *end, uint64_t *value)
{
  const char *why;
  while (end > line && pw_is_blank(end[-1])) end--;
  const unsigned char *at = end;
  while (at > line && at[-1] >= '0' && at[-1] <= '9') at--;
  return pw_parse_decimal(at, end, value, &why) ? at : NULL;
}

static bool is_between(const unsigned char *at, const unsigned char *end, bool view)
{
  return pw_skip_blanks(at, end) == end || find(at, end, "<marker") || find(at, end, "------") || find(at, end, "Output format:") || find(at, end, "View tool results") ||
         find(at, end, "Format: <data address>") || find(at, end, " : total ") || (view && (find(at, end, "prefetch") || find(at, end, "non-fetched")));
}

/* "… TID word SIZE byte(s) @ 0xADDRESS …" */
static int view_line(const unsigned char *line, const unsigned char *bytes, const unsigned char *end, struct pw_access *out, const char **why)
{
  uint64_t size, tid, address;
  const unsigned char *at = number_before(line, bytes, &size), *word;
  *why = "its size, operation or thread is missing";
  if (!at) return PW_LINE_BAD;
  while (at > line && pw_is_blank(at[-1])) at--;
  for (word = at; word > line && !pw_is_blank(word[-1]);) word--;
  enum pw_op op;
  if (!pw_op_of_word(word, at, &op) || !number_before(line, word, &tid) || tid > UINT32_MAX) return PW_LINE_BAD;
  at = pw_parse_0x(pw_skip_blanks(bytes + strlen("byte(s) @"), end), end, &address, why);
  if (!at) return PW_LINE_BAD;
  int got = pw_line_access(out, op, address, size, why);
  out->tid = (uint32_t)tid;
  return got;
}

/* "0xADDRESS: SIZE, word" */
static int sample_line(const unsigned char *at, const unsigned char *end, struct pw_access *out, const char **why)
{
  uint64_t address, size;
  *why = "it is neither a line of the view tool nor of memtrace";
  if (end - at < 3 || at[0] != '0' || at[1] != 'x') return PW_LINE_BAD;
  at = pw_parse_0x(at, end, &address, why);
  if (!at || at == end || *at != ':') return PW_LINE_BAD;
  at = pw_parse_decimal(pw_skip_blanks(at + 1, end), end, &size, why);
  if (!at || at == end || *at != ',') return PW_LINE_BAD;
  const unsigned char *word = pw_skip_blanks(at + 1, end), *stop = word_end(word, end);
  *why = "what follows the size is no word";
  if (word == end || *word < 'a' || *word > 'z' || pw_skip_blanks(stop, end) != end) return PW_LINE_BAD;
  enum pw_op op = stop - word > 1 ? PW_FETCH : *word == 'r' ? PW_LOAD : PW_STORE;
  if (stop - word == 1 && *word != 'r' && *word != 'w') return PW_LINE_BAD;
  return pw_line_access(out, op, address, size, why);
}

static int drtext_line(struct pw_parser *parser, const unsigned char *at, const unsigned char *end, struct pw_access *out, const char **why)
{
  (void)parser;
  at = pw_skip_blanks(at, end);
  const unsigned char *bytes = find(at, end, "byte(s) @");
  if (is_between(at, bytes ? bytes : end, bytes != NULL)) return 0;
  return bytes ? view_line(at, bytes, end, out, why) : sample_line(at, end, out, why);
}

static int64_t drtext_parse(struct pw_parser *parser, const unsigned char *bytes, size_t n, bool last, struct pw_batch *batch, struct pw_error *err)
{
  return pw_lines_parse(parser, bytes, n, last, batch, err, "DynamoRIO text", drtext_line, NULL);
}

static int drtext_bid(const unsigned char *bytes, size_t n, bool whole)
{
  return pw_lines_bid(bytes, n, whole, 80, drtext_line);
}

const struct pw_format pw_format_drtext = {
    .name = "drtext",
    .summary = "text of DynamoRIO's view tool, and of its memtrace samples",
    .bid = drtext_bid,
    .parse = drtext_parse,
};
