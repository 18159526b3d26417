/* Page frames: the buddy allocator with migrate types, as in mm/page_alloc.c (Linux 6.15).
 *
 * One zone of frames 0 … n-1; free blocks of 2^order frames, orders 0 to 10, are aligned to their size and stand in lists by
 * order and migrate type. A pageblock of 512 frames has a type; a block that is freed merges with its free buddies and
 * goes to the list of the type of the pageblock that it begins in. Where the lists of a type are empty, a block of another
 * type is claimed with its pageblock, or stolen by itself, so that kinds of frames stay apart as long as they can.
 *
 * Not modelled: per-CPU lists, watermark boosts, high-atomic reserves, compaction.
 *
 * Cost: 8 bytes a frame. Take and give look at most at one block of each order, and at 512 frames when a pageblock
 * changes its type.
 *
 * Invariant: two buddies of an order below the highest are never both free, since merging is never put off. */
#ifndef PW_BUDDY_H
#define PW_BUDDY_H

#include <stdbool.h>
#include <stdint.h>

#include "pagewalk.h"

enum { PW_ORDERS = 11, PW_PAGEBLOCK_ORDER = 9, PW_PAGEBLOCK = 1 << PW_PAGEBLOCK_ORDER };

enum pw_migrate { PW_UNMOVABLE, PW_MOVABLE, PW_RECLAIMABLE, PW_MIGRATE_TYPES };

#define PW_NO_FRAME 0xfffffffu              /* the end of a list */
#define PW_MOST_FRAMES UINT64_C(0xfffffff)  /* 1 TiB less a frame */

struct pw_frame {
  uint64_t next : 28, prev : 28; /* of a free block's first frame: its list; else what who took it keeps there */
  uint64_t order : 4;            /* of a free block, in its first frame */
  uint64_t type : 2;             /* free: the list it is in; taken: who asked */
  uint64_t is_free : 1;          /* it begins a free block */
  uint64_t mark : 1;             /* free for who took it, as are prev and order */
};

struct pw_pageblock {
  uint16_t free, movable; /* frames that are free; frames that are taken and movable */
  uint8_t type;           /* enum pw_migrate */
};

struct pw_buddy {
  struct pw_frame *frames; /* [n] */
  struct pw_pageblock *blocks;
  uint64_t n, managed, free;
  uint64_t kept;                 /* a request fails that would leave no more than these (the watermark min) */
  uint64_t blocks_free[PW_ORDERS][PW_MIGRATE_TYPES];
  uint32_t head[PW_ORDERS][PW_MIGRATE_TYPES];
};

/* The lowest `reserved` of n frames are taken for ever: 0, or PW_ENOMEM. n is at most PW_MOST_FRAMES. */
int pw_buddy_init(struct pw_buddy *frames, uint64_t n, uint64_t reserved, struct pw_error *err);
void pw_buddy_clear(struct pw_buddy *frames); /* frees */
/* The first frame of a block of 2^order, or PW_NO_FRAME. */
uint32_t pw_buddy_take(struct pw_buddy *frames, unsigned order, enum pw_migrate type);
/* The highest aligned range of 2^order frames, more than a block has, of which none is taken; or PW_NO_FRAME. */
uint32_t pw_buddy_take_range(struct pw_buddy *frames, unsigned order);
void pw_buddy_give(struct pw_buddy *frames, uint32_t frame, unsigned order);

/* Free blocks of an order, of all types. */
uint64_t pw_buddy_blocks(const struct pw_buddy *frames, unsigned order);
/* In thousandths: towards 0 a request of that order fails for lack of memory, towards 1000 for fragmentation; -1000: it
 * does not fail (extfrag_index of Linux). */
int pw_buddy_fragmentation(const struct pw_buddy *frames, unsigned order);
/* In thousandths: the part of free memory that is in too small blocks for that order. */
unsigned pw_buddy_unusable(const struct pw_buddy *frames, unsigned order);

#endif
