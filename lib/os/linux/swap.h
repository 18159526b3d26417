/* A swap device: slots of a page each, of which page-table entries name those that hold theirs.
 *
 * A slot is in use while an entry names it, or while the page that it is a copy of is in memory and has not changed (the swap
 * cache). Slots are given out from the first on, then those that came back last. The first page of the device is its header. */
#ifndef PW_SWAP_H
#define PW_SWAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_MOST_SLOTS UINT64_C(0xfffffff) /* that an entry can name */

struct pw_slot {
  uint32_t folio;  /* in the swap cache, or PW_NO_FOLIO */
  uint32_t users : 31; /* entries that name it */
  uint32_t shared : 1; /* it is of shared memory: nobody reads it ahead */
  uint32_t shadow; /* what was known of the page when it left (reclaim.h) */
};

struct pw_swap {
  uint64_t n, used;       /* slots of the device; in use */
  struct pw_slot *slots;  /* of those that were ever in use */
  size_t n_slots, slots_room;
  uint32_t *spare;
  size_t n_spare, spare_room;
};

static inline uint64_t pw_swap_free(const struct pw_swap *swap)
{
  return swap->n - swap->used;
}

/* So many slots in a row, one or 512 (from a multiple of 512), without users: the first of them. 1: there are none; PW_ENOMEM. */
int pw_swap_take(struct pw_swap *swap, uint32_t pages, uint32_t *slot);
void pw_swap_give(struct pw_swap *swap, uint32_t slot);
void pw_swap_clear(struct pw_swap *swap);

#endif
