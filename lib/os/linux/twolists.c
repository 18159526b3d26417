/* The two-list algorithm: mm/vmscan.c of Linux 6.18 without lru_gen. See reclaim.h. Names in brackets are the kernel's.
 *
 * A list is scanned from its tail, a batch at a time; what is taken off goes back to a head, or leaves. How much of each list
 * is scanned grows as the priority falls from 12 to 0, and is shared between private memory and files by what they cost. */
#include "os/linux/computer.h"

#include "base/alloc.h"

enum { PRIORITIES = 12, BATCH = 32, ANON = 0, FILES = 1 };

/* One attempt, in one set of lists. */
struct scan {
  struct pw_computer *c;
  struct pw_lruvec *v;
  enum pw_reclaimer who;
  unsigned priority;
  bool forced;          /* deactivate whatever the sizes are */
  bool deactivate[2];   /* private memory, files */
  uint64_t wanted;
};

static struct pw_folio *folio_at(const struct scan *s, uint32_t number)
{
  return &s->c->reclaim.folios.list[number];
}

/* [inactive_is_low] The more memory, the fewer of it need be inactive. */
static bool inactive_is_low(const struct pw_lruvec *v, int kind)
{
  uint64_t inactive = v->pages[2 * kind], active = v->pages[2 * kind + 1], gib = (inactive + active) >> 18;
  return inactive * (gib ? pw_root(10 * gib) : 1) < active;
}

/* ---- batches ---- */

/* From the tail of a list, until they have so many pages: how many folios. [isolate_lru_folios] */
static size_t isolate(struct scan *s, enum pw_lru_list list, uint64_t pages, uint64_t *taken)
{
  struct pw_reclaim *r = &s->c->reclaim;
  size_t n = 0;
  for (*taken = 0; *taken < pages && s->v->tail[list] != PW_NO_FOLIO; n++) {
    if (pw_grow((void **)&r->isolated, &r->isolated_room, n + 1 + PW_HUGE_PAGES, sizeof *r->isolated)) {
      r->status = PW_ENOMEM;
      break;
    }
    r->isolated[n] = s->v->tail[list];
    *taken += UINT64_C(1) << folio_at(s, r->isolated[n])->order;
    pw_list_take(s->c, r->isolated[n]);
  }
  return n;
}

enum fate { LEAVES, STAYS, ACTIVE };

/* [folio_check_references] */
static enum fate judge(struct scan *s, uint32_t number)
{
  struct pw_folio *f = folio_at(s, number);
  bool executable, was = f->referenced;
  if (!f->order && f->writing) return STAYS; /* [simple] it is waited for where that is needed */
  unsigned references = pw_references(s->c, number, &executable);
  f->referenced = references > 0;
  if (!references) return f->pinned ? STAYS : LEAVES;
  return was || references > 1 || (executable && !pw_is_swapped(s->c, f)) ? ACTIVE : STAYS;
}

/* [shrink_inactive_list, shrink_folio_list] */
static uint64_t shrink_inactive(struct scan *s, int kind, uint64_t pages)
{
  struct pw_reclaim *r = &s->c->reclaim;
  uint64_t taken, freed = 0, written = 0;
  size_t kept = 0;
  pw_lru_drain(s->c);
  size_t n = isolate(s, (enum pw_lru_list)(2 * kind), pages, &taken);
  r->counts.scanned += taken;
  for (size_t i = 0; i < n; i++) {
    uint32_t number = r->isolated[i];
    uint64_t size = UINT64_C(1) << folio_at(s, number)->order;
    enum fate fate = judge(s, number);
    if (fate == LEAVES && size > 1 && pw_must_split(s->c, number) && !pw_block_split(s->c, number, &r->isolated[n], &n, &freed))
      continue; /* its pages are looked at behind the others */
    enum pw_evicted evicted = fate == LEAVES ? pw_evict(s->c, number, &written) : PW_EVICT_STAYS;
    if (evicted == PW_EVICT_GONE) {
      freed += size;
      continue;
    }
    folio_at(s, number)->active = fate == ACTIVE || (fate == LEAVES && evicted == PW_EVICT_STAYS); /* no slot of swap: out of the way */
    r->isolated[kept++] = number;
  }
  for (size_t i = 0; i < kept; i++) {
    const struct pw_folio *f = folio_at(s, r->isolated[i]);
    if (f->active) s->v->age += UINT64_C(1) << f->order;
    pw_list_put(s->c, r->isolated[i], pw_list_of(s->c, r->isolated[i]), true);
  }
  pw_lru_note_cost(s->v, kind == FILES, 32 * written + (taken > freed ? taken - freed : 0));
  return freed;
}

