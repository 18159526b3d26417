/* A set-associative array of keys with exact LRU, for one lookup at a time.
 *
 * Each way has the time of its last use; the way of the least time leaves, and an empty one has time 0. Whoever remembers
 * where a key stood asks there first: a hit is then one compare and one store, without a search and without moving
 * anything. It holds the same keys as tlb_lru.c, which eats lists and keeps its sets in order instead.
 *
 * Cost: a search is linear in the ways. Memory: 16 bytes an entry. */
#ifndef PW_LRU_H
#define PW_LRU_H

#include <stdbool.h>
#include <stdint.h>

struct pw_lru {
  uint64_t *keys, *used; /* [sets][ways]; PW_NO_KEY, 0: empty */
  uint32_t sets, ways;
  uint64_t now;
};

int pw_lru_init(struct pw_lru *lru, uint32_t entries, uint32_t ways); /* 0 or PW_ENOMEM */
void pw_lru_clear(struct pw_lru *lru);                                /* frees */
/* Is the key there? It is afterwards, at *at. */
bool pw_lru_ask(struct pw_lru *lru, uint64_t key, uint32_t *at);
/* Keys first … last, of one address space and size, leave. */
void pw_lru_drop(struct pw_lru *lru, uint64_t first, uint64_t last);

/* The same as pw_lru_ask where `at` is the place of the key, or else nothing; `at` is below the entries. */
static inline bool pw_lru_at(struct pw_lru *lru, uint64_t key, uint32_t at)
{
  if (lru->keys[at] != key) return false;
  lru->used[at] = ++lru->now;
  return true;
}

#endif
