/* Four threads fill a histogram each from their part of an array: threads.c [MILLIONS [THREADS]]. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "xorshift.h"

enum { MOST_THREADS = 64, BINS = 1 << 16 };

struct part {
  pthread_t thread;
  const uint32_t *values;
  size_t n;
  uint32_t *bins;
};

static void *count(void *argument)
{
  struct part *part = argument;
  for (size_t i = 0; i < part->n; i++) part->bins[part->values[i] % BINS]++;
  return NULL;
}

int main(int argc, char **argv)
{
  size_t n = (size_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 4) * 1000000, n_threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 4;
  static struct part parts[MOST_THREADS];
  uint32_t *values = malloc(n * sizeof *values);
  if (!values || n == 0 || n_threads == 0 || n_threads > MOST_THREADS) {
    fprintf(stderr, "usage: threads [MILLIONS [THREADS up to %d]]\n", MOST_THREADS);
    return 1;
  }
  uint64_t state = 1;
  for (size_t i = 0; i < n; i++) values[i] = (uint32_t)next_random(&state);
  for (size_t t = 0; t < n_threads; t++) {
    struct part *part = &parts[t];
    *part = (struct part){.values = values + n / n_threads * t, .n = n / n_threads, .bins = calloc(BINS, sizeof(uint32_t))};
    if (!part->bins || pthread_create(&part->thread, NULL, count, part)) return 1;
  }
  uint64_t sum = 0;
  for (size_t t = 0; t < n_threads; t++) {
    pthread_join(parts[t].thread, NULL);
    for (size_t b = 0; b < BINS; b++) sum += parts[t].bins[b] * (uint64_t)b;
  }
  printf("%llu\n", (unsigned long long)sum);
  return 0;
}
