/* The passes over the blocks of a trace for what is planned, and the results after the last. */
#ifndef PW_PASSES_H
#define PW_PASSES_H

#include "base/blocks.h"
#include "engine/lanes.h"
#include "pagewalk.h"

struct pw_run {
  struct pw_blocks blocks;
  struct pw_run_options options;
  struct pw_lanes *lanes;
  struct pw_trace_info shown; /* how far it is, while blocks may be read */
  struct pw_totals counted; /* of the streams that the options leave, after the warm-up */
};

/* Lanes without plans yet; the blocks' trace may be NULL where nothing is run. NULL: no options. */
int pw_run_begin(struct pw_run *run, struct pw_blocks blocks, const struct pw_run_options *options, struct pw_error *err);
void pw_run_end(struct pw_run *run); /* frees */

#define PW_RUN_AGAIN 1 /* a page turned out to be touched by both streams: plan again, rewind, pass again */

int pw_run_pass(struct pw_run *run, struct pw_error *err);
/* Plans these, and passes until one comes to the end: each page size is sent back at most once. */
int pw_run_passes(struct pw_run *run, const struct pw_config *configs, size_t n, struct pw_error *err);
/* After the last pass: fills the results; the number of configurations whose table is too narrow. */
int pw_run_report(struct pw_run *run, const struct pw_config *configs, size_t n, struct pw_result *results, struct pw_error *err);

#endif
