/* Every count of a machine charged to an owner. See charges.h. */
#include "witness/charges.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/pagemap.h"

struct pw_charges {
  struct pw_witness witness;
  const char *trace;         /* its name */
  unsigned page_shift;
  struct pw_who who;
  bool by_page, wants[2];    /* by region or object; streams */
  /* by id */
  const uint64_t *key;
  uint32_t *brought;         /* owner whose access brought the page into use */
  uint32_t *faulted;         /* by frame of a finite memory: owner whose access brought it in last */
  size_t brought_room, faulted_room;
  struct pw_pagemap tables[65]; /* by span_bits: prefix -> owner */
  /* of the block */
  const struct pw_block *block;
  uint32_t opener[2];        /* visits that opened the current pages */
  uint32_t page_owner[PW_BLOCK_VISITS];
  uint64_t page_age[PW_BLOCK_VISITS], age; /* page_owner holds where the ages agree */
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the owners of all pages; free some, or run larger pages or a part of "
                                      "the trace (--limit)");
}

/* ---- owners ---- */

/* By region and object: the owner of the block's page of this index. */
static struct pw_owned *owner_of_page(struct pw_charges *c, uint32_t index)
{
  if (c->page_age[index] != c->age) {
    c->page_owner[index] = pw_who_page(&c->who, c->block->pages[index]);
    c->page_age[index] = c->age;
  }
  return &c->who.owners.items[c->page_owner[index]];
}

static uint32_t number_of(const struct pw_charges *c, const struct pw_owned *owned)
{
  return (uint32_t)(owned - c->who.owners.items);
}

/* The kernel, on its program's behalf, touched the page of this id within the event's range, or moved a part to it. */
static uint32_t owner_of_event(struct pw_charges *c, const struct pw_event *e, uint32_t id)
{
  if (c->who.by == PW_BY_FUNCTION) return pw_who_kernel(&c->who);
  uint64_t address = (c->key[id] & PW_PAGE_MASK) << c->page_shift, first = pw_event_is_kernel(e->kind) ? e->a : e->c;
  if (address < first) address = first;
  return pw_who_address(&c->who, pw_key_process(c->key[id]), address, false);
}

/* Of a touch of the page of this id, which an event's place needs. */
static struct pw_owned *owner_at(struct pw_charges *c, const struct pw_place *place, uint32_t id)
{
  const struct pw_block *b = c->block;
  uint32_t owner;
  if (place->event != PW_BY_VISIT) {
    owner = owner_of_event(c, &b->events[place->event], id);
  } else if (c->by_page) {
    return owner_of_page(c, b->page[place->opener]);
  } else {
    uint64_t key = pw_opened_key(b, place->opener);
    if (c->who.by == PW_BY_FUNCTION) owner = pw_who_function(&c->who, pw_key_process(key), b->pc[place->visit]);
    else owner = pw_who_address(&c->who, pw_key_process(key), (key & PW_PAGE_MASK) << PW_BASE_SHIFT | b->offset[place->opener],
                                b->flags[place->opener] & PW_VISIT_CODE);
  }
  return &c->who.owners.items[owner];
}

/* ---- what the machine does ---- */

static void visits(struct pw_witness *w, uint32_t from, uint32_t to)
{
  struct pw_charges *c = (struct pw_charges *)w;
  const struct pw_block *b = c->block;
  for (uint32_t i = from; c->by_page && i < to; i++) {
    c->opener[b->flags[i] & PW_VISIT_CODE] = i;
    if (c->wants[1] && b->fetches[i]) owner_of_page(c, b->page[c->opener[1]])->counts.counted.fetches += b->fetches[i];
    if (!c->wants[0] || b->loads[i] + b->stores[i] == 0) continue;
    struct pw_totals *counted = &owner_of_page(c, b->page[c->opener[0]])->counts.counted;
    counted->loads += b->loads[i];
    counted->stores += b->stores[i];
  }
}

static void missed(struct pw_witness *w, enum pw_array array, const struct pw_place *place, uint64_t n)
{
  struct pw_result *counts = &owner_at((struct pw_charges *)w, place, 0)->counts;
  uint64_t *const of[] = {&counts->itlb_misses, &counts->dtlb_misses, &counts->stlb_misses};
  *of[array] += n;
}

static void evicted(struct pw_witness *w, uint32_t frame, bool written)
{
  struct pw_charges *c = (struct pw_charges *)w;
  c->who.owners.items[c->faulted[frame]].counts.swap_outs += written;
}

static void faulted(struct pw_witness *w, uint32_t frame, uint32_t id, bool major, const struct pw_place *place)
{
  struct pw_charges *c = (struct pw_charges *)w;
  struct pw_owned *owner = owner_at(c, place, id);
  c->faulted[frame] = number_of(c, owner);
  owner->counts.major_faults += major;
}

