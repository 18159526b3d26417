/* One process's memory as Linux would manage it: its areas, and what is there. See mm.h.
 *
 * Where the kernel's own rule is not obvious, the function that follows it says so; the rules are
 * those of mm/memory.c (free_pgtables), mm/mmap.c and mm/mremap.c. Faults are in fault.c. */
#include "os/linux/mm.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"

enum { TABLE = PW_PTABLE_ENTRIES };

int pw_mm_no_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the model of the program's memory");
}

int pw_mm_init(struct pw_mm *m, struct pw_error *err)
{
  *m = (struct pw_mm){.around_pages = 16};
  return pw_ptables_init(&m->tables) ? pw_mm_no_memory(err) : 0;
}

void pw_mm_clear(struct pw_mm *m)
{
  pw_ptables_clear(&m->tables);
  pw_ranges_clear(&m->areas);
  pw_intern_clear(&m->kind_texts);
  pw_free(m->kinds);
  m->kinds = NULL;
}

uint64_t pw_mm_tables(const struct pw_mm *m)
{
  return m->tables.n[0] + m->tables.n[1] + m->tables.n[2];
}

uint64_t pw_mm_faults(const struct pw_mm *m)
{
  return m->counts.anonymous_faults + m->counts.file_faults + m->counts.copy_faults;
}

/* ---- areas ---- */

static struct pw_native_vma area_of(const struct pw_mm *m, const struct pw_range *range)
{
  struct pw_native_vma area = m->kinds[range->value];
  area.start = range->first;
  area.end = range->last + 1;
  if (area.flags & PW_AREA_FILE) area.offset += area.start;
  return area;
}

bool pw_mm_area(const struct pw_mm *m, uint64_t page, struct pw_native_vma *found)
{
  struct pw_range range;
  if (!pw_ranges_at(&m->areas, page, &range)) return false;
  *found = area_of(m, &range);
  return true;
}

/* The number of an area's kind: areas of one kind that touch are one area. */
static int number_kind(struct pw_mm *m, const struct pw_native_vma *area, uint32_t *number)
{
  struct pw_native_vma kind = {.flags = area->flags, .inode = area->inode, .file_pages = area->file_pages};
  char text[96];
  if (kind.flags & PW_AREA_FILE) kind.offset = area->offset - area->start;
  int n = snprintf(text, sizeof text, "%" PRIx32 " %" PRIx64 " %" PRIx64 " %" PRIx64, kind.flags, kind.inode, kind.offset,
                   kind.file_pages);
  if (pw_grow((void **)&m->kinds, &m->kinds_room, m->n_kinds + 1, sizeof *m->kinds)) return -1;
  *number = pw_intern(&m->kind_texts, text, (size_t)n);
  if (*number == PW_NO_TEXT) return -1;
  if (*number == m->n_kinds) m->kinds[m->n_kinds++] = kind;
  return 0;
}

/* Fault-around stops at the ends of an area, so it matters which the kernel keeps as one. */
static int put_area(struct pw_mm *m, const struct pw_native_vma *area, struct pw_error *err)
{
  uint32_t kind;
  bool alone = area->flags & (PW_MAP_STACK | PW_AREA_SPECIAL);
  if (number_kind(m, area, &kind)) return pw_mm_no_memory(err);
  int status = alone ? pw_ranges_put(&m->areas, area->start, area->end - 1, kind)
                     : pw_ranges_join(&m->areas, area->start, area->end - 1, kind);
  return status ? pw_mm_no_memory(err) : 0;
}

int pw_mm_grow_down(struct pw_mm *m, const struct pw_native_vma *area, uint64_t page, struct pw_error *err)
{
  struct pw_native_vma grown = *area;
  grown.start = page;
  return put_area(m, &grown, err);
}

/* ---- pages ---- */

static void forget_page(struct pw_mm *m, uint8_t *pte)
{
  m->counts.own -= *pte == PW_PTE_OWN || *pte == PW_PTE_FORKED;
  m->counts.cached -= *pte == PW_PTE_CACHE || *pte == PW_PTE_CACHE_WRITE;
  *pte = PW_PTE_NONE;
}

/* Special pages are never counted; everything else that is there is. */
static void drop_pages(struct pw_mm *m, uint64_t start, uint64_t end)
{
  uint8_t *ptes;
  for (uint64_t page = start; (ptes = pw_ptables_next(&m->tables, &page, end)); page = (page | (TABLE - 1)) + 1)
    for (uint64_t p = page, last = pw_least(end, (page | (TABLE - 1)) + 1); p < last; p++) forget_page(m, &ptes[p % TABLE]);
}

/* The kernel frees the tables under the areas that go as far as no neighbour needs them. */
static void free_tables(struct pw_mm *m, uint64_t start, uint64_t end)
{
  struct pw_range below, above;
  uint64_t floor = pw_ranges_before(&m->areas, start, &below) ? below.last + 1 : 0;
  uint64_t ceiling = pw_ranges_next(&m->areas, end, &above) ? above.first : PW_MM_END;
  pw_ptables_prune(&m->tables, start, end, floor, ceiling);
}

void pw_mm_note_resident(struct pw_mm *m)
{
  m->counts.peak = pw_most(m->counts.peak, m->counts.own + m->counts.cached);
}

