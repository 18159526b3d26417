/* The direct engine at one page size. See direct.h. */
#include "engine/direct.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "engine/stretch.h"
#include "memory/future.h"
#include "memory/memory.h"
#include "mmu/hierarchy.h"

/* TLBs over one memory: [0] the usual ones, [1] those that need the alternations of
 * visits. They are apart so that no machine's numbers depend on its neighbours'. */
struct fronts {
  struct pw_hierarchies *of[2];
};

struct unit {             /* one finite memory and the TLBs over it */
  uint64_t frames;
  int policy;
  struct pw_memory *memory;
  bool awake;             /* a page was pushed out of it */
  struct fronts fronts;
  uint32_t *asleep_as[2]; /* by number in the front: the number among those that sleep */
  size_t n_asleep[2], asleep_room[2];
};

struct pw_direct {
  struct pw_model part;
  unsigned page_shift;
  struct pw_run_options options;
  struct fronts fronts;   /* over unlimited memory */
  struct fronts sleeping; /* all TLBs of the units, over memory that nothing leaves */
  struct unit *units;
  size_t n_units, units_room;
  uint64_t *key;          /* by id, where there are units */
  size_t key_room, n_ids;
  struct pw_future *future;
  bool sampled;           /* of a time series */
  struct pw_direct_slot sampled_slot;
  struct pw_direct_sample *samples;
  size_t samples_room;
  struct pw_lists lists;
  uint64_t next[PW_CHUNK_TOUCHES];
  uint32_t victim_id[PW_CHUNK_TOUCHES], victim_at[PW_CHUNK_TOUCHES];
};

static int create_fronts(struct fronts *fronts, uint64_t seed, struct pw_error *err)
{
  int status = pw_hierarchies_create(&fronts->of[0], seed, err);
  return status ? status : pw_hierarchies_create(&fronts->of[1], seed, err);
}

static void destroy_fronts(struct fronts *fronts)
{
  pw_hierarchies_destroy(fronts->of[0]);
  pw_hierarchies_destroy(fronts->of[1]);
}

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for models of all pages of the trace; free some, or run larger pages or fewer configurations");
}

static int feed_block(struct pw_model *part, const struct pw_paged *block, struct pw_error *err);

static void destroy(struct pw_model *part)
{
  struct pw_direct *d = (struct pw_direct *)part;
  for (size_t i = 0; i < d->n_units; i++) {
    pw_memory_destroy(d->units[i].memory);
    destroy_fronts(&d->units[i].fronts);
    for (int which = 0; which < 2; which++) pw_free(d->units[i].asleep_as[which]);
  }
  pw_free(d->units);
  pw_free(d->key);
  destroy_fronts(&d->fronts);
  destroy_fronts(&d->sleeping);
  pw_future_destroy(d->future);
  pw_free(d->samples);
  pw_free(d);
}

static const struct pw_model_class class = {feed_block, destroy};

int pw_direct_create(struct pw_direct **direct, unsigned page_shift, const struct pw_run_options *options, struct pw_error *err)
{
  struct pw_direct *d = *direct = pw_calloc(1, sizeof *d);
  if (!d) return out_of_memory(err);
  d->part.class = &class;
  d->page_shift = page_shift;
  d->options = *options;
  pw_lists_init(&d->lists, options->only);
  int status = create_fronts(&d->fronts, options->seed, err);
  if (!status) status = create_fronts(&d->sleeping, options->seed, err);
  if (status) {
    destroy(&d->part);
    *direct = NULL;
  }
  return status;
}

static int find_unit(struct pw_direct *d, const struct pw_config *c, uint32_t *number, struct pw_error *err)
{
  uint64_t frames = c->memory_bytes >> d->page_shift;
  for (size_t i = 0; i < d->n_units; i++)
    if (d->units[i].frames == frames && d->units[i].policy == c->memory_policy) {
      *number = (uint32_t)i;
      return 0;
    }
  if (pw_grow((void **)&d->units, &d->units_room, d->n_units + 1, sizeof *d->units)) return out_of_memory(err);
  struct unit *u = &d->units[d->n_units];
  *u = (struct unit){.frames = frames, .policy = c->memory_policy};
  *number = (uint32_t)d->n_units++;
  int status = pw_memory_create(&u->memory, c->memory_policy, frames, d->options.seed, err);
  if (!status) status = create_fronts(&u->fronts, d->options.seed, err);
  if (!status && u->memory->policy->looks_ahead && !d->future) status = pw_future_create(&d->future, err);
  return status;
}

