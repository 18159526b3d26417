/* Interval maps: cases by hand, random changes of shared maps against an array, memory that runs out at every
 * allocation, and what changes cost as the maps grow. */
#include "tracekit.h"

#include "base/alloc.h"
#include "base/random.h"
#include "base/ranges.h"

#define END UINT64_MAX

/* Ranges held. */
static size_t count(const struct pw_ranges *r)
{
  struct pw_range got = {0};
  size_t n = 0;
  for (uint64_t from = 0; (n == 0 || got.last < END) && pw_ranges_next(r, from, &got); n++) from = got.last + 1;
  return n;
}

/* Exactly these ranges, by every way of looking them up. */
static void expect(const struct pw_ranges *r, const struct pw_range *want, size_t n)
{
  struct pw_range got;
  uint64_t from = 0;
  assert_int_equal(count(r), n);
  for (size_t i = 0; i < n; i++) {
    assert_true(pw_ranges_next(r, from, &got));
    assert_memory_equal(&got, &want[i], sizeof got);
    assert_true(pw_ranges_at(r, want[i].first, &got) && pw_ranges_at(r, want[i].last, &got));
    assert_memory_equal(&got, &want[i], sizeof got);
    assert_true(pw_ranges_before(r, want[i].last, &got));
    assert_memory_equal(&got, &want[i], sizeof got);
    if (want[i].first > 0 && (i == 0 || want[i - 1].last < want[i].first - 1)) {
      assert_false(pw_ranges_at(r, want[i].first - 1, &got));
      assert_int_equal(pw_ranges_before(r, want[i].first - 1, &got), i > 0);
    }
    if (want[i].last == END) return;
    from = want[i].last + 1;
  }
  assert_false(pw_ranges_next(r, from, &got));
  assert_false(pw_ranges_next(r, END, &got));
}

#define EXPECT(r, ...) \
  do { \
    const struct pw_range want_[] = {__VA_ARGS__}; \
    expect(r, want_, sizeof want_ / sizeof *want_); \
  } while (0)

static void puts_cuts_and_joins(void **state)
{
  (void)state;
  struct pw_ranges r = {0};
  struct pw_range found;
  expect(&r, NULL, 0);
  assert_false(pw_ranges_at(&r, 0, &found) || pw_ranges_before(&r, END, &found));
  assert_int_equal(pw_ranges_cut(&r, 0, END), 0);
  assert_int_equal(pw_ranges_put(&r, 10, 19, 1), 0);
  assert_int_equal(pw_ranges_put(&r, 30, 39, 3), 0);
  assert_int_equal(pw_ranges_put(&r, 20, 29, 1), 0); /* touches, and is not merged */
  EXPECT(&r, {10, 19, 1}, {20, 29, 1}, {30, 39, 3});
  assert_int_equal(pw_ranges_put(&r, 15, 32, 2), 0); /* trims two, removes one */
  EXPECT(&r, {10, 14, 1}, {15, 32, 2}, {33, 39, 3});
  assert_int_equal(pw_ranges_put(&r, 20, 20, 4), 0); /* in the middle: both ends keep their value */
  EXPECT(&r, {10, 14, 1}, {15, 19, 2}, {20, 20, 4}, {21, 32, 2}, {33, 39, 3});
  assert_int_equal(pw_ranges_put(&r, 20, 20, 2), 0); /* the same place, another value */
  EXPECT(&r, {10, 14, 1}, {15, 19, 2}, {20, 20, 2}, {21, 32, 2}, {33, 39, 3});
  assert_int_equal(pw_ranges_join(&r, 20, 20, 2), 0);
  EXPECT(&r, {10, 14, 1}, {15, 32, 2}, {33, 39, 3});
  assert_int_equal(pw_ranges_join(&r, 33, 36, 2), 0); /* touches below, cuts another value above */
  EXPECT(&r, {10, 14, 1}, {15, 36, 2}, {37, 39, 3});
  assert_int_equal(pw_ranges_join(&r, 5, 12, 1), 0); /* overlaps */
  EXPECT(&r, {5, 14, 1}, {15, 36, 2}, {37, 39, 3});
  assert_int_equal(pw_ranges_cut(&r, 20, 25), 0);
  EXPECT(&r, {5, 14, 1}, {15, 19, 2}, {26, 36, 2}, {37, 39, 3});
  assert_int_equal(pw_ranges_cut(&r, 20, 25), 0); /* nothing there any more */
  assert_int_equal(pw_ranges_cut(&r, 9, 8), 0);   /* no places at all */
  EXPECT(&r, {5, 14, 1}, {15, 19, 2}, {26, 36, 2}, {37, 39, 3});
  assert_int_equal(pw_ranges_cut(&r, 14, 36), 0);
  EXPECT(&r, {5, 13, 1}, {37, 39, 3});
  pw_ranges_clear(&r);
  expect(&r, NULL, 0);
}

