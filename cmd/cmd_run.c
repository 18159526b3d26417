/* pagewalk run: one configuration on one or more traces, as a table, CSV or JSON, or over time. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_by.h"
#include "combine.h"
#include "command.h"
#include "files.h"
#include "heap.h"
#include "options.h"
#include "result_table.h"
#include "runner.h"
#include "run_every.h"
#include "say.h"
#include "settings.h"
#include "traces.h"

struct run_options {
  const char *csv, *json, *every, *folder;
  struct by_options by;
  bool quiet;
};

static const struct option_row own_rows[] = {
    {"csv", 0, OPTION_TEXT, "FILE", offsetof(struct run_options, csv), "write CSV rows instead of the table (- = stdout)"},
    {"every", 0, OPTION_TEXT, "N", offsetof(struct run_options, every),
     "a time series: a row for every N accesses (20K, 1M, 1G)"},
    {"output", 'o', OPTION_TEXT, "DIR", offsetof(struct run_options, folder),
     "with --every or --by: a folder for the CSV and charts/ of it"},
    {"json", 0, OPTION_TEXT, "FILE", offsetof(struct run_options, json), "write a JSON array (- = stdout)"},
    {"by", 0, OPTION_TEXT, "WHAT", offsetof(struct run_options, by.by),
     "who causes it: region, object, symbol or function (the last\ntwo of a trace recorded with --pc)"},
    {"heat", 0, OPTION_TEXT, "WHAT", offsetof(struct run_options, by.heat),
     "with -o: the map of addresses over time shows walks (default),\ndtlb (misses), faults, or there is none"},
    {"quiet", 'q', OPTION_FLAG, NULL, offsetof(struct run_options, quiet), "no progress bar and no remarks"},
    {0}};

/* One configuration, the traces, and the results in the order of the traces. */
struct run {
  struct run_options options;
  struct words traces;
  struct combination combination;
  struct pw_plan plan;
  struct running running;
  struct trace_job *jobs;
  struct pw_result *results;
  struct by by;
};

static int take_result(void *context, const struct trace_job *job, const struct pw_trace_info *info,
                       const struct pw_result *results, struct pw_error *err)
{
  struct run *run = context;
  (void)info;
  (void)err;
  run->results[job->number] = results[0];
  return 0;
}

static int write_csv(const void *context, FILE *out, struct pw_error *err)
{
  const struct run *run = context;
  int status = pw_csv_write_header(out, err);
  for (size_t i = 0; !status && i < run->traces.n; i++)
    if (run->jobs[i].state == JOB_DONE)
      status = pw_csv_write_row(out, run->jobs[i].path, run->plan.configs, &run->results[i], err);
  return status;
}

static int write_json(const void *context, FILE *out, struct pw_error *err)
{
  const struct run *run = context;
  int status = 0;
  const char *before = "[\n";
  for (size_t i = 0; !status && i < run->traces.n; i++) {
    if (run->jobs[i].state != JOB_DONE) continue;
    fputs(before, out);
    before = ",\n";
    status = pw_json_write_row(out, run->jobs[i].path, run->plan.configs, &run->results[i], err);
  }
  if (before[0] == '[') fputs(before, out);
  fputs("\n]\n", out);
  return status;
}

static int write_by_csv(const void *context, FILE *out, struct pw_error *err)
{
  const struct run *run = context;
  return by_write_csv(&run->by, out, err);
}

static int write_by_json(const void *context, FILE *out, struct pw_error *err)
{
  const struct run *run = context;
  return by_write_json(&run->by, out, err);
}

static int report_by(const struct run *run)
{
  int csv = run->options.csv ? sink_write(run->options.csv, write_by_csv, run) : DONE;
  int json = run->options.json ? sink_write(run->options.json, write_by_json, run) : DONE;
  int folder = run->by.folder ? by_write_folder(&run->by) : DONE;
  if (!run->options.csv && !run->options.json && !run->by.folder) by_print(&run->by);
  by_note(&run->by);
  return csv != DONE ? csv : json != DONE ? json : folder;
}

static int report(const struct run *run)
{
  if (run->options.by.by) return report_by(run);
  int csv = run->options.csv ? sink_write(run->options.csv, write_csv, run) : DONE;
  int json = run->options.json ? sink_write(run->options.json, write_json, run) : DONE;
  if (!run->options.csv && !run->options.json)
    result_table_print(run->plan.configs, run->jobs, run->traces.n, run->results);
  return csv != DONE ? csv : json;
}