/* The unit's hierarchy `number` is `in_sleep` in the front of those that sleep. */
static int add_sleeper(struct unit *u, uint32_t which, size_t number, int64_t in_sleep)
{
  if (pw_grow((void **)&u->asleep_as[which], &u->asleep_room[which], number + 1, sizeof **u->asleep_as)) return -1;
  u->asleep_as[which][number] = (uint32_t)in_sleep;
  if (number >= u->n_asleep[which]) u->n_asleep[which] = number + 1;
  return 0;
}

int pw_direct_add(struct pw_direct *d, const struct pw_config *c, struct pw_direct_slot *slot, struct pw_error *err)
{
  int status = 0;
  slot->memory = UINT32_MAX;
  if (c->memory_bytes != PW_UNLIMITED) status = find_unit(d, c, &slot->memory, err);
  if (status) return status;
  struct pw_hierarchy hierarchy = {c->itlb, c->dtlb, c->stlb};
  struct fronts *fronts = slot->memory == UINT32_MAX ? &d->fronts : &d->units[slot->memory].fronts;
  slot->alternating = pw_hierarchy_alternates(&hierarchy);
  int64_t number = pw_hierarchies_add(fronts->of[slot->alternating], &hierarchy, err);
  if (number < 0) return (int)number;
  slot->number = (uint32_t)number;
  if (slot->memory == UINT32_MAX) return 0;
  int64_t in_sleep = pw_hierarchies_add(d->sleeping.of[slot->alternating], &hierarchy, err);
  if (in_sleep < 0) return (int)in_sleep;
  return add_sleeper(&d->units[slot->memory], slot->alternating, slot->number, in_sleep) ? out_of_memory(err) : 0;
}

bool pw_direct_looks_ahead(const struct pw_direct *d)
{
  return d->future != NULL;
}

bool pw_direct_needs_counts(const struct pw_direct *d)
{
  bool needs = !pw_hierarchies_is_idle(d->fronts.of[1]);
  for (size_t i = 0; i < d->n_units; i++) needs |= !pw_hierarchies_is_idle(d->units[i].fronts.of[1]);
  return needs;
}

void pw_direct_explain(const struct pw_direct *d, struct pw_explained *e)
{
  e->fixed_bytes += sizeof *d + pw_hierarchies_bytes(d->fronts.of[0]) + pw_hierarchies_bytes(d->fronts.of[1]);
  e->page_bytes += d->n_units ? sizeof *d->key : 0;
  for (size_t i = 0; i < d->n_units; i++) {
    e->fixed_bytes += pw_hierarchies_bytes(d->units[i].fronts.of[0]) + pw_hierarchies_bytes(d->units[i].fronts.of[1]);
    e->page_bytes += pw_memory_page_bytes(d->units[i].memory);
  }
}

/* Room for the ids of the block in every memory, and the keys of its victims. */
static int begin(struct pw_direct *d, const struct pw_paged *b, struct pw_error *err)
{
  pw_lists_begin(&d->lists, b);
  if (d->n_units == 0 || b->n_ids == 0) return 0;
  if (pw_grow((void **)&d->key, &d->key_room, b->n_ids, sizeof *d->key)) return out_of_memory(err);
  if (b->n_ids > b->first_new) memcpy(d->key + b->first_new, b->new_key, (b->n_ids - b->first_new) * sizeof *d->key);
  for (size_t i = 0; i < d->n_units; i++)
    if (pw_memory_reserve(d->units[i].memory, d->key, b->n_ids)) return out_of_memory(err);
  return 0;
}

/* Feeds the fronts that want every touch: `which` 0 the usual one, 1 the alternating. */
static void feed_all(struct pw_direct *d, struct fronts *fronts, int which, const struct pw_victims *victims)
{
  struct pw_hierarchies_input in;
  if (pw_hierarchies_is_idle(fronts->of[which])) return;
  pw_lists_lookups(&d->lists, victims, d->key, which == 1, &in);
  pw_hierarchies_feed(fronts->of[which], &in);
}

static void wake(struct pw_direct *d, struct unit *u)
{
  for (int which = 0; which < 2; which++)
    for (size_t i = 0; i < u->n_asleep[which]; i++)
      pw_hierarchies_copy(u->fronts.of[which], i, d->sleeping.of[which], u->asleep_as[which][i]);
  u->awake = true;
}