/* ---- what the account writes down ---- */

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
  struct pw_share *share = &c->who.owners.items[owner].table_bytes;
  if (exists) pw_share_add(peak, share, change->bytes);
  else pw_share_take(peak, share, change->bytes);
}

static void changed(struct pw_witness *w, const struct pw_change *change, const struct pw_place *place)
{
  struct pw_charges *c = (struct pw_charges *)w;
  struct pw_owned *owner;
  switch (change->kind) {
    case PW_CHANGE_FAULT:
      owner_at(c, place, change->id)->counts.minor_faults++;
      return;
    case PW_CHANGE_ARRIVE:
    case PW_CHANGE_COPY:
      owner = owner_at(c, place, change->id);
      c->brought[change->id] = number_of(c, owner);
      pw_share_add(&c->who.owners.touched_pages, &owner->touched_pages, 1);
      return;
    case PW_CHANGE_FORK: /* the frame stays its bringer's, whoever uses it */
    case PW_CHANGE_MOVE:
      c->brought[change->id] = c->brought[change->from];
      return;
    case PW_CHANGE_LEAVE:
      owner = &c->who.owners.items[c->brought[change->id]];
      pw_share_take(&c->who.owners.touched_pages, &owner->touched_pages, 1);
      owner->returned_pages += change->returned;
      return;
    default:
      take_table(c, change);
  }
}

/* ---- blocks ---- */

static int begin(struct pw_witness *w, const struct pw_paged *paged, const uint64_t *key, struct pw_error *err)
{
  struct pw_charges *c = (struct pw_charges *)w;
  const struct pw_block *b = c->block = paged->block;
  size_t room = paged->n_ids ? paged->n_ids : 1;
  if (!c->by_page && b->n_visits && !b->pc)
    return pw_error_set(err, PW_EINVAL, "%s does not hold the instructions that attribution by %s needs; record it again with "
                                        "--pc, or attribute by region",
                        c->trace, pw_by_name(c->who.by));
  c->key = key;
  c->age++;
  bool failed = pw_grow((void **)&c->brought, &c->brought_room, room, sizeof *c->brought) ||
                pw_grow((void **)&c->faulted, &c->faulted_room, paged->n_frames ? paged->n_frames : 1, sizeof *c->faulted);
  return failed ? out_of_memory(err) : 0;
}

/* What the event does to the owners' places. */
static int event(struct pw_witness *w, const struct pw_event *e, struct pw_error *err)
{
  struct pw_charges *c = (struct pw_charges *)w;
  uint64_t age = c->who.spaces.age;
  int status = pw_spaces_event(&c->who.spaces, e, NULL, NULL, err);
  c->age += age != c->who.spaces.age;
  return status;
}

static void count(struct pw_witness *w)
{
  pw_owners_reset_counts(&((struct pw_charges *)w)->who.owners);
}

static int end(struct pw_witness *w, struct pw_error *err)
{
  const struct pw_who *who = &((struct pw_charges *)w)->who;
  if (!who->failed) return 0;
  return who->spaces.texts.full ? pw_spaces_failed(&who->spaces, err) : out_of_memory(err);
}

static const struct pw_witness_class class = {.begin = begin, .visits = visits, .changed = changed, .event = event,
                                              .evicted = evicted,
                                              .faulted = faulted, .missed = missed, .count = count, .end = end};

/* ---- beginning and end ---- */

int pw_charges_create(struct pw_charges **charges, const char *trace, const struct pw_config *config, enum pw_by by,
                      enum pw_stream only, struct pw_error *err)
{
  struct pw_charges *c = *charges = pw_calloc(1, sizeof *c);
  if (!c) return out_of_memory(err);
  c->witness.class = &class;
  c->trace = trace;
  c->page_shift = config->page_shift;
  c->by_page = by == PW_BY_REGION || by == PW_BY_OBJECT;
  c->wants[0] = only != PW_STREAM_FETCH;
  c->wants[1] = only != PW_STREAM_DATA;
  if (pw_who_init(&c->who, by) == 0) return 0;
  pw_charges_destroy(c);
  *charges = NULL;
  return out_of_memory(err);
}

void pw_charges_destroy(struct pw_charges *c)
{
  if (!c) return;
  pw_who_clear(&c->who);
  pw_free(c->brought);
  pw_free(c->faulted);
  for (size_t i = 0; i < sizeof c->tables / sizeof *c->tables; i++) pw_pagemap_clear(&c->tables[i]);
  pw_free(c);
}

struct pw_who *pw_charges_who(struct pw_charges *c)
{
  return &c->who;
}
