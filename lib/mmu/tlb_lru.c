/* LRU, exact: each set is an array, most recently used first.
 *
 * A hit moves its key to the front, a miss pushes everything down and the last key
 * off. Invalid ways are kept at the end, so a hole is filled before a key leaves.
 * Cost: one compare for the most recent key, then linear in the depth of the hit. */
#include "mmu/tlb.h"

static inline bool touch(const struct pw_tlb *tlb, uint32_t number, uint64_t *set, uint64_t key)
{
  (void)number;
  if (set[0] == key) return true;
  uint64_t carry = set[0];
  for (uint32_t way = 1; way < tlb->ways; way++) {
    uint64_t here = set[way];
    set[way] = carry;
    if (here == key) {
      set[0] = key;
      return true;
    }
    carry = here;
  }
  set[0] = key;
  return false;
}

PW_TLB_LOOKUP(lookup, touch)

const struct pw_tlb_policy pw_tlb_lru = {"lru", "least recently used, exact", false, lookup, lookup_one,
                                         pw_tlb_drop_closing};
