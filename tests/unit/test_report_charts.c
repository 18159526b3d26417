/* Drawing charts: names that look like commands stay names, gnuplot that is missing or fails is one
 * sentence, nothing half-written stays, the same table gives the same bytes. Needs gnuplot. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pagewalk.h"

static char folder[] = "/tmp/pw-charts-XXXXXX";
static char csv[128], charts[128], program[128];

static void write_row(FILE *out, const char *trace, const struct pw_config *config)
{
  struct pw_result r = { .counted = { 6000000, 3000000, 1000000 } };
  r.dtlb_misses = 4000000 / config->dtlb.entries >> (config->page_shift - 12) / 3;
  r.itlb_misses = 600;
  r.stlb_lookups = r.dtlb_misses + r.itlb_misses;
  r.stlb_misses = r.walks = r.stlb_lookups / 3;
  r.walk_refs = r.walks * 4;
  r.minor_faults = 5000;
  r.touched_bytes = 5000 * 4096;
  r.major_faults = config->memory_bytes < r.touched_bytes ? r.touched_bytes / config->memory_bytes * 10 : 0;
  r.swap_outs = r.major_faults / 2;
  r.resident_bytes = r.touched_bytes;
  r.table_bytes = config->geometry->n_levels == 1 ? UINT64_C(1) << 39 : 20 * 4096;
  assert_int_equal(pw_csv_write_row(out, trace, config, &r, NULL), 0);
}

/* A table with something for every chart. */
static void write_csv(const char *const *traces, size_t n)
{
  struct pw_geometry tables[2];
  FILE *out = fopen(csv, "w");
  assert_non_null(out);
  pw_csv_write_header(out, NULL);
  for (unsigned i = 0; i < 2; i++) assert_int_equal(pw_geometry_levels(&tables[i], i * 3 + 1, 48, NULL), 0);
  for (size_t t = 0; t < n; t++) {
    struct pw_config config;
    for (unsigned shift = 12; shift <= 30; shift += 9)
      for (unsigned entries = 16; entries <= 256; entries *= 4)
        for (int way = 0; way < 2; way++)
          for (int policy = 0; policy < 2; policy++) {
            pw_config_default(&config);
            config.page_shift = shift;
            config.dtlb = (struct pw_tlb_config){ entries, way ? entries : 4, policy };
            write_row(out, traces[t], &config);
          }
    for (int i = 0; i < 2; i++) {
      pw_config_default(&config);
      config.geometry = &tables[i];
      write_row(out, traces[t], &config);
    }
    for (uint64_t bytes = 1 << 20; bytes <= 1 << 26; bytes *= 4)
      for (int policy = 0; policy < 2; policy++) {
        pw_config_default(&config);
        config.memory_bytes = bytes;
        config.memory_policy = policy;
        write_row(out, traces[t], &config);
      }
  }
  assert_int_equal(fclose(out), 0);
}

static char *read_file(const char *name, size_t *n)
{
  char path[400], *text = NULL;
  size_t room = 1 << 22;
  snprintf(path, sizeof path, "%s/%s", charts, name);
  FILE *in = fopen(path, "rb");
  if (!in) return NULL;
  text = calloc(room, 1);
  *n = fread(text, 1, room - 1, in);
  fclose(in);
  return text;
}

static size_t count_files(const char *path)
{
  size_t n = 0;
  struct dirent *entry;
  DIR *dir = opendir(path);
  if (!dir) return 0;
  while ((entry = readdir(dir)))
    if (entry->d_name[0] != '.') {
      char name[600];
      snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
      if (strcmp(path, charts) == 0) unlink(name);
      n++;
    }
  closedir(dir);
  return n;
}

static int setup(void **state)
{
  static const char *const traces[] = { "samples/one.pwt", "samples/two.pwt" };
  (void)state;
  unsetenv("PAGEWALK_GNUPLOT");
  count_files(charts); /* empties it */
  write_csv(traces, 2);
  return 0;
}

static int make_folder(void **state)
{
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(csv, sizeof csv, "%s/results.csv", folder);
  snprintf(charts, sizeof charts, "%s/char'ts \"and\" `more`", folder);
  snprintf(program, sizeof program, "%s/program", folder);
  return 0;
}

static int remove_folder(void **state)
{
  (void)state;
  count_files(charts);
  rmdir(charts);
  unlink(csv);
  unlink(program);
  return rmdir(folder);
}

struct told {
  int drawn, left_out;
  char last[256];
};

