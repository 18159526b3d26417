/* pagewalk curve: every size of a TLB or of memory at once, from one pass over each trace. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "combine.h"
#include "command.h"
#include "curve_report.h"
#include "files.h"
#include "heap.h"
#include "interrupt.h"
#include "options.h"
#include "runner.h"
#include "say.h"
#include "settings.h"
#include "traces.h"

struct curve_options {
  struct words of;
  const char *csv, *folder, *target;
  bool quiet;
};

static const struct option_row own_rows[] = {
    {"of", 0, OPTION_WORDS, "WHAT", offsetof(struct curve_options, of), "dtlb, itlb, stlb or memory; several with commas"},
    {"target", 0, OPTION_TEXT, "RATE", offsetof(struct curve_options, target),
     "name the smallest size that keeps the rate of misses at or\nunder 0.001, 0.1% or 50ppm (per million)"},
    {"csv", 0, OPTION_TEXT, "FILE", offsetof(struct curve_options, csv),
     "write a row for every size at which a count changes, instead\nof the table (- = stdout)"},
    {"output", 'o', OPTION_TEXT, "DIR", offsetof(struct curve_options, folder),
     "folder for curve.csv and charts of it, instead of the table"},
    {"quiet", 'q', OPTION_FLAG, NULL, offsetof(struct curve_options, quiet), "no progress bar and no remarks"},
    {0}};

struct curve_command {
  struct curve_options options;
  struct words traces;
  struct running running;
  struct target target;
  size_t n_configs, configs_room;
  struct pw_curve_config *configs; /* by --of, then by page size */
  struct trace_job *jobs;
  struct pw_curve *curves;         /* see struct curve_set */
  bool folder_is_new;
};

/* The settings of a machine that a curve has a use for. */
static const char *const of_use[] = {"page-size", "itlb", "dtlb"};

/* Settings that it has no use for, and why. */
static const struct {
  const char *setting, *why;
} no_use[] = {
    {"machine", "a curve has every size; give the first levels before --of stlb with --itlb and --dtlb"},
    {"stlb", "a curve has every size of it; say --of stlb"},
    {"memory", "a curve has every size of it; say --of memory"},
    {"memory-policy", "a curve is of LRU; pagewalk sweep --memory compares policies"},
    {"seed", "nothing in a curve is random; leave it out"},
    {"only", "--of itlb sees the fetches alone and --of dtlb the loads and stores alone"},
    {"engine", "all sizes come from one pass; leave it out"},
    {"table", "no page table changes a curve; leave it out"},
    {"levels", "no page table changes a curve; leave it out"},
    {"va-bits", "no page table changes a curve; leave it out"},
};

/* NULL when the setting is of use. */
static const char *why_not(size_t setting)
{
  for (size_t i = 0; i < sizeof no_use / sizeof *no_use; i++)
    if (strcmp(no_use[i].setting, setting_name(setting)) == 0) return no_use[i].why;
  for (size_t i = 0; i < sizeof of_use / sizeof *of_use; i++)
    if (setting >= N_MACHINE_SETTINGS || strcmp(of_use[i], setting_name(setting)) == 0) return NULL;
  return "a curve does not depend on it; leave it out";
}

static int check_no_use(const struct settings *settings)
{
  for (size_t i = 0; i < N_SETTINGS; i++)
    if (settings->of[i].n && why_not(i)) return say_usage("--%s does not apply to curve: %s", setting_name(i), why_not(i));
  return -1;
}

static int add_of(bool asked[], size_t *n, enum pw_curve_of order[], struct slice name)
{
  char text[32];
  snprintf(text, sizeof text, "%.*s", (int)(name.n > 31 ? 31 : name.n), name.text);
  for (size_t i = 0; curve_names[i]; i++) {
    if (strcmp(curve_names[i], text) != 0) continue;
    if (!asked[i]) order[(*n)++] = (enum pw_curve_of)i;
    asked[i] = true;
    return -1;
  }
  const char *near = pw_nearest_name(curve_names, text);
  if (near) return say_usage("--of: there is no curve of '%s'; did you mean %s?", text, near);
  return say_usage("--of: there is no curve of '%s'; curves are of dtlb, itlb, stlb and memory", text);
}

/* What the curves are of, each once and in the order given. */
static int parse_of(const struct words *words, bool asked[], size_t *n, enum pw_curve_of order[])
{
  if (!words->n) return say_usage("curve needs to know of what: --of dtlb, itlb, stlb or memory");
  for (size_t i = 0; i < words->n; i++) {
    struct slice rest = {words->items[i], strlen(words->items[i])}, list, name;
    while (slice_next(&rest, ';', &list))
      while (slice_next(&list, ',', &name)) {
        int code = add_of(asked, n, order, name);
        if (code >= 0) return code;
      }
  }
  return -1;
}