/* [shrink_active_list] */
static void shrink_active(struct scan *s, int kind, uint64_t pages)
{
  struct pw_reclaim *r = &s->c->reclaim;
  uint64_t taken, rotated = 0;
  pw_lru_drain(s->c);
  size_t n = isolate(s, (enum pw_lru_list)(2 * kind + 1), pages, &taken);
  r->counts.scanned += taken;
  for (size_t i = 0; i < n; i++) {
    struct pw_folio *f = folio_at(s, r->isolated[i]);
    bool executable;
    bool stays = pw_references(s->c, r->isolated[i], &executable) && executable && kind == FILES;
    rotated += stays ? UINT64_C(1) << f->order : 0;
    f->active = stays;
    f->workingset |= !stays;
    pw_list_put(s->c, r->isolated[i], pw_list_of(s->c, r->isolated[i]), true);
  }
  pw_lru_note_cost(s->v, kind == FILES, rotated);
}

/* ---- how much of each list ---- */

enum balance { BY_COST, EQUALLY, FILES_ONLY, ANON_ONLY };

/* [get_scan_count, prepare_scan_control] */
static enum balance choose(const struct scan *s)
{
  const struct pw_lruvec *v = s->v;
  const struct pw_reclaim *r = &s->c->reclaim;
  bool group = s->who == PW_RECLAIM_GROUP;
  if (!pw_swap_free(&r->swap) || (group && !r->options.swappiness)) return FILES_ONLY;
  if (!s->priority && r->options.swappiness) return EQUALLY;
  bool few_files = v->pages[PW_FILE_INACTIVE] + v->pages[PW_FILE_ACTIVE] + s->c->frames.free <= s->c->high;
  if (!group && few_files && !s->deactivate[ANON] && v->pages[PW_ANON_INACTIVE] >> s->priority) return ANON_ONLY;
  if (v->pages[PW_FILE_INACTIVE] >> s->priority && !s->deactivate[FILES]) return FILES_ONLY;
  return BY_COST;
}

static void plan(const struct scan *s, uint64_t target[PW_LISTS])
{
  const struct pw_lruvec *v = s->v;
  enum balance balance = choose(s);
  uint64_t a = v->cost[ANON], f = v->cost[FILES], swappiness = s->c->reclaim.options.swappiness;
  uint64_t part[2] = {swappiness * (3 * (a + f) + 1) / (2 * a + f + 1), (200 - swappiness) * (3 * (a + f) + 1) / (a + 2 * f + 1)};
  for (int list = 0; list < PW_LISTS; list++) {
    int kind = list / 2;
    target[list] = v->pages[list] >> s->priority;
    if (balance == BY_COST) target[list] = target[list] * part[kind] / (part[0] + part[1]);
    if ((balance == FILES_ONLY && kind == ANON) || (balance == ANON_ONLY && kind == FILES)) target[list] = 0;
  }
}

static uint64_t shrink_list(struct scan *s, int list, uint64_t pages)
{
  if (list % 2 == 0) return shrink_inactive(s, list / 2, pages);
  if (s->deactivate[list / 2]) shrink_active(s, list / 2, pages);
  return 0;
}

/* What is left of a list's target when the same part of it has been scanned as of the kind that stops. */
static uint64_t cut(uint64_t target, uint64_t left, uint64_t percent)
{
  uint64_t scanned = target - left, most = target * (100 - percent) / 100;
  return most > scanned ? most - scanned : 0;
}

