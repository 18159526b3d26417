/* Which models answer which configurations. See lanes.h. */
#include "engine/lanes.h"

#include <string.h>

#include "base/alloc.h"
#include "engine/onepass_memory.h"
#include "engine/onepass_tlbs.h"
#include "mmu/geometry.h"

enum model { TLBS, TOUCHED_TLBS, SIZES, DIRECT, MODELS };

struct lane {
  unsigned page_shift;
  struct pw_onepass_tlbs *tlbs[2]; /* by openers, by all touches; NULL: not needed */
  struct pw_onepass_memory *sizes;
  struct pw_direct **direct;       /* [jobs], NULL: not needed */
  struct pw_os *ahead;             /* for the first pass of direct[0], when it looks ahead */
  bool joint;
};

/* Where a configuration's numbers are. */
struct slot {
  uint32_t lane;
  uint32_t direct;                 /* which of the lane's direct models */
  enum model model;
  struct pw_os_slot account;
  union {
    uint32_t pair;                 /* of TLBs */
    struct pw_direct_slot slot;    /* DIRECT */
  };
};

struct pw_lanes {
  const struct pw_run_options *options;
  unsigned jobs;
  struct lane *lanes;
  struct pw_os **accounts;         /* [n_lanes] */
  size_t n_lanes, lanes_room, accounts_room;
  struct pw_model **models;
  size_t *account_of;
  size_t n_models, models_room, account_room;
  struct slot *slots;              /* by configuration */
  struct group {                   /* direct configurations that stay together */
    unsigned page_shift;
    uint64_t memory_bytes;
    int memory_policy;
    struct pw_tlb_config dtlb;
    uint32_t number;
  } *groups;
  size_t n_groups, groups_room;
  struct pw_direct *apart;         /* a machine of the first lane besides, for who watches */
  struct pw_direct *watched;       /* the one that is, or NULL */
  uint64_t shared_shifts;          /* page sizes, as bits, at which pages are touched by both streams, or have frames in common */
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for models of all pages of the trace; free some, or run larger pages or "
                                      "fewer configurations");
}

static void destroy_model(void *model)
{
  struct pw_model *m = model;
  if (m) m->class->destroy(m);
}

static void destroy_account(struct pw_os *account)
{
  if (account) account->class->destroy(account);
}

static void clear_models(struct pw_lanes *l)
{
  for (size_t i = 0; i < l->n_lanes; i++) {
    struct lane *lane = &l->lanes[i];
    destroy_account(l->accounts[i]);
    destroy_account(lane->ahead);
    destroy_model(lane->tlbs[0]);
    destroy_model(lane->tlbs[1]);
    destroy_model(lane->sizes);
    for (unsigned j = 0; lane->direct && j < l->jobs; j++) destroy_model(lane->direct[j]);
    pw_free(lane->direct);
  }
  destroy_model(l->apart);
  l->apart = l->watched = NULL;
  l->n_lanes = l->n_models = l->n_groups = 0;
}

int pw_lanes_create(struct pw_lanes **lanes, const struct pw_run_options *options, struct pw_error *err)
{
  struct pw_lanes *l = *lanes = pw_calloc(1, sizeof *l);
  if (!l) return out_of_memory(err);
  l->options = options;
  l->jobs = options->jobs ? options->jobs : 1;
  return 0;
}

void pw_lanes_destroy(struct pw_lanes *l)
{
  if (!l) return;
  clear_models(l);
  pw_free(l->lanes);
  pw_free(l->accounts);
  pw_free(l->models);
  pw_free(l->account_of);
  pw_free(l->slots);
  pw_free(l->groups);
  pw_free(l);
}

/* The lane of a page size, a new one if need be. */
static int find_lane(struct pw_lanes *l, unsigned page_shift, uint32_t *number, struct pw_error *err)
{
  size_t n = l->n_lanes;
  for (*number = 0; *number < n; ++*number)
    if (l->lanes[*number].page_shift == page_shift) return 0;
  if (pw_grow((void **)&l->lanes, &l->lanes_room, n + 1, sizeof *l->lanes) ||
      pw_grow((void **)&l->accounts, &l->accounts_room, n + 1, sizeof *l->accounts))
    return out_of_memory(err);
  l->lanes[n] = (struct lane){.page_shift = page_shift};
  int status = pw_ideal_create(&l->accounts[n], page_shift, l->options, err);
  l->n_lanes += !status;
  return status;
}