static void listen(void *context, const char *chart, const char *path, const char *reason)
{
  struct told *told = context;
  assert_non_null(chart);
  assert_non_null(path);
  if (reason) told->left_out++;
  else told->drawn++;
  snprintf(told->last, sizeof told->last, "%s", reason ? reason : "");
}

static int draw(struct pw_chart_options options, struct pw_error *err)
{
  const char *paths[] = { csv };
  if (!options.folder) options.folder = charts;
  return pw_charts_draw(paths, 1, &options, err);
}

static void standard_set(void **state)
{
  (void)state;
  struct told told = { 0 };
  struct pw_error err = { 0 };
  size_t listed = 0;
  struct pw_list_entry entry;
  for (size_t i = 0; pw_list_entry(PW_LIST_CHARTS, i, &entry); i++) /* all but those of other files than results.csv */
    listed += !strstr(entry.name, "-curve") && !strstr("series top-owners heat process-walks process-faults process-memory quantum limits free-blocks", entry.name);
  int drawn = draw((struct pw_chart_options){ .report = listen, .context = &told }, &err);
  assert_string_equal(err.text, "");
  assert_int_equal(drawn, told.drawn);
  assert_int_equal((size_t)(told.drawn + told.left_out), listed);
  assert_int_equal(told.left_out, 1); /* table-presets: the table has one preset only */
  assert_int_equal(count_files(charts), drawn);
}

static void every_format_again_the_same(void **state)
{
  (void)state;
  static const char *const formats[][2] = {
    { "svg", "tlb-miss-rate.svg" }, { "png", "tlb-miss-rate.png" },
    { "pdf", "tlb-miss-rate.pdf" }, { "terminal", "tlb-miss-rate.txt" },
  };
  for (size_t i = 0; i < 4; i++) {
    char *text[2];
    size_t n[2];
    for (int k = 0; k < 2; k++) {
      assert_int_equal(draw((struct pw_chart_options){ .format = formats[i][0], .only = "tlb-miss-rate" }, NULL), 1);
      text[k] = read_file(formats[i][1], &n[k]);
      assert_non_null(text[k]);
      if (k == 0 && i == 2) sleep(1); /* a PDF would carry the second it was made in */
    }
    assert_int_equal(n[0], n[1]);
    assert_true(n[0] > 500);
    assert_memory_equal(text[0], text[1], n[0]);
    free(text[0]);
    free(text[1]);
  }
}

static void names_are_only_names(void **state)
{
  (void)state;
  static const char *const traces[] = {
    "`touch pw-ran-1`.pwt",       "$(touch pw-ran-2)",           "'); system('touch ran3'); ('",
    "'\nsystem('touch pw-ran-4')\n'", "\"\nsystem(\"touch pw-ran-5\")\n\"", "@TITLE {/Bold x} a^b_c ~d{e}",
    "100%s%n%d",                  "ends in backslash\\",         "END_OF_DATA\n$DATA << X",
    "<script>&amp;",              "# comment",                   "\xff\x01\x1b[31m",
  };
  char here[400], *svg;
  size_t n;
  assert_non_null(getcwd(here, sizeof here));
  assert_int_equal(chdir(folder), 0);
  write_csv(traces, sizeof traces / sizeof traces[0]);
  size_t before = count_files(folder);
  static const char *const formats[] = { "png", "pdf", "terminal", "svg" };
  for (int i = 0; i < 4; i++) {
    struct pw_error err = { 0 };
    count_files(charts);
    int drawn = draw((struct pw_chart_options){ .format = formats[i] }, &err);
    assert_string_equal(err.text, "");
    assert_true(drawn >= 9);
  }
  assert_true(count_files(folder) <= before + 1); /* the charts' folder alone */
  assert_int_equal(chdir(here), 0);
  svg = read_file("traces.svg", &n);
  assert_non_null(strstr(svg, "`touch pw-ran-1`"));
  assert_non_null(strstr(svg, "$(touch pw-ran-2)"));
  assert_non_null(strstr(svg, "'); system('touch ran3'); ('"));
  assert_non_null(strstr(svg, "100%s%n%d"));
  assert_non_null(strstr(svg, "&lt;script>&amp;amp;"));
  assert_non_null(strstr(svg, ">ends in backslash\\<"));
  free(svg);
}

static void write_program(const char *text)
{
  FILE *out = fopen(program, "w");
  fputs(text, out);
  fclose(out);
  chmod(program, 0755);
  setenv("PAGEWALK_GNUPLOT", program, 1);
}