/* Enough is freed: the kind with less left to scan stops, and the other goes on in proportion. False: all is done. */
static bool stop_in_proportion(uint64_t left[PW_LISTS], const uint64_t target[PW_LISTS])
{
  uint64_t anon = left[0] + left[1], files = left[2] + left[3];
  if (!anon || !files) return false;
  int stops = files > anon ? 0 : 2, goes_on = 2 - stops;
  uint64_t percent = (stops ? files : anon) * 100 / (target[stops] + target[stops + 1] + 1);
  left[stops] = left[stops + 1] = 0;
  for (int list = goes_on; list < goes_on + 2; list++) left[list] = cut(target[list], left[list], percent);
  return true;
}

/* Is there a list of which anything would be scanned? Files alone, where swap has no room. */
static bool has_work(const struct scan *s)
{
  const struct pw_lruvec *v = s->v;
  uint64_t most = pw_most(v->pages[PW_FILE_INACTIVE], v->pages[PW_FILE_ACTIVE]);
  if (pw_swap_free(&s->c->reclaim.swap)) most = pw_most(most, pw_most(v->pages[PW_ANON_INACTIVE], v->pages[PW_ANON_ACTIVE]));
  return most >> s->priority;
}

static uint64_t shrink_lists(struct scan *s)
{
  uint64_t target[PW_LISTS], left[PW_LISTS], freed = 0;
  bool all = s->who == PW_RECLAIM_DIRECT && s->priority == PRIORITIES;
  plan(s, target);
  for (int list = 0; list < PW_LISTS; list++) left[list] = target[list];
  while ((left[PW_ANON_INACTIVE] || left[PW_FILE_ACTIVE] || left[PW_FILE_INACTIVE]) && !s->c->reclaim.status) {
    for (int list = 0; list < PW_LISTS; list++) {
      uint64_t pages = pw_least(left[list], BATCH);
      if (!pages) continue;
      left[list] -= pages;
      freed += shrink_list(s, list, pages);
    }
    if (freed < s->wanted || all) continue;
    if (!stop_in_proportion(left, target)) break;
  }
  return freed;
}

/* [shrink_lruvec] */
static uint64_t shrink(struct scan *s)
{
  uint64_t freed = has_work(s) ? shrink_lists(s) : 0;
  if (s->c->reclaim.swap.n && inactive_is_low(s->v, ANON)) shrink_active(s, ANON, BATCH);
  return freed;
}

/* [prepare_scan_control] */
static void prepare(struct scan *s)
{
  for (int kind = 0; kind < 2; kind++)
    s->deactivate[kind] = s->forced || s->v->refaults[kind] != s->v->before[kind] || inactive_is_low(s->v, kind);
}

/* [do_try_to_free_pages, balance_pgdat] */
uint64_t pw_two_lists_reclaim(struct pw_computer *c, uint64_t pages, enum pw_reclaimer who)
{
  struct pw_reclaim *r = &c->reclaim;
  pw_lru_drain(c);
  pw_writing_end(c);
  uint64_t freed = pw_split_deferred(c);
  int first = who == PW_RECLAIM_GROUP, last = r->options.limit_pages != UINT64_MAX;
  for (int forced = 0; forced < 2 && (!forced || !freed) && !r->status; forced++)
    for (unsigned priority = PRIORITIES + 1; priority-- > 0 && freed < pages && !r->status;) {
      for (int v = first; v <= last; v++) {
        struct scan s = {.c = c, .v = &r->lru[v], .who = who, .priority = priority, .forced = forced, .wanted = pages};
        prepare(&s);
        freed += shrink(&s);
      }
      if (freed < pages) pw_writing_wait(c, pages - freed); /* they go at the next priority */
    }
  for (int v = first; v <= last; v++)
    for (int kind = 0; kind < 2; kind++) r->lru[v].before[kind] = r->lru[v].refaults[kind];
  return freed;
}
