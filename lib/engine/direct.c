/* The direct engine at one page size. See direct.h. */
#include "engine/direct.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "engine/machine.h"
#include "memory/future.h"

struct unit {             /* one finite memory and the TLBs over it */
  uint64_t frames;
  int policy;
  struct pw_machine machine;
  bool awake;             /* a page was pushed out of it */
  uint32_t *asleep_as[2]; /* by number among its TLBs: the number among those that sleep */
  size_t n_asleep[2], asleep_room[2];
};

struct pw_direct {
  struct pw_model model;
  unsigned page_shift;
  struct pw_run_options options;
  struct pw_machine plain;    /* over unlimited memory */
  struct pw_machine sleeping; /* all TLBs of the units, over memory that nothing leaves */
  struct unit *units;
  size_t n_units, units_room;
  uint64_t *key;              /* by id, where there are units or witnesses */
  size_t key_room, n_frames;
  struct pw_sharers sharers;
  struct pw_future *future;
  uint64_t *next;             /* of touches, where there is a future */
  size_t next_room;
  struct pw_watch watch;      /* of the only configuration */
  struct pw_machine *watched; /* NULL: nobody watches */
  struct pw_lists lists;
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for models of all pages of the trace; free some, or run larger pages or "
                                      "fewer configurations");
}

/* Machine number i of all: over unlimited memory, asleep, the units'. NULL past the end. */
static struct pw_machine *machine(struct pw_direct *d, size_t i)
{
  return i == 0 ? &d->plain : i == 1 ? &d->sleeping : i - 2 < d->n_units ? &d->units[i - 2].machine : NULL;
}

static int feed_block(struct pw_model *model, const struct pw_paged *block, struct pw_error *err);

static void destroy(struct pw_model *model)
{
  struct pw_direct *d = (struct pw_direct *)model;
  struct pw_machine *m;
  for (size_t i = 0; (m = machine(d, i)); i++) pw_machine_clear(m);
  for (size_t i = 0; i < d->n_units; i++)
    for (int which = 0; which < 2; which++) pw_free(d->units[i].asleep_as[which]);
  pw_free(d->units);
  pw_free(d->key);
  pw_sharers_clear(&d->sharers);
  pw_future_destroy(d->future);
  pw_free(d->next);
  pw_free(d);
}

static const struct pw_model_class class = {feed_block, destroy};

int pw_direct_create(struct pw_direct **direct, unsigned page_shift, const struct pw_run_options *options, struct pw_error *err)
{
  struct pw_direct *d = *direct = pw_malloc(1, sizeof *d);
  if (!d) return out_of_memory(err);
  memset(d, 0, offsetof(struct pw_direct, lists));
  d->model.class = &class;
  d->page_shift = page_shift;
  d->options = *options;
  pw_lists_init(&d->lists, options->only);
  int status = pw_machine_init(&d->plain, 0, 0, options->seed, err);
  if (!status) status = pw_machine_init(&d->sleeping, 0, 0, options->seed, err);
  d->sleeping.every_touch = true; /* as those that wake from it */
  if (status) {
    destroy(&d->model);
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
  int status = pw_machine_init(&u->machine, c->memory_policy, frames, d->options.seed, err);
  if (!status && u->machine.memory->policy->looks_ahead && !d->future) status = pw_future_create(&d->future, err);
  return status;
}

/* The unit's hierarchy `number` is `in_sleep` among those that sleep. */
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
  struct pw_machine *m = slot->memory == UINT32_MAX ? &d->plain : &d->units[slot->memory].machine;
  slot->alternating = pw_hierarchy_alternates(c);
  int64_t number = pw_hierarchies_add(m->tlbs[slot->alternating], c, err);
  if (number < 0) return (int)number;
  slot->number = (uint32_t)number;
  if (slot->memory == UINT32_MAX) return 0;
  int64_t in_sleep = pw_hierarchies_add(d->sleeping.tlbs[slot->alternating], c, err);
  if (in_sleep < 0) return (int)in_sleep;
  return add_sleeper(&d->units[slot->memory], slot->alternating, slot->number, in_sleep) ? out_of_memory(err) : 0;
}

void pw_direct_watch(struct pw_direct *d, struct pw_witness *witnesses)
{
  pw_watch_init(&d->watch, witnesses);
  d->watched = d->n_units ? &d->units[0].machine : &d->plain;
  d->watched->watch = &d->watch;
  if (d->n_units) d->units[0].awake = true; /* whoever sleeps cannot be watched */
}