static int feed_units(struct pw_direct *d, struct pw_error *err)
{
  bool asleep = false;
  struct pw_page_touches touches = {d->lists.n, d->lists.touch_id, d->lists.wrote, NULL};
  if (d->future) {
    int status = pw_future_read(d->future, d->next, touches.n, err);
    if (status) return status;
    touches.next = d->next;
  }
  for (size_t i = 0; i < d->n_units; i++) {
    struct unit *u = &d->units[i];
    struct pw_victims victims = {0, d->victim_id, d->victim_at};
    u->memory->policy->touch(u->memory, &touches, &victims);
    if (victims.n && !u->awake) wake(d, u);
    asleep |= !u->awake;
    for (int which = 0; u->awake && which < 2; which++) feed_all(d, &u->fronts, which, &victims);
  }
  /* after the units, since those that woke took over what was before this chunk */
  struct pw_victims none = {0};
  for (int which = 0; asleep && which < 2; which++) feed_all(d, &d->sleeping, which, &none);
  return 0;
}

static int feed_chunk(struct pw_direct *d, uint32_t from, uint32_t to, struct pw_error *err)
{
  bool all = pw_hierarchies_needs_all(d->fronts.of[0]), alternating = !pw_hierarchies_is_idle(d->fronts.of[1]);
  if (!all && !pw_hierarchies_is_idle(d->fronts.of[0])) {
    struct pw_hierarchies_input in = {0};
    pw_lists_openers(&d->lists, from, to, &in);
    pw_hierarchies_feed(d->fronts.of[0], &in);
  }
  if (!all && !alternating && d->n_units == 0) return 0;
  pw_lists_touches(&d->lists, from, to);
  struct pw_victims none = {0};
  if (all) feed_all(d, &d->fronts, 0, &none);
  if (alternating) feed_all(d, &d->fronts, 1, &none);
  return feed_units(d, err);
}

static void flush(const struct fronts *fronts)
{
  for (int which = 0; which < 2; which++) pw_hierarchies_flush(fronts->of[which]);
}

static void drop_range(const struct fronts *fronts, uint64_t first_key, uint64_t last_key)
{
  for (int which = 0; which < 2; which++) pw_hierarchies_drop_range(fronts->of[which], first_key, last_key);
}

static void reset_counts(const struct fronts *fronts)
{
  for (int which = 0; which < 2; which++) pw_hierarchies_reset_counts(fronts->of[which]);
}

/* Pages leave the TLBs, and memory too unless they go on there as others. */
static int leave(struct pw_direct *d, const struct pw_step *s, const struct pw_left *left, struct pw_error *err)
{
  pw_lists_forget(&d->lists);
  if (s->first_key > s->last_key) return 0;
  for (size_t k = 0; k < s->n; k++) {
    bool moves = s->kind == PW_STEP_MOVE;
    uint64_t next = PW_NEVER;
    int status = moves && d->future ? pw_future_read(d->future, &next, 1, err) : 0;
    if (status) return status;
    for (size_t i = 0; i < d->n_units; i++) {
      if (moves) pw_memory_move(d->units[i].memory, left[k].id, left[k].to, next);
      else pw_memory_drop(d->units[i].memory, left[k].id);
    }
  }
  drop_range(&d->fronts, s->first_key, s->last_key);
  drop_range(&d->sleeping, s->first_key, s->last_key);
  for (size_t i = 0; i < d->n_units; i++) drop_range(&d->units[i].fronts, s->first_key, s->last_key);
  return 0;
}

static int take_sample(struct pw_direct *d, size_t number);

/* The kernel touches at most PW_CHUNK_TOUCHES pages: memory alone sees it. */
static int touch_by_kernel(struct pw_direct *d, const uint32_t *id, size_t n, struct pw_error *err)
{
  struct pw_page_touches touches = {n, id, d->lists.wrote, NULL};
  if (d->future) {
    int status = pw_future_read(d->future, d->next, n, err);
    if (status) return status;
    touches.next = d->next;
  }
  for (size_t i = 0; i < d->n_units; i++) {
    struct unit *u = &d->units[i];
    struct pw_victims victims = {0, d->victim_id, d->victim_at};
    u->memory->policy->touch(u->memory, &touches, &victims);
    if (victims.n && !u->awake) wake(d, u);
    for (size_t v = 0; v < victims.n; v++) drop_range(&u->fronts, d->key[victims.id[v]], d->key[victims.id[v]]);
  }
  return 0;
}

