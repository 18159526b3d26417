/* Cuts a stored trace to whole visits: --skip, --limit, --warmup on a .pwt.
 *
 * Invariant: a block that comes out obeys every rule of struct pw_block: its
 * dictionary holds the pages that its visits open and no other, and both pages of
 * a visit were opened in it. Where the cut falls between an opener and its visits,
 * the first visit that touches the unopened page is split at that touch, which
 * replays the same touches. Boundaries round up to the next visit. */
#ifndef PW_SLICE_H
#define PW_SLICE_H

#include "pagewalk.h"

struct pw_slice;

int pw_slice_create(struct pw_slice **slice, const struct pw_trace_options *options, struct pw_error *err);
void pw_slice_destroy(struct pw_slice *slice);
/* `in` must have its counts. 1: *out is a block to hand on (perhaps `in` itself);
 * 0: nothing of it is wanted, ask for the next; 2: as 1, but *out may be
 * empty, and nothing follows. */
int pw_slice_cut(struct pw_slice *slice, const struct pw_block *in, const struct pw_block **out, struct pw_error *err);
/* True when a boundary did not fall between two visits. */
bool pw_slice_rounded(const struct pw_slice *slice);
/* True once the warm-up is over and something was counted. */
bool pw_slice_counting(const struct pw_slice *slice);

#endif
