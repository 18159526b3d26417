/* A sweep: what it runs, and the folder it leaves.
 *
 * DIR/unfinished/ holds what an interrupted sweep had done: plan.txt says which sweep it
 * is, and each finished trace has NNNN.json (its entry for manifest.json) and then
 * NNNN.csv (its rows). A trace is finished exactly when its NNNN.csv is there. When the
 * last trace is done DIR/manifest.json and DIR/results.csv get their names, and
 * unfinished/ goes. */
#ifndef CMD_SWEEP_H
#define CMD_SWEEP_H

#include <stdbool.h>

#include "combine.h"
#include "runner.h"
#include "settings.h"
#include "sweepfile.h"

struct sweep {
  const char *folder;
  bool force, resume, no_charts;
  struct sweepfile file;
  struct settings given;    /* on the command line */
  struct settings settings; /* top level: file and command line merged */
  struct running running;
  struct words traces;
  size_t n_combinations;    /* 1, or one a sub-sweep */
  struct combination *combinations;
  struct pw_plan plan;
  struct trace_job *jobs;
  bool folder_is_new;
  int lock;                 /* descriptor that holds the lock on unfinished/, or -1 */
};

/* --- sweep_id.c: which sweep it is --- */

/* Hash of what decides the rows: options, configurations, names and sizes of the traces. */
uint64_t sweep_fingerprint(const struct sweep *sweep);
uint64_t sweep_configs_hash(const struct sweep *sweep); /* and of the columns */
/* The options that decide numbers, on one line (to be freed). */
char *sweep_options_line(const struct sweep *sweep);
/* Path of the file that keeps trace `number`, to be freed. */
char *unfinished_path(const struct sweep *sweep, size_t number, const char *suffix);

/* --- unfinished.c: the state of an interrupted sweep --- */

/* Makes DIR and DIR/unfinished, or refuses in favour of what is there. Marks the jobs that
 * are already finished as JOB_KEPT. Returns -1 to go on, or an exit code. */
int unfinished_open(struct sweep *sweep);
/* Writes the rows and the manifest entry of one trace. A job_done_fn. */
int unfinished_keep(void *sweep, const struct trace_job *job, const struct pw_trace_info *info,
                    const struct pw_result *results, struct pw_error *err);
/* Removes DIR/unfinished, and DIR when the sweep made it and nothing is in it. */
void unfinished_remove(struct sweep *sweep);

/* --- manifest.c: what is written at the end --- */

/* The entry of one finished trace. */
int manifest_write_trace(FILE *out, const struct trace_job *job, const struct pw_trace_info *info);
int manifest_write(const struct sweep *sweep, struct pw_error *err);
int results_write(const struct sweep *sweep, struct pw_error *err);

#endif
