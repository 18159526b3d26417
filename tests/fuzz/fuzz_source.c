/* Fuzzes decompression: any stored bytes, asked for in any way, give the same plain
 * bytes or the same error, also after going back to the front; then the bid. */
#include "fuzz.h"

#include <string.h>

#include "trace/format.h"
#include "trace/source.h"

#define MOST_BYTES ((size_t)4 << 20) /* a small input can unpack to gigabytes */

struct outcome {
  int status;
  size_t n;
  uint32_t hash;
};

static struct outcome read_all(struct pw_source *source, size_t want, size_t drop)
{
  struct outcome out = {.hash = 1};
  struct pw_error err = {0};
  while (out.n < MOST_BYTES) {
    const unsigned char *bytes;
    size_t n;
    bool last;
    out.status = pw_source_fill(source, want, &bytes, &n, &last, &err);
    if (out.status != 0) {
      MUST(err.status == out.status && err.text[0]);
      out.n = 0; /* how much was lent before the error depends on the asking */
      out.hash = 0;
      break;
    }
    MUST(n >= want || last);
    if (n == 0) break;
    size_t take = n < drop ? n : drop;
    if (take > MOST_BYTES - out.n) take = MOST_BYTES - out.n;
    for (size_t i = 0; i < take; i++) out.hash = (out.hash ^ bytes[i]) * 16777619u;
    out.n += take;
    pw_source_consume(source, take);
  }
  return out;
}

static bool equal(struct outcome a, struct outcome b)
{
  return a.status == b.status && a.n == b.n && a.hash == b.hash;
}

static void check_bid(struct pw_source *source)
{
  const unsigned char *bytes;
  size_t n;
  bool last;
  struct pw_error err = {0};
  if (pw_source_fill(source, 65536, &bytes, &n, &last, &err) != 0) return;
  unsigned char *copy = malloc(n);
  MUST(copy);
  memcpy(copy, bytes, n);
  MUST(pw_format_bid(copy, n, last, "T", &err) || err.text[0]);
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  uint32_t seed = fuzz_seed(data, n);
  struct pw_source *source;
  MUST(pw_source_open_memory(&source, "T", data, n, NULL) == 0);
  struct outcome whole = read_all(source, 1, SIZE_MAX);
  MUST(pw_source_rewind(source, NULL) == 0);
  struct outcome parts = read_all(source, 1 + seed % 5000, 1 + seed / 5000 % 5000);
  /* beyond the limit it depends on the asking whether an error was reached */
  if (whole.n < MOST_BYTES && parts.n < MOST_BYTES) MUST(equal(whole, parts));
  MUST(pw_source_rewind(source, NULL) == 0);
  check_bid(source);
  pw_source_close(source);
  return 0;
}
