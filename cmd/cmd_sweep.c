/* pagewalk sweep: every combination of the options on every trace, into one folder. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "heap.h"
#include "interrupt.h"
#include "options.h"
#include "say.h"
#include "sweep.h"
#include "traces.h"
#include "yamlfile.h"

struct own_options {
  const char *folder;
  bool no_charts, explain, resume, force, quiet;
};

static const struct option_row own_rows[] = {
    {"output", 'o', OPTION_TEXT, "DIR", offsetof(struct own_options, folder),
     "folder for results.csv, manifest.json and charts/"},
    {"no-charts", 0, OPTION_FLAG, NULL, offsetof(struct own_options, no_charts), "draw no charts"},
    {"explain", 0, OPTION_FLAG, NULL, offsetof(struct own_options, explain), "print what would be run, and run nothing"},
    {"resume", 0, OPTION_FLAG, NULL, offsetof(struct own_options, resume), "carry on an interrupted sweep"},
    {"force", 0, OPTION_FLAG, NULL, offsetof(struct own_options, force), "replace what DIR holds"},
    {"quiet", 'q', OPTION_FLAG, NULL, offsetof(struct own_options, quiet), "no progress bar and no remarks"},
    {0}};

/* Operands are traces, except for one sweep file. Traces on the command line replace
 * those of the file. */
static int read_operands(struct sweep *sweep, const struct words *operands)
{
  const char *path = NULL;
  for (size_t i = 0; i < operands->n; i++) {
    if (!yaml_is(operands->items[i])) {
      words_add(&sweep->traces, operands->items[i]);
      continue;
    }
    if (path) return say_usage("%s and %s are both sweep files; give one at a time", path, operands->items[i]);
    path = operands->items[i];
  }
  struct pw_error err = {0};
  int status = path ? sweepfile_read(&sweep->file, path, &err) : 0;
  if (status) {
    say("%s", err.text);
    return status == PW_EINVAL ? USAGE : FAILED;
  }
  if (!sweep->traces.n)
    for (size_t i = 0; i < sweep->file.traces.n; i++) words_add(&sweep->traces, sweep->file.traces.items[i]);
  if (path && !sweep->traces.n)
    return say_usage("%s names no traces; add the key traces: to it, such as traces: [\"*.pwt\"], or give them on the command "
                     "line", path);
  return traces_check(&sweep->traces, "sweep", 1) ? USAGE : -1;
}

static int check_rows(const struct sweep *sweep, struct pw_error *err)
{
  uint64_t rows = (uint64_t)sweep->plan.n_configs * sweep->traces.n;
  if (rows <= MOST_CONFIGURATIONS) return 0;
  char configs[32], count[32];
  human_count(configs, sizeof configs, sweep->plan.n_configs);
  human_count(count, sizeof count, rows);
  return pw_error_set(err, PW_EINVAL, "%s configurations on %zu traces are %s rows, and a sweep makes at most 1,000,000; give "
                                      "fewer values, or fewer traces at a time",
                      configs, sweep->traces.n, count);
}

static int plan_all(struct sweep *sweep, struct pw_error *err)
{
  uint64_t asked = 0, sum;
  for (size_t i = 0; i < sweep->n_combinations; i++) {
    struct settings merged;
    if (sweep->file.n_subs) settings_merge(&merged, &sweep->settings, &sweep->file.subs[i]);
    int status = combination_parse(&sweep->combinations[i], sweep->file.n_subs ? &merged : &sweep->settings, err);
    if (sweep->file.n_subs) settings_clear(&merged);
    if (status) return status;
    asked = __builtin_add_overflow(asked, combination_count(&sweep->combinations[i]), &sum) ? UINT64_MAX : sum;
  }
  if (asked > MOST_CONFIGURATIONS) {
    char count[32];
    human_count(count, sizeof count, asked);
    return pw_error_set(err, PW_EINVAL, "the options combine to %s%s configurations, and a sweep takes at most 1,000,000; give "
                                        "fewer values, or split it",
                        asked == UINT64_MAX ? "more than " : "", count);
  }
  for (size_t i = 0; i < sweep->n_combinations; i++) {
    int status = combination_plan(&sweep->combinations[i], &sweep->plan, err);
    if (status) return status;
  }
  return check_rows(sweep, err);
}

