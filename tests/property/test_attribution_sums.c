/* Every count has an owner on traces with all kinds of events: kernel accesses, discards, moves, forks. The owners
 * of pw_attribute must add up to what a run counts, or it says so itself; so does its heat map. */
#include "longtrace.h"

static const uint32_t tlbs[][2] = {{4, 4}, {8, 2}, {4, 1}, {6, 2}, {16, 16}, {64, 4}};

static void draw_style(struct style *style, uint64_t seed, uint64_t *r)
{
  style_draw(style, seed);
  if (style->n_accesses > 8000) style->n_accesses = 8000;
  if (style->layout == TWO_HALVES) style->layout = CONTIGUOUS;
  style->calls = true;
  style->wide = false; /* so that addresses fit the table */
  style->event_every = 5 + pw_random_below(r, 40);
}

static void draw_machine(struct pw_config *config, uint64_t *r)
{
  static const uint64_t frames[] = {0, 2, 3, 5, 9, 20, 100};
  struct pw_tlb_config *levels[3] = {&config->itlb, &config->dtlb, &config->stlb};
  pw_config_default(config);
  for (int i = 0; i < 3; i++) {
    const uint32_t *t = PICK(r, tlbs);
    *levels[i] = (struct pw_tlb_config){t[0], t[1], 0};
  }
  if (pw_random_below(r, 3) == 0) config->page_shift = 21;
  uint64_t n = PICK(r, frames);
  if (n) config->memory_bytes = n << config->page_shift;
  config->memory_policy = (int)pw_random_below(r, 5);
}

static void hold(uint64_t seed, uint64_t met[3])
{
  uint64_t r = pw_random_seed(seed, 44), cells = 0;
  struct style style;
  struct long_trace t;
  struct pw_config config;
  struct pw_trace *trace;
  struct pw_attribution a;
  struct pw_error err = {0};
  draw_style(&style, seed, &r);
  long_trace_make(&t, &style, seed);
  draw_machine(&config, &r);
  enum pw_by by = pw_random_below(&r, 2) ? PW_BY_REGION : PW_BY_OBJECT;
  struct pw_run_options options = {.only = (enum pw_stream)pw_random_below(&r, 3)};
  KIT_OK(pw_trace_open_memory(&trace, "T", t.file.bytes, t.file.n, NULL, &err), err);
  KIT_OK(pw_attribute(trace, &config, by, PW_HEAT_FAULTS, &options, &a, &err), err);
  for (size_t i = 0; i < a.n_cells; i++) cells += a.cells[i].misses;
  assert_int_equal(cells, a.total.counts.minor_faults + a.total.counts.major_faults);
  met[0] += a.total.counts.major_faults;
  met[1] += a.total.counts.swap_outs;
  met[2] += a.total.returned_bytes >> 12;
  pw_attribution_clear(&a);
  pw_trace_close(trace);
  long_trace_free(&t);
}

/* PW_ITERATIONS=N tries N traces instead of 150. */
static void owners_add_up_whatever_happens(void **state)
{
  (void)state;
  const char *text = getenv("PW_ITERATIONS");
  uint64_t met[3] = {0};
  for (uint64_t seed = 1; seed <= (text ? strtoull(text, NULL, 10) : 150); seed++) hold(seed, met);
  for (int i = 0; i < 3; i++) assert_true(met[i] > 100);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(owners_add_up_whatever_happens)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
