/* The one-pass engine of TLBs over unlimited memory: LRU at every level.
 *
 * The code stream and the data stream are a family each (sweep/family.h): all ITLBs
 * and all DTLBs. Each pair of first levels that has second levels behind it makes one
 * family more, fed with the references that missed in one or the other: a bit for
 * each position of the chunk says so, and the pair's list is the union of two such
 * sets in order.
 *
 * Two feeds: the openers of visits are enough unless a first level is absent and a
 * second level is not, which then sees all touches of that stream. */
#ifndef PW_ONEPASS_TLBS_H
#define PW_ONEPASS_TLBS_H

#include "engine/model.h"

struct pw_onepass_tlbs; /* a struct pw_model comes first in it */
struct pw_family;
struct pw_stack;

int pw_onepass_tlbs_create(struct pw_onepass_tlbs **tlbs, const struct pw_run_options *options, bool all_touches,
                           struct pw_error *err);

/* Can these TLBs be answered in one pass, and do they need all touches? */
bool pw_onepass_tlbs_can(const struct pw_config *config);
bool pw_onepass_tlbs_wants_touches(const struct pw_config *config);

#define PW_NO_PAIR UINT32_MAX

/* `pair` is where its second level is. */
int pw_onepass_tlbs_add(struct pw_onepass_tlbs *tlbs, const struct pw_config *config, uint32_t *pair, struct pw_error *err);
/* For curves: second levels of all sizes behind first levels, or (PW_NO_PAIR) the first
 * levels of all sizes themselves. */
int pw_onepass_tlbs_all_sizes(struct pw_onepass_tlbs *tlbs, const struct pw_config *config, enum pw_curve_of of, uint32_t *pair,
                      struct pw_error *err);
/* Fills what is known of it in an explanation, once sealed. */
void pw_onepass_tlbs_explain(const struct pw_onepass_tlbs *tlbs, struct pw_explained *explained);
int pw_onepass_tlbs_seal(struct pw_onepass_tlbs *tlbs, struct pw_error *err);
bool pw_onepass_tlbs_needs_counts(const struct pw_onepass_tlbs *tlbs);

void pw_onepass_tlbs_finish(struct pw_onepass_tlbs *tlbs);
/* Fills the TLB fields of a result that has its counted accesses. */
void pw_onepass_tlbs_result(const struct pw_onepass_tlbs *tlbs, const struct pw_config *config, uint32_t pair,
                            struct pw_result *result);
const struct pw_stack *pw_onepass_tlbs_stack(const struct pw_onepass_tlbs *tlbs, enum pw_curve_of of, uint32_t pair);

/* What a step does to the TLBs of a family. */
void pw_step_family(struct pw_family *family, const struct pw_step *step, const struct pw_paged *block);

#endif