/* The one LRU first level of a specification. */
static int take_tlb(struct pw_tlb_config *tlb, const struct tlb_specs *specs, const char *option)
{
  const struct pw_tlb_spec *spec = specs->items;
  size_t n = specs->n * spec->n_entries * spec->n_ways * spec->n_policies;
  if (n > 1) return say_usage("%s gives %zu values; a curve stands behind one first level", option, n);
  struct pw_list_entry policy = {"?", ""};
  pw_list_entry(PW_LIST_TLB_POLICIES, (size_t)spec->policies[0], &policy);
  if (spec->policies[0] != pw_tlb_policy_find("lru"))
    return say_usage("%s: a curve stands behind a first level of lru, not of %s; pagewalk sweep takes any", option, policy.name);
  *tlb = (struct pw_tlb_config){spec->entries[0], spec->ways[0] ? spec->ways[0] : spec->entries[0], spec->policies[0]};
  return -1;
}

static int take_first_levels(struct pw_curve_config *config, const struct combination *combination)
{
  struct pw_config machine;
  struct pw_error err;
  int code = take_tlb(&config->itlb, &combination->tlbs[pw_parameter_find("itlb")], "--itlb");
  if (code < 0) code = take_tlb(&config->dtlb, &combination->tlbs[pw_parameter_find("dtlb")], "--dtlb");
  if (code >= 0) return code;
  pw_config_default(&machine);
  machine.itlb = config->itlb;
  machine.dtlb = config->dtlb;
  return pw_config_check(&machine, &err) ? say_usage("%s", err.text) : -1;
}

static bool is_repeated(const struct numbers *numbers, size_t at)
{
  for (size_t i = 0; i < at; i++)
    if (numbers->values[i] == numbers->values[at]) return true;
  return false;
}

/* Every --of at every page size. */
static int plan(struct curve_command *c, const struct settings *settings, const struct combination *combination)
{
  bool asked[4] = {false};
  enum pw_curve_of order[4];
  size_t n = 0;
  struct pw_curve_config config = {0};
  int code = parse_of(&c->options.of, asked, &n, order);
  if (code < 0 && asked[PW_CURVE_STLB]) code = take_first_levels(&config, combination);
  if (code >= 0) return code;
  for (int i = 0; i < 2 && !asked[PW_CURVE_STLB]; i++) {
    const char *first = of_use[1 + i];
    if (settings->of[pw_parameter_find(first)].n)
      return say_usage("--%s only applies to --of stlb, which stands behind it: a curve has every size of the others", first);
  }
  const struct numbers *pages = &combination->numbers[setting_of_kind(PW_PARAMETER_PAGE)];
  for (size_t i = 0; i < n; i++)
    for (size_t p = 0; p < pages->n; p++) {
      if (is_repeated(pages, p)) continue;
      config.of = order[i];
      config.page_shift = (unsigned)pages->values[p];
      c->configs = heap_grow(c->configs, &c->configs_room, c->n_configs + 1, sizeof *c->configs);
      c->configs[c->n_configs++] = config;
    }
  return -1;
}

static int check_outputs(const struct curve_command *c)
{
  const struct curve_options *o = &c->options;
  if (o->csv && !*o->csv) return say_usage("--csv needs the name of a file, or - for stdout");
  if (o->folder && !*o->folder) return say_usage("-o needs the name of a folder");
  if (o->csv && o->target && strcmp(o->csv, "-") == 0)
    return say_usage("--target and --csv - both write to standard output; give --csv a file");
  if (traces_check(&c->traces, "curve", 0) || traces_check_output(&c->traces, "--csv", o->csv)) return USAGE;
  char *inside = o->folder ? heap_text("%s/curve.csv", o->folder) : NULL;
  int code = inside && traces_check_output(&c->traces, "-o", inside) ? USAGE : -1;
  if (code < 0 && inside && o->csv && files_same(inside, o->csv))
    code = say_usage("-o writes %s already; leave --csv out", inside);
  free(inside);
  return code;
}

/* Understands the options: -1, or an exit code. */
static int prepare(struct curve_command *c, const struct settings *settings)
{
  struct pw_error err = {0};
  struct combination combination = {0};
  int code = check_no_use(settings);
  if (code < 0 && (settings_understand(settings, &c->running, &err) || combination_parse(&combination, settings, &err)))
    code = say_usage("%s", err.text);
  if (code < 0) code = plan(c, settings, &combination);
  if (code < 0 && c->options.target && target_parse(&c->target, c->options.target, "--target", &err))
    code = say_usage("%s", err.text);
  if (code < 0) code = check_outputs(c);
  combination_clear(&combination);
  return code;
}

static int ask(void *context, const struct trace_job *job, struct pw_trace *trace, const struct pw_run_options *options,
               struct pw_error *err)
{
  struct curve_command *c = context;
  return pw_curve_run(trace, c->configs, c->n_configs, options, &c->curves[job->number * c->n_configs], err);
}

static int write_csv(const void *set, FILE *out, struct pw_error *err)
{
  return curve_csv_write(out, set, err);
}

static void count_chart(void *context, const char *chart, const char *path, const char *reason)
{
  (void)chart;
  (void)path;
  if (!reason) ++*(size_t *)context;
}

