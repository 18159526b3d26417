/* Blocks with native addresses: worked by hand, and random ones against a rule that is checked page by page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/random.h"
#include "space/relayout.h"

enum { RW = PW_MAP_READ | PW_MAP_WRITE, MOST = 4096 };

/* ---- a trace of one block, or of several of so many visits ---- */

static uint64_t keys[MOST];
static uint16_t page[MOST], ones[MOST];
static uint8_t flags[MOST];
static struct pw_event events[MOST], of_block[MOST];
static uint32_t n_keys, n_visits, n_events, block_visits, passed, passed_events;
static bool ended;
static struct pw_block block;
static struct pw_error err;

static void empty(void)
{
  n_keys = n_visits = n_events = passed = passed_events = 0;
  block_visits = MOST;
  ended = false;
  for (int i = 0; i < MOST; i++) ones[i] = 1;
}

static int next(struct pw_trace *trace, const struct pw_block **to, struct pw_error *e)
{
  (void)trace;
  (void)e;
  if (ended) return 0;
  uint32_t n = n_visits - passed < block_visits ? n_visits - passed : block_visits, k = 0;
  ended = passed + n == n_visits;
  for (; passed_events < n_events && (ended || events[passed_events].at < passed + n); passed_events++) {
    of_block[k] = events[passed_events];
    of_block[k++].at -= passed;
  }
  block = (struct pw_block){.n_visits = n, .n_pages = n_keys, .n_events = k, .pages = keys, .page = page + passed, .flags = flags + passed,
                            .fetches = ones + passed, .loads = ones + passed, .stores = ones + passed, .touches = ones + passed, .events = of_block};
  passed += n;
  *to = &block;
  return 1;
}

static void need_counts(struct pw_trace *trace)
{
  (void)trace;
}

static const struct pw_blocks source = {.next = next, .need_counts = need_counts};

static void visit(uint32_t process, uint64_t address)
{
  uint64_t key = pw_key(process, address >> 12);
  uint32_t k = 0;
  while (k < n_keys && keys[k] != key) k++;
  keys[k] = key;
  if (k == n_keys) n_keys++;
  page[n_visits++] = (uint16_t)k;
}

static void event(uint32_t kind, uint64_t a, uint64_t b, uint64_t c, const char *text)
{
  events[n_events++] = (struct pw_event){.at = n_visits, .kind = kind, .a = a, .b = b, .c = c, .text = text,
                                         .text_bytes = text ? (uint32_t)strlen(text) : 0};
}

/* ---- what comes out ---- */

static uint64_t got[MOST];        /* the address of each visit's page */
static struct pw_event told[MOST]; /* `at` is of the whole trace */
static uint32_t n_got, n_told, n_blocks;

static int read_all(struct pw_relayout *r)
{
  struct pw_blocks blocks = pw_relayout_blocks(r);
  const struct pw_block *b;
  int status;
  n_got = n_told = n_blocks = 0;
  while ((status = blocks.next(blocks.trace, &b, &err)) > 0) {
    n_blocks++;
    for (uint32_t i = 0; i < b->n_events; i++) {
      assert_true(b->events[i].at <= b->n_visits && (i == 0 || b->events[i - 1].at <= b->events[i].at));
      told[n_told] = b->events[i];
      told[n_told++].at += n_got;
    }
    for (uint32_t i = 0; i < b->n_visits; i++) got[n_got++] = b->pages[b->page[i]] << 12;
    assert_int_equal(b->totals.fetches, b->n_visits);
  }
  return status;
}

static void run(void)
{
  struct pw_relayout *r = pw_relayout_new(source, NULL, NULL);
  assert_non_null(r);
  assert_int_equal(read_all(r), 0);
  assert_int_equal(n_got, n_visits);
  pw_relayout_free(r);
}

static const struct pw_event *nth(uint32_t kind, unsigned n)
{
  for (uint32_t i = 0; i < n_told; i++)
    if (told[i].kind == kind && n-- == 0) return &told[i];
  fail_msg("there is no such event");
  return NULL;
}

#define IS(e, address, bytes) \
  do { \
    const struct pw_event *e_ = (e); \
    assert_int_equal(e_->a, address); \
    assert_int_equal(e_->b, bytes); \
  } while (0)

