/* What a run needs of a trace beyond the public interface. */
#ifndef PW_TRACE_H
#define PW_TRACE_H

#include "base/blocks.h"

/* From the next block on, the count columns are filled. */
void pw_trace_need_counts(struct pw_trace *trace);
/* Makes a rewind possible: a pipe is copied to an unnamed temporary file. Call
 * before the first block. `progress` (may be NULL) is told of each block copied. */
int pw_trace_make_seekable(struct pw_trace *trace, pw_progress_fn *progress, void *context, struct pw_error *err);

static inline struct pw_blocks pw_trace_blocks(struct pw_trace *trace)
{
  return (struct pw_blocks){trace, pw_trace_next, pw_trace_rewind, pw_trace_info, pw_trace_need_counts, pw_trace_make_seekable};
}

#endif