/* Understands everything that was given: -1, or an exit code. */
static int prepare(struct sweep *sweep, const struct words *operands)
{
  struct pw_error err = {0};
  int code = read_operands(sweep, operands);
  if (code >= 0) return code;
  settings_merge(&sweep->settings, &sweep->file.settings, &sweep->given);
  if (settings_understand(&sweep->settings, &sweep->running, &err)) return say_usage("%s", err.text);
  sweep->n_combinations = sweep->file.n_subs ? sweep->file.n_subs : 1;
  sweep->combinations = heap_zero(sweep->n_combinations, sizeof *sweep->combinations);
  int status = plan_all(sweep, &err);
  if (status) {
    say("%s", err.text);
    return status == PW_EINVAL ? USAGE : FAILED;
  }
  if (!sweep->plan.n_configs)
    return say_usage("no combination of the options is possible; the first: %s", sweep->plan.first_left_out.text);
  combinations_note_policy(sweep->combinations, sweep->n_combinations);
  return -1;
}

/* Who answers what, and what memory it takes when `at_once` traces run side by side. */
static void explain_groups(const struct pw_explained *groups, size_t n, size_t at_once)
{
  char size[32], count[32], fixed[32], pages[32], one[32];
  uint64_t fixed_bytes = 0, page_bytes = 0;
  bool unless = false;
  printf("\n%-9s %-9s %14s  %s\n", "page size", "engine", "configurations", "models");
  for (size_t i = 0; i < n; i++) {
    const struct pw_explained *g = &groups[i];
    human_bytes(size, sizeof size, (uint64_t)1 << g->page_shift);
    human_count(count, sizeof count, g->n_configs);
    printf("%-9s %-9s %14s  %s%s\n", size, g->one_pass ? "one-pass" : "direct", count, g->what, g->unless_shared ? " *" : "");
    fixed_bytes += g->fixed_bytes;
    page_bytes += g->page_bytes;
    unless |= g->unless_shared;
  }
  if (unless) puts("* directly, if some page of this size turns out to be touched in two ways (fetched, loaded or stored, by the "
                   "kernel), or if a process with pages forks");
  human_bytes(fixed, sizeof fixed, fixed_bytes * at_once);
  human_count(one, sizeof one, page_bytes);
  human_bytes(pages, sizeof pages, (page_bytes << 20) * at_once);
  printf("\n%-16s up to about %s, and %s bytes a distinct page (%s for a million), with %zu trace%s at a time\n", "memory", fixed,
         one,
         pages, at_once, at_once == 1 ? "" : "s");
}

/* Says what keeps LRU memories from one pass, where that is the second level. */
static void explain_memories(const struct sweep *sweep)
{
  size_t n = 0;
  int lru = pw_tlb_policy_find("lru");
  for (size_t i = 0; sweep->running.engine == PW_ENGINE_AUTO && i < sweep->plan.n_configs; i++) {
    const struct pw_config *c = &sweep->plan.configs[i];
    n += c->memory_bytes != PW_UNLIMITED && c->memory_policy == pw_memory_policy_find("lru") && c->stlb.entries &&
         (!c->itlb.entries || c->itlb.policy == lru) && (!c->dtlb.entries || c->dtlb.policy == lru);
  }
  char count[32];
  human_count(count, sizeof count, n);
  if (n > 1) printf("\n%s rows with an LRU memory are simulated one by one because of their second level; --stlb none lets one "
                    "pass answer them\n", count);
}