static int need_tlbs(struct pw_lanes *l, uint32_t lane, bool all_touches, struct pw_error *err)
{
  struct pw_onepass_tlbs **tlbs = &l->lanes[lane].tlbs[all_touches];
  return *tlbs ? 0 : pw_onepass_tlbs_create(tlbs, l->options, all_touches, err);
}

static int need_sizes(struct pw_lanes *l, uint32_t lane, struct pw_error *err)
{
  struct pw_onepass_memory **sizes = &l->lanes[lane].sizes;
  pw_ideal_lend_frames(l->accounts[lane]);
  return *sizes ? 0 : pw_onepass_memory_create(sizes, l->lanes[lane].page_shift, l->options, err);
}

/* The model that a configuration gets; `joint`: only while no page is touched by both streams, or shared by processes. */
static enum model choose_model(const struct pw_lanes *l, const struct pw_config *c, enum pw_engine_choice engine, bool *joint)
{
  *joint = false;
  if (engine == PW_ENGINE_DIRECT) return DIRECT;
  if (c->memory_bytes == PW_UNLIMITED) {
    if (!pw_onepass_tlbs_can(c)) return DIRECT;
    return pw_onepass_tlbs_wants_touches(c) ? TOUCHED_TLBS : TLBS;
  }
  if (!pw_onepass_memory_can(c, joint)) return DIRECT;
  return *joint && l->shared_shifts >> c->page_shift & 1 ? DIRECT : SIZES;
}

/* Direct configurations that share a memory or a DTLB stay together; whoever looks
 * ahead is in the first model, which has the one future. */
static int deal_out(struct pw_lanes *l, const struct pw_config *c, uint32_t *number)
{
  bool unlimited = c->memory_bytes == PW_UNLIMITED;
  struct group group = {c->page_shift, c->memory_bytes, unlimited ? 0 : c->memory_policy,
                           unlimited ? c->dtlb : (struct pw_tlb_config){0, 0, 0}, 0};
  *number = 0;
  if (l->jobs == 1 || (!unlimited && c->memory_policy == pw_memory_policy_find("opt"))) return 0;
  for (size_t i = l->n_groups; i-- > 0;) {
    const struct group *g = &l->groups[i];
    if (g->page_shift == group.page_shift && g->memory_bytes == group.memory_bytes && g->memory_policy == group.memory_policy &&
        g->dtlb.entries == group.dtlb.entries && g->dtlb.ways == group.dtlb.ways && g->dtlb.policy == group.dtlb.policy) {
      *number = g->number;
      return 0;
    }
  }
  if (pw_grow((void **)&l->groups, &l->groups_room, l->n_groups + 1, sizeof *l->groups)) return -1;
  *number = group.number = (uint32_t)(l->n_groups % l->jobs);
  l->groups[l->n_groups++] = group;
  return 0;
}

static int add_direct(struct pw_lanes *l, const struct pw_config *c, struct slot *slot, struct pw_error *err)
{
  struct lane *lane = &l->lanes[slot->lane];
  if (!lane->direct) lane->direct = pw_calloc(l->jobs, sizeof *lane->direct);
  if (!lane->direct || deal_out(l, c, &slot->direct)) return out_of_memory(err);
  struct pw_direct **direct = &lane->direct[slot->direct];
  int status = *direct ? 0 : pw_direct_create(direct, lane->page_shift, l->options, err);
  if (!status) status = pw_direct_add(*direct, c, &slot->slot, err);
  if (c->memory_bytes != PW_UNLIMITED) pw_ideal_lend_frames(l->accounts[slot->lane]);
  if (status || lane->ahead || !pw_direct_looks_ahead(*direct)) return status;
  status = pw_ideal_create(&lane->ahead, lane->page_shift, l->options, err);
  if (!status) pw_ideal_lend_frames(lane->ahead);
  return status;
}

