/* What a program's address space is at native addresses: what was seen of it, and what a recording changes.
 *
 * A native run fills the areas and the calls (judge/), a relocation gives each recorded mapping its place
 * by them and tells the changes (relocate.h), and a kernel's model takes those (os/linux/). */
#ifndef PW_NATIVE_H
#define PW_NATIVE_H

#include "pagewalk.h"

/* Further bits of an area's flags, beside PW_MAP_… */
enum {
  PW_AREA_FILE = 1 << 8,    /* pages come from the page cache */
  PW_AREA_SPECIAL = 1 << 9, /* the kernel's own (vdso): never resident, nothing comes around */
  PW_AREA_HUGE = 1 << 10,   /* the program asked for huge pages */
  PW_AREA_NOHUGE = 1 << 11, /* … or for none */
  PW_AREA_POOL = 1 << 12,   /* of huge pages set aside, which were there to be had */
  PW_AREA_RESERVED = 1 << 13, /* … of which this address space has reserved what it has not touched */
};

/* Pages of one kind. */
struct pw_native_vma {
  uint64_t start, end; /* page numbers, [start, end) */
  uint32_t flags;      /* PW_MAP_… and PW_AREA_… */
  uint64_t inode;
  uint64_t offset;     /* of start in the file, in pages */
  uint64_t file_pages; /* of the whole file; 0 = not known: longer than the area */
};

/* An area as /proc tells it. */
struct pw_native_area {
  struct pw_native_vma vma;
  uint64_t present; /* pages that are there; 0 when the kernel does not tell */
  char *name;
};

enum pw_native_kind { PW_NATIVE_MAP, PW_NATIVE_MOVE, PW_NATIVE_UNMAP, PW_NATIVE_PROTECT, PW_NATIVE_DISCARD, PW_NATIVE_FORK,
                      PW_NATIVE_ADVISE, PW_NATIVE_POPULATE };

/* A system call that put something somewhere: MAP or MOVE. */
struct pw_native_call {
  enum pw_native_kind kind;
  uint64_t address, bytes;   /* where, how much; bytes in whole pages */
  uint64_t from, from_bytes; /* mremap: what there was */
  uint64_t inode, offset, file_bytes; /* mmap of a file */
  bool fixed, used;
  bool cut;                  /* a part was unmapped again, the first time `front` bytes at its start, or 0: elsewhere */
  uint64_t front;
  size_t rank;               /* of its address among all calls; filled by pw_gaps_init */
};

/* What a relocation needs of a native run. */
struct pw_native_layout {
  const struct pw_native_area *areas; /* before the first instruction */
  size_t n_areas;
  struct pw_native_call *calls;       /* in their order */
  size_t n_calls;
  uint64_t stack_pointer, heap;       /* when it begins: %rsp, and where brk starts */
};

struct pw_native_change {
  enum pw_native_kind kind;
  struct pw_native_vma vma;  /* MAP: all of it; UNMAP, DISCARD, MOVE (where to): its pages alone; PROTECT, ADVISE: these and flags
                              * (ADVISE: PW_AREA_HUGE, PW_AREA_NOHUGE; of no page: of the whole process; POPULATE:
                              * enum pw_advice) */
  uint64_t from, from_pages; /* MOVE: what goes there, with its area; from = vma.start: it grows in place */
};

#endif
