/* A growing set of page keys: keys are collected, and now and then sorted and merged.
 *
 * New keys wait until they outnumber the set (or a block or two), so that a key is moved
 * O(log n) times over the life of the set. */
#include "pageset.h"

#include <stdlib.h>
#include <string.h>

#include "heap.h"

static int by_key(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

void pageset_settle(struct pageset *set)
{
  if (!set->n_new) return;
  qsort(set->new_keys, set->n_new, sizeof *set->new_keys, by_key);
  uint64_t *merged = heap_zero(set->n + set->n_new, sizeof *merged);
  size_t n = 0;
  for (size_t i = 0, j = 0; i < set->n || j < set->n_new;) {
    uint64_t key = j == set->n_new || (i < set->n && set->keys[i] <= set->new_keys[j]) ? set->keys[i++] : set->new_keys[j++];
    if (n == 0 || merged[n - 1] != key) merged[n++] = key;
  }
  free(set->keys);
  set->keys = merged;
  set->n = n;
  set->n_new = 0;
}

void pageset_add(struct pageset *set, uint64_t key)
{
  if (set->n_new >= 131072 && set->n_new >= set->n) pageset_settle(set);
  set->new_keys = heap_grow(set->new_keys, &set->room_new, set->n_new + 1, sizeof *set->new_keys);
  set->new_keys[set->n_new++] = key;
}

size_t pageset_union(const struct pageset *a, const struct pageset *b)
{
  size_t n = 0, i = 0, j = 0;
  for (; i < a->n && j < b->n; n++) {
    uint64_t x = a->keys[i], y = b->keys[j];
    i += x <= y;
    j += y <= x;
  }
  return n + (a->n - i) + (b->n - j);
}

void pageset_clear(struct pageset *set)
{
  free(set->keys);
  free(set->new_keys);
  memset(set, 0, sizeof *set);
}
