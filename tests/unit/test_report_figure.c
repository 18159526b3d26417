/* What a chart shows of a table that is a union of sweeps: which setting is held fixed, and how it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ask/plot.h"
#include "report/figure.h"

static struct pw_table table;
static struct pw_figure figure;
static bool same_cost; /* of the walks of all rows */

static const char columns[] =
    "trace,page_bytes,table,itlb_entries,itlb_ways,itlb_policy,dtlb_entries,dtlb_ways,dtlb_policy,stlb_entries,"
    "stlb_ways,stlb_policy,memory_bytes,memory_policy,accesses,dtlb_miss_rate,table_bytes,walk_refs,fault_rate\n";

/* Rows in short: trace, page, table, dtlb entries, ways, policy, memory, miss rate; the rest is as usual. */
static void load(const char *const rows[][8], size_t n)
{
  char path[] = "/tmp/pw-figure-XXXXXX";
  int fd = mkstemp(path);
  FILE *out = fdopen(fd, "w");
  fputs(columns, out);
  for (size_t i = 0; i < n; i++) {
    const char *const *r = rows[i];
    fprintf(out, "%s,%s,%s,64,8,lru,%s,%s,%s,1536,12,lru,%s,%s,1000,%s,4096,%zu,%s\n", r[0], r[1], r[2], r[3], r[4],
            r[5], r[6], strcmp(r[6], "unlimited") ? "lru" : "", r[7], same_cost ? 20 : 100 - 9 * i, r[7]);
  }
  fclose(out);
  assert_int_equal(pw_table_add(&table, path, NULL, 0, NULL), 0);
  unlink(path);
}

#define LOAD(rows) load(rows, sizeof rows / sizeof rows[0])

static int clear(void **state)
{
  (void)state;
  same_cost = false;
  pw_figure_clear(&figure);
  pw_table_clear(&table);
  return 0;
}

static int make_chart(const struct pw_chart *chart, struct pw_error *err)
{
  if (chart->x) return pw_figure_make(&figure, chart, &table, err);
  return pw_figure_machines(&figure, chart, &table, pw_plot_processor, err);
}

static int make(const char *name, struct pw_error *err)
{
  for (size_t i = 0; i < pw_chart_count; i++)
    if (strcmp(pw_chart_table[i].name, name) == 0) return make_chart(&pw_chart_table[i], err);
  fail_msg("no chart %s", name);
  return -1;
}

/* 64-byte labels, and a page size that fills any of them: the words behind it once ran over. */
static void a_long_page_size_overruns_no_label(void **state)
{
  (void)state;
  char value[600];
  for (size_t n = 240; n < sizeof value; n += 7) {
    clear(NULL);
    memset(value, 'Q', n);
    value[n] = 0;
    const char *const rows[][8] = {
      { "t", value, "x86-64", "16", "4", "lru", "unlimited", "0.9" }, { "t", value, "x86-64", "32", "4", "lru", "unlimited", "0.8" },
      { "t", "4096", "x86-64", "16", "4", "lru", "unlimited", "0.7" }, { "t", "4096", "x86-64", "32", "4", "lru", "unlimited", "0.6" },
    };
    LOAD(rows);
    size_t shown = 0;
    for (size_t i = 0; i < pw_chart_count; i++) {
      if (strcmp(pw_chart_table[i].template_name, "lines") != 0 && strcmp(pw_chart_table[i].template_name, "bars") != 0) continue;
      struct pw_error err = { 0 };
      assert_true(pw_figure_make(&figure, &pw_chart_table[i], &table, &err) >= 0);
      for (size_t k = 0; k < figure.series.n; k++) shown += strstr(figure.series.text[k], "QQQ…") != NULL;
      for (size_t k = 0; k < figure.panels.n; k++) shown += strstr(figure.panels.text[k], "QQQ…") != NULL;
      pw_figure_clear(&figure);
    }
    assert_true(shown > 0);
  }
}

