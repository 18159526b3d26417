/* pagewalk plot: charts from the CSV files that other commands wrote. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "heap.h"
#include "interrupt.h"
#include "options.h"
#include "pagewalk.h"
#include "say.h"

struct plot_options {
  const char *folder, *x, *y, *by, *format, *chart;
  bool quiet;
};

static const struct option_row rows[] = {
    {"output", 'o', OPTION_TEXT, "DIR", offsetof(struct plot_options, folder), "folder for the charts"},
    {"format", 0, OPTION_TEXT, "NAME", offsetof(struct plot_options, format),
     "svg (default), png, pdf, or terminal: charts as text,\non stdout when there is no -o"},
    {"chart", 0, OPTION_TEXT, "NAME", offsetof(struct plot_options, chart), "only this one of pagewalk list charts"},
    {"x", 0, OPTION_TEXT, "COLUMN", offsetof(struct plot_options, x), "a chart of your own: the column along"},
    {"y", 0, OPTION_TEXT, "COLUMN", offsetof(struct plot_options, y), "and the column up"},
    {"by", 0, OPTION_TEXT, "COLUMN", offsetof(struct plot_options, by), "one curve for each value of this column"},
    {"quiet", 'q', OPTION_FLAG, NULL, offsetof(struct plot_options, quiet), "no remarks on charts left out"},
    {0}};

struct drawn {
  bool show; /* print the chart, not its path, and remove it */
  int failed;
};

static void show_chart(const char *path)
{
  struct pw_error err;
  size_t n;
  char *text = file_text(path, &n, &err);
  if (text) fwrite(text, 1, n, stdout);
  putchar('\n');
  free(text);
  unlink(path);
}

static void report(void *context, const char *chart, const char *path, const char *reason)
{
  const struct drawn *drawn = context;
  if (reason)
    say_note("chart %s was left out: %s", chart, reason);
  else if (drawn->show)
    show_chart(path);
  else
    printf("%s\n", path);
}

/* -1 when `name` is one of `names`, or else USAGE after saying so; `all` says what they are. */
static int check_name(const char *option, const char *name, const char *const *names, const char *all)
{
  if (!name) return -1;
  for (size_t i = 0; names[i]; i++)
    if (strcmp(name, names[i]) == 0) return -1;
  const char *near = pw_nearest_name(names, name);
  if (near) return say_usage("--%s: there is no %s '%s'; did you mean %s? (%s)", option, option, name, near, all);
  return say_usage("--%s: there is no %s '%s'; %s", option, option, name, all);
}

static int check_column(const char *option, const char *name)
{
  enum { MOST = 128 };
  const char *names[MOST + 1] = {0};
  if (!name) return -1;
  static const char *const of_others[] = {"of", "entries", "misses", "miss_rate", "access", "heap_bytes", "heap_minor_faults",
                                          "heap_returned_bytes", "mmap_bytes", "mmap_minor_faults", "mmap_returned_bytes",
                                          "owner", "object", "touched_bytes", "returned_bytes", "region", "first_access"};
  size_t n = 0;
  for (; n < sizeof of_others / sizeof *of_others; n++) names[n] = of_others[n];
  for (size_t i = 0; n < MOST && pw_row_column(i); i++) names[n++] = pw_row_column(i);
  for (size_t i = 0; i < n; i++)
    if (strcmp(names[i], name) == 0) return -1;
  const char *near = pw_nearest_name(names, name);
  return say_usage("--%s: no CSV that pagewalk writes has a column '%s'%s%s%s", option, name, near ? "; did you mean " : "",
                   near ? near : "", near ? "?" : "");
}

/* A folder stands where a CSV belongs: names the one in it. */
static int refuse_folder(const char *path)
{
  static const char *const known[] = {"results.csv", "curve.csv", "series.csv", "attribution.csv"};
  size_t n = strlen(path);
  while (n > 1 && path[n - 1] == '/') n--;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    char *csv = heap_text("%.*s/%s", (int)n, path, known[i]);
    bool there = file_exists(csv);
    if (there) say_usage("%s is a folder; did you mean %s?", path, csv);
    free(csv);
    if (there) return USAGE;
  }
  return say_usage("%s is a folder without a results.csv; name a CSV that pagewalk wrote", path);
}

