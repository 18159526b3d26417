/* LRU TLBs of every shape on one list. See family.h. */
#include "sweep/family.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "sweep/stack.h"

#define MOST_WAYS_OF_ARRAY 32u /* a single set of more ways is a stack */

void pw_family_init(struct pw_family *f)
{
  memset(f, 0, sizeof *f);
  pw_pagemap_init(&f->request_of);
}

static void clear_chain(struct pw_chain *c)
{
  for (size_t l = 0; l < c->n_levels; l++) {
    pw_free(c->levels[l].slots);
    pw_free(c->levels[l].holes);
    pw_free(c->levels[l].hits);
    pw_free(c->levels[l].stops);
  }
  pw_free(c->levels);
}

void pw_family_clear(struct pw_family *f)
{
  for (size_t i = 0; i < f->n_requests; i++) {
    for (size_t e = 0; e < f->requests[i].n_emitters; e++) pw_free(f->requests[i].emitters[e]);
    pw_free(f->requests[i].emitters);
  }
  pw_free(f->requests);
  pw_pagemap_clear(&f->request_of);
  for (size_t i = 0; i < f->n_chains; i++) clear_chain(&f->chains[i]);
  pw_free(f->chains);
  if (f->stack) pw_stack_clear(f->stack);
  pw_free(f->stack);
  pw_family_init(f);
}

static struct pw_request *find_request(struct pw_family *f, uint64_t sets)
{
  if (pw_pagemap_reserve(&f->request_of, 1) ||
      pw_grow((void **)&f->requests, &f->requests_room, f->n_requests + 1, sizeof *f->requests))
    return NULL;
  bool added;
  uint32_t number = *pw_pagemap_insert(&f->request_of, sets, (uint32_t)f->n_requests, &added);
  if (added) f->requests[f->n_requests++] = (struct pw_request){.sets = sets};
  return &f->requests[number];
}

int pw_family_add(struct pw_family *f, uint32_t entries, uint32_t ways)
{
  struct pw_request *r = find_request(f, entries / ways);
  if (!r) return -1;
  if (ways > r->ways) r->ways = ways;
  return 0;
}

int pw_family_emit(struct pw_family *f, uint32_t entries, uint32_t ways, struct pw_emitter **emitter)
{
  if (pw_family_add(f, entries, ways)) return -1;
  struct pw_request *r = find_request(f, entries / ways);
  if (!r) return -1;
  for (size_t e = 0; e < r->n_emitters; e++)
    if (r->emitters[e]->ways == ways) {
      *emitter = r->emitters[e];
      return 0;
    }
  if (pw_grow((void **)&r->emitters, &r->emitters_room, r->n_emitters + 1, sizeof *r->emitters)) return -1;
  *emitter = r->emitters[r->n_emitters] = pw_calloc(1, sizeof **emitter);
  if (!*emitter) return -1;
  (*emitter)->ways = ways;
  r->n_emitters++;
  return 0;
}

int pw_family_all_sizes(struct pw_family *f)
{
  if (f->stack) return 0;
  f->stack = pw_calloc(1, sizeof *f->stack);
  if (!f->stack) return -1;
  pw_stack_init(f->stack, false);
  return 0;
}

static int compare_requests(const void *a, const void *b)
{
  const struct pw_request *x = a, *y = b;
  return (x->sets > y->sets) - (x->sets < y->sets);
}

/* The chain that the number of sets prolongs by the smallest step, or a new one. */
static struct pw_chain *choose_chain(struct pw_family *f, uint64_t sets)
{
  struct pw_chain *best = NULL;
  for (size_t i = 0; i < f->n_chains; i++) {
    struct pw_chain *c = &f->chains[i];
    if (sets % c->levels[c->n_levels - 1].sets) continue;
    if (!best || c->levels[c->n_levels - 1].sets > best->levels[best->n_levels - 1].sets) best = c;
  }
  if (best) return best;
  if (pw_grow((void **)&f->chains, &f->chains_room, f->n_chains + 1, sizeof *f->chains)) return NULL;
  struct pw_chain *c = &f->chains[f->n_chains++];
  *c = (struct pw_chain){.buckets = f->buckets};
  return c;
}

