/* One process's memory as Linux would manage it: areas, page tables, faults, resident pages.
 *
 * A fault on the first touch; a read of a file maps the pages around it too; a read of anonymous memory maps the zero
 * page, which counts as nothing resident, and its first write is another fault; a write to a private page of a file copies
 * it; tables go when no area covers their span; mremap carries pages along without a fault.
 *
 * Alone (`computer` is NULL) it is what `validate` holds against the running kernel: memory and page cache never run short,
 * nobody counts frames, and what other processes share is not known: a child is taken to be gone when its parent writes. As a process of a computer (computer.h) its tables,
 * pages and kernel objects take frames, files are in a page cache, a fork makes another process, and 2 MiB may be mapped
 * at once (huge.c).
 *
 * Invariant: neighbours that the kernel would keep as one area are one range; every page that is there lies in an area, or
 * is unknown to the trace. Cost: 2 KiB for 2 MiB touched; a touch of a page that is there looks at as many tables as there
 * are levels; a change finds its areas in O(log n). */
#ifndef PW_MM_H
#define PW_MM_H

#include "base/ranges.h"
#include "os/linux/ptables.h"
#include "os/linux/swapin.h"
#include "space/native.h"

/* What stands in a page-table entry, above it the frame, or the slot of swap. */
enum pw_pte {
  PW_PTE_NONE,
  PW_PTE_SWAP,        /* the program's own, and not in memory */
  PW_PTE_ZERO,        /* the zero page, read-only */
  PW_PTE_CACHE,       /* a page of the page cache, read-only */
  PW_PTE_FORKED,      /* the program's own, read-only since a fork */
  PW_PTE_CACHE_WRITE, /* a page of the page cache that may be written; from here on nothing faults */
  PW_PTE_OWN,         /* the program's own */
  PW_PTE_CLEAN,       /* … and not written since it came from swap, which has it too: the next write is no fault */
};

#define PW_PTE_STATE UINT32_C(7)
#define PW_PTE_ACCESSED UINT32_C(8)  /* by any touch; reclaim takes it away */
#define PW_PTE_EXCLUSIVE UINT32_C(8) /* of a page in swap: no fork has shared it */

static inline enum pw_pte pw_pte_state(uint32_t pte)
{
  return (enum pw_pte)(pte & PW_PTE_STATE);
}

static inline uint32_t pw_pte_frame(uint32_t pte)
{
  return pte >> PW_PTE_BITS;
}

/* As a fault makes it: accessed. */
static inline uint32_t pw_pte_make(enum pw_pte state, uint32_t frame)
{
  return frame << PW_PTE_BITS | (state > PW_PTE_ZERO ? PW_PTE_ACCESSED : 0) | state;
}

static inline void pw_pte_set_state(uint32_t *pte, enum pw_pte state)
{
  *pte = (*pte & ~PW_PTE_STATE) | state;
}

/* The program's own, and in memory. */
static inline bool pw_pte_is_own(uint32_t pte)
{
  return pw_pte_state(pte) >= PW_PTE_OWN || pw_pte_state(pte) == PW_PTE_FORKED;
}

static inline bool pw_pte_is_cached(uint32_t pte)
{
  return pw_pte_state(pte) == PW_PTE_CACHE || pw_pte_state(pte) == PW_PTE_CACHE_WRITE;
}

/* Is it of a frame that somebody counts? */
static inline bool pw_pte_maps(uint32_t pte)
{
  return pw_pte_state(pte) > PW_PTE_ZERO;
}

/* A write fault lets a page that is there be written: it is accessed. */
static inline void pw_pte_let_write(uint32_t *pte, enum pw_pte state)
{
  pw_pte_set_state(pte, state);
  *pte |= PW_PTE_ACCESSED;
}

enum { PW_NO_FILE = 0 };

enum pw_thp { PW_THP_NEVER, PW_THP_MADVISE, PW_THP_ALWAYS };

/* What one area is, beside where it lies. */
struct pw_mm_kind {
  uint32_t flags;      /* PW_MAP_…, PW_AREA_… */
  uint32_t file;       /* of the computer's page cache, or PW_NO_FILE */
  uint64_t inode;
  uint64_t shift;      /* of a file: offset of a page in it, less its number, modulo 2^64 */
  uint64_t file_pages;
};

