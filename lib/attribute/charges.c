/* One machine, with every count charged to an owner. See charges.h. */
#include "attribute/charges.h"

#include <string.h>

#include "attribute/who.h"
#include "base/alloc.h"
#include "base/block.h"
#include "engine/chunk.h"
#include "memory/future.h"
#include "memory/memory.h"
#include "mmu/front.h"

struct pw_charges {
  struct pw_part part;
  const char *trace;         /* its name */
  struct pw_config config;
  struct pw_run_options options;
  struct pw_who who;
  struct pw_heat *heat;
  enum pw_heat_of heat_of;
  struct pw_front *front;
  struct pw_memory *memory;  /* NULL: unlimited */
  struct pw_future *future;
  bool all_touches, alternating, by_page;
  /* by id */
  uint64_t *key;
  uint32_t *brought;         /* owner whose access brought the page into use */
  uint32_t *faulted;         /* finite memory: owner whose access brought it in last */
  uint8_t *fresh;            /* in use, and memory has not met it */
  size_t key_room, brought_room, faulted_room, fresh_room, n_ids;
  struct pw_pagemap tables[65]; /* by span_bits: prefix -> owner */
  /* of the block */
  const struct pw_numbered *numbered;
  const struct pw_block *block;
  size_t change, step;       /* next of the account's lists */
  uint32_t faulter;          /* visit that opened the page of the last change */
  uint32_t page_owner[PW_BLOCK_VISITS];
  uint64_t page_age[PW_BLOCK_VISITS], age; /* page_owner holds where the ages agree */
  uint64_t accesses;         /* before the chunk */
  /* of the chunk */
  struct pw_chunk chunk;
  uint32_t from;
  uint32_t opener[2], toucher[2]; /* visits that opened the current pages: of the accesses, of the touches */
  uint32_t touch_visit[PW_CHUNK_TOUCHES], touch_opener[PW_CHUNK_TOUCHES];
  uint64_t when[PW_CHUNK_VISITS];
  uint64_t next[PW_CHUNK_TOUCHES];
  uint32_t victim_id[PW_CHUNK_TOUCHES], victim_at[PW_CHUNK_TOUCHES];
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the owners; attribute by object, which are fewer");
}

/* ---- beginning and end ---- */

static int feed_block(struct pw_part *part, const struct pw_numbered *numbered, struct pw_error *err);

static void destroy(struct pw_part *part)
{
  struct pw_charges *c = (struct pw_charges *)part;
  pw_who_clear(&c->who);
  pw_heat_destroy(c->heat);
  pw_front_destroy(c->front);
  pw_memory_destroy(c->memory);
  pw_future_destroy(c->future);
  pw_free(c->key);
  pw_free(c->brought);
  pw_free(c->faulted);
  pw_free(c->fresh);
  for (size_t i = 0; i < sizeof c->tables / sizeof *c->tables; i++) pw_pagemap_clear(&c->tables[i]);
  pw_free(c);
}

static const struct pw_part_class class = {feed_block, destroy};

static int create_machine(struct pw_charges *c, struct pw_error *err)
{
  struct pw_hierarchy hierarchy = {c->config.itlb, c->config.dtlb, c->config.stlb};
  bool unlimited = c->config.memory_bytes == PW_UNLIMITED;
  int status = pw_front_create(&c->front, c->options.seed, err);
  if (status) return status;
  int64_t number = pw_front_add(c->front, &hierarchy, err);
  if (number < 0) return (int)number;
  c->alternating = pw_hierarchy_alternates(&hierarchy);
  c->all_touches = !unlimited || pw_front_needs_all(c->front);
  if (unlimited) return 0;
  status = pw_memory_create(&c->memory, c->config.memory_policy, c->config.memory_bytes >> c->config.page_shift, c->options.seed, err);
  return !status && c->memory->policy->looks_ahead ? pw_future_create(&c->future, err) : status;
}

