/* Which pages are in use, whatever the memory: numbers for page keys, and who is present.
 *
 * Every page that was ever touched has a number (id), given in the order of first
 * sight and kept for good; models keep arrays by id instead of maps by key. A page
 * is *present* from its first touch until it is unmapped: with unlimited memory
 * that is residence, and each page that becomes present is one minor fault.
 *
 * Ids are found by hashing into an array of ids, whose keys stand by id: 8 to 16 bytes
 * a page on top of the key, and growing needs no second copy. */
#ifndef PW_PAGES_H
#define PW_PAGES_H

#include "base/block.h"
#include "pagewalk.h"

#define PW_NO_PAGE_ID UINT32_MAX

struct pw_pages {
  uint32_t *slots;      /* [1 << bits] id, or PW_NO_PAGE_ID; at least half are free */
  unsigned bits;
  uint64_t *key;        /* [n_ids] */
  uint8_t *present;     /* [n_ids] */
  size_t n_ids, key_room, present_room;
  uint64_t n_present, peak_present;
  uint64_t n_arrivals;  /* minor faults since the last reset */
};

void pw_pages_init(struct pw_pages *pages);
void pw_pages_clear(struct pw_pages *pages); /* frees */
/* Room for so many new pages: 0, or -1 when memory runs out (nothing is lost). */
int pw_pages_reserve(struct pw_pages *pages, size_t more);

static inline size_t pw_pages_home(const struct pw_pages *pages, uint64_t key)
{
  return (size_t)((key * 0x9E3779B97F4A7C15u) >> (64 - pages->bits));
}

/* The slot where the key's id is, or where it would go. */
static inline uint32_t *pw_pages_slot(const struct pw_pages *pages, uint64_t key)
{
  size_t mask = ((size_t)1 << pages->bits) - 1;
  for (size_t i = pw_pages_home(pages, key);; i = (i + 1) & mask)
    if (pages->slots[i] == PW_NO_PAGE_ID || pages->key[pages->slots[i]] == key) return &pages->slots[i];
}

/* The id of a key, or PW_NO_PAGE_ID. */
static inline uint32_t pw_pages_find(const struct pw_pages *pages, uint64_t key)
{
  return pages->bits ? *pw_pages_slot(pages, key) : PW_NO_PAGE_ID;
}

/* The id of a key, a new one if need be (reserved). */
static inline uint32_t pw_pages_id(struct pw_pages *pages, uint64_t key)
{
  uint32_t *slot = pw_pages_slot(pages, key);
  if (*slot != PW_NO_PAGE_ID) return *slot;
  pages->key[pages->n_ids] = key;
  pages->present[pages->n_ids] = 0;
  return *slot = (uint32_t)pages->n_ids++;
}

/* The page is touched: true when it arrives by that. */
static inline bool pw_pages_touch(struct pw_pages *pages, uint32_t id)
{
  if (pages->present[id]) return false;
  pages->present[id] = 1;
  pages->n_arrivals++;
  if (++pages->n_present > pages->peak_present) pages->peak_present = pages->n_present;
  return true;
}

static inline void pw_pages_leave(struct pw_pages *pages, uint32_t id)
{
  if (!pages->present[id]) return;
  pages->present[id] = 0;
  pages->n_present--;
}

#endif
