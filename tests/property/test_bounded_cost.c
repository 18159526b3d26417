/* What events cost as what they work on grows: twice the events take at most 2.2 times the counted steps. Steps are
 * nodes that changes of intervals and symbols visit or copy, so that the test does not depend on the machine. */
#include "spacekit.h"

enum { RW = PW_MAP_READ | PW_MAP_WRITE, SEEDS = 4 };

/* ---- spaces ---- */

/* n processes, all of whose trees grow as this seed says, and not as memory happens to lie. */
static void begin(struct space_kit *k, uint32_t n, uint64_t seed)
{
  space_kit_init(k, PW_SPACES_SYMBOLS | PW_SPACES_COUNT);
  for (uint32_t p = 1; p < n; p++) {
    space_run(k, p);
    space_event(k, PW_EVENT_EXIT, 0, 0, 0, NULL);
  }
  space_run(k, 0);
  for (size_t p = 0; p < k->s.n; p++) {
    k->s.spaces[p].areas.random = seed += 3;
    k->s.spaces[p].symbols[0].random = k->s.spaces[p].symbols[1].random = seed + 1;
  }
}

static uint64_t end(struct space_kit *k)
{
  uint64_t steps = 0;
  for (size_t p = 0; p < k->s.n; p++)
    steps += k->s.spaces[p].areas.steps + k->s.spaces[p].symbols[0].steps + k->s.spaces[p].symbols[1].steps;
  steps += k->events;
  pw_spaces_clear(&k->s);
  return steps;
}

/* The i-th of n numbers, a power of two, in an order without order: each step can be undone, so none comes twice. */
static uint64_t scattered(uint64_t i, uint64_t n)
{
  for (int round = 0; round < 3; round++) i = (i ^ i >> 5) * UINT64_C(0x9E3779B97F4A7C15) & (n - 1);
  return i;
}

static uint64_t maps_descending(uint64_t n, uint64_t seed)
{
  struct space_kit k;
  begin(&k, 1, seed);
  for (uint64_t i = n; i > 0; i--) space_map(&k, 4 * i, 2, RW, NULL);
  return end(&k);
}

static uint64_t maps_scattered(uint64_t n, uint64_t seed)
{
  struct space_kit k;
  begin(&k, 1, seed);
  for (uint64_t i = 0; i < n; i++)
    space_map(&k, 4 * scattered(i, n), 3, i % 5 ? RW : PW_MAP_READ, i % 3 ? NULL : "/lib/libc.so.6");
  return end(&k);
}

/* Each over the ends of two before it, and now and then over many. */
static uint64_t maps_over_maps(uint64_t n, uint64_t seed)
{
  struct space_kit k;
  begin(&k, 1, seed);
  for (uint64_t i = 0; i < n; i++) space_map(&k, 4 * scattered(i, n), i % 64 ? 6 : 400, RW, NULL);
  return end(&k);
}

static uint64_t unmaps_by_the_page(uint64_t n, uint64_t seed)
{
  struct space_kit k;
  begin(&k, 1, seed);
  space_map(&k, 0, 2 * n, RW, NULL);
  for (uint64_t i = 0; i < n; i++) space_unmap(&k, 2 * scattered(i, n), 1);
  for (uint64_t i = 0; i < n; i++) space_unmap(&k, 2 * i + 1, 1);
  return end(&k);
}

/* Children of a space as large as there are forks: each changes one mapping, and all of it or nothing goes at its end. */
static uint64_t forks_of_large_spaces(uint64_t n, uint64_t seed)
{
  struct space_kit k;
  begin(&k, 2, seed);
  for (uint64_t i = 0; i < n; i++) {
    space_map(&k, 4 * i, 2, RW, NULL);
    space_symbol(&k, i << 14, 64, "thing");
  }
  for (uint64_t i = 0; i < n; i++) {
    assert_int_equal(space_fork(&k, 1), 1);
    space_run(&k, 1);
    space_unmap(&k, 4 * scattered(i, n), 1);
    if (i % 3 == 0) space_event(&k, PW_EVENT_EXEC, 0, 0, 0, NULL);
    if (i % 3 == 1) space_event(&k, PW_EVENT_SYMBOL, i << 14, 32, PW_SYMBOL_DATA, "other");
    space_event(&k, PW_EVENT_EXIT, 0, 0, 0, NULL);
    space_run(&k, 0);
    space_map(&k, 4 * scattered(i, n) + 2, 1, RW, NULL);
  }
  return end(&k);
}

