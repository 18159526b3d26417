/* LRU stack distances: one pass gives the misses of every size.
 *
 * LRU obeys inclusion: what n entries hold, n+1 hold too. So all sizes are one list,
 * most recent first, and a reference at depth d hits in every size from d up (Mattson,
 * Gecsei, Slutz and Traiger, IBM Systems Journal 9(2), 1970). The top 64 places are an
 * array; below it a page stands in a slot, slots are handed out in the order in which
 * pages fall off the top, and a depth is 65 plus the occupied slots after one's own:
 * a bit a slot, and a Fenwick tree over groups of 512. Slots that ran out are numbered
 * anew from the front.
 *
 * Write-backs of every memory size come along (Thompson and Smith, ACM TOCS 7(1), 1989):
 * a page last stored to when it was at depth 1, that has since been as deep as r, is
 * clean in memories under r; found at depth d > r, it was written back by those of
 * r to d-1 frames.
 *
 * Cost: a few vector compares in the top, O(log pages) below. Memory: some 17 bytes a page,
 * 29 with write-backs, whatever the length of the trace. */
#ifndef PW_STACK_H
#define PW_STACK_H

#include "pagewalk.h"
#include "sweep/loops.h"

/* About, for the estimate of who plans. */
#define PW_STACK_PAGE_BYTES 17u
#define PW_STACK_STORES_PAGE_BYTES 29u

void pw_stack_init(struct pw_stack *stack, bool writes);
void pw_stack_clear(struct pw_stack *stack); /* frees */
/* Room for ids below n_ids: 0, or -1 when memory runs out. */
int pw_stack_reserve(struct pw_stack *stack, size_t n_ids);

/* At most PW_LIST_MOST references. */
void pw_stack_feed(struct pw_stack *stack, const struct pw_refs *refs);
/* The same with stores; `depth`, unless NULL, gets the depths (UINT32_MAX = first touch). */
void pw_stack_feed_stores(struct pw_stack *stack, const uint32_t *id, const uint8_t *wrote, size_t n, uint32_t *depth);

/* The same from visits (at most PW_LIST_MOST / 2), for sizes from 2 up. */
void pw_stack_feed_visits(struct pw_stack *stack, const struct pw_visit_range *visits);

void pw_stack_leave(struct pw_stack *stack, uint32_t id); /* without a write-back */
void pw_stack_flush(struct pw_stack *stack);
void pw_stack_reset_counts(struct pw_stack *stack);

/* No reference comes any more: turns the counts into sums, which the two below read. */
void pw_stack_finish(struct pw_stack *stack);
uint64_t pw_stack_misses(const struct pw_stack *stack, uint64_t size);
uint64_t pw_stack_swap_outs(const struct pw_stack *stack, uint64_t size);
/* The largest depth that any reference can have had. */
uint64_t pw_stack_deepest(const struct pw_stack *stack);

#endif