/* As Valgrind has it: the program at 0x108000, ld.so at 0x4000000, and a stack; the program runs then. */
static void start(void)
{
  empty();
  event(PW_EVENT_MAP, 0x108000, 0x2000, PW_MAP_READ, "/bin/p");
  event(PW_EVENT_BACKING, 0, 7, 0, NULL);
  event(PW_EVENT_MAP, 0x10b000, 0x1000, RW, "/bin/p");
  event(PW_EVENT_BACKING, 0x3000, 7, 0, NULL);
  event(PW_EVENT_SYMBOL, 0x108000, 16, PW_SYMBOL_FUNCTION, "main");
  event(PW_EVENT_MAP, 0x10c000, 0x1000, RW, NULL); /* its bss */
  event(PW_EVENT_MAP, 0x4000000, 0x30000, PW_MAP_READ, "/lib/ld.so");
  event(PW_EVENT_BACKING, 0, 8, 0, NULL);
  event(PW_EVENT_MAP, 0x4030000, 0x5000, RW, "/lib/ld.so");
  event(PW_EVENT_MAP, 0x1ffefe0000, 0x21000, RW | PW_MAP_STACK, "[stack]");
  visit(0, 0x4000000);
  visit(0, 0x108000);
  visit(0, 0x1fff000000);
}

static void images_heap_and_stack_are_where_the_kernel_puts_them(void **state)
{
  (void)state;
  start();
  event(PW_EVENT_MAP, 0x4035000, 0x3000, RW, "[heap]");
  visit(0, 0x4036000);
  event(PW_EVENT_UNMAP, 0x4037000, 0x1000, 0, NULL); /* brk shrinks, and grows */
  event(PW_EVENT_MAP, 0x4037000, 0x2000, RW, "[heap]");
  visit(0, 0x4038000);
  event(PW_EVENT_MAP, 0x1ffefdf000, 0x1000, RW | PW_MAP_STACK, "[stack]");
  visit(0, 0x1ffefdf000);
  visit(0, 0x77777000); /* no map told of it */
  run();
  IS(nth(PW_EVENT_MAP, 0), 0x555555554000, 0x2000);
  IS(nth(PW_EVENT_MAP, 1), 0x555555557000, 0x1000);
  IS(nth(PW_EVENT_MAP, 2), 0x555555558000, 0x1000);
  IS(nth(PW_EVENT_MAP, 3), 0x7ffff7fca000, 0x30000);
  IS(nth(PW_EVENT_MAP, 4), 0x7ffff7ffa000, 0x5000);
  IS(nth(PW_EVENT_MAP, 5), 0x7ffffffde000, 0x21000);
  IS(nth(PW_EVENT_MAP, 6), 0x555555559000, 0x3000);
  IS(nth(PW_EVENT_UNMAP, 0), 0x55555555b000, 0x1000);
  IS(nth(PW_EVENT_MAP, 7), 0x55555555b000, 0x2000);
  IS(nth(PW_EVENT_BACKING, 1), 0x3000, 7);
  const uint64_t want[] = {0x7ffff7fca000, 0x555555554000, 0x7fffffffe000, 0x55555555a000, 0x55555555c000, 0x7ffffffdd000, 0x77777000};
  assert_memory_equal(got, want, sizeof want);
  for (uint32_t i = 0; i < n_told; i++) assert_int_not_equal(told[i].kind, PW_EVENT_SYMBOL);
}

static void a_program_with_addresses_of_its_own_keeps_them(void **state)
{
  (void)state;
  empty();
  event(PW_EVENT_MAP, 0x400000, 0x10000, PW_MAP_READ, "/bin/static");
  event(PW_EVENT_MAP, 0x1ffefe0000, 0x21000, RW | PW_MAP_STACK, "[stack]");
  visit(0, 0x400000);
  event(PW_EVENT_MAP, 0x4035000, 0x1000, RW, "[heap]");
  event(PW_EVENT_MAP, 0x44000000, 0x1000, RW, NULL); /* below the vdso, which lies at the top */
  visit(0, 0x4035000);
  visit(0, 0x44000000);
  run();
  assert_int_equal(got[0], 0x400000);
  assert_int_equal(got[1], 0x410000);
  assert_int_equal(got[2], 0x7ffff7ff6000);
}

