/* Curves against the direct engine: at every point, just below it and in between, the direct engine counts what
 * the curve says; and small curves worked by hand.
 *
 * PW_ITERATIONS=N tries N random traces, PW_FIRST=S begins at seed S, PW_SEED=S tries only the one of seed S. */
#include "enginetrial.h"

static struct pw_geometry table;

/* ---- by hand ---- */

static struct pw_curve curve_of(struct trial *t, struct pw_curve_config config, unsigned jobs)
{
  struct pw_curve curve;
  struct pw_trace *trace;
  struct pw_error err = {0};
  struct pw_run_options options = t->options;
  options.jobs = jobs;
  memset(&curve, 0, sizeof curve);
  KIT_OK(pw_trace_open_memory(&trace, "T", t->trace.file.bytes, t->trace.file.n, &t->window, &err), err);
  KIT_OK(pw_curve_run(trace, &config, 1, &options, &curve, &err), err);
  pw_trace_close(trace);
  return curve;
}

struct by_hand {
  uint64_t lookups;
  size_t n;
  struct pw_curve_point point[8];
};

/* Pages as digits, loads; a '*' before one makes it a store. */
static void expect(const char *pages, enum pw_curve_of of, struct by_hand want)
{
  struct trial t = {.seed = 0};
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  kit_file_open(&t.trace.file, NULL);
  kit_start(b);
  for (uint32_t op = PW_LOAD; *pages; pages++) {
    if (*pages == '*') {
      op = PW_STORE;
      continue;
    }
    kit_access(b, 0, (uint64_t)(*pages - '0'), op);
    op = PW_LOAD;
  }
  kit_file_add(&t.trace.file, kit_finish(b));
  kit_file_finish(&t.trace.file);
  free(b);
  struct pw_curve got = curve_of(&t, (struct pw_curve_config){.of = of, .page_shift = 12}, 1);
  assert_int_equal(got.lookups, want.lookups);
  assert_int_equal(got.n_points, want.n);
  for (size_t i = 0; i < want.n; i++) {
    assert_int_equal(got.points[i].entries, want.point[i].entries);
    assert_int_equal(got.points[i].misses, want.point[i].misses);
    assert_int_equal(got.points[i].swap_outs, want.point[i].swap_outs);
  }
  pw_curves_clear(&got, 1);
  kit_file_free(&t.trace.file);
}

static void curves_worked_by_hand(void **state)
{
  (void)state;
  expect("012301401234", PW_CURVE_MEMORY, (struct by_hand){12, 4, {{2, 12, 0}, {3, 10, 0}, {4, 8, 0}, {5, 5, 0}}});
  expect("012301401234", PW_CURVE_DTLB, (struct by_hand){12, 4, {{1, 12, 0}, {3, 10, 0}, {4, 8, 0}, {5, 5, 0}}});
  expect("012012", PW_CURVE_DTLB, (struct by_hand){6, 2, {{1, 6, 0}, {3, 3, 0}}});
  expect("*0120", PW_CURVE_MEMORY, (struct by_hand){4, 2, {{2, 4, 1}, {3, 3, 0}}});
  expect("*01*02", PW_CURVE_MEMORY, (struct by_hand){4, 1, {{2, 3, 0}}});
  /* only the write-back tells three frames from two */
  expect("*012", PW_CURVE_MEMORY, (struct by_hand){3, 2, {{2, 3, 1}, {3, 3, 0}}});
  expect("*0123*0", PW_CURVE_MEMORY, (struct by_hand){5, 2, {{2, 5, 1}, {4, 4, 0}}});
}

/* ---- against the direct engine ---- */

static const struct pw_curve_point *point_for(const struct pw_curve *c, uint64_t entries)
{
  const struct pw_curve_point *found = NULL;
  for (size_t i = 0; i < c->n_points && c->points[i].entries <= entries; i++) found = &c->points[i];
  return found;
}

static uint64_t misses_of(const struct pw_result *r, enum pw_curve_of of)
{
  switch (of) {
    case PW_CURVE_DTLB: return r->dtlb_misses;
    case PW_CURVE_ITLB: return r->itlb_misses;
    case PW_CURVE_STLB: return r->stlb_misses;
    default: return r->minor_faults + r->major_faults;
  }
}

static uint64_t lookups_of(const struct pw_result *r, enum pw_curve_of of)
{
  uint64_t data = r->counted.loads + r->counted.stores;
  switch (of) {
    case PW_CURVE_DTLB: return data;
    case PW_CURVE_ITLB: return r->counted.fetches;
    case PW_CURVE_STLB: return r->stlb_lookups;
    default: return r->counted.fetches + data;
  }
}

