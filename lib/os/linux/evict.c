/* Pages leave memory. See reclaim.h; the rules are those of try_to_unmap (mm/rmap.c) and pageout (mm/vmscan.c). */
#include "os/linux/computer.h"

/* ---- accessed bits ---- */

struct references {
  struct pw_computer *c;
  const struct pw_folio *folio;
  unsigned n;
  bool executable;
};

static void take_reference(void *context, struct pw_mm *mm, uint64_t page, uint32_t *pte, bool huge)
{
  struct references *r = context;
  struct pw_native_vma area;
  if (!(*pte & PW_PTE_ACCESSED)) return;
  *pte &= ~PW_PTE_ACCESSED;
  r->n++;
  if (r->c->reclaim.unseen) r->c->reclaim.unseen(r->c->reclaim.context, page, huge);
  if (r->folio->key != PW_PRIVATE && !r->executable && pw_mm_area(mm, page, &area)) r->executable = area.flags & PW_MAP_EXECUTE;
}

unsigned pw_references(struct pw_computer *c, uint32_t number, bool *executable)
{
  struct references r = {.c = c, .folio = &c->reclaim.folios.list[number]};
  pw_folio_each(r.folio, take_reference, &r);
  *executable = r.executable;
  return r.n;
}

/* ---- unmapping ---- */

struct unmapping {
  struct pw_computer *c;
  struct pw_folio *folio;
  uint32_t slot;  /* of its first page, or PW_NO_SLOT: of a file, and nothing stays in the entry */
};

static void unmap_entry(void *context, struct pw_mm *mm, uint64_t page, uint32_t *pte, bool huge)
{
  struct unmapping *u = context;
  (void)huge;
  mm->counts.peak = pw_most(mm->counts.peak, mm->counts.own + mm->counts.cached); /* it falls from here */
  u->folio->holders--;
  if (pw_pte_is_own(*pte)) {
    uint32_t slot = u->slot + pw_pte_frame(*pte) - u->folio->frame;
    *pte = slot << PW_PTE_BITS | PW_PTE_SWAP | (pw_pte_state(*pte) == PW_PTE_FORKED ? 0 : PW_PTE_EXCLUSIVE);
    u->c->reclaim.swap.slots[slot].users++;
    mm->counts.own--;
    mm->counts.swapped++;
  } else {
    *pte = PW_PTE_NONE;
    mm->counts.cached--;
  }
  pw_mm_shot(mm, page, page + 1);
}

static void unmap_all(struct pw_computer *c, struct pw_folio *f, uint32_t slot)
{
  struct unmapping u = {c, f, slot};
  pw_block_split_mappings(c, (uint32_t)(f - c->reclaim.folios.list));
  pw_folio_each(f, unmap_entry, &u);
}

/* Nobody maps it, and its frames are free. */
static void leave(struct pw_computer *c, uint32_t number)
{
  struct pw_folio *f = &c->reclaim.folios.list[number];
  *(f->key == PW_PRIVATE ? &c->now.anon : &c->now.file) -= UINT64_C(4096) << f->order;
  if (f->key != PW_PRIVATE && !f->charged) c->reclaim.uncharged--;
  pw_computer_forget_folio(c, f);
}

/* ---- to swap ---- */

/* Slots for a folio that has none yet. */
static bool need_slots(struct pw_computer *c, struct pw_folio *f)
{
  struct pw_reclaim *r = &c->reclaim;
  uint32_t slot;
  if (f->slot != PW_NO_SLOT) return true;
  int status = pw_swap_take(&r->swap, 1u << f->order, &slot);
  if (status == PW_ENOMEM) r->status = status;
  if (status) return false;
  f->slot = slot;
  f->dirty = true;
  c->peak.swap = pw_most(c->peak.swap, r->swap.used << PW_BASE_SHIFT);
  return true;
}

static void write_out(const struct pw_folio *f, uint64_t *written)
{
  uint64_t pages = UINT64_C(1) << f->order;
  if (!f->dirty) return;
  *written += pages;
  if (!f->of) return;
  f->of->counts.swap_outs += pages;
  f->of->counts.thp_swap_outs += f->order > 0;
}

static enum pw_evicted swap_out(struct pw_computer *c, uint32_t number, uint64_t *written)
{
  struct pw_reclaim *r = &c->reclaim;
  struct pw_folio *f = &r->folios.list[number];
  bool shared = f->key != PW_PRIVATE, added;
  if (shared && pw_pagemap_reserve(&c->swapped, 1)) r->status = PW_ENOMEM;
  if (r->status || !need_slots(c, f)) return PW_EVICT_STAYS;
  unmap_all(c, f, f->slot);
  write_out(f, written);
  if (f->dirty && !shared && pw_swap_is_slow(c)) {
    f->dirty = false;
    r->swap.slots[f->slot].folio = number;
    return pw_writing_begin(c, number) ? PW_EVICT_WRITTEN : PW_EVICT_STAYS;
  }
  uint32_t shadow = pw_shadow_make(c, number);
  for (uint32_t i = 0; i >> f->order == 0; i++) {
    r->swap.slots[f->slot + i].folio = PW_NO_FOLIO;
    r->swap.slots[f->slot + i].shadow = shadow;
  }
  if (shared) {
    r->swap.slots[f->slot].users++;
    r->swap.slots[f->slot].shared = 1;
    pw_pagemap_insert(&c->swapped, f->key, f->slot, &added);
    pw_pagemap_remove(&c->pages, f->key);
  }
  leave(c, number);
  return PW_EVICT_GONE;
}

/* ---- to a file, or nowhere ---- */

static enum pw_evicted drop_cached(struct pw_computer *c, uint32_t number, uint64_t *written)
{
  struct pw_reclaim *r = &c->reclaim;
  struct pw_folio *f = &r->folios.list[number];
  bool added;
  if (pw_pagemap_reserve(&c->shadows, 1)) {
    r->status = PW_ENOMEM;
    return PW_EVICT_STAYS;
  }
  unmap_all(c, f, PW_NO_SLOT);
  *written += f->dirty;
  c->writebacks += f->dirty;
  *pw_pagemap_insert(&c->shadows, f->key, 0, &added) = pw_shadow_make(c, number);
  pw_pagemap_remove(&c->pages, f->key);
  leave(c, number);
  return PW_EVICT_GONE;
}

static void tell(struct pw_computer *c, const struct pw_told *told)
{
  if (told->mm) c->tell(c->tell_context, told);
}

/* Whose page it is, and how long the lists are. */
static struct pw_told told_of(struct pw_computer *c, uint32_t number)
{
  const struct pw_folio *f = &c->reclaim.folios.list[number];
  struct pw_told told = {.what = PW_TOLD_EVICTION, .mm = f->first.mm ? f->first.mm : f->of, .page = f->first.page, .huge = f->order > 0, .mapped = f->holders > 0,
                         .swap = pw_is_swapped(c, f)};
  for (int list = 0; list < PW_LISTS; list++) told.lists[list] = pw_lruvec_of(c, number)->pages[list];
  return told;
}

enum pw_evicted pw_evict(struct pw_computer *c, uint32_t number, uint64_t *written)
{
  struct pw_told told = {.mm = NULL};
  if (c->tell) told = told_of(c, number);
  bool swaps = pw_is_swapped(c, &c->reclaim.folios.list[number]);
  enum pw_evicted evicted = swaps ? swap_out(c, number, written) : drop_cached(c, number, written);
  bool told_before = swaps && evicted == PW_EVICT_GONE && !told.mapped; /* when it was written */
  if (evicted != PW_EVICT_STAYS && !told_before) tell(c, &told);
  return evicted;
}