bool pw_direct_looks_ahead(const struct pw_direct *d)
{
  return d->future != NULL;
}

bool pw_direct_needs_counts(const struct pw_direct *d)
{
  bool needs = d->watched || !pw_hierarchies_is_idle(d->plain.tlbs[1]);
  for (size_t i = 0; i < d->n_units; i++) needs |= !pw_hierarchies_is_idle(d->units[i].machine.tlbs[1]);
  return needs;
}

void pw_direct_explain(const struct pw_direct *d, struct pw_explained *e)
{
  e->fixed_bytes += sizeof *d + pw_hierarchies_bytes(d->plain.tlbs[0]) + pw_hierarchies_bytes(d->plain.tlbs[1]);
  e->page_bytes += d->n_units ? sizeof *d->key : 0;
  for (size_t i = 0; i < d->n_units; i++) {
    const struct pw_machine *m = &d->units[i].machine;
    e->fixed_bytes += pw_hierarchies_bytes(m->tlbs[0]) + pw_hierarchies_bytes(m->tlbs[1]);
    e->page_bytes += pw_memory_page_bytes(m->memory);
  }
}

/* Room for the ids of the block in every memory, and the keys of its victims. */
static int begin(struct pw_direct *d, const struct pw_paged *b, struct pw_error *err)
{
  pw_lists_begin(&d->lists, b);
  if (d->n_units == 0 && !d->watched) return 0;
  if (pw_grow((void **)&d->key, &d->key_room, b->n_ids, sizeof *d->key)) return out_of_memory(err);
  if (b->n_ids > b->first_new) memcpy(d->key + b->first_new, b->new_key, (b->n_ids - b->first_new) * sizeof *d->key);
  d->lists.sharers = &d->sharers;
  if (d->n_units && pw_sharers_begin(&d->sharers, b, d->key)) return out_of_memory(err);
  for (size_t i = 0; b->n_frames && i < d->n_units; i++)
    if (pw_memory_reserve(d->units[i].machine.memory, pw_sharers_keys(&d->sharers), b->n_frames)) return out_of_memory(err);
  return d->watched ? pw_watch_begin(&d->watch, b, d->key, err) : 0;
}

/* The next n answers of the future, if there is one. */
static int read_next(struct pw_direct *d, size_t n, const uint64_t **next, struct pw_error *err)
{
  *next = NULL;
  if (!d->future || n == 0) return 0;
  if (pw_grow((void **)&d->next, &d->next_room, n, sizeof *d->next)) return out_of_memory(err);
  *next = d->next;
  return pw_future_read(d->future, d->next, n, err);
}

static void wake(struct pw_direct *d, struct unit *u)
{
  for (int which = 0; which < 2; which++)
    for (size_t i = 0; i < u->n_asleep[which]; i++)
      pw_hierarchies_copy(u->machine.tlbs[which], i, d->sleeping.tlbs[which], u->asleep_as[which][i]);
  u->awake = true;
}

/* The unit's memory takes touches; what sleeps is woken when a page goes. */
static void touch(struct pw_direct *d, struct unit *u, const struct pw_page_touches *touches)
{
  pw_machine_touch(&u->machine, &d->lists, touches);
  if (d->lists.victims.n && !u->awake) wake(d, u);
}

static int feed_units(struct pw_direct *d, const struct pw_stretch *s, struct pw_error *err)
{
  bool asleep = false;
  struct pw_page_touches touches = {d->lists.n, d->lists.touch_frame, d->lists.wrote, NULL};
  int status = read_next(d, touches.n, &touches.next, err);
  for (size_t i = 0; !status && i < d->n_units && !pw_stretch_halted(s); i++) {
    struct unit *u = &d->units[i];
    touch(d, u, &touches);
    asleep |= !u->awake;
    if (u->awake) pw_machine_look_up(&u->machine, &d->lists, s->from, s->to);
  }
  /* after the units, since those that woke took over what was before this chunk */
  d->lists.victims.n = 0;
  if (asleep) pw_machine_look_up(&d->sleeping, &d->lists, s->from, s->to);
  return status;
}