int pw_charges_create(struct pw_charges **charges, const char *trace, const struct pw_config *config, enum pw_by by,
                      enum pw_heat_of heat, const struct pw_run_options *options, struct pw_error *err)
{
  struct pw_charges *c = *charges = pw_calloc(1, sizeof *c);
  if (!c) return out_of_memory(err);
  c->part.class = &class;
  c->trace = trace;
  c->config = *config;
  c->options = *options;
  c->heat_of = heat;
  c->by_page = by == PW_BY_REGION || by == PW_BY_OBJECT;
  pw_chunk_init(&c->chunk, options->only);
  int status = pw_who_init(&c->who, by) || (heat != PW_HEAT_NONE && pw_heat_create(&c->heat)) ? out_of_memory(err) : 0;
  if (!status) status = create_machine(c, err);
  if (status) {
    destroy(&c->part);
    *charges = NULL;
  }
  return status;
}

const struct pw_owners *pw_charges_owners(const struct pw_charges *c)
{
  return &c->who.owners;
}

const struct pw_spaces *pw_charges_spaces(const struct pw_charges *c)
{
  return &c->who.spaces;
}

const struct pw_heat *pw_charges_heat(const struct pw_charges *c)
{
  return c->heat;
}

/* ---- owners ---- */

static struct pw_owned *owned(struct pw_charges *c, uint32_t owner)
{
  return &c->who.owners.items[owner];
}

static uint64_t base_key(const struct pw_charges *c, uint32_t visit)
{
  return c->block->pages[c->block->page[visit]];
}

static uint64_t first_base_key(const struct pw_charges *c, uint32_t id)
{
  return pw_key(pw_key_process(c->key[id]), (c->key[id] & PW_PAGE_MASK) << (c->config.page_shift - PW_BASE_SHIFT));
}

/* By region and object: the owner of the block's page of this index. */
static uint32_t page_owner(struct pw_charges *c, uint32_t index)
{
  if (c->page_age[index] != c->age) {
    c->page_owner[index] = pw_who_page(&c->who, c->block->pages[index]);
    c->page_age[index] = c->age;
  }
  return c->page_owner[index];
}

/* Of a touch in a visit, of the page that visit `opener` opened. */
static uint32_t touch_owner(struct pw_charges *c, uint32_t visit, uint32_t opener)
{
  if (c->by_page) return page_owner(c, c->block->page[opener]);
  uint64_t key = base_key(c, opener);
  if (c->who.by == PW_BY_FUNCTION) return pw_who_function(&c->who, pw_key_process(key), c->block->pc[visit]);
  return pw_who_address(&c->who, pw_key_process(key), (key & PW_PAGE_MASK) << PW_BASE_SHIFT | c->block->offset[opener]);
}

static void heat(struct pw_charges *c, enum pw_heat_of of, uint64_t key, uint64_t when, uint64_t n)
{
  if (c->heat_of == of && n) pw_heat_add(c->heat, key, pw_who_region(&c->who, key), when, n);
}

/* ---- the account's changes ---- */

/* The kernel, on its program's behalf, touched the page of this id within the event's range. */
static uint32_t event_owner(struct pw_charges *c, const struct pw_event *e, uint32_t id)
{
  if (c->who.by == PW_BY_FUNCTION) return pw_who_kernel(&c->who);
  uint64_t address = (c->key[id] & PW_PAGE_MASK) << c->config.page_shift;
  if (address < e->a) address = e->a;
  return pw_who_address(&c->who, pw_key_process(c->key[id]), address);
}

static void take_table(struct pw_charges *c, const struct pw_change *change)
{
  struct pw_peak *peak = &c->who.owners.table_bytes;
  struct pw_pagemap *map = &c->tables[change->span_bits];
  bool exists = change->kind == PW_CHANGE_TABLE, added;
  uint32_t owner;
  if (change->span_bits == 64) {
    owner = pw_who_root(&c->who);
  } else if (exists) {
    owner = c->brought[change->id];
    if (pw_pagemap_reserve(map, 1)) c->who.failed = true;
    else pw_pagemap_insert(map, change->prefix, owner, &added);
  } else {
    const uint32_t *there = pw_pagemap_find(map, change->prefix);
    owner = there ? *there : 0;
    if (there) pw_pagemap_remove(map, change->prefix);
  }
  if (exists) pw_share_add(peak, &owned(c, owner)->table_bytes, change->bytes);
  else pw_share_take(peak, &owned(c, owner)->table_bytes, change->bytes);
}

/* The visit that opened the page of a change: of an arrival the visit itself, of a copy (a store to a shared page)
 * who opened its data page. A fault follows what it is the fault of. */
