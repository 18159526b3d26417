/* One pass over a trace for the lanes that are planned: what pw_run and pw_curve_run share. */
#ifndef PW_PASSES_H
#define PW_PASSES_H

#include "engine/lanes.h"
#include "pagewalk.h"

struct pw_run {
  struct pw_trace *trace;
  struct pw_run_options options;
  struct pw_lanes lanes;
  struct pw_totals counted; /* of the streams that the options leave, after the warm-up */
};

#define PW_RUN_AGAIN 1 /* a page turned out to be touched by both streams: plan again, rewind, pass again */

int pw_run_pass(struct pw_run *run, struct pw_error *err);
/* After the last pass: fills the results; the number of configurations whose table is too narrow. */
int pw_run_report(struct pw_run *run, const struct pw_config *configs, size_t n, struct pw_result *results, struct pw_error *err);

#endif
