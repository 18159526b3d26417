/* Which models answer which configurations: a lane for each page size.
 *
 * A lane is an account and the parts that read it. One-pass parts are there once; the
 * direct configurations are dealt out to as many parts as there are jobs, so that they
 * can run side by side.
 *
 * The rule (docs/models.md gives the reasons):
 *  - LRU or absent TLBs over unlimited memory: in one pass;
 *  - LRU memory and no TLB at all: in one pass;
 *  - LRU memory, LRU first levels and no second: in one pass, unless some page turns
 *    out to be touched by both streams, which sends the page size back to the start;
 *  - everything else: directly. */
#ifndef PW_LANE_H
#define PW_LANE_H

#include "os/ideal.h"
#include "engine/direct.h"
#include "engine/model.h"
#include "engine/onepass_memory.h"
#include "engine/onepass_tlbs.h"

enum pw_lane_model { PW_MODEL_TLBS, PW_MODEL_TOUCHED_TLBS, PW_MODEL_SIZES, PW_MODEL_DIRECT, PW_MODELS };

struct pw_lane {
  unsigned page_shift;
  struct pw_onepass_tlbs *tlbs[2];     /* by openers, by all touches; NULL: not needed */
  struct pw_onepass_memory *sizes;
  struct pw_direct **direct;   /* [jobs], NULL: not needed */
  struct pw_ideal *ahead;    /* for the first pass of direct[0], when it looks ahead */
  bool joint;
};

/* Where a configuration's numbers are. */
struct pw_lane_slot {
  uint32_t lane;
  uint32_t direct;             /* which of the lane's direct parts */
  enum pw_lane_model model;
  struct pw_ideal_slot account;
  union {
    uint32_t pair;             /* TLBS */
    struct pw_direct_slot slot; /* DIRECT */
  };
};

struct pw_lanes {
  struct pw_lane *lanes;
  struct pw_ideal **accounts; /* [n_lanes] */
  size_t n_lanes, lanes_room, accounts_room;
  struct pw_model **parts;
  size_t *account_of;
  size_t n_parts, parts_room, account_room;
  struct pw_lane_slot *slots;   /* by configuration */
  struct pw_group {             /* direct configurations that stay together */
    unsigned page_shift;
    uint64_t memory_bytes;
    int memory_policy;
    struct pw_tlb_config dtlb;
    uint32_t number;
  } *groups;
  size_t n_groups, groups_room;
  unsigned jobs;
  /* Someone else who looks ahead, at the first lane's pages; gets NULL when the first pass turns. */
  int (*also_note)(void *context, const struct pw_paged *block, struct pw_error *err);
  void *also_context;
  uint64_t shared_shifts;       /* page sizes, as bits, at which pages are touched by both streams */
};

/* Plans anew; what was learnt about sharing stays. */
int pw_lanes_plan(struct pw_lanes *lanes, const struct pw_config *configs, size_t n, const struct pw_run_options *options,
                  struct pw_error *err);
void pw_lanes_clear(struct pw_lanes *lanes); /* frees */

/* For curves: the lane of a page size, a new one if need be; then seal. */
int pw_lanes_find(struct pw_lanes *lanes, unsigned page_shift, const struct pw_run_options *options, uint32_t *number,
                  struct pw_error *err);
int pw_lanes_tlbs(struct pw_lanes *lanes, uint32_t lane, bool all_touches, const struct pw_run_options *options, struct pw_error *err);
int pw_lanes_sizes(struct pw_lanes *lanes, uint32_t lane, const struct pw_run_options *options, struct pw_error *err);
int pw_lanes_seal(struct pw_lanes *lanes, struct pw_error *err);

/* One entry for each model of each lane that has configurations: how many; `groups` has room for them all. */
size_t pw_lanes_explain(const struct pw_lanes *lanes, size_t n_configs, struct pw_explained *groups);

bool pw_lanes_need_counts(const struct pw_lanes *lanes);
bool pw_lanes_read_again(const struct pw_lanes *lanes); /* the trace may have to be read twice */

/* First pass, when some part looks ahead: note blocks, then turn. */
bool pw_lanes_look_ahead(const struct pw_lanes *lanes);
int pw_lanes_note(struct pw_lanes *lanes, const struct pw_block *block, struct pw_error *err);
int pw_lanes_turn(struct pw_lanes *lanes, struct pw_error *err);

/* Has a page size with a joint model seen sharing? It is noted, and true comes back. */
bool pw_lanes_forbid_sharing(struct pw_lanes *lanes);

void pw_lanes_finish(struct pw_lanes *lanes);
void pw_lanes_result(const struct pw_lanes *lanes, const struct pw_config *config, size_t number, struct pw_result *result,
                     uint64_t *unfit_page, unsigned *unfit_bits);

#endif
