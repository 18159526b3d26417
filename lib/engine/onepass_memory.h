/* The one-pass engine of LRU memories: every size, and the TLBs before them.
 *
 * One stack of all touches gives faults and write-backs of every memory size
 * (sweep/stack.h). TLBs feel the memory, since a page that goes leaves them. Under
 * LRU a touch hits in a first-level LRU TLB exactly when its rank in its set, among
 * the pages of the TLB's own stream, is at most the ways *and* its depth in the stack
 * of all touches is at most the frames: pages that have gone from memory are the ones
 * last touched longest ago, so they stand together at the end of every set. That
 * needs every page to be touched by one stream only. Where a page is fetched and also
 * loaded or stored, a fetch can keep it in memory while it stands behind gone pages in
 * its DTLB set, and the configuration has to be simulated directly.
 *
 * Depths fall into as many buckets as there are memory sizes, and the families of the
 * two streams (sweep/family.h) count by rank and bucket. */
#ifndef PW_ONEPASS_MEMORY_H
#define PW_ONEPASS_MEMORY_H

#include "os/ideal.h"
#include "engine/model.h"

struct pw_onepass_memory; /* a struct pw_model comes first in it */
struct pw_stack;

int pw_onepass_memory_create(struct pw_onepass_memory **sizes, unsigned page_shift, const struct pw_run_options *options,
                             struct pw_error *err);

/* Can this configuration of finite memory be answered in one pass; `joint`: only if no
 * page is touched by both streams. */
bool pw_onepass_memory_can(const struct pw_config *config, bool *joint);

int pw_onepass_memory_add(struct pw_onepass_memory *sizes, const struct pw_config *config, struct pw_error *err);
int pw_onepass_memory_seal(struct pw_onepass_memory *sizes, struct pw_error *err);

/* Fills what is known of it in an explanation, once sealed; `watched`: sharing would undo it. */
void pw_onepass_memory_explain(const struct pw_onepass_memory *sizes, bool watched, struct pw_explained *explained);

void pw_onepass_memory_finish(struct pw_onepass_memory *sizes);
/* Fills the TLB and memory fields of a result that has its counted accesses and the
 * account's numbers. */
void pw_onepass_memory_result(const struct pw_onepass_memory *sizes, const struct pw_config *config,
                              struct pw_result *result);
const struct pw_stack *pw_onepass_memory_stack(const struct pw_onepass_memory *sizes);

#endif
