/* Which pages are in use, whatever the memory: numbers for page keys, and who is present.
 *
 * Every page that was ever touched has a number (id), given in the order of first
 * sight and kept for good; models keep arrays by id instead of maps by key. A page
 * is *present* from its first touch until it is unmapped: with unlimited memory
 * that is residence, and each page that becomes present is one minor fault. */
#ifndef PW_PAGES_H
#define PW_PAGES_H

#include "base/block.h"
#include "base/pagemap.h"
#include "pagewalk.h"

struct pw_pages {
  struct pw_pagemap ids;
  uint64_t *key;        /* [n_ids] */
  uint8_t *present;     /* [n_ids] */
  size_t n_ids, key_room, present_room;
  uint64_t n_present, peak_present;
  uint64_t n_arrivals;  /* minor faults since the last reset */
};

void pw_pages_init(struct pw_pages *pages);
void pw_pages_clear(struct pw_pages *pages); /* frees */
int pw_pages_reserve(struct pw_pages *pages, size_t more);

/* The id of a key, a new one if need be (reserved). */
static inline uint32_t pw_pages_id(struct pw_pages *pages, uint64_t key)
{
  bool added;
  uint32_t id = *pw_pagemap_insert(&pages->ids, key, (uint32_t)pages->n_ids, &added);
  if (added) {
    pages->key[pages->n_ids] = key;
    pages->present[pages->n_ids++] = 0;
  }
  return id;
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