static void the_first_and_the_last_place(void **state)
{
  (void)state;
  struct pw_ranges r = {0};
  assert_int_equal(pw_ranges_put(&r, 0, END, 7), 0);
  EXPECT(&r, {0, END, 7});
  assert_int_equal(pw_ranges_put(&r, END, END, 8), 0);
  assert_int_equal(pw_ranges_put(&r, 0, 0, 9), 0);
  EXPECT(&r, {0, 0, 9}, {1, END - 1, 7}, {END, END, 8});
  assert_int_equal(pw_ranges_join(&r, END, END, 7), 0);
  assert_int_equal(pw_ranges_join(&r, 0, 0, 7), 0);
  EXPECT(&r, {0, END, 7});
  assert_int_equal(pw_ranges_cut(&r, 1, END), 0);
  EXPECT(&r, {0, 0, 7});
  assert_int_equal(pw_ranges_put(&r, END - 1, END, 1), 0);
  assert_int_equal(pw_ranges_cut(&r, END, END), 0);
  EXPECT(&r, {0, 0, 7}, {END - 1, END - 1, 1});
  assert_int_equal(pw_ranges_cut(&r, 0, END), 0);
  expect(&r, NULL, 0);
  pw_ranges_clear(&r);
}

static void a_share_sees_no_later_changes(void **state)
{
  (void)state;
  struct pw_ranges a = {0}, b = {0}, c = {0};
  assert_int_equal(pw_ranges_put(&a, 0, 9, 1), 0);
  assert_int_equal(pw_ranges_put(&a, 20, 29, 2), 0);
  assert_int_equal(pw_ranges_put(&b, 50, 59, 5), 0);
  pw_ranges_share(&b, &a); /* what b had is gone */
  pw_ranges_share(&c, &b);
  pw_ranges_share(&c, &c);
  assert_int_equal(pw_ranges_put(&a, 5, 24, 3), 0);
  assert_int_equal(pw_ranges_put(&b, 20, 29, 4), 0);
  assert_int_equal(pw_ranges_cut(&c, 2, 2), 0);
  EXPECT(&a, {0, 4, 1}, {5, 24, 3}, {25, 29, 2});
  EXPECT(&b, {0, 9, 1}, {20, 29, 4});
  EXPECT(&c, {0, 1, 1}, {3, 9, 1}, {20, 29, 2});
  pw_ranges_clear(&a);
  EXPECT(&b, {0, 9, 1}, {20, 29, 4});
  pw_ranges_clear(&b);
  EXPECT(&c, {0, 1, 1}, {3, 9, 1}, {20, 29, 2});
  pw_ranges_clear(&c);
}

/* ---- against an array ---- */

enum { PLACES = 300, MAPS = 6, OPERATIONS = 25000 };

/* What lies at each place: the value + 1, or 0; `begins` where a range begins. */
struct naive {
  uint64_t value[PLACES];
  bool begins[PLACES];
};

static void naive_change(struct naive *o, uint64_t first, uint64_t last, uint64_t value)
{
  if (last + 1 < PLACES && o->value[last + 1]) o->begins[last + 1] = true;
  for (uint64_t i = first; i <= last; i++) {
    o->value[i] = value;
    o->begins[i] = value && i == first;
  }
}

static void naive_join(struct naive *o, uint64_t first, uint64_t last, uint64_t value)
{
  if (first > 0 && o->value[first - 1] == value)
    while (!o->begins[--first]) continue;
  if (last + 1 < PLACES && o->value[last + 1] == value)
    for (last++; last + 1 < PLACES && o->value[last + 1] && !o->begins[last + 1];) last++;
  naive_change(o, first, last, value);
}

