/* A block as the models of one page size see it: pages have numbers (ids), and so have the frames
 * that they are in; what happens between visits is spelled out as steps. TLBs go by pages, memories by frames.
 *
 * An operating system writes it: today the account of a page size (ideal.h), which all its
 * configurations share. Any number of models read it, each at its own time, so that they
 * can run side by side. Nothing in it changes once it is written, and no model reads
 * anything else of the account. */
#ifndef PW_OS_H
#define PW_OS_H

#include "pagewalk.h"

enum pw_step_kind {
  PW_STEP_LEAVE,  /* pages are unmapped or move: they leave the TLBs, and frames that nobody has any more leave memory */
  PW_STEP_TOUCH,  /* frames are touched by no visit: by the kernel, a copy or a move; TLBs do not see it */
  PW_STEP_REMAP,  /* a page of the block is in another frame from here on */
  PW_STEP_FLUSH,  /* TLBs are emptied */
  PW_STEP_COUNT,  /* counts start at 0 */
};

/* Happens before visit number `at` of the block. */
struct pw_step {
  uint32_t at;
  uint32_t event;               /* of the block, that it comes from; PW_BY_VISIT: that visit */
  enum pw_step_kind kind;
  bool wrote;                   /* TOUCH: it stored; REMAP: the visit that comes stores to the page, which is copied */
  uint64_t first_key, last_key; /* LEAVE: the range of page keys; first > last when nothing leaves */
  size_t first, n;              /* LEAVE: the touched pages of it, in `left`; TOUCH: in `touched` */
  size_t first_gone, n_gone;    /* LEAVE: in `gone` */
  uint32_t index, frame;        /* REMAP: of the block's page, and the frame */
};

struct pw_left {
  uint64_t key;
  uint32_t id;
};

/* What moved a count of the account, for who wants to know whose doing each was (pw_ideal_log). */
enum pw_change_kind {
  PW_CHANGE_FAULT,  /* a minor fault on page `id` */
  PW_CHANGE_ARRIVE, /* page `id` is in use from here on, in a frame that was not */
  PW_CHANGE_COPY,   /* page `id` has a frame of its own from here on, instead of a shared one */
  PW_CHANGE_LEAVE,  /* page `id` is no longer in use, nor is its frame */
  PW_CHANGE_FORK,   /* page `id` is in use too from here on, in the frame of page `from` */
  PW_CHANGE_MOVE,   /* page `id` is in use from here on, and is what page `from` was */
  PW_CHANGE_TABLE,  /* a page table exists from here on: span, prefix, bytes */
  PW_CHANGE_TABLE_GONE,
};

#define PW_BY_VISIT UINT32_MAX

struct pw_change {
  uint32_t at, event;           /* visit `at` did it where event is PW_BY_VISIT, else that event */
  enum pw_change_kind kind;
  uint32_t id;                  /* of a TABLE the page under it, PW_BY_VISIT for a root */
  uint32_t from;                /* FORK, MOVE */
  bool returned;                /* LEAVE: the program gave it back, by an unmap or a discard */
  unsigned span_bits;           /* TABLE: it covers 2^span_bits bytes; 64 for a root */
  uint64_t prefix, bytes;       /* TABLE: key of what it covers, shifted by its span; its size */
};

struct pw_paged {
  const struct pw_block *block;
  const uint64_t *key;     /* [block->n_pages] page key at the page size, by index of the block */
  const uint32_t *id;      /* [block->n_pages] */
  const uint32_t *frame;   /* [block->n_pages] that the page is in at its first touch in the block */
  bool numbered;           /* frames have numbers of their own; before the first fork or move a page's frame is its id */
  bool remaps;             /* there is a REMAP step */
  size_t n_ids;            /* ids that there are now, this block's included */
  size_t n_frames;         /* numbers of frames that there are now; that of a frame that went is given out again */
  const uint64_t *new_key; /* keys of the ids from first_new to n_ids-1 */
  size_t first_new;
  const struct pw_step *steps;
  size_t n_steps;
  const struct pw_left *left;
  const uint32_t *gone;         /* frames */
  const uint32_t *touched;      /* frames */
  const uint32_t *touched_id;   /* and the pages in them that were meant */
  const struct pw_change *changes; /* in order of visits and events; empty unless asked for */
  size_t n_changes;
};

/* Where a configuration's numbers are. */
struct pw_os_slot {
  uint32_t tree, fit;
};

struct pw_os;

struct pw_os_class {
  /* Takes a block in. What it lends is valid until the call after the next. */
  int (*block)(struct pw_os *os, const struct pw_block *block, const struct pw_paged **lent, struct pw_error *err);
  /* Fills table, resident and fault fields of a machine with unlimited memory. Too narrow a table
   * sets `unfit`, *unfit_page to a base page that did not fit, and *unfit_bits to the width that fits all. */
  void (*result)(const struct pw_os *os, const struct pw_os_slot *slot, struct pw_result *result, uint64_t *unfit_page,
                 unsigned *unfit_bits);
  void (*destroy)(struct pw_os *os);
};

/* Who gives frames and answers faults: the first member of each. */
struct pw_os {
  const struct pw_os_class *class;
};

#endif