static int add_config(struct pw_lanes *l, const struct pw_config *c, struct slot *slot, struct pw_error *err)
{
  bool joint;
  int status = find_lane(l, c->page_shift, &slot->lane, err);
  if (!status) status = pw_ideal_add(l->accounts[slot->lane], c->geometry, &slot->account, err);
  if (status) return status;
  slot->model = choose_model(l, c, l->options->engine, &joint);
  struct lane *lane = &l->lanes[slot->lane];
  bool touches = slot->model == TOUCHED_TLBS;
  switch (slot->model) {
    case TLBS:
    case TOUCHED_TLBS:
      status = need_tlbs(l, slot->lane, touches, err);
      return status ? status : pw_onepass_tlbs_add(lane->tlbs[touches], c, &slot->pair, err);
    case SIZES:
      lane->joint |= joint;
      status = need_sizes(l, slot->lane, err);
      return status ? status : pw_onepass_memory_add(lane->sizes, c, err);
    default:
      return add_direct(l, c, slot, err);
  }
}

static int add_model(struct pw_lanes *l, size_t lane, void *model)
{
  if (!model) return 0;
  if (pw_grow((void **)&l->models, &l->models_room, l->n_models + 1, sizeof *l->models) ||
      pw_grow((void **)&l->account_of, &l->account_room, l->n_models + 1, sizeof *l->account_of))
    return -1;
  l->models[l->n_models] = model;
  l->account_of[l->n_models++] = lane;
  return 0;
}

int pw_lanes_seal(struct pw_lanes *l, struct pw_error *err)
{
  int status = 0;
  bool failed = false;
  for (size_t i = 0; !status && i < l->n_lanes; i++) {
    struct lane *lane = &l->lanes[i];
    for (int k = 0; !status && k < 2; k++)
      if (lane->tlbs[k]) status = pw_onepass_tlbs_seal(lane->tlbs[k], err);
    if (!status && lane->sizes) status = pw_onepass_memory_seal(lane->sizes, err);
    if (lane->joint) pw_ideal_watch_sharing(l->accounts[i]);
  }
  /* those that take longest first: finer pages, and directly before in one pass */
  for (size_t i = 0; !failed && i < l->n_lanes; i++)
    for (unsigned j = 0; l->lanes[i].direct && !failed && j < l->jobs; j++) failed = add_model(l, i, l->lanes[i].direct[j]) != 0;
  for (size_t i = 0; !failed && i < l->n_lanes; i++) {
    struct lane *lane = &l->lanes[i];
    failed = add_model(l, i, lane->sizes) || add_model(l, i, lane->tlbs[1]) || add_model(l, i, lane->tlbs[0]);
  }
  return status ? status : failed ? out_of_memory(err) : 0;
}

int pw_lanes_plan(struct pw_lanes *l, const struct pw_config *configs, size_t n, struct pw_error *err)
{
  clear_models(l);
  if (!l->slots) l->slots = pw_calloc(n, sizeof *l->slots);
  if (!l->slots) return out_of_memory(err);
  for (size_t i = 0; i < n; i++) {
    int status = add_config(l, &configs[i], &l->slots[i], err);
    if (status) return status;
  }
  return pw_lanes_seal(l, err);
}

/* ---- curves ---- */

int pw_lanes_add_curve(struct pw_lanes *l, const struct pw_config *machine, enum pw_curve_of of, struct pw_lane_curve *curve,
                       struct pw_error *err)
{
  *curve = (struct pw_lane_curve){.of = of, .touches = of == PW_CURVE_STLB && pw_onepass_tlbs_wants_touches(machine)};
  int status = find_lane(l, machine->page_shift, &curve->lane, err);
  if (status) return status;
  if (of == PW_CURVE_MEMORY) return need_sizes(l, curve->lane, err);
  status = need_tlbs(l, curve->lane, curve->touches, err);
  return status ? status : pw_onepass_tlbs_all_sizes(l->lanes[curve->lane].tlbs[curve->touches], machine, of, &curve->pair, err);
}

