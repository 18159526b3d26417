/* A block as the models of one page size see it: pages have numbers (ids), and what
 * happens between visits is spelled out as steps.
 *
 * The account of a page size (account.h) writes it; any number of models read it, each
 * at its own time, so that they can run side by side. Nothing in it changes once it is
 * written, and no model reads anything else of the account. */
#ifndef PW_NUMBERED_H
#define PW_NUMBERED_H

#include "pagewalk.h"

enum pw_step_kind {
  PW_STEP_LEAVE, /* pages are unmapped: they leave memory and TLBs */
  PW_STEP_FLUSH, /* TLBs are emptied */
  PW_STEP_COUNT, /* counts start at 0 */
};

/* Happens before visit number `at` of the block. */
struct pw_step {
  uint32_t at;
  enum pw_step_kind kind;
  uint64_t first_key, last_key; /* LEAVE: the range of page keys; first > last when nothing leaves */
  size_t first, n;              /* LEAVE: the pages of it that were present, in `left` */
};

struct pw_left {
  uint64_t key;
  uint32_t id;
};

struct pw_numbered {
  const struct pw_block *block;
  const uint64_t *key;     /* [block->n_pages] page key at the page size, by index of the block */
  const uint32_t *id;      /* [block->n_pages] */
  size_t n_ids;            /* ids that there are now, this block's included */
  const uint64_t *new_key; /* keys of the ids from first_new to n_ids-1 */
  size_t first_new;
  const struct pw_step *steps;
  size_t n_steps;
  const struct pw_left *left;
};

#endif
