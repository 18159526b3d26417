/* A seeded generator of small raw traces that make small TLBs and memories work hard.
 *
 * It prints accesses as text (header addr,op,size,pid,tid) and mixes the habits that tell replacement
 * policies apart: staying on a page, cycling through more pages than fit, ping-pong between two pages,
 * going back to recent pages, and jumps. Same options, same bytes out, on every machine. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PAGES = 4096, MAX_THREADS = 16, RECENT = 8 };

static struct { const char *name; uint64_t value; } knobs[] = {
  { "--seed", 1 },      /* any number */
  { "--accesses", 1000 },
  { "--pages", 32 },    /* data pages */
  { "--code-pages", 8 },
  { "--shared", 0 },    /* how many code pages are data pages too */
  { "--locality", 70 }, /* percent of accesses that stay on their page */
  { "--fetch", 50 },    /* percent of fetches */
  { "--store", 30 },    /* percent of the rest that stores */
  { "--straddle", 3 },  /* percent of accesses that cross into the next page */
  { "--modify", 5 },    /* percent of the rest that load and store */
  { "--pids", 1 },
  { "--tids", 1 },
  { "--burst", 20 },    /* mean accesses of a thread before another takes over */
  { "--bits", 48 },     /* addresses below 2^(bits-1) and, in the kernel half, from 2^64 - 2^(bits-1) */
};
enum { SEED, ACCESSES, PAGES, CODE_PAGES, SHARED, LOCALITY, FETCH, STORE, STRADDLE, MODIFY, PIDS, TIDS, BURST, BITS };
static const char *range = "low"; /* or sparse, kernel, mixed */

static uint64_t state;

static uint64_t below(uint64_t n)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return n ? (state >> 11) % n : 0;
}

static int chance(int knob)
{
  return below(100) < knobs[knob].value;
}

static struct pool { uint64_t page[MAX_PAGES], count; } code, data;

/* Where a thread is in each pool, the places it was last, and how it moves just now. */
static struct { uint64_t code_at, data_at, code_recent[RECENT], data_recent[RECENT], mode; } thread[MAX_THREADS];

/* Pages come in a few clusters, near and far at the scale of 4 KiB, 2 MiB and 1 GiB, so that every
 * page size sees some of them share a page and some not. */
static void fill_pool(struct pool *p, uint64_t count)
{
  uint64_t half = UINT64_C(1) << (knobs[BITS].value - 1 - 12), limit = half - 8;
  uint64_t base[4];
  for (int i = 0; i < 4; i++)
    base[i] = strcmp(range, "low") == 0 ? below(16) : below(limit);
  p->count = count;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t page = (base[below(4)] + (below(16) << 9 * below(3)) + below(8)) % limit;
    int kernel = strcmp(range, "kernel") == 0 || (strcmp(range, "mixed") == 0 && below(2));
    p->page[i] = kernel ? (UINT64_MAX >> 12) - half + 1 + page : page;
  }
}

/* The next place in a pool of n pages: cycle, ping-pong, a recent page again, or anywhere. */
static uint64_t move(uint64_t at, uint64_t n, const uint64_t *recent, uint64_t mode)
{
  switch (mode) {
  case 0: return (at + 1) % n;
  case 1: return recent[1] % n;
  case 2: return recent[below(RECENT)] % n;
  case 3: return below(n < 4 ? n : 4);
  default: return below(n);
  }
}

static uint64_t step(uint64_t *at, uint64_t *recent, uint64_t n, uint64_t mode)
{
  if (!chance(LOCALITY)) {
    *at = move(*at, n, recent, mode);
    memmove(recent + 1, recent, (RECENT - 1) * sizeof *recent);
    recent[0] = *at;
  }
  return *at;
}

static void print_access(uint64_t tid)
{
  int fetch = chance(FETCH);
  uint64_t *at = fetch ? &thread[tid].code_at : &thread[tid].data_at;
  uint64_t *recent = fetch ? thread[tid].code_recent : thread[tid].data_recent;
  const struct pool *p = fetch ? &code : &data;
  uint64_t page = p->page[step(at, recent, p->count, thread[tid].mode)];
  uint64_t size = UINT64_C(1) << below(5), offset = below(4096 / size) * size;
  if (below(40) == 0)
    size = 0;
  if (chance(STRADDLE)) {
    size = below(10) ? 2 + below(62) : 4097 + below(8000);
    offset = 4096 - 1 - below(size < 64 ? size - 1 : 64);
  }
  char op = fetch ? 'I' : chance(MODIFY) ? 'M' : chance(STORE) ? 'S' : 'L';
  printf("0x%" PRIx64 ",%c,%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", page << 12 | offset, op, size,
         100 + tid % knobs[PIDS].value, 1000 + tid);
}

static void parse_options(int argc, char **argv)
{
  for (int i = 1; i + 1 < argc; i += 2) {
    int found = strcmp(argv[i], "--range") == 0;
    if (found)
      range = argv[i + 1];
    for (size_t k = 0; k < sizeof knobs / sizeof *knobs; k++)
      if (strcmp(argv[i], knobs[k].name) == 0) {
        knobs[k].value = strtoull(argv[i + 1], NULL, 10);
        found = 1;
      }
    if (!found) {
      fprintf(stderr, "gentrace: no such option: %s\n", argv[i]);
      exit(2);
    }
  }
  if (knobs[PAGES].value - 1 >= MAX_PAGES || knobs[CODE_PAGES].value - 1 >= MAX_PAGES ||
      knobs[TIDS].value - 1 >= MAX_THREADS || knobs[PIDS].value - 1 >= knobs[TIDS].value ||
      knobs[BITS].value < 20 || knobs[BITS].value > 64) {
    fprintf(stderr, "gentrace: an option is out of range\n");
    exit(2);
  }
}

int main(int argc, char **argv)
{
  parse_options(argc, argv);
  state = (knobs[SEED].value + 1) * UINT64_C(0x9e3779b97f4a7c15);
  if (state == 0)
    state = 1;
  fill_pool(&code, knobs[CODE_PAGES].value);
  fill_pool(&data, knobs[PAGES].value);
  for (uint64_t i = 0; i < knobs[SHARED].value && i < code.count; i++)
    data.page[below(data.count)] = code.page[i];
  puts("addr,op,size,pid,tid");
  uint64_t tid = 0;
  for (uint64_t i = 0; i < knobs[ACCESSES].value; i++) {
    if (below(knobs[BURST].value) == 0)
      tid = below(knobs[TIDS].value);
    if (below(150) == 0)
      thread[tid].mode = below(6);
    print_access(tid);
  }
  return fflush(stdout) || ferror(stdout);
}
