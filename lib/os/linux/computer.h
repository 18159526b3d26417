/* A computer under Linux: its frames, kernel objects and page cache, which the memories of its processes (mm.h) share.
 *
 * What is counted where: a frame of the page cache is the file's, whoever maps it; a private frame is counted by how many
 * page-table entries map it, in what pw_buddy keeps of it. 2 MiB of one mapping are a block of frames that is given back
 * whole, when the last of its pages goes. Each frame that processes map is a folio (folio.h).
 *
 * When frames are few, pages leave (reclaim.h): any request for a frame may take pages of any process out of its tables, but
 * for those that are pinned. */
#ifndef PW_COMPUTER_H
#define PW_COMPUTER_H

#include "base/intern.h"
#include "base/pagemap.h"
#include "os/linux/hugetlb.h"
#include "os/linux/mm.h"
#include "os/linux/reclaim.h"
#include "os/linux/slab.h"

struct pw_computer_options {
  uint64_t memory_bytes, kernel_bytes;
  enum pw_thp thp;
  bool plain;        /* the account of `run`: a fault a page, frames of the process's own */
  bool warm;         /* mapped files are in the page cache */
  bool told;         /* a kernel's events tell what objects and stacks there are (kmem.h): nobody else takes any */
  const struct pw_geometry *geometry;
  unsigned watermark_scale;
  uint64_t min_free_bytes; /* 0: by the kernel's formula */
  uint64_t hugetlb_pages[PW_POOLS]; /* set aside at the start, of 2 MiB and 1 GiB */
  struct pw_reclaim_options reclaim;
};

/* Bytes in use; swap: of its device; hugetlb: of what was set aside. */
struct pw_computer_bytes {
  uint64_t tables, slabs, kernel, anon, file, thp, swap, hugetlb;
};

/* A page of a file that was written through a mapping, and when. */
struct pw_dirty {
  uint64_t at, index;
  uint32_t file, number; /* number: the folio has it too, unless it was cleaned since */
};

struct pw_cached_file {
  uint32_t name;     /* text of its inode and name, or PW_NO_TEXT: memory without a file */
  uint64_t areas;    /* that map it */
  uint64_t end;      /* farthest page that was mapped so far */
  uint64_t pool_pages; /* huge pages set aside that it reserved, used or not */
  uint8_t pool;      /* number of their pool */
  struct pw_ranges nodes; /* 64 pages each, of which one was ever cached */
  uint32_t inode_object, dentry, filp;
};

/* Who is told that pages of an address space may be in TLBs, and are not what they were. */
typedef void pw_shoot_fn(void *context, uint32_t number, uint64_t start, uint64_t end);

/* Something that happened to a page, for whoever tells it to people. */
struct pw_told {
  enum { PW_TOLD_FAULT, PW_TOLD_SPLIT, PW_TOLD_COLLAPSE, PW_TOLD_EVICTION, PW_TOLD_KILL } what;
  const struct pw_mm *mm;
  uint64_t page;
  bool write, major, huge, fallback, swap; /* of a fault; huge, swap (it is written there): of an eviction too */
  uint64_t copies, around;           /* pages that it copied, and that came with it */
  uint64_t own;                      /* of a fault or a collapse: pages of the process's own that it has for the first time */
  bool mapped;                       /* of an eviction: somebody maps it, so that `page` means something */
  uint64_t lists[PW_LISTS];          /* of an eviction: how long they are, enum pw_lru_list, without what is being looked at */
  uint64_t score;                    /* of a kill */
};
typedef void pw_tell_fn(void *context, const struct pw_told *told);

/* Frames were few, and something was done about it. */
typedef void pw_few_fn(void *context, enum pw_system_event_kind kind, uint64_t freed_pages);

struct pw_process;