/* A child takes away all but one mapping, which it shares with its parent, and is forked itself. */
static uint64_t unmaps_of_what_is_shared(uint64_t n, uint64_t seed)
{
  struct space_kit k;
  begin(&k, 3, seed);
  k.s.flags &= ~(unsigned)PW_SPACES_COUNT; /* which looks at all that goes */
  for (uint64_t i = 0; i < n; i++) space_map(&k, 4 * i, 2, RW, NULL);
  for (uint64_t i = 0; i < n; i++) {
    for (uint32_t child = 1; child < 3; child++) {
      space_fork(&k, child);
      space_run(&k, child);
      space_unmap(&k, 4, 4 * n);
      space_event(&k, PW_EVENT_EXIT, 0, 0, 0, NULL);
      space_run(&k, 0);
    }
  }
  return end(&k);
}

/* Symbols side by side, each with another in it, within some that hold them all; then they go, a page at a time. */
static uint64_t symbols_come_and_go(uint64_t n, uint64_t seed)
{
  struct space_kit k;
  begin(&k, 1, seed);
  space_map(&k, 0, n + 1, RW, "/bin/prog");
  for (uint64_t i = 0; i < n; i++) {
    uint64_t at = scattered(i, n) << 12;
    space_symbol(&k, at + 512, 64, "inner");
    space_symbol(&k, at + 256, 1024, "outer");
    space_symbol(&k, i, (n << 12) - i, "around"); /* all that follow, and not one by one */
    assert_non_null(pw_spaces_symbol(&k.s, 0, at + 600, PW_SYMBOL_DATA));
  }
  for (uint64_t i = 0; i < n; i++) space_unmap(&k, scattered(n - 1 - i, n), 1);
  return end(&k);
}

static uint64_t moves(uint64_t n, uint64_t seed)
{
  struct space_kit k;
  begin(&k, 1, seed);
  for (uint64_t i = 0; i < n; i++) space_map(&k, 4 * i, 2, RW, NULL);
  for (uint64_t i = 0; i < n; i++) { /* as mremap */
    uint64_t from = 4 * scattered(i, n), to = 4 * (n + i);
    space_map(&k, to, 2, RW, NULL);
    assert_int_equal(space_event(&k, PW_EVENT_MOVE, from << 12, 0x2000, to << 12, NULL), 1);
    space_unmap(&k, from, 2);
  }
  return end(&k);
}

/* A large space, and processes one the child of the other, each with what it maps itself. */
static uint64_t processes(uint64_t n, uint64_t seed)
{
  struct space_kit k;
  uint32_t most = (uint32_t)(n / 10);
  begin(&k, most, seed);
  for (uint64_t i = 0; i < n; i++) space_map(&k, 4 * (n + i), 2, RW, NULL);
  for (uint32_t p = 0; p < most; p++) {
    space_run(&k, p);
    for (uint64_t i = 0; i < 10; i++) space_map(&k, 4 * (10 * p + i), 2, RW, NULL);
    if (p + 1 < most) assert_int_equal(space_fork(&k, p + 1), 1);
  }
  for (uint32_t p = 0; p < most; p++) {
    space_run(&k, p);
    space_event(&k, PW_EVENT_EXIT, 0, 0, 0, NULL);
  }
  return end(&k);
}

/* ---- the property ---- */

static const struct scenario {
  const char *name;
  uint64_t (*steps)(uint64_t n, uint64_t seed);
} scenarios[] = {
    {"maps descending", maps_descending}, {"maps scattered", maps_scattered}, {"maps over maps", maps_over_maps},
    {"unmaps by the page", unmaps_by_the_page}, {"forks of large spaces", forks_of_large_spaces},
    {"unmaps of what is shared", unmaps_of_what_is_shared}, {"symbols that come and go", symbols_come_and_go},
    {"moves", moves}, {"processes", processes}};

/* Chance makes a tree some percent deeper or flatter, so a few are summed. */
static uint64_t steps_of(const struct scenario *scenario, uint64_t n)
{
  uint64_t steps = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) steps += scenario->steps(n, 1000 * seed);
  return steps;
}

static void twice_the_events_take_little_more_than_twice(void **state)
{
  const uint64_t n = 1 << 14;
  int wrong = 0;
  (void)state;
  for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
    uint64_t once = steps_of(&scenarios[i], n), twice = steps_of(&scenarios[i], 2 * n);
    print_message("%s: %llu steps, twice %llu, that is %.3f times\n", scenarios[i].name, (unsigned long long)once,
                  (unsigned long long)twice, (double)twice / (double)once);
    wrong += (double)twice > 2.2 * (double)once || once > SEEDS * n * 400; /* and no event takes more than log n allows */
  }
  assert_int_equal(wrong, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(twice_the_events_take_little_more_than_twice)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
