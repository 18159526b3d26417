/* Ten synthetic ways to use memory, for scripts/kernel-lab: the same touches each time.
 *
 * usage: workload PATTERN PAGES ROUNDS [huge]     huge: the memory is advised to have huge pages */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, HUGE = 2 << 20 };

static volatile char *base;
static uint64_t state = 88172645463325252;

static uint64_t draw(uint64_t below)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (state >> 11) % below;
}

static void load(uint64_t page)
{
  (void)base[page * PAGE + page % 61 * 64];
}

static void store(uint64_t page)
{
  base[page * PAGE + page % 61 * 64] = (char)(page + 1);
}

/* A tenth of the pages has nine tenths of the touches, and so within that tenth. */
static uint64_t skewed(uint64_t n)
{
  while (n > 10 && draw(10)) n /= 10;
  return draw(n);
}

static void loop_loads(uint64_t n, uint64_t rounds)
{
  for (uint64_t r = 0; r < rounds; r++)
    for (uint64_t i = 0; i < n; i++) load(i);
}

static void loop_stores(uint64_t n, uint64_t rounds)
{
  for (uint64_t r = 0; r < rounds; r++)
    for (uint64_t i = 0; i < n; i++) store(i);
}

static void there_and_back(uint64_t n, uint64_t rounds)
{
  for (uint64_t r = 0; r < rounds; r++)
    for (uint64_t i = 0; i < n; i++) store(r % 2 ? n - 1 - i : i);
}

static void by_chance(uint64_t n, uint64_t rounds)
{
  for (uint64_t i = 0; i < n * rounds; i++) draw(4) ? load(draw(n)) : store(draw(n));
}

static void skew(uint64_t n, uint64_t rounds)
{
  for (uint64_t i = 0; i < n * rounds; i++) draw(4) ? load(skewed(n)) : store(skewed(n));
}

/* A hot eighth, and the rest gone through meanwhile. */
static void hot_and_scan(uint64_t n, uint64_t rounds)
{
  for (uint64_t i = 0; i < n * rounds; i++) i % 3 ? store(draw(n / 8)) : load(n / 8 + i / 3 % (n - n / 8));
}

/* Half of them by chance for a while, then the other half. */
static void phases(uint64_t n, uint64_t rounds)
{
  for (uint64_t i = 0; i < n * rounds; i++) store(i / n % 2 * (n / 2) + draw(n / 2));
}

/* A table is filled by key, then asked by key, as a hash join does. */
static void join(uint64_t n, uint64_t rounds)
{
  uint64_t table = n / 2;
  for (uint64_t i = 0; i < n * rounds; i++) {
    load(table + i % (n - table));
    i < n * rounds / 2 ? store(draw(table)) : load(draw(table));
  }
}

/* A window that moves on. */
static void window(uint64_t n, uint64_t rounds)
{
  for (uint64_t i = 0; i < n * rounds; i++) store((i / rounds + draw(n / 4)) % n);
}

/* Merges eight runs: eight places that move on, and one that is written. */
static void merge(uint64_t n, uint64_t rounds)
{
  for (uint64_t r = 0; r < rounds; r++)
    for (uint64_t i = 0; i < n / 2; i++) {
      load(i % 8 * (n / 16) + i / 8 % (n / 16));
      store(n / 2 + i);
    }
}

int main(int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*run)(uint64_t n, uint64_t rounds);
  } patterns[] = {{"loop-loads", loop_loads}, {"loop-stores", loop_stores}, {"there-and-back", there_and_back}, {"by-chance", by_chance}, {"skew", skew},
                  {"hot-and-scan", hot_and_scan}, {"phases", phases}, {"join", join}, {"window", window}, {"merge", merge}};
  uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, rounds = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
  base = mmap(NULL, n * PAGE + (argc > 4 ? HUGE : 0), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (n < 16 || base == MAP_FAILED) return 2;
  if (argc > 4) base = (volatile char *)(((uintptr_t)base + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
  madvise((void *)base, n * PAGE, argc > 4 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  for (uint64_t i = 0; i < n; i++) store(i); /* pages of zeros would not be written to swap */
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
    if (strcmp(patterns[i].name, argv[1]) == 0) {
      patterns[i].run(n, rounds);
      return 0;
    }
  fprintf(stderr, "workload: no pattern is called %s\n", argv[1]);
  return 2;
}
