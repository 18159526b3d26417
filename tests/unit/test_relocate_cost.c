/* A program that maps twice as often costs validate's relocation twice as much: steps are counted, not time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "os/linux/kernel.h"

enum { RW = PW_MAP_READ | PW_MAP_WRITE, PAGE = 4096, N = 12000 };
#define TOP UINT64_C(0x7ffff7fff000)
#define RECORDED UINT64_C(0x40000000)

static struct pw_relocation r;
static struct pw_kernel kernel;
static struct pw_native_layout native;
static struct pw_native_area top = {{.start = (TOP >> 12) - 1, .end = TOP >> 12, .flags = RW}, .name = (char *)""};
static struct pw_error err;

static void event(uint32_t kind, uint64_t a, uint64_t b, uint64_t c)
{
  struct pw_event e = {.kind = kind, .a = a, .b = b, .c = c};
  assert_int_equal(pw_relocation_event(&r, &e, &err), 0);
}

static void map(uint64_t address, uint64_t pages)
{
  event(PW_EVENT_MAP, address, pages * PAGE, RW);
}

static void call(uint64_t address, uint64_t pages, uint64_t inode)
{
  native.calls[native.n_calls++] = (struct pw_native_call){.kind = PW_NATIVE_MAP, .address = address, .bytes = pages * PAGE, .inode = inode};
}

/* Each case tells its native calls, then (go) its recorded events. */
typedef void making(uint64_t n, bool go);

static void each_its_own(uint64_t n, bool go)
{
  for (uint64_t i = 0; i < n; i++)
    if (go) map(RECORDED + i * 4 * PAGE, 2);
    else call(TOP - PAGE - (i + 1) * 3 * PAGE, 2, 0);
}

static void none(uint64_t n, bool go)
{
  for (uint64_t i = 0; i < n && go; i++) map(RECORDED + i * 4 * PAGE, 2);
}

/* Calls that nobody answers stand in the way of all that has none. */
static void other_sizes(uint64_t n, bool go)
{
  for (uint64_t i = 0; i < n; i++)
    if (go) map(RECORDED + i * 64 * PAGE, 40);
    else call(TOP - PAGE - (i + 1) * 9 * PAGE, 8, 0);
}

static void every_second(uint64_t n, bool go)
{
  for (uint64_t i = 0; i < n; i++)
    if (go) map(RECORDED + i * 64 * PAGE, i % 2 ? 40 : 8);
    else call(TOP - PAGE - (i + 1) * 9 * PAGE, 8, 0);
}

static void same_place(uint64_t n, bool go)
{
  for (uint64_t i = 0; i < n; i++) {
    if (!go) call(TOP - 64 * PAGE, 2, 0);
    if (go) map(RECORDED, 2);
    if (go) event(PW_EVENT_UNMAP, RECORDED, 2 * PAGE, 0);
  }
}

/* Holes of three pages, and above them two that come and go. */
static void come_and_go(uint64_t n, bool go)
{
  for (uint64_t i = 0; i < n && go; i++) map(RECORDED + i * 4 * PAGE, 4);
  for (uint64_t i = 4; i < n && go; i += 2) event(PW_EVENT_UNMAP, RECORDED + i * 4 * PAGE, 3 * PAGE, 0);
  for (uint64_t i = 0; i < n && go; i++) {
    event(PW_EVENT_UNMAP, RECORDED, 2 * PAGE, 0);
    map(RECORDED + (n + 2 * i) * 8 * PAGE, i % 2 ? 5 : 4);
    map(RECORDED, 2);
  }
}

static void other_files(uint64_t n, bool go)
{
  for (uint64_t i = 0; i < n; i++) {
    if (!go) call(TOP - PAGE - (i + 1) * 3 * PAGE, 2, 1000 + i);
    if (!go) continue;
    map(RECORDED + i * 4 * PAGE, 2);
    event(PW_EVENT_BACKING, 0, i % 2 ? 1000 + i : 500, 0);
  }
}

