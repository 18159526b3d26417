/* Runs against the accesses that they stand for, one by one: random runs with random data, guarded accesses
 * that do not happen, straddles, counters that fill up, skip and limit. Where all fits one
 * block, every column must be the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/ring.h"
#include "record/code_runs.h"

/* A mood is what data do: stay on a page, straddle, go far, are wide too; a steady run does nothing else. */
enum { RUNS = 40, MOST_ITEMS = 24, STEADY = 4 };

struct told {
  size_t n, n_data;
  uint64_t items[MOST_ITEMS];
};

static uint64_t below(uint64_t *seed, uint64_t n)
{
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (*seed >> 33) % n;
}

/* Mostly small accesses and code that goes on where it was; now and then the odd ones. */
static void invent(struct told *t, uint64_t *seed, unsigned mood)
{
  uint64_t at = 0x400000 + (mood == STEADY ? below(seed, 2000) : below(seed, 4) * 4096 + below(seed, 4090));
  t->n = 1 + (size_t)below(seed, MOST_ITEMS);
  t->n_data = 0;
  for (size_t i = 0; i < t->n; i++) {
    uint32_t op = below(seed, 3) ? PW_FETCH : PW_LOAD + (uint32_t)below(seed, 3);
    uint32_t bytes = op == PW_FETCH ? 1 + (uint32_t)below(seed, 15) : 1u << below(seed, 6);
    if (op != PW_FETCH && mood == 3 && below(seed, 8) == 0) bytes = 1 + (uint32_t)below(seed, 16383);
    t->items[i] = PW_RING_ITEM(op, bytes, at);
    if (op == PW_FETCH) at += bytes;
    else t->n_data++;
  }
}

static uint64_t address_of_data(uint64_t *seed, unsigned mood)
{
  if (below(seed, 16) == 0) return PW_RING_NOTHING;
  if (mood == 0 || mood == STEADY) return 0x700000 + below(seed, 4000);                      /* one page: counters fill up */
  if (mood == 1) return 0x700000 + below(seed, 3) * 4096 + below(seed, 4096); /* straddles */
  return 0x700000 + below(seed, 300) * 4096 + below(seed, 4096);
}

/* All that visits say, in a row over all blocks. */
struct said {
  struct pw_totals totals;
  uint64_t n, hash, n_blocks;
};

static void hear(struct said *s, const struct pw_block *b)
{
  for (uint32_t i = 0; i < b->n_visits; i++) {
    const uint64_t all[] = {b->pages[b->page[i]], b->flags[i], b->fetches[i], b->loads[i], b->stores[i], b->touches[i],
                            b->pc ? b->pc[i] : 0, b->offset ? b->offset[i] : 0};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) s->hash = (s->hash ^ all[k]) * UINT64_C(0x100000001b3) + 1;
  }
  s->n += b->n_visits;
  s->totals.fetches += b->totals.fetches;
  s->totals.loads += b->totals.loads;
  s->totals.stores += b->totals.stores;
  s->n_blocks++;
}

/* The run's accesses, given to pw_visits_add. */
static void one_by_one(const struct told *t, const uint64_t *addresses, struct pw_visits *v, struct said *said)
{
  struct pw_access list[MOST_ITEMS];
  size_t n = 0;
  for (size_t i = 0; i < t->n; i++) {
    uint32_t op = PW_RING_ITEM_OP(t->items[i]), bytes = PW_RING_ITEM_BYTES(t->items[i]);
    uint64_t address = op == PW_FETCH ? t->items[i] & UINT64_C(0xffffffffffff) : *addresses++;
    if (address != PW_RING_NOTHING) list[n++] = (struct pw_access){.address = address, .size_bytes = bytes, .op = op};
  }
  for (size_t at = 0; at < n;) {
    size_t taken;
    struct pw_error err;
    int got = pw_visits_add(v, "test", list + at, n - at, &taken, &err);
    assert_true(got >= 0);
    at += taken;
    if (got == 1) hear(said, &v->block);
    if (got == 2) return;
  }
}

static void as_run(const struct pw_runs *runs, uint64_t number, const uint64_t *addresses, size_t n, struct pw_visits *v,
                   struct said *said)
{
  uint64_t words[1 + MOST_ITEMS] = {number};
  uint32_t needs;
  memcpy(words + 1, addresses, n * sizeof *words);
  size_t taken = pw_runs_take(runs, words, 1 + n, v, &needs);
  if (taken == 0) {
    assert_true(needs > 0);
    if (pw_visits_room(v, needs)) {
      hear(said, &v->block);
      assert_int_equal(pw_visits_room(v, needs), 0);
    }
    taken = pw_runs_take(runs, words, 1 + n, v, &needs);
  }
  assert_int_equal(taken, 1 + n);
}

