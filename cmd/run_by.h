/* run --by: who in the program causes what, as a table, CSV, JSON and charts. */
#ifndef CMD_BY_H
#define CMD_BY_H

#include "pagewalk.h"
#include "runner.h"

struct by_options {
  const char *by, *heat, *folder; /* as given */
};

struct by {
  enum pw_by of;
  enum pw_heat_of heat;
  const char *folder;               /* or NULL */
  const struct pw_config *config;
  const struct trace_job *jobs;
  size_t n_jobs;
  struct pw_attribution *found;     /* [n_jobs] */
};

/* -1 to go on, or USAGE after saying why not. Sets what the traces must be read with. */
int by_understand(struct by *by, const struct by_options *options, struct pw_trace_options *trace);
/* For the runner. The context is the struct by. */
job_ask_fn by_ask;
/* After the run, of the jobs that are done. */
void by_print(const struct by *by);
void by_note(const struct by *by); /* which traces cannot tell much */
int by_write_csv(const struct by *by, FILE *out, struct pw_error *err);
int by_write_json(const struct by *by, FILE *out, struct pw_error *err);
/* attribution.csv, heat.csv and charts/ into the folder; an exit code. */
int by_write_folder(const struct by *by);
void by_clear(struct by *by);

#endif
