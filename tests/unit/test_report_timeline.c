/* The chart of a time series as data: panels for what happened, an axis each, steps that hold the windows' sums. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "report/figure.h"

static const struct pw_chart chart = { .name = "series", .title = "Over time", .template_name = "timeline" };
static struct pw_table table;
static struct pw_figure figure;

static const char columns[] =
    "trace,access,accesses,fetches,loads,stores,itlb_misses,dtlb_misses,stlb_lookups,stlb_misses,walks,minor_faults,major_faults,"
    "swap_outs,table_bytes,resident_bytes,heap_bytes,heap_minor_faults,heap_returned_bytes,mmap_bytes,mmap_minor_faults,"
    "mmap_returned_bytes\n";

static void load(const char *rows)
{
  char path[] = "/tmp/pw-timeline-XXXXXX";
  FILE *out = fdopen(mkstemp(path), "w");
  fputs(columns, out);
  fputs(rows, out);
  fclose(out);
  assert_int_equal(pw_table_add(&table, path, NULL, 0, NULL), 0);
  unlink(path);
}

static int clear(void **state)
{
  (void)state;
  pw_figure_clear(&figure);
  pw_table_clear(&table);
  return 0;
}

/* The points of a panel's line, told by the titles. */
static size_t find_line(const char *panel, const char *series, const struct pw_point **first)
{
  size_t n = 0;
  for (size_t i = 0; i < figure.n_points; i++) {
    const struct pw_point *p = &figure.points[i];
    if (strcmp(figure.panels.text[p->panel], panel) != 0 || strcmp(figure.series.text[p->series], series) != 0) continue;
    if (n++ == 0) *first = p;
  }
  return n;
}

static void a_step_for_each_window(void **state)
{
  (void)state;
  load("a/t.pwt,1000,1000,500,300,200,1,10,11,5,5,4,0,0,4096,8192,100,1,0,200,2,0\n"
       "other,5,5,5,0,0,0,0,0,0,0,1,0,0,4096,4096,,,,,,\n"
       "a/t.pwt,3000,2000,1000,600,400,0,0,0,0,0,2,0,0,8192,4096,0,0,0,0,0,4096\n");
  const struct pw_point *p = NULL;
  assert_int_equal(pw_figure_timeline(&figure, &chart, &table, "a/t.pwt", NULL), 1);
  assert_string_equal(pw_text_get(&figure.subtitle), "trace t · 2 windows of about 1k accesses");
  assert_int_equal(find_line("Faults per million accesses", "minor faults", &p), 3);
  assert_true(p[0].x == 0 && p[1].x == 1000 && p[2].x == 3000);
  assert_true(p[0].y == 4000 && p[1].y == 4000 && p[2].y == 1000);
  assert_int_equal(find_line("Faults per million accesses", "mmap", &p), 3);
  assert_true(p[1].y == 2000 && p[2].y == 0);
  assert_int_equal(find_line("Faults per million accesses", "major faults", &p), 0); /* there were none */
  assert_int_equal(find_line("TLB misses per 1000 accesses", "DTLB", &p), 3);
  assert_true(p[1].y == 10);
  assert_int_equal(find_line("Resident memory", "resident", &p), 3);
  assert_true(p[1].y == 8192 && p[2].y == 4096);
  assert_int_equal(find_line("Memory given back per million accesses", "mmap", &p), 3);
  assert_true(p[2].y == 2048 * 1000);
  assert_int_equal(find_line("Memory given back per million accesses", "heap", &p), 0);
  assert_true(figure.x.max == 3000);
  for (size_t i = 0; i < figure.n_points; i++) {
    const struct pw_axis *axis = &figure.rows[figure.points[i].panel];
    assert_true(figure.points[i].y >= axis->min && figure.points[i].y <= axis->max);
  }
}

static void panels_without_anything_are_left_out(void **state)
{
  (void)state;
  load("t,1000,1000,500,300,200,,,,,0,0,0,0,4096,8192,,,,,,\n");
  assert_int_equal(pw_figure_timeline(&figure, &chart, &table, "t", NULL), 1);
  assert_int_equal(figure.panels.n, 2); /* memory and tables */
  assert_string_equal(pw_text_get(&figure.subtitle), "trace t · 1 window");
  pw_figure_clear(&figure);
  struct pw_error err = { 0 };
  assert_int_equal(pw_figure_timeline(&figure, &chart, &table, "absent", &err), 0);
  assert_non_null(strstr(err.text, "time series"));
}