static uint32_t change_opener(struct pw_charges *c, const struct pw_change *change)
{
  uint32_t opener = change->at;
  if (change->kind == PW_CHANGE_FAULT) return c->faulter;
  while (change->kind == PW_CHANGE_COPY && opener > 0 && c->block->flags[opener] & PW_VISIT_CODE) opener--;
  return c->faulter = opener;
}

static void take_change(struct pw_charges *c, const struct pw_change *change)
{
  const struct pw_event *e = change->event == PW_BY_VISIT ? NULL : &c->block->events[change->event];
  struct pw_owned *o;
  uint32_t owner, opener;
  switch (change->kind) {
    case PW_CHANGE_FAULT:
    case PW_CHANGE_ARRIVE:
    case PW_CHANGE_COPY:
      opener = e ? 0 : change_opener(c, change);
      owner = e ? event_owner(c, e, change->id) : touch_owner(c, change->at, opener);
      if (change->kind == PW_CHANGE_FAULT) {
        uint64_t key = e ? first_base_key(c, change->id) : base_key(c, opener);
        owned(c, owner)->counts.minor_faults++;
        heat(c, PW_HEAT_FAULTS, key, e || !c->heat ? c->accesses : c->when[change->at - c->from], 1);
        return;
      }
      c->brought[change->id] = owner;
      if (change->kind == PW_CHANGE_ARRIVE) c->fresh[change->id] = 1;
      pw_share_add(&c->who.owners.touched_pages, &owned(c, owner)->touched_pages, 1);
      return;
    case PW_CHANGE_FORK: /* the frame stays its bringer's, whoever uses it */
      c->brought[change->id] = c->brought[change->from];
      c->fresh[change->id] = 1;
      return;
    case PW_CHANGE_MOVE:
      c->brought[change->id] = c->brought[change->from];
      c->faulted[change->id] = c->faulted[change->from];
      c->fresh[change->id] = c->fresh[change->from];
      return;
    case PW_CHANGE_LEAVE:
      o = owned(c, c->brought[change->id]);
      pw_share_take(&c->who.owners.touched_pages, &o->touched_pages, 1);
      if (e && (e->kind == PW_EVENT_UNMAP || e->kind == PW_EVENT_DISCARD)) o->returned_pages++;
      return;
    default:
      take_table(c, change);
  }
}

/* Those of visits below `to`, or of the event. */
static void take_changes(struct pw_charges *c, uint32_t to, uint32_t event)
{
  for (; c->change < c->numbered->n_changes; c->change++) {
    const struct pw_change *change = &c->numbered->changes[c->change];
    if (change->event != event || (event == PW_BY_VISIT && change->at >= to)) return;
    take_change(c, change);
  }
}

/* ---- accesses ---- */

/* Every access of an absent first level passes on, and walks where there is no second. */
static void heat_passed(struct pw_charges *c, unsigned stream, uint32_t visit, uint64_t n)
{
  const struct pw_config *m = &c->config;
  if (m->stlb.entries || (stream ? m->itlb : m->dtlb).entries) return;
  heat(c, PW_HEAT_WALKS, base_key(c, c->opener[stream]), c->when[visit - c->from], n);
}

static void count_visits(struct pw_charges *c, uint32_t from, uint32_t to)
{
  const struct pw_block *b = c->block;
  bool code = pw_chunk_wants(&c->chunk, 1), data = pw_chunk_wants(&c->chunk, 0);
  for (uint32_t i = from; i < to; i++) {
    uint32_t all = (uint32_t)b->fetches[i] + b->loads[i] + b->stores[i];
    unsigned stream = b->flags[i] & PW_VISIT_CODE;
    c->opener[stream] = i;
    c->when[i - from] = c->accesses;
    c->accesses += all;
    if (!c->by_page) continue;
    if (code && b->fetches[i]) {
      owned(c, page_owner(c, b->page[c->opener[1]]))->counts.counted.fetches += b->fetches[i];
      heat_passed(c, 1, i, b->fetches[i]);
    }
    if (data && b->loads[i] + b->stores[i]) {
      struct pw_totals *counted = &owned(c, page_owner(c, b->page[c->opener[0]]))->counts.counted;
      counted->loads += b->loads[i];
      counted->stores += b->stores[i];
      heat_passed(c, 0, i, (uint64_t)b->loads[i] + b->stores[i]);
    }
  }
}