static int take_visits(struct pw_direct *d, const struct pw_stretch *s, struct pw_error *err)
{
  bool touches = d->n_units || pw_machine_needs_touches(&d->plain);
  int status = 0;
  if (touches) pw_lists_touches(&d->lists, s->from, s->to);
  for (size_t i = 0; d->sharers.numbered && i < d->lists.n; i++)
    pw_sharers_touch(&d->sharers, d->lists.id[d->lists.touch_page[i]], d->lists.touch_frame[i]);
  if (touches && (d->watch.faults || d->watch.misses)) pw_lists_places(&d->lists, s->from, s->to);
  if (d->watched && (status = pw_watch_visits(&d->watch, s->from, s->to, err)) != 0) return status;
  pw_machine_look_up(&d->plain, &d->lists, s->from, s->to);
  if (d->n_units) status = feed_units(d, s, err);
  if (d->watched) PW_TELL(&d->watch, passed, d->watched, s->to);
  return status;
}

/* Touches that memory alone sees; who goes for them leaves the TLBs. */
static int touch_aside(struct pw_direct *d, const struct pw_step *s, const struct pw_paged *b, struct pw_error *err)
{
  struct pw_lists *l = &d->lists;
  int status = 0;
  for (size_t from = s->first, end = s->first + s->n, n; !status && d->n_units && from < end; from += n) {
    n = end - from < PW_CHUNK_TOUCHES ? end - from : PW_CHUNK_TOUCHES;
    struct pw_page_touches touches = {n, b->touched + from, l->wrote, NULL};
    memset(l->wrote, s->wrote, n);
    pw_lists_aside(l, s, b->touched_id + from);
    for (size_t i = 0; i < n; i++) pw_sharers_touch(&d->sharers, l->event_id[i], touches.id[i]);
    status = read_next(d, n, &touches.next, err);
    for (size_t i = 0; !status && i < d->n_units; i++) {
      touch(d, &d->units[i], &touches);
      pw_machine_drop_victims(&d->units[i].machine, l);
    }
  }
  return status;
}

static int take_step(struct pw_direct *d, const struct pw_step *s, const struct pw_paged *b, struct pw_error *err)
{
  const uint64_t *unused;
  int status = 0;
  struct pw_machine *m;
  if (d->watched) status = pw_watch_step(&d->watch, s, err);
  if (status || s->kind == PW_STEP_TOUCH) return status ? status : touch_aside(d, s, b, err);
  if (s->kind == PW_STEP_REMAP) {
    pw_lists_remap(&d->lists, s);
    return 0;
  }
  if (s->kind == PW_STEP_LEAVE && (status = read_next(d, s->n_gone, &unused, err)) != 0) return status;
  if (s->kind != PW_STEP_COUNT) pw_lists_forget(&d->lists);
  for (size_t i = 0; (m = machine(d, i)); i++) pw_machine_step(m, s, b);
  if (s->kind == PW_STEP_LEAVE) pw_sharers_leave(&d->sharers, s, b);
  return 0;
}

static int feed_block(struct pw_model *model, const struct pw_paged *b, struct pw_error *err)
{
  struct pw_direct *d = (struct pw_direct *)model;
  struct pw_stretch s = pw_stretches(b, model, PW_STEPS_ALL);
  int status = begin(d, b, err);
  while (!status && pw_stretch_next(&s)) {
    if (d->watched && s.from < s.to) pw_stretch_cut(&s, pw_watch_until(&d->watch, s.from, s.to));
    if (s.from < s.to) status = take_visits(d, &s, err);
    if (!status && s.step) status = take_step(d, s.step, b, err);
  }
  if (!status) status = pw_stretch_status(&s, err);
  return status || !d->watched ? status : pw_watch_end(&d->watch, err);
}

int pw_direct_note(struct pw_direct *d, const struct pw_paged *b, struct pw_error *err)
{
  d->n_frames = b->n_frames;
  return pw_lists_note(&d->lists, b, d->future, err);
}

int pw_direct_turn(struct pw_direct *d, struct pw_error *err)
{
  return pw_future_turn(d->future, d->n_frames, err);
}

void pw_direct_result(const struct pw_direct *d, const struct pw_direct_slot *slot, struct pw_result *r)
{
  const struct unit *u = slot->memory == UINT32_MAX ? NULL : &d->units[slot->memory];
  pw_machine_result(u ? &u->machine : &d->plain, slot->alternating, slot->number, r);
  if (u && !u->awake) pw_machine_result(&d->sleeping, slot->alternating, u->asleep_as[slot->alternating][slot->number], r);
  if (u) r->resident_bytes = u->machine.memory->peak_used << d->page_shift;
}
