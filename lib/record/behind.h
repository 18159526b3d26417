/* Writing behind: a thread of its own finishes, encodes and compresses the blocks of a trace.
 *
 * Invariant: blocks reach the writer in the order of pw_behind_add, each as it was then. */
#ifndef PW_BEHIND_H
#define PW_BEHIND_H

#include "trace/columns.h"

struct pw_behind;

/* Starts the thread; until it is destroyed, the writer is its. `sides`: the rows have side columns. */
int pw_behind_create(struct pw_behind **behind, struct pw_writer *writer, bool sides, struct pw_error *err);
/* Takes the rows of a block and leaves others in their place, waiting when two blocks are not written
 * yet; events are copied. A failure is that of an earlier block. */
int pw_behind_add(struct pw_behind *behind, struct pw_rows *rows, struct pw_error *err);
/* Waits until all is written. */
int pw_behind_finish(struct pw_behind *behind, struct pw_error *err);
/* What was written so far. */
struct pw_behind_progress {
  uint64_t stored_bytes, visits;
  struct pw_totals totals;
};
struct pw_behind_progress pw_behind_progress(struct pw_behind *behind);
void pw_behind_destroy(struct pw_behind *behind);

#endif
