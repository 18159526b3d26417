/* A family: LRU TLBs of every shape on one list of references, in one pass.
 *
 * For each number of sets one array a set, most recent first, holds as many pages as
 * the largest TLB asked for has ways: a page's place is its rank, and it hits in every
 * TLB with that many ways. A reference goes from few sets to many and stops where its
 * page is the most recent of its set already: then it is so in every finer division,
 * and nothing changes there (Hill and Smith, IEEE TC 38(12), 1989). Numbers of sets
 * that divide one another form a chain in that sense; others make chains of their own.
 * One set of many ways is an LRU stack instead (stack.h), where neither buckets nor who
 * missed are asked for.
 *
 * References may come in buckets. A TLB then hits when the rank is at most its ways
 * *and* the bucket at most its limit: that is how a page that an LRU memory has pushed
 * out misses, see onepass_memory.h.
 *
 * Cost: 1 to 2 arrays a reference, whatever the number of TLBs. */
#ifndef PW_FAMILY_H
#define PW_FAMILY_H

#include "base/pagemap.h"
#include "sweep/loops.h"

struct pw_family {
  struct pw_request *requests; /* a number of sets each; sorted once sealed */
  size_t n_requests, requests_room;
  struct pw_pagemap request_of; /* by number of sets */
  struct pw_chain *chains;
  size_t n_chains, chains_room;
  struct pw_stack *stack;      /* NULL unless needed */
  uint32_t buckets;
};

struct pw_request {
  uint64_t sets;
  uint64_t ways;               /* the most */
  uint32_t chain, level;       /* chain UINT32_MAX: the stack */
  struct pw_emitter **emitters;
  size_t n_emitters, emitters_room;
};

void pw_family_init(struct pw_family *family);
void pw_family_clear(struct pw_family *family); /* frees */

/* What is asked of it, before it is sealed; each -1 when memory runs out. */
int pw_family_add(struct pw_family *family, uint32_t entries, uint32_t ways);
/* Misses of one TLB are told at each feed (borrowed from the family). */
int pw_family_emit(struct pw_family *family, uint32_t entries, uint32_t ways, struct pw_emitter **emitter);
int pw_family_all_sizes(struct pw_family *family); /* of one set, for curves */
int pw_family_seal(struct pw_family *family, uint32_t buckets);

int pw_family_reserve(struct pw_family *family, size_t n_ids);
/* `bucket` by reference, or NULL: all 0. */
void pw_family_feed(struct pw_family *family, const struct pw_refs *list, const uint32_t *bucket);
/* Two pages took turns n times more than the list says. */
void pw_family_alternate(struct pw_family *family, const uint64_t key[2], uint64_t n);
void pw_family_leave(struct pw_family *family, uint32_t id, uint64_t key);
void pw_family_flush(struct pw_family *family);
void pw_family_reset_counts(struct pw_family *family);

/* What it holds: numbers of sets, the most ways, and about how much memory. */
struct pw_family_size {
  size_t set_counts;
  uint64_t most_ways, fixed_bytes, page_bytes;
};
void pw_family_measure(const struct pw_family *family, struct pw_family_size *size);

/* No reference comes any more; then the misses of each TLB asked for. */
void pw_family_finish(struct pw_family *family);
uint64_t pw_family_misses(const struct pw_family *family, uint32_t entries, uint32_t ways, uint32_t bucket);

#endif