static void maps_go_to_the_highest_gap(void **state)
{
  (void)state;
  start();
  event(PW_EVENT_MAP, 0x44000000, 0x10000, PW_MAP_READ, "/lib/libc.so");      /* 0x7ffff7fb2000: below ld.so and the vdso */
  event(PW_EVENT_UNMAP, 0x44004000, 0x4000, 0, NULL);                          /* as ld.so does it */
  event(PW_EVENT_MAP, 0x44004000, 0x4000, PW_MAP_READ | PW_MAP_EXECUTE | PW_MAP_FIXED, "/lib/libc.so");
  visit(0, 0x44004000);
  event(PW_EVENT_MAP, 0x50000000, 0x400000, RW, NULL);                         /* whole 2 MiB: aligned */
  visit(0, 0x50000000);
  event(PW_EVENT_MAP, 0x60000000, 0x3000, RW, NULL);                           /* above it there is room */
  visit(0, 0x60000000);
  event(PW_EVENT_UNMAP, 0x44000000, 0x10000, 0, NULL);
  event(PW_EVENT_MAP, 0x61000000, 0x10000, PW_MAP_READ, "/lib/b");             /* takes the gap */
  visit(0, 0x61000000);
  run();
  assert_int_equal(got[3], 0x7ffff7fb6000);
  assert_int_equal(got[4], 0x7ffff7a00000);
  assert_int_equal(got[5], 0x7ffff7faf000);
  assert_int_equal(got[6], 0x7ffff7fb2000);
}

static void a_range_of_several_places_is_told_of_each(void **state)
{
  (void)state;
  start();
  event(PW_EVENT_MAP, 0x44000000, 0x2000, RW, NULL); /* side by side as recorded, and in the other order natively */
  event(PW_EVENT_MAP, 0x44002000, 0x2000, RW, NULL);
  visit(0, 0x44000000);
  event(PW_EVENT_KERNEL_WRITE, 0x44001ff0, 0x2020, 0, NULL); /* and 16 bytes that are not mapped */
  event(PW_EVENT_PROTECT, 0x44001000, 0x2000, PW_MAP_READ, NULL);
  event(PW_EVENT_UNMAP, 0x43fff000, 0x6000, 0, NULL);
  event(PW_EVENT_UNMAP, 0x44000000, 0x4000, 0, NULL); /* nothing is there any more */
  event(PW_EVENT_ADVISE, 0, 0, PW_ADVICE_THP_OFF, NULL);
  run();
  IS(nth(PW_EVENT_KERNEL_WRITE, 0), 0x7ffff7fc1ff0, 0x10);
  IS(nth(PW_EVENT_KERNEL_WRITE, 1), 0x7ffff7fbe000, 0x2000);
  IS(nth(PW_EVENT_KERNEL_WRITE, 2), 0x44004000, 0x10);
  IS(nth(PW_EVENT_PROTECT, 0), 0x7ffff7fc1000, 0x1000);
  IS(nth(PW_EVENT_PROTECT, 1), 0x7ffff7fbe000, 0x1000);
  IS(nth(PW_EVENT_UNMAP, 0), 0x7ffff7fc0000, 0x2000);
  IS(nth(PW_EVENT_UNMAP, 1), 0x7ffff7fbe000, 0x2000);
  IS(nth(PW_EVENT_ADVISE, 0), 0, 0);
  unsigned unmaps = 0;
  for (uint32_t i = 0; i < n_told; i++) unmaps += told[i].kind == PW_EVENT_UNMAP;
  assert_int_equal(unmaps, 2);
}

