/* Fuzzes the .pwt reader: any bytes give blocks that keep every promise of
 * struct pw_block, or an error; reading again from the front gives the same.
 *
 * Checksums would keep a fuzzer out, so a mutator of its own changes the plain
 * columns or the frames and then makes all checksums right again. */
#include "fuzz.h"

#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "trace/pwt.h"

#define MOST_BLOCKS 64

/* ---- the target ---- */

struct outcome {
  int status;
  unsigned blocks;
  uint64_t hash;
};

static void check_events(const struct pw_block *b)
{
  uint32_t at = 0;
  for (uint32_t i = 0; i < b->n_events; i++) {
    const struct pw_event *e = &b->events[i];
    MUST(e->at >= at && e->at <= b->n_visits);
    at = e->at;
    for (uint32_t k = 0; k < e->text_bytes; k++) (void)*(const volatile char *)(e->text + k);
  }
}

static void check_block(const struct pw_block *b, bool counts)
{
  struct pw_totals sum = {0};
  MUST(b->n_visits <= PW_BLOCK_VISITS && b->n_pages <= PW_BLOCK_VISITS);
  for (uint32_t i = 1; i < b->n_pages; i++) MUST(b->pages[i - 1] < b->pages[i]);
  for (uint32_t i = 0; i < b->n_visits; i++) MUST(b->page[i] < b->n_pages && b->flags[i] < 64);
  check_events(b);
  uint64_t most = (uint64_t)b->n_visits * UINT16_MAX; /* what whoever skips the counts may print */
  MUST(b->totals.fetches <= most && b->totals.loads <= most && b->totals.stores <= most);
  MUST(b->totals.fetches + b->totals.loads + b->totals.stores >= b->n_visits);
  if (!counts) return;
  for (uint32_t i = 0; i < b->n_visits; i++) {
    sum.fetches += b->fetches[i];
    sum.loads += b->loads[i];
    sum.stores += b->stores[i];
    MUST(b->touches[i] >= 1);
  }
  MUST(memcmp(&sum, &b->totals, sizeof sum) == 0);
}

static struct outcome read_all(struct pw_trace *trace, bool counts)
{
  struct outcome out = {0};
  struct pw_error err = {0};
  const struct pw_block *b;
  while (out.blocks < MOST_BLOCKS && (out.status = pw_trace_next(trace, &b, &err)) > 0) {
    check_block(b, counts);
    out.blocks++;
    out.hash = XXH64(b->pages, b->n_pages * sizeof *b->pages, out.hash);
    out.hash = XXH64(b->page, b->n_visits * sizeof *b->page, out.hash);
    out.hash = XXH64(b->flags, b->n_visits, out.hash);
  }
  if (out.status < 0) MUST(err.status == out.status && err.text[0]);
  return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  uint32_t seed = fuzz_seed(data, n);
  for (int counts = 0; counts < 2; counts++) {
    struct pw_trace_options options = {.counts = counts, .ignore_events = seed & 1};
    if (seed % 5 == 1) options.skip = seed % 999, options.limit = seed % 777;
    struct pw_error err = {0};
    struct pw_trace *trace;
    if (pw_trace_open_memory(&trace, "T", data, n, &options, &err) != 0) {
      MUST(err.text[0]);
      return 0;
    }
    struct outcome first = read_all(trace, counts && seed % 5 != 1);
    if (pw_trace_rewind(trace, &err) == 0) {
      struct outcome again = read_all(trace, false);
      MUST(first.status == again.status && first.blocks == again.blocks && first.hash == again.hash);
    }
    pw_trace_close(trace);
  }
  return 0;
}

/* ---- the mutator ---- */

#ifdef PW_FUZZ

size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t most, unsigned seed);

#define GROUPS_AT (PWT_FRAME_BYTES + PWT_BLOCK_PAYLOAD - 16 * PWT_GROUPS)

