/* One process's memory as Linux would manage it: what is there. See mm.h.
 *
 * Where the kernel's own rule is not obvious, the function that follows it says so; the rules are
 * those of mm/memory.c (free_pgtables, copy_page_range), mm/mmap.c and mm/mremap.c. Areas are in areas.c, faults in
 * fault.c, 2 MiB at a time in huge.c. */
#include "os/linux/mm.h"

#include <string.h>

#include "os/linux/computer.h"

int pw_mm_no_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the model of the program's memory");
}

int pw_mm_status(int status, struct pw_error *err)
{
  return status == PW_ENOMEM ? pw_mm_no_memory(err) : status;
}

int pw_mm_init(struct pw_mm *m, struct pw_error *err)
{
  *m = (struct pw_mm){.around_pages = 16};
  return pw_mm_status(pw_ptables_init(&m->tables, NULL, (struct pw_table_frames){0}), err);
}

int pw_mm_begin(struct pw_mm *m, struct pw_computer *c, struct pw_error *err)
{
  *m = (struct pw_mm){.around_pages = 16, .computer = c, .reclaims_tables = !c->options.plain, .number = (uint32_t)c->addresses++, .age = ++c->ages};
  m->thp = c->options.plain ? PW_THP_NEVER : c->options.thp;
  int status = pw_ptables_init(&m->tables, c->options.geometry, pw_computer_table_frames(c));
  pw_mm_note(m);
  return pw_mm_status(status, err);
}

uint64_t pw_mm_tables(const struct pw_mm *m)
{
  uint64_t n = 0;
  for (unsigned level = 0; level + 1 < m->tables.levels; level++) n += m->tables.n[level];
  return n;
}

uint64_t pw_mm_faults(const struct pw_mm *m)
{
  return m->counts.anonymous_faults + m->counts.file_faults + m->counts.copy_faults;
}

void pw_mm_note(struct pw_mm *m)
{
  m->counts.peak = pw_most(m->counts.peak, m->counts.own + m->counts.cached);
  m->counts.swapped_peak = pw_most(m->counts.swapped_peak, m->counts.swapped);
  m->counts.huge_peak = pw_most(m->counts.huge_peak, m->counts.huge);
  m->counts.hugetlb_peak = pw_most(m->counts.hugetlb_peak, m->counts.hugetlb);
  uint64_t bytes = 0;
  for (unsigned level = 0; m->computer && level < m->tables.levels; level++) bytes += m->tables.n[level] * m->computer->table_bytes[level];
  m->counts.table_bytes_peak = pw_most(m->counts.table_bytes_peak, bytes);
}

/* No two memories of a computer are ever of one age. */
static void grow_older(struct pw_mm *m)
{
  m->age = m->computer ? ++m->computer->ages : m->age + 1;
}

void pw_mm_shot(struct pw_mm *m, uint64_t start, uint64_t end)
{
  bool few = m->computer && m->computer->shoot && end - start <= PW_HUGE_PAGES; /* they are forgotten one by one */
  if (!few) grow_older(m);
  if (m->computer && m->computer->shoot) m->computer->shoot(m->computer->shoot_context, m->number, start, end);
}

/* ---- pages ---- */

void pw_mm_forget_page(struct pw_mm *m, uint32_t *pte)
{
  bool own = pw_pte_is_own(*pte), cached = pw_pte_is_cached(*pte), swapped = pw_pte_state(*pte) == PW_PTE_SWAP;
  m->counts.own -= own;
  m->counts.cached -= cached;
  m->counts.swapped -= swapped;
  if ((own || cached) && m->computer) pw_computer_unmap(m->computer, pw_pte_frame(*pte), 1);
  if (swapped) pw_computer_forget_slot(m->computer, pw_pte_frame(*pte));
  *pte = PW_PTE_NONE;
}

/* Special pages are never counted; everything else that is there is. 2 MiB of which a part goes are divided; a page of a pool stays. */
static void drop_pages(struct pw_mm *m, uint64_t start, uint64_t end)
{
  struct pw_ptables_at at;
  for (uint64_t page = start, next; pw_ptables_next(&m->tables, &page, end, &at); page = next) {
    uint64_t leaf = pw_ptables_leaf(&m->tables), first = page & ~(leaf - 1);
    next = pw_ptables_behind(&m->tables, page, &at);
    if (pw_ptables_is_pool(&at)) first = next - (UINT64_C(1) << at.huge->order);
    if (at.huge && first >= start && next <= end) {
      if (at.huge->aside) pw_mm_unmap_huge(m, first, at.huge);
      else pw_mm_unmap_pool(m, first, at.huge);
      continue;
    }
    if (pw_ptables_is_pool(&at)) continue;
    if (at.huge) pw_mm_split_huge(m, first);
    if (at.huge) at = pw_ptables_find(&m->tables, first);
    for (uint64_t p = page, last = pw_least(end, next); p < last; p++) pw_mm_forget_page(m, &at.ptes[p & (leaf - 1)]);
  }
}

