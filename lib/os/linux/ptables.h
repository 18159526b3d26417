/* A process's page tables: any geometry with pages of 4 KiB, entries of 32 bits, and 2 MiB mapped by one entry.
 *
 * Levels are counted from below: tables of level 0 hold page-table entries, those of level n-1 are roots. A table is
 * there from the first page made under it until it is pruned. Where the table above the leaf spans 2 MiB an entry, it may
 * map a whole block instead of a leaf table; the leaf table that would be needed is *set aside* with it, as Linux does, so
 * that a split never has to ask for memory. Pages of a pool (hugetlb.h), which never split, have none, and may be of 1 GiB, at the level above. Whoever keeps frames is asked for each table's (struct pw_table_frames).
 *
 * A 32-bit entry is a state (its lowest PW_PTE_BITS) and a frame; 0 is an absent page. */
#ifndef PW_PTABLES_H
#define PW_PTABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pagewalk.h"

enum { PW_PTE_BITS = 4, PW_HUGE_ORDER = 9, PW_HUGE_PAGES = 1 << PW_HUGE_ORDER, PW_GIGANTIC_ORDER = 18 };

/* Who gives a table its frames; both may be NULL. */
struct pw_table_frames {
  void *context;
  int (*take)(void *context, unsigned level, uint32_t *frame); /* 0, or what pw_ptables_make is to return */
  void (*give)(void *context, unsigned level, uint32_t frame);
};

struct pw_ptable;

/* 2 MiB, or more, under one entry. */
struct pw_huge {
  uint32_t pte;            /* state, and the first frame; of a pool's page its number */
  uint32_t order;          /* pages = 2^order */
  struct pw_ptable *aside; /* the leaf table that is kept for a split; NULL: a page of a pool */
};

struct pw_ptables {
  struct pw_ptable *root;
  unsigned levels, width_bits[PW_MAX_LEVELS], shift[PW_MAX_LEVELS]; /* by level from below; pages an entry spans = 2^shift */
  uint64_t end;               /* pages that they reach: no function but pw_ptables_next may be asked about one behind */
  uint64_t n[PW_MAX_LEVELS];  /* tables by level, the root and those set aside among them */
  bool huge;                  /* an entry above the leaf spans 2 MiB, and the geometry offers it */
  bool gigantic;              /* the same of 1 GiB */
  struct pw_table_frames frames;
};

/* What stands at a page. */
struct pw_ptables_at {
  uint32_t *ptes;       /* entries of its leaf table, or NULL */
  struct pw_huge *huge; /* or NULL */
};

/* NULL = x86-64's four levels. 0, what `take` returned for the root, or PW_ENOMEM. */
int pw_ptables_init(struct pw_ptables *tables, const struct pw_geometry *geometry, struct pw_table_frames frames);
void pw_ptables_clear(struct pw_ptables *tables);
static inline uint64_t pw_ptables_leaf(const struct pw_ptables *t) /* pages of a leaf table */
{
  return UINT64_C(1) << t->width_bits[0];
}
/* The first page behind what was found there: of its leaf table, or of the block. */
static inline uint64_t pw_ptables_behind(const struct pw_ptables *t, uint64_t page, const struct pw_ptables_at *at)
{
  return (page | ((at->huge ? UINT64_C(1) << at->huge->order : pw_ptables_leaf(t)) - 1)) + 1;
}
static inline bool pw_ptables_is_pool(const struct pw_ptables_at *at)
{
  return at->huge && !at->huge->aside;
}
struct pw_ptables_at pw_ptables_find(const struct pw_ptables *tables, uint64_t page);
/* The leaf table's entries, made if need be, as are the tables above. Not where 2 MiB are mapped. */
int pw_ptables_make(struct pw_ptables *tables, uint64_t page, uint32_t **ptes);
/* The tables above the leaf alone, or above 2^order pages that one entry is to map; *free (or NULL): nothing stands there. */
int pw_ptables_make_above(struct pw_ptables *tables, uint64_t page, unsigned order, bool *free);
/* The first leaf table or 2 MiB at or behind *page, which is moved there; false when there is none before `end`. */
bool pw_ptables_next(const struct pw_ptables *tables, uint64_t *page, uint64_t end, struct pw_ptables_at *at);
/* All tables, with those that are set aside, and their frames. */
void pw_ptables_each(const struct pw_ptables *tables, void (*take)(void *context, unsigned level, uint32_t frame), void *context);
/* Frees the tables under [start, end) that lie wholly within [floor, ceiling): nothing is mapped there any more. With
 * `empty`, only those that no page is under. */
void pw_ptables_prune(struct pw_ptables *tables, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling, bool empty);

/* Maps 2 MiB at a page that has no leaf table: the tables above and the one set aside are made. */
int pw_ptables_map_huge(struct pw_ptables *tables, uint64_t page, uint32_t pte);
/* The same where a leaf table stands, which is the one that is set aside; its entries are lost. */
int pw_ptables_collapse(struct pw_ptables *tables, uint64_t page, uint32_t pte);
/* The table that was set aside takes the place of the 2 MiB: its entries, all absent. */
uint32_t *pw_ptables_split(struct pw_ptables *tables, uint64_t page);
/* Maps a pool's page of an order where nothing stands, and makes the tables above. */
int pw_ptables_map_pool(struct pw_ptables *tables, uint64_t page, unsigned order, uint32_t pte);
/* Nothing is mapped there, and the table that was set aside goes. */
void pw_ptables_unmap_huge(struct pw_ptables *tables, uint64_t page);

#endif
