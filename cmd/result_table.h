/* The table that `run` prints: one machine, one column a trace. */
#ifndef CMD_RESULT_TABLE_H
#define CMD_RESULT_TABLE_H

#include "pagewalk.h"
#include "runner.h"

void result_table_print(const struct pw_config *config, const struct trace_job *jobs, size_t n_jobs,
                        const struct pw_result *results);

#endif