void pw_mm_clear(struct pw_mm *m)
{
  if (m->computer && m->tables.root) drop_pages(m, 0, m->tables.end);
  pw_ptables_clear(&m->tables);
  pw_mm_clear_areas(m);
}

void pw_mm_renew(struct pw_mm *m)
{
  uint64_t end = m->tables.end;
  drop_pages(m, 0, end);
  pw_ptables_prune(&m->tables, 0, end, 0, end, false);
  pw_mm_clear_areas(m);
  m->unknown = m->no_thp = false;
  grow_older(m);
  m->number = (uint32_t)m->computer->addresses++;
}

/* The kernel frees the tables under the areas that go as far as no neighbour needs them. */
static void free_tables(struct pw_mm *m, uint64_t start, uint64_t end)
{
  struct pw_range below, above;
  uint64_t floor = pw_ranges_before(&m->areas, start, &below) ? below.last + 1 : 0;
  uint64_t ceiling = pw_ranges_next(&m->areas, end, &above) ? above.first : m->tables.end;
  pw_ptables_prune(&m->tables, start, end, floor, ceiling, m->unknown);
}

uint32_t *pw_mm_make_table(struct pw_mm *m, uint64_t page, int *status, struct pw_error *err)
{
  uint32_t *ptes = NULL;
  *status = pw_mm_status(pw_ptables_make(&m->tables, page, &ptes), err);
  pw_mm_note(m);
  return *status ? NULL : ptes;
}

void pw_mm_stored(struct pw_mm *m, uint64_t page, const struct pw_ptables_at *at)
{
  if (!m->computer || pw_ptables_is_pool(at)) return;
  uint32_t frame = at->huge ? pw_pte_frame(at->huge->pte) + page % PW_HUGE_PAGES : pw_pte_frame(at->ptes[page % pw_ptables_leaf(&m->tables)]);
  pw_computer_stored(m->computer, frame);
}

void pw_mm_used(struct pw_mm *m, uint64_t page)
{
  struct pw_ptables_at at = pw_ptables_find(&m->tables, page);
  uint32_t pte = at.huge && at.huge->aside ? at.huge->pte : at.ptes ? at.ptes[page % pw_ptables_leaf(&m->tables)] : 0;
  if (!pw_pte_maps(pte)) return;
  pw_lru_use(m->computer, (uint32_t)(pw_computer_folio(m->computer, pw_pte_frame(pte)) - m->computer->reclaim.folios.list));
}

/* ---- system calls ---- */

/* What of a range is mapped, or may be: the whole of it where pages are outside of all areas. */
static bool narrow(const struct pw_mm *m, uint64_t *start, uint64_t *end)
{
  struct pw_range first, last;
  *end = pw_least(*end, m->tables.end);
  if (*start >= *end || m->unknown) return *start < *end;
  if (!pw_ranges_next(&m->areas, *start, &first) || first.first >= *end) return false;
  pw_ranges_before(&m->areas, *end - 1, &last);
  *start = pw_most(*start, first.first);
  *end = pw_least(*end, last.last + 1);
  return true;
}

int pw_mm_unmap(struct pw_mm *m, uint64_t start, uint64_t end, struct pw_error *err)
{
  pw_mm_widen(m, &start, &end);
  if (!narrow(m, &start, &end)) return 0;
  drop_pages(m, start, end);
  int status = pw_mm_cut_areas(m, start, end, err);
  if (status) return status;
  free_tables(m, start, end);
  pw_mm_shot(m, start, end);
  return 0;
}

int pw_mm_map_file(struct pw_mm *m, const struct pw_native_vma *area, uint32_t file, struct pw_error *err)
{
  if (area->start >= area->end || area->end > m->tables.end) return 0;
  int status = pw_mm_unmap(m, area->start, area->end, err);
  return status ? status : pw_mm_put_area(m, area, file, err);
}

int pw_mm_map(struct pw_mm *m, const struct pw_native_vma *area, struct pw_error *err)
{
  return pw_mm_map_file(m, area, PW_NO_FILE, err);
}