/* More windows than steps: their counts and the highest of their states are all there. */
static void neighbours_are_drawn_as_one(void **state)
{
  (void)state;
  enum { WINDOWS = 1999 };
  char *rows = calloc(WINDOWS, 120), *at = rows;
  for (int i = 1; i <= WINDOWS; i++)
    at += sprintf(at, "t,%d,10,10,0,0,0,0,0,0,0,%d,0,0,4096,%d,,,,,,\n", i * 10, i % 7, i == 1000 ? 1 << 20 : 4096);
  load(rows);
  free(rows);
  assert_int_equal(pw_figure_timeline(&figure, &chart, &table, "t", NULL), 1);
  const struct pw_point *p = NULL;
  size_t n = find_line("Faults per million accesses", "minor faults", &p);
  double sum = 0, expected = 0, most = 0;
  assert_true(n > 300 && n <= 401);
  for (size_t i = 1; i < n; i++) sum += p[i].y / 1e6 * (p[i].x - p[i - 1].x);
  for (int i = 1; i <= WINDOWS; i++) expected += i % 7;
  assert_true(fabs(sum - expected) < 1e-6 * expected);
  n = find_line("Resident memory", "resident", &p);
  for (size_t i = 0; i < n; i++) most = fmax(most, p[i].y);
  assert_true(most == 1 << 20);
  assert_non_null(strstr(pw_text_get(&figure.subtitle), "1999 windows of about 10 accesses"));
  assert_non_null(strstr(pw_text_get(&figure.subtitle), "highest amounts of memory"));
}

/* Of two machines' rows on one trace, those that came first. */
static void one_machine_is_drawn(void **state)
{
  (void)state;
  load("t,10,10,10,0,0,0,1,1,1,1,1,0,0,4096,4096,,,,,,\nt,20,10,10,0,0,0,0,0,0,0,0,0,0,4096,4096,,,,,,\n"
       "t,10,10,10,0,0,0,9,9,9,9,1,0,0,4096,4096,,,,,,\nt,20,10,10,0,0,0,0,0,0,0,0,0,0,4096,4096,,,,,,\n");
  const struct pw_point *p = NULL;
  assert_int_equal(pw_figure_timeline(&figure, &chart, &table, "t", NULL), 1);
  assert_int_equal(find_line("TLB misses per 1000 accesses", "DTLB", &p), 3);
  assert_true(p[1].y == 100);
  assert_non_null(strstr(pw_text_get(&figure.subtitle), "2 more rows of the same windows left out"));
}

static void traces_in_order(void **state)
{
  (void)state;
  load("b,1,1,1,0,0,0,0,0,0,0,0,0,0,1,1,,,,,,\na,1,1,1,0,0,0,0,0,0,0,0,0,0,1,1,,,,,,\nb,2,1,1,0,0,0,0,0,0,0,0,0,0,1,1,,,,,,\n");
  const char **traces = NULL;
  size_t n = 0;
  assert_int_equal(pw_table_traces(&table, "access", &traces, &n, NULL), 0);
  assert_int_equal(n, 2);
  assert_string_equal(traces[0], "b");
  assert_string_equal(traces[1], "a");
  pw_free(traces);
}

static void every_allocation_may_fail(void **state)
{
  (void)state;
  load("t,1000,1000,500,300,200,1,10,11,5,5,4,0,0,4096,8192,100,1,0,200,2,0\n");
  for (unsigned long i = 1;; i++) {
    struct pw_error err = { 0 };
    pw_alloc_fail_after(i);
    int made = pw_figure_timeline(&figure, &chart, &table, "t", &err);
    pw_alloc_fail_after(0);
    pw_figure_clear(&figure);
    if (made == 1) break;
    assert_int_equal(made, PW_ENOMEM);
    assert_non_null(strstr(err.text, "memory ran out"));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(a_step_for_each_window, clear),
    cmocka_unit_test_teardown(panels_without_anything_are_left_out, clear),
    cmocka_unit_test_teardown(neighbours_are_drawn_as_one, clear),
    cmocka_unit_test_teardown(one_machine_is_drawn, clear),
    cmocka_unit_test_teardown(traces_in_order, clear),
    cmocka_unit_test_teardown(every_allocation_may_fail, clear),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
