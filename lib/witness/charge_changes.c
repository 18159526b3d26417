/* Who owns a touch, and who is charged for what the account wrote down: faults, pages and tables that come and go. */
#include "witness/charges_state.h"

/* ---- owners ---- */

/* By region and object: the owner of the block's page of this index. */
uint32_t pw_charge_owner_of_page(struct pw_charges *c, uint32_t index)
{
  if (c->page_age[index] != c->age) {
    c->page_owner[index] = pw_who_page(&c->who, c->block->pages[index]);
    c->page_age[index] = c->age;
  }
  return c->page_owner[index];
}

/* Of a touch in a visit, of the page that visit `opener` opened. */
uint32_t pw_charge_owner_of_touch(struct pw_charges *c, uint32_t visit, uint32_t opener)
{
  if (c->by_page) return pw_charge_owner_of_page(c, c->block->page[opener]);
  uint64_t key = pw_charge_base_key(c, opener);
  if (c->who.by == PW_BY_FUNCTION) return pw_who_function(&c->who, pw_key_process(key), c->block->pc[visit]);
  return pw_who_address(&c->who, pw_key_process(key), (key & PW_PAGE_MASK) << PW_BASE_SHIFT | c->block->offset[opener],
                        c->block->flags[opener] & PW_VISIT_CODE);
}

/* ---- the account's changes ---- */

/* The kernel, on its program's behalf, touched the page of this id within the event's range. */
uint32_t pw_charge_owner_of_event(struct pw_charges *c, const struct pw_event *e, uint32_t id)
{
  if (c->who.by == PW_BY_FUNCTION) return pw_who_kernel(&c->who);
  uint64_t address = (c->key[id] & PW_PAGE_MASK) << c->config.page_shift;
  if (address < e->a) address = e->a;
  return pw_who_address(&c->who, pw_key_process(c->key[id]), address, false);
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
  if (exists) pw_share_add(peak, &pw_charge_owned(c, owner)->table_bytes, change->bytes);
  else pw_share_take(peak, &pw_charge_owned(c, owner)->table_bytes, change->bytes);
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

void pw_charge_change(struct pw_charges *c, const struct pw_change *change)
{
  const struct pw_event *e = change->event == PW_BY_VISIT ? NULL : &c->block->events[change->event];
  struct pw_owned *o;
  uint32_t owner, opener;
  switch (change->kind) {
    case PW_CHANGE_FAULT:
    case PW_CHANGE_ARRIVE:
    case PW_CHANGE_COPY:
      opener = e ? 0 : change_opener(c, change);
      owner = e ? pw_charge_owner_of_event(c, e, change->id) : pw_charge_owner_of_touch(c, change->at, opener);
      if (change->kind == PW_CHANGE_FAULT) {
        uint64_t key = e ? pw_charge_first_base_key(c, change->id) : pw_charge_base_key(c, opener);
        pw_charge_owned(c, owner)->counts.minor_faults++;
        pw_charge_heat(c, PW_HEAT_FAULTS, key, e || !c->heat ? c->accesses : c->when[change->at - c->from], 1);
        return;
      }
      c->brought[change->id] = owner;
      if (change->kind == PW_CHANGE_ARRIVE) c->fresh[change->id] = 1;
      pw_share_add(&c->who.owners.touched_pages, &pw_charge_owned(c, owner)->touched_pages, 1);
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
      o = pw_charge_owned(c, c->brought[change->id]);
      pw_share_take(&c->who.owners.touched_pages, &o->touched_pages, 1);
      o->returned_pages += change->returned;
      return;
    default:
      take_table(c, change);
  }
}

/* Those of visits below `to`, or of the event. */
void pw_charge_changes(struct pw_charges *c, uint32_t to, uint32_t event)
{
  for (; c->change < c->numbered->n_changes; c->change++) {
    const struct pw_change *change = &c->numbered->changes[c->change];
    if (change->event != event || (event == PW_BY_VISIT && change->at >= to)) return;
    pw_charge_change(c, change);
  }
}