/* Kernel objects of an area (slab.h). */
struct pw_mm_vma {
  struct pw_mm_kind kind;
  bool has_anon;       /* it has faulted anonymously: the next two are there */
  struct pw_swap_ahead ahead; /* of what is read from swap in it */
  uint32_t vma, anon_vma, chain;
};

struct pw_mm_counts {
  uint64_t anonymous_faults; /* first touches of anonymous memory */
  uint64_t file_faults;      /* first touches of files */
  uint64_t copy_faults;      /* writes to a page that was there to be read */
  uint64_t around;           /* pages that came with another's fault */
  uint64_t own, cached;      /* resident pages */
  uint64_t peak;             /* of their sum */
  uint64_t strays;           /* touches outside of every area */
  /* with a computer */
  uint64_t brought;          /* pages of its own that it had for the first time */
  uint64_t major_faults, copies, thp_faults, thp_fallbacks, thp_collapses, thp_splits, thp_swap_outs;
  uint64_t swap_ins, swap_outs;  /* pages that it read, and that it had brought and were written */
  uint64_t swap_ra, swap_ra_hits; /* of those that it read, ahead of need; and of all such, those that it needed then */
  uint64_t refaults, activations; /* pages that it brought again; of those who were needed too soon */
  uint64_t swapped, swapped_peak; /* entries that name swap */
  uint64_t huge, huge_peak;  /* 2 MiB mappings that are not of the zero page */
  uint64_t hugetlb, hugetlb_peak; /* base pages that entries map of huge pages set aside; they are not resident */
  uint64_t hugetlb_faults, hugetlb_fails; /* touches that brought one; mappings that found too few, and are of small pages */
  uint64_t table_bytes_peak; /* of tables, with the root and those set aside */
};

struct pw_computer;

struct pw_mm {
  struct pw_computer *computer; /* or NULL */
  struct pw_ptables tables;
  struct pw_ranges areas;       /* pages; the value is a number of `vmas` */
  struct pw_mm_vma *vmas;
  size_t n_vmas, vmas_room;     /* slots, and below how many of them are areas */
  uint32_t *spare;              /* slots without an area */
  size_t n_spare, spare_room;
  uint32_t *maples;             /* kernel objects, one for each 12 areas */
  size_t n_maples, maples_room;
  struct pw_mm_counts counts;
  unsigned around_pages;        /* mapped around a read of a file; 16 */
  bool reclaims_tables;         /* a table whose whole span is discarded goes too (Linux 6.14 and later) */
  enum pw_thp thp;              /* where 2 MiB may be mapped at once */
  bool no_thp;                  /* the process asked for no huge pages */
  bool unknown;                 /* there are pages outside of all areas */
  struct pw_swap_ahead ahead;   /* of what is read from swap outside of all areas */
  bool has_pool;                /* some area has huge pages that were set aside */
  struct pw_ranges reserved;    /* pages of such areas that are reserved, and not there */
  uint32_t number;              /* of the address space, for the computer's TLBs */
  uint64_t age;                 /* another one when a page that was reached may not be any more, or changes its size; of a
                                   computer's memories no two have one */
};

/* Positive: there is no frame for it; the process that asked is to be killed, so that there are some; there is no huge page set aside,
 * and it ends of that (SIGBUS). */
enum { PW_MM_NO_FRAME = 1, PW_MM_KILLED, PW_MM_BUS };

int pw_mm_init(struct pw_mm *mm, struct pw_error *err);
/* The memory of a process of a computer; its root takes frames. */
int pw_mm_begin(struct pw_mm *mm, struct pw_computer *computer, struct pw_error *err);
/* Frees all, and gives back what the computer lent. */
void pw_mm_clear(struct pw_mm *mm);
/* An exec: nothing is mapped, and the address space has another number. The root stays. */
void pw_mm_renew(struct pw_mm *mm);

