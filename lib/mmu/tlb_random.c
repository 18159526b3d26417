/* Random replacement, seeded: the lowest invalid way first, else any way of the set. */
#include "base/random.h"
#include "mmu/tlb.h"

static inline bool touch(struct pw_tlb *tlb, uint32_t number, uint64_t *set, uint64_t key)
{
  (void)number;
  if (pw_tlb_find(set, tlb->ways, key) < tlb->ways) return true;
  uint32_t way = pw_tlb_find(set, tlb->ways, PW_NO_KEY);
  if (way == tlb->ways) way = pw_random_below(&tlb->random, tlb->ways);
  set[way] = key;
  return false;
}

PW_TLB_LOOKUP(lookup, touch)

const struct pw_tlb_policy pw_tlb_random = {"random", "any way, seeded by --seed", false, lookup, lookup_one,
                                         pw_tlb_drop_in_place};