static int add_level(struct pw_family *f, struct pw_request *r)
{
  struct pw_chain *c = choose_chain(f, r->sets);
  if (!c) return -1;
  if (pw_grow((void **)&c->levels, &c->room, c->n_levels + 1, sizeof *c->levels)) {
    if (c->n_levels == 0) f->n_chains--;
    return -1;
  }
  struct pw_level *level = &c->levels[c->n_levels];
  size_t vectors = (r->ways + PW_LANES - 1) / PW_LANES, ways = vectors * PW_LANES, slots;
  *level = (struct pw_level){.sets = r->sets, .vectors = (uint32_t)vectors, .power_of_two = (r->sets & (r->sets - 1)) == 0,
                             .emitters = r->emitters, .n_emitters = r->n_emitters};
  r->chain = (uint32_t)(c - f->chains);
  r->level = (uint32_t)c->n_levels++; /* from here on clear frees it */
  if (__builtin_mul_overflow(r->sets, ways, &slots)) return -1;
  level->slots = pw_malloc(slots, sizeof *level->slots);
  level->holes = pw_calloc(r->sets, 1);
  level->hits = pw_calloc((ways + 1) * f->buckets, sizeof *level->hits);
  level->stops = pw_calloc(f->buckets, sizeof *level->stops);
  if (!level->slots || !level->holes || !level->hits || !level->stops) return -1;
  memset(level->slots, 0xff, slots * sizeof *level->slots);
  return 0;
}

int pw_family_seal(struct pw_family *f, uint32_t buckets)
{
  f->buckets = buckets;
  pw_sort(f->requests, f->n_requests, sizeof *f->requests, compare_requests);
  pw_pagemap_clear(&f->request_of);
  if (pw_pagemap_reserve(&f->request_of, f->n_requests)) return -1;
  for (size_t i = 0; i < f->n_requests; i++) {
    struct pw_request *r = &f->requests[i];
    bool added;
    pw_pagemap_insert(&f->request_of, r->sets, (uint32_t)i, &added);
    /* the stack tells neither buckets nor who missed */
    if (r->sets == 1 && r->n_emitters == 0 && buckets == 1 && (f->stack || r->ways > MOST_WAYS_OF_ARRAY)) {
      if (pw_family_all_sizes(f)) return -1;
      r->chain = UINT32_MAX;
    } else if (add_level(f, r)) {
      return -1;
    }
  }
  return 0;
}

int pw_family_reserve(struct pw_family *f, size_t n_ids)
{
  return f->stack ? pw_stack_reserve(f->stack, n_ids) : 0;
}

void pw_family_feed(struct pw_family *f, const struct pw_refs *list, const uint32_t *bucket)
{
  const struct pw_loops *loops = pw_loops();
  for (size_t i = 0; i < f->n_requests; i++)
    for (size_t e = 0; e < f->requests[i].n_emitters; e++)
      memset(f->requests[i].emitters[e]->bits, 0, sizeof f->requests[i].emitters[e]->bits);
  for (size_t i = 0; i < f->n_chains; i++) {
    if (bucket) loops->chain_by(&f->chains[i], list, bucket);
    else loops->chain(&f->chains[i], list);
  }
  if (f->stack) pw_stack_feed(f->stack, list);
}

static uint64_t set_of(const struct pw_level *level, uint64_t key)
{
  return (key & PW_PAGE_MASK) % level->sets;
}

void pw_family_alternate(struct pw_family *f, const uint64_t key[2], uint64_t n)
{
  if (key[0] == key[1]) return;
  for (size_t i = 0; i < f->n_chains; i++)
    for (size_t l = 0; l < f->chains[i].n_levels; l++) {
      struct pw_level *level = &f->chains[i].levels[l];
      if (set_of(level, key[0]) == set_of(level, key[1])) level->hits[f->buckets] += n; /* rank 2 */
    }
  if (f->stack) f->stack->top_hits[1] += n;
}

void pw_family_leave(struct pw_family *f, uint32_t id, uint64_t key)
{
  for (size_t i = 0; i < f->n_chains; i++)
    for (size_t l = 0; l < f->chains[i].n_levels; l++) {
      struct pw_level *level = &f->chains[i].levels[l];
      uint64_t set = set_of(level, key);
      uint32_t n = level->vectors * PW_LANES, *slots = level->slots + set * n, rank = 0;
      while (rank < n && slots[rank] != id) rank++;
      if (rank == n) continue;
      slots[rank] = PW_NO_ID;
      level->holes[set] = 1;
      f->chains[i].holey = true;
    }
  if (f->stack) pw_stack_leave(f->stack, id);
}