static void default_machine_is_preferred(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "4096", "x86-64", "16", "8", "lru", "unlimited", "0.9" },
    { "t", "4096", "x86-64", "64", "8", "lru", "unlimited", "0.8" },
    { "t", "4096", "x86-64", "16", "4", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "64", "4", "lru", "unlimited", "0.3" },
    { "t", "4096", "x86-64", "16", "4", "lru", "1048576", "0.7" },
    { "t", "4096", "x86-64", "64", "4", "lru", "1048576", "0.6" },
  };
  LOAD(rows);
  assert_int_equal(make("tlb-miss-rate", NULL), 1);
  assert_int_equal(figure.n_points, 2);
  assert_true(figure.points[0].x == 16 && figure.points[0].y == 0.5);
  assert_true(figure.points[1].x == 64 && figure.points[1].y == 0.3);
  assert_string_equal(pw_text_get(&figure.subtitle), "trace t · 4-way lru DTLB · unlimited memory");
}

static void many_points_beat_the_default(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "4096", "x86-64", "16", "4", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "64", "4", "lru", "unlimited", "0.3" },
    { "t", "4096", "x86-64", "8", "2", "lru", "unlimited", "0.9" },
    { "t", "4096", "x86-64", "16", "2", "lru", "unlimited", "0.8" },
    { "t", "4096", "x86-64", "32", "2", "lru", "unlimited", "0.7" },
    { "t", "4096", "x86-64", "64", "2", "lru", "unlimited", "0.6" },
    { "t", "4096", "x86-64", "128", "2", "lru", "unlimited", "0.5" },
  };
  LOAD(rows);
  assert_int_equal(make("tlb-miss-rate", NULL), 1);
  assert_int_equal(figure.n_points, 5);
  assert_string_equal(pw_text_get(&figure.subtitle), "trace t · 2-way lru DTLB · unlimited memory");
}

static void full_is_a_family(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "4096", "x86-64", "4", "4", "lru", "unlimited", "0.9" },
    { "t", "4096", "x86-64", "8", "8", "lru", "unlimited", "0.8" },
    { "t", "4096", "x86-64", "8", "4", "lru", "unlimited", "0.85" },
    { "t", "4096", "x86-64", "16", "16", "lru", "unlimited", "0.7" },
    { "t", "4096", "x86-64", "16", "4", "lru", "unlimited", "0.75" },
  };
  LOAD(rows);
  assert_int_equal(make("tlb-heatmap", NULL), 1);
  assert_int_equal(figure.series.n, 2); /* 8-way and 16-way have no member of their own */
  assert_string_equal(figure.series.text[0], "4-way");
  assert_string_equal(figure.series.text[1], "full");
  assert_int_equal(figure.n_points, 6); /* 4:4 stands in both */
  assert_string_equal(figure.places.text[2], "16");
  assert_string_equal(pw_text_get(&figure.subtitle), "DTLB misses per load or store, in % · trace t · 4 KiB pages · lru DTLB · "
                                        "unlimited memory");
}

static void fully_associative_sweep(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "4096", "x86-64", "4", "4", "lru", "unlimited", "0.9" },
    { "t", "4096", "x86-64", "8", "8", "lru", "unlimited", "0.8" },
    { "u", "4096", "x86-64", "4", "4", "lru", "unlimited", "0.9" },
    { "u", "4096", "x86-64", "8", "8", "lru", "unlimited", "0.8" },
  };
  LOAD(rows);
  assert_int_equal(make("tlb-miss-rate", NULL), 1);
  assert_int_equal(figure.n_points, 4);
  assert_int_equal(figure.panels.n, 2);
}

static void what_does_not_matter_is_not_fixed(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "4096", "1-level", "16", "4", "lru", "unlimited", "0.5" },
    { "t", "4096", "4-level", "64", "8", "lru", "1048576", "0.3" },
  };
  LOAD(rows);
  assert_int_equal(make("table-bytes", NULL), 1);
  assert_int_equal(figure.n_points, 2);
  assert_string_equal(pw_text_get(&figure.subtitle), "4 KiB pages");
}

static void left_out_with_a_reason(void **state)
{
  (void)state;
  static const char *const rows[][8] = { { "t", "4096", "x86-64", "16", "4", "lru", "unlimited", "0.5" } };
  LOAD(rows);
  for (size_t i = 0; i < pw_chart_count; i++) {
    struct pw_error err = { 0 };
    assert_int_equal(make_chart(&pw_chart_table[i], &err), 0);
    assert_true(strlen(err.text) > 20);
  }
}