/* ---- misses ---- */

/* Which touch a lookup belongs to: visit and opener. Behind a visit that alternated longer stands one more
 * touch of the page before the last, then of the last (pw_chunk_lookups). */
static void place_of(const struct pw_charges *c, uint32_t at, uint32_t *visit, uint32_t *opener)
{
  if (!c->all_touches) {
    *visit = *opener = c->from + at;
    return;
  }
  uint32_t touch = at / 4 - (at % 4 == 1);
  *visit = c->touch_visit[touch];
  *opener = c->touch_opener[touch];
}

enum level { ITLB, DTLB, STLB };

static void charge_misses(struct pw_charges *c, const struct pw_lookups *missed, enum level level, bool walks)
{
  for (size_t i = 0; i < missed->n; i++) {
    if (missed->at[i] & PW_AT_INVALIDATE) continue;
    uint32_t visit, opener;
    place_of(c, missed->at[i], &visit, &opener);
    struct pw_result *counts = &owned(c, touch_owner(c, visit, opener))->counts;
    if (level == ITLB) counts->itlb_misses++;
    else if (level == DTLB) counts->dtlb_misses++;
    else counts->stlb_misses++;
    if (!c->heat) continue;
    if (level == DTLB) heat(c, PW_HEAT_DTLB, base_key(c, opener), c->when[visit - c->from], 1);
    if (walks) heat(c, PW_HEAT_WALKS, base_key(c, opener), c->when[visit - c->from], 1);
  }
}

/* Only where both first levels are absent, so by region or object. */
static void charge_alternations(struct pw_charges *c, const struct pw_front_input *in)
{
  for (size_t i = 0; i < in->n_alternations; i++) {
    const struct pw_alternation *a = &in->alternations[i];
    uint64_t half = pw_front_alternated(c->front, a) / 2;
    for (uint32_t touch = a->after - 1; half && touch <= a->after; touch++) {
      uint32_t visit = c->touch_visit[touch], opener = c->touch_opener[touch];
      owned(c, touch_owner(c, visit, opener))->counts.stlb_misses += half;
      if (c->heat) heat(c, PW_HEAT_WALKS, base_key(c, opener), c->when[visit - c->from], half);
    }
  }
}

static void feed_front(struct pw_charges *c, const struct pw_front_input *in)
{
  struct pw_lookups itlb, dtlb, stlb;
  bool second = c->config.stlb.entries > 0;
  pw_front_feed(c->front, in);
  pw_front_missed(c->front, &itlb, &dtlb, &stlb);
  charge_misses(c, &itlb, ITLB, !second);
  charge_misses(c, &dtlb, DTLB, !second);
  charge_misses(c, &stlb, STLB, second);
  charge_alternations(c, in);
}

/* ---- memory ---- */

/* Whose are the chunk's touches: the same walk over the patterns as pw_chunk_touches. */
static void place_touches(struct pw_charges *c, uint32_t from, uint32_t to)
{
  size_t n = 0;
  for (uint32_t i = from; i < to; i++) {
    uint8_t flags = c->block->flags[i];
    unsigned stream = flags & PW_VISIT_CODE;
    c->toucher[stream] = i;
    for (unsigned k = 0; k < pw_visit_touches(flags); k++) {
      unsigned of = k % 2 ? 1 - stream : stream;
      if (!pw_chunk_wants(&c->chunk, of)) continue;
      c->touch_visit[n] = i;
      c->touch_opener[n++] = c->toucher[of];
    }
  }
}

/* One touch: does the page come in? *victim is who goes for it, or PW_NO_PAGE. */
static bool touch_page(struct pw_charges *c, uint32_t id, uint8_t wrote, const uint64_t *next, uint32_t *victim)
{
  struct pw_memory *m = c->memory;
  bool resident = m->state[id] & PW_PAGE_RESIDENT;
  uint64_t written = m->swap_outs;
  uint32_t at;
  struct pw_victims one = {0, victim, &at};
  const struct pw_page_touches touch = {1, &id, &wrote, c->future ? next : NULL};
  *victim = PW_NO_PAGE;
  m->policy->touch(m, &touch, &one);
  if (m->swap_outs > written) owned(c, c->faulted[*victim])->counts.swap_outs++;
  return !resident;
}

