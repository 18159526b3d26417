/* Where the blocks of a run come from: what an engine asks of a trace, whoever reads it. */
#ifndef PW_BLOCKS_H
#define PW_BLOCKS_H

#include "pagewalk.h"

struct pw_blocks {
  struct pw_trace *trace; /* handed to each of these */
  /* 1 and the next block, valid until the next call; 0 at the end. */
  int (*next)(struct pw_trace *trace, const struct pw_block **block, struct pw_error *err);
  /* The same blocks come again; needs seekable. */
  int (*rewind)(struct pw_trace *trace, struct pw_error *err);
  const struct pw_trace_info *(*info)(const struct pw_trace *trace);
  /* Both before the first block: counts of visits are wanted; a rewind will come. */
  void (*need_counts)(struct pw_trace *trace);
  int (*make_seekable)(struct pw_trace *trace, pw_progress_fn *progress, void *context, struct pw_error *err);
};

#endif
