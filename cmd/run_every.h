/* pagewalk run --every: a time series of one machine on each trace, as a table, CSV and charts. */
#ifndef CMD_SERIES_H
#define CMD_SERIES_H

#include "runner.h"
#include "settings.h"
#include "words.h"

struct series_options {
  const char *every;          /* as given */
  const char *csv, *folder;   /* or NULL */
};

/* The series of each trace, in the order of the jobs. */
struct series_set {
  const struct trace_job *jobs;
  size_t n_jobs;
  const struct pw_config *config;
  uint64_t every;
  const struct pw_series *series;
};

/* Runs all of it: an exit code. */
int series_command(const struct series_options *options, const struct words *traces, const struct pw_config *config,
                   const struct running *running);

/* A row for each window; traces without a series are left out. */
int series_csv_write(FILE *out, const struct series_set *set, struct pw_error *err);
/* For people: the course of each quantity, and the windows in at most some 24 lines. */
void series_tables_print(const struct series_set *set);

#endif
