/* Swap on devices that take time: pages that come back by way of the swap cache, others that are read ahead with them, and pages
 * that are being written.
 *
 * Which are read ahead: of a rotating disk the slots around, aligned; of another device the pages around in the area that are
 * in swap; so many as the last were of use. The rules are those of mm/swap_state.c (Linux 6.18).
 *
 * A page that is written stays until it is, --swap-latency accesses later, and is found in the swap cache meanwhile; whoever needs
 * frames and gets none waits for the oldest of them, in no time. */
#ifndef PW_SWAPIN_H
#define PW_SWAPIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_computer;
struct pw_mm;
struct pw_range;

/* Of an area: where it was read ahead last, how much, and how much of that was of use. */
struct pw_swap_ahead {
  uint64_t page;
  uint8_t window, hits;
  bool known;
};

/* A page that is being written. */
struct pw_writing {
  uint32_t folio, number; /* number: the folio has it too, unless it went meanwhile */
  uint64_t due;           /* access */
};

/* Does swap take time? */
bool pw_swap_is_slow(const struct pw_computer *computer);
/* The page of a slot that is in no frame comes to the swap cache, with others: 0, PW_MM_NO_FRAME, PW_MM_KILLED or PW_ENOMEM. area, ptes: of the
 * page and its leaf table; ahead: of the area. */
int pw_swap_read(struct pw_computer *computer, struct pw_mm *mm, const struct pw_range *area, struct pw_swap_ahead *ahead, uint64_t page,
                 const uint32_t *ptes, uint32_t slot, uint32_t *frame);
/* It was found in the swap cache. */
void pw_swap_hit(struct pw_computer *computer, struct pw_mm *mm, struct pw_swap_ahead *ahead, uint64_t page, uint32_t folio);

/* The folio is being written from now on. False: memory ran out, which is noted. */
bool pw_writing_begin(struct pw_computer *computer, uint32_t folio);
/* Those that are written by now may go: they are at the tail of their list. */
void pw_writing_end(struct pw_computer *computer);
/* The oldest, so many pages, are waited for: how many there were. */
uint64_t pw_writing_wait(struct pw_computer *computer, uint64_t pages);

#endif
