/* Which pages are in use, whatever the memory: numbers for page keys, and which of them were touched.
 *
 * Every page that was ever touched has a number (id), given in the order of first
 * sight and kept for good; models keep arrays by id instead of maps by key. A page is
 * *touched* from its first touch until it is unmapped. That touch is
 * a minor fault unless the page was inherited (present.h knows).
 *
 * Ids are found by hashing into an array of ids, whose keys stand by id: 8 to 16 bytes
 * a page on top of the key, and growing needs no second copy. */
#ifndef PW_PAGES_H
#define PW_PAGES_H

#include "base/block.h"
#include "base/pagemap.h"
#include "pagewalk.h"

#define PW_NO_PAGE_ID UINT32_MAX
#define PW_MOST_PAGES ((size_t)1 << 31)

struct pw_pages {
  uint32_t *slots;      /* [1 << bits] id, or PW_NO_PAGE_ID; at least half are free */
  unsigned bits;
  uint64_t secret;      /* of the hash */
  uint64_t *key;        /* [n_ids] */
  bool *touched;        /* [n_ids] */
  size_t n_ids, key_room, touched_room;
};

void pw_pages_init(struct pw_pages *pages);
void pw_pages_clear(struct pw_pages *pages); /* frees */
/* Room for so many new pages: 0, or -1 when memory runs out (nothing is lost). */
int pw_pages_reserve(struct pw_pages *pages, size_t more);

static inline size_t pw_pages_home(const struct pw_pages *pages, uint64_t key)
{
  return pw_hash_home(key, pages->secret, pages->bits);
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
  pages->touched[pages->n_ids] = false;
  return *slot = (uint32_t)pages->n_ids++;
}

#endif
