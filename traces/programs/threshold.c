/* Requests that each take a buffer, fill it and give it back: what malloc's threshold costs.
 *
 * malloc takes blocks from the heap up to M_MMAP_THRESHOLD, and maps larger ones one by one: a free
 * then unmaps them, and the next request faults every page in anew. Three phases of as many
 * requests: buffers a little under the threshold, buffers a little over it, and the same after
 * the threshold was raised. (A program that sets nothing has a threshold that moves: the first free
 * of a mapped block raises it.)
 *
 *   threshold [REQUESTS]      of each phase; 100 unless given */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { KIB = 1024, THRESHOLD = 128 * KIB, UNDER = 120 * KIB, OVER = 136 * KIB };

/* One request: the sum of what it wrote, so that nothing is left out. */
static uint64_t serve(size_t bytes, uint64_t seed)
{
  size_t n = bytes / sizeof(uint64_t);
  uint64_t *buffer = malloc(bytes), sum = 0;
  if (!buffer) exit(1);
  for (size_t i = 0; i < n; i++) buffer[i] = seed + i;
  for (size_t i = 0; i < n; i++) sum += buffer[i];
  free(buffer);
  return sum;
}

static uint64_t serve_all(long requests, size_t bytes)
{
  uint64_t sum = 0;
  for (long i = 0; i < requests; i++) sum += serve(bytes, (uint64_t)i);
  return sum;
}

int main(int argc, char **argv)
{
  long requests = argc > 1 ? atol(argv[1]) : 100;
  mallopt(M_MMAP_THRESHOLD, THRESHOLD); /* hold it still */
  mallopt(M_TRIM_THRESHOLD, 4 * THRESHOLD);
  uint64_t sum = serve_all(requests, UNDER);
  sum += serve_all(requests, OVER);
  mallopt(M_MMAP_THRESHOLD, 8 * THRESHOLD);
  sum += serve_all(requests, OVER);
  printf("%" PRIu64 "\n", sum);
  return 0;
}