static void a_move_carries_or_grows(void **state)
{
  (void)state;
  start();
  event(PW_EVENT_MAP, 0x44000000, 0x4000, RW, NULL); /* 0x7ffff7fbe000: nothing has room above it */
  visit(0, 0x44000000);
  event(PW_EVENT_MAP, 0x45000000, 0x8000, RW, NULL); /* mremap */
  event(PW_EVENT_MOVE, 0x44000000, 0x4000, 0x45000000, NULL);
  visit(0, 0x45000000);                              /* 0x7ffff7fb6000 */
  event(PW_EVENT_MAP, 0x46000000, 0xa000, RW, "/f"); /* natively there is room behind it now */
  event(PW_EVENT_BACKING, 0x1000, 9, 0, NULL);
  event(PW_EVENT_MOVE, 0x45000000, 0x8000, 0x46000000, NULL);
  visit(0, 0x46000000);
  visit(0, 0x46009000);
  visit(0, 0x44000000);                              /* its place is gone */
  run();
  assert_int_equal(got[3], 0x7ffff7fbe000);
  IS(nth(PW_EVENT_MOVE, 0), 0x7ffff7fbe000, 0x4000);
  assert_int_equal(nth(PW_EVENT_MOVE, 0)->c, 0x7ffff7fb6000);
  assert_int_equal(got[4], 0x7ffff7fb6000);
  IS(nth(PW_EVENT_MAP, 8), 0x7ffff7fbe000, 0x2000);
  IS(nth(PW_EVENT_BACKING, 3), 0x9000, 9);
  assert_int_equal(got[5], 0x7ffff7fb6000);
  assert_int_equal(got[6], 0x7ffff7fbf000);
  assert_int_equal(got[7], 0x44000000);
  unsigned moves = 0;
  for (uint32_t i = 0; i < n_told; i++) moves += told[i].kind == PW_EVENT_MOVE;
  assert_int_equal(moves, 1);
}

static void processes_have_places_of_their_own(void **state)
{
  (void)state;
  start();
  event(PW_EVENT_MAP, 0x44000000, 0x2000, RW, NULL);
  visit(0, 0x44000000);
  event(PW_EVENT_FORK, 2, 1, 0, NULL);
  event(PW_EVENT_PROCESS, 2, 1, 0, NULL);
  visit(1, 0x44000000);
  event(PW_EVENT_UNMAP, 0x44000000, 0x2000, 0, NULL);
  event(PW_EVENT_MAP, 0x45000000, 0x1000, RW, NULL); /* in the child alone */
  visit(1, 0x45000000);
  event(PW_EVENT_PROCESS, 1, 0, 0, NULL);
  event(PW_EVENT_MAP, 0x46000000, 0x1000, RW, NULL);
  visit(0, 0x46000000);
  visit(0, 0x44000000);
  event(PW_EVENT_PROCESS, 2, 1, 0, NULL);
  event(PW_EVENT_EXEC, 0, 0, 0, "/bin/p");
  event(PW_EVENT_MAP, 0x108000, 0x2000, PW_MAP_READ, "/bin/p");
  visit(1, 0x108000);
  event(PW_EVENT_EXIT, 0, 0, 0, NULL);
  run();
  assert_int_equal(got[3], 0x7ffff7fc0000);
  assert_int_equal(got[4], UINT64_C(1) << 52 << 12 | 0x7ffff7fc0000);
  assert_int_equal(got[5], 0x7ffff7fc1000 + (UINT64_C(1) << 52 << 12));
  assert_int_equal(got[6], 0x7ffff7fbf000);
  assert_int_equal(got[7], 0x7ffff7fc0000);
  assert_int_equal(got[8], UINT64_C(1) << 52 << 12 | 0x555555554000);
}

static void a_child_with_a_trace_has_its_parents_places(void **state)
{
  (void)state;
  start();
  event(PW_EVENT_MAP, 0x44000000, 0x2000, RW, NULL);
  visit(0, 0x44000000);
  event(PW_EVENT_CHILD, 77, 0, 0, "p.77.pwt");
  event(PW_EVENT_UNMAP, 0x44000000, 0x2000, 0, NULL);
  struct pw_relayout *parent = pw_relayout_new(source, NULL, NULL);
  assert_non_null(parent);
  assert_int_equal(read_all(parent), 0);
  empty();
  event(PW_EVENT_MAP, 0x44000000, 0x2000, RW, NULL); /* what it has, told again */
  visit(0, 0x44001000);
  event(PW_EVENT_MAP, 0x48000000, 0x1000, RW, NULL); /* its first own */
  visit(0, 0x48000000);
  struct pw_relayout *child = pw_relayout_new(source, parent, "p.77.pwt");
  assert_non_null(child);
  pw_relayout_free(parent);
  assert_int_equal(read_all(child), 0);
  pw_relayout_free(child);
  assert_int_equal(got[0], 0x7ffff7fc1000);
  assert_int_equal(got[1], 0x7ffff7fbf000);
}

