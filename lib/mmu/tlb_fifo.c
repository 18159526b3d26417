/* FIFO: each set is an array in the order of fill, newest first; hits change nothing. */
#include <string.h>

#include "mmu/tlb.h"

static inline bool touch(const struct pw_tlb *tlb, uint32_t number, uint64_t *set, uint64_t key)
{
  (void)number;
  if (pw_tlb_find(set, tlb->ways, key) < tlb->ways) return true;
  memmove(set + 1, set, (tlb->ways - 1) * sizeof *set);
  set[0] = key;
  return false;
}

PW_TLB_LOOKUP(lookup, touch)

const struct pw_tlb_policy pw_tlb_fifo = {"fifo", "first in, first out, by age of fill", false, lookup, lookup_one,
                                         pw_tlb_drop_closing};