const struct pw_stack *pw_lanes_stack(const struct pw_lanes *l, const struct pw_lane_curve *curve)
{
  const struct lane *lane = &l->lanes[curve->lane];
  if (curve->of == PW_CURVE_MEMORY) return pw_onepass_memory_stack(lane->sizes);
  return pw_onepass_tlbs_stack(lane->tlbs[curve->touches], curve->of, curve->pair);
}

void pw_lanes_first_levels(const struct pw_lanes *l, const struct pw_lane_curve *curve, const struct pw_config *machine,
                           struct pw_result *r)
{
  pw_onepass_tlbs_result(l->lanes[curve->lane].tlbs[curve->touches], machine, curve->pair, r);
}

uint64_t pw_lanes_minor_faults(const struct pw_lanes *l, const struct pw_lane_curve *curve)
{
  return pw_ideal_minor_faults(l->accounts[curve->lane]);
}

/* ---- what is planned ---- */

static void explain_direct(const struct pw_lanes *l, const struct lane *lane, struct pw_explained *e)
{
  for (unsigned j = 0; j < l->jobs; j++)
    if (lane->direct[j]) pw_direct_explain(lane->direct[j], e);
  snprintf(e->what, sizeof e->what, "each machine by itself");
}

int pw_lanes_explain(const struct pw_lanes *l, size_t n_configs, struct pw_explained **groups, size_t *n_groups,
                     struct pw_error *err)
{
  size_t n = 0;
  *groups = pw_calloc(l->n_lanes * MODELS, sizeof **groups);
  if (!*groups) return pw_error_set(err, PW_ENOMEM, "memory ran out for the plan of a sweep; free some and run again");
  for (uint32_t i = 0; i < l->n_lanes; i++) {
    const struct lane *lane = &l->lanes[i];
    uint64_t pages = PW_IDEAL_PAGE_BYTES; /* once a page size */
    for (int model = 0; model < MODELS; model++) {
      struct pw_explained *e = &(*groups)[n];
      *e = (struct pw_explained){.page_shift = lane->page_shift, .one_pass = model != DIRECT, .page_bytes = pages};
      for (size_t k = 0; k < n_configs; k++) e->n_configs += l->slots[k].lane == i && (int)l->slots[k].model == model;
      if (e->n_configs == 0) continue;
      if (model == DIRECT) explain_direct(l, lane, e);
      else if (model == SIZES) pw_onepass_memory_explain(lane->sizes, lane->joint, e);
      else pw_onepass_tlbs_explain(lane->tlbs[model == TOUCHED_TLBS], e);
      pages = 0;
      n++;
    }
  }
  *n_groups = n;
  return 0;
}

bool pw_lanes_need_counts(const struct pw_lanes *l)
{
  bool needs = l->watched != NULL;
  for (size_t i = 0; i < l->n_lanes; i++) {
    const struct lane *lane = &l->lanes[i];
    needs |= lane->tlbs[1] && pw_onepass_tlbs_needs_counts(lane->tlbs[1]);
    for (unsigned j = 0; lane->direct && j < l->jobs; j++) needs |= lane->direct[j] && pw_direct_needs_counts(lane->direct[j]);
  }
  return needs;
}

/* Only the first direct part of a lane can look ahead. */
static struct pw_direct *looks_ahead(const struct lane *lane)
{
  return lane->direct && lane->direct[0] && pw_direct_looks_ahead(lane->direct[0]) ? lane->direct[0] : NULL;
}

bool pw_lanes_look_ahead(const struct pw_lanes *l)
{
  bool ahead = false;
  for (size_t i = 0; i < l->n_lanes; i++) ahead |= looks_ahead(&l->lanes[i]) != NULL;
  return ahead;
}

bool pw_lanes_read_again(const struct pw_lanes *l)
{
  bool again = pw_lanes_look_ahead(l);
  for (size_t i = 0; i < l->n_lanes; i++) again |= l->lanes[i].joint;
  return again;
}

