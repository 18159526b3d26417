/* The visits of one block: in rows as they are gathered, and in columns as everyone reads them.
 *
 * Algorithm: pages are numbered in order of appearance through a small map, with the recent ones in front of
 * it, and sorted when all are known, so that the stored dictionary is a set of gaps. Of
 * long alternations only the parity is replayed: touches beyond the fourth find both
 * pages where the third and fourth left them.
 *
 * Cost: some 3 ns a visit. */
#include "trace/columns.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/pagemap.h"

#define RECENT 512u
#define ROOM (PW_BLOCK_VISITS + 1)

struct pw_columns {
  uint64_t *pages;         /* dictionary, in order of appearance */
  uint64_t *sorted;        /* scratch for the order */
  uint16_t *rank;
  uint32_t *slots;         /* of the map, that are taken */
  uint16_t *page, *fetches, *loads, *stores, *touches;
  uint8_t *flags;
  struct pw_pagemap index; /* page key -> number in `pages` */
  uint32_t n_pages;
  struct { uint64_t key; uint32_t number; } recent[RECENT];
  uint8_t flags_of[64];    /* by head, and touches replayed - 1 above it */
};

void pw_rows_clear(struct pw_rows *r)
{
  pw_free(r->tallies);
  pw_free(r->keys);
  pw_free(r->heads);
  pw_free(r->offset);
  pw_free(r->pc);
  *r = (struct pw_rows){0};
}

bool pw_rows_init(struct pw_rows *r, bool sides)
{
  *r = (struct pw_rows){.tallies = pw_malloc(ROOM, sizeof *r->tallies), .keys = pw_malloc(ROOM, sizeof *r->keys),
                        .heads = pw_malloc(ROOM, sizeof *r->heads)};
  if (sides) r->offset = pw_malloc(ROOM, sizeof *r->offset);
  if (sides) r->pc = pw_malloc(ROOM, sizeof *r->pc);
  return r->tallies && r->keys && r->heads && (!sides || (r->offset && r->pc));
}

void pw_columns_destroy(struct pw_columns *c)
{
  if (!c) return;
  pw_free(c->pages);
  pw_free(c->sorted);
  pw_free(c->rank);
  pw_free(c->slots);
  pw_free(c->page);
  pw_free(c->fetches);
  pw_free(c->loads);
  pw_free(c->stores);
  pw_free(c->touches);
  pw_free(c->flags);
  pw_pagemap_clear(&c->index);
  pw_free(c);
}

uint8_t pw_head_flags(unsigned head, unsigned touches)
{
  unsigned replayed = pw_touches_replayed(touches), code = head & PW_HEAD_CODE;
  bool wrote_1 = head & PW_HEAD_WROTE_1, wrote_2 = head & PW_HEAD_WROTE_2;
  /* data touches in the pattern: every other one, from the first if C is the data page */
  unsigned data_touches = code ? replayed / 2 : (replayed + 1) / 2;
  if (data_touches != 2) {
    wrote_1 = wrote_1 || wrote_2;
    wrote_2 = false;
  }
  return (uint8_t)((code ? PW_VISIT_CODE : 0) | (head & PW_HEAD_STORE_FIRST ? PW_VISIT_STORE_FIRST : 0) |
                   (replayed - 1) << PW_VISIT_TOUCHES_SHIFT | (wrote_1 ? PW_VISIT_WROTE_1 : 0) |
                   (wrote_2 ? PW_VISIT_WROTE_2 : 0));
}

struct pw_columns *pw_columns_create(void)
{
  struct pw_columns *c = pw_calloc(1, sizeof *c);
  if (!c) return NULL;
  size_t n = PW_BLOCK_VISITS;
  c->pages = pw_malloc(n, sizeof *c->pages);
  c->sorted = pw_malloc(n, 2 * sizeof *c->sorted);
  c->rank = pw_malloc(n, sizeof *c->rank);
  c->slots = pw_malloc(n, sizeof *c->slots);
  c->page = pw_malloc(n, sizeof *c->page);
  c->fetches = pw_malloc(n, sizeof *c->fetches);
  c->loads = pw_malloc(n, sizeof *c->loads);
  c->stores = pw_malloc(n, sizeof *c->stores);
  c->touches = pw_malloc(n, sizeof *c->touches);
  c->flags = pw_malloc(n, sizeof *c->flags);
  if (!c->pages || !c->sorted || !c->rank || !c->slots || !c->page || !c->fetches || !c->loads || !c->stores ||
      !c->touches || !c->flags || pw_pagemap_reserve(&c->index, n)) {
    pw_columns_destroy(c);
    return NULL;
  }
  for (unsigned i = 0; i < 64; i++) c->flags_of[i] = pw_head_flags(i & 15, (i >> 4) + 1);
  return c;
}

