/* What run.c needs of a trace beyond the public interface. */
#ifndef PW_TRACE_H
#define PW_TRACE_H

#include "pagewalk.h"

/* From the next block on, the count columns are filled. */
void pw_trace_need_counts(struct pw_trace *trace);
/* Makes a rewind possible: a pipe is copied to an unnamed temporary file. Call
 * before the first block. `progress` (may be NULL) is told of each block copied. */
int pw_trace_make_seekable(struct pw_trace *trace, pw_progress_fn *progress, void *context, struct pw_error *err);

#endif