/* Of one panel the axis has room for more names than of a panel among several. */
static void a_single_curve_names_its_sizes(void **state)
{
  (void)state;
  char path[] = "/tmp/pw-curve-XXXXXX";
  FILE *out = fdopen(mkstemp(path), "w");
  size_t named = 0;
  fputs("trace,of,page_bytes,entries,misses,miss_rate\n", out);
  for (unsigned entries = 1; entries <= 4096; entries *= 2) fprintf(out, "t,dtlb,4096,%u,%u,%g\n", entries, 8192 / entries, 0.8 / entries);
  fclose(out);
  assert_int_equal(pw_table_add(&table, path, NULL, 0, NULL), 0);
  unlink(path);
  assert_int_equal(make("dtlb-curve", NULL), 1);
  assert_int_equal(figure.panels.n, 1);
  assert_true(figure.x.tlb_sizes == pw_figure_chars(&figure));
  for (size_t i = 0; i < figure.x.n_ticks; i++) named += figure.x.ticks[i].label[0] != 0;
  assert_true(named >= 12);
}

static void machines_are_named_by_what_differs(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "2097152", "x86-64", "64", "4", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "64", "4", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "16", "16", "fifo", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "64", "4", "lru", "1048576", "0.5" },
    { "t", "4096", "x86-64", "64", "4", "lru", "unlimited", "0.5" },
  };
  LOAD(rows);
  assert_int_equal(make("machines", NULL), 1);
  assert_int_equal(figure.places.n, 3);
  assert_string_equal(figure.places.text[0], "2 MiB pages");
  assert_string_equal(figure.places.text[1], "base machine");
  assert_string_equal(figure.places.text[2], "DTLB 16:full:fifo");
  assert_null(strstr(pw_text_get(&figure.subtitle), "configurations")); /* all are shown */
}

static void load_many_machines(void)
{
  static const char *const entries[] = { "8", "12", "16", "20", "24", "28", "32", "40", "48", "56" };
  const char *rows[14][8];
  for (size_t i = 0; i < 14; i++) {
    const char *row[8] = { "t", i < 10 ? "4096" : "16384", "x86-64", entries[i % 10], "4", "lru", "unlimited", "0.5" };
    if (i == 0) row[3] = "64";
    memcpy(rows[i], row, sizeof row);
  }
  load((const char *const (*)[8])rows, 11);
  load((const char *const (*)[8])rows + 10, 4);
}

static void machines_left_out_are_told(void **state)
{
  (void)state;
  load_many_machines();
  assert_int_equal(make("machines", NULL), 1);
  assert_int_equal(figure.places.n, 4);
  assert_non_null(strstr(pw_text_get(&figure.subtitle), "4 of 14 configurations: best, middle, worst change of each part"));
}

static void machines_that_cost_the_same(void **state)
{
  (void)state;
  struct pw_error err = { 0 };
  same_cost = true;
  load_many_machines();
  assert_int_equal(make("machines", &err), 0);
  assert_non_null(strstr(err.text, "the same to within 2 %"));
}

static void what_cannot_be_compared_is_dropped(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "4096", "x86-64", "16", "4", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "64", "4", "lru", "unlimited", "0.3" },
    { "t", "16384", "arm64-16k", "64", "4", "lru", "unlimited", "0.2" }, /* one size only: no line */
    { "t", "4096", "x86-64", "16", "2", "lru", "unlimited", "0.6" },
    { "t", "4096", "x86-64", "64", "2", "lru", "unlimited", "0.4" },
    { "t", "4096", "x86-64", "16", "1", "lru", "unlimited", "0.7" },
    { "t", "4096", "x86-64", "64", "1", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "40", "40", "lru", "unlimited", "0.1" },    /* no other associativity */
  };
  LOAD(rows);
  assert_int_equal(make("tlb-miss-rate", NULL), 1);
  assert_int_equal(figure.series.n, 1);
  assert_int_equal(figure.n_points, 2);
  pw_figure_clear(&figure);
  assert_int_equal(make("tlb-heatmap", NULL), 1);
  assert_int_equal(figure.places.n, 2);
  assert_int_equal(figure.series.n, 3);
  assert_int_equal(figure.n_points, 6);
}

