/* What is where in the address space of each process: the one reader of a trace's events that map, unmap, protect,
 * discard, move, fork, exec, exit, and tell what is behind a mapping and what its bytes are called.
 *
 * A mapping is what one map event made, less what was mapped over and unmapped of it; it belongs to whole pages of
 * 4 KiB. A stack that grows by itself also has what lies below it and is mapped by nobody. A child has what its
 * parent has, in the same memory until one of them changes it (base/ranges).
 *
 * A reader at its own time has its own spaces. Not modelled: rights that change later, of which events are told.
 *
 * Cost: an event O(log n) of what is mapped, and what it takes away that no other process has; 48 bytes a mapping,
 * 160 a process. */
#ifndef PW_SPACES_H
#define PW_SPACES_H

#include "base/intern.h"
#include "base/pagemap.h"
#include "base/ranges.h"
#include "space/symbols.h"
#include "space/vma.h"
#include "pagewalk.h"

struct pw_space {
  struct pw_ranges areas;        /* by base page: numbers of what they are (vma.h) */
  struct pw_symbols symbols[2];  /* data, functions */
  uint64_t pages[PW_VMA_KINDS];  /* PW_SPACES_COUNT: mapped now, base pages */
  struct pw_range last_map;      /* first > last: none */
  bool lives;                    /* it was seen, and no exit of it */
  bool left;                     /* PW_SPACES_KEEP: by an exec; the next mapping is another program's */
};

/* A file or a name that mappings are of. */
struct pw_backing {
  uint64_t inode, shift; /* offset in the file of a page, less its number; in pages */
  uint32_t object;       /* text */
};

enum {
  PW_SPACES_SYMBOLS = 1, /* keep symbols */
  PW_SPACES_KEEP = 2,    /* nothing is unmapped, inherited or gone with an exit: each page is as mapped last. An exec
                          * takes all away when the new program maps something */
  PW_SPACES_COUNT = 4,   /* count the pages of each kind; then an event looks at all mappings that it takes away */
};

struct pw_spaces {
  struct pw_intern texts;
  struct pw_space *spaces;      /* by process index */
  size_t n, room;
  unsigned flags;               /* PW_SPACES_… */
  uint32_t process;             /* that runs */
  bool known;                   /* the trace has map events */
  uint64_t age;                 /* rises when an address may belong to something else */
  uint64_t pages[PW_VMA_KINDS]; /* PW_SPACES_COUNT: of all processes */
  struct pw_backing *sources;
  size_t n_sources, sources_room;
  struct pw_pagemap by_source, regions; /* a hash of a source -> its index; number of a mapping -> text */
};

enum pw_space_change_kind {
  PW_SPACE_BACKED,    /* what was mapped last, first … last, is of the file and offset that vma tells */
  PW_SPACE_ADVISED,   /* … about first … last, or the whole process: first > last; `to` is an enum pw_advice */
  PW_SPACE_MAPPED,    /* first … last are what vma tells; what was there is no longer mapped */
  PW_SPACE_UNMAPPED,  /* nothing of first … last is mapped */
  PW_SPACE_PROTECTED, /* `to`: PW_MAP_… bits of protection */
  PW_SPACE_DISCARDED, /* the pages are given back, the mapping stays */
  PW_SPACE_MOVED,     /* the pages are where base page `to` is the first; mappings stay. It fits, and does not overlap */
  PW_SPACE_FORKED,    /* process `to` has what this one has */
  PW_SPACE_EMPTIED,   /* by an exec; first … last is everything */
  PW_SPACE_ENDED,     /* likewise, by an exit */
};

/* What an event did; told when the spaces have changed. Pages are base pages, both ends included. */
struct pw_space_change {
  enum pw_space_change_kind kind;
  uint32_t process;
  uint64_t first, last, to;
  struct pw_vma vma;
};

typedef int pw_space_fn(void *context, const struct pw_space_change *change, struct pw_error *err);

int pw_spaces_init(struct pw_spaces *spaces, unsigned flags); /* -1: memory ran out */
void pw_spaces_clear(struct pw_spaces *spaces); /* frees */
/* Takes an event, and tells what it changed (`each` may be NULL): 0, what `each` returned, or a status. */
int pw_spaces_event(struct pw_spaces *spaces, const struct pw_event *event, pw_space_fn *each, void *context,
                    struct pw_error *err);
/* The status and sentence of a failure: no room, or too many texts. */
int pw_spaces_failed(const struct pw_spaces *spaces, struct pw_error *err);
/* Do events of this kind change which pages are in use? */
bool pw_spaces_moves_pages(uint32_t event_kind);

/* The mapping of a base page, with what a stack may still grow to; false: there is none. */
bool pw_spaces_at(const struct pw_spaces *spaces, uint32_t process, uint64_t page, struct pw_vma *vma);
/* The first mapping that ends at or after a base page. */
bool pw_spaces_next(const struct pw_spaces *spaces, uint32_t process, uint64_t page, struct pw_vma *vma);
/* Is any of the base pages first … last mapped? */
bool pw_spaces_mapped(const struct pw_spaces *spaces, uint32_t process, uint64_t first, uint64_t last);
/* The symbol at an address, or NULL. */
const struct pw_space_symbol *pw_spaces_symbol(const struct pw_spaces *spaces, uint32_t process, uint64_t address,
                                               enum pw_symbol_kind kind);

#endif