static void no_gnuplot(void **state)
{
  (void)state;
  struct pw_error err = { 0 };
  setenv("PAGEWALK_GNUPLOT", "/nonexistent/gnuplot", 1);
  assert_int_equal(draw((struct pw_chart_options){ 0 }, &err), PW_EIO);
  assert_non_null(strstr(err.text, "install gnuplot (Debian: gnuplot-nox)"));
  assert_int_equal(count_files(charts), 0);
}

static void gnuplot_that_fails(void **state)
{
  (void)state;
  static const struct {
    const char *program, *says;
  } cases[] = {
    { "#!/bin/sh\necho half a picture\nprintf '\\n   ^\\n\"-\" line 7: undefined variable: q\\nmore\\n' >&2\nexit 1\n",
      "line 7: undefined variable: q" },
    { "#!/bin/sh\ncat >/dev/null\nexit 3\n", "gave no reason" },
    { "#!/bin/sh\necho half a picture\nkill -9 $$\n", "signal 9" },
    { "#!/bin/sh\nexit 0\n", "drew nothing" }, /* and reads nothing: no broken pipe */
    { "not a program", "does not start" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct pw_error err = { 0 };
    write_program(cases[i].program);
    assert_int_equal(draw((struct pw_chart_options){ 0 }, &err), PW_EIO);
    assert_non_null(strstr(err.text, cases[i].says));
    assert_non_null(strstr(err.text, "tlb-miss-rate.svg"));
    assert_int_equal(count_files(charts), 0);
  }
}

static void gnuplot_inherits_three_files(void **state)
{
  (void)state;
  size_t n;
  int stray = open(csv, O_RDONLY); /* no close-on-exec */
  write_program("#!/bin/sh\nls -l /proc/$$/fd | grep -c results.csv\necho done\n");
  assert_int_equal(draw((struct pw_chart_options){ .only = "traces" }, NULL), 1);
  char *text = read_file("traces.svg", &n);
  assert_string_equal(text, "0\ndone\n");
  free(text);
  close(stray);
}

static void folders_that_cannot_be(void **state)
{
  (void)state;
  struct pw_error err = { 0 };
  char path[200];
  snprintf(path, sizeof path, "%s/results.csv/charts", folder);
  assert_int_equal(draw((struct pw_chart_options){ .folder = path }, &err), PW_EIO);
  assert_non_null(strstr(err.text, path));
  assert_int_equal(draw((struct pw_chart_options){ .folder = csv }, &err), PW_EIO);
  assert_int_equal(draw((struct pw_chart_options){ .folder = "/proc/no" }, &err), PW_EIO);
  if (geteuid() == 0) return; /* root writes everywhere */
  mkdir(charts, 0777);
  chmod(charts, 0555);
  assert_int_equal(draw((struct pw_chart_options){ 0 }, &err), PW_EIO);
  assert_non_null(strstr(err.text, "can be written to"));
  chmod(charts, 0777);
}

static void wrong_choices(void **state)
{
  (void)state;
  static const struct {
    struct pw_chart_options options;
    const char *says;
  } cases[] = {
    { { .format = "gif" }, "svg, png, pdf or terminal" },
    { { .only = "no-such" }, "no chart 'no-such'" },
    { { .x = "dtlb_entries" }, "--x and --y" },
    { { .x = "nope", .y = "walks" }, "no column 'nope'" },
    { { .x = "trace", .y = "table" }, "column 'table' holds words" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct pw_error err = { 0 };
    assert_true(draw(cases[i].options, &err) < 0);
    assert_non_null(strstr(err.text, cases[i].says));
  }
}

static void free_charts(void **state)
{
  (void)state;
  static const struct pw_chart_options cases[] = {
    { .x = "dtlb_entries", .y = "walk_rate" },
    { .x = "dtlb_entries", .y = "dtlb_miss_rate", .by = "dtlb_ways" },
    { .x = "trace", .y = "dtlb_misses", .by = "page_bytes" },
    { .x = "table", .y = "table_bytes" },
    { .x = "levels", .y = "walk_refs", .by = "trace" },
    { .x = "dtlb_miss_rate", .y = "walk_rate", .by = "page_bytes" },
    { .x = "memory_bytes", .y = "swap_outs", .by = "memory_policy" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct pw_error err = { 0 };
    assert_int_equal(draw(cases[i], &err), 1);
    assert_string_equal(err.text, "");
  }
  assert_int_equal(count_files(charts), sizeof cases / sizeof cases[0]);
}

/* Curves of two traces of 4999 points each: misses fall slowly, and at 700 to a tenth. */
static void write_curves(const char *of, unsigned page_sizes)
{
  FILE *out = fopen(csv, "w");
  assert_non_null(out);
  fputs("trace,of,page_bytes,entries,misses,miss_rate,swap_outs\n", out);
  for (int t = 0; t < 2; t++)
    for (unsigned p = 0; p < page_sizes; p++)
      for (unsigned entries = 2; entries <= 5000; entries++) {
        double rate = entries < 700 ? 0.1 * (2 - entries / 700.0) : 0.01 * (1 - (entries - 700) * 1e-5);
        fprintf(out, "%s,%s,%d,%u,%.0f,%.9g,\n", t ? "two.pwt" : "one.pwt", of, 4096 << p, entries, rate * 1e9, rate);
      }
  assert_int_equal(fclose(out), 0);
}

static void curves(void **state)
{
  (void)state;
  static const struct {
    const char *of, *chart, *knee;
  } cases[] = { { "dtlb", "dtlb-curve.svg", ">700<" },
                { "itlb", "itlb-curve.svg", ">700<" },
                { "stlb", "stlb-curve.svg", ">700<" },
                { "memory", "memory-curve.svg", ">2.73 MiB<" } };
  for (size_t i = 0; i < 4; i++)
    for (unsigned page_sizes = 1; page_sizes <= 2; page_sizes++) {
      struct told told = { 0 };
      size_t n;
      write_curves(cases[i].of, page_sizes);
      count_files(charts);
      assert_int_equal(draw((struct pw_chart_options){ .report = listen, .context = &told }, NULL), 1);
      assert_int_equal(told.left_out, 0); /* no word of charts of results, or of other curves */
      char *svg = read_file(cases[i].chart, &n);
      assert_non_null(svg);
      assert_non_null(strstr(svg, cases[i].knee));
      assert_true(n < 250000); /* 10000 or 20000 points, of which most would not be seen */
      assert_int_equal(strstr(svg, "4 KiB pages · LRU") != NULL, page_sizes == 1 && i == 3); /* one panel, a line a trace */
      free(svg);
    }
  struct pw_error err = { 0 };
  assert_int_equal(draw((struct pw_chart_options){ .only = "traces" }, &err), PW_EFORMAT);
  assert_non_null(strstr(err.text, "has no column"));
}

static void knees(void **state)
{
  (void)state;
  struct pw_curve_point cliff[] = { { 1, 900, 0 }, { 2, 800, 0 }, { 8, 700, 0 }, { 9, 70, 0 }, { 30, 50, 0 } };
  struct pw_curve_point flat[] = { { 2, 100, 0 }, { 3, 90, 0 }, { 9, 80, 0 } }, alone[] = { { 2, 5, 0 } };
  struct pw_curve_point to_nothing[] = { { 1, 1000, 0 }, { 4, 10, 0 }, { 50, 0, 0 }, { 60, 0, 1 } };
  assert_int_equal(pw_curve_knee(&(struct pw_curve){ 5, cliff, 1000 }), 9);
  assert_int_equal(pw_curve_knee(&(struct pw_curve){ 3, flat, 1000 }), 0);
  assert_int_equal(pw_curve_knee(&(struct pw_curve){ 1, alone, 1000 }), 0);
  assert_int_equal(pw_curve_knee(&(struct pw_curve){ 4, to_nothing, 1000 }), 50);
}

static void header_without_rows(void **state)
{
  (void)state;
  struct pw_error err = { 0 };
  write_csv(NULL, 0);
  assert_int_equal(draw((struct pw_chart_options){ 0 }, &err), PW_EFORMAT);
  assert_non_null(strstr(err.text, "no rows"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(standard_set, setup),
    cmocka_unit_test_setup(every_format_again_the_same, setup),
    cmocka_unit_test_setup(names_are_only_names, setup),
    cmocka_unit_test_setup(no_gnuplot, setup),
    cmocka_unit_test_setup(gnuplot_that_fails, setup),
    cmocka_unit_test_setup(gnuplot_inherits_three_files, setup),
    cmocka_unit_test_setup(folders_that_cannot_be, setup),
    cmocka_unit_test_setup(wrong_choices, setup),
    cmocka_unit_test_setup(free_charts, setup),
    cmocka_unit_test_setup(curves, setup),
    cmocka_unit_test(knees),
    cmocka_unit_test_setup(header_without_rows, setup),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
