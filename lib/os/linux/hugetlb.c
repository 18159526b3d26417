/* Pages of the pools, and the areas that have them. See hugetlb.h. */
#include "os/linux/hugetlb.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "os/linux/computer.h"

static unsigned order_of(unsigned pool)
{
  return pool ? PW_GIGANTIC_ORDER : PW_HUGE_ORDER;
}

static unsigned pool_of(uint32_t flags)
{
  return flags & PW_MAP_HUGE_1G ? 1 : 0;
}

/* ---- beginning and end ---- */

static int make_pool(struct pw_pool *p, uint64_t pages, struct pw_error *err)
{
  p->frame = pw_malloc(pages + 1, sizeof *p->frame);
  p->holders = pw_calloc(pages + 1, sizeof *p->holders);
  p->spare = pw_malloc(pages + 1, sizeof *p->spare);
  return p->frame && p->holders && p->spare ? 0 : pw_mm_no_memory(err);
}

int pw_hugetlb_init(struct pw_computer *c, const uint64_t pages[PW_POOLS], struct pw_error *err)
{
  for (unsigned i = PW_POOLS; i-- > 0;) { /* as at boot, the larger come first */
    struct pw_pool *p = &c->hugetlb.pools[i];
    if (pages[i] > c->frames.n >> order_of(i)) return pw_error_set(err, PW_EINVAL, "the memory has no room for %" PRIu64 " pages of %s; take more memory, or a smaller --hugetlb",
                                                                   pages[i], i ? "1 GiB" : "2 MiB");
    int status = make_pool(p, pages[i], err);
    if (status) return status;
    for (; p->pages < pages[i]; p->pages++) {
      uint32_t frame = i ? pw_buddy_take_range(&c->frames, PW_GIGANTIC_ORDER) : pw_buddy_take(&c->frames, PW_HUGE_ORDER, PW_MOVABLE);
      if (frame == PW_NO_FRAME)
        return pw_error_set(err, PW_EINVAL, "the memory has room for %" PRIu64 " pages of %s, and %" PRIu64 " are to be set aside; take more memory, or a smaller --hugetlb",
                            p->pages, i ? "1 GiB" : "2 MiB", pages[i]);
      p->frame[p->pages] = frame;
    }
    for (uint64_t k = 0; k < p->pages; k++) p->spare[k] = (uint32_t)(p->pages - 1 - k);
    p->free = p->pages;
  }
  return 0;
}

void pw_hugetlb_clear(struct pw_hugetlb *h)
{
  for (unsigned i = 0; i < PW_POOLS; i++) {
    pw_free(h->pools[i].frame);
    pw_free(h->pools[i].holders);
    pw_free(h->pools[i].spare);
  }
  pw_pagemap_clear(&h->shared);
}

/* ---- pages ---- */

/* One that is reserved for who asks, or one that is for nobody. */
static bool take_page(struct pw_computer *c, unsigned pool, bool reserved, uint32_t *number)
{
  struct pw_pool *p = &c->hugetlb.pools[pool];
  if (p->free - (reserved ? 0 : p->reserved) == 0) return false;
  *number = p->spare[--p->free];
  p->reserved -= reserved;
  p->holders[*number] = 1;
  c->now.hugetlb += (uint64_t)1 << (PW_BASE_SHIFT + order_of(pool));
  pw_computer_watch_peaks(c);
  return true;
}

/* True: it was the last, and the page is free. */
static bool let_go(struct pw_computer *c, unsigned pool, uint32_t number)
{
  struct pw_pool *p = &c->hugetlb.pools[pool];
  if (--p->holders[number]) return false;
  p->spare[p->free++] = number;
  c->now.hugetlb -= (uint64_t)1 << (PW_BASE_SHIFT + order_of(pool));
  return true;
}

void pw_hugetlb_forget_file(struct pw_computer *c, uint32_t file)
{
  struct pw_cached_file *f = &c->files[file];
  for (uint64_t i = 0; i < f->pool_pages; i++) {
    uint64_t key = pw_file_key(file, i);
    const uint32_t *number = pw_pagemap_find(&c->hugetlb.shared, key);
    if (!number) {
      c->hugetlb.pools[f->pool].reserved--;
      continue;
    }
    let_go(c, f->pool, *number);
    pw_pagemap_remove(&c->hugetlb.shared, key);
  }
  f->pool_pages = 0;
}

/* ---- areas ---- */

