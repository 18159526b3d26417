/* One process's memory as Linux would manage it. See mm.h.
 *
 * Where the kernel's own rule is not obvious, the function that follows it says so; the rules are
 * those of mm/memory.c (faults, fault-around, free_pgtables), mm/mmap.c and mm/mremap.c. */
#include "os/linux/mm.h"

#include <string.h>

#include "base/alloc.h"

enum { TABLE = PW_PTABLE_ENTRIES };
#define PAGES_END (UINT64_C(1) << 36)

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the model of the program's memory");
}

static uint64_t least(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

int pw_mm_init(struct pw_mm *m, struct pw_error *err)
{
  *m = (struct pw_mm){.around_pages = 16};
  return pw_ptables_init(&m->tables) ? out_of_memory(err) : 0;
}

void pw_mm_clear(struct pw_mm *m)
{
  pw_ptables_clear(&m->tables);
  pw_free(m->areas);
  m->areas = NULL;
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

/* Index of the first area that ends behind the page. */
static size_t area_from(const struct pw_mm *m, uint64_t page)
{
  size_t low = 0, high = m->n_areas;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (m->areas[middle].end <= page)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct pw_mm_area *find_area(struct pw_mm *m, uint64_t page)
{
  if (m->last < m->n_areas && page >= m->areas[m->last].start && page < m->areas[m->last].end) return &m->areas[m->last];
  size_t i = area_from(m, page);
  if (i == m->n_areas || m->areas[i].start > page) return NULL;
  m->last = i;
  return &m->areas[i];
}

const struct pw_mm_area *pw_mm_area(struct pw_mm *m, uint64_t page)
{
  return find_area(m, page);
}

uint64_t pw_mm_lowest(const struct pw_mm *m, uint64_t start, uint64_t end)
{
  size_t i = area_from(m, start);
  return i < m->n_areas ? least(m->areas[i].start, end) : end;
}

static int insert_area(struct pw_mm *m, size_t at, struct pw_mm_area area, struct pw_error *err)
{
  if (pw_grow((void **)&m->areas, &m->areas_room, m->n_areas + 1, sizeof *m->areas)) return out_of_memory(err);
  memmove(&m->areas[at + 1], &m->areas[at], (m->n_areas - at) * sizeof *m->areas);
  m->areas[at] = area;
  m->n_areas++;
  return 0;
}

static void remove_areas(struct pw_mm *m, size_t at, size_t n)
{
  memmove(&m->areas[at], &m->areas[at + n], (m->n_areas - at - n) * sizeof *m->areas);
  m->n_areas -= n;
}

/* Lets an area begin at the page, if one holds it. */
static int split_at(struct pw_mm *m, uint64_t page, struct pw_error *err)
{
  struct pw_mm_area *area = find_area(m, page);
  if (!area || area->start == page) return 0;
  struct pw_mm_area behind = *area;
  behind.start = page;
  behind.offset += page - area->start;
  area->end = page;
  return insert_area(m, (size_t)(area - m->areas) + 1, behind, err);
}

/* Two areas that the kernel would keep as one: fault-around stops at the ends of an area. */
static void merge_at(struct pw_mm *m, size_t behind)
{
  if (behind == 0 || behind >= m->n_areas) return;
  struct pw_mm_area *a = &m->areas[behind - 1], *b = &m->areas[behind];
  if (a->end != b->start || a->flags != b->flags || a->inode != b->inode || (a->flags & (PW_MAP_STACK | PW_AREA_SPECIAL))) return;
  if (a->flags & PW_AREA_FILE && a->offset + (a->end - a->start) != b->offset) return;
  a->end = b->end;
  remove_areas(m, behind, 1);
}

/* ---- pages ---- */

static void forget_page(struct pw_mm *m, uint8_t *pte)
{
  if (*pte == PW_PTE_OWN || *pte == PW_PTE_FORKED) m->counts.own--;
  if ((*pte == PW_PTE_CACHE || *pte == PW_PTE_CACHE_WRITE)) m->counts.cached--;
  *pte = PW_PTE_NONE;
}

/* Special pages are never counted; everything else that is there is. */
static void drop_pages(struct pw_mm *m, uint64_t start, uint64_t end)
{
  uint8_t *ptes;
  for (uint64_t page = start; (ptes = pw_ptables_next(&m->tables, &page, end)); page = (page | (TABLE - 1)) + 1)
    for (uint64_t p = page, last = least(end, (page | (TABLE - 1)) + 1); p < last; p++) forget_page(m, &ptes[p % TABLE]);
}

/* The kernel frees the tables under the areas that go as far as no neighbour needs them. */
static void free_tables(struct pw_mm *m, uint64_t start, uint64_t end)
{
  size_t next = area_from(m, start);
  uint64_t floor = next ? m->areas[next - 1].end : 0, ceiling = next < m->n_areas ? m->areas[next].start : PAGES_END;
  pw_ptables_prune(&m->tables, start, end, floor, ceiling);
}

static void note_resident(struct pw_mm *m)
{
  m->counts.peak = most(m->counts.peak, m->counts.own + m->counts.cached);
}

static uint8_t *make_table(struct pw_mm *m, uint64_t page, struct pw_error *err)
{
  uint8_t *ptes = pw_ptables_make(&m->tables, page);
  m->counts.tables_peak = most(m->counts.tables_peak, pw_mm_tables(m));
  if (!ptes) out_of_memory(err);
  return ptes;
}

/* ---- system calls ---- */

int pw_mm_unmap(struct pw_mm *m, uint64_t start, uint64_t end, struct pw_error *err)
{
  int status = split_at(m, start, err);
  if (!status) status = split_at(m, end, err);
  if (status) return status;
  size_t first = area_from(m, start), behind = first;
  while (behind < m->n_areas && m->areas[behind].end <= end) behind++;
  if (behind == first) return 0;
  uint64_t low = m->areas[first].start, high = m->areas[behind - 1].end;
  drop_pages(m, low, high);
  remove_areas(m, first, behind - first);
  free_tables(m, low, high);
  return 0;
}

int pw_mm_map(struct pw_mm *m, const struct pw_mm_area *area, struct pw_error *err)
{
  if (area->start >= area->end || area->end > PAGES_END) return 0;
  int status = pw_mm_unmap(m, area->start, area->end, err);
  size_t at = area_from(m, area->start);
  if (!status) status = insert_area(m, at, *area, err);
  if (status) return status;
  merge_at(m, at + 1);
  merge_at(m, at);
  return 0;
}

int pw_mm_protect(struct pw_mm *m, uint64_t start, uint64_t end, uint32_t protection, struct pw_error *err)
{
  const uint32_t bits = PW_MAP_READ | PW_MAP_WRITE | PW_MAP_EXECUTE;
  int status = split_at(m, start, err);
  if (!status) status = split_at(m, end, err);
  if (status) return status;
  size_t first = area_from(m, start), behind = first;
  for (; behind < m->n_areas && m->areas[behind].end <= end; behind++)
    m->areas[behind].flags = (m->areas[behind].flags & ~bits) | (protection & bits);
  for (size_t i = behind + 1; i-- > first;) merge_at(m, i);
  return 0;
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
  for (size_t i = area_from(m, start); i < m->n_areas && m->areas[i].start < end; i++)
    discard_part(m, most(start, m->areas[i].start), least(end, m->areas[i].end));
}

/* Entries are carried over table by table, and the new place gets a table for each one that the
 * old place has, full or not. */
int pw_mm_move(struct pw_mm *m, uint64_t from, uint64_t pages, uint64_t to, struct pw_error *err)
{
  uint8_t *old;
  drop_pages(m, to, to + pages);
  for (uint64_t page = from, end = from + pages; (old = pw_ptables_next(&m->tables, &page, end));) {
    uint64_t target = page - from + to;
    uint64_t n = least(end - page, least(TABLE - page % TABLE, TABLE - target % TABLE));
    uint8_t *new = make_table(m, target, err);
    if (!new) return PW_ENOMEM;
    memcpy(&new[target % TABLE], &old[page % TABLE], n);
    memset(&old[page % TABLE], PW_PTE_NONE, n);
    if (n == TABLE) pw_ptables_prune(&m->tables, page, page + n, page, page + n);
    page += n;
  }
  return 0;
}

void pw_mm_fork(struct pw_mm *m)
{
  uint8_t *ptes;
  for (uint64_t page = 0; (ptes = pw_ptables_next(&m->tables, &page, PAGES_END)); page = (page | (TABLE - 1)) + 1)
    for (unsigned i = 0; i < TABLE; i++)
      if (ptes[i] == PW_PTE_OWN) ptes[i] = PW_PTE_FORKED;
}

/* ---- faults ---- */

/* A stack grows to a page below it, if nothing else is there first. */
static struct pw_mm_area *grow_stack(struct pw_mm *m, uint64_t page)
{
  size_t i = area_from(m, page);
  if (i == m->n_areas || !(m->areas[i].flags & PW_MAP_STACK)) return NULL;
  m->areas[i].start = page;
  m->last = i;
  return &m->areas[i];
}

/* A read of a file maps what is around it: 16 pages from a multiple of 16 in the table, or from
 * the start of the area where that comes later, up to the end of the area, the table and the file. */
static void map_around(struct pw_mm *m, const struct pw_mm_area *area, uint8_t *ptes, uint64_t page)
{
  uint64_t in_table = page % TABLE, in_area = page - area->start, around = m->around_pages;
  uint64_t from = most(in_table - in_table % around, in_table - least(in_table, in_area));
  uint64_t to = least(least(from + around, TABLE), in_table + (area->end - page));
  if (area->file_pages) to = least(to, in_table + most(area->file_pages, area->offset + in_area + 1) - (area->offset + in_area));
  for (uint64_t i = from; i < to; i++) {
    if (ptes[i] != PW_PTE_NONE) continue;
    ptes[i] = PW_PTE_CACHE;
    m->counts.cached++;
    m->counts.around += i != in_table;
  }
}

static void first_touch(struct pw_mm *m, const struct pw_mm_area *area, uint8_t *ptes, uint64_t page, bool write)
{
  uint8_t *pte = &ptes[page % TABLE];
  bool shared = area->flags & PW_MAP_SHARED, file = area->flags & PW_AREA_FILE;
  if (file)
    m->counts.file_faults++;
  else
    m->counts.anonymous_faults++;
  if (area->flags & PW_AREA_SPECIAL) {
    *pte = PW_PTE_ZERO; /* there, and not resident */
  } else if (shared && !file) {
    *pte = area->flags & PW_MAP_WRITE ? PW_PTE_CACHE_WRITE : PW_PTE_CACHE;
    m->counts.cached++;
  } else if (write && shared) {
    *pte = PW_PTE_CACHE_WRITE;
    m->counts.cached++;
  } else if (write) {
    *pte = PW_PTE_OWN;
    m->counts.own++;
  } else if (file) {
    map_around(m, area, ptes, page);
  } else {
    *pte = PW_PTE_ZERO;
  }
}

static void write_present(struct pw_mm *m, const struct pw_mm_area *area, uint8_t *pte)
{
  m->counts.copy_faults++;
  if (area->flags & PW_MAP_SHARED) {
    *pte = PW_PTE_CACHE_WRITE;
    return;
  }
  m->counts.cached -= *pte == PW_PTE_CACHE;
  m->counts.own += *pte != PW_PTE_FORKED;
  *pte = PW_PTE_OWN;
}

int pw_mm_fault(struct pw_mm *m, uint64_t page, bool write, struct pw_error *err)
{
  struct pw_mm_area *area = find_area(m, page);
  if (!area) area = grow_stack(m, page);
  if (!area || page >= PAGES_END) {
    m->counts.strays++;
    return 0;
  }
  uint8_t *ptes = make_table(m, page, err);
  if (!ptes) return PW_ENOMEM;
  uint8_t *pte = &ptes[page % TABLE];
  if (*pte == PW_PTE_NONE)
    first_touch(m, area, ptes, page, write);
  else
    write_present(m, area, pte);
  note_resident(m);
  return 0;
}

int pw_mm_put(struct pw_mm *m, uint64_t page, enum pw_pte state, struct pw_error *err)
{
  uint8_t *ptes = make_table(m, page, err);
  if (!ptes) return PW_ENOMEM;
  forget_page(m, &ptes[page % TABLE]);
  ptes[page % TABLE] = (uint8_t)state;
  m->counts.own += state == PW_PTE_OWN;
  m->counts.cached += state == PW_PTE_CACHE;
  note_resident(m);
  return 0;
}

uint64_t pw_mm_present(const struct pw_mm *m, uint64_t start, uint64_t end)
{
  uint64_t n = 0;
  uint8_t *ptes;
  for (uint64_t page = start; (ptes = pw_ptables_next(&m->tables, &page, end)); page = (page | (TABLE - 1)) + 1)
    for (uint64_t p = page, last = least(end, (page | (TABLE - 1)) + 1); p < last; p++) n += ptes[p % TABLE] != PW_PTE_NONE;
  return n;
}
