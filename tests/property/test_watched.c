/* Whoever is watched counts the same: a run, the total of an attribution and that of a time series are equal over random
 * events. Those two have every page and table written down as it comes and goes, a run shares them at a fork. */
#include "base/random.h"
#include "tracekit.h"

enum { STORIES = 300, PROCESSES = 5 };

static struct pw_geometry table;

/* A page: often one of a few, else one under other tables. */
static uint64_t draw_page(uint64_t *r)
{
  if (pw_random_below(r, 5)) return pw_random_below(r, 40);
  return 512 * pw_random_below(r, 3) + pw_random_below(r, 8) + UINT64_C(250000) * pw_random_below(r, 2);
}

/* Processes appear by a fork or by themselves, and may go on after their exit. */
static uint32_t draw_process(uint64_t *r, uint32_t *n)
{
  uint32_t process = pw_random_below(r, *n < PROCESSES ? *n + 1 : *n);
  *n += process == *n;
  return process;
}

static struct kit_file write_story(uint64_t *r)
{
  static const uint32_t ranges[] = {PW_EVENT_UNMAP, PW_EVENT_UNMAP, PW_EVENT_DISCARD, PW_EVENT_DISCARD, PW_EVENT_MOVE,
                                    PW_EVENT_MOVE, PW_EVENT_KERNEL_READ, PW_EVENT_KERNEL_WRITE, PW_EVENT_MAP};
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct kit_file file;
  uint32_t process = 0, n = 1, maps = pw_random_below(r, 2);
  kit_file_open(&file, NULL);
  kit_start(b);
  kit_access(b, 0, 3, PW_LOAD);
  for (uint32_t i = 10 + pw_random_below(r, 60); i > 0; i--) {
    uint32_t what = pw_random_below(r, 24), pages = 1 + pw_random_below(r, pw_random_below(r, 6) ? 6 : 200);
    struct pw_event e = {.a = draw_page(r) << 12, .b = (uint64_t)pages << 12, .c = draw_page(r) << 12};
    if (what < 8 + maps) {
      e.kind = ranges[what];
      if (e.kind == PW_EVENT_MAP) e.c = PW_MAP_READ | PW_MAP_WRITE;
    } else if (what < 13) {
      uint32_t other = draw_process(r, &n);
      e = (struct pw_event){.kind = what & 1 ? PW_EVENT_FORK : PW_EVENT_PROCESS, .a = 100 + other, .b = other};
      if (e.kind == PW_EVENT_PROCESS) process = other;
    } else if (what < 15) {
      e = (struct pw_event){.kind = what & 1 ? PW_EVENT_EXIT : PW_EVENT_EXEC};
    }
    if (e.kind) kit_event(b, e);
    else kit_access(b, process, e.a >> 12, what % 3 ? PW_STORE : what & 1 ? PW_FETCH : PW_LOAD);
  }
  kit_file_add(&file, kit_finish(b));
  kit_file_finish(&file);
  free(b);
  return file;
}

/* Way 0 is a run, 1 an attribution, 2 a time series. */
static struct pw_result count(const struct kit_file *file, const struct pw_config *config, int way)
{
  struct pw_run_options options = {.engine = way ? PW_ENGINE_AUTO : PW_ENGINE_DIRECT, .jobs = way == 2 ? 2 : 1};
  struct pw_attribution a = {0};
  struct pw_series series = {0};
  struct pw_error err = {0};
  struct pw_result result;
  struct pw_trace *t;
  KIT_OK(pw_trace_open_memory(&t, "T", file->bytes, file->n, NULL, &err), err);
  if (way == 0) KIT_OK(pw_run(t, config, 1, &options, &result, &err), err);
  if (way == 1) KIT_OK(pw_attribute(t, config, PW_BY_REGION, PW_HEAT_FAULTS, &options, &a, &err), err);
  if (way == 2) KIT_OK(pw_series_run(t, config, 3, &options, &series, &err), err);
  if (way == 1) result = a.total.counts;
  if (way == 2) result = series.total;
  pw_trace_close(t);
  pw_attribution_clear(&a);
  pw_series_clear(&series);
  return result;
}

static int compare(const struct pw_result *run, const struct pw_result *watched, uint64_t seed, const struct pw_config *config,
                   int way)
{
  const struct pw_count *c;
  int wrong = 0;
  for (size_t i = 0; (c = pw_count_entry(i)); i++) {
    if (c->unit == PW_COUNT_RATE || c->unit == PW_COUNT_WORD || pw_count_value(c, run) == pw_count_value(c, watched)) continue;
    print_error("story %llu, pages of 2^%u, memory %llu: %s is %llu in a run and %llu by way %d\n", (unsigned long long)seed,
                config->page_shift, (unsigned long long)config->memory_bytes, c->name, (unsigned long long)pw_count_value(c, run),
                (unsigned long long)pw_count_value(c, watched), way);
    wrong++;
  }
  return wrong;
}

static void whoever_is_watched_counts_the_same(void **state)
{
  static const unsigned shifts[] = {12, 13, 21};
  int wrong = 0;
  (void)state;
  for (uint64_t seed = 1; seed <= STORIES; seed++) {
    uint64_t r = pw_random_seed(seed, 53);
    struct kit_file file = write_story(&r);
    for (int i = 0; i < 6; i++) {
      unsigned shift = shifts[i / 2];
      struct pw_config config = {.page_shift = shift, .geometry = &table, .itlb = {8, 8, 0}, .memory_bytes = PW_UNLIMITED,
                                 .dtlb = {2, 1, (int)pw_random_below(&r, 4)}};
      if (pw_random_below(&r, 2)) config.stlb = (struct pw_tlb_config){4, 4, 0};
      if (i & 1) config.memory_bytes = (uint64_t)(2 + pw_random_below(&r, 8)) << shift;
      if (i & 1) config.memory_policy = (int)pw_random_below(&r, 5);
      struct pw_result run = count(&file, &config, 0);
      for (int way = 1; way < 3; way++) {
        struct pw_result watched = count(&file, &config, way);
        wrong += compare(&run, &watched, seed, &config, way);
      }
    }
    kit_file_free(&file);
  }
  assert_int_equal(wrong, 0);
}

int main(void)
{
  struct pw_error err = {0};
  if (pw_geometry_parse(&table, "9,9,9,9+12:8", &err)) return fprintf(stderr, "%s\n", err.text), 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(whoever_is_watched_counts_the_same)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
