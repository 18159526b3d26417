/* The areas of a process: one range of pages each, with the kernel objects that they need. See mm.h.
 *
 * Fault-around and huge pages stop at the ends of an area, so it matters which the kernel keeps as one: neighbours that
 * are alike in rights, file, continuing offset and advice. The stack and the kernel's own are never one with others. */
#include <string.h>

#include "base/alloc.h"
#include "os/linux/computer.h"

enum { AREAS_A_MAPLE = 12 };

/* ---- kernel objects; without a computer there are none ---- */

static int take(struct pw_mm *m, unsigned slab, uint32_t *object)
{
  return m->computer ? pw_computer_take_object(m->computer, slab, object) : 0;
}

static void give(struct pw_mm *m, unsigned slab, uint32_t object)
{
  if (m->computer) pw_computer_give_object(m->computer, slab, object);
}

static uint64_t n_areas(const struct pw_mm *m)
{
  return m->n_vmas - m->n_spare;
}

static int need_maples(struct pw_mm *m)
{
  size_t need = (n_areas(m) + AREAS_A_MAPLE - 1) / AREAS_A_MAPLE;
  if (pw_grow((void **)&m->maples, &m->maples_room, need, sizeof *m->maples)) return PW_ENOMEM;
  for (; m->n_maples > need; m->n_maples--) give(m, PW_SLAB_MAPLE, m->maples[m->n_maples - 1]);
  for (; m->n_maples < need; m->n_maples++) {
    int status = take(m, PW_SLAB_MAPLE, &m->maples[m->n_maples]);
    if (status) return status;
  }
  return 0;
}

static int take_anon(struct pw_mm *m, struct pw_mm_vma *v)
{
  int status = take(m, PW_SLAB_ANON_VMA, &v->anon_vma);
  if (status) return status;
  status = take(m, PW_SLAB_ANON_CHAIN, &v->chain);
  if (status) give(m, PW_SLAB_ANON_VMA, v->anon_vma);
  v->has_anon = !status;
  return status;
}

int pw_mm_need_anon(struct pw_mm *m, struct pw_mm_vma *v, struct pw_error *err)
{
  return !v || v->has_anon ? 0 : pw_mm_status(take_anon(m, v), err);
}

static void free_vma(struct pw_mm *m, uint32_t slot)
{
  struct pw_mm_vma *v = &m->vmas[slot];
  give(m, PW_SLAB_VMA, v->vma);
  if (v->has_anon) {
    give(m, PW_SLAB_ANON_VMA, v->anon_vma);
    give(m, PW_SLAB_ANON_CHAIN, v->chain);
  }
  if (m->computer) pw_computer_unmap_file(m->computer, v->kind.file);
  m->spare[m->n_spare++] = slot;
  need_maples(m); /* fewer, so that it cannot fail */
}

/* A slot with a vm_area_struct: of this kind, and with what goes with having faulted. */
static int make_vma(struct pw_mm *m, const struct pw_mm_kind *kind, bool has_anon, uint32_t *slot)
{
  if (pw_grow((void **)&m->vmas, &m->vmas_room, m->n_vmas + 1, sizeof *m->vmas)) return PW_ENOMEM;
  if (pw_grow((void **)&m->spare, &m->spare_room, m->n_vmas + 1, sizeof *m->spare)) return PW_ENOMEM;
  struct pw_mm_vma v = {.kind = *kind};
  int status = take(m, PW_SLAB_VMA, &v.vma);
  if (status) return status;
  *slot = m->n_spare ? m->spare[--m->n_spare] : (uint32_t)m->n_vmas++;
  m->vmas[*slot] = v;
  if (m->computer) pw_computer_map_file(m->computer, kind->file);
  status = need_maples(m);
  if (!status && has_anon) status = take_anon(m, &m->vmas[*slot]);
  if (status) free_vma(m, *slot);
  return status;
}

/* ---- areas ---- */

