/* Tree PLRU: a binary tree of bits over the ways of a set points at the victim.
 *
 * Nodes are numbered as in a heap, 1 the root; a bit of 0 points at the lower half.
 * Bits start at 0; a touch makes every bit on its path point away from the way.
 * Ways stay in place; the lowest invalid way is filled first. W is a power of two. */
#include "mmu/tlb.h"

static inline void point_away(uint8_t *bits, uint32_t ways, uint32_t way)
{
  for (uint32_t node = way + ways; node > 1; node >>= 1) bits[node >> 1] = !(node & 1);
}

static inline uint32_t victim(const uint8_t *bits, uint32_t ways)
{
  uint32_t node = 1;
  while (node < ways) node = 2 * node + bits[node];
  return node - ways;
}

static inline bool touch(struct pw_tlb *tlb, uint32_t number, uint64_t *set, uint64_t key)
{
  uint8_t *bits = tlb->bits + (size_t)number * tlb->ways;
  uint32_t way = pw_tlb_find(set, tlb->ways, key);
  bool hit = way < tlb->ways;
  if (!hit) {
    way = pw_tlb_find(set, tlb->ways, PW_NO_KEY);
    if (way == tlb->ways) way = victim(bits, tlb->ways);
    set[way] = key;
  }
  point_away(bits, tlb->ways, way);
  return hit;
}

PW_TLB_LOOKUP(lookup, touch)

const struct pw_tlb_policy pw_tlb_plru = {"plru", "tree pseudo-LRU, ways a power of two", true, lookup, lookup_one,
                                         pw_tlb_drop_in_place};