static void policies_are_compared_at_common_sizes(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "4096", "x86-64", "16", "4", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "32", "4", "lru", "unlimited", "0.4" }, /* lru alone has this one */
    { "t", "4096", "x86-64", "64", "4", "lru", "unlimited", "0.3" },
    { "t", "4096", "x86-64", "16", "4", "fifo", "unlimited", "0.6" },
    { "t", "4096", "x86-64", "64", "4", "fifo", "unlimited", "0.4" },
  };
  LOAD(rows);
  assert_int_equal(make("tlb-policies", NULL), 1);
  assert_int_equal(figure.n_points, 4);
  assert_true(figure.points[1].x == 64 && figure.points[3].x == 64);
  assert_non_null(strstr(pw_text_get(&figure.subtitle), "the 2 of 3 sizes that all lines have"));
}

static void policies_without_common_sizes(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "4096", "x86-64", "16", "4", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "32", "4", "lru", "unlimited", "0.4" },
    { "t", "4096", "x86-64", "64", "4", "fifo", "unlimited", "0.6" },
    { "t", "4096", "x86-64", "128", "4", "fifo", "unlimited", "0.4" },
  };
  LOAD(rows);
  assert_int_equal(make("tlb-policies", NULL), 1);
  assert_int_equal(figure.n_points, 4);
}

static void ways_may_follow_entries(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "4096", "x86-64", "16", "4", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "64", "8", "lru", "unlimited", "0.3" },
    { "t", "4096", "x86-64", "96", "6", "lru", "unlimited", "0.2" },
  };
  LOAD(rows);
  assert_int_equal(make("tlb-miss-rate", NULL), 1);
  assert_int_equal(figure.n_points, 3);
  assert_non_null(strstr(pw_text_get(&figure.subtitle), "DTLB ways vary with entries"));
}

static void every_allocation_may_fail(void **state)
{
  (void)state;
  static const char *const rows[][8] = {
    { "t", "4096", "x86-64", "16", "2", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "64", "4", "lru", "unlimited", "0.3" },
    { "t", "4096", "x86-64", "16", "4", "lru", "unlimited", "0.5" },
    { "t", "4096", "x86-64", "64", "2", "lru", "unlimited", "0.3" },
  };
  static const char *const charts[] = { "tlb-miss-rate", "tlb-heatmap", "machines" };
  LOAD(rows);
  for (size_t i = 0; i < sizeof charts / sizeof charts[0]; i++) {
    int status = -1;
    for (unsigned long n = 1; status != 1; n++) {
      struct pw_error err = { 0 };
      assert_true(n < 200);
      pw_alloc_fail_after(n);
      status = make(charts[i], &err);
      pw_alloc_fail_after(0);
      assert_true(status == 1 || status == PW_ENOMEM);
      assert_true(n > 4 || status != 1);
      if (status != 1) assert_non_null(strstr(err.text, "memory ran out"));
      pw_figure_clear(&figure);
    }
  }
}

