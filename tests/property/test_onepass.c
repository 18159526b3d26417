/* One pass for all configurations, or each by itself: the numbers are the same. Random traces and random
 * packs of configurations through both engines, with one job and with several, field by field.
 *
 * PW_ITERATIONS=N tries N random traces instead of the usual few, PW_FIRST=S begins at seed S, PW_SEED=S tries only
 * the one of seed S. */
#include "enginetrial.h"

/* ---- configurations ---- */

static const char *const table_names[] = {"x86-64", "x86-64", "9,9,9,9+12:8", "27,9+12:8", "16,9,9,9,9+12:8", "arm64-16k",
                                          "arm64-64k", "sv39", "x86-64-la57", "18,18+12:8", "x86-32"};
enum { N_TABLES = sizeof table_names / sizeof *table_names };
static struct pw_geometry tables[N_TABLES];

/* Frames: a number of them, or so many more (or fewer) than the trace has pages, or a part of those. */
struct frames {
  enum { UNLIMITED, FRAMES, FOOTPRINT, PART } kind;
  int64_t n;
};

/* What a cross product is drawn from, so that configurations share page sizes, TLBs and memories. */
struct pools {
  unsigned shift[3];
  const struct pw_geometry *table[3];
  struct pw_tlb_config level[3][5]; /* ITLBs, DTLBs, STLBs */
  struct frames frames[4];
};

static struct pw_tlb_config draw_tlb(uint64_t *r)
{
  static const uint32_t sets[] = {1, 1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 96, 128, 256, 512, 1024, 4096};
  static const uint32_t ways[] = {1, 1, 2, 2, 3, 4, 4, 5, 7, 8, 11, 12, 16, 24, 31, 32};
  static const uint32_t full[] = {1, 2, 3, 5, 8, 16, 32, 48, 63, 64, 65, 66, 100, 128, 130, 500, 1000, 1536, 4000};
  uint32_t form = pw_random_below(r, 10);
  if (form == 0) return (struct pw_tlb_config){0, 0, 0};
  if (form == 1) return (struct pw_tlb_config){1536, 12, 0};
  uint32_t w = form < 4 ? PICK(r, full) : PICK(r, ways);
  return (struct pw_tlb_config){form < 4 ? w : w * PICK(r, sets), w, 0};
}

static void draw_pools(struct pools *p, uint64_t *r)
{
  static const unsigned shifts[] = {12, 12, 12, 14, 16, 21, 21, 30, 30, 25};
  static const struct frames frames[] = {{FRAMES, 2}, {FRAMES, 3}, {FRAMES, 5}, {FRAMES, 9}, {FRAMES, 63}, {FRAMES, 64}, {FRAMES, 65},
                                         {FRAMES, 66}, {FRAMES, 200}, {FOOTPRINT, -1}, {FOOTPRINT, 0}, {FOOTPRINT, 1}, {FOOTPRINT, 900},
                                         {PART, 2}, {PART, 3}, {PART, 10}};
  for (int i = 0; i < 3; i++) p->shift[i] = PICK(r, shifts);
  for (int i = 0; i < 3; i++) p->table[i] = &PICK(r, tables);
  for (int level = 0; level < 3; level++)
    for (int i = 0; i < 5; i++) p->level[level][i] = draw_tlb(r);
  p->level[2][0] = p->level[2][1] = (struct pw_tlb_config){0, 0, 0}; /* finite memory forbids a second level in one pass */
  for (int i = 0; i < 3; i++) p->frames[i] = PICK(r, frames);
  p->frames[3] = (struct frames){UNLIMITED, 0};
}

static uint64_t frames_in_bytes(const struct frames *f, uint64_t n_pages, unsigned shift)
{
  int64_t n = f->n, pages = (int64_t)n_pages;
  if (f->kind == UNLIMITED) return PW_UNLIMITED;
  if (f->kind == FOOTPRINT) n += pages;
  if (f->kind == PART) n = pages / n;
  return (uint64_t)(n < 2 ? 2 : n) << shift;
}

/* Now and then a policy that no single pass answers stands among the others. */
static void draw_policies(struct pw_config *c, uint64_t *r)
{
  struct pw_tlb_config *levels[3] = {&c->itlb, &c->dtlb, &c->stlb};
  if (pw_random_below(r, 8)) return;
  if (pw_random_below(r, 2)) c->memory_policy = (int)pw_random_below(r, 5);
  else levels[pw_random_below(r, 3)]->policy = (int)pw_random_below(r, 4);
}