/* The number of a page that is not among the recent ones. */
static __attribute__((noinline)) uint32_t find_number(struct pw_columns *c, uint64_t key)
{
  bool added;
  uint32_t number = *pw_pagemap_insert(&c->index, key, c->n_pages, &added);
  if (added) c->pages[c->n_pages++] = key;
  return number;
}

static void number_pages(struct pw_columns *c, const struct pw_rows *rows)
{
  c->n_pages = 0;
  for (size_t i = 0; i < RECENT; i++) c->recent[i].key = PW_NO_KEY;
  for (uint32_t i = 0; i < rows->n_visits; i++) {
    uint64_t key = rows->keys[i];
    size_t slot = (key ^ key >> 9) % RECENT;
    if (c->recent[slot].key != key) {
      c->recent[slot].number = find_number(c, key);
      c->recent[slot].key = key;
    }
    c->page[i] = (uint16_t)c->recent[slot].number;
  }
}

/* Sorts 64-bit keys: least significant byte first, bytes on which all agree left out. */
static uint64_t *radix_sort(uint64_t *keys, uint64_t *spare, size_t n)
{
  uint64_t differ = 0;
  for (size_t i = 1; i < n; i++) differ |= keys[i] ^ keys[0];
  for (unsigned shift = 0; shift < 64; shift += 8) {
    if ((differ >> shift & 0xff) == 0) continue;
    size_t start[257] = {0};
    for (size_t i = 0; i < n; i++) start[(keys[i] >> shift & 0xff) + 1]++;
    for (size_t b = 0; b < 256; b++) start[b + 1] += start[b];
    for (size_t i = 0; i < n; i++) spare[start[keys[i] >> shift & 0xff]++] = keys[i];
    uint64_t *swap = keys;
    keys = spare;
    spare = swap;
  }
  return keys;
}

/* The order of the pages, and the map empty again: only the slots in use, the rest would take all of the cache. */
static uint64_t *rank_pages(struct pw_columns *c)
{
  memcpy(c->sorted, c->pages, c->n_pages * sizeof *c->pages);
  uint64_t *order = radix_sort(c->sorted, c->sorted + PW_BLOCK_VISITS, c->n_pages);
  for (uint32_t i = 0; i < c->n_pages; i++) {
    const uint32_t *number = pw_pagemap_find(&c->index, order[i]);
    c->rank[*number] = (uint16_t)i;
    c->slots[i] = (uint32_t)(number - c->index.values);
  }
  for (uint32_t i = 0; i < c->n_pages; i++) c->index.keys[c->slots[i]] = PW_NO_KEY;
  c->index.n = 0;
  return order;
}

void pw_columns_number(struct pw_columns *c, const struct pw_rows *rows, struct pw_block *block)
{
  number_pages(c, rows);
  uint64_t *order = rank_pages(c);
  for (uint32_t i = 0; i < rows->n_visits; i++) c->page[i] = c->rank[c->page[i]];
  *block = (struct pw_block){.n_visits = rows->n_visits, .n_pages = c->n_pages, .n_events = rows->n_events, .pages = order,
                             .page = c->page, .flags = rows->heads, .offset = rows->offset, .pc = rows->pc, .events = rows->events};
}

void pw_columns_finish(struct pw_columns *c, const struct pw_rows *rows, struct pw_block *block)
{
  uint32_t n = rows->n_visits;
  pw_columns_number(c, rows, block);
  for (uint32_t i = 0; i < n; i++) {
    uint64_t tally = rows->tallies[i];
    c->fetches[i] = (uint16_t)tally;
    c->touches[i] = (uint16_t)(tally >> 16);
    c->loads[i] = (uint16_t)(tally >> 32);
    c->stores[i] = (uint16_t)(tally >> 48);
  }
  for (uint32_t i = 0; i < n; i++) {
    block->totals.fetches += c->fetches[i];
    block->totals.loads += c->loads[i];
    block->totals.stores += c->stores[i];
  }
  for (uint32_t i = 0; i < n; i++) {
    uint32_t touches = c->touches[i], replayed = touches <= 4 ? touches - 1 : 3 - (touches & 1);
    c->flags[i] = c->flags_of[rows->heads[i] | replayed << 4];
  }
  block->flags = c->flags;
  block->fetches = c->fetches;
  block->loads = c->loads;
  block->stores = c->stores;
  block->touches = c->touches;
}