/* curve.csv in the folder, and its charts beside it. */
static int draw(const struct curve_command *c, const struct curve_set *set)
{
  struct pw_error err = {0};
  size_t n = 0;
  char *csv = heap_text("%s/curve.csv", c->options.folder);
  const char *const csvs[] = {csv};
  struct pw_chart_options options = {.folder = c->options.folder, .report = count_chart, .stop = interrupt_stops, .context = &n};
  int code = sink_write(csv, write_csv, set);
  if (code == DONE && pw_charts_draw(csvs, 1, &options, &err) < 0) {
    say("%s; %s is whole: draw later with pagewalk plot", err.text, csv);
    code = FAILED;
  } else if (code == DONE) {
    say_note("%s: curve.csv and %zu chart%s", c->options.folder, n, n == 1 ? "" : "s");
  }
  free(csv);
  return code;
}

static int report(const struct curve_command *c)
{
  const struct curve_set set = {c->jobs, c->traces.n, c->configs, c->n_configs, c->curves};
  int csv = c->options.csv ? sink_write(c->options.csv, write_csv, &set) : DONE;
  int drawn = c->options.folder ? draw(c, &set) : DONE;
  if (c->options.target)
    curve_targets_print(&set, &c->target);
  else if (!c->options.csv && !c->options.folder)
    curve_tables_print(&set);
  return csv != DONE ? csv : drawn;
}

static int run_traces(struct curve_command *c)
{
  c->jobs = runner_jobs(&c->traces);
  c->curves = heap_zero(c->traces.n * c->n_configs, sizeof *c->curves);
  struct runner runner = {.jobs = c->jobs, .n_jobs = c->traces.n, .ask = ask, .trace = c->running.trace,
                          .n_threads = c->running.jobs, .context = c, .run = {.no_asid = c->running.no_asid}};
  struct pw_error err = {0};
  if (c->options.folder && folder_make(c->options.folder, &c->folder_is_new, &err)) {
    say("%s", err.text);
    return FAILED;
  }
  size_t good = runner_go_all(&runner);
  int code = good ? report(c) : FAILED;
  return good == c->traces.n ? code : FAILED;
}

/* The rows that curve shares with run and sweep; `help`, where not NULL, says what they mean here. */
static void pick_rows(struct option_row *rows, const size_t *settings, const char *const *help, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    rows[i] = *setting_row(settings[i]);
    if (help[i]) rows[i].help = help[i];
  }
}

static int run_curve(const struct command *self, int argc, char **argv)
{
  static const size_t running[] = {SET_ASID, SET_JOBS};
  const size_t machine[] = {pw_parameter_find(of_use[0]), pw_parameter_find(of_use[1]), pw_parameter_find(of_use[2])};
  static const char *const help[] = {
      "page sizes: 4K,64K,2M, any power of two (default 4K)",
      "before --of stlb, the code TLB: ENTRIES[:WAYS], LRU, or none\n(default 64:8)",
      "before --of stlb, the data TLB, likewise (default 64:4)"};
  static const char *const as_is[2] = {NULL};
  struct curve_command c = {0};
  struct settings settings = {0};
  struct option_row shown[4] = {{0}}, run[3] = {{0}};
  pick_rows(shown, machine, help, 3);
  pick_rows(run, running, as_is, 2);
  const struct option_group groups[] = {{"Curves", own_rows, &c.options},   {"Machine", shown, &settings},
                                        {"Running", run, &settings},        {"Reading", reading_rows, &settings},
                                        {NULL, machine_rows(), &settings},    {NULL, running_rows, &settings},
                                        {NULL, NULL, NULL}};
  int code = options_parse(self, groups, &c.traces, argc, argv);
  if (code < 0) {
    say_set_quiet(c.options.quiet);
    code = prepare(&c, &settings);
  }
  if (code < 0) code = run_traces(&c);
  if (c.folder_is_new && code != DONE) rmdir(c.options.folder); /* fails, as it should, when it holds something */
  if (c.curves) pw_curves_clear(c.curves, c.traces.n * c.n_configs);
  free(c.curves);
  free(c.configs);
  free(c.jobs);
  settings_clear(&settings);
  words_clear(&c.options.of);
  words_clear(&c.traces);
  return code;
}

const struct command command_curve = {
    .name = "curve",
    .summary = "every TLB size or memory size at once: curves, and the size for a target",
    .usage = "TRACE... --of WHAT [options]",
    .about = "Misses of a fully associative LRU TLB of every size, or page faults of LRU memory\n"
             "of every size, from one pass over each trace: a table, CSV, charts, or the\n"
             "smallest size that keeps a rate. The knee is the size at which misses fall most,\n"
             "in proportion, against half of it.",
    .examples = "  pagewalk curve sort.pwt --of memory --target 50ppm\n"
                "  pagewalk curve sort.pwt --of dtlb --page-size 4K,2M\n"
                "  pagewalk curve *.pwt --of dtlb,memory --csv curve.csv -o charts\n"
                "  pagewalk curve sort.pwt --of stlb --dtlb 48:full --itlb 48:full --target 1%",
    .run = run_curve,
};
