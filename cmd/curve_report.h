/* Curves for people and programs: CSV rows, tables, and answers to --target. */
#ifndef CMD_CURVE_REPORT_H
#define CMD_CURVE_REPORT_H

#include "runner.h"
#include "target.h"

/* The answers to every question on every trace: curves[trace * n_configs + question]. */
struct curve_set {
  const struct trace_job *jobs;
  size_t n_jobs;
  const struct pw_curve_config *configs;
  size_t n_configs;
  const struct pw_curve *curves;
};

/* The names that --of takes, by enum pw_curve_of; ends with NULL. */
extern const char *const curve_names[];

/* A row for every size at which a count changes; traces without curves are left out. */
int curve_csv_write(FILE *out, const struct curve_set *set, struct pw_error *err);
/* The same for powers of two and the end, with the knee marked. */
void curve_tables_print(const struct curve_set *set);
/* A sentence a trace and question: the smallest size that keeps the rate. */
void curve_targets_print(const struct curve_set *set, const struct target *target);

#endif
