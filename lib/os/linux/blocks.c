/* Blocks of 2 MiB that become base pages. See reclaim.h; the rules are those of mm/huge_memory.c (deferred_split_scan,
 * split_folio). A page that nobody stored to holds zeros alone. */
#include "os/linux/computer.h"

#include "base/alloc.h"

static void find_huge(void *context, struct pw_mm *mm, uint64_t page, uint32_t *pte, bool huge)
{
  struct pw_rmap *found = context;
  (void)pte;
  if (huge) *found = (struct pw_rmap){mm, page};
}

void pw_block_split_mappings(struct pw_computer *c, uint32_t number)
{
  struct pw_rmap found;
  if (!c->reclaim.folios.list[number].order) return;
  do {
    found.mm = NULL;
    pw_folio_each(&c->reclaim.folios.list[number], find_huge, &found);
    if (found.mm) pw_mm_split_huge(found.mm, found.page);
  } while (found.mm);
}

/* ---- */

struct splitting {
  struct pw_computer *c;
  uint32_t block, *of;  /* folio; folios of its pages, PW_NO_FOLIO: not mapped */
  int status;
};

static void count_mapped(void *context, struct pw_mm *mm, uint64_t page, uint32_t *pte, bool huge)
{
  uint32_t *mapped = context; /* [512], then how many of them */
  (void)mm, (void)page;
  uint32_t i = huge ? 0 : pw_pte_frame(*pte) % PW_HUGE_PAGES, end = huge ? PW_HUGE_PAGES : i + 1;
  for (; i < end; i++) mapped[PW_HUGE_PAGES] += mapped[i]++ == 0;
}

bool pw_must_split(const struct pw_computer *c, uint32_t number)
{
  const struct pw_swap *swap = &c->reclaim.swap;
  uint32_t mapped[PW_HUGE_PAGES + 1] = {0};
  uint64_t row = (swap->n_slots + PW_HUGE_PAGES - 1) / PW_HUGE_PAGES * PW_HUGE_PAGES;
  if (pw_swap_is_slow(c)) return true; /* [simple] such blocks are not written whole */
  pw_folio_each(&c->reclaim.folios.list[number], count_mapped, mapped);
  return mapped[PW_HUGE_PAGES] < PW_HUGE_PAGES || row + PW_HUGE_PAGES > swap->n;
}

/* A page that nobody ever stored to is mapped as the zero page instead, and its frame is free. [try_to_map_unused_to_zeropage] */
static void make_zero(struct pw_mm *mm, uint64_t page, uint32_t *pte)
{
  mm->counts.peak = pw_most(mm->counts.peak, mm->counts.own + mm->counts.cached); /* it falls from here */
  mm->counts.own--;
  *pte = PW_PTE_ZERO;
  pw_mm_shot(mm, page, page + 1);
}

/* Each page that is mapped gets its folio, with who maps it. */
static void take_entry(void *context, struct pw_mm *mm, uint64_t page, uint32_t *pte, bool huge)
{
  struct splitting *s = context;
  struct pw_folios *folios = &s->c->reclaim.folios;
  uint32_t i = pw_pte_frame(*pte) % PW_HUGE_PAGES;
  (void)huge;
  if (s->status) return;
  if (!pw_computer_was_stored(s->c, pw_pte_frame(*pte))) {
    make_zero(mm, page, pte);
    return;
  }
  if (s->of[i] == PW_NO_FOLIO && (s->of[i] = pw_folio_make(folios, pw_pte_frame(*pte), 0)) == PW_NO_FOLIO) s->status = PW_ENOMEM;
  if (!s->status) s->status = pw_folio_map(&folios->list[s->of[i]], mm, page, 1);
}

/* A block cannot be moved while its entries are gone through, and folios may: it is gone through as a copy. */
static int make_folios(struct splitting *s)
{
  struct pw_folios *folios = &s->c->reclaim.folios;
  struct pw_folio block = folios->list[s->block];
  pw_folio_each(&block, take_entry, s);
  for (uint32_t i = 0; i < PW_HUGE_PAGES && s->status; i++)
    if (s->of[i] != PW_NO_FOLIO) pw_folio_drop(folios, s->of[i]);
  return s->status;
}