/* Understands the options; the plan then holds one configuration. */
static int prepare(struct run *run, const struct settings *settings)
{
  struct pw_error err = {0};
  uint64_t n;
  if (settings_understand(settings, &run->running, &err) ||
      combination_parse(&run->combination, settings, &err))
    return say_usage("%s", err.text);
  const char *list = combination_list(&run->combination, &n);
  if (list)
    return say_usage("run takes one configuration, but --%s gives %ju values; pagewalk sweep takes them all", list, (uintmax_t)n);
  int status = combination_plan(&run->combination, &run->plan, &err);
  if (status) {
    say("%s", err.text);
    return status == PW_EINVAL ? USAGE : FAILED;
  }
  if (!run->plan.n_configs) return say_usage("%s", run->plan.first_left_out.text);
  const struct run_options *options = &run->options;
  if (options->csv && options->json && files_same(options->csv, options->json))
    return say_usage("--csv and --json both write to %s; give them different files", options->csv);
  if (traces_check(&run->traces, "run", 0) || traces_check_output(&run->traces, "--csv", options->csv) ||
      traces_check_output(&run->traces, "--json", options->json))
    return USAGE;
  if (options->every && options->json) return say_usage("--json has no time series; take --csv with --every");
  if (options->every && options->by.by) return say_usage("--every and --by are two questions; ask them one at a time");
  combinations_note_policy(&run->combination, 1);
  run->options.by.folder = options->folder;
  if (options->by.by) return by_understand(&run->by, &options->by, &run->running.trace);
  if (options->by.heat) return say_usage("--heat belongs to --by: say by what");
  if (options->folder && !options->every) return say_usage("-o belongs to --by and to --every: say which");
  return -1;
}

static int run_traces(struct run *run)
{
  const struct series_options series = {run->options.every, run->options.csv, run->options.folder};
  if (series.every) return series_command(&series, &run->traces, run->plan.configs, &run->running);
  run->jobs = runner_jobs(&run->traces);
  run->results = heap_zero(run->traces.n, sizeof *run->results);
  struct runner runner = {
      .jobs = run->jobs, .n_jobs = run->traces.n, .configs = run->plan.configs, .n_configs = 1,
      .trace = run->running.trace, .n_threads = run->running.jobs, .done = take_result, .context = run,
      .run = running_options(&run->running)};
  if (run->options.by.by) {
    run->by.config = run->plan.configs;
    run->by.jobs = run->jobs;
    run->by.n_jobs = run->traces.n;
    run->by.found = heap_zero(run->traces.n, sizeof *run->by.found);
    runner.ask = by_ask;
    runner.done = NULL;
    runner.context = &run->by;
  }
  size_t good = runner_go_all(&runner);
  int code = good ? report(run) : FAILED;
  return good == run->traces.n ? code : FAILED;
}

static int run_run(const struct command *self, int argc, char **argv)
{
  struct run run = {0};
  struct settings settings = {0};
  const struct option_group groups[] = {{"Output", own_rows, &run.options},
                                        {"Machine", machine_rows(), &settings},
                                        {"Running", running_rows, &settings},
                                        {"Reading", reading_rows, &settings},
                                        {NULL, NULL, NULL}};
  int code = options_parse(self, groups, &run.traces, argc, argv);
  if (code < 0) {
    say_set_quiet(run.options.quiet);
    code = prepare(&run, &settings);
  }
  if (code < 0) code = run_traces(&run);
  by_clear(&run.by);
  free(run.jobs);
  free(run.results);
  pw_plan_clear(&run.plan);
  combination_clear(&run.combination);
  settings_clear(&settings);
  words_clear(&run.traces);
  return code;
}

const struct command command_run = {
    .name = "run",
    .summary = "one machine on one or more traces: misses, faults, page-table memory",
    .usage = "TRACE... [options]",
    .about = "Runs each trace through one machine and prints a table of what it cost.\n"
             "A TRACE is a file in any format of pagewalk list formats, compressed or not,\n"
             "or - for standard input. Each option takes a single value; sweep takes lists.",
    .examples = "  pagewalk run sort.pwt\n"
                "  pagewalk run sort.pwt --page-size 2M --dtlb 32:4 --stlb none\n"
                "  pagewalk run sort.pwt --by object\n"
                "  pagewalk run sort.pwt --every 1M -o sort-series\n"
                "  pagewalk run *.pwt --memory 64M --memory-policy clock --csv -\n"
                "  valgrind --tool=lackey --trace-mem=yes --log-fd=9 ls 9>&1 >ls.out | pagewalk run -",
    .run = run_run,
};