int pw_lanes_note(struct pw_lanes *l, const struct pw_block *block, struct pw_error *err)
{
  int status = 0;
  for (size_t i = 0; !status && i < l->n_lanes; i++) {
    struct pw_direct *direct = looks_ahead(&l->lanes[i]);
    const struct pw_paged *numbered;
    if (!direct) continue;
    status = l->lanes[i].ahead->class->block(l->lanes[i].ahead, block, &numbered, err);
    if (!status) status = pw_direct_note(direct, numbered, err);
    if (!status && l->apart) status = pw_direct_note(l->apart, numbered, err);
  }
  return status;
}

int pw_lanes_turn(struct pw_lanes *l, struct pw_error *err)
{
  int status = 0;
  for (size_t i = 0; !status && i < l->n_lanes; i++) {
    struct pw_direct *direct = looks_ahead(&l->lanes[i]);
    if (!direct) continue;
    destroy_account(l->lanes[i].ahead); /* the second pass gives the same ids again */
    l->lanes[i].ahead = NULL;
    status = pw_direct_turn(direct, err);
    if (!status && l->apart) status = pw_direct_turn(l->apart, err);
  }
  return status;
}

void pw_lanes_fill(const struct pw_lanes *l, struct pw_pipeline *p)
{
  p->accounts = l->accounts;
  p->n_accounts = l->n_lanes;
  p->models = l->models;
  p->account_of = l->account_of;
  p->n_models = l->n_models;
}

/* A page that is shared is part of a shared page at every larger size. */
bool pw_lanes_forbid_sharing(struct pw_lanes *l)
{
  uint64_t found = 0;
  for (size_t i = 0; i < l->n_lanes; i++)
    if (l->lanes[i].joint && pw_ideal_shares(l->accounts[i])) found |= ~UINT64_C(0) << l->lanes[i].page_shift;
  l->shared_shifts |= found;
  return found != 0;
}

void pw_lanes_finish(struct pw_lanes *l)
{
  for (size_t i = 0; i < l->n_lanes; i++) {
    for (int k = 0; k < 2; k++)
      if (l->lanes[i].tlbs[k]) pw_onepass_tlbs_finish(l->lanes[i].tlbs[k]);
    if (l->lanes[i].sizes) pw_onepass_memory_finish(l->lanes[i].sizes);
  }
}

void pw_lanes_result(const struct pw_lanes *l, const struct pw_config *c, size_t number, struct pw_result *r,
                     uint64_t *unfit_page, unsigned *unfit_bits)
{
  const struct slot *slot = &l->slots[number];
  const struct lane *lane = &l->lanes[slot->lane];
  const struct pw_os *account = l->accounts[slot->lane];
  account->class->result(account, &slot->account, r, unfit_page, unfit_bits);
  r->one_pass = slot->model != DIRECT;
  switch (slot->model) {
    case TLBS:
    case TOUCHED_TLBS:
      pw_onepass_tlbs_result(lane->tlbs[slot->model == TOUCHED_TLBS], c, slot->pair, r);
      break;
    case SIZES:
      pw_onepass_memory_result(lane->sizes, c, r);
      break;
    default:
      pw_direct_result(lane->direct[slot->direct], &slot->slot, r);
  }
  r->walk_refs = r->walks * pw_geometry_walk_levels(c->geometry, c->page_shift);
}

/* ---- who watches ---- */

int pw_lanes_watch(struct pw_lanes *l, const struct pw_config *c, struct pw_witness *witnesses, bool apart, struct pw_error *err)
{
  struct slot *slot = &l->slots[0];
  struct pw_direct_slot of;
  pw_ideal_log(l->accounts[slot->lane]);
  if (apart) {
    int status = pw_direct_create(&l->apart, c->page_shift, l->options, err);
    if (!status) status = pw_direct_add(l->apart, c, &of, err);
    if (!status && add_model(l, slot->lane, l->apart)) status = out_of_memory(err);
    if (status) return status;
  }
  l->watched = apart ? l->apart : l->lanes[slot->lane].direct[slot->direct];
  pw_direct_watch(l->watched, witnesses);
  return 0;
}