static struct pw_config config_of(const struct pw_curve_config *c, uint64_t entries)
{
  struct pw_config config = {.page_shift = c->page_shift, .geometry = &table, .memory_bytes = PW_UNLIMITED};
  struct pw_tlb_config full = {(uint32_t)entries, (uint32_t)entries, 0};
  if (c->of == PW_CURVE_MEMORY) config.memory_bytes = entries << c->page_shift;
  if (c->of == PW_CURVE_DTLB) config.dtlb = full;
  if (c->of == PW_CURVE_ITLB) config.itlb = full;
  if (c->of == PW_CURVE_STLB) {
    config.itlb = c->itlb;
    config.dtlb = c->dtlb;
    config.stlb = full;
  }
  return config;
}

/* The smallest sizes, the largest, beyond it, about the points, and between them. */
static void choose_sizes(uint64_t *sizes, size_t n, const struct pw_curve *c, enum pw_curve_of of, uint64_t *r)
{
  uint64_t least = of == PW_CURVE_MEMORY ? 2 : 1, last = c->points[c->n_points - 1].entries;
  for (size_t i = 0; i < n; i++) {
    uint64_t size = i < 4 ? i : i == 4 ? last : i == 5 ? last - 1 : i == 6 ? last + 1 : i == 7 ? 2 * last + 100 : 0;
    if (i > 7) size = c->points[pw_random_below(r, (uint32_t)c->n_points)].entries - i % 2;
    if (i > 20) size = pw_random_below(r, (uint32_t)last + 1);
    sizes[i] = size < least ? least : size;
  }
}

static int complain(const struct trial *t, const struct pw_curve_config *c, const char *what, uint64_t entries, uint64_t got, uint64_t want)
{
  static const char *const names[] = {"DTLB", "ITLB", "STLB", "memory"};
  print_trial(t);
  print_error("  curve of %s, pages 2^%u", names[c->of], c->page_shift);
  if (c->of == PW_CURVE_STLB) {
    print_tlb("ITLB", &c->itlb);
    print_tlb("DTLB", &c->dtlb);
  }
  print_error(": at size %llu %s is %llu, direct %llu\n", (unsigned long long)entries, what, (unsigned long long)got, (unsigned long long)want);
  keep_trace(t);
  return 1;
}

/* Points rise, and none is there without a change. */
static int check_form(const struct trial *t, const struct pw_curve_config *c, const struct pw_curve *curve)
{
  uint64_t least = c->of == PW_CURVE_MEMORY ? 2 : 1;
  if (curve->n_points == 0) return complain(t, c, "the number of points", 0, 0, 1);
  if (curve->points[0].entries != least) return complain(t, c, "the first point", 0, curve->points[0].entries, least);
  for (size_t i = 1; i < curve->n_points; i++) {
    const struct pw_curve_point *a = &curve->points[i - 1], *b = &curve->points[i];
    if (a->entries >= b->entries || (a->misses == b->misses && a->swap_outs == b->swap_outs))
      return complain(t, c, "a point without a change", b->entries, b->misses, a->misses);
  }
  return 0;
}

static int check_curve(struct trial *t, const struct pw_curve_config *c, const struct pw_curve *curve, uint64_t *r)
{
  uint64_t sizes[MAX_CONFIGS];
  struct pw_result results[MAX_CONFIGS];
  struct pw_error err;
  int wrong = check_form(t, c, curve);
  if (wrong) return wrong;
  choose_sizes(sizes, MAX_CONFIGS, curve, c->of, r);
  for (size_t i = 0; i < MAX_CONFIGS; i++) t->pack.configs[i] = config_of(c, sizes[i]);
  int status = run_part(t, 0, MAX_CONFIGS, PW_ENGINE_DIRECT, 1, results, &err);
  if (status < 0) fail_msg("%s", err.text);
  for (size_t i = 0; i < MAX_CONFIGS && !wrong; i++) {
    const struct pw_curve_point *p = point_for(curve, sizes[i]);
    uint64_t misses = misses_of(&results[i], c->of), lookups = lookups_of(&results[i], c->of);
    if (p->misses != misses) wrong = complain(t, c, "the number of misses", sizes[i], p->misses, misses);
    if (c->of == PW_CURVE_MEMORY && p->swap_outs != results[i].swap_outs)
      wrong = complain(t, c, "the number of swap-outs", sizes[i], p->swap_outs, results[i].swap_outs);
    if (curve->lookups != lookups) wrong = complain(t, c, "the number of lookups", sizes[i], curve->lookups, lookups);
  }
  return wrong;
}