void pw_family_flush(struct pw_family *f)
{
  for (size_t i = 0; i < f->n_chains; i++)
    for (size_t l = 0; l < f->chains[i].n_levels; l++) {
      struct pw_level *level = &f->chains[i].levels[l];
      memset(level->slots, 0xff, level->sets * level->vectors * PW_LANES * sizeof *level->slots);
      memset(level->holes, 0, level->sets);
    }
  if (f->stack) pw_stack_flush(f->stack);
}

void pw_family_reset_counts(struct pw_family *f)
{
  for (size_t i = 0; i < f->n_chains; i++)
    for (size_t l = 0; l < f->chains[i].n_levels; l++) {
      struct pw_level *level = &f->chains[i].levels[l];
      memset(level->hits, 0, (level->vectors * PW_LANES + 1) * (size_t)f->buckets * sizeof *level->hits);
      memset(level->stops, 0, f->buckets * sizeof *level->stops);
    }
  if (f->stack) pw_stack_reset_counts(f->stack);
}

void pw_family_measure(const struct pw_family *f, struct pw_family_size *size)
{
  *size = (struct pw_family_size){.set_counts = f->n_requests, .page_bytes = f->stack ? PW_STACK_PAGE_BYTES : 0};
  for (size_t i = 0; i < f->n_requests; i++) {
    if (f->requests[i].ways > size->most_ways) size->most_ways = f->requests[i].ways;
    size->fixed_bytes += f->requests[i].n_emitters * sizeof(struct pw_emitter);
  }
  for (size_t i = 0; i < f->n_chains; i++)
    for (size_t l = 0; l < f->chains[i].n_levels; l++) {
      const struct pw_level *level = &f->chains[i].levels[l];
      uint64_t ways = (uint64_t)level->vectors * PW_LANES;
      size->fixed_bytes += level->sets * (4 * ways + 1) + 8 * (ways + 2) * f->buckets;
    }
}

/* hits[rank][bucket] becomes the number of those with at most that rank and bucket. */
static void sum_hits(const struct pw_level *level, uint32_t buckets)
{
  size_t rows = (size_t)level->vectors * PW_LANES + 1;
  for (size_t row = 0; row < rows; row++) {
    uint64_t *here = level->hits + row * buckets, sum = 0;
    for (uint32_t b = 0; b < buckets; b++) {
      sum += here[b];
      here[b] = sum + (row ? (here - buckets)[b] : 0); /* those of lower ranks */
    }
  }
}

void pw_family_finish(struct pw_family *f)
{
  for (size_t i = 0; i < f->n_chains; i++) {
    struct pw_chain *c = &f->chains[i];
    for (size_t l = 0; l < c->n_levels; l++) {
      sum_hits(&c->levels[l], f->buckets);
      for (uint32_t b = 0; l > 0 && b < f->buckets; b++) c->levels[l].stops[b] += c->levels[l - 1].stops[b];
    }
    /* stops[bucket] becomes the number of those in higher buckets, stopped here or before */
    for (size_t l = 0; l < c->n_levels; l++)
      for (uint64_t b = f->buckets, above = 0, own = 0; b-- > 0; above += own) {
        own = c->levels[l].stops[b];
        c->levels[l].stops[b] = above;
      }
  }
  if (f->stack) pw_stack_finish(f->stack);
}

uint64_t pw_family_misses(const struct pw_family *f, uint32_t entries, uint32_t ways, uint32_t bucket)
{
  const struct pw_request *r = &f->requests[*pw_pagemap_find(&f->request_of, entries / ways)];
  if (r->chain == UINT32_MAX) return pw_stack_misses(f->stack, ways);
  const struct pw_level *level = &f->chains[r->chain].levels[r->level];
  size_t last = ((size_t)level->vectors * PW_LANES + 1) * f->buckets - 1;
  return level->hits[last] - level->hits[(size_t)(ways - 1) * f->buckets + bucket] + level->stops[bucket];
}
