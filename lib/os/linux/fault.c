/* Faults: what a touch of a page that is not there, or may not be written, does. See mm.h.
 *
 * The rules are those of mm/memory.c (handle_mm_fault, fault-around). No function here takes a frame
 * from anybody: kernel.c makes room first. */
#include "os/linux/mm.h"

enum { TABLE = PW_PTABLE_ENTRIES };

/* A stack grows to a page below it, if nothing else is there first. */
static int grow_stack(struct pw_mm *m, uint64_t page, struct pw_native_vma *area, bool *grown, struct pw_error *err)
{
  struct pw_range next;
  *grown = pw_ranges_next(&m->areas, page, &next) && pw_mm_area(m, next.first, area) && area->flags & PW_MAP_STACK;
  return *grown ? pw_mm_grow_down(m, area, page, err) : 0;
}

/* A read of a file maps what is around it: 16 pages from a multiple of 16 in the table, or from
 * the start of the area where that comes later, up to the end of the area, the table and the file. */
static void map_around(struct pw_mm *m, const struct pw_native_vma *area, uint8_t *ptes, uint64_t page)
{
  uint64_t in_table = page % TABLE, in_area = page - area->start, around = m->around_pages;
  uint64_t from = pw_most(in_table - in_table % around, in_table - pw_least(in_table, in_area));
  uint64_t to = pw_least(pw_least(from + around, TABLE), in_table + (area->end - page));
  uint64_t in_file = area->offset + in_area;
  if (area->file_pages) to = pw_least(to, in_table + pw_most(area->file_pages, in_file + 1) - in_file);
  for (uint64_t i = from; i < to; i++) {
    if (ptes[i] != PW_PTE_NONE) continue;
    ptes[i] = PW_PTE_CACHE;
    m->counts.cached++;
    m->counts.around += i != in_table;
  }
}

static void first_touch(struct pw_mm *m, const struct pw_native_vma *area, uint8_t *ptes, uint64_t page, bool write)
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

static void write_present(struct pw_mm *m, const struct pw_native_vma *area, uint8_t *pte)
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
  struct pw_native_vma area;
  bool mapped = page < PW_MM_END && pw_mm_area(m, page, &area);
  int status = mapped || page >= PW_MM_END ? 0 : grow_stack(m, page, &area, &mapped, err);
  if (!mapped) m->counts.strays++;
  if (!mapped || status) return status;
  uint8_t *ptes = pw_mm_make_table(m, page, err);
  if (!ptes) return PW_ENOMEM;
  if (ptes[page % TABLE] == PW_PTE_NONE)
    first_touch(m, &area, ptes, page, write);
  else
    write_present(m, &area, &ptes[page % TABLE]);
  pw_mm_note_resident(m);
  return 0;
}
