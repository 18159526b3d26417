/* A map from page keys to 32-bit values: open addressing, linear probing.
 *
 * Invariant: at least half of the slots are free, so every probe ends. Room is
 * made first (pw_pagemap_reserve), so that inserting has no error path.
 * The key UINT64_MAX is not a page key (process 4095 does not exist): it marks a
 * free slot. Cost: 12 bytes a slot, 24 to 48 bytes a page.
 *
 * Where a key stands depends on a secret of this process of the system, so that no file can make keys meet; nothing
 * that is printed may depend on the order of the slots. */
#ifndef PW_PAGEMAP_H
#define PW_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_NO_KEY UINT64_MAX
#define PW_NO_VALUE UINT32_MAX

struct pw_pagemap {
  uint64_t *keys;
  uint32_t *values;
  size_t n;        /* keys held */
  unsigned bits;   /* log2 of the slots; 0 = nothing allocated */
  uint64_t secret;
};

/* A multiplier for hashing, drawn from the system once: k x secret falls evenly over 2^64 for keys k in a row, however many. */
uint64_t pw_hash_secret(void);

static inline size_t pw_hash_home(uint64_t key, uint64_t secret, unsigned bits)
{
  return (size_t)(key * secret >> (64 - bits));
}

void pw_pagemap_init(struct pw_pagemap *map);
void pw_pagemap_clear(struct pw_pagemap *map); /* frees */
/* Room for `more` further keys: 0, or -1 when memory runs out (nothing changed). */
int pw_pagemap_reserve(struct pw_pagemap *map, size_t more);
void pw_pagemap_remove(struct pw_pagemap *map, uint64_t key);

static inline size_t pw_pagemap_home(const struct pw_pagemap *map, uint64_t key)
{
  return pw_hash_home(key, map->secret, map->bits);
}

/* The key's value, or NULL. Needs an allocated map. */
static inline uint32_t *pw_pagemap_find(const struct pw_pagemap *map, uint64_t key)
{
  if (map->bits == 0) return NULL;
  size_t mask = ((size_t)1 << map->bits) - 1;
  for (size_t i = pw_pagemap_home(map, key);; i = (i + 1) & mask) {
    if (map->keys[i] == key) return &map->values[i];
    if (map->keys[i] == PW_NO_KEY) return NULL;
  }
}

/* The key's value; a new key gets `value` and *added is set. Room must be reserved. */
static inline uint32_t *pw_pagemap_insert(struct pw_pagemap *map, uint64_t key, uint32_t value, bool *added)
{
  size_t mask = ((size_t)1 << map->bits) - 1;
  for (size_t i = pw_pagemap_home(map, key);; i = (i + 1) & mask) {
    if (map->keys[i] == key) {
      *added = false;
      return &map->values[i];
    }
    if (map->keys[i] == PW_NO_KEY) {
      map->keys[i] = key;
      map->values[i] = value;
      map->n++;
      *added = true;
      return &map->values[i];
    }
  }
}

#endif
