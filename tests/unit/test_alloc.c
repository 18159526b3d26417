/* Memory that runs out: every allocation of opening, running, explaining, planning and converting is made to fail once.
 * Each time the answer is PW_ENOMEM with a sentence, nothing leaks (the sanitizers look) or stays behind on
 * disk, and the same work done again afterwards gives the same result as ever. */
#include "pwtkit.h"

#include <dirent.h>
#include <unistd.h>

#include "base/alloc.h"

struct work {
  struct kit_file text, pwt;
  struct pw_geometry geometry;
  char folder[64], path[128];
};

typedef int work_fn(struct work *w, int variant, void *result, struct pw_error *err);

/* Fails the 1st, 2nd, … allocation (every third under sanitizers, another third by variant) until the work is done before the one that fails comes. */
static unsigned long fail_each(struct work *w, work_fn *work, int variant, size_t result_bytes)
{
  struct pw_error err = {0};
  void *want = kit_alloc(1, result_bytes), *got = kit_alloc(1, result_bytes);
  pw_alloc_fail_after(0);
  KIT_OK(work(w, variant, want, &err), err);
  const unsigned long step = SLOW ? 3 : 1;
  for (unsigned long n = 1 + (unsigned long)variant % step;; n += step) {
    bool silent = n % 7 == 3; /* callers may not want the sentence */
    memset(&err, 0, sizeof err);
    memset(got, 0, result_bytes);
    pw_alloc_fail_after(n);
    int status = work(w, variant, got, silent ? NULL : &err);
    if (status == 0) {
      if (!kit_still_armed()) fail_msg("variant %d: allocation %lu failed, and nobody noticed", variant, n);
      assert_memory_equal(want, got, result_bytes);
      free(want);
      free(got);
      return n - 1;
    }
    if (status != PW_ENOMEM) fail_msg("variant %d, allocation %lu: status %d %s", variant, n, status, err.text);
    if (!silent) assert_true(err.status == PW_ENOMEM && strstr(err.text, "memory ran out"));
    pw_alloc_fail_after(0);
    if (n % 16) continue;
    memset(got, 0, result_bytes);
    KIT_OK(work(w, variant, got, &err), err);
    assert_memory_equal(want, got, result_bytes);
  }
}

/* ---- run ---- */

enum { N_CONFIGS = 8 };

static void draw_configs(struct work *w, int variant, struct pw_config *configs)
{
  for (int i = 0; i < N_CONFIGS; i++) {
    pw_config_default(&configs[i]);
    configs[i].geometry = &w->geometry;
    configs[i].page_shift = i % 3 == 2 ? 21 : 12;
    configs[i].itlb = (struct pw_tlb_config){8, 8, (i + variant) % 4};
    configs[i].dtlb = (struct pw_tlb_config){i == 5 ? 0 : 16, i == 5 ? 0 : 4, i == 5 ? 0 : (i + variant + 1) % 4};
    configs[i].stlb = (struct pw_tlb_config){32, 2, (i + 2) % 4};
    configs[i].memory_policy = variant;
    configs[i].memory_bytes = i % 2 && variant < 5 ? (uint64_t)(3 + i) << configs[i].page_shift : PW_UNLIMITED;
  }
}

/* Variants 0 … 4: a finite memory of each policy (4 = opt, which reads twice); 5: unlimited; +8: from .pwt. */
static int run_work(struct work *w, int variant, void *result, struct pw_error *err)
{
  struct pw_config configs[N_CONFIGS];
  struct kit_file *from = variant & 8 ? &w->pwt : &w->text;
  struct pw_trace *t;
  draw_configs(w, variant & 7, configs);
  int status = pw_trace_open_memory(&t, "T", from->bytes, from->n, &(struct pw_trace_options){.skip = variant & 8 ? 5 : 0}, err);
  if (status) {
    assert_null(t);
    return status;
  }
  status = pw_run(t, configs, N_CONFIGS, NULL, result, err);
  pw_trace_close(t);
  return status;
}

static void running_out_in_a_run(void **state)
{
  for (int variant = 0; variant < 14; variant++) {
    if ((variant & 7) > 5) continue;
    assert_true(fail_each(*state, run_work, variant, N_CONFIGS * sizeof(struct pw_result)) > 30);
  }
}