struct pw_computer {
  struct pw_computer_options options;
  struct pw_buddy frames;
  uint64_t low, high;              /* watermarks, in free frames: where kswapd begins, and where it rests */
  struct pw_reclaim reclaim;
  struct pw_hugetlb hugetlb;
  uint64_t kernel_itself;          /* bytes of the kernel that no process began: nobody is charged for them */
  uint64_t object_bytes;           /* of kernel objects that the group is charged for */
  struct pw_slab_cache slabs[PW_SLABS];
  struct pw_slab_kind table_kinds[PW_MAX_LEVELS];
  struct pw_slab_cache tables[PW_MAX_LEVELS]; /* by level, for tables that share a page */
  uint64_t table_bytes[PW_MAX_LEVELS];
  struct pw_intern names;
  struct pw_cached_file *files;    /* from 1 */
  size_t n_files, files_room;
  struct pw_pagemap files_by_name; /* name and inode -> file */
  struct pw_pagemap pages, nodes;  /* of files: key -> frame; 64 of them -> kernel object */
  struct pw_pagemap shadows, swapped; /* of pages of files that left: what was known; of shared memory: its slot of swap */
  struct pw_dirty *dirty;          /* in the order in which they became so; those before `cleaned` are written back */
  size_t n_dirty, dirty_room, cleaned;
  uint32_t dirtied;                /* pages so far */
  uint64_t writebacks;
  const uint64_t *clock;           /* accesses so far; or NULL: nobody writes back */
  const struct pw_process *asker;  /* whom frames are asked for; or NULL */
  uint32_t huge_zero;              /* or PW_NO_FRAME */
  uint64_t zero_maps;              /* that map it */
  struct pw_computer_bytes now, peak;
  uint64_t addresses;              /* address spaces so far */
  uint64_t ages;                   /* given to memories */
  pw_shoot_fn *shoot;              /* or NULL */
  void *shoot_context;
  pw_few_fn *few;                  /* or NULL; the context is that of `shoot` */
  pw_tell_fn *tell;                /* or NULL */
  void *tell_context;
};

/* 0, PW_EINVAL with a sentence, or PW_ENOMEM. */
int pw_computer_init(struct pw_computer *computer, const struct pw_computer_options *options, struct pw_error *err);
void pw_computer_clear(struct pw_computer *computer);

/* ---- frames: 0, PW_MM_NO_FRAME, or PW_ENOMEM ---- */

int pw_computer_take_object(struct pw_computer *computer, unsigned slab, uint32_t *object);
void pw_computer_give_object(struct pw_computer *computer, unsigned slab, uint32_t object);
/* The same of a cache that the computer does not know by itself. */
int pw_computer_take_from(struct pw_computer *computer, struct pw_slab_cache *cache, uint32_t *object);
void pw_computer_give_to(struct pw_computer *computer, struct pw_slab_cache *cache, uint32_t object);
/* A block of the kernel's own. */
int pw_computer_take_block(struct pw_computer *computer, unsigned order, enum pw_migrate type, uint32_t *frame);
void pw_computer_give_block(struct pw_computer *computer, uint32_t frame, unsigned order);
int pw_computer_take_stack(struct pw_computer *computer, uint32_t frames[4]);
void pw_computer_give_stack(struct pw_computer *computer, const uint32_t frames[4]);
struct pw_table_frames pw_computer_table_frames(struct pw_computer *computer);
/* A private frame that is to be mapped at a page, by 512 entries if it is a block. */
int pw_computer_take_anon(struct pw_computer *computer, unsigned order, enum pw_effort effort, struct pw_mm *mm, uint64_t page, uint32_t *frame);
/* The same for what comes back from swap: *cached: others have it there too, so that it stays in the swap cache with its slot,
 * and nobody maps it yet; else the slot is free again. */
