/* The inside of pw_charges, which three files share: charges.c goes through the blocks, charge_changes.c charges
 * what the account wrote down, charge_machine.c accesses, misses and what memory does. */
#ifndef PW_CHARGES_STATE_H
#define PW_CHARGES_STATE_H

#include "witness/charges.h"
#include "witness/who.h"
#include "base/block.h"
#include "engine/stretch.h"
#include "memory/future.h"
#include "memory/memory.h"
#include "mmu/hierarchy.h"

struct pw_charges {
  struct pw_model part;
  const char *trace;         /* its name */
  struct pw_config config;
  struct pw_run_options options;
  struct pw_who who;
  struct pw_heat *heat;
  enum pw_heat_of heat_of;
  struct pw_hierarchies *front;
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
  const struct pw_paged *numbered;
  const struct pw_block *block;
  size_t change, step;       /* next of the account's lists */
  uint32_t faulter;          /* visit that opened the page of the last change */
  uint32_t page_owner[PW_BLOCK_VISITS];
  uint64_t page_age[PW_BLOCK_VISITS], age; /* page_owner holds where the ages agree */
  uint64_t accesses;         /* before the chunk */
  /* of the chunk */
  struct pw_lists lists;
  uint32_t from;
  uint32_t opener[2], toucher[2]; /* visits that opened the current pages: of the accesses, of the touches */
  uint32_t touch_visit[PW_CHUNK_TOUCHES], touch_opener[PW_CHUNK_TOUCHES];
  uint64_t when[PW_CHUNK_VISITS];
  uint64_t next[PW_CHUNK_TOUCHES];
  uint32_t victim_id[PW_CHUNK_TOUCHES], victim_at[PW_CHUNK_TOUCHES];
};

static inline struct pw_owned *pw_charge_owned(struct pw_charges *c, uint32_t owner)
{
  return &c->who.owners.items[owner];
}

static inline uint64_t pw_charge_base_key(const struct pw_charges *c, uint32_t visit)
{
  return c->block->pages[c->block->page[visit]];
}

static inline uint64_t pw_charge_first_base_key(const struct pw_charges *c, uint32_t id)
{
  return pw_key(pw_key_process(c->key[id]), (c->key[id] & PW_PAGE_MASK) << (c->config.page_shift - PW_BASE_SHIFT));
}

static inline void pw_charge_heat(struct pw_charges *c, enum pw_heat_of of, uint64_t key, uint64_t when, uint64_t n)
{
  if (c->heat_of == of && n) pw_heat_add(c->heat, key, pw_who_region(&c->who, key), when, n);
}

/* charge_changes.c */

/* By region and object: the owner of the block's page of this index. */
uint32_t pw_charge_owner_of_page(struct pw_charges *c, uint32_t index);
/* Of a touch in a visit, of the page that visit `opener` opened. */
uint32_t pw_charge_owner_of_touch(struct pw_charges *c, uint32_t visit, uint32_t opener);
/* The kernel, on its program's behalf, touched the page of this id within the event's range. */
uint32_t pw_charge_owner_of_event(struct pw_charges *c, const struct pw_event *event, uint32_t id);
void pw_charge_change(struct pw_charges *c, const struct pw_change *change);
/* The account's next changes: those of visits below `to`, or of the event. */
void pw_charge_changes(struct pw_charges *c, uint32_t to, uint32_t event);

/* charge_machine.c, visits [from, to) of a chunk */

void pw_charge_accesses(struct pw_charges *c, uint32_t from, uint32_t to);
/* Whose the chunk's touches are; then what memory does at them, and the TLBs. */
void pw_charge_place_touches(struct pw_charges *c, uint32_t from, uint32_t to);
void pw_charge_memory(struct pw_charges *c, struct pw_victims *victims);
void pw_charge_lookups(struct pw_charges *c, const struct pw_hierarchies_input *in);
int pw_charge_kernel(struct pw_charges *c, const struct pw_step *step, struct pw_error *err);
int pw_charge_leave(struct pw_charges *c, const struct pw_step *step, struct pw_error *err);

#endif