static int touch_all_by_kernel(struct pw_direct *d, const struct pw_step *s, const uint32_t *touched, struct pw_error *err)
{
  int status = 0;
  memset(d->lists.wrote, s->wrote, sizeof d->lists.wrote);
  for (size_t from = 0, n; !status && d->n_units && from < s->n; from += n) {
    n = s->n - from < PW_CHUNK_TOUCHES ? s->n - from : PW_CHUNK_TOUCHES;
    status = touch_by_kernel(d, touched + from, n, err);
  }
  return status;
}

static int take_step(struct pw_direct *d, const struct pw_step *s, const struct pw_paged *b, struct pw_error *err)
{
  switch (s->kind) {
    case PW_STEP_LEAVE:
    case PW_STEP_MOVE:
      return leave(d, s, b->left + s->first, err);
    case PW_STEP_KERNEL:
      return touch_all_by_kernel(d, s, b->touched + s->first, err);
    case PW_STEP_FLUSH:
      pw_lists_forget(&d->lists);
      flush(&d->fronts);
      flush(&d->sleeping);
      for (size_t i = 0; i < d->n_units; i++) flush(&d->units[i].fronts);
      break;
    case PW_STEP_COUNT:
      reset_counts(&d->fronts);
      reset_counts(&d->sleeping);
      for (size_t i = 0; i < d->n_units; i++) {
        d->units[i].memory->faults = d->units[i].memory->swap_outs = 0;
        reset_counts(&d->units[i].fronts);
      }
      break;
    case PW_STEP_SAMPLE:
      return take_sample(d, s->first) ? out_of_memory(err) : 0;
  }
  return 0;
}

static int feed_block(struct pw_model *part, const struct pw_paged *b, struct pw_error *err)
{
  struct pw_direct *d = (struct pw_direct *)part;
  struct pw_stretch s = pw_stretches(b, part, PW_STEPS_ALL);
  int status = begin(d, b, err);
  while (!status && pw_stretch_next(&s)) {
    if (s.from < s.to) status = feed_chunk(d, s.from, s.to, err);
    if (!status && s.step) status = take_step(d, s.step, b, err);
  }
  return status ? status : pw_stretch_status(&s, err);
}

int pw_direct_note(struct pw_direct *d, const struct pw_paged *b, struct pw_error *err)
{
  d->n_ids = b->n_ids;
  return pw_lists_note(&d->lists, b, d->future, err);
}

int pw_direct_turn(struct pw_direct *d, struct pw_error *err)
{
  return pw_future_turn(d->future, d->n_ids, err);
}

void pw_direct_result(const struct pw_direct *d, const struct pw_direct_slot *slot, const struct pw_touched *touched,
                      struct pw_result *r)
{
  const struct unit *u = slot->memory == UINT32_MAX ? NULL : &d->units[slot->memory];
  if (!u || u->awake)
    pw_hierarchies_result((u ? &u->fronts : &d->fronts)->of[slot->alternating], slot->number, r);
  else
    pw_hierarchies_result(d->sleeping.of[slot->alternating], u->asleep_as[slot->alternating][slot->number], r);
  if (!u) return;
  r->major_faults = u->memory->faults - touched->arrivals;
  r->swap_outs = u->memory->swap_outs;
  r->resident_bytes = u->memory->peak_used << d->page_shift;
}

void pw_direct_sample(struct pw_direct *d, const struct pw_direct_slot *slot)
{
  d->sampled = true;
  d->sampled_slot = *slot;
}

const struct pw_direct_sample *pw_direct_samples(const struct pw_direct *d)
{
  return d->samples;
}

static int take_sample(struct pw_direct *d, size_t number)
{
  const struct pw_touched none = {0}; /* so that all faults of the memory are told as major */
  struct pw_result r = {.minor_faults = 0};
  const struct pw_direct_slot *slot = &d->sampled_slot;
  if (!d->sampled) return 0;
  if (pw_grow((void **)&d->samples, &d->samples_room, number + 1, sizeof *d->samples)) return -1;
  pw_direct_result(d, slot, &none, &r);
  uint64_t used = slot->memory == UINT32_MAX ? 0 : d->units[slot->memory].memory->used;
  d->samples[number] = (struct pw_direct_sample){r.itlb_misses, r.dtlb_misses, r.stlb_misses, r.major_faults, r.swap_outs, used};
  return 0;
}