static void numbers_for_people(void **state)
{
  (void)state;
  static const struct {
    double number;
    enum pw_unit unit;
    const char *text;
  } cases[] = {
    { 4096, PW_UNIT_BYTES, "4 KiB" },   { 549755813888.0, PW_UNIT_BYTES, "512 GiB" },
    { 1536, PW_UNIT_BYTES, "1.5 KiB" }, { 512, PW_UNIT_BYTES, "512 B" },
    { 0.5, PW_UNIT_PERCENT, "50%" },    { 0.00001, PW_UNIT_PERCENT, "0.001%" },
    { 1024, PW_UNIT_PLAIN, "1024" },    { 200000, PW_UNIT_PLAIN, "200k" },
    { 0, PW_UNIT_PLAIN, "0" },          { 3e6, PW_UNIT_PLAIN, "3M" },
    { 1e-7, PW_UNIT_PERCENT, "0.00001%" }, { 2.5e-9, PW_UNIT_PERCENT, "0.00000025%" },
    { 1e-6, PW_UNIT_PERCENT, "0.0001%" }, { 0, PW_UNIT_PERCENT, "0%" },
    { 1000, PW_UNIT_PLAIN, "1k" },      { 10000, PW_UNIT_PLAIN, "10k" },
    { 1500, PW_UNIT_PLAIN, "1.5k" },    { 16384, PW_UNIT_PLAIN, "16384" },
    { 500, PW_UNIT_PLAIN, "500" },      { 0.001, PW_UNIT_PLAIN, "0.001" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[32];
    pw_text_number(text, sizeof text, cases[i].number, cases[i].unit);
    assert_string_equal(text, cases[i].text);
  }
}

static void axes_hold_their_values(void **state)
{
  (void)state;
  static const double sets[][3] = { { 0, 0, 0 },     { 1, 1, 1 },         { 0, 5, 7 },     { 1e-9, 1e-3, 0.9 },
                                    { 16, 64, 256 }, { 0, 1e-9, 1e9 },    { -3, 0, 4 },    { -1, -1, -1 },
                                    { 0.1, 0.2, 0.3 }, { 1e12, 2e12, 3e12 } };
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
    for (int scale = PW_SCALE_LINEAR; scale <= PW_SCALE_AUTO; scale++) {
      struct pw_axis axis = { .scale = (enum pw_scale)scale };
      pw_axis_place(&axis, sets[i], 3, 8);
      assert_true(axis.min < axis.max);
      assert_true(axis.max >= sets[i][2] * (1 - 1e-9));
      assert_true(axis.min <= sets[i][0] + 1e-12 || axis.floor == axis.min);
      assert_true(axis.n_ticks >= 1 && axis.n_ticks <= PW_MAX_TICKS);
      if (axis.scale != PW_SCALE_LINEAR) assert_true(axis.min > 0);
      for (size_t k = 0; k < axis.n_ticks; k++)
        assert_true(axis.ticks[k].at >= axis.min * (1 - 1e-9) - 1e-12 || axis.min < 0);
    }
}

static void log_axes_have_headroom(void **state)
{
  (void)state;
  static const double sets[][3] = { { 1e-4, 0.01, 0.495 }, { 1e-4, 0.01, 1 }, { 1e-4, 0.01, 0.1 }, { 0, 1e-9, 0.9 } };
  static const double decades[] = { 1, 1, 0.1, 1 };
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
    struct pw_axis axis = { .scale = PW_SCALE_LOG10, .unit = PW_UNIT_PERCENT, .headroom = true };
    bool marked = false;
    pw_axis_place(&axis, sets[i], 3, 8);
    for (size_t k = 0; k < axis.n_ticks; k++) marked |= axis.ticks[k].at > decades[i] * 0.99;
    assert_true(marked);
    assert_true(axis.max >= sets[i][2] * 1.3 && axis.max < decades[i] * 2);
  }
  static const double wide[] = { 0, 0.05, 12000 }; /* room at the top does not make the floor a "less than" */
  struct pw_axis axis = { .scale = PW_SCALE_LOG10, .headroom = true };
  pw_axis_place(&axis, wide, 3, 8);
  assert_string_equal(axis.ticks[axis.n_ticks - 1].label, "0");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(a_long_page_size_overruns_no_label, clear),
    cmocka_unit_test_teardown(default_machine_is_preferred, clear),
    cmocka_unit_test_teardown(many_points_beat_the_default, clear),
    cmocka_unit_test_teardown(full_is_a_family, clear),
    cmocka_unit_test_teardown(fully_associative_sweep, clear),
    cmocka_unit_test_teardown(what_does_not_matter_is_not_fixed, clear),
    cmocka_unit_test_teardown(left_out_with_a_reason, clear),
    cmocka_unit_test_teardown(a_single_curve_names_its_sizes, clear),
    cmocka_unit_test_teardown(machines_are_named_by_what_differs, clear),
    cmocka_unit_test_teardown(machines_left_out_are_told, clear),
    cmocka_unit_test_teardown(machines_that_cost_the_same, clear),
    cmocka_unit_test_teardown(what_cannot_be_compared_is_dropped, clear),
    cmocka_unit_test_teardown(policies_are_compared_at_common_sizes, clear),
    cmocka_unit_test_teardown(policies_without_common_sizes, clear),
    cmocka_unit_test_teardown(ways_may_follow_entries, clear),
    cmocka_unit_test_teardown(every_allocation_may_fail, clear),
    cmocka_unit_test(numbers_for_people),
    cmocka_unit_test(axes_hold_their_values),
    cmocka_unit_test(log_axes_have_headroom),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
