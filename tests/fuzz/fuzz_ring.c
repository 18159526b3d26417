/* Fuzzes what a recorded program may write into its ring: any words give a trace that can be read back, or an
 * error, and then the trace has what came before.
 *
 * The first word says how much of the rest each of three blocks has, and what stands in the header; the others are
 * the words. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/image.h"
#include "record/ring.h"

enum { BLOCKS = 3 };

static void read_back(const char *path)
{
  const struct pw_trace_options options = {.counts = true, .sides = true};
  const struct pw_block *block;
  struct pw_trace *trace;
  struct pw_error err = {0};
  int status = pw_trace_open(&trace, path, &options, &err);
  if (status) fprintf(stderr, "%s\n", err.text);
  MUST(status == 0);
  while ((status = pw_trace_next(trace, &block, &err)) > 0) continue;
  if (status) fprintf(stderr, "%s\n", err.text);
  MUST(status == 0);
  pw_trace_close(trace);
}

static struct pw_ring *map_ring(const struct pw_recording *recording, size_t *bytes)
{
  *bytes = (size_t)lseek(pw_recording_ring(recording), 0, SEEK_END);
  void *map = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, pw_recording_ring(recording), 0);
  MUST(map != MAP_FAILED);
  return map;
}

static void fill(struct pw_ring *ring, const uint64_t *words, size_t n, uint64_t how)
{
  char *blocks = (char *)ring + PW_RING_HEADER_BYTES;
  size_t at = 0, most = ring->block_bytes / 8;
  for (uint32_t i = 0; i < BLOCKS; i++) {
    size_t share = i + 1 < BLOCKS ? n * (how >> 8 * i & 255) / 256 : n, here = share < n - at ? share : n - at;
    if (here > most) here = most;
    memcpy(blocks + i * ring->block_bytes, words + at, here * 8);
    at += here;
    bool lies = how >> 24 & 1;
    ring->words[i] = lies ? (uint32_t)how : (uint32_t)here;
    ring->cut[i] = how >> 25 & 1 && here ? words[at - here] : 0;
    if (i + 1 == BLOCKS) ring->cursor = PW_RING_HEADER_BYTES + 1 + i * ring->block_bytes + (lies ? how : here * 8);
  }
  ring->base = 1;
  ring->head = how >> 26 & 1 ? BLOCKS : BLOCKS - 1; /* the last may be one that was being filled */
  if (how >> 27 & 1) ring->head = (uint32_t)(how >> 32);
  ring->n_blocks = ring->block_bytes = (uint32_t)how;
  ring->tail = (uint32_t)how;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  static uint64_t words[1 << 16];
  uint64_t how = 0;
  char path[] = "/dev/shm/pw-fuzz-XXXXXX";
  struct pw_recording *recording;
  struct pw_error err = {0};
  if (n < 8 || n > sizeof words) return 0;
  memcpy(&how, data, 8);
  memcpy(words, data + 8, n - 8);
  const struct pw_recording_options options = {.trace = {.make_sides = how >> 28 & 1, .skip = how >> 29 & 7, .limit = how >> 40 & 63}};
  int fd = mkstemp(path);
  MUST(fd >= 0);
  close(fd);
  MUST(pw_recording_create(&recording, path, &options, &err) == 0);
  size_t bytes;
  struct pw_ring *ring = map_ring(recording, &bytes);
  fill(ring, words, (n - 8) / 8, how);
  int status = 1;
  for (int i = 0; status == 1 && i < 20; i++) status = pw_recording_step(recording, &err);
  if (status < 0) MUST(err.text[0]);
  status = pw_recording_finish(recording, &err);
  MUST(status == 0 || status == PW_EFORMAT);
  bool any = pw_recording_visits(recording) > 0;
  munmap(ring, bytes);
  pw_recording_destroy(recording);
  if (any) read_back(path);
  unlink(path);
  return 0;
}