static void draw_config(struct pw_config *c, const struct pools *p, const struct long_trace *t, uint64_t *r)
{
  size_t pages;
  memset(c, 0, sizeof *c);
  c->page_shift = PICK(r, p->shift);
  shared_pages(t, c->page_shift, 7, &pages);
  c->geometry = PICK(r, p->table);
  if (pw_geometry_walk_levels(c->geometry, c->page_shift) == 0) c->geometry = &tables[2 + pw_random_below(r, 3)];
  if (pw_random_below(r, 8)) { /* else no TLB at all */
    c->itlb = PICK(r, p->level[0]);
    c->dtlb = PICK(r, p->level[1]);
    c->stlb = PICK(r, p->level[2]);
  }
  c->memory_bytes = frames_in_bytes(&PICK(r, p->frames), pages, c->page_shift);
  if (c->memory_bytes != PW_UNLIMITED && pw_random_below(r, 4) == 0) c->memory_bytes += 4095;
  draw_policies(c, r);
}

static void draw_pack(struct pack *pack, const struct long_trace *t, uint64_t *r)
{
  struct pools pools;
  draw_pools(&pools, r);
  pack->n = 1 + pw_random_below(r, MAX_CONFIGS);
  for (size_t i = 0; i < pack->n;) {
    draw_config(&pack->configs[i], &pools, t, r);
    if (pw_config_check(&pack->configs[i], NULL) == 0) i++; /* such as plru with three ways */
  }
}

static void draw_options(struct trial *t, uint64_t *r)
{
  static const enum pw_stream streams[] = {PW_STREAM_BOTH, PW_STREAM_BOTH, PW_STREAM_BOTH, PW_STREAM_FETCH, PW_STREAM_DATA};
  uint32_t n = (uint32_t)t->trace.n_accesses;
  t->options = (struct pw_run_options){.only = PICK(r, streams), .no_asid = pw_random_below(r, 2), .seed = pw_random_below(r, 9)};
  if (pw_random_below(r, 5) == 0) t->window.skip = 1 + pw_random_below(r, n / 2);
  if (pw_random_below(r, 5) == 0) t->window.limit = n / 3 + pw_random_below(r, n);
  if (pw_random_below(r, 3) == 0 && !t->style.n_marks) t->window.warmup = 1 + pw_random_below(r, n / 3);
  if (t->window.limit && t->window.limit <= t->window.warmup) t->window.warmup = 0;
  t->window.ignore_events = pw_random_below(r, 10) == 0;
  t->window.ignore_kernel = pw_random_below(r, 4) == 0;
}

static int try_seed(uint64_t seed, bool cut_off)
{
  struct trial *t = kit_alloc(1, sizeof *t);
  uint64_t r = pw_random_seed(seed, 53);
  style_draw(&t->style, seed);
  start_trial(t, cut_off ? "a trace cut off" : "a random trace", seed);
  draw_pack(&t->pack, &t->trace, &r);
  draw_options(t, &r);
  if (cut_off) t->file_bytes -= 1 + pw_random_below(&r, (uint32_t)t->file_bytes);
  int wrong = hold(t);
  if (cut_off) assert_true(t->status < 0);
  long_trace_free(&t->trace);
  free(t);
  return wrong;
}

static void random_traces(void **state)
{
  (void)state;
  uint64_t n = from_environment("PW_ITERATIONS", SLOW ? 50 : 300), only = from_environment("PW_SEED", 0);
  uint64_t first = only ? only : from_environment("PW_FIRST", 1);
  int wrong = 0;
  memset(&met, 0, sizeof met);
  for (uint64_t i = 0; i < (only ? 1 : n) && !wrong; i++) wrong = try_seed(first + i, false);
  assert_int_equal(wrong, 0);
  print_message("%llu rows, one pass due %llu, joint %llu, shared pages %llu, unfit %llu, %llu major faults, %llu swap-outs, %llu STLB misses\n",
                (unsigned long long)met.rows, (unsigned long long)met.one_pass_due, (unsigned long long)met.joint_due,
                (unsigned long long)met.fallbacks, (unsigned long long)met.unfit, (unsigned long long)met.major_faults,
                (unsigned long long)met.swap_outs, (unsigned long long)met.stlb_misses);
  if (only || n < 50) return;
  assert_true(met.one_pass_due > met.rows / 3 && met.joint_due > n && met.fallbacks > n / 2 && met.unfit > 0);
  assert_true(met.major_faults > 10000 && met.swap_outs > 1000 && met.stlb_misses > 10000);
}

/* A damaged trace ends in the same error, whoever notices it. */
static void traces_cut_off(void **state)
{
  (void)state;
  int wrong = 0;
  if (getenv("PW_SEED")) skip();
  for (uint64_t seed = 1; seed <= 20 && !wrong; seed++) wrong = try_seed(10000 + seed, true);
  assert_int_equal(wrong, 0);
}

/* ---- traces that go deep ---- */