/* The same memory grows page by page, and each time somewhere else. */
static void grows(uint64_t n, bool go)
{
  uint64_t from = TOP - 64 * PAGE;
  if (!go) call(from, 1, 0);
  if (go) map(RECORDED, 1);
  for (uint64_t i = 1; i < n; i++) {
    struct pw_native_call move = {.kind = PW_NATIVE_MOVE, .address = TOP - (i + 1) * 8 * PAGE - (i % 2 << 40), .bytes = (i + 1) * PAGE,
                                  .from = from, .from_bytes = i * PAGE};
    from = move.address;
    if (!go) native.calls[native.n_calls++] = move;
    if (go) map(RECORDED + i * PAGE, 1);
  }
}

static uint64_t steps(making *make, uint64_t n)
{
  struct pw_native_call *calls = calloc(n + 1, sizeof *calls);
  assert_non_null(calls);
  native = (struct pw_native_layout){.areas = &top, .n_areas = 1, .calls = calls};
  make(n, false);
  assert_int_equal(pw_kernel_init(&kernel, PW_THP_NEVER, false, &err), 0);
  assert_int_equal(pw_relocation_init(&r, &native, 0x1fff000000, pw_kernel_target(&kernel), &err), 0);
  r.places.random = r.gaps.mapped.random = r.cuts.random = kernel.mm.areas.random = 7;
  event(PW_EVENT_THREAD, 1, 0, 0);
  make(n, true);
  assert_int_equal(pw_relocation_settle(&r, &err), 0);
  uint64_t taken = r.counterparts.steps + r.gaps.steps, changed = r.places.steps + r.gaps.mapped.steps + r.cuts.steps + kernel.mm.areas.steps;
  pw_relocation_clear(&r);
  pw_kernel_clear(&kernel);
  free(calls);
  assert_true(taken <= 12 * n);
  return taken + changed;
}

static void assert_linear(making *make)
{
  uint64_t once = steps(make, N), twice = steps(make, 2 * N);
  assert_true(once >= N);
  assert_true(twice * 10 <= once * 22); /* the intervals' search trees are deeper by one */
}

#define CASE(name) static void of_##name(void **state) { (void)state; assert_linear(name); }
CASE(each_its_own)
CASE(none)
CASE(other_sizes)
CASE(every_second)
CASE(same_place)
CASE(come_and_go)
CASE(other_files)
CASE(grows)

/* One native call at pages 100 … 109, and all from 120 on mapped: 15 pages go below 100. What is freed between the two makes
 * no room for them, so the next search begins where they went. With as many calls as a power of two they once were overlooked. */
static void a_call_bounds_the_gap_above_it(void **state)
{
  struct pw_native_call one = {.kind = PW_NATIVE_MAP, .address = 100 * PAGE, .bytes = 10 * PAGE};
  struct pw_gaps gaps;
  (void)state;
  assert_int_equal(pw_gaps_init(&gaps, &one, 1), 0);
  gaps.top = 1000;
  assert_int_equal(pw_gaps_take(&gaps, 120, 1000), 0);
  assert_int_equal(pw_gaps_highest(&gaps, 15, 1), 85);
  uint64_t steps = gaps.steps;
  pw_gaps_freed(&gaps, 115, 116);
  assert_int_equal(pw_gaps_highest(&gaps, 15, 1), 85);
  assert_int_equal(gaps.steps, steps + 1);
  pw_gaps_clear(&gaps);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_each_its_own), cmocka_unit_test(of_none),       cmocka_unit_test(of_other_sizes), cmocka_unit_test(of_every_second),
      cmocka_unit_test(of_same_place),   cmocka_unit_test(of_come_and_go), cmocka_unit_test(of_other_files), cmocka_unit_test(of_grows),
      cmocka_unit_test(a_call_bounds_the_gap_above_it)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
