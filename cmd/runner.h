/* Runs traces through one list of configurations, or one question, several traces at a time.
 *
 * The largest files come first. Each trace is handed to `done` in the thread that ran
 * it, so what `done` writes must belong to that trace alone. Threads beyond the number
 * of traces work within a trace. The results do not depend on the number of threads. */
#ifndef CMD_RUNNER_H
#define CMD_RUNNER_H

#include <stdbool.h>
#include <stddef.h>

#include "pagewalk.h"
#include "words.h"

enum job_state {
  JOB_WAITING, /* not begun, or stopped before its end */
  JOB_KEPT,    /* finished by an earlier, interrupted sweep */
  JOB_DONE,
  JOB_BAD, /* no result at all: `error` says why */
};

struct trace_job {
  const char *path;
  size_t number; /* position in the list */
  enum job_state state;
  struct pw_error error;
  size_t unfit;       /* configurations too narrow for an address of the trace; see `error` */
  uint64_t bad_lines; /* left out under --skip-bad */
  char remark[200];   /* on how it was read, or empty */
  bool rounded;       /* skip, limit or warm-up were rounded to whole visits */
};

/* Takes over the results of a trace; an error stops the whole work. */
typedef int job_done_fn(void *context, const struct trace_job *job, const struct pw_trace_info *info,
                        const struct pw_result *results, struct pw_error *err);

/* Asks something else of an open trace than configurations: 0 or a status. */
typedef int job_ask_fn(void *context, const struct trace_job *job, struct pw_trace *trace,
                       const struct pw_run_options *options, struct pw_error *err);

struct runner {
  struct trace_job *jobs;
  size_t n_jobs;
  const struct pw_config *configs;
  size_t n_configs;
  job_ask_fn *ask; /* in place of configs and done; or NULL */
  struct pw_trace_options trace;
  struct pw_run_options run;
  unsigned n_threads;
  job_done_fn *done;
  void *context;
};

/* Threads that each trace gets, of so many for all. */
unsigned runner_threads_each(unsigned n_threads, size_t n_traces);
/* 0 when every job is DONE, KEPT or BAD; PW_EINTERRUPTED; or the error of `done`. */
int runner_go(const struct runner *runner, struct pw_error *err);

/* A job for each trace, in the order given (to be freed). */
struct trace_job *runner_jobs(const struct words *traces);
/* For who writes nothing before the end: goes through all traces and says what went wrong.
 * The number that have results, 0 also after an interrupt. */
size_t runner_go_all(const struct runner *runner);

/* Says what a user should know about how the traces were read. */
void runner_notes(const struct runner *runner);

#endif
