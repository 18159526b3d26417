/* The direct engine: each configuration simulated by itself, for any policy.
 *
 * Configurations of one page size share what does not differ between them. All TLBs
 * over unlimited memory are one machine's hierarchies; each finite memory runs once, whatever
 * TLBs stand before it, and tells these which page left when. Until the first page
 * leaves, all memories are as good as unlimited: their TLBs sleep, one machine runs for
 * them all, and those that wake take its entries and counts over.
 *
 * Order within a chunk of visits: memory, TLBs; within one touch a victim leaves the
 * TLBs before the touch is looked up. */
#ifndef PW_DIRECT_H
#define PW_DIRECT_H

#include "os/ideal.h"
#include "engine/model.h"
#include "engine/witness.h"

struct pw_direct; /* a struct pw_model comes first in it */

int pw_direct_create(struct pw_direct **direct, unsigned page_shift, const struct pw_run_options *options, struct pw_error *err);

/* Where a configuration's numbers are. */
struct pw_direct_slot {
  uint32_t memory;               /* UINT32_MAX = unlimited */
  uint32_t alternating, number;  /* which of the machine's two hierarchies, and where in them */
};
int pw_direct_add(struct pw_direct *direct, const struct pw_config *config, struct pw_direct_slot *slot,
                  struct pw_error *err);

bool pw_direct_looks_ahead(const struct pw_direct *direct);
bool pw_direct_needs_counts(const struct pw_direct *direct);

void pw_direct_explain(const struct pw_direct *direct, struct pw_explained *explained);

/* First pass, only when it looks ahead: note blocks, then turn. */
int pw_direct_note(struct pw_direct *direct, const struct pw_paged *block, struct pw_error *err);
int pw_direct_turn(struct pw_direct *direct, struct pw_error *err);

/* Of a single configuration: these witnesses (borrowed) are told what it does. Blocks need counts then. */
void pw_direct_watch(struct pw_direct *direct, struct pw_witness *witnesses);

/* Fills the TLB and memory fields of a result that has the account's numbers already. */
void pw_direct_result(const struct pw_direct *direct, const struct pw_direct_slot *slot, struct pw_result *result);

#endif
