/* What events cost at the pages of a process as these grow: twice the events take at most 2.2 times the counted steps.
 * Steps are nodes and pages that changes visit or copy, so that the test does not depend on the machine; where finite
 * memories read along, also what is written down for them. */
#include "os/ideal.h"
#include "tracekit.h"

enum { N = 1 << 15 };

struct trial {
  struct pw_os *os;
  struct kit_builder *b;
  uint32_t process;
  uint64_t written;
};

static void feed(struct trial *t)
{
  struct pw_error err = {0};
  const struct pw_paged *lent;
  KIT_OK(t->os->class->block(t->os, kit_finish(t->b), &lent, &err), err);
  kit_start(t->b);
  for (size_t i = 0; i < lent->n_steps; i++) t->written += 1 + lent->steps[i].n + lent->steps[i].n_gone;
}

static void touch(struct trial *t, uint64_t page, uint32_t op)
{
  kit_access(t->b, t->process, page, op);
  if (t->b->n_visits > PW_BLOCK_VISITS - 4) feed(t);
}

static void add(struct trial *t, struct pw_event e)
{
  if (t->b->n_events > PW_BLOCK_VISITS - 4) feed(t);
  kit_event(t->b, e);
}

static void event(struct trial *t, uint32_t kind, uint64_t first, uint64_t n, uint64_t to)
{
  add(t, (struct pw_event){.kind = kind, .a = first << 12, .b = n << 12, .c = to << 12});
}

static void name(struct trial *t, uint32_t kind, uint32_t process)
{
  if (kind == PW_EVENT_PROCESS) t->process = process;
  add(t, (struct pw_event){.kind = kind, .a = 100 + process, .b = process});
}

/* Pages i × apart of the process that runs. */
static void touch_all(struct trial *t, uint64_t n, uint64_t apart)
{
  for (uint64_t i = 0; i < n; i++) touch(t, i * apart, PW_STORE);
}

/* ---- what is done n times ----
 *
 * A page costs at most 64 steps for each level of a tree, which is less while a branch fills: pages lie apart so that
 * the branches below the highest are full at n and at 2n, and a tree as high. */

/* A discard of everything of which little is there, beside a process that has much. */
static void discards_over_many_pages(struct trial *t, uint64_t n)
{
  touch_all(t, n, 3);
  name(t, PW_EVENT_PROCESS, 1);
  for (uint64_t i = 0; i < n; i++) {
    touch(t, i, PW_LOAD);
    event(t, PW_EVENT_DISCARD, 0, UINT64_C(1) << 35, 0);
  }
}

static void unmaps_by_the_page(struct trial *t, uint64_t n)
{
  event(t, PW_EVENT_MAP, 0, 16 * n, 0);
  touch_all(t, n, 16);
  for (uint64_t i = 0; i < 4 * n; i++) event(t, PW_EVENT_UNMAP, 4 * ((i * 1031) & (4 * n - 1)), 1, 0);
}

/* As a shell: each child of a large space stores a little, and it exits; its parent stores here and there too. */
static void forks_with_stores(struct trial *t, uint64_t n)
{
  touch_all(t, n, 16);
  for (uint64_t i = 0; i < n; i++) {
    name(t, PW_EVENT_FORK, 1);
    name(t, PW_EVENT_PROCESS, 1);
    touch(t, 16 * ((i * 1031) & (n - 1)), PW_STORE);
    if (i & 1) event(t, PW_EVENT_EXEC, 0, 0, 0);
    touch(t, 16 * i + 1, PW_STORE);
    event(t, PW_EVENT_EXIT, 0, 0, 0);
    name(t, PW_EVENT_PROCESS, 0);
    touch(t, 16 * ((i * 523) & (n - 1)), PW_STORE);
  }
}

static void moves(struct trial *t, uint64_t n)
{
  touch_all(t, n, 8);
  for (uint64_t i = 0; i < n; i++) event(t, PW_EVENT_MOVE, 8 * ((i * 1031) & (n - 1)), 8, 8 * (n + i));
}

/* Processes one the child of the other; they exit in turn, and what is left is stored to. */
static void processes_that_exit(struct trial *t, uint64_t n)
{
  uint32_t most = (uint32_t)(n / 32);
  touch_all(t, n, 16);
  for (uint32_t p = 1; p < most; p++) {
    name(t, PW_EVENT_FORK, p);
    name(t, PW_EVENT_PROCESS, p);
    for (uint64_t i = 0; i < 8; i++) touch(t, 256 * p + i, PW_STORE);
  }
  for (uint32_t p = 0; p + 1 < most; p++) {
    name(t, PW_EVENT_PROCESS, p);
    event(t, PW_EVENT_EXIT, 0, 0, 0);
  }
  name(t, PW_EVENT_PROCESS, most - 1);
  touch_all(t, n, 16);
}

/* ---- the property ---- */

static const struct scenario {
  const char *name;
  void (*run)(struct trial *t, uint64_t n);
} scenarios[] = {{"discards over many pages", discards_over_many_pages}, {"unmaps by the page", unmaps_by_the_page},
                 {"forks with stores", forks_with_stores}, {"moves", moves}, {"processes that exit", processes_that_exit}};

static uint64_t steps_of(const struct scenario *scenario, bool finite, uint64_t n)
{
  struct pw_error err = {0};
  struct pw_geometry g;
  struct pw_os_slot slot;
  const struct pw_run_options options = {.jobs = 1};
  struct trial t = {.b = kit_alloc(1, sizeof *t.b)};
  KIT_OK(pw_geometry_parse(&g, "x86-64", &err), err);
  KIT_OK(pw_ideal_create(&t.os, 12, &options, &err), err);
  KIT_OK(pw_ideal_add(t.os, &g, &slot, &err), err);
  if (finite) pw_ideal_lend_frames(t.os);
  kit_start(t.b);
  scenario->run(&t, n);
  feed(&t);
  uint64_t steps = pw_ideal_steps(t.os) + (finite ? t.written : 0);
  t.os->class->destroy(t.os);
  free(t.b);
  return steps;
}

static void twice_the_events_take_little_more_than_twice(void **state)
{
  int wrong = 0;
  (void)state;
  for (size_t i = 0; i < 2 * (sizeof scenarios / sizeof *scenarios); i++) {
    const struct scenario *s = &scenarios[i / 2];
    uint64_t once = steps_of(s, i % 2, N), twice = steps_of(s, i % 2, 2 * N);
    print_message("%s, %s memory: %llu steps, twice %llu, that is %.3f times\n", s->name, i % 2 ? "finite" : "unlimited",
                  (unsigned long long)once, (unsigned long long)twice, (double)twice / (double)once);
    wrong += (double)twice > 2.2 * (double)once;
  }
  assert_int_equal(wrong, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(twice_the_events_take_little_more_than_twice)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
