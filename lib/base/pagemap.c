/* A map from page keys to 32-bit values: growth and removal, the cold half. */
#include "base/pagemap.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/alloc.h"

uint64_t pw_hash_secret(void)
{
  static _Atomic uint64_t secret;
  uint64_t drawn = 0, none = 0;
  if (atomic_load(&secret)) return atomic_load(&secret);
  if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) != sizeof drawn) drawn = (uint64_t)time(NULL) * (uintptr_t)&drawn;
  atomic_compare_exchange_strong(&secret, &none, drawn | 1);
  return atomic_load(&secret);
}

void pw_pagemap_init(struct pw_pagemap *map)
{
  memset(map, 0, sizeof *map);
}

void pw_pagemap_clear(struct pw_pagemap *map)
{
  pw_free(map->keys);
  pw_free(map->values);
  pw_pagemap_init(map);
}

int pw_pagemap_reserve(struct pw_pagemap *map, size_t more)
{
  unsigned bits = map->bits ? map->bits : 6;
  while (((size_t)1 << bits) / 2 < map->n + more) bits++;
  if (bits == map->bits) return 0;
  struct pw_pagemap larger = {.bits = bits, .secret = pw_hash_secret()};
  larger.keys = pw_malloc((size_t)1 << bits, sizeof *larger.keys);
  larger.values = pw_malloc((size_t)1 << bits, sizeof *larger.values);
  if (!larger.keys || !larger.values) {
    pw_pagemap_clear(&larger);
    return -1;
  }
  memset(larger.keys, 0xff, sizeof *larger.keys << bits);
  bool added;
  for (size_t i = 0; map->bits && i < (size_t)1 << map->bits; i++)
    if (map->keys[i] != PW_NO_KEY) pw_pagemap_insert(&larger, map->keys[i], map->values[i], &added);
  pw_pagemap_clear(map);
  *map = larger;
  return 0;
}

/* Backward-shift deletion: no tombstones, so a long run stays as fast as a new map. */
void pw_pagemap_remove(struct pw_pagemap *map, uint64_t key)
{
  uint32_t *value = pw_pagemap_find(map, key);
  if (!value) return;
  size_t mask = ((size_t)1 << map->bits) - 1;
  size_t hole = (size_t)(value - map->values);
  for (size_t i = (hole + 1) & mask; map->keys[i] != PW_NO_KEY; i = (i + 1) & mask) {
    size_t home = pw_pagemap_home(map, map->keys[i]);
    if (((i - home) & mask) < ((i - hole) & mask)) continue; /* it would move before its home */
    map->keys[hole] = map->keys[i];
    map->values[hole] = map->values[i];
    hole = i;
  }
  map->keys[hole] = PW_NO_KEY;
  map->n--;
}
