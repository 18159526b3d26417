/* A map from page keys to 32-bit values: growth and removal, the cold half. */
#include "base/pagemap.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/alloc.h"
#include "base/random.h"

/* Is the fraction of 2^64, like the golden ratio, far from all that have small numerators and denominators? Then its
 * multiples do not gather (Steinhaus' three gaps): all quotients of its continued fraction are small. */
static bool spreads(uint64_t multiplier)
{
  uint64_t quotient = UINT64_MAX / multiplier, before = multiplier, rest = -quotient * multiplier;
  for (uint64_t below = 1, denominator = quotient; quotient <= 4; ) {
    if (denominator >> 28) return true; /* more keys than that in a row do not matter */
    if (rest == 0) return false;
    quotient = before / rest;
    uint64_t next = before % rest, larger = quotient * denominator + below;
    before = rest;
    rest = next;
    below = denominator;
    denominator = larger;
  }
  return false;
}

uint64_t pw_hash_secret(void)
{
  static _Atomic uint64_t secret;
  uint64_t known = atomic_load(&secret), seed = 0, drawn;
  if (known) return known;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) seed = (uint64_t)time(NULL) * (uintptr_t)&seed;
  do drawn = pw_random_next(&seed) | 1;
  while (!spreads(drawn));
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
