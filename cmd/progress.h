/* A bar on stderr for long work: part done, accesses, their rate, time left.
 *
 * It is drawn only on a terminal and not under -q, at most ten times a second, and
 * wiped when the work ends or something else is said. Several traces at a time share
 * one bar. Work is measured in stored bytes; with a pipe among the inputs its size is
 * unknown and only the accesses are shown. */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stddef.h>

#include "pagewalk.h"

struct progress;

/* n_traces slots; sizes[i] is the stored size of trace i in bytes, 0 = unknown. */
struct progress *progress_start(size_t n_traces, const uint64_t *sizes);
/* Reports how far trace number `slot` is; `info` NULL: it is done. */
void progress_update(struct progress *progress, size_t slot, const struct pw_trace_info *info);
void progress_end(struct progress *progress);

#endif
