/* The block loop: decode, account and model, on one thread or side by side.
 *
 * With several threads the loop goes in steps. In step t the models eat block t, the
 * accounts take block t+1 in and block t+2 is decoded and copied, all at once: none of
 * these reads what another writes. Threads take the tasks of a step as they come free,
 * and wait for one another at its end. Each model sees the same blocks in the same
 * order however many threads there are, so the numbers are the same. */
#ifndef PW_PIPELINE_H
#define PW_PIPELINE_H

#include "base/blocks.h"
#include "os/os.h"
#include "engine/model.h"

struct pw_pipeline {
  const struct pw_blocks *blocks;
  struct pw_os **accounts;
  size_t n_accounts;
  struct pw_model **models;    /* those that take longest first */
  const size_t *account_of;  /* [n_models] whose numbers the model reads */
  size_t n_models;
  unsigned jobs;
  /* On this thread, inside a block too: should the run stop? */
  bool (*ask)(void *context);
  /* Called on this thread after each block, in order; not 0 ends the loop with that. */
  int (*after)(void *context, const struct pw_block *block, struct pw_error *err);
  void *context;
  struct pw_halt halt;        /* of the models, while it runs */
};

/* 0 at the end of the trace, a negative status, or what `after` said. */
int pw_pipeline_run(struct pw_pipeline *pipeline, struct pw_error *err);

#endif