static int explain(const struct sweep *sweep)
{
  const struct pw_plan *plan = &sweep->plan;
  char count[32];
  human_count(count, sizeof count, sweep->traces.n);
  printf("%-16s %s\n", "traces", count);
  human_count(count, sizeof count, plan->n_configs);
  printf("%-16s %s\n", "configurations", count);
  human_count(count, sizeof count, plan->n_configs * sweep->traces.n);
  printf("%-16s %s\n", "rows", count);
  human_count(count, sizeof count, plan->n_left_out);
  printf("%-16s %s%s%s\n", "left out", count, plan->n_left_out ? "; the first: " : "",
         plan->n_left_out ? plan->first_left_out.text : "");
  struct pw_run_options options = running_options(&sweep->running);
  options.jobs = runner_threads_each(options.jobs, sweep->traces.n);
  struct pw_explained *groups;
  struct pw_error err;
  size_t n;
  if (pw_explain(plan->configs, plan->n_configs, &options, &groups, &n, &err)) {
    say("%s", err.text);
    return FAILED;
  }
  explain_groups(groups, n, sweep->running.jobs < sweep->traces.n ? sweep->running.jobs : sweep->traces.n);
  pw_explained_free(groups);
  explain_memories(sweep);
  return DONE;
}

static size_t count_state(const struct sweep *sweep, enum job_state state)
{
  size_t n = 0;
  for (size_t i = 0; i < sweep->traces.n; i++) n += sweep->jobs[i].state == state;
  return n;
}

static void note_left_out(const struct sweep *sweep)
{
  char count[32];
  if (!sweep->plan.n_left_out) return;
  human_count(count, sizeof count, sweep->plan.n_left_out);
  say_note("%s impossible %s left out; the first: %s", count,
           sweep->plan.n_left_out == 1 ? "combination is" : "combinations are", sweep->plan.first_left_out.text);
}

static int stopped(const struct sweep *sweep, const struct pw_error *err)
{
  size_t done = count_state(sweep, JOB_DONE) + count_state(sweep, JOB_KEPT);
  if (err->status == PW_EINTERRUPTED)
    say("interrupted: %zu of %zu traces are done; run the same command with --resume", done, sweep->traces.n);
  else
    say("%s; %zu of %zu traces are done and kept: mend that, then run the same command with --resume", err->text,
        done, sweep->traces.n);
  return FAILED;
}

static void count_chart(void *context, const char *chart, const char *path, const char *reason)
{
  (void)chart;
  (void)path;
  if (!reason) ++*(size_t *)context;
}

static size_t count_rows(const struct sweep *sweep)
{
  size_t n = 0;
  for (size_t i = 0; i < sweep->traces.n; i++)
    if (sweep->jobs[i].state != JOB_BAD) n += sweep->plan.n_configs - sweep->jobs[i].unfit;
  return n;
}

static int draw_charts(const struct sweep *sweep)
{
  struct pw_error err = {0};
  size_t n = 0, rows = count_rows(sweep);
  char *csv = heap_text("%s/results.csv", sweep->folder), *folder = heap_text("%s/charts", sweep->folder);
  const char *const csvs[] = {csv};
  struct pw_chart_options options = {.folder = folder, .report = count_chart, .stop = interrupt_stops, .context = &n};
  int status = pw_charts_draw(csvs, 1, &options, &err);
  if (status < 0)
    say("%s; %s is whole: draw later with pagewalk plot, or leave them out with --no-charts", err.text, csv);
  else
    say_note("%s: %zu row%s; %s: %zu chart%s", csv, rows, rows == 1 ? "" : "s", folder, n, n == 1 ? "" : "s");
  free(csv);
  free(folder);
  return status < 0 ? FAILED : DONE;
}

/* Names the traces without rows, and those without some of them; false when all are there. */
static bool say_what_is_missing(const struct sweep *sweep)
{
  size_t bad = 0, unfit = 0;
  for (size_t i = 0; i < sweep->traces.n; i++) {
    const struct trace_job *job = &sweep->jobs[i];
    if (job->state == JOB_BAD)
      bad++, say("%s", job->error.text);
    else if (job->unfit)
      unfit++, say("%s; %zu of its %zu rows are left out", job->error.text, job->unfit, sweep->plan.n_configs);
  }
  if (bad) say("%zu of %zu traces could not be run and have no rows in %s/results.csv", bad, sweep->traces.n, sweep->folder);
  return bad || unfit;
}