/* The frame at `at` with its checksum, or 0 when there is no whole one. */
static size_t frame_bytes(const uint8_t *data, size_t n, size_t at)
{
  if (n - at < PWT_FRAME_BYTES + PWT_SUM_BYTES || pwt_get32(data + at) != PWT_MAGIC) return 0;
  size_t size = PWT_FRAME_BYTES + (size_t)pwt_get32(data + at + 4);
  return size >= PWT_FRAME_BYTES + PWT_SUM_BYTES && size <= n - at ? size : 0;
}

static bool is_frame(const uint8_t *data, size_t at, size_t size, uint32_t type, uint32_t payload)
{
  return size == PWT_FRAME_BYTES + payload + PWT_SUM_BYTES && pwt_get32(data + at + PWT_FRAME_BYTES) == type;
}

/* Makes all checksums right that can be found. */
static void mend(uint8_t *data, size_t n)
{
  XXH64_state_t *chain = XXH64_createState();
  XXH64_reset(chain, 0);
  for (size_t at = 0, size; at < n && (size = frame_bytes(data, n, at)) > 0; at += size) {
    bool block = is_frame(data, at, size, PWT_TYPE_BLOCK, PWT_BLOCK_PAYLOAD);
    size_t columns = at + size;
    for (int g = 0; block && g < PWT_GROUPS; g++) {
      uint8_t *group = data + at + GROUPS_AT + 16 * g;
      size_t stored = pwt_get32(group);
      if (stored > n - columns) break;
      if (stored > 0) pwt_put64(group + 8, XXH64(data + columns, stored, 0));
      columns += stored;
    }
    if (is_frame(data, at, size, PWT_TYPE_END, PWT_END_PAYLOAD))
      pwt_put64(data + at + PWT_FRAME_BYTES + 64, XXH64_digest(chain));
    uint8_t *sum = data + at + size - PWT_SUM_BYTES;
    pwt_put64(sum, XXH64(data + at, size - PWT_SUM_BYTES, 0));
    if (block) XXH64_update(chain, sum, PWT_SUM_BYTES);
    at = columns - size;
  }
  XXH64_freeState(chain);
}

/* Changes the plain columns of one group; returns the new size, 0 if it cannot. */
static size_t mutate_columns(uint8_t *data, size_t n, size_t most, unsigned seed)
{
  enum { ROOM = 1 << 17 };
  static uint8_t plain[ROOM], stored[ROOM + 1024];
  unsigned pick = seed % 6;
  for (size_t at = 0, size; at < n && (size = frame_bytes(data, n, at)) > 0; at += size) {
    if (!is_frame(data, at, size, PWT_TYPE_BLOCK, PWT_BLOCK_PAYLOAD)) continue;
    size_t columns = at + size;
    for (int g = 0; g < PWT_GROUPS; g++) {
      uint8_t *group = data + at + GROUPS_AT + 16 * g;
      size_t old = pwt_get32(group);
      if (old > n - columns) return 0;
      if (old > 0 && pick-- == 0) {
        size_t n_plain = ZSTD_decompress(plain, sizeof plain, data + columns, old);
        if (ZSTD_isError(n_plain)) return 0;
        n_plain = LLVMFuzzerMutate(plain, n_plain, seed & 64 ? n_plain : sizeof plain);
        size_t now = ZSTD_compress(stored, sizeof stored, plain, n_plain, 1);
        if (ZSTD_isError(now) || n - old + now > most) return 0;
        memmove(data + columns + now, data + columns + old, n - columns - old);
        memcpy(data + columns, stored, now);
        pwt_put32(group, (uint32_t)now);
        pwt_put32(group + 4, (uint32_t)n_plain);
        return n - old + now;
      }
      columns += old;
    }
    at = columns - size;
  }
  return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t most, unsigned seed)
{
  size_t changed = seed & 1 ? mutate_columns(data, n, most, seed >> 1) : 0;
  if (changed == 0) changed = LLVMFuzzerMutate(data, n, most);
  if (seed % 32 != 30) mend(data, changed);
  return changed;
}

#endif