/* What the pages of a block have of it. */
static void inherit(struct pw_folio *page, const struct pw_folio *block)
{
  page->of = block->of;
  page->active = block->active;
  page->referenced = block->referenced;
  page->workingset = block->workingset;
  page->dirty = block->dirty;
  page->charged = block->charged;
}

int pw_block_split(struct pw_computer *c, uint32_t number, uint32_t *to, size_t *n, uint64_t *freed)
{
  uint32_t of[PW_HUGE_PAGES];
  struct splitting s = {.c = c, .block = number, .of = of};
  struct pw_folios *folios = &c->reclaim.folios;
  for (uint32_t i = 0; i < PW_HUGE_PAGES; i++) of[i] = PW_NO_FOLIO;
  pw_block_split_mappings(c, number);
  if (make_folios(&s)) return c->reclaim.status = s.status;
  const struct pw_folio *block = &folios->list[number];
  uint32_t first = block->frame;
  size_t put = 0;
  for (uint32_t i = 0; i < PW_HUGE_PAGES; i++) {
    c->frames.frames[first + i] = (struct pw_frame){.type = PW_MOVABLE, .next = of[i] & PW_NO_FRAME};
    if (of[i] == PW_NO_FOLIO) continue;
    inherit(&folios->list[of[i]], block);
    to[put++] = of[i];
  }
  for (uint32_t i = 0; i < PW_HUGE_PAGES; i++)
    if (of[i] == PW_NO_FOLIO) {
      pw_buddy_give(&c->frames, first + i, 0);
      c->now.anon -= 4096;
      ++*freed;
    }
  *n += put;
  pw_block_forget(c, &folios->list[number]);
  pw_folio_drop(folios, number);
  return 0;
}

/* ---- later ---- */

/* Those that went leave holes, which are closed when most of the queue is holes. */
static void close_holes(struct pw_computer *c)
{
  struct pw_reclaim *r = &c->reclaim;
  size_t n = 0;
  for (size_t i = 0; i < r->n_deferred; i++) {
    if (r->deferred[i] == PW_NO_FOLIO) continue;
    r->deferred[n++] = r->deferred[i];
    r->folios.list[r->deferred[n - 1]].deferred = (uint32_t)n;
  }
  r->n_deferred = n;
  r->n_holes = 0;
}

void pw_block_defer(struct pw_computer *c, uint32_t number)
{
  struct pw_reclaim *r = &c->reclaim;
  struct pw_folio *f = &r->folios.list[number];
  if (f->deferred) return;
  if (2 * r->n_holes > r->n_deferred) close_holes(c);
  if (pw_grow((void **)&r->deferred, &r->deferred_room, r->n_deferred + 1, sizeof *r->deferred)) {
    r->status = PW_ENOMEM;
    return;
  }
  r->deferred[r->n_deferred++] = number;
  f->deferred = (uint32_t)r->n_deferred;
}

void pw_block_forget(struct pw_computer *c, struct pw_folio *f)
{
  if (!f->order || !f->deferred) return;
  c->reclaim.deferred[f->deferred - 1] = PW_NO_FOLIO;
  c->reclaim.n_holes++;
  f->deferred = 0;
}

static bool is_partial(const struct pw_folio *f)
{
  uint32_t mapped[PW_HUGE_PAGES + 1] = {0};
  pw_folio_each(f, count_mapped, mapped);
  return mapped[PW_HUGE_PAGES] < PW_HUGE_PAGES;
}

uint64_t pw_split_deferred(struct pw_computer *c)
{
  struct pw_reclaim *r = &c->reclaim;
  uint32_t pages[PW_HUGE_PAGES];
  uint64_t freed = 0;
  for (size_t i = 0; i < r->n_deferred && !r->status; i++) {
    uint32_t number = r->deferred[i];
    if (number == PW_NO_FOLIO) continue; /* it went */
    struct pw_folio *f = &r->folios.list[number];
    f->deferred = 0;
    if (f->pinned || !is_partial(f)) continue;
    pw_lru_drain(c);
    size_t n = 0;
    enum pw_lru_list list = (enum pw_lru_list)f->list;
    pw_lru_remove(c, number);
    if (pw_block_split(c, number, pages, &n, &freed)) break;
    for (size_t k = n; k-- > 0;) pw_list_put(c, pages[k], list, true);
  }
  r->n_deferred = r->n_holes = 0;
  return freed;
}