/* ---- one pass: machines and curves ---- */

/* Every model of one pass, at two page sizes: TLBs by openers and by all touches, memories with and without TLBs,
 * one set as an array and as a stack, and what falls back on the direct engine. */
static const struct {
  uint32_t itlb[2], dtlb[2], stlb[2], frames;
} one_pass_machines[] = {
    {{8, 8}, {16, 4}, {32, 2}, 0}, {{0, 0}, {0, 0}, {16, 1}, 0}, {{0, 0}, {16, 4}, {32, 2}, 0}, {{6, 2}, {100, 100}, {0, 0}, 0},
    {{0, 0}, {0, 0}, {0, 0}, 3},   {{8, 8}, {16, 4}, {0, 0}, 5}, {{8, 8}, {16, 4}, {0, 0}, 9},  {{8, 8}, {16, 4}, {32, 2}, 5},
};
enum { N_ONE_PASS = 2 * (sizeof one_pass_machines / sizeof *one_pass_machines) };

static void one_pass_configs(struct work *w, int variant, struct pw_config *configs)
{
  for (size_t i = 0; i < N_ONE_PASS; i++) {
    unsigned shift = i % 2 ? 21 : 12;
    size_t k = i / 2;
    configs[i] = (struct pw_config){.page_shift = shift, .geometry = &w->geometry,
                                    .itlb = {one_pass_machines[k].itlb[0], one_pass_machines[k].itlb[1], 0},
                                    .dtlb = {one_pass_machines[k].dtlb[0], one_pass_machines[k].dtlb[1], 0},
                                    .stlb = {one_pass_machines[k].stlb[0], one_pass_machines[k].stlb[1], 0},
                                    .memory_bytes = one_pass_machines[k].frames ? (uint64_t)one_pass_machines[k].frames << shift : PW_UNLIMITED};
    if (variant & 2 && k == 4) configs[i].memory_policy = 4; /* opt reads ahead, and again */
  }
}

/* Variant bits: 1 two jobs, 2 one memory of opt, 4 one stream alone, so that no page is shared, 8 from .pwt. */
static struct pw_run_options one_pass_options(int variant)
{
  return (struct pw_run_options){.jobs = variant & 1 ? 2 : 1, .only = variant & 4 ? PW_STREAM_DATA : PW_STREAM_BOTH};
}

static int one_pass_work(struct work *w, int variant, void *result, struct pw_error *err)
{
  struct pw_config configs[N_ONE_PASS];
  struct kit_file *from = variant & 8 ? &w->pwt : &w->text;
  struct pw_run_options options = one_pass_options(variant);
  struct pw_trace *t;
  one_pass_configs(w, variant, configs);
  int status = pw_trace_open_memory(&t, "T", from->bytes, from->n, NULL, err);
  if (status) return status;
  status = pw_run(t, configs, N_ONE_PASS, &options, result, err);
  pw_trace_close(t);
  return status;
}

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { STEP = 5 }; /* each bit set and not set, in a quarter of the time */
#else
enum { STEP = 1 };
#endif

static void running_out_in_one_pass(void **state)
{
  for (int variant = 0; variant < 16; variant += STEP)
    assert_true(fail_each(*state, one_pass_work, variant, N_ONE_PASS * sizeof(struct pw_result)) > 100);
}

/* The groups of an explanation, as a sum: their texts and sizes do not matter here. */
static int explain_work(struct work *w, int variant, void *result, struct pw_error *err)
{
  struct pw_config configs[N_ONE_PASS];
  struct pw_run_options options = one_pass_options(variant);
  struct pw_explained *groups;
  size_t n;
  one_pass_configs(w, variant, configs);
  int status = pw_explain(configs, N_ONE_PASS, &options, &groups, &n, err);
  if (!status) *(size_t *)result = n;
  pw_explained_free(groups);
  return status;
}

static void running_out_in_an_explanation(void **state)
{
  for (int variant = 0; variant < 4; variant++) assert_true(fail_each(*state, explain_work, variant, sizeof(size_t)) > 50);
}

