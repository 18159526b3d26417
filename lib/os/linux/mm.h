/* One process's memory as Linux would manage it: areas, page tables, faults, resident pages.
 *
 * Models what x86-64 with pages of 4 KiB does on a machine whose memory and page cache never run
 * short: a fault on the first touch; a read of a file maps the pages around it too; a read of
 * anonymous memory maps the zero page, which counts as nothing resident, and its first write is
 * another fault; a write to a private page of a file copies it; tables go when no area covers
 * their span; mremap carries pages along without a fault. It does not model huge pages, swap,
 * major faults, NUMA hints, or the pages of a process that this one shares memory with.
 *
 * Invariant: areas are sorted and do not overlap; every page that is there lies in an area.
 * Cost: 512 bytes for 2 MiB touched; a touch of a page that is there looks at four tables. */
#ifndef PW_MM_H
#define PW_MM_H

#include "pagewalk.h"
#include "os/linux/ptables.h"

/* Further bits of an area's flags, beside PW_MAP_… */
enum {
  PW_AREA_FILE = 1 << 8,    /* pages come from the page cache */
  PW_AREA_SPECIAL = 1 << 9, /* the kernel's own (vdso): never resident, nothing comes around */
};

struct pw_mm_area {
  uint64_t start, end; /* page numbers */
  uint32_t flags;      /* PW_MAP_… and PW_AREA_… */
  uint64_t inode;
  uint64_t offset;     /* of start in the file, in pages */
  uint64_t file_pages; /* of the whole file; 0 = not known: longer than the area */
};

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
  struct pw_mm_area *areas;
  size_t n_areas, areas_room;
  size_t last;            /* area found last */
  struct pw_mm_counts counts;
  unsigned around_pages;  /* mapped around a read of a file; 16 */
  bool reclaims_tables;   /* a table whose whole span is discarded goes too (Linux 6.14 and later) */
};

int pw_mm_init(struct pw_mm *mm, struct pw_error *err);
void pw_mm_clear(struct pw_mm *mm);

/* All below: 0, or PW_ENOMEM. Ranges are in pages, [start, end). */
/* What lay there goes first, as with MAP_FIXED. */
int pw_mm_map(struct pw_mm *mm, const struct pw_mm_area *area, struct pw_error *err);
int pw_mm_unmap(struct pw_mm *mm, uint64_t start, uint64_t end, struct pw_error *err);
int pw_mm_protect(struct pw_mm *mm, uint64_t start, uint64_t end, uint32_t protection, struct pw_error *err);
void pw_mm_discard(struct pw_mm *mm, uint64_t start, uint64_t end);
/* Pages move into areas that are there. */
int pw_mm_move(struct pw_mm *mm, uint64_t from, uint64_t pages, uint64_t to, struct pw_error *err);
void pw_mm_fork(struct pw_mm *mm);
/* A page that is there from the start. */
int pw_mm_put(struct pw_mm *mm, uint64_t page, enum pw_pte state, struct pw_error *err);
int pw_mm_fault(struct pw_mm *mm, uint64_t page, bool write, struct pw_error *err);

const struct pw_mm_area *pw_mm_area(struct pw_mm *mm, uint64_t page); /* or NULL */
/* Where the first area in [start, end) begins, or `end`; an area that began before begins at its start. */
uint64_t pw_mm_lowest(const struct pw_mm *mm, uint64_t start, uint64_t end);
uint64_t pw_mm_tables(const struct pw_mm *mm);
uint64_t pw_mm_faults(const struct pw_mm *mm);
/* Pages of [start, end) that are there. */
uint64_t pw_mm_present(const struct pw_mm *mm, uint64_t start, uint64_t end);

static inline int pw_mm_touch(struct pw_mm *mm, uint64_t page, bool write, struct pw_error *err)
{
  const uint8_t *ptes = pw_ptables_find(&mm->tables, page);
  uint8_t pte = ptes ? ptes[page % PW_PTABLE_ENTRIES] : (uint8_t)PW_PTE_NONE;
  if (pte >= PW_PTE_CACHE_WRITE || (pte && !write)) return 0;
  return pw_mm_fault(mm, page, write, err);
}

#endif