int pw_computer_swap_in(struct pw_computer *computer, uint32_t slot, struct pw_mm *mm, uint64_t page, uint32_t *frame, bool *cached);
/* One that nobody maps yet. */
int pw_computer_take_private(struct pw_computer *computer, unsigned order, enum pw_effort effort, struct pw_mm *mm, uint32_t *frame, uint32_t *folio);
void pw_computer_forget_private(struct pw_computer *computer, uint32_t folio); /* it goes as it came */
/* The page was written without a fault: a copy that swap has is old, and stays where it is. */
void pw_computer_soiled(struct pw_computer *computer, uint32_t frame);
/* The huge zero page. */
int pw_computer_huge_zero(struct pw_computer *computer, uint32_t *frame);
/* A frame, private or of a file, is mapped at a page by so many entries more; by one, or 512, fewer. */
int pw_computer_map(struct pw_computer *computer, uint32_t frame, unsigned n, struct pw_mm *mm, uint64_t page);
void pw_computer_unmap(struct pw_computer *computer, uint32_t frame, unsigned n);
/* A process maps it elsewhere than before. */
int pw_computer_moved(struct pw_computer *computer, uint32_t frame, struct pw_mm *mm, uint64_t page);
/* An entry names a slot of swap no more. */
void pw_computer_forget_slot(struct pw_computer *computer, uint32_t slot);
/* It is not to leave, or may again. */
void pw_computer_pin(struct pw_computer *computer, uint32_t frame, bool pinned);
/* It is written: what swap had of it is old. */
void pw_computer_wrote(struct pw_computer *computer, uint32_t frame);
/* How many map it: of a block, the pages of all who do. */
uint32_t pw_computer_holders(const struct pw_computer *computer, uint32_t frame);
/* Those who have it in swap, as a copy that is still good. */
uint32_t pw_computer_in_swap(const struct pw_computer *computer, uint32_t frame);
static inline struct pw_folio *pw_computer_folio(const struct pw_computer *c, uint32_t frame)
{
  uint32_t first = c->frames.frames[frame].mark ? frame & ~(uint32_t)(PW_HUGE_PAGES - 1) : frame;
  return &c->reclaim.folios.list[c->frames.frames[first].next];
}
static inline bool pw_computer_in_block(const struct pw_computer *c, uint32_t frame)
{
  return c->frames.frames[frame].mark;
}
/* The page of a block was stored to: it is not all zeros any more. */
static inline void pw_computer_stored(struct pw_computer *c, uint32_t frame)
{
  if (c->frames.frames[frame].mark) c->frames.frames[frame].order = 1;
}
static inline bool pw_computer_was_stored(const struct pw_computer *c, uint32_t frame)
{
  return !c->frames.frames[frame].mark || c->frames.frames[frame].order;
}
/* A 2 MiB mapping of a block comes, or goes: thp bytes count a block once, while there is any. */
void pw_computer_count_huge(struct pw_computer *computer, uint32_t frame, int change);

/* ---- files ---- */

static inline uint64_t pw_file_key(uint32_t file, uint64_t index)
{
  return (uint64_t)file << 40 | (index & ((UINT64_C(1) << 40) - 1));
}

static inline uint32_t pw_file_of_key(uint64_t key)
{
  return (uint32_t)(key >> 40);
}

/* The file of that name and inode, new ones with their kernel objects. */
int pw_computer_file(struct pw_computer *computer, const char *name, size_t name_bytes, uint64_t inode, uint32_t *file);
/* Memory that processes share, and no file. */
int pw_computer_shared(struct pw_computer *computer, uint32_t *file);
void pw_computer_map_file(struct pw_computer *computer, uint32_t file);
void pw_computer_unmap_file(struct pw_computer *computer, uint32_t file); /* shared memory goes with its last area */
/* The frame of a page of a file, PW_NO_FRAME when it is not cached. */
uint32_t pw_computer_cached(const struct pw_computer *computer, uint32_t file, uint64_t index);
/* Is it memory that is shared, and in swap? */
bool pw_computer_is_out(const struct pw_computer *computer, uint32_t file, uint64_t index);
/* Brings it there: for a process that needs it, or (light) as one that may be needed soon. */
int pw_computer_cache(struct pw_computer *computer, uint32_t file, uint64_t index, struct pw_mm *mm, bool light, uint32_t *frame);
/* A page of a file is written through a mapping: it is dirty from now on, unless it was. 0 or PW_ENOMEM. */
int pw_computer_dirty(struct pw_computer *computer, uint32_t file, uint64_t index, uint32_t frame);
/* The page that has been dirty for longest is written back; NULL: it was before, or has gone. Its mappings are to be write-protected then. */
const struct pw_dirty *pw_computer_clean(struct pw_computer *computer);
/* This page is, if it was dirty. */
bool pw_computer_clean_page(struct pw_computer *computer, uint32_t file, uint64_t index);
bool pw_computer_is_shared(const struct pw_computer *computer, uint32_t file);
/* Pages [index, index + pages) are mapped: a warm cache has them now. */
int pw_computer_warm(struct pw_computer *computer, uint32_t file, uint64_t index, uint64_t pages);

/* ---- for the files of this room ---- */

/* A frame that was taken gets its folio, of who brought it; without memory for that it is given back. 0 or PW_ENOMEM. */
int pw_computer_make_folio(struct pw_computer *computer, uint32_t frame, unsigned order, struct pw_mm *mm, uint32_t *number);
/* It is on no list, and its frames are free. */
void pw_computer_forget_folio(struct pw_computer *computer, struct pw_folio *folio);
void pw_computer_watch_peaks(struct pw_computer *computer);

#endif