/* All traces were tried: says which were bad, and gives the results their names. */
static int finish(struct sweep *sweep)
{
  struct pw_error err = {0};
  size_t bad = count_state(sweep, JOB_BAD);
  if (bad == sweep->traces.n) {
    for (size_t i = 0; i < sweep->traces.n; i++) say("%s", sweep->jobs[i].error.text);
    unfinished_remove(sweep);
    if (bad > 1) say("none of the %zu traces could be run, so %s got no results", bad, sweep->folder);
    return FAILED;
  }
  if (manifest_write(sweep, &err) || results_write(sweep, &err)) return stopped(sweep, &err);
  unfinished_remove(sweep);
  int code = sweep->no_charts ? DONE : draw_charts(sweep);
  if (sweep->no_charts)
    say_note("%s/results.csv: %zu row%s", sweep->folder, count_rows(sweep), count_rows(sweep) == 1 ? "" : "s");
  return say_what_is_missing(sweep) ? FAILED : code;
}

static int go(struct sweep *sweep)
{
  struct pw_error err = {0};
  sweep->jobs = runner_jobs(&sweep->traces);
  int code = unfinished_open(sweep);
  if (code >= 0) return code;
  note_left_out(sweep);
  struct runner runner = {
      .jobs = sweep->jobs, .n_jobs = sweep->traces.n, .configs = sweep->plan.configs,
      .n_configs = sweep->plan.n_configs, .trace = sweep->running.trace, .n_threads = sweep->running.jobs,
      .done = unfinished_keep, .context = sweep,
      .run = running_options(&sweep->running)};
  interrupt_catch();
  if (runner_go(&runner, &err)) return stopped(sweep, &err);
  runner_notes(&runner);
  return finish(sweep);
}

static void clear(struct sweep *sweep)
{
  pw_plan_clear(&sweep->plan);
  for (size_t i = 0; i < sweep->n_combinations; i++) combination_clear(&sweep->combinations[i]);
  free(sweep->combinations);
  free(sweep->jobs);
  words_clear(&sweep->traces);
  settings_clear(&sweep->settings);
  settings_clear(&sweep->given);
  sweepfile_clear(&sweep->file);
}

static int run_sweep(const struct command *self, int argc, char **argv)
{
  struct own_options own = {0};
  struct sweep sweep = {.lock = -1};
  struct words operands = {0};
  const struct option_group groups[] = {{"Output", own_rows, &own},
                                        {"Machines (lists and ranges; every combination is run)", machine_rows(), &sweep.given},
                                        {"Running", running_rows, &sweep.given},
                                        {"Reading", reading_rows, &sweep.given},
                                        {NULL, NULL, NULL}};
  int code = options_parse(self, groups, &operands, argc, argv);
  if (code < 0) {
    say_set_quiet(own.quiet);
    sweep.folder = own.folder;
    sweep.no_charts = own.no_charts;
    sweep.resume = own.resume;
    sweep.force = own.force;
    if (own.resume && own.force)
      code = say_usage("--resume carries an unfinished sweep on and --force starts it anew; give one of them");
  }
  if (code < 0) code = prepare(&sweep, &operands);
  if (code < 0 && own.explain) code = explain(&sweep);
  if (code < 0 && (!own.folder || !*own.folder)) code = say_usage("sweep needs a folder for its results: -o DIR");
  if (code < 0) code = go(&sweep);
  words_clear(&operands);
  clear(&sweep);
  return code;
}

const struct command command_sweep = {
    .name = "sweep",
    .summary = "every combination of options: results.csv and charts",
    .usage = "[SPEC.yaml] TRACE... [options] -o DIR",
    .about = "Runs every trace through every combination of the options given and leaves\n"
             "DIR/results.csv, DIR/manifest.json and DIR/charts/.\n\n"
             "Inside a value ',' separates values and ranges are lo..hi, lo..hi+step and\n"
             "lo..hi*factor; ';', or the option given again, separates whole specs. Impossible\n"
             "combinations are left out and counted. SPEC.yaml holds the same options as keys.",
    .examples = "  pagewalk sweep *.pwt --dtlb '16..1024*2:1,2,4,8,full' -o tlbs\n"
                "  pagewalk sweep sort.pwt --page-size 4K,2M,1G --stlb 'none;128:8;1536:12' -o pages\n"
                "  pagewalk sweep sort.pwt --levels 1..5 --memory 16M..1G*2,unlimited --explain\n"
                "  pagewalk sweep study.yaml --jobs 8 -o study",
    .run = run_sweep,
};
