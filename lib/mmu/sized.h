/* TLBs whose entries have sizes: two levels of arrays, each of which holds pages of some sizes.
 *
 * An access knows the size of its page, from the page tables. It asks the first level of its stream, then the second: of
 * each the array that takes such pages, at the set that the page's number at its own size selects; among the ways of a set
 * pages of all sizes are ordered together. A size that no array of a level takes is not kept at that level, so it misses
 * there. A miss fills each level that was asked.
 *
 * Entries belong to a tag below 1023, an address-space number: nothing is emptied at a switch between two that are kept.
 * Invariant: of one level and stream, no two arrays take the same size. */
#ifndef PW_SIZED_H
#define PW_SIZED_H

#include "mmu/lru.h"
#include "mmu/tlb.h"

enum pw_page_size { PW_SIZE_4K, PW_SIZE_2M, PW_SIZE_1G, PW_PAGE_SIZES };
enum { PW_SIZED_ARRAYS = 3 };

struct pw_sized_level {
  unsigned n;
  struct pw_tlb tlb[PW_SIZED_ARRAYS]; /* or where the policy is LRU: */
  struct pw_lru lru[PW_SIZED_ARRAYS];
  int8_t of[PW_PAGE_SIZES]; /* the array of a size, or -1 */
  uint64_t misses;
};

struct pw_sized {
  struct pw_sized_level level[3]; /* ITLB, DTLB, STLB */
  struct pw_lru *first[2][PW_PAGE_SIZES]; /* the first level of data and code that takes a size, if it is LRU */
  uint64_t last[2];               /* if it is not: keys that they asked for last and which it has still, or PW_NO_KEY */
  uint64_t lookups[2];            /* data, code: whoever has no first level counts its misses by them */
  bool held[PW_PAGE_SIZES];       /* a page of that size was ever asked for: of others none is there to be dropped */
  uint64_t passed;                /* that the second level was asked for, or would have been */
};

/* 0, PW_EINVAL with a sentence, or PW_ENOMEM. */
int pw_sized_init(struct pw_sized *sized, const struct pw_sized_config *config, uint64_t seed, struct pw_error *err);
void pw_sized_clear(struct pw_sized *sized); /* frees */

/* Tag and size take the place of the process in a page key; a page of the next size is 2^9 of this one. */
static inline uint64_t pw_sized_key(unsigned tag, uint64_t page, enum pw_page_size size)
{
  return (uint64_t)(tag << 2 | size) << PW_PAGE_BITS | page >> 9 * size;
}

bool pw_sized_ask(struct pw_sized *sized, unsigned code, uint64_t key, enum pw_page_size size, uint32_t *at);
/* The page's number is one of base pages, its size says how many of them. True: it was in a TLB; false: a walk.
 * *at is where the first level had the key, if the caller asked before, and is where it has it afterwards; at first 0.
 * To ask for the same key again changes nothing in any policy, so that the first level alone need not be looked at. */
static inline bool pw_sized_look_up(struct pw_sized *sized, unsigned code, unsigned tag, uint64_t page, enum pw_page_size size,
                                    uint32_t *at)
{
  uint64_t key = pw_sized_key(tag, page, size);
  struct pw_lru *first = sized->first[code][size];
  sized->lookups[code]++;
  if (first ? pw_lru_at(first, key, *at) : key == sized->last[code]) return true;
  return pw_sized_ask(sized, code, key, size, at);
}
/* Base pages [start, end) leave, in entries of every size. */
void pw_sized_drop(struct pw_sized *sized, unsigned tag, uint64_t start, uint64_t end);
/* All that the tag has. */
void pw_sized_drop_tag(struct pw_sized *sized, unsigned tag);

#endif