struct pw_native_vma pw_mm_area_of(const struct pw_mm *m, const struct pw_range *range)
{
  const struct pw_mm_kind *k = &m->vmas[range->value].kind;
  return (struct pw_native_vma){.start = range->first, .end = range->last + 1, .flags = k->flags, .inode = k->inode,
                                .offset = k->flags & PW_AREA_FILE ? k->shift + range->first : 0, .file_pages = k->file_pages};
}

bool pw_mm_area(const struct pw_mm *m, uint64_t page, struct pw_native_vma *found)
{
  struct pw_range range;
  if (!pw_ranges_at(&m->areas, page, &range)) return false;
  *found = pw_mm_area_of(m, &range);
  return true;
}

static struct pw_mm_kind kind_of(const struct pw_native_vma *area, uint32_t file)
{
  bool in_file = area->flags & PW_AREA_FILE || file;
  return (struct pw_mm_kind){.flags = area->flags, .file = file, .inode = area->inode, .file_pages = area->file_pages,
                             .shift = in_file ? area->offset - area->start : 0};
}

static bool are_alike(const struct pw_mm_kind *a, const struct pw_mm_kind *b)
{
  bool alone = (a->flags | b->flags) & (PW_MAP_STACK | PW_AREA_SPECIAL | PW_MAP_HUGETLB);
  return !alone && a->flags == b->flags && a->file == b->file && a->inode == b->inode && a->shift == b->shift &&
         a->file_pages == b->file_pages;
}

/* An area that reaches over a page is two from here on, and so are 2 MiB (vma_adjust_trans_huge). */
static int divide(struct pw_mm *m, uint64_t page)
{
  struct pw_range r;
  uint32_t slot;
  if (!pw_ranges_at(&m->areas, page, &r) || r.first == page) return 0;
  if (page % PW_HUGE_PAGES && pw_ptables_find(&m->tables, page).huge) pw_mm_split_huge(m, page);
  struct pw_mm_kind kind = m->vmas[r.value].kind;
  int status = make_vma(m, &kind, m->vmas[r.value].has_anon, &slot);
  if (status) return status;
  m->vmas[slot].ahead = m->vmas[r.value].ahead;
  return pw_ranges_put(&m->areas, page, r.last, slot) ? PW_ENOMEM : 0;
}

/* Makes one of an area and the one before it. */
static int unite(struct pw_mm *m, uint64_t page)
{
  struct pw_range at, before;
  if (page == 0 || !pw_ranges_at(&m->areas, page, &at) || at.first != page || !pw_ranges_at(&m->areas, page - 1, &before)) return 0;
  if (!are_alike(&m->vmas[at.value].kind, &m->vmas[before.value].kind)) return 0;
  bool swaps = m->vmas[at.value].has_anon && !m->vmas[before.value].has_anon; /* what has faulted stays */
  uint32_t kept = (uint32_t)(swaps ? at.value : before.value), gone = (uint32_t)(swaps ? before.value : at.value);
  if (pw_ranges_put(&m->areas, before.first, at.last, kept)) return PW_ENOMEM;
  free_vma(m, gone);
  return 0;
}

/* A new area is a part of the neighbour that it is like, and needs no vm_area_struct then. */
int pw_mm_put_area(struct pw_mm *m, const struct pw_native_vma *area, uint32_t file, struct pw_error *err)
{
  struct pw_mm_kind kind = kind_of(area, file);
  struct pw_range r = {area->start, area->end - 1, 0}, near;
  int status = 0;
  if (area->start && pw_ranges_at(&m->areas, area->start - 1, &near) && are_alike(&m->vmas[near.value].kind, &kind)) {
    r.first = near.first;
    r.value = near.value;
  } else if (pw_ranges_at(&m->areas, area->end, &near) && are_alike(&m->vmas[near.value].kind, &kind)) {
    r.last = near.last;
    r.value = near.value;
  } else {
    uint32_t slot;
    status = make_vma(m, &kind, false, &slot);
    r.value = slot;
  }
  if (!status && pw_ranges_put(&m->areas, r.first, r.last, r.value)) status = PW_ENOMEM;
  if (!status) status = unite(m, area->end);
  return pw_mm_status(status, err);
}