/* Places count from `base`, so that the last one can be UINT64_MAX. */
static void compare(const struct pw_ranges *r, const struct naive *o, uint64_t base)
{
  struct pw_range got, before;
  size_t n = 0;
  uint64_t first = 0;
  bool any = false;
  for (uint64_t i = 0; i < PLACES; i++) {
    if (o->begins[i]) n++, first = i, any = true;
    assert_int_equal(pw_ranges_at(r, base + i, &got), o->value[i] != 0);
    assert_int_equal(pw_ranges_before(r, base + i, &before), any);
    if (any) assert_true(before.first == base + first);
    if (!o->value[i]) continue;
    uint64_t last = first;
    while (last + 1 < PLACES && o->value[last + 1] && !o->begins[last + 1]) last++;
    assert_true(got.first == base + first && got.last == base + last && got.value == o->value[i] - 1);
    assert_memory_equal(&got, &before, sizeof got);
    assert_true(pw_ranges_next(r, base + i, &before));
    assert_memory_equal(&got, &before, sizeof got);
  }
  assert_int_equal(count(r), n);
  for (uint64_t i = PLACES, next = END; i-- > 0;) { /* from gaps too, the next range is found */
    if (o->value[i]) next = i;
    assert_int_equal(pw_ranges_next(r, base + i, &got), next != END);
    if (next != END) assert_true(base + next >= got.first && base + next <= got.last);
  }
}

static void against_an_array(uint64_t base, uint64_t seed)
{
  struct pw_ranges r[MAPS] = {{0}};
  struct naive o[MAPS] = {{{0}, {0}}};
  for (int i = 0; i < OPERATIONS; i++) {
    uint32_t m = pw_random_below(&seed, MAPS), kind = pw_random_below(&seed, 100);
    uint64_t first = pw_random_below(&seed, PLACES), room = PLACES - first, value = pw_random_below(&seed, 4);
    uint64_t last = first + pw_random_below(&seed, (uint32_t)(kind % 8 && room > 12 ? 12 : room));
    if (kind < 3) {
      uint32_t from = pw_random_below(&seed, MAPS);
      pw_ranges_share(&r[m], &r[from]);
      if (m != from) o[m] = o[from];
    } else if (kind < 4 && i % 5 == 0) {
      pw_ranges_clear(&r[m]);
      o[m] = (struct naive){{0}, {0}};
    } else if (kind < 50) {
      assert_int_equal(pw_ranges_put(&r[m], base + first, base + last, value), 0);
      naive_change(&o[m], first, last, value + 1);
    } else if (kind < 75) {
      assert_int_equal(pw_ranges_join(&r[m], base + first, base + last, value), 0);
      naive_join(&o[m], first, last, value + 1);
    } else {
      assert_int_equal(pw_ranges_cut(&r[m], base + first, base + last), 0);
      naive_change(&o[m], first, last, 0);
    }
    compare(&r[m], &o[m], base);
    uint32_t other = pw_random_below(&seed, MAPS);
    if (i % 4 == 0) compare(&r[other], &o[other], base);
  }
  for (int m = 0; m < MAPS; m++) {
    compare(&r[m], &o[m], base);
    pw_ranges_clear(&r[m]);
  }
}

static void random_changes_of_shared_maps(void **state)
{
  (void)state;
  against_an_array(0, 1);
  against_an_array(END - PLACES + 1, 2);
}

/* ---- memory that runs out ---- */

enum { SCRIPT = 400 };

static int scripted(struct pw_ranges *r, uint64_t *random)
{
  uint32_t kind = pw_random_below(random, 4);
  uint64_t first = pw_random_below(random, PLACES), value = pw_random_below(random, 3);
  uint64_t last = first + pw_random_below(random, 20);
  if (kind == 0) return pw_ranges_cut(r, first, last);
  return kind == 1 ? pw_ranges_join(r, first, last, value) : pw_ranges_put(r, first, last, value);
}

/* All ranges of a map, in order. */
static size_t list(const struct pw_ranges *r, struct pw_range *all)
{
  size_t n = 0;
  for (uint64_t from = 0; pw_ranges_next(r, from, &all[n]); n++) from = all[n].last + 1;
  assert_int_equal(count(r), n);
  return n;
}

/* Every change of a script fails at its 1st, 2nd, … allocation before it succeeds; every other one is of a map that
 * is shared. Neither side changes in a failure, nor the other one in a success. */
static void every_allocation_fails_once(void **state)
{
  (void)state;
  struct pw_ranges r = {.random = 1}, other = {0};
  static struct pw_range before[2 * PLACES], after[2 * PLACES];
  uint64_t random = 3;
  unsigned long failures = 0;
  for (int i = 0; i < SCRIPT; i++) {
    if (i % 2) pw_ranges_share(&other, &r);
    size_t n = list(&r, before);
    for (unsigned long fail = 1;; fail++) {
      uint64_t again = random;
      pw_alloc_fail_after(fail);
      int status = scripted(&r, &again);
      pw_alloc_fail_after(0);
      if (status == 0) {
        random = again;
        break;
      }
      failures++;
      assert_int_equal(status, -1);
      expect(&r, before, n);
    }
    if (i % 2) assert_int_equal(list(&other, after), n);
    if (i % 2) assert_memory_equal(before, after, n * sizeof *before);
  }
  assert_true(failures > 3 * SCRIPT / 2);
  pw_ranges_clear(&r);
  pw_ranges_clear(&other);
}

