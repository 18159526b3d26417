/* LRU by times. See lru.h. */
#include "mmu/lru.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/pagemap.h"
#include "pagewalk.h"

int pw_lru_init(struct pw_lru *l, uint32_t entries, uint32_t ways)
{
  *l = (struct pw_lru){.sets = entries / ways, .ways = ways};
  l->keys = pw_malloc(entries, sizeof *l->keys);
  l->used = pw_calloc(entries, sizeof *l->used);
  if (!l->keys || !l->used) {
    pw_lru_clear(l);
    return PW_ENOMEM;
  }
  memset(l->keys, 0xff, entries * sizeof *l->keys);
  return 0;
}

void pw_lru_clear(struct pw_lru *l)
{
  pw_free(l->keys);
  pw_free(l->used);
  *l = (struct pw_lru){0};
}

static uint32_t set_of(const struct pw_lru *l, uint64_t key)
{
  return (uint32_t)((key & PW_PAGE_MASK) % l->sets) * l->ways;
}

bool pw_lru_ask(struct pw_lru *l, uint64_t key, uint32_t *at)
{
  uint32_t set = set_of(l, key), oldest = set, i = set;
  for (; i < set + l->ways && l->keys[i] != key; i++)
    if (l->used[i] < l->used[oldest]) oldest = i;
  bool hit = i < set + l->ways;
  *at = hit ? i : oldest;
  l->keys[*at] = key;
  l->used[*at] = ++l->now;
  return hit;
}

static void drop(struct pw_lru *l, uint32_t i)
{
  l->keys[i] = PW_NO_KEY;
  l->used[i] = 0;
}

void pw_lru_drop(struct pw_lru *l, uint64_t first, uint64_t last)
{
  if (last - first < l->sets) { /* a set for each key is less than all sets */
    for (uint64_t key = first; key <= last; key++)
      for (uint32_t set = set_of(l, key), i = set; i < set + l->ways; i++)
        if (l->keys[i] == key) drop(l, i);
    return;
  }
  for (uint32_t i = 0; i < l->sets * l->ways; i++)
    if (l->keys[i] >= first && l->keys[i] <= last) drop(l, i); /* PW_NO_KEY is above every last */
}
