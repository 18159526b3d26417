/* A map from page keys to 32-bit values: growth and removal, the cold half. */
#include "base/pagemap.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/alloc.h"
#include "base/random.h"

/* A fraction of 2^64 that is, like the golden ratio, far from all that have small numerators and denominators, so that
 * its multiples do not gather (Steinhaus' three gaps): the quotients of its continued fraction are 1 to 4, by chance. */
static uint64_t draw_multiplier(uint64_t seed)
{
  uint64_t p = 0, q = 1, last_p = 1, last_q = 0; /* the fraction so far, and the one before it */
  while (q >> 29 == 0) {                         /* more keys than that in a row do not matter */
    uint64_t quotient = 1 + (pw_random_next(&seed) >> 62), next_p = quotient * p + last_p, next_q = quotient * q + last_q;
    last_p = p, last_q = q;
    p = next_p, q = next_q;
  }
  uint64_t high = (p << 32) / q, rest = (p << 32) % q;
  return high << 32 | (rest << 32) / q | 1;
}

uint64_t pw_hash_secret(void)
{
  static _Atomic uint64_t secret;
  uint64_t known = atomic_load(&secret), seed = 0;
  if (known) return known;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) seed = (uint64_t)time(NULL) * (uintptr_t)&seed;
  uint64_t drawn = draw_multiplier(seed);
  return atomic_compare_exchange_strong(&secret, &known, drawn) ? drawn : known;
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