static const struct pw_curve_config curve_configs[] = {
    {PW_CURVE_DTLB, 12, {0, 0, 0}, {0, 0, 0}},   {PW_CURVE_ITLB, 21, {0, 0, 0}, {0, 0, 0}},
    {PW_CURVE_STLB, 12, {8, 8, 0}, {16, 4, 0}},  {PW_CURVE_STLB, 12, {0, 0, 0}, {0, 0, 0}},
    {PW_CURVE_MEMORY, 12, {0, 0, 0}, {0, 0, 0}}, {PW_CURVE_MEMORY, 21, {0, 0, 0}, {0, 0, 0}},
};
enum { N_CURVES = sizeof curve_configs / sizeof *curve_configs };

/* The result: of each curve its points, lookups and all misses. */
static int curve_work(struct work *w, int variant, void *result, struct pw_error *err)
{
  struct pw_curve curves[N_CURVES];
  struct pw_run_options options = one_pass_options(variant);
  struct kit_file *from = variant & 8 ? &w->pwt : &w->text;
  uint64_t *sums = result;
  struct pw_trace *t;
  int status = pw_trace_open_memory(&t, "T", from->bytes, from->n, NULL, err);
  if (status) return status;
  status = pw_curve_run(t, curve_configs, N_CURVES, &options, curves, err);
  pw_trace_close(t);
  for (size_t i = 0; i < N_CURVES; i++) {
    if (status) assert_null(curves[i].points);
    sums[3 * i] = curves[i].n_points;
    sums[3 * i + 1] = curves[i].lookups;
    for (size_t p = 0; p < curves[i].n_points; p++) sums[3 * i + 2] += curves[i].points[p].misses;
  }
  pw_curves_clear(curves, N_CURVES);
  return status;
}

static void running_out_in_curves(void **state)
{
  static const int variants[] = {0, 1, 8, 9};
  for (size_t i = 0; i < 4; i++) assert_true(fail_each(*state, curve_work, variants[i], 3 * N_CURVES * sizeof(uint64_t)) > 50);
}

/* ---- convert ---- */

static size_t files_in(const char *folder)
{
  size_t n = 0;
  DIR *d = opendir(folder);
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
  closedir(d);
  return n;
}

static int convert(struct work *w, struct pw_trace *t, struct pw_error *err)
{
  struct pw_writer *writer;
  const struct pw_block *b;
  int status = pw_writer_create(&writer, w->path, &(struct pw_writer_options){.source = "s", .command = "c"}, err);
  if (status) return status;
  while ((status = pw_trace_next(t, &b, err)) == 1)
    if ((status = pw_writer_add(writer, b, err)) != 0) break;
  if (status == 0) status = pw_writer_finish(writer, err);
  pw_writer_destroy(writer);
  return status;
}

static int convert_work(struct work *w, int variant, void *result, struct pw_error *err)
{
  struct kit_file *from = variant ? &w->pwt : &w->text;
  struct pw_trace_options options = {.counts = true, .ignore_events = variant == 2};
  struct pw_trace *t;
  int status = pw_trace_open_memory(&t, "T", from->bytes, from->n, &options, err);
  if (status) return status;
  status = convert(w, t, err);
  pw_trace_close(t);
  if (status) {
    assert_int_equal(files_in(w->folder), 0);
    return status;
  }
  FILE *in = fopen(w->path, "rb");
  assert_non_null(in);
  size_t n = fread(result, 1, 1 << 16, in);
  assert_true(n > 0 && n < 1 << 16);
  fclose(in);
  unlink(w->path);
  return 0;
}

static void running_out_in_a_conversion(void **state)
{
  for (int variant = 0; variant < 3; variant++) assert_true(fail_each(*state, convert_work, variant, 1 << 16) > 15);
}

/* ---- rewind, and plan ---- */

static int rewind_work(struct work *w, int variant, void *result, struct pw_error *err)
{
  struct kit_file *from = variant ? &w->pwt : &w->text;
  struct pw_trace *t;
  const struct pw_block *b;
  struct pw_totals *totals = result;
  int status = pw_trace_open_memory(&t, "T", from->bytes, from->n, &(struct pw_trace_options){.skip = 3, .warmup = 5}, err);
  if (status) return status;
  for (int round = 0; !status && round < 2; round++) {
    while ((status = pw_trace_next(t, &b, err)) == 1) {}
    if (!status && round == 0) status = pw_trace_rewind(t, err);
  }
  if (!status) *totals = pw_trace_info(t)->totals;
  pw_trace_close(t);
  return status;
}