bool pw_mm_reserve_pool(struct pw_mm *m, struct pw_native_vma *area, uint32_t file)
{
  struct pw_computer *c = m->computer;
  unsigned pool = pool_of(area->flags);
  struct pw_pool *p = &c->hugetlb.pools[pool];
  uint64_t span = pw_hugetlb_span(area->flags), n = (area->end - area->start + span - 1) / span, end = area->start + n * span;
  bool fits = pool ? m->tables.gigantic : m->tables.huge;
  if (!fits || area->start % span || end > m->tables.end || n > p->free - p->reserved || n > UINT32_MAX) return false;
  p->reserved += n;
  area->end = end;
  area->flags |= PW_AREA_POOL;
  if (area->flags & PW_MAP_SHARED) {
    c->files[file].pool = (uint8_t)pool;
    c->files[file].pool_pages = n;
  }
  return true;
}

void pw_mm_cancel_pool(struct pw_mm *m, const struct pw_native_vma *area, uint32_t file)
{
  bool shared = area->flags & PW_MAP_SHARED;
  if (shared && !m->computer->files[file].areas) pw_hugetlb_forget_file(m->computer, file);
  if (!shared) m->computer->hugetlb.pools[pool_of(area->flags)].reserved -= (area->end - area->start) / pw_hugetlb_span(area->flags);
}

int pw_mm_keep_reserved(struct pw_mm *m, const struct pw_native_vma *area, struct pw_error *err)
{
  if (area->flags & PW_MAP_SHARED || !pw_ranges_put(&m->reserved, area->start, area->end - 1, 0)) return 0;
  pw_mm_cancel_pool(m, area, PW_NO_FILE);
  return pw_mm_no_memory(err);
}

void pw_mm_forget_reserved(struct pw_mm *m, uint64_t start, uint64_t end, uint32_t flags)
{
  struct pw_range r;
  uint64_t pages = 0;
  for (uint64_t at = start; at < end && pw_ranges_next(&m->reserved, at, &r) && r.first < end; at = r.last + 1)
    pages += pw_least(end, r.last + 1) - pw_most(start, r.first);
  if (!pages) return;
  m->computer->hugetlb.pools[pool_of(flags)].reserved -= pages / pw_hugetlb_span(flags);
  pw_ranges_cut(&m->reserved, start, end - 1);
}

void pw_mm_widen(const struct pw_mm *m, uint64_t *start, uint64_t *end)
{
  struct pw_range r;
  if (!m->has_pool || *start >= *end) return;
  if (pw_ranges_at(&m->areas, *start, &r) && m->vmas[r.value].kind.flags & PW_AREA_POOL)
    *start &= ~(pw_hugetlb_span(m->vmas[r.value].kind.flags) - 1);
  if (pw_ranges_at(&m->areas, *end - 1, &r) && m->vmas[r.value].kind.flags & PW_AREA_POOL)
    *end = ((*end - 1) | (pw_hugetlb_span(m->vmas[r.value].kind.flags) - 1)) + 1;
}

/* ---- faults ---- */

struct pool_fault {
  struct pw_mm *m;
  struct pw_mm_vma *vma;
  uint64_t first; /* of the page that is touched */
  uint32_t flags;
  unsigned pool;
  bool write;
};

/* The shared page, which its file reserved. */
static int shared_page(const struct pool_fault *f, uint32_t *number)
{
  struct pw_computer *c = f->m->computer;
  uint64_t key = pw_file_key(f->vma->kind.file, (f->first + f->vma->kind.shift) / pw_hugetlb_span(f->flags));
  const uint32_t *there = pw_pagemap_find(&c->hugetlb.shared, key);
  bool added;
  if (there) {
    *number = *there;
    c->hugetlb.pools[f->pool].holders[*number]++;
    return 0;
  }
  if (pw_pagemap_reserve(&c->hugetlb.shared, 1)) return PW_ENOMEM;
  if (!take_page(c, f->pool, true, number)) return PW_MM_BUS;
  *pw_pagemap_insert(&c->hugetlb.shared, key, 0, &added) = *number;
  c->hugetlb.pools[f->pool].holders[*number]++;
  return 0;
}

static int private_page(const struct pool_fault *f, uint32_t *number)
{
  struct pw_range r;
  bool reserved = pw_ranges_at(&f->m->reserved, f->first, &r);
  if (!take_page(f->m->computer, f->pool, reserved, number)) return PW_MM_BUS;
  if (!reserved || !pw_ranges_cut(&f->m->reserved, f->first, f->first + pw_hugetlb_span(f->flags) - 1)) return 0;
  let_go(f->m->computer, f->pool, *number);
  f->m->computer->hugetlb.pools[f->pool].reserved++;
  return PW_ENOMEM;
}

static int first_touch(const struct pool_fault *f)
{
  bool shared = f->flags & PW_MAP_SHARED;
  uint32_t number;
  int status = shared ? shared_page(f, &number) : private_page(f, &number);
  if (status) return status;
  enum pw_pte state = shared ? (f->flags & PW_MAP_WRITE ? PW_PTE_CACHE_WRITE : PW_PTE_CACHE) : f->write ? PW_PTE_OWN : PW_PTE_FORKED;
  status = pw_ptables_map_pool(&f->m->tables, f->first, order_of(f->pool), pw_pte_make(state, number));
  if (status) return status;
  f->m->counts.anonymous_faults++;
  f->m->counts.hugetlb_faults++;
  f->m->counts.hugetlb += pw_hugetlb_span(f->flags);
  return 0;
}

