/* Writing behind: a thread of its own encodes and compresses the blocks of a trace.
 *
 * Invariant: blocks reach the writer in the order of pw_behind_add, each as it was then. */
#ifndef PW_BEHIND_H
#define PW_BEHIND_H

#include "pagewalk.h"

struct pw_behind;

/* Starts the thread; until it is destroyed, the writer is its. */
int pw_behind_create(struct pw_behind **behind, struct pw_writer *writer, struct pw_error *err);
/* Copies a block, waiting when two are not written yet. A failure is that of an earlier block. */
int pw_behind_add(struct pw_behind *behind, const struct pw_block *block, struct pw_error *err);
/* Waits until all is written. */
int pw_behind_finish(struct pw_behind *behind, struct pw_error *err);
/* Bytes written so far. */
uint64_t pw_behind_bytes(struct pw_behind *behind);
void pw_behind_destroy(struct pw_behind *behind);

#endif