int pw_mm_protect(struct pw_mm *m, uint64_t start, uint64_t end, uint32_t protection, struct pw_error *err)
{
  const uint32_t bits = PW_MAP_READ | PW_MAP_WRITE | PW_MAP_EXECUTE;
  int status = pw_mm_set_flags(m, start, end, bits, protection & bits, err);
  if (!m->computer || !m->computer->options.plain) pw_mm_shot(m, start, end);
  return status;
}

/* One area's part of it; a table goes when its whole span is given back. */
static void discard_part(struct pw_mm *m, uint64_t start, uint64_t end)
{
  struct pw_ptables_at at;
  uint64_t leaf = pw_ptables_leaf(&m->tables);
  drop_pages(m, start, end);
  pw_mm_shot(m, start, end);
  uint64_t first = (start + leaf - 1) / leaf * leaf, last = end / leaf * leaf;
  if (!m->reclaims_tables) return;
  for (uint64_t page = first; page < last && pw_ptables_next(&m->tables, &page, last, &at); page += leaf)
    pw_ptables_prune(&m->tables, page, page + leaf, page, page + leaf, m->unknown);
}

void pw_mm_discard(struct pw_mm *m, uint64_t start, uint64_t end)
{
  struct pw_range range;
  uint64_t at = start;
  for (; at < end && pw_ranges_next(&m->areas, at, &range) && range.first < end; at = range.last + 1) {
    if (m->unknown && at < range.first) drop_pages(m, at, range.first);
    discard_part(m, pw_most(at, range.first), pw_least(end, range.last + 1));
  }
  if (m->unknown && at < end) drop_pages(m, at, end);
  if (m->unknown) pw_mm_shot(m, start, end);
}

/* A page of the page cache that was carried to where its file, at that offset, is not mapped would outlive it: it is not there. */
static void drop_strangers(struct pw_mm *m, uint32_t *ptes, uint64_t page, uint64_t n)
{
  struct pw_range area = {.first = 1};
  bool mapped = false;
  for (uint64_t p = page; m->computer && p < page + n; p++) {
    uint32_t *pte = &ptes[p % pw_ptables_leaf(&m->tables)];
    if (!pw_pte_is_cached(*pte)) continue;
    if (!mapped || p > area.last) mapped = pw_ranges_at(&m->areas, p, &area);
    const struct pw_mm_kind *kind = mapped ? &m->vmas[area.value].kind : NULL;
    if (!kind || kind->file == PW_NO_FILE || pw_computer_cached(m->computer, kind->file, p + kind->shift) != pw_pte_frame(*pte))
      pw_mm_forget_page(m, pte);
  }
}

/* Who maps the pages is known by where they are. */
static int note_moved(struct pw_mm *m, const uint32_t *ptes, uint64_t page, uint64_t n)
{
  int status = 0;
  for (uint64_t p = page; m->computer && !status && p < page + n; p++) {
    uint32_t pte = ptes[p % pw_ptables_leaf(&m->tables)];
    if (pw_pte_maps(pte)) status = pw_computer_moved(m->computer, pw_pte_frame(pte), m, p);
  }
  return status;
}

/* Entries are carried over table by table, and the new place gets a table for each one that the
 * old place has, full or not. What was at the new place goes. */