/* The page came in for this owner, by a fault unless it is fresh. */
static void charge_arrival(struct pw_charges *c, uint32_t id, uint32_t owner, uint64_t key, uint64_t when)
{
  c->faulted[id] = owner;
  if (!c->fresh[id]) {
    owned(c, owner)->counts.major_faults++;
    heat(c, PW_HEAT_FAULTS, key, when, 1);
  }
  c->fresh[id] = 0;
}

/* One touch at a time, since it matters which faulted. */
static void touch_memory(struct pw_charges *c, struct pw_victims *victims)
{
  for (size_t i = 0; i < c->chunk.n; i++) {
    uint32_t id = c->chunk.touch_id[i], victim;
    if (!touch_page(c, id, c->chunk.wrote[i], &c->next[i], &victim)) continue;
    if (victim != PW_NO_PAGE) {
      victims->id[victims->n] = victim;
      victims->at[victims->n++] = (uint32_t)i;
    }
    uint32_t visit = c->touch_visit[i], opener = c->touch_opener[i];
    charge_arrival(c, id, touch_owner(c, visit, opener), base_key(c, opener), c->heat ? c->when[visit - c->from] : 0);
  }
}

/* The kernel's touches reach memory alone; who goes for them leaves the TLBs. */
static int touch_by_kernel(struct pw_charges *c, const struct pw_step *s, struct pw_error *err)
{
  const struct pw_event *e = &c->block->events[s->event];
  for (size_t k = 0; c->memory && k < s->n; k++) {
    uint32_t id = c->numbered->touched[s->first + k], victim;
    int status = c->future ? pw_future_read(c->future, c->next, 1, err) : 0;
    if (status) return status;
    if (!touch_page(c, id, s->wrote, c->next, &victim)) continue;
    if (victim != PW_NO_PAGE) pw_front_drop_range(c->front, c->key[victim], c->key[victim]);
    charge_arrival(c, id, event_owner(c, e, id), first_base_key(c, id), c->accesses);
  }
  return 0;
}

/* Pages leave the TLBs, and memory too unless they go on there as others. */
static int leave(struct pw_charges *c, const struct pw_step *s, struct pw_error *err)
{
  pw_chunk_forget(&c->chunk);
  if (s->first_key > s->last_key) return 0;
  for (size_t k = 0; c->memory && k < s->n; k++) {
    const struct pw_left *left = &c->numbered->left[s->first + k];
    uint64_t next = PW_NEVER;
    bool moves = s->kind == PW_STEP_MOVE;
    int status = moves && c->future ? pw_future_read(c->future, &next, 1, err) : 0;
    if (status) return status;
    if (moves) pw_memory_move(c->memory, left->id, left->to, next);
    else pw_memory_drop(c->memory, left->id);
  }
  pw_front_drop_range(c->front, s->first_key, s->last_key);
  return 0;
}

/* ---- the block ---- */

static int feed_chunk(struct pw_charges *c, uint32_t from, uint32_t to, struct pw_error *err)
{
  struct pw_front_input in = {0};
  struct pw_victims victims = {0, c->victim_id, c->victim_at};
  c->from = from;
  if (c->all_touches) {
    pw_chunk_touches(&c->chunk, from, to);
    place_touches(c, from, to);
  }
  count_visits(c, from, to);
  take_changes(c, to, PW_BY_VISIT);
  if (c->future) {
    int status = pw_future_read(c->future, c->next, c->chunk.n, err);
    if (status) return status;
  }
  if (c->memory) touch_memory(c, &victims);
  if (pw_front_is_idle(c->front)) return 0;
  if (c->all_touches) pw_chunk_lookups(&c->chunk, &victims, c->key, c->alternating, &in);
  else pw_chunk_openers(&c->chunk, from, to, &in);
  feed_front(c, &in);
  return 0;
}

static int feed_stretch(struct pw_charges *c, uint32_t from, uint32_t to, struct pw_error *err)
{
  for (int status; from < to;) {
    uint32_t end = to - from > PW_CHUNK_VISITS ? from + PW_CHUNK_VISITS : to;
    if ((status = feed_chunk(c, from, end, err)) != 0) return status;
    from = end;
  }
  return 0;
}