/* ---- cost ---- */

enum order { ASCENDING, DESCENDING, SCATTERED, IN_TURNS, CUT_IN_PIECES, FORKED, N_ORDERS };

static uint64_t place_of(enum order order, uint64_t i, uint64_t n, uint64_t *random)
{
  if (order == ASCENDING) return i * 16;
  if (order == DESCENDING) return (n - i) * 16;
  if (order == IN_TURNS) return (i % 2 ? n - i : 2 * n + i) * 16; /* one place grows upwards, one downwards */
  return pw_random_next(random) >> 8 << 4;
}

/* Steps of n changes in an order, and of a child's that shares after every eighth. */
static uint64_t steps_of(enum order order, uint64_t n, uint64_t seed)
{
  struct pw_ranges r = {.random = seed}, child = {.random = seed + 1000};
  uint64_t random = seed + 2000;
  if (order == CUT_IN_PIECES) assert_int_equal(pw_ranges_put(&r, 0, END, 1), 0);
  for (uint64_t i = 0; i < n; i++) {
    uint64_t place = place_of(order, i, n, &random);
    if (order == CUT_IN_PIECES) assert_int_equal(pw_ranges_cut(&r, place, place + 3), 0);
    else assert_int_equal(pw_ranges_put(&r, place, place + 9, i), 0);
    if (order != FORKED) continue;
    if (i % 8 == 0) pw_ranges_share(&child, &r);
    else assert_int_equal(pw_ranges_put(&child, place + 4, place + 12, i), 0);
  }
  uint64_t steps = r.steps + child.steps;
  assert_int_equal(count(&r), order == CUT_IN_PIECES ? n + 1 : n);
  pw_ranges_clear(&r);
  pw_ranges_clear(&child);
  return steps;
}

/* Chance makes a tree of scattered ranges some percent deeper or flatter, so eight of them are summed. */
static uint64_t steps_for(enum order order, uint64_t n)
{
  uint64_t steps = 0;
  for (uint64_t seed = 1; seed <= 8; seed++) steps += steps_of(order, n, seed);
  return steps;
}

static void twice_the_changes_cost_little_more_than_twice(void **state)
{
  (void)state;
  const uint64_t n = 20000;
  for (int order = 0; order < N_ORDERS; order++) {
    uint64_t once = steps_for((enum order)order, n), twice = steps_for((enum order)order, 2 * n);
    if ((double)twice > 2.2 * (double)once || once > 8 * n * (order == FORKED ? 16 : 8) * 15) /* 15 = log2 of n */
      fail_msg("order %d: %llu changes cost %llu steps, twice as many %llu", order, (unsigned long long)(8 * n),
        (unsigned long long)once, (unsigned long long)twice);
  }
}

/* In a large map the dearest single change, and a share whatever the size, and emptying what is shared. */
static void a_change_of_a_large_map_is_cheap(void **state)
{
  (void)state;
  struct pw_ranges r = {.random = 77}, child = {.random = 78};
  const uint64_t n = 300000;
  uint64_t dearest = 0;
  for (uint64_t i = 0; i < n; i++) assert_int_equal(pw_ranges_put(&r, i * 4, i * 4 + 1, i), 0);
  for (uint64_t i = 0; i < n; i += 97) {
    uint64_t before = child.steps;
    pw_ranges_share(&child, &r);
    assert_int_equal(pw_ranges_cut(&child, i * 4 + 1, i * 4 + 1), 0);
    if (child.steps - before > dearest) dearest = child.steps - before;
  }
  assert_true(dearest < 40 * 18); /* 18 = log2 of the ranges; includes emptying the share before */
  uint64_t before = child.steps;
  assert_int_equal(pw_ranges_cut(&child, 0, END), 0); /* almost everything is shared: little is freed */
  assert_true(child.steps - before < 40 * 18);
  assert_int_equal(count(&child), 0);
  assert_int_equal(count(&r), n);
  pw_ranges_clear(&child);
  pw_ranges_clear(&r);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(puts_cuts_and_joins),
    cmocka_unit_test(the_first_and_the_last_place),
    cmocka_unit_test(a_share_sees_no_later_changes),
    cmocka_unit_test(random_changes_of_shared_maps),
    cmocka_unit_test(every_allocation_fails_once),
    cmocka_unit_test(twice_the_changes_cost_little_more_than_twice),
    cmocka_unit_test(a_change_of_a_large_map_is_cheap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