/* Entries, ways, and frames of LRU memory (0 = unlimited), each at several page sizes. */
static const struct {
  uint32_t itlb[2], dtlb[2], stlb[2], frames;
} deep_machines[] = {
    {{64, 64}, {64, 64}, {0, 0}, 0},       {{65, 65}, {65, 65}, {1000, 1000}, 0}, {{8, 8}, {128, 4}, {1536, 12}, 0},
    {{0, 0}, {512, 512}, {512, 1}, 0},     {{300, 300}, {2000, 2000}, {0, 0}, 0}, {{6, 2}, {4096, 1}, {3, 1}, 0},
    {{96, 3}, {4096, 8}, {0, 0}, 4900},    {{64, 8}, {1000, 1000}, {0, 0}, 2500}, {{0, 0}, {0, 0}, {0, 0}, 4999},
    {{16, 16}, {64, 64}, {0, 0}, 60},      {{0, 0}, {0, 0}, {0, 0}, 70},          {{64, 8}, {1536, 12}, {0, 0}, 100000},
};

static void draw_deep_pack(struct pack *pack, uint64_t *r)
{
  static const unsigned shifts[] = {12, 12, 21, 30};
  pack->n = sizeof deep_machines / sizeof *deep_machines;
  for (size_t i = 0; i < pack->n; i++) {
    struct pw_config *c = &pack->configs[i];
    c->page_shift = i == 0 ? 12 : PICK(r, shifts);
    c->geometry = &tables[0];
    c->itlb = (struct pw_tlb_config){deep_machines[i].itlb[0], deep_machines[i].itlb[1], 0};
    c->dtlb = (struct pw_tlb_config){deep_machines[i].dtlb[0], deep_machines[i].dtlb[1], 0};
    c->stlb = (struct pw_tlb_config){deep_machines[i].stlb[0], deep_machines[i].stlb[1], 0};
    c->memory_bytes = deep_machines[i].frames ? (uint64_t)deep_machines[i].frames << c->page_shift : PW_UNLIMITED;
  }
}

static void hold_deep(uint64_t seed, const struct style *style)
{
  struct trial *t = kit_alloc(1, sizeof *t);
  uint64_t r = pw_random_seed(seed, 55);
  t->style = *style;
  start_trial(t, "a deep trace", seed);
  draw_deep_pack(&t->pack, &r);
  assert_int_equal(hold(t), 0);
  assert_true(t->want[0].dtlb_misses > 200000); /* deeper than 64, each of them */
  long_trace_free(&t->trace);
  free(t);
}

/* Stacks of 5,000 pages, and many times as many references to their depths. */
static void deep_stacks(void **state)
{
  (void)state;
  hold_deep(1, &(struct style){.n_accesses = 420000, .block_visits = 40000, .n_pages = {5000, 400}, .layout = STRIDED, .stride = 512,
                               .fetch_percent = 40, .store_percent = 20, .move_percent = 100, .n_processes = 1});
}

static void deep_loops(void **state)
{
  (void)state;
  hold_deep(2, &(struct style){.n_accesses = 320000, .block_visits = 9000, .n_pages = {5000, 70}, .layout = TWO_HALVES, .stride = 1,
                               .walk = {LOOP, LOOP}, .fetch_percent = 30, .store_percent = 50, .move_percent = 100, .n_processes = 1});
}

static void deep_stacks_with_holes(void **state)
{
  (void)state;
  hold_deep(3, &(struct style){.n_accesses = 420000, .block_visits = 20000, .n_pages = {5000, 300}, .layout = STRIDED, .stride = 513,
                               .walk = {UNIFORM, LOOP}, .sharing = ONCE, .fetch_percent = 40, .store_percent = 20, .move_percent = 100,
                               .event_every = 400, .n_processes = 1, .maps = true, .calls = true});
}

/* Every process index there is, so that page keys use all their bits. */
static void as_many_processes_as_there_can_be(void **state)
{
  (void)state;
  for (unsigned asid = 0; asid < 2; asid++) {
    struct trial *t = kit_alloc(1, sizeof *t);
    uint64_t r = pw_random_seed(asid, 56);
    t->style = (struct style){.n_accesses = SLOW ? 10000 : 40000, .block_visits = 5000, .n_pages = {8, 3}, .layout = TWO_HALVES, .stride = 1,
                              .walk = {SKEWED, UNIFORM}, .fetch_percent = 40, .store_percent = 30, .move_percent = 30,
                              .event_every = 6, .n_processes = PW_PROCESSES, .maps = asid};
    start_trial(t, "4095 processes", 4 + asid);
    draw_pack(&t->pack, &t->trace, &r);
    t->options.no_asid = !asid;
    assert_int_equal(hold(t), 0);
    assert_true(t->trace.touched[0].key[t->trace.touched[0].n - 1] >> PW_PAGE_BITS >= PW_PROCESSES - 20);
    long_trace_free(&t->trace);
    free(t);
  }
}

int main(void)
{
  struct pw_error err = {0};
  for (size_t i = 0; i < N_TABLES; i++)
    if (pw_geometry_parse(&tables[i], table_names[i], &err)) return fprintf(stderr, "%s\n", err.text), 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_traces),
      cmocka_unit_test(traces_cut_off),
      cmocka_unit_test(deep_stacks),
      cmocka_unit_test(deep_loops),
      cmocka_unit_test(deep_stacks_with_holes),
      cmocka_unit_test(as_many_processes_as_there_can_be),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
