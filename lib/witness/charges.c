/* One machine, with every count charged to an owner: its making, and the way through the blocks. See charges.h. */
#include <string.h>

#include "witness/charges_state.h"
#include "base/alloc.h"

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the owners of all pages; free some, or run larger pages or a part of the trace (--limit)");
}

/* ---- beginning and end ---- */

static int feed_block(struct pw_model *part, const struct pw_paged *numbered, struct pw_error *err);

static void destroy(struct pw_model *part)
{
  struct pw_charges *c = (struct pw_charges *)part;
  pw_who_clear(&c->who);
  pw_heat_destroy(c->heat);
  pw_hierarchies_destroy(c->front);
  pw_memory_destroy(c->memory);
  pw_future_destroy(c->future);
  pw_free(c->key);
  pw_free(c->brought);
  pw_free(c->faulted);
  pw_free(c->fresh);
  for (size_t i = 0; i < sizeof c->tables / sizeof *c->tables; i++) pw_pagemap_clear(&c->tables[i]);
  pw_free(c);
}

static const struct pw_model_class class = {feed_block, destroy};

static int create_machine(struct pw_charges *c, struct pw_error *err)
{
  struct pw_hierarchy hierarchy = {c->config.itlb, c->config.dtlb, c->config.stlb};
  bool unlimited = c->config.memory_bytes == PW_UNLIMITED;
  int status = pw_hierarchies_create(&c->front, c->options.seed, err);
  if (status) return status;
  int64_t number = pw_hierarchies_add(c->front, &hierarchy, err);
  if (number < 0) return (int)number;
  c->alternating = pw_hierarchy_alternates(&hierarchy);
  c->all_touches = !unlimited || pw_hierarchies_needs_all(c->front);
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
  pw_lists_init(&c->lists, options->only);
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

/* ---- the block ---- */

static int feed_chunk(struct pw_charges *c, uint32_t from, uint32_t to, struct pw_error *err)
{
  struct pw_hierarchies_input in = {0};
  struct pw_victims victims = {0, c->victim_id, c->victim_at};
  c->from = from;
  if (c->all_touches) {
    pw_lists_touches(&c->lists, from, to);
    pw_charge_place_touches(c, from, to);
  }
  pw_charge_accesses(c, from, to);
  pw_charge_changes(c, to, PW_BY_VISIT);
  if (c->future) {
    int status = pw_future_read(c->future, c->next, c->lists.n, err);
    if (status) return status;
  }
  if (c->memory) pw_charge_memory(c, &victims);
  if (pw_hierarchies_is_idle(c->front)) return 0;
  if (c->all_touches) pw_lists_lookups(&c->lists, &victims, c->key, c->alternating, &in);
  else pw_lists_openers(&c->lists, from, to, &in);
  pw_charge_lookups(c, &in);
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
      return pw_charge_leave(c, s, err);
    case PW_STEP_KERNEL:
      return pw_charge_kernel(c, s, err);
    case PW_STEP_FLUSH:
      pw_lists_forget(&c->lists);
      pw_hierarchies_flush(c->front);
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
  uint64_t age = c->who.spaces.age;
  int status = 0;
  pw_charge_changes(c, 0, number);
  for (; !status && c->step < c->numbered->n_steps && c->numbered->steps[c->step].event == number; c->step++)
    status = take_step(c, &c->numbered->steps[c->step], err);
  if (!status) status = pw_spaces_event(&c->who.spaces, &c->block->events[number], NULL, NULL, err);
  c->age += age != c->who.spaces.age;
  return status;
}

static int reserve(struct pw_charges *c, const struct pw_paged *n, struct pw_error *err)
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

static int feed_block(struct pw_model *part, const struct pw_paged *numbered, struct pw_error *err)
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
  pw_lists_begin(&c->lists, numbered);
  uint32_t from = 0;
  for (; c->change < numbered->n_changes && is_first_root(&numbered->changes[c->change]); c->change++)
    pw_charge_change(c, &numbered->changes[c->change]);
  for (uint32_t i = 0; !status && i < b->n_events; i++) {
    status = feed_stretch(c, from, b->events[i].at, err);
    from = b->events[i].at;
    if (!status) status = take_event(c, i, err);
  }
  if (!status) status = feed_stretch(c, from, b->n_visits, err);
  if (status || !c->who.failed) return status;
  return c->who.spaces.texts.full ? pw_spaces_failed(&c->who.spaces, err) : out_of_memory(err);
}

/* ---- looking ahead ---- */

bool pw_charges_look_ahead(const struct pw_charges *c)
{
  return c->future != NULL;
}

int pw_charges_note(struct pw_charges *c, const struct pw_paged *b, struct pw_error *err)
{
  c->n_ids = b->n_ids;
  return pw_lists_note(&c->lists, b, c->future, err);
}

int pw_charges_turn(struct pw_charges *c, struct pw_error *err)
{
  return pw_future_turn(c->future, c->n_ids, err);
}
