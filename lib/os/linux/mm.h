/* One process's memory as Linux would manage it: areas, page tables, faults, resident pages.
 *
 * Models what x86-64 with pages of 4 KiB does on a machine whose memory and page cache never run
 * short: a fault on the first touch; a read of a file maps the pages around it too; a read of
 * anonymous memory maps the zero page, which counts as nothing resident, and its first write is
 * another fault; a write to a private page of a file copies it; tables go when no area covers
 * their span; mremap carries pages along without a fault. It does not model huge pages, swap,
 * major faults, NUMA hints, or the pages of a process that this one shares memory with.
 *
 * Invariant: neighbours that the kernel would keep as one area are one range; every page that is
 * there lies in an area. Cost: 512 bytes for 2 MiB touched; a touch of a page that is there looks at
 * four tables; a change finds its areas in O(log n). */
#ifndef PW_MM_H
#define PW_MM_H

#include "base/intern.h"
#include "base/ranges.h"
#include "os/linux/ptables.h"
#include "space/native.h"

/* What stands in a page-table entry. */
enum pw_pte {
  PW_PTE_NONE,
  PW_PTE_ZERO,        /* the zero page, read-only */
  PW_PTE_CACHE,       /* a page of the page cache, read-only */
  PW_PTE_FORKED,      /* the program's own, read-only since a fork */
  PW_PTE_CACHE_WRITE, /* a page of the page cache that may be written; from here on nothing faults */
  PW_PTE_OWN,         /* the program's own */
};

struct pw_mm_counts {
  uint64_t anonymous_faults; /* first touches of anonymous memory */
  uint64_t file_faults;      /* first touches of files */
  uint64_t copy_faults;      /* writes to a page that was there to be read */
  uint64_t around;           /* pages that came with another's fault */
  uint64_t own, cached;      /* resident pages */
  uint64_t peak;             /* of their sum */
  uint64_t tables_peak;      /* most tables at a time */
  uint64_t strays;           /* touches outside of every area */
};

struct pw_mm {
  struct pw_ptables tables;
  struct pw_ranges areas;       /* pages; the value is a number of `kinds` */
  struct pw_native_vma *kinds;  /* by number: flags, file, and as offset that of page 0, modulo 2^64 */
  size_t n_kinds, kinds_room;
  struct pw_intern kind_texts;  /* finds a kind's number */
  struct pw_mm_counts counts;
  unsigned around_pages;        /* mapped around a read of a file; 16 */
  bool reclaims_tables;         /* a table whose whole span is discarded goes too (Linux 6.14 and later) */
};

int pw_mm_init(struct pw_mm *mm, struct pw_error *err);
void pw_mm_clear(struct pw_mm *mm);

/* All below: 0, or PW_ENOMEM. Ranges are in pages, [start, end). */
int pw_mm_map(struct pw_mm *mm, const struct pw_native_vma *area, struct pw_error *err);
int pw_mm_unmap(struct pw_mm *mm, uint64_t start, uint64_t end, struct pw_error *err);
int pw_mm_protect(struct pw_mm *mm, uint64_t start, uint64_t end, uint32_t protection, struct pw_error *err);
void pw_mm_discard(struct pw_mm *mm, uint64_t start, uint64_t end);
/* mremap: the area there is at the target afterwards, with its pages as far as they fit. */
int pw_mm_move(struct pw_mm *mm, const struct pw_native_change *move, struct pw_error *err);
void pw_mm_fork(struct pw_mm *mm);
/* A page that is there from the start: the program's own, or of a file. */
int pw_mm_put(struct pw_mm *mm, uint64_t page, bool own, struct pw_error *err);

bool pw_mm_area(const struct pw_mm *mm, uint64_t page, struct pw_native_vma *found);
uint64_t pw_mm_tables(const struct pw_mm *mm);
uint64_t pw_mm_faults(const struct pw_mm *mm);
/* Pages of [start, end) that are there. */
uint64_t pw_mm_present(const struct pw_mm *mm, uint64_t start, uint64_t end);

/* fault.c: a touch of a page that is not there, or may not be written. */
int pw_mm_fault(struct pw_mm *mm, uint64_t page, bool write, struct pw_error *err);

/* Does a touch find its page without a fault? */
static inline bool pw_mm_reaches(const struct pw_mm *mm, uint64_t page, bool write)
{
  const uint8_t *ptes = pw_ptables_find(&mm->tables, page);
  uint8_t pte = ptes ? ptes[page % PW_PTABLE_ENTRIES] : (uint8_t)PW_PTE_NONE;
  return pte >= PW_PTE_CACHE_WRITE || (pte && !write);
}

/* For mm.c and fault.c. */
#define PW_MM_END (UINT64_C(1) << 36) /* pages of a process */
int pw_mm_no_memory(struct pw_error *err);
uint8_t *pw_mm_make_table(struct pw_mm *mm, uint64_t page, struct pw_error *err); /* the 512 entries around a page */
int pw_mm_grow_down(struct pw_mm *mm, const struct pw_native_vma *area, uint64_t page, struct pw_error *err);
void pw_mm_note_resident(struct pw_mm *mm);

static inline uint64_t pw_least(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static inline uint64_t pw_most(uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

#endif