/* All below: 0, PW_MM_NO_FRAME, PW_MM_KILLED or PW_ENOMEM. Ranges are in pages, [start, end). */
int pw_mm_map(struct pw_mm *mm, const struct pw_native_vma *area, struct pw_error *err);
/* The same with a file of the computer. */
int pw_mm_map_file(struct pw_mm *mm, const struct pw_native_vma *area, uint32_t file, struct pw_error *err);
int pw_mm_unmap(struct pw_mm *mm, uint64_t start, uint64_t end, struct pw_error *err);
int pw_mm_protect(struct pw_mm *mm, uint64_t start, uint64_t end, uint32_t protection, struct pw_error *err);
/* The flags of `mask` are these from here on. */
int pw_mm_set_flags(struct pw_mm *mm, uint64_t start, uint64_t end, uint32_t mask, uint32_t flags, struct pw_error *err);
void pw_mm_discard(struct pw_mm *mm, uint64_t start, uint64_t end);
/* mremap: the area there is at the target afterwards, with its pages as far as they fit. */
int pw_mm_move(struct pw_mm *mm, const struct pw_native_change *move, struct pw_error *err);
/* Pages alone: areas stay. */
int pw_mm_carry(struct pw_mm *mm, uint64_t from, uint64_t pages, uint64_t to, struct pw_error *err);
void pw_mm_fork(struct pw_mm *mm);
/* The child, which is new, has what the parent has. */
int pw_mm_fork_into(struct pw_mm *mm, struct pw_mm *child, struct pw_error *err);
/* A page that is there from the start: the program's own, or of a file. */
int pw_mm_put(struct pw_mm *mm, uint64_t page, bool own, struct pw_error *err);

bool pw_mm_area(const struct pw_mm *mm, uint64_t page, struct pw_native_vma *found);
uint64_t pw_mm_tables(const struct pw_mm *mm); /* without the root */
uint64_t pw_mm_faults(const struct pw_mm *mm);
/* Pages of [start, end) that are there. */
uint64_t pw_mm_present(const struct pw_mm *mm, uint64_t start, uint64_t end);

/* fault.c: a touch of a page that is not there, or may not be written. */
int pw_mm_fault(struct pw_mm *mm, uint64_t page, bool write, struct pw_error *err);

/* A page of a file was written back: where it is mapped to be shared, the next write faults. */
void pw_mm_clean(struct pw_mm *mm, uint32_t file, uint64_t index);
/* The pages of areas in [start, end) are brought, as if each were read, or written; by_right: written where the memory is private and
 * may be. What may not be read, or written, is left out. */
enum pw_populate { PW_POPULATE_READ, PW_POPULATE_WRITE, PW_POPULATE_BY_RIGHT };
int pw_mm_populate(struct pw_mm *mm, uint64_t start, uint64_t end, enum pw_populate how, struct pw_error *err);

/* How many base pages the entry maps that a touch finds without a fault; 0: it faults, or no table reaches the page. */
static inline unsigned pw_mm_reaches(const struct pw_mm *mm, uint64_t page, bool write)
{
  if (page >= mm->tables.end) return 0;
  struct pw_ptables_at at = pw_ptables_find(&mm->tables, page);
  enum pw_pte pte = PW_PTE_NONE;
  if (at.ptes) pte = pw_pte_state(at.ptes[page & (pw_ptables_leaf(&mm->tables) - 1)]);
  else if (at.huge) pte = pw_pte_state(at.huge->pte);
  if (pte < PW_PTE_CACHE_WRITE ? pte <= PW_PTE_SWAP || write : write && pte == PW_PTE_CLEAN) return 0;
  return at.huge ? 1u << at.huge->order : 1;
}

/* A store to a page of the process's own, which may be a part of 2 MiB. */
void pw_mm_stored(struct pw_mm *mm, uint64_t page, const struct pw_ptables_at *at);
/* The same for a touch, which is noted in the entry. */
static inline unsigned pw_mm_touch(struct pw_mm *mm, uint64_t page, bool write)
{
  if (page >= mm->tables.end) return 0;
  struct pw_ptables_at at = pw_ptables_find(&mm->tables, page);
  uint32_t *pte = at.ptes ? &at.ptes[page & (pw_ptables_leaf(&mm->tables) - 1)] : at.huge ? &at.huge->pte : NULL;
  enum pw_pte state = pte ? pw_pte_state(*pte) : PW_PTE_NONE;
  if (state < PW_PTE_CACHE_WRITE ? state <= PW_PTE_SWAP || write : write && state == PW_PTE_CLEAN) return 0;
  if (state > PW_PTE_ZERO) *pte |= PW_PTE_ACCESSED;
  if (write && mm->thp != PW_THP_NEVER && state >= PW_PTE_OWN) pw_mm_stored(mm, page, &at);
  return at.huge ? 1u << at.huge->order : 1;
}

/* A touch that no TLB sees: the kernel's own. */
int pw_mm_access(struct pw_mm *mm, uint64_t page, bool write, struct pw_error *err);
/* A page that is there was used: for who counts each touch. */
void pw_mm_used(struct pw_mm *mm, uint64_t page);