/* Both ways over the same runs. Where a block ends each way decides, so only `one_block` compares visits. */
static void compare(uint64_t seed, unsigned mood, unsigned rounds, const struct pw_trace_options *options, bool one_block)
{
  struct told told[RUNS];
  struct pw_runs runs = {.sides = options->make_sides};
  struct pw_visits *a, *b;
  struct said slow = {0}, fast = {0};
  struct pw_error err;
  assert_int_equal(pw_visits_create(&a, options, &err), 0);
  assert_int_equal(pw_visits_create(&b, options, &err), 0);
  for (size_t i = 0; i < RUNS; i++) {
    invent(&told[i], &seed, mood);
    assert_int_equal(pw_runs_add(&runs, "test", i, told[i].items, told[i].n, &err), 0);
  }
  for (unsigned i = 0; i < rounds; i++) {
    uint64_t number = mood == STEADY ? 0 : below(&seed, mood == 0 ? 2 : RUNS), addresses[MOST_ITEMS];
    for (size_t k = 0; k < MOST_ITEMS; k++) addresses[k] = address_of_data(&seed, mood);
    one_by_one(&told[number], addresses, a, &slow);
    if (!pw_visits_full(b)) as_run(&runs, number, addresses, told[number].n_data, b, &fast);
  }
  assert_int_equal(pw_visits_flush(a), pw_visits_flush(b));
  if (a->block.page) hear(&slow, &a->block);
  if (b->block.page) hear(&fast, &b->block);
  assert_memory_equal(&slow.totals, &fast.totals, sizeof slow.totals);
  assert_true(slow.totals.fetches + slow.totals.loads + slow.totals.stores > 0);
  if (one_block) {
    assert_int_equal(slow.n_blocks, 1);
    assert_int_equal(fast.n_blocks, 1);
    assert_int_equal(slow.n, fast.n);
    assert_true(slow.hash == fast.hash);
  }
  pw_runs_clear(&runs);
  pw_visits_destroy(a);
  pw_visits_destroy(b);
}

static void runs_give_the_visits_of_their_accesses(void **state)
{
  (void)state;
  const struct pw_trace_options all = {0};
  for (uint64_t seed = 1; seed <= 200; seed++)
    for (unsigned mood = 0; mood < 4; mood++) compare(seed * 77 + mood, mood, mood == 0 ? 4000 : 900, &all, true);
}

static void the_side_columns_are_those_of_the_accesses(void **state)
{
  (void)state;
  const struct pw_trace_options sides = {.make_sides = true};
  for (uint64_t seed = 1; seed <= 100; seed++)
    for (unsigned mood = 0; mood < 4; mood++) compare(seed * 79 + mood, mood, mood == 0 ? 4000 : 900, &sides, true);
  for (uint64_t seed = 1; seed <= 10; seed++) compare(seed, STEADY, 60000, &sides, true);
}

static void full_counters_open_the_same_visits(void **state)
{
  (void)state;
  const struct pw_trace_options all = {0};
  for (uint64_t seed = 1; seed <= 20; seed++) compare(seed, STEADY, 60000, &all, true);
}

static void skip_and_limit_cut_the_same(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    const struct pw_trace_options some = {.skip = seed * 13, .limit = 1 + seed * 29};
    compare(seed, (unsigned)seed % 4, 900, &some, true);
  }
}

static void many_blocks_hold_the_same_accesses(void **state)
{
  (void)state;
  const struct pw_trace_options all = {0};
  compare(5, 2, 60000, &all, false);
}

static void nonsense_is_refused(void **state)
{
  (void)state;
  struct pw_runs runs = {0};
  struct pw_error err;
  const uint64_t item = PW_RING_ITEM(PW_FETCH, 4, 0x1000);
  assert_int_equal(pw_runs_add(&runs, "test", 1, &item, 1, &err), PW_EFORMAT); /* not the next number */
  assert_int_equal(pw_runs_add(&runs, "test", 0, &item, 0, &err), PW_EFORMAT);
  assert_int_equal(pw_runs_add(&runs, "test", 0, &item, 1, &err), 0);
  uint64_t wide[PW_RING_MOST_ITEMS];
  for (size_t i = 0; i < PW_RING_MOST_ITEMS; i++) wide[i] = PW_RING_ITEM(PW_MODIFY, 16383, 0);
  assert_int_equal(pw_runs_add(&runs, "test", 1, wide, PW_RING_MOST_ITEMS, &err), PW_EFORMAT); /* no block has room */
  assert_int_equal(runs.n, 1);
  pw_runs_clear(&runs);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_give_the_visits_of_their_accesses), cmocka_unit_test(the_side_columns_are_those_of_the_accesses),
      cmocka_unit_test(full_counters_open_the_same_visits),
      cmocka_unit_test(skip_and_limit_cut_the_same), cmocka_unit_test(many_blocks_hold_the_same_accesses),
      cmocka_unit_test(nonsense_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
