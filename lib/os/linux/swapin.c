/* Swap on devices that take time. See swapin.h. Names in brackets are the kernel's. */
#include "os/linux/swapin.h"

#include "base/alloc.h"
#include "os/linux/computer.h"

enum { FIRST_HITS = 4, MOST_HITS = 63, MOST_CLUSTER = 5 };

bool pw_swap_is_slow(const struct pw_computer *c)
{
  return c->reclaim.options.device != PW_SYSTEM_SWAP_SYNC && c->reclaim.options.policy == PW_SYSTEM_RECLAIM_LINUX;
}

/* ---- how much ---- */

/* [__swapin_nr_pages] Twice as much as was of use, and not much less than the last time. */
static unsigned window(uint64_t before, uint64_t at, unsigned hits, unsigned most, unsigned last)
{
  unsigned pages = 4;
  if (!hits) pages = at == before + 1 || at + 1 == before ? 2 : 1;
  while (hits && pages < hits + 2) pages *= 2;
  if (pages > most) pages = most;
  return pages < last / 2 ? last / 2 : pages;
}

/* ---- reading ---- */

/* [__read_swap_cache_async] */
static int read_slot(struct pw_computer *c, struct pw_mm *m, uint32_t slot, bool ahead, uint32_t *number)
{
  struct pw_slot *s = &c->reclaim.swap.slots[slot];
  uint32_t frame;
  int status = pw_computer_take_private(c, 0, ahead ? PW_EFFORT_LIGHT : PW_EFFORT_ALL, m, &frame, number);
  if (status) return status;
  s = &c->reclaim.swap.slots[slot];
  if (s->folio != PW_NO_FOLIO || !s->users) { /* who held it was killed for the frame */
    pw_computer_forget_private(c, *number);
    return PW_MM_NO_FRAME;
  }
  struct pw_folio *f = &c->reclaim.folios.list[*number];
  pw_lru_refault(c, *number, s->shadow);
  f->slot = slot;
  f->readahead = ahead;
  s->folio = *number;
  pw_lru_add(c, *number);
  m->counts.swap_ins++;
  m->counts.swap_ra += ahead;
  return 0;
}

/* One of those that are read together; the one that is needed stays. */
static int read_one(struct pw_computer *c, struct pw_mm *m, uint32_t slot, uint32_t needed, uint32_t *number)
{
  uint32_t other;
  const struct pw_slot *s = slot < c->reclaim.swap.n_slots ? &c->reclaim.swap.slots[slot] : NULL;
  if (!s || s->folio != PW_NO_FOLIO || !s->users || s->shared) return 0;
  int status = read_slot(c, m, slot, slot != needed, slot == needed ? number : &other);
  if (slot != needed) return status == PW_MM_NO_FRAME ? 0 : status;
  if (!status) c->reclaim.folios.list[*number].pinned = true;
  return status;
}

/* [swap_cluster_readahead] The device's first page is its header, so that slot n is its page n + 1. */
static int read_cluster(struct pw_computer *c, struct pw_mm *m, uint32_t slot, uint32_t *number)
{
  struct pw_reclaim *r = &c->reclaim;
  uint64_t at = (uint64_t)slot + 1;
  unsigned most = 1u << r->options.page_cluster, hits = r->ahead.known ? r->ahead.hits : FIRST_HITS, pages = 1;
  if (most > 1) {
    pages = window(r->ahead.page, at, hits, most, r->ahead.window);
    if (!hits) r->ahead.page = at;
    r->ahead.window = (uint8_t)pages;
    r->ahead.hits = 0;
    r->ahead.known = true;
  }
  uint64_t first = pages > 1 ? at & ~(uint64_t)(pages - 1) : at, last = pages > 1 ? at | (pages - 1) : at;
  int status = 0;
  for (uint64_t i = first ? first : 1; !status && i <= last && i <= r->swap.n; i++) status = read_one(c, m, (uint32_t)(i - 1), slot, number);
  return status;
}

/* [swap_vma_ra_win] In pages, [*first, *end). */
static void choose_window(const struct pw_computer *c, const struct pw_range *area, struct pw_swap_ahead *ahead, uint64_t page, uint64_t leaf,
                          uint64_t *first, uint64_t *end)
{
  unsigned order = c->reclaim.options.page_cluster < MOST_CLUSTER ? c->reclaim.options.page_cluster : MOST_CLUSTER;
  uint64_t before = ahead->page, pages = 1;
  *first = page;
  if (order) {
    pages = window(before, page, ahead->known ? ahead->hits : FIRST_HITS, 1u << order, ahead->window);
    *ahead = (struct pw_swap_ahead){.page = page, .window = (uint8_t)pages, .known = true};
  }
  uint64_t left = page == before + 1 ? 0 : before == page + 1 ? pages - 1 : (pages - 1) / 2;
  uint64_t table = page & ~(leaf - 1);
  *first = pw_most(pw_most(page - pw_least(page, left), area->first), table);
  *end = pw_least(pw_least(page - pw_least(page, left) + pages, area->last + 1), table + leaf);
}