int pw_mm_carry(struct pw_mm *m, uint64_t from, uint64_t pages, uint64_t to, struct pw_error *err)
{
  struct pw_ptables_at old;
  uint64_t leaf = pw_ptables_leaf(&m->tables);
  int status = 0;
  struct pw_range there;
  if (from >= m->tables.end || to >= m->tables.end) return 0;
  m->unknown |= m->computer && (!pw_ranges_at(&m->areas, to, &there) || there.last - to < pages - 1);
  pages = pw_least(pages, m->tables.end - pw_most(from, to));
  for (uint64_t page = from, end = from + pages; !status && pw_ptables_next(&m->tables, &page, end, &old);) {
    uint64_t target = page - from + to;
    uint64_t n = pw_least(end - page, pw_least(leaf - page % leaf, leaf - target % leaf));
    if (pw_ptables_is_pool(&old)) {
      uint64_t behind = pw_ptables_behind(&m->tables, page, &old);
      if (!(behind - page == UINT64_C(1) << old.huge->order && behind <= end && pw_mm_move_pool(m, page, target, &status)) && !status)
        pw_mm_unmap_pool(m, page, old.huge);
      if (status) return pw_mm_status(status, err);
      page = behind;
      continue;
    }
    if (old.huge) {
      bool whole = n == leaf && pw_mm_move_huge(m, page, target, &status);
      if (status) return pw_mm_status(status, err);
      page += whole ? n : 0;
      if (!whole) pw_mm_split_huge(m, page);
      continue;
    }
    struct pw_ptables_at there_is = pw_ptables_find(&m->tables, target);
    if (pw_ptables_is_pool(&there_is)) pw_mm_unmap_pool(m, target, there_is.huge);
    else if (there_is.huge) pw_mm_split_huge(m, target);
    uint32_t *new = pw_mm_make_table(m, target, &status, err);
    if (!new) return status;
    for (uint64_t i = 0; i < n; i++) pw_mm_forget_page(m, &new[target % leaf + i]);
    memmove(&new[target % leaf], &old.ptes[page % leaf], n * sizeof *new);
    memset(&old.ptes[page % leaf], 0, n * sizeof *new);
    drop_strangers(m, new, target, n);
    if (note_moved(m, new, target, n)) return pw_mm_no_memory(err);
    if (n == leaf) pw_ptables_prune(&m->tables, page, page + n, page, page + n, false);
    page += n;
  }
  pw_mm_note(m);
  pw_mm_shot(m, from, from + pages);
  pw_mm_shot(m, to, to + pages);
  return 0;
}

int pw_mm_move(struct pw_mm *m, const struct pw_native_change *c, struct pw_error *err)
{
  struct pw_native_vma area;
  uint64_t to = c->vma.start, end = c->vma.end;
  if (!pw_mm_area(m, c->from, &area)) return 0;
  uint64_t kept = to == c->from ? c->from_pages : 0; /* in place: what is there stays */
  area.offset += c->from - area.start + kept;
  area.start = to + kept;
  area.end = end;
  int status = pw_mm_map(m, &area, err);
  if (status || to == c->from) return status;
  if (to < end && end <= m->tables.end) status = pw_mm_carry(m, c->from, pw_least(c->from_pages, end - to), to, err);
  return status ? status : pw_mm_unmap(m, c->from, c->from + c->from_pages, err);
}

/* ---- forks ---- */

static void protect_entry(uint32_t *pte)
{
  if (pw_pte_state(*pte) >= PW_PTE_OWN) pw_pte_set_state(pte, PW_PTE_FORKED);
  if (pw_pte_state(*pte) == PW_PTE_SWAP) *pte &= ~PW_PTE_EXCLUSIVE;
}

void pw_mm_fork(struct pw_mm *m)
{
  struct pw_ptables_at at;
  uint64_t leaf = pw_ptables_leaf(&m->tables);
  for (uint64_t page = 0; pw_ptables_next(&m->tables, &page, m->tables.end, &at); page = pw_ptables_behind(&m->tables, page, &at))
    if (at.huge) protect_entry(&at.huge->pte);
    else
      for (uint64_t i = 0; i < leaf; i++) protect_entry(&at.ptes[i]);
  grow_older(m);
}

/* 2 MiB: the child has them too, with a table of its own set aside. */
static int copy_huge(struct pw_mm *m, struct pw_mm *child, uint64_t page, struct pw_huge *huge)
{
  uint32_t frame = pw_pte_frame(huge->pte);
  bool zero = pw_pte_state(huge->pte) == PW_PTE_ZERO;
  int status = zero ? 0 : pw_computer_map(m->computer, frame, PW_HUGE_PAGES, child, page);
  if (status) return status;
  protect_entry(&huge->pte);
  if (!zero) pw_computer_pin(m->computer, frame, true); /* a table for the child may need room */
  status = pw_ptables_map_huge(&child->tables, page, huge->pte & ~PW_PTE_ACCESSED);
  if (!zero) pw_computer_pin(m->computer, frame, false);
  if (status && !zero) pw_computer_unmap(m->computer, frame, PW_HUGE_PAGES);
  if (status) return status;
  m->computer->zero_maps += zero;
  if (zero) return 0;
  child->counts.own += PW_HUGE_PAGES;
  child->counts.huge++;
  pw_computer_count_huge(m->computer, frame, 1);
  return 0;
}