uint8_t *pw_mm_make_table(struct pw_mm *m, uint64_t page, struct pw_error *err)
{
  uint8_t *ptes = pw_ptables_make(&m->tables, page);
  m->counts.tables_peak = pw_most(m->counts.tables_peak, pw_mm_tables(m));
  if (!ptes) pw_mm_no_memory(err);
  return ptes;
}

/* ---- system calls ---- */

int pw_mm_unmap(struct pw_mm *m, uint64_t start, uint64_t end, struct pw_error *err)
{
  struct pw_range first, last;
  if (start >= end || !pw_ranges_next(&m->areas, start, &first) || first.first >= end) return 0;
  pw_ranges_before(&m->areas, end - 1, &last);
  if (pw_ranges_cut(&m->areas, start, end - 1)) return pw_mm_no_memory(err);
  uint64_t low = pw_most(start, first.first), high = pw_least(end, last.last + 1);
  drop_pages(m, low, high);
  free_tables(m, low, high);
  return 0;
}

int pw_mm_map(struct pw_mm *m, const struct pw_native_vma *area, struct pw_error *err)
{
  if (area->start >= area->end || area->end > PW_MM_END) return 0;
  int status = pw_mm_unmap(m, area->start, area->end, err);
  return status ? status : put_area(m, area, err);
}

int pw_mm_protect(struct pw_mm *m, uint64_t start, uint64_t end, uint32_t protection, struct pw_error *err)
{
  const uint32_t bits = PW_MAP_READ | PW_MAP_WRITE | PW_MAP_EXECUTE;
  struct pw_range range;
  int status = 0;
  while (start < end && !status && pw_ranges_next(&m->areas, start, &range) && range.first < end) {
    range.first = pw_most(start, range.first);
    range.last = pw_least(end - 1, range.last);
    struct pw_native_vma area = area_of(m, &range);
    area.flags = (area.flags & ~bits) | (protection & bits);
    status = put_area(m, &area, err);
    start = area.end;
  }
  return status;
}

/* One area's part of it; a table goes when its whole span is given back. */
static void discard_part(struct pw_mm *m, uint64_t start, uint64_t end)
{
  drop_pages(m, start, end);
  uint64_t first = (start + TABLE - 1) / TABLE * TABLE, last = end / TABLE * TABLE;
  if (!m->reclaims_tables) return;
  for (uint64_t page = first; page < last && pw_ptables_next(&m->tables, &page, last); page += TABLE)
    pw_ptables_prune(&m->tables, page, page + TABLE, page, page + TABLE);
}

void pw_mm_discard(struct pw_mm *m, uint64_t start, uint64_t end)
{
  struct pw_range range;
  for (; start < end && pw_ranges_next(&m->areas, start, &range) && range.first < end; start = range.last + 1)
    discard_part(m, pw_most(start, range.first), pw_least(end, range.last + 1));
}

/* Entries are carried over table by table, and the new place gets a table for each one that the
 * old place has, full or not. */
static int carry_pages(struct pw_mm *m, uint64_t from, uint64_t pages, uint64_t to, struct pw_error *err)
{
  uint8_t *old;
  for (uint64_t page = from, end = from + pages; (old = pw_ptables_next(&m->tables, &page, end));) {
    uint64_t target = page - from + to;
    uint64_t n = pw_least(end - page, pw_least(TABLE - page % TABLE, TABLE - target % TABLE));
    uint8_t *new = pw_mm_make_table(m, target, err);
    if (!new) return PW_ENOMEM;
    memmove(&new[target % TABLE], &old[page % TABLE], n);
    memset(&old[page % TABLE], PW_PTE_NONE, n);
    if (n == TABLE) pw_ptables_prune(&m->tables, page, page + n, page, page + n);
    page += n;
  }
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
  if (to < end && end <= PW_MM_END) status = carry_pages(m, c->from, pw_least(c->from_pages, end - to), to, err);
  return status ? status : pw_mm_unmap(m, c->from, c->from + c->from_pages, err);
}

void pw_mm_fork(struct pw_mm *m)
{
  uint8_t *ptes;
  for (uint64_t page = 0; (ptes = pw_ptables_next(&m->tables, &page, PW_MM_END)); page = (page | (TABLE - 1)) + 1)
    for (unsigned i = 0; i < TABLE; i++)
      if (ptes[i] == PW_PTE_OWN) ptes[i] = PW_PTE_FORKED;
}

int pw_mm_put(struct pw_mm *m, uint64_t page, bool own, struct pw_error *err)
{
  struct pw_native_vma area;
  bool special = pw_mm_area(m, page, &area) && area.flags & PW_AREA_SPECIAL;
  uint8_t *ptes = pw_mm_make_table(m, page, err);
  if (!ptes) return PW_ENOMEM;
  forget_page(m, &ptes[page % TABLE]);
  ptes[page % TABLE] = special ? PW_PTE_ZERO : own ? PW_PTE_OWN : PW_PTE_CACHE;
  m->counts.own += own && !special;
  m->counts.cached += !own && !special;
  pw_mm_note_resident(m);
  return 0;
}

uint64_t pw_mm_present(const struct pw_mm *m, uint64_t start, uint64_t end)
{
  uint64_t n = 0;
  uint8_t *ptes;
  for (uint64_t page = start; (ptes = pw_ptables_next(&m->tables, &page, end)); page = (page | (TABLE - 1)) + 1)
    for (uint64_t p = page, last = pw_least(end, (page | (TABLE - 1)) + 1); p < last; p++) n += ptes[p % TABLE] != PW_PTE_NONE;
  return n;
}