static int take_step(struct pw_charges *c, const struct pw_step *s, struct pw_error *err)
{
  switch (s->kind) {
    case PW_STEP_LEAVE:
    case PW_STEP_MOVE:
      return leave(c, s, err);
    case PW_STEP_KERNEL:
      return touch_by_kernel(c, s, err);
    case PW_STEP_FLUSH:
      pw_chunk_forget(&c->chunk);
      pw_front_flush(c->front);
      break;
    case PW_STEP_COUNT:
      pw_owners_reset_counts(&c->who.owners);
      if (c->heat) pw_heat_reset(c->heat);
      break;
    case PW_STEP_SAMPLE: /* of time series only */
      break;
  }
  return 0;
}

/* What the event does to the machine, whose doing that is, then what it does to the owners' places. */
static int take_event(struct pw_charges *c, uint32_t number, struct pw_error *err)
{
  bool changed = false;
  int status = 0;
  take_changes(c, 0, number);
  for (; !status && c->step < c->numbered->n_steps && c->numbered->steps[c->step].event == number; c->step++)
    status = take_step(c, &c->numbered->steps[c->step], err);
  if (pw_spaces_event(&c->who.spaces, &c->block->events[number], &changed)) c->who.failed = true;
  c->age += changed;
  return status;
}

static int reserve(struct pw_charges *c, const struct pw_numbered *n, struct pw_error *err)
{
  size_t room = n->n_ids ? n->n_ids : 1;
  if (pw_grow((void **)&c->key, &c->key_room, room, sizeof *c->key) ||
      pw_grow((void **)&c->brought, &c->brought_room, room, sizeof *c->brought) ||
      pw_grow((void **)&c->faulted, &c->faulted_room, room, sizeof *c->faulted) ||
      pw_grow((void **)&c->fresh, &c->fresh_room, room, sizeof *c->fresh))
    return out_of_memory(err);
  size_t new = n->n_ids - n->first_new;
  if (new) memcpy(c->key + n->first_new, n->new_key, new * sizeof *c->key);
  if (c->memory && n->n_ids && pw_memory_reserve(c->memory, c->key, n->n_ids)) return out_of_memory(err);
  return 0;
}

static int check_sides(const struct pw_charges *c, const struct pw_block *b, struct pw_error *err)
{
  if (c->by_page || b->n_visits == 0 || b->pc) return 0;
  return pw_error_set(err, PW_EINVAL, "%s does not hold the instructions that attribution by %s needs; record it again with --pc, or attribute by region",
                      c->trace, pw_by_name(c->who.by));
}

/* The first process is there without an event. */
static bool is_first_root(const struct pw_change *change)
{
  return change->event == PW_BY_VISIT && change->kind == PW_CHANGE_TABLE && change->span_bits == 64;
}

static int feed_block(struct pw_part *part, const struct pw_numbered *numbered, struct pw_error *err)
{
  struct pw_charges *c = (struct pw_charges *)part;
  const struct pw_block *b = numbered->block;
  int status = check_sides(c, b, err);
  if (!status) status = reserve(c, numbered, err);
  if (status) return status;
  c->numbered = numbered;
  c->block = b;
  c->change = c->step = 0;
  c->age++;
  pw_chunk_begin(&c->chunk, numbered);
  uint32_t from = 0;
  for (; c->change < numbered->n_changes && is_first_root(&numbered->changes[c->change]); c->change++)
    take_change(c, &numbered->changes[c->change]);
  for (uint32_t i = 0; !status && i < b->n_events; i++) {
    status = feed_stretch(c, from, b->events[i].at, err);
    from = b->events[i].at;
    if (!status) status = take_event(c, i, err);
  }
  if (!status) status = feed_stretch(c, from, b->n_visits, err);
  return !status && c->who.failed ? out_of_memory(err) : status;
}

/* ---- looking ahead ---- */

bool pw_charges_look_ahead(const struct pw_charges *c)
{
  return c->future != NULL;
}

int pw_charges_note(struct pw_charges *c, const struct pw_numbered *b, struct pw_error *err)
{
  c->n_ids = b->n_ids;
  return pw_chunk_note(&c->chunk, b, c->future, err);
}

int pw_charges_turn(struct pw_charges *c, struct pw_error *err)
{
  return pw_future_turn(c->future, c->n_ids, err);
}