/* 26 MiB and a page less, of which a program takes 24 from where 2 MiB begin, and advises them: natively they begin elsewhere. */
static void what_is_rounded_up_for_huge_pages_is_natively_too(void **state)
{
  enum { MIB = 1 << 20 };
  (void)state;
  for (int touched = 0; touched < 2; touched++) {
    start();
    event(PW_EVENT_MAP, 0x44225000, 26 * MIB, RW, NULL); /* aligned natively: 0x7ffff6400000 */
    if (touched) visit(0, 0x44226000);
    event(PW_EVENT_ADVISE, 0x44400000, 24 * MIB, PW_ADVICE_HUGEPAGE, NULL);
    visit(0, 0x44400000);
    visit(0, 0x44225000); /* what was cut off in front lies behind: the last page before it is the last of all */
    visit(0, 0x443ff000);
    visit(0, 0x45c24000);
    event(PW_EVENT_UNMAP, 0x44225000, 26 * MIB, 0, NULL);
    run();
    const uint64_t base = 0x7ffff6400000, front = 0x44400000 - 0x44225000;
    const uint64_t aligned[] = {base, base + 26 * MIB - front, base + 26 * MIB - 0x1000, base + 0x45c24000 - 0x44400000};
    const uint64_t kept[] = {base + front, base, base + front - 0x1000, base + 0x45c24000 - 0x44225000};
    assert_memory_equal(got + 3 + touched, touched ? kept : aligned, sizeof kept);
    IS(nth(PW_EVENT_MAP, 6), base, 26 * MIB);
    IS(nth(PW_EVENT_ADVISE, 0), touched ? base + front : base, 24 * MIB);
    uint64_t unmapped = 0;
    for (uint32_t i = 0; i < n_told; i++) unmapped += told[i].kind == PW_EVENT_UNMAP ? told[i].b : 0;
    assert_int_equal(unmapped, 26 * MIB);
  }
}

/* What moved there was touched where it was: its pages stay side by side. */
static void what_was_moved_is_not_rounded_up(void **state)
{
  (void)state;
  start();
  event(PW_EVENT_MAP, 0x44000000, 1500 * 4096, RW, NULL);
  visit(0, 0x44000000);
  event(PW_EVENT_MAP, 0x50064000, 1500 * 4096, RW, NULL);
  event(PW_EVENT_MOVE, 0x44000000, 1500 * 4096, 0x50064000, NULL);
  event(PW_EVENT_ADVISE, 0x50200000, 0x200000, PW_ADVICE_HUGEPAGE, NULL);
  visit(0, 0x50064000);
  visit(0, 0x50064000 + 1499 * 4096);
  run();
  assert_int_equal(got[4], nth(PW_EVENT_MOVE, 0)->c);
  assert_int_equal(got[5], nth(PW_EVENT_MOVE, 0)->c + 1499 * 4096);
}

/* ---- random traces ---- */

enum { LD_SO_PAGES = 0x35 };

static bool changes(uint32_t kind)
{
  return kind == PW_EVENT_MAP || kind == PW_EVENT_UNMAP || kind == PW_EVENT_MOVE;
}

/* By how much the number of those that are set changes. */
static int set(bool *is, bool to)
{
  int change = to - *is;
  *is = to;
  return change;
}

/* Of a native page that is watched, or -1. */
static int slot(uint64_t native)
{
  const uint64_t low = 0x7ffff7fff - 0x3fff;
  if (native >= low && native < low + 0x4000) return (int)(native - low);
  return native >= 0x44000 && native < 0x44200 ? (int)(0x4000 + native - 0x44000) : -1;
}