/* The child has an entry like this one, which it has not accessed. */
static int copy_entry(struct pw_mm *m, struct pw_mm *child, uint64_t page, uint32_t *pte, uint32_t *to)
{
  int status = pw_pte_maps(*pte) ? pw_computer_map(m->computer, pw_pte_frame(*pte), 1, child, page) : 0;
  if (status) return status;
  protect_entry(pte);
  *to = *pte & ~PW_PTE_ACCESSED;
  child->counts.own += pw_pte_is_own(*pte);
  child->counts.cached += pw_pte_is_cached(*pte);
  if (pw_pte_state(*pte) == PW_PTE_SWAP) {
    child->counts.swapped++;
    m->computer->reclaim.swap.slots[pw_pte_frame(*pte)].users++;
  }
  return 0;
}

/* The entries of a leaf table in [start, end). */
static int copy_entries(struct pw_mm *m, struct pw_mm *child, uint32_t *ptes, uint64_t start, uint64_t end, struct pw_error *err)
{
  uint64_t leaf = pw_ptables_leaf(&m->tables);
  uint32_t *to = NULL;
  int status = 0;
  for (uint64_t page = start; !status && page < end; page++) {
    uint32_t *pte = &ptes[page % leaf];
    if (!*pte) continue;
    if (!to && !(to = pw_mm_make_table(child, page, &status, err))) return status;
    status = copy_entry(m, child, page, pte, &to[page % leaf]);
  }
  return pw_mm_status(status, err);
}

static int copy_range(struct pw_mm *m, struct pw_mm *child, uint64_t start, uint64_t end, struct pw_error *err)
{
  struct pw_ptables_at at;
  uint64_t leaf = pw_ptables_leaf(&m->tables);
  int status = 0;
  for (uint64_t page = start, next; !status && pw_ptables_next(&m->tables, &page, end, &at); page = next) {
    next = pw_ptables_behind(&m->tables, page, &at);
    status = pw_ptables_is_pool(&at) ? pw_mm_status(pw_mm_copy_pool(m, child, page, at.huge), err)
             : at.huge ? pw_mm_status(copy_huge(m, child, page & ~(leaf - 1), at.huge), err)
                     : copy_entries(m, child, at.ptes, page, pw_least(end, next), err);
  }
  return status;
}

/* Pages that no area holds are unknown, and copied; of areas those that are private and have faulted anonymously. */
int pw_mm_fork_into(struct pw_mm *m, struct pw_mm *child, struct pw_error *err)
{
  struct pw_range r = {0};
  uint64_t at = 0, end = m->tables.end;
  bool all = m->computer->options.plain;
  child->no_thp = m->no_thp;
  child->unknown = m->unknown;
  int status = pw_mm_share_areas(m, child, err);
  while (!status && at < end && pw_ranges_next(&m->areas, at, &r) && r.first < end) {
    const struct pw_mm_vma *v = &m->vmas[r.value];
    bool copied = all || (v->has_anon && !(v->kind.flags & PW_MAP_SHARED));
    if (at < r.first) status = copy_range(m, child, at, r.first, err);
    if (!status && copied) status = copy_range(m, child, r.first, r.last + 1, err);
    at = r.last + 1;
  }
  if (!status && at < end) status = copy_range(m, child, at, end, err);
  pw_mm_note(child);
  grow_older(m);
  if (!all) pw_mm_shot(m, 0, end);
  return status;
}

/* ---- what validate begins with and asks ---- */

int pw_mm_put(struct pw_mm *m, uint64_t page, bool own, struct pw_error *err)
{
  struct pw_native_vma area;
  int status;
  bool special = pw_mm_area(m, page, &area) && area.flags & PW_AREA_SPECIAL;
  uint32_t *ptes = pw_mm_make_table(m, page, &status, err);
  if (!ptes) return status;
  uint32_t *pte = &ptes[page % pw_ptables_leaf(&m->tables)];
  pw_mm_forget_page(m, pte);
  *pte = special ? PW_PTE_ZERO : own ? PW_PTE_OWN : PW_PTE_CACHE;
  m->counts.own += own && !special;
  m->counts.cached += !own && !special;
  pw_mm_note(m);
  return 0;
}

uint64_t pw_mm_present(const struct pw_mm *m, uint64_t start, uint64_t end)
{
  uint64_t n = 0, leaf = pw_ptables_leaf(&m->tables);
  struct pw_ptables_at at;
  for (uint64_t page = start, next; pw_ptables_next(&m->tables, &page, end, &at); page = next) {
    next = pw_ptables_behind(&m->tables, page, &at);
    for (uint64_t p = page, last = pw_least(end, next); p < last; p++) n += at.huge || at.ptes[p % leaf];
  }
  return n;
}