/* [swap_vma_readahead] */
static int read_around(struct pw_computer *c, struct pw_mm *m, const struct pw_range *area, struct pw_swap_ahead *ahead, uint64_t page,
                       const uint32_t *ptes, uint32_t slot, uint32_t *number)
{
  uint64_t leaf = pw_ptables_leaf(&m->tables), first, end;
  int status = 0;
  choose_window(c, area, ahead, page, leaf, &first, &end);
  for (uint64_t p = first; !status && p < end; p++) {
    uint32_t pte = ptes[p & (leaf - 1)];
    if (pw_pte_state(pte) == PW_PTE_SWAP) status = read_one(c, m, pw_pte_frame(pte), slot, number);
  }
  return status;
}

int pw_swap_read(struct pw_computer *c, struct pw_mm *m, const struct pw_range *area, struct pw_swap_ahead *ahead, uint64_t page,
                 const uint32_t *ptes, uint32_t slot, uint32_t *frame)
{
  uint32_t number = PW_NO_FOLIO;
  int status = c->reclaim.options.device == PW_SYSTEM_SWAP_DISK ? read_cluster(c, m, slot, &number)
                                                                : read_around(c, m, area, ahead, page, ptes, slot, &number);
  if (number == PW_NO_FOLIO) return status ? status : PW_MM_NO_FRAME;
  struct pw_folio *f = &c->reclaim.folios.list[number];
  f->pinned = false;
  *frame = f->frame;
  pw_lru_drain(c);
  return status;
}

/* [swap_cache_get_folio] */
void pw_swap_hit(struct pw_computer *c, struct pw_mm *m, struct pw_swap_ahead *ahead, uint64_t page, uint32_t number)
{
  struct pw_reclaim *r = &c->reclaim;
  struct pw_folio *f = &r->folios.list[number];
  bool was = f->readahead, rotates = r->options.device == PW_SYSTEM_SWAP_DISK;
  f->readahead = false;
  m->counts.swap_ra_hits += was;
  if (!pw_swap_is_slow(c) || (rotates && !was)) return;
  struct pw_swap_ahead *of = rotates ? &r->ahead : ahead;
  uint8_t hits = of->known ? of->hits : FIRST_HITS;
  of->hits = (uint8_t)(hits + (was && hits < MOST_HITS));
  of->known = true;
  if (!rotates) of->page = page;
}

/* ---- writing ---- */

bool pw_writing_begin(struct pw_computer *c, uint32_t number)
{
  struct pw_reclaim *r = &c->reclaim;
  if (r->first_writing == r->n_writing) r->first_writing = r->n_writing = 0;
  if (pw_grow((void **)&r->writing, &r->writing_room, r->n_writing + 1, sizeof *r->writing)) {
    r->status = PW_ENOMEM;
    return false;
  }
  if (!++r->writes) r->writes = 1; /* 0: it is not written */
  r->folios.list[number].writing = r->writes;
  r->writing[r->n_writing++] = (struct pw_writing){number, r->writes, (c->clock ? *c->clock : 0) + r->options.latency};
  return true;
}

/* The oldest is written: true if it is still there. [folio_rotate_reclaimable] */
static bool end_oldest(struct pw_computer *c)
{
  struct pw_reclaim *r = &c->reclaim;
  const struct pw_writing *w = &r->writing[r->first_writing++];
  struct pw_folio *f = &r->folios.list[w->folio];
  if (f->list == PW_NO_LIST || f->order || f->writing != w->number) return false;
  f->writing = 0;
  if (f->list == PW_ANON_INACTIVE && !f->dirty) {
    pw_list_take(c, w->folio);
    pw_list_put(c, w->folio, PW_ANON_INACTIVE, false);
  }
  return true;
}

void pw_writing_end(struct pw_computer *c)
{
  const struct pw_reclaim *r = &c->reclaim;
  while (r->first_writing < r->n_writing && r->writing[r->first_writing].due <= (c->clock ? *c->clock : 0)) end_oldest(c);
}

uint64_t pw_writing_wait(struct pw_computer *c, uint64_t pages)
{
  struct pw_reclaim *r = &c->reclaim;
  uint64_t n = 0;
  while (n < pages && r->first_writing < r->n_writing) n += end_oldest(c);
  r->counts.swap_waits += n;
  return n;
}
