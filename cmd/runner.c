/* Runs traces through one list of configurations, or one question, several traces at a time. */
#include "runner.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "files.h"
#include "heap.h"
#include "interrupt.h"
#include "progress.h"
#include "say.h"
#include "settings.h"

struct shared {
  const struct runner *runner;
  const size_t *order;     /* of the jobs: the largest files first, so that no thread is left alone with one */
  unsigned threads_each;   /* that a trace may use, when there are fewer traces than threads */
  struct progress *progress;
  atomic_size_t next;
  atomic_bool stop;
  pthread_mutex_t lock; /* of failure */
  struct pw_error failure; /* the first error of `done` */
};

struct watch {
  struct shared *shared;
  size_t slot;
};

static int on_progress(void *context, const struct pw_trace_info *info)
{
  struct watch *watch = context;
  progress_update(watch->shared->progress, watch->slot, info);
  return interrupt_seen() || atomic_load_explicit(&watch->shared->stop, memory_order_relaxed);
}

static void fail(struct shared *shared, const struct pw_error *err)
{
  pthread_mutex_lock(&shared->lock);
  if (shared->failure.status == 0) shared->failure = *err;
  pthread_mutex_unlock(&shared->lock);
  atomic_store(&shared->stop, true);
}

static void run_job(struct shared *shared, struct trace_job *job)
{
  const struct runner *runner = shared->runner;
  struct watch watch = {shared, job->number};
  struct pw_run_options options = runner->run;
  options.jobs = shared->threads_each;
  options.progress = on_progress;
  options.progress_context = &watch;
  struct pw_result *results = heap_zero(runner->n_configs, sizeof *results);
  struct pw_trace *trace = NULL;
  struct pw_error err = {0};
  int status = pw_trace_open(&trace, job->path, &runner->trace, &err);
  if (!status && runner->ask) status = runner->ask(runner->context, job, trace, &options, &err);
  else if (!status) status = pw_run(trace, runner->configs, runner->n_configs, &options, results, &err);
  if (status > 0) {
    job->unfit = (size_t)status;
    job->error = err;
    status = job->unfit == runner->n_configs ? PW_EINVAL : 0;
  }
  if (!status) {
    const struct pw_trace_info *info = pw_trace_info(trace);
    job->bad_lines = info->bad_lines;
    snprintf(job->remark, sizeof job->remark, "%s", info->remark);
    job->rounded = info->rounded;
    job->state = JOB_DONE;
    if (runner->done && runner->done(runner->context, job, info, results, &err)) {
      job->state = JOB_WAITING;
      fail(shared, &err);
    }
  } else if (status != PW_EINTERRUPTED) {
    job->error = err;
    job->state = JOB_BAD;
  }
  if (trace) pw_trace_close(trace);
  free(results);
}

static void *work(void *context)
{
  struct shared *shared = context;
  for (;;) {
    size_t i = atomic_fetch_add(&shared->next, 1);
    if (i >= shared->runner->n_jobs || interrupt_seen() || atomic_load(&shared->stop)) return NULL;
    size_t number = shared->order[i];
    struct trace_job *job = &shared->runner->jobs[number];
    if (job->state == JOB_WAITING) run_job(shared, job);
    progress_update(shared->progress, number, NULL);
  }
}

struct sized {
  uint64_t bytes;
  size_t number;
};

static int compare_sizes(const void *a, const void *b)
{
  const struct sized *x = a, *y = b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return x->number < y->number ? -1 : 1;
}

/* The jobs from the largest file down (to be freed). */
static size_t *largest_first(const uint64_t *sizes, size_t n)
{
  struct sized *sized = heap_zero(n, sizeof *sized);
  size_t *order = heap_zero(n, sizeof *order);
  for (size_t i = 0; i < n; i++) sized[i] = (struct sized){sizes[i], i};
  qsort(sized, n, sizeof *sized, compare_sizes);
  for (size_t i = 0; i < n; i++) order[i] = sized[i].number;
  free(sized);
  return order;
}

static size_t count_waiting(const struct runner *runner)
{
  size_t n = 0;
  for (size_t i = 0; i < runner->n_jobs; i++) n += runner->jobs[i].state == JOB_WAITING;
  return n ? n : 1;
}

unsigned runner_threads_each(unsigned n_threads, size_t n_traces)
{
  return n_threads > n_traces ? (unsigned)(n_threads / n_traces) : 1;
}

int runner_go(const struct runner *runner, struct pw_error *err)
{
  struct shared shared = {.runner = runner, .lock = PTHREAD_MUTEX_INITIALIZER};
  uint64_t *sizes = heap_zero(runner->n_jobs, sizeof *sizes);
  for (size_t i = 0; i < runner->n_jobs; i++) sizes[i] = file_bytes(runner->jobs[i].path);
  size_t *order = largest_first(sizes, runner->n_jobs), waiting = count_waiting(runner);
  shared.order = order;
  shared.threads_each = runner_threads_each(runner->n_threads, waiting);
  shared.progress = progress_start(runner->n_jobs, sizes);
  free(sizes);
  size_t n = runner->n_threads < runner->n_jobs ? runner->n_threads : runner->n_jobs;
  pthread_t *threads = heap_zero(n, sizeof *threads);
  size_t started = 1; /* this thread works too */
  while (started < n && pthread_create(&threads[started], NULL, work, &shared) == 0) started++;
  work(&shared);
  for (size_t i = 1; i < started; i++) pthread_join(threads[i], NULL);
  free(threads);
  free(order);
  progress_end(shared.progress);
  if (shared.failure.status) {
    if (err) *err = shared.failure;
    return shared.failure.status;
  }
  for (size_t i = 0; i < runner->n_jobs; i++)
    if (runner->jobs[i].state == JOB_WAITING) return pw_error_set(err, PW_EINTERRUPTED, "interrupted");
  return 0;
}

void runner_notes(const struct runner *runner)
{
  const struct trace_job *jobs = runner->jobs;
  for (size_t i = 0; i < runner->n_jobs; i++)
    note_reading(&runner->trace, jobs[i].path, jobs[i].remark, jobs[i].bad_lines, jobs[i].rounded);
}

struct trace_job *runner_jobs(const struct words *traces)
{
  struct trace_job *jobs = heap_zero(traces->n, sizeof *jobs);
  for (size_t i = 0; i < traces->n; i++) {
    jobs[i].path = traces->items[i];
    jobs[i].number = i;
  }
  return jobs;
}

size_t runner_go_all(const struct runner *runner)
{
  struct pw_error err = {0};
  interrupt_catch();
  if (runner_go(runner, &err)) {
    say("%s", err.status == PW_EINTERRUPTED ? "interrupted: nothing was written" : err.text);
    return 0;
  }
  size_t good = 0;
  for (size_t i = 0; i < runner->n_jobs; i++) {
    good += runner->jobs[i].state == JOB_DONE;
    if (runner->jobs[i].state == JOB_BAD) say("%s", runner->jobs[i].error.text);
  }
  runner_notes(runner);
  return good;
}