static void running_out_in_a_rewind(void **state)
{
  for (int variant = 0; variant < 2; variant++) fail_each(*state, rewind_work, variant, sizeof(struct pw_totals));
}

static int plan_work(struct work *w, int variant, void *result, struct pw_error *err)
{
  static const uint32_t entries[] = {8, 16, 32}, ways[] = {1, 2, 0};
  static const int policies[] = {0, 1};
  static const uint64_t memories[] = {PW_UNLIMITED, 1 << 20}, shifts[] = {12, 21}, memory_policies[] = {0, 1};
  struct pw_tlb_spec spec = {3, 3, 2, entries, ways, policies};
  struct pw_grid grid = {0};
  grid.of[pw_parameter_find("page-size")] = (struct pw_grid_list){2, shifts};
  grid.of[pw_parameter_find("table")] = (struct pw_grid_list){1, &w->geometry};
  grid.of[pw_parameter_find("itlb")] = grid.of[pw_parameter_find("dtlb")] = grid.of[pw_parameter_find("stlb")] =
      (struct pw_grid_list){1, &spec};
  grid.of[pw_parameter_find("memory")] = (struct pw_grid_list){2, memories};
  grid.of[pw_parameter_find("memory-policy")] = (struct pw_grid_list){2, memory_policies};
  struct pw_plan plan = {0};
  int status = 0;
  for (int i = 0; !status && i <= variant; i++) {
    size_t before = plan.n_configs;
    status = pw_plan_add(&plan, &grid, 100000, err);
    if (status) assert_int_equal(plan.n_configs, before); /* what was there stays whole */
  }
  *(size_t *)result = plan.n_configs;
  pw_plan_clear(&plan);
  return status;
}

static void running_out_in_a_plan(void **state)
{
  for (int variant = 0; variant < 2; variant++) fail_each(*state, plan_work, variant, sizeof(size_t));
}

/* ---- the traces ---- */

static int set_up(void **state)
{
  struct work *w = kit_alloc(1, sizeof *w);
  struct pw_error err;
  struct kit_builder *builder = kit_alloc(1, sizeof *builder);
  struct pwt_maker maker;
  uint64_t r = 1;
  *state = w;
  KIT_OK(pw_geometry_parse(&w->geometry, "x86-64", &err), err);
  w->text.stream = open_memstream(&w->text.bytes, &w->text.n);
  assert_non_null(w->text.stream);
  fprintf(w->text.stream, "addr,op,size,pid,tid\n");
  for (int i = 0; i < 1500; i++)
    fprintf(w->text.stream, "0x%x,%c,%u,%u,%u\n", pw_random_below(&r, 300) * 4096 + 4094, "ILSM"[pw_random_below(&r, 4)],
            pw_random_below(&r, 5), i / 300, i / 100);
  fclose(w->text.stream);
  pwt_maker_init(&maker, 8);
  maker.user_half = true;
  kit_file_open(&w->pwt, NULL);
  for (int i = 0; i < 3; i++) kit_file_add(&w->pwt, pwt_maker_block(&maker, builder, 400, 200, 40));
  kit_file_finish(&w->pwt);
  free(builder);
  strcpy(w->folder, "/tmp/test_alloc.XXXXXX");
  assert_non_null(mkdtemp(w->folder));
  snprintf(w->path, sizeof w->path, "%s/out.pwt", w->folder);
  return 0;
}

static int tear_down(void **state)
{
  struct work *w = *state;
  pw_alloc_fail_after(0);
  int left = rmdir(w->folder);
  kit_file_free(&w->text);
  kit_file_free(&w->pwt);
  free(w);
  return left;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(running_out_in_a_run),    cmocka_unit_test(running_out_in_a_conversion),
      cmocka_unit_test(running_out_in_a_rewind), cmocka_unit_test(running_out_in_a_plan),
      cmocka_unit_test(running_out_in_one_pass), cmocka_unit_test(running_out_in_an_explanation),
      cmocka_unit_test(running_out_in_curves),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