/* Each page's place by brute force: what the maps that came out said, in their order. */
static void check_places(uint64_t seed)
{
  uint64_t random = pw_random_seed(seed, 5);
  start();
  block_visits = 1 + pw_random_below(&random, 9);
  for (int i = 0; i < 250; i++) {
    uint64_t at = 0x44000000 + (uint64_t)pw_random_below(&random, 24) * 0x1000, bytes = (1 + pw_random_below(&random, 6)) * 0x1000;
    uint32_t what = pw_random_below(&random, 8);
    if (what < 2) event(PW_EVENT_MAP, at, bytes, RW | (what ? PW_MAP_FIXED : 0), NULL);
    if (what == 2) event(PW_EVENT_UNMAP, at, bytes, 0, NULL);
    if (what == 3) event(PW_EVENT_PROTECT, at, bytes, PW_MAP_READ, NULL);
    if (what == 4) {
      event(PW_EVENT_MAP, at + 0x100000, bytes * 2, RW, NULL);
      event(PW_EVENT_MOVE, at, bytes, at + 0x100000, NULL);
    }
    if (what > 4) visit(0, at + (what == 5 ? 0x100000 : 0));
  }
  run();
  /* as recorded: what is mapped; as told: which visits lie in what is mapped. They agree at every visit. */
  static bool is[0x200], was[MOST];
  static unsigned mapped[MOST]; /* pages, as recorded */
  unsigned n = 0;
  memset(is, 0, sizeof is);
  uint32_t e = 0;
  for (uint32_t v = 0; v < n_visits; v++) {
    for (; e < n_events && events[e].at <= v; e++) {
      uint64_t first = (events[e].a >> 12) - 0x44000, pages = events[e].b >> 12;
      if (first >= 0x200) continue;
      for (uint64_t i = first; i < first + pages && i < 0x200; i++)
        if (changes(events[e].kind)) n += (unsigned)set(&is[i], events[e].kind == PW_EVENT_MAP);
    }
    uint64_t page_of = (keys[page[v]] & PW_PAGE_MASK) - 0x44000;
    was[v] = page_of < 0x200 && is[page_of];
    mapped[v] = n;
  }
  static bool native[0x4200]; /* of the pages below the top, and of those that stay where they were recorded */
  memset(native, 0, sizeof native);
  uint64_t seen = 0;
  e = n = 0;
  for (uint32_t v = 0; v < n_visits; v++) {
    for (; e < n_told && told[e].at <= v; e++)
      for (uint64_t i = told[e].a >> 12; i < (told[e].a + told[e].b) >> 12; i++)
        if (changes(told[e].kind) && slot(i) >= 0) n += (unsigned)set(&native[slot(i)], told[e].kind == PW_EVENT_MAP);
    assert_int_equal(n, mapped[v] + LD_SO_PAGES); /* no two pages have one place */
    if (!was[v]) continue;
    assert_true(slot(got[v] >> 12) >= 0 && native[slot(got[v] >> 12)]);
    seen++;
  }
  assert_true(seen > 5);
}

static void random_traces_keep_what_is_mapped(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 300; seed++) check_places(seed);
}

static void each_allocation_may_fail(void **state)
{
  (void)state;
  bool failed = true;
  for (unsigned long n = 1; failed; n++) {
    start();
    event(PW_EVENT_MAP, 0x44000000, 0x2000, RW, NULL);
    event(PW_EVENT_FORK, 2, 1, 0, NULL);
    visit(0, 0x44000000);
    event(PW_EVENT_CHILD, 77, 0, 0, "p.77.pwt");
    event(PW_EVENT_MAP, 0x46000000, 0x4000, RW, NULL);
    event(PW_EVENT_MOVE, 0x44000000, 0x1000, 0x46000000, NULL);
    event(PW_EVENT_UNMAP, 0x44000000, 0x1000, 0, NULL);
    event(PW_EVENT_EXEC, 0, 0, 0, "/bin/p");
    visit(0, 0x44000000);
    pw_alloc_fail_after(n);
    struct pw_relayout *r = pw_relayout_new(source, NULL, NULL);
    int status = r ? read_all(r) : PW_ENOMEM;
    struct pw_relayout *child = status ? NULL : pw_relayout_new(source, r, "p.77.pwt");
    failed = !child;
    pw_alloc_fail_after(0);
    if (failed && status) assert_int_equal(status, PW_ENOMEM);
    pw_relayout_free(child);
    pw_relayout_free(r);
    assert_true(n < 1000);
    if (n == 1) assert_true(failed);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(images_heap_and_stack_are_where_the_kernel_puts_them),
      cmocka_unit_test(a_program_with_addresses_of_its_own_keeps_them),
      cmocka_unit_test(maps_go_to_the_highest_gap),
      cmocka_unit_test(a_range_of_several_places_is_told_of_each),
      cmocka_unit_test(a_move_carries_or_grows),
      cmocka_unit_test(processes_have_places_of_their_own),
      cmocka_unit_test(a_child_with_a_trace_has_its_parents_places), cmocka_unit_test(what_is_rounded_up_for_huge_pages_is_natively_too), cmocka_unit_test(what_was_moved_is_not_rounded_up),
      cmocka_unit_test(random_traces_keep_what_is_mapped),
      cmocka_unit_test(each_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