/* ---- for the files of this room ---- */

int pw_mm_no_memory(struct pw_error *err);
int pw_mm_status(int status, struct pw_error *err); /* PW_ENOMEM gets its sentence */
uint32_t *pw_mm_make_table(struct pw_mm *mm, uint64_t page, int *status, struct pw_error *err); /* the entries around a page */
void pw_mm_note(struct pw_mm *mm); /* peaks */
void pw_mm_forget_page(struct pw_mm *mm, uint32_t *pte);
void pw_mm_shot(struct pw_mm *mm, uint64_t start, uint64_t end); /* pages may be in TLBs, and are not what they were */

/* areas.c */
struct pw_native_vma pw_mm_area_of(const struct pw_mm *mm, const struct pw_range *range);
/* Nothing of [start, end) is an area afterwards; pages stay. */
int pw_mm_cut_areas(struct pw_mm *mm, uint64_t start, uint64_t end, struct pw_error *err);
/* An area where there is none, made one with neighbours that are alike. */
int pw_mm_put_area(struct pw_mm *mm, const struct pw_native_vma *area, uint32_t file, struct pw_error *err);
int pw_mm_grow_down(struct pw_mm *mm, const struct pw_native_vma *area, uint64_t page, struct pw_error *err);
int pw_mm_share_areas(const struct pw_mm *mm, struct pw_mm *child, struct pw_error *err);
void pw_mm_clear_areas(struct pw_mm *mm);
/* The area has faulted anonymously. */
int pw_mm_need_anon(struct pw_mm *mm, struct pw_mm_vma *vma, struct pw_error *err);

/* huge.c */
bool pw_mm_may_be_huge(const struct pw_mm *mm, uint64_t page, const struct pw_range *area);
int pw_mm_fault_huge(struct pw_mm *mm, uint64_t page, struct pw_mm_vma *vma, bool write, bool *done, struct pw_error *err);
int pw_mm_write_huge(struct pw_mm *mm, uint64_t page, struct pw_mm_vma *vma, struct pw_huge *huge, bool *done, struct pw_error *err);
void pw_mm_split_huge(struct pw_mm *mm, uint64_t page);
/* 2 MiB go to an aligned place as they are; false where a table is in the way. */
bool pw_mm_move_huge(struct pw_mm *mm, uint64_t page, uint64_t to, int *status);
void pw_mm_unmap_huge(struct pw_mm *mm, uint64_t page, struct pw_huge *huge);
int pw_mm_collapse(struct pw_mm *mm, uint64_t page, bool *done, struct pw_error *err);

/* hugetlb.c */
/* The area's huge pages are reserved, and it reaches as far as they do: then it has PW_AREA_POOL. False: there are too few, or none of that size. */
bool pw_mm_reserve_pool(struct pw_mm *mm, struct pw_native_vma *area, uint32_t file);
/* The private area that was put in so keeps them for this address space. */
int pw_mm_keep_reserved(struct pw_mm *mm, const struct pw_native_vma *area, struct pw_error *err);
/* It came to nothing after all. */
void pw_mm_cancel_pool(struct pw_mm *mm, const struct pw_native_vma *area, uint32_t file);
/* What is reserved of a range that is an area no more; flags: the area's. */
void pw_mm_forget_reserved(struct pw_mm *mm, uint64_t start, uint64_t end, uint32_t flags);
/* An event that reaches into a part of such a page means all of it. */
void pw_mm_widen(const struct pw_mm *mm, uint64_t *start, uint64_t *end);
/* Not done: small pages are there. PW_MM_BUS: none is left. */
int pw_mm_fault_pool(struct pw_mm *mm, uint64_t page, struct pw_mm_vma *vma, bool write, bool *done, struct pw_error *err);
void pw_mm_unmap_pool(struct pw_mm *mm, uint64_t page, struct pw_huge *huge);
int pw_mm_copy_pool(struct pw_mm *mm, struct pw_mm *child, uint64_t page, struct pw_huge *huge);
bool pw_mm_move_pool(struct pw_mm *mm, uint64_t page, uint64_t to, int *status);

static inline uint64_t pw_least(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static inline uint64_t pw_most(uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

/* The root of n, rounded down (int_sqrt). */
static inline uint64_t pw_root(uint64_t n)
{
  uint64_t root = 0;
  for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
    if ((root + bit) * (root + bit) <= n) root += bit;
  return root;
}

#endif
