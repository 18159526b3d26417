/* Fuzzes one foreign format (FORMAT): any bytes, cut any way into windows, give the
 * same accesses or the same error, and every promise of format.h holds. */
#include "fuzz.h"

#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  const struct pw_format *format = pw_format_find(FORMAT);
  MUST(format);
  uint32_t seed = fuzz_seed(data, n);
  for (int skip = 0; skip < 2; skip++) {
    struct feed feed = {.format = format, .skip_bad = skip, .chunk_bytes = n + 1, .room = PW_BATCH_ROOM};
    struct fed whole = feed_bytes(feed, data, n);
    feed.chunk_bytes = 0;
    feed.seed = seed;
    feed.late_last = seed & 1;
    feed.room += seed >> 1 & 63;
    struct fed cut = feed_bytes(feed, data, n);
    MUST(fed_equal(&whole, &cut));
    for (size_t i = 0; i < whole.n; i++) MUST(whole.accesses[i].op <= PW_MODIFY);
    free(whole.accesses);
    free(cut.accesses);
  }
  for (int whole = 0; whole < 2; whole++) {
    int bid = format->bid(data, n, whole);
    MUST(bid >= 0 && bid <= 100);
  }
  return 0;
}