/* A write to a page that is there to be read: nobody else has it, or it is copied. */
static int write_present(const struct pool_fault *f, struct pw_huge *huge)
{
  struct pw_computer *c = f->m->computer;
  uint32_t number = pw_pte_frame(huge->pte), copy;
  bool shared = f->flags & PW_MAP_SHARED;
  if (!shared && c->hugetlb.pools[f->pool].holders[number] > 1) {
    if (!take_page(c, f->pool, false, &copy)) return PW_MM_BUS;
    let_go(c, f->pool, number);
    huge->pte = pw_pte_make(PW_PTE_OWN, copy);
    f->m->counts.copies += pw_hugetlb_span(f->flags);
  } else {
    pw_pte_set_state(&huge->pte, shared ? PW_PTE_CACHE_WRITE : PW_PTE_OWN);
  }
  f->m->counts.copy_faults++;
  return 0;
}

int pw_mm_fault_pool(struct pw_mm *m, uint64_t page, struct pw_mm_vma *vma, bool write, bool *done, struct pw_error *err)
{
  uint32_t flags = vma->kind.flags;
  struct pool_fault f = {m, vma, page & ~(pw_hugetlb_span(flags) - 1), flags, pool_of(flags), write};
  struct pw_ptables_at at = pw_ptables_find(&m->tables, page);
  bool free = false;
  int status = at.huge ? 0 : pw_ptables_make_above(&m->tables, page, order_of(f.pool), &free);
  if (!status && !free && !pw_ptables_is_pool(&at)) return 0; /* small pages were moved here */
  if (!status && !(flags & PW_MAP_SHARED)) status = pw_mm_need_anon(m, vma, err);
  if (!status) status = at.huge ? write_present(&f, at.huge) : first_touch(&f);
  *done = !status;
  return pw_mm_status(status, err);
}

/* ---- entries ---- */

void pw_mm_unmap_pool(struct pw_mm *m, uint64_t page, struct pw_huge *huge)
{
  unsigned pool = huge->order == PW_GIGANTIC_ORDER;
  uint64_t span = UINT64_C(1) << huge->order, first = page & ~(span - 1);
  bool shared = pw_pte_is_cached(huge->pte);
  uint32_t number = pw_pte_frame(huge->pte);
  struct pw_range r;
  pw_ptables_unmap_huge(&m->tables, page);
  m->counts.hugetlb -= span;
  bool last = let_go(m->computer, pool, number), owner = pw_ranges_at(&m->areas, first, &r) && m->vmas[r.value].kind.flags & PW_AREA_RESERVED;
  if (last && owner && !shared && !pw_ranges_put(&m->reserved, first, first + span - 1, 0)) m->computer->hugetlb.pools[pool].reserved++;
}

int pw_mm_copy_pool(struct pw_mm *m, struct pw_mm *child, uint64_t page, struct pw_huge *huge)
{
  uint64_t first = page & ~((UINT64_C(1) << huge->order) - 1);
  if (pw_pte_state(huge->pte) == PW_PTE_OWN) pw_pte_set_state(&huge->pte, PW_PTE_FORKED);
  int status = pw_ptables_map_pool(&child->tables, first, huge->order, huge->pte);
  if (status) return status;
  m->computer->hugetlb.pools[huge->order == PW_GIGANTIC_ORDER].holders[pw_pte_frame(huge->pte)]++;
  child->counts.hugetlb += UINT64_C(1) << huge->order;
  return 0;
}

bool pw_mm_move_pool(struct pw_mm *m, uint64_t page, uint64_t to, int *status)
{
  struct pw_huge was = *pw_ptables_find(&m->tables, page).huge;
  uint64_t span = UINT64_C(1) << was.order;
  struct pw_range r;
  bool free = false, fits = to % span == 0 && pw_ranges_at(&m->areas, to, &r) && m->vmas[r.value].kind.flags & PW_AREA_POOL &&
              pw_hugetlb_span(m->vmas[r.value].kind.flags) == span && r.last - to >= span - 1;
  if (fits && !pw_ptables_find(&m->tables, to).huge) *status = pw_ptables_make_above(&m->tables, to, was.order, &free);
  if (!free) return false;
  *status = pw_ptables_map_pool(&m->tables, to, was.order, was.pte);
  if (*status) return false;
  pw_mm_forget_reserved(m, to, to + span, was.order == PW_GIGANTIC_ORDER ? PW_MAP_HUGE_1G : 0);
  pw_ptables_unmap_huge(&m->tables, page);
  return true;
}
