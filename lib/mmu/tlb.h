/* One level of a TLB: sets of ways, and a replacement policy.
 *
 * What it models: which page keys are present. What it does not: permissions,
 * latency, prefetch. A TLB eats a list of lookups at a time and hands on the list
 * of its misses, which is what the next level eats: one indirect call a list,
 * none a lookup.
 *
 * Invariant: a key stands in at most one way, of the set its page number selects.
 *
 * Adding a policy: write tlb_NAME.c with a `const struct pw_tlb_policy pw_tlb_NAME`,
 * declare it below and add it to the table in tlb.c (docs/extending.md). */
#ifndef PW_TLB_H
#define PW_TLB_H

#include "base/block.h"
#include "base/pagemap.h"
#include "pagewalk.h"

/* Lookups in order. `at` says when: lists with falling streams merge by it. */
struct pw_lookups {
  size_t n;
  uint64_t *key;  /* page key at the TLB's page size */
  uint32_t *at;   /* position in the chunk; PW_AT_INVALIDATE set: the page leaves instead */
};
#define PW_AT_INVALIDATE UINT32_C(0x80000000)

struct pw_tlb {
  const struct pw_tlb_policy *policy;
  uint32_t sets, ways;
  bool power_of_two;     /* sets is one */
  uint64_t *keys;        /* [sets][ways]; PW_NO_KEY = invalid. Order within a set: the policy's */
  uint8_t *bits;         /* policy state: [sets][ways] */
  uint64_t random;       /* generator state */
};

struct pw_tlb_policy {
  const char *name, *summary;
  bool power_of_two_ways;
  /* Looks up in order, fills on a miss, and appends each miss (and each
   * invalidation, which the next level must see too) to `misses`, which has room.
   * Returns the number of misses, invalidations not counted. */
  size_t (*lookup)(struct pw_tlb *tlb, const struct pw_lookups *in, struct pw_lookups *misses);
  /* The same for one key, which it fills on a miss; was it there? */
  bool (*ask)(struct pw_tlb *tlb, uint64_t key);
  /* Makes one way of a set invalid. */
  void (*drop)(struct pw_tlb *tlb, uint32_t set, uint32_t way);
};

extern const struct pw_tlb_policy pw_tlb_lru, pw_tlb_fifo, pw_tlb_plru, pw_tlb_random;

/* The two ways to drop: later ways move up (sets kept in an order), or a hole stays. */
void pw_tlb_drop_closing(struct pw_tlb *tlb, uint32_t set, uint32_t way);
void pw_tlb_drop_in_place(struct pw_tlb *tlb, uint32_t set, uint32_t way);

const struct pw_tlb_policy *pw_tlb_policy(int index); /* NULL past the end */
int pw_tlb_config_check(const struct pw_tlb_config *config, const char *what, struct pw_error *err);

/* `salt` tells the random generators of one machine apart. */
int pw_tlb_init(struct pw_tlb *tlb, const struct pw_tlb_config *config, uint64_t seed, uint64_t salt);
void pw_tlb_clear(struct pw_tlb *tlb);   /* frees */
void pw_tlb_flush(struct pw_tlb *tlb);   /* empties */
/* Pages first … last (keys of one process, at the TLB's page size) leave. */
void pw_tlb_drop_range(struct pw_tlb *tlb, uint64_t first_key, uint64_t last_key);

static inline uint32_t pw_tlb_set(const struct pw_tlb *tlb, uint64_t key)
{
  if (tlb->power_of_two) return (uint32_t)key & (tlb->sets - 1);
  return (uint32_t)((key & PW_PAGE_MASK) % tlb->sets);
}

static inline uint32_t pw_tlb_find(const uint64_t *set, uint32_t ways, uint64_t key)
{
  uint32_t way = 0;
  while (way < ways && set[way] != key) way++;
  return way;
}

/* For the policies that keep ways in place: finds the page of an invalidation and drops it. */
static inline void pw_tlb_invalidate(struct pw_tlb *tlb, uint64_t key)
{
  uint32_t set = pw_tlb_set(tlb, key);
  uint32_t way = pw_tlb_find(tlb->keys + (size_t)set * tlb->ways, tlb->ways, key);
  if (way < tlb->ways) tlb->policy->drop(tlb, set, way);
}

static inline void pw_lookups_put(struct pw_lookups *list, uint64_t key, uint32_t at)
{
  list->key[list->n] = key;
  list->at[list->n++] = at;
}

/* What every policy shares: the loop NAME, and NAME_one for one key. TOUCH(tlb, set_number, set, key) is their inner
 * part: true on a hit; on a miss it has filled the key. */
#define PW_TLB_LOOKUP(NAME, TOUCH)                                                            \
  static size_t NAME(struct pw_tlb *tlb, const struct pw_lookups *in, struct pw_lookups *out) \
  {                                                                                           \
    size_t misses = 0;                                                                        \
    for (size_t i = 0; i < in->n; i++) {                                                      \
      uint64_t key = in->key[i];                                                              \
      if (in->at[i] & PW_AT_INVALIDATE) {                                                     \
        pw_tlb_invalidate(tlb, key);                                                          \
        pw_lookups_put(out, key, in->at[i]);                                                  \
        continue;                                                                             \
      }                                                                                       \
      uint32_t set = pw_tlb_set(tlb, key);                                                    \
      if (TOUCH(tlb, set, tlb->keys + (size_t)set * tlb->ways, key)) continue;                \
      pw_lookups_put(out, key, in->at[i]);                                                    \
      misses++;                                                                               \
    }                                                                                         \
    return misses;                                                                            \
  }                                                                                           \
                                                                                              \
  static bool NAME##_one(struct pw_tlb *tlb, uint64_t key)                                    \
  {                                                                                           \
    uint32_t set = pw_tlb_set(tlb, key);                                                      \
    return TOUCH(tlb, set, tlb->keys + (size_t)set * tlb->ways, key);                         \
  }

#endif