int pw_mm_grow_down(struct pw_mm *m, const struct pw_native_vma *area, uint64_t page, struct pw_error *err)
{
  struct pw_range r;
  pw_ranges_at(&m->areas, area->start, &r);
  return pw_ranges_put(&m->areas, page, r.last, r.value) ? pw_mm_no_memory(err) : 0;
}

int pw_mm_cut_areas(struct pw_mm *m, uint64_t start, uint64_t end, struct pw_error *err)
{
  struct pw_range r;
  int status = divide(m, start);
  if (!status) status = divide(m, end);
  while (!status && pw_ranges_next(&m->areas, start, &r) && r.first < end) {
    if (pw_ranges_cut(&m->areas, r.first, r.last)) return pw_mm_no_memory(err);
    pw_mm_forget_reserved(m, r.first, r.last + 1, m->vmas[r.value].kind.flags);
    free_vma(m, (uint32_t)r.value);
  }
  return pw_mm_status(status, err);
}

int pw_mm_set_flags(struct pw_mm *m, uint64_t start, uint64_t end, uint32_t mask, uint32_t flags, struct pw_error *err)
{
  struct pw_range r;
  int status = 0;
  pw_mm_widen(m, &start, &end);
  for (uint64_t at = start; !status && at < end && pw_ranges_next(&m->areas, at, &r) && r.first < end; at = r.last + 1) {
    if ((m->vmas[r.value].kind.flags & mask) == flags) continue;
    uint64_t from = pw_most(start, r.first), to = pw_least(end, r.last + 1);
    status = divide(m, from);
    if (!status) status = divide(m, to);
    if (status) break;
    pw_ranges_at(&m->areas, from, &r);
    m->vmas[r.value].kind.flags = (m->vmas[r.value].kind.flags & ~mask) | flags;
    status = unite(m, from);
    if (!status) status = unite(m, to);
    r.last = to - 1;
  }
  return pw_mm_status(status, err);
}

int pw_mm_share_areas(const struct pw_mm *m, struct pw_mm *child, struct pw_error *err)
{
  struct pw_range r;
  int status = 0;
  child->has_pool = m->has_pool;
  for (uint64_t at = 0; !status && pw_ranges_next(&m->areas, at, &r); at = r.last + 1) {
    const struct pw_mm_vma *v = &m->vmas[r.value];
    struct pw_mm_kind kind = v->kind;
    uint32_t slot;
    kind.flags &= ~(uint32_t)PW_AREA_RESERVED; /* it stays the parent's */
    status = make_vma(child, &kind, v->has_anon, &slot);
    if (!status) child->vmas[slot].ahead = v->ahead;
    if (!status && pw_ranges_put(&child->areas, r.first, r.last, slot)) status = PW_ENOMEM;
    if (r.last == UINT64_MAX) break;
  }
  return pw_mm_status(status, err);
}

void pw_mm_clear_areas(struct pw_mm *m)
{
  struct pw_range r;
  for (uint64_t at = 0; pw_ranges_next(&m->areas, at, &r); at = r.last + 1) {
    pw_mm_forget_reserved(m, r.first, r.last + 1, m->vmas[r.value].kind.flags);
    free_vma(m, (uint32_t)r.value);
  }
  pw_ranges_clear(&m->reserved);
  pw_ranges_clear(&m->areas);
  pw_free(m->vmas);
  pw_free(m->spare);
  pw_free(m->maples);
  m->vmas = NULL;
  m->spare = m->maples = NULL;
  m->n_vmas = m->vmas_room = m->n_spare = m->spare_room = m->n_maples = m->maples_room = 0;
}
