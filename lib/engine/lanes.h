/* Which models answer which configurations: a lane for each page size.
 *
 * A lane is an account and the models that read it. One-pass models are there once; the
 * direct configurations are dealt out to as many models as there are jobs, so that they
 * can run side by side.
 *
 * The rule (docs/models.md gives the reasons):
 *  - LRU or absent TLBs over unlimited memory: in one pass;
 *  - LRU memory and no TLB at all: in one pass;
 *  - LRU memory, LRU first levels and no second: in one pass, unless some page turns
 *    out to be touched by both streams, which sends the page size back to the start;
 *  - everything else: directly. */
#ifndef PW_LANES_H
#define PW_LANES_H

#include "engine/direct.h"
#include "engine/pipeline.h"
#include "pagewalk.h"

struct pw_lanes;
struct pw_stack;

/* The options are borrowed. */
int pw_lanes_create(struct pw_lanes **lanes, const struct pw_run_options *options, struct pw_error *err);
void pw_lanes_destroy(struct pw_lanes *lanes);

/* Plans anew; what was learnt about sharing stays. */
int pw_lanes_plan(struct pw_lanes *lanes, const struct pw_config *configs, size_t n, struct pw_error *err);

/* For curves: adds a stack of all sizes, of these first levels or behind them; then seal. */
struct pw_lane_curve {
  uint32_t lane, pair;
  enum pw_curve_of of;
  bool touches;
};
int pw_lanes_add_curve(struct pw_lanes *lanes, const struct pw_config *machine, enum pw_curve_of of, struct pw_lane_curve *curve,
                       struct pw_error *err);
int pw_lanes_seal(struct pw_lanes *lanes, struct pw_error *err);
const struct pw_stack *pw_lanes_stack(const struct pw_lanes *lanes, const struct pw_lane_curve *curve);
/* What its first levels missed, where the curve is of a second level. */
void pw_lanes_first_levels(const struct pw_lanes *lanes, const struct pw_lane_curve *curve, const struct pw_config *machine,
                           struct pw_result *result);
uint64_t pw_lanes_minor_faults(const struct pw_lanes *lanes, const struct pw_lane_curve *curve);

/* One entry for each model of each page size that has configurations; to be freed. */
int pw_lanes_explain(const struct pw_lanes *lanes, size_t n_configs, struct pw_explained **groups, size_t *n_groups,
                     struct pw_error *err);

bool pw_lanes_need_counts(const struct pw_lanes *lanes);
bool pw_lanes_read_again(const struct pw_lanes *lanes); /* the trace may have to be read twice */

/* First pass, when some model looks ahead: note blocks, then turn. */
bool pw_lanes_look_ahead(const struct pw_lanes *lanes);
int pw_lanes_note(struct pw_lanes *lanes, const struct pw_block *block, struct pw_error *err);
int pw_lanes_turn(struct pw_lanes *lanes, struct pw_error *err);

/* Gives the pipeline its accounts and models. */
void pw_lanes_fill(const struct pw_lanes *lanes, struct pw_pipeline *pipeline);

/* Has a page size with a joint model seen sharing? It is noted, and true comes back. */
bool pw_lanes_forbid_sharing(struct pw_lanes *lanes);

void pw_lanes_finish(struct pw_lanes *lanes);
void pw_lanes_result(const struct pw_lanes *lanes, const struct pw_config *config, size_t number, struct pw_result *result,
                     uint64_t *unfit_page, unsigned *unfit_bits);

/* The first configuration's machine is watched by these (borrowed): a second one, apart from what the results are
 * read from, or the one of the direct engine itself. After the plan. */
int pw_lanes_watch(struct pw_lanes *lanes, const struct pw_config *config, struct pw_witness *witnesses, bool apart,
                   struct pw_error *err);

#endif