static int same_curves(const struct trial *t, const struct pw_curve_config *c, const char *how, const struct pw_curve *a,
                       const struct pw_curve *b)
{
  bool same = a->lookups == b->lookups && a->n_points == b->n_points;
  for (size_t i = 0; same && i < a->n_points; i++)
    same = a->points[i].entries == b->points[i].entries && a->points[i].misses == b->points[i].misses &&
           a->points[i].swap_outs == b->points[i].swap_outs;
  return same ? 0 : complain(t, c, how, 0, b->n_points, a->n_points);
}

static struct pw_tlb_config draw_first_level(uint64_t *r)
{
  static const uint32_t shapes[][2] = {{0, 0}, {1, 1}, {4, 4}, {16, 4}, {12, 2}, {64, 8}, {65, 65}, {96, 12}};
  const uint32_t *shape = PICK(r, shapes);
  return (struct pw_tlb_config){shape[0], shape[1], 0};
}

/* On a trace of few long visits a warm-up may round up to all of it, which is an error. */
static bool counts_something(const struct trial *t)
{
  const struct pw_block *block;
  struct pw_trace *trace;
  struct pw_error err = {0};
  KIT_OK(pw_trace_open_memory(&trace, "T", t->trace.file.bytes, t->trace.file.n, &t->window, &err), err);
  int status;
  while ((status = pw_trace_next(trace, &block, &err)) > 0) continue;
  pw_trace_close(trace);
  return status == 0;
}

static int try_seed(uint64_t seed)
{
  static const unsigned shifts[] = {12, 12, 14, 21, 30};
  static const enum pw_stream streams[] = {PW_STREAM_BOTH, PW_STREAM_BOTH, PW_STREAM_FETCH, PW_STREAM_DATA};
  struct trial *t = kit_alloc(1, sizeof *t);
  uint64_t r = pw_random_seed(seed, 61);
  int wrong = 0;
  style_draw(&t->style, seed);
  start_trial(t, "a curve", seed);
  t->options = (struct pw_run_options){.only = PICK(&r, streams), .no_asid = pw_random_below(&r, 2)};
  if (pw_random_below(&r, 4) == 0 && !t->style.n_marks) t->window.warmup = 1 + pw_random_below(&r, (uint32_t)t->trace.n_accesses / 3);
  if (!counts_something(t)) t->window.warmup = 0;
  t->pack.n = MAX_CONFIGS;
  for (int of = PW_CURVE_DTLB; of <= PW_CURVE_MEMORY && !wrong; of++) {
    struct pw_curve_config c = {(enum pw_curve_of)of, PICK(&r, shifts), {0, 0, 0}, {0, 0, 0}};
    if (of == PW_CURVE_STLB) {
      c.itlb = draw_first_level(&r);
      c.dtlb = draw_first_level(&r);
    }
    struct pw_curve curves[3] = {curve_of(t, c, 1), curve_of(t, c, 4)};
    pw_loops_force_portable(true);
    curves[2] = curve_of(t, c, 1);
    pw_loops_force_portable(false);
    wrong = check_curve(t, &c, &curves[0], &r);
    if (!wrong) wrong = same_curves(t, &c, "the curve of 4 jobs, in points,", &curves[0], &curves[1]);
    if (!wrong) wrong = same_curves(t, &c, "the curve of the portable kernel, in points,", &curves[0], &curves[2]);
    pw_curves_clear(curves, 3);
  }
  long_trace_free(&t->trace);
  free(t);
  return wrong;
}

static void curves_are_what_the_direct_engine_counts(void **state)
{
  (void)state;
  uint64_t n = from_environment("PW_ITERATIONS", SLOW ? 20 : 100), only = from_environment("PW_SEED", 0);
  uint64_t first = only ? only : from_environment("PW_FIRST", 20001);
  int wrong = 0;
  for (uint64_t i = 0; i < (only ? 1 : n) && !wrong; i++) wrong = try_seed(first + i);
  assert_int_equal(wrong, 0);
}

int main(void)
{
  struct pw_error err = {0};
  if (pw_geometry_parse(&table, "16,9,9,9,9+12:8", &err)) return fprintf(stderr, "%s\n", err.text), 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(curves_worked_by_hand),
      cmocka_unit_test(curves_are_what_the_direct_engine_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
