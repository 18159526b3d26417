/* Policies that take one page at a time from one list, to be compared with Linux's: fifo, lru, clock, random. See reclaim.h. */
#include "os/linux/computer.h"

#include "base/random.h"

enum { DRAWS = 64 };

static bool may_leave(const struct pw_computer *c, const struct pw_folio *f)
{
  bool needs_slot = pw_is_swapped(c, f) && f->slot == PW_NO_SLOT;
  return !f->pinned && (!needs_slot || pw_swap_free(&c->reclaim.swap));
}

static bool take_out(struct pw_computer *c, uint32_t number, uint64_t *freed)
{
  struct pw_reclaim *r = &c->reclaim;
  uint32_t pages[PW_HUGE_PAGES];
  uint64_t size = UINT64_C(1) << r->folios.list[number].order, written = 0;
  size_t n = 0;
  pw_lru_remove(c, number);
  if (size > 1 && pw_must_split(c, number) && !pw_block_split(c, number, pages, &n, freed)) {
    while (n) pw_list_put(c, pages[--n], PW_ANON_INACTIVE, false); /* they leave next, if they may */
    return *freed > 0;
  }
  if (pw_evict(c, number, &written) == PW_EVICT_GONE) {
    *freed += size;
    return true;
  }
  pw_list_put(c, number, PW_ANON_INACTIVE, true);
  return false;
}

/* From the tail: the first that may leave, and (clock) was not used since it was looked at last. */
static uint64_t take_tail(struct pw_computer *c, struct pw_lruvec *v)
{
  struct pw_reclaim *r = &c->reclaim;
  uint64_t freed = 0, looks = 2 * v->pages[PW_ANON_INACTIVE] + 1;
  bool clock = r->options.policy == PW_SYSTEM_RECLAIM_CLOCK, executable;
  for (uint32_t number = v->tail[PW_ANON_INACTIVE], next; number != PW_NO_FOLIO && looks-- && !r->status; number = next) {
    next = r->folios.list[number].prev;
    r->counts.scanned++;
    if (clock && pw_references(c, number, &executable)) {
      pw_lru_use(c, number);
      if (next == PW_NO_FOLIO) next = v->tail[PW_ANON_INACTIVE];
    } else if (may_leave(c, &r->folios.list[number]) && take_out(c, number, &freed)) {
      return freed;
    }
  }
  return freed;
}

/* Any page of these lists: drawn among all folios until one may leave; after some misses the next one that may. */
static uint64_t take_any(struct pw_computer *c, const struct pw_lruvec *v)
{
  struct pw_reclaim *r = &c->reclaim;
  uint64_t freed = 0;
  size_t n = r->folios.n, at = 0;
  for (size_t looks = 0; n && looks < n + DRAWS; looks++) {
    at = looks < DRAWS ? pw_random_below(&r->random, (uint32_t)n) : (at + 1) % n;
    const struct pw_folio *f = &r->folios.list[at];
    if (f->list != PW_ANON_INACTIVE || &r->lru[f->charged] != v || !may_leave(c, f)) continue;
    return take_out(c, (uint32_t)at, &freed) ? freed : 0;
  }
  return 0;
}

uint64_t pw_one_list_reclaim(struct pw_computer *c, bool group)
{
  bool random = c->reclaim.options.policy == PW_SYSTEM_RECLAIM_RANDOM;
  uint64_t freed = pw_split_deferred(c);
  for (int v = group; !freed && v <= (c->reclaim.options.limit_pages != UINT64_MAX); v++)
    freed = random ? take_any(c, &c->reclaim.lru[v]) : take_tail(c, &c->reclaim.lru[v]);
  return freed;
}
