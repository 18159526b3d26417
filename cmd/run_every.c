/* pagewalk run --every: a time series of one machine on each trace. */
#include "run_every.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "heap.h"
#include "interrupt.h"
#include "say.h"
#include "spec.h"
#include "traces.h"

struct series_run {
  const struct series_options *options;
  struct series_set set;
  struct pw_series *series; /* [set.n_jobs] */
};

static int check(const struct series_options *o, const struct words *traces, uint64_t *every)
{
  struct pw_error err = {0};
  const struct spec_kind kind = {.unit = SPEC_COUNT, .least = 1, .most = UINT64_MAX};
  if (spec_number(every, (struct slice){o->every, strlen(o->every)}, &kind, "--every", &err)) return say_usage("%s", err.text);
  if (o->csv && !*o->csv) return say_usage("--csv needs the name of a file, or - for stdout");
  if (o->folder && !*o->folder) return say_usage("-o needs the name of a folder");
  char *inside = o->folder ? heap_text("%s/series.csv", o->folder) : NULL;
  int code = inside && traces_check_output(traces, "-o", inside) ? USAGE : -1;
  if (code < 0 && inside && o->csv && files_same(inside, o->csv))
    code = say_usage("-o writes %s already; leave --csv out", inside);
  free(inside);
  return code;
}

static int ask(void *context, const struct trace_job *job, struct pw_trace *trace, const struct pw_run_options *options,
               struct pw_error *err)
{
  struct series_run *run = context;
  return pw_series_run(trace, run->set.config, run->set.every, options, &run->series[job->number], err);
}

static int write_csv(const void *set, FILE *out, struct pw_error *err)
{
  return series_csv_write(out, set, err);
}

static void count_chart(void *context, const char *chart, const char *path, const char *reason)
{
  (void)chart;
  (void)path;
  if (!reason) ++*(size_t *)context;
}

/* series.csv in the folder, and its charts in charts/. */
static int draw(const struct series_set *set, const char *folder)
{
  struct pw_error err = {0};
  size_t n = 0;
  char *csv = heap_text("%s/series.csv", folder), *charts = heap_text("%s/charts", folder);
  const char *const csvs[] = {csv};
  struct pw_chart_options options = {.folder = charts, .report = count_chart, .stop = interrupt_stops, .context = &n};
  int code = sink_write(csv, write_csv, set);
  if (code == DONE && pw_charts_draw(csvs, 1, &options, &err) < 0) {
    say("%s; %s is whole: draw later with pagewalk plot", err.text, csv);
    code = FAILED;
  } else if (code == DONE) {
    say_note("%s: series.csv and %zu chart%s", folder, n, n == 1 ? "" : "s");
  }
  free(csv);
  free(charts);
  return code;
}

static int report(const struct series_run *run)
{
  const struct series_options *o = run->options;
  int csv = o->csv ? sink_write(o->csv, write_csv, &run->set) : DONE;
  int drawn = o->folder ? draw(&run->set, o->folder) : DONE;
  if (!o->csv && !o->folder) series_tables_print(&run->set);
  return csv != DONE ? csv : drawn;
}

static int run_traces(struct series_run *run, struct trace_job *jobs, const struct running *running)
{
  struct runner runner = {.jobs = jobs, .n_jobs = run->set.n_jobs, .ask = ask, .trace = running->trace,
                          .n_threads = running->jobs, .context = run, .run = running_options(running)};
  size_t good = runner_go_all(&runner);
  int code = good ? report(run) : FAILED;
  return good == run->set.n_jobs ? code : FAILED;
}

int series_command(const struct series_options *options, const struct words *traces, const struct pw_config *config,
                   const struct running *running)
{
  struct series_run run = {.options = options, .set = {.n_jobs = traces->n, .config = config}};
  struct pw_error err = {0};
  bool folder_is_new = false;
  int code = check(options, traces, &run.set.every);
  if (code >= 0) return code;
  if (options->folder && folder_make(options->folder, &folder_is_new, &err)) {
    say("%s", err.text);
    return FAILED;
  }
  struct trace_job *jobs = runner_jobs(traces);
  run.set.jobs = jobs;
  run.set.series = run.series = heap_zero(traces->n, sizeof *run.series);
  code = run_traces(&run, jobs, running);
  if (folder_is_new && code != DONE) rmdir(options->folder); /* fails, as it should, when it holds something */
  for (size_t i = 0; i < traces->n; i++) pw_series_clear(&run.series[i]);
  free(run.series);
  free(jobs);
  return code;
}