static int check(const struct plot_options *options, const struct words *csvs)
{
  static const char *const formats[] = {"svg", "png", "pdf", "terminal", NULL};
  const char *charts[65] = {0};
  struct pw_list_entry entry;
  for (size_t i = 0; i < 64 && pw_list_entry(PW_LIST_CHARTS, i, &entry); i++) charts[i] = entry.name;
  if (!csvs->n) return say_usage("plot needs a results.csv; pagewalk help plot shows how");
  for (size_t i = 0; i < csvs->n; i++)
    if (strcmp(csvs->items[i], "-") == 0) return say_usage("plot reads files, not standard input: save the CSV first");
  for (size_t i = 0; i < csvs->n; i++)
    if (file_is_folder(csvs->items[i])) return refuse_folder(csvs->items[i]);
  bool terminal = options->format && strcmp(options->format, "terminal") == 0;
  if (check_name("format", options->format, formats, "formats are svg, png, pdf and terminal") >= 0 ||
      check_name("chart", options->chart, charts, "pagewalk list charts shows them all") >= 0)
    return USAGE;
  if (!options->x != !options->y) return say_usage("--x and --y belong together: give both, or neither");
  if (options->by && !options->x) return say_usage("--by needs --x and --y: it splits their chart into curves");
  if (options->x && options->chart) return say_usage("--chart draws a ready-made chart and --x your own; give one of them");
  if (check_column("x", options->x) >= 0 || check_column("y", options->y) >= 0 || check_column("by", options->by) >= 0)
    return USAGE;
  if (!terminal && (!options->folder || !*options->folder)) return say_usage("plot needs a folder for the charts: -o DIR");
  return -1;
}

static int draw(const struct plot_options *options, const struct words *csvs)
{
  struct pw_error err = {0};
  struct drawn drawn = {.show = !options->folder};
  const char *base = getenv("TMPDIR");
  char *scratch = drawn.show ? heap_text("%s/pagewalk-charts-XXXXXX", base && *base ? base : "/tmp") : NULL;
  if (scratch && !mkdtemp(scratch)) {
    say("no temporary folder can be made for the charts as %s; name a folder with -o", scratch);
    free(scratch);
    return FAILED;
  }
  struct pw_chart_options chart_options = {
      .folder = scratch ? scratch : options->folder, .format = options->format, .only = options->chart,
      .x = options->x, .y = options->y, .by = options->by, .report = report, .stop = interrupt_stops, .context = &drawn};
  interrupt_catch();
  int n = pw_charts_draw(csvs->items, csvs->n, &chart_options, &err);
  if (scratch) rmdir(scratch);
  free(scratch);
  if (n < 0) {
    say("%s", err.text);
    return n == PW_EINVAL ? USAGE : FAILED;
  }
  if (n > 0) return DONE;
  say("no chart was drawn: the data holds too little for any; pagewalk sweep with lists of values gives more");
  return FAILED;
}

static int run_plot(const struct command *self, int argc, char **argv)
{
  struct plot_options options = {0};
  struct words csvs = {0};
  const struct option_group groups[] = {{"Options", rows, &options}, {NULL, NULL, NULL}};
  int code = options_parse(self, groups, &csvs, argc, argv);
  if (code < 0) {
    say_set_quiet(options.quiet);
    code = check(&options, &csvs);
  }
  if (code < 0) code = draw(&options, &csvs);
  words_clear(&csvs);
  return code;
}

const struct command command_plot = {
    .name = "plot",
    .summary = "charts from the CSV files of run, sweep and curve",
    .usage = "CSV... -o DIR [options]",
    .about = "Draws every chart that the data can feed, or one of your own with --x and --y,\n"
             "and prints the names of the files. Charts that need columns or values the data\n"
             "lacks are left out, with the reason on stderr.",
    .examples = "  pagewalk plot out/results.csv -o out/charts --format pdf\n"
                "  pagewalk plot out/results.csv -o out --x dtlb_entries --y walk_rate --by page_bytes\n"
                "  pagewalk plot out/results.csv --format terminal",
    .run = run_plot,
};
