/* Collapses accesses to visits and gathers them to blocks.
 *
 * Invariant: the columns of a finished block, replayed touch by touch, visit the
 * same pages in the same order as the accesses did, up to repeats that no model
 * can tell apart (pagewalk.h, docs/models.md). A block boundary and an event
 * forget both current pages, so each block stands alone. */
#ifndef PW_VISITS_H
#define PW_VISITS_H

#include "base/pagemap.h"
#include "pagewalk.h"

#define PW_MAX_ACCESS_BYTES (1u << 20)

#define PW_VISITS_RECENT 512u

/* The counts of a visit in one word, 16 bits each: fetches, touches, loads, stores from the lowest. */
#define PW_TALLY_TOUCH (UINT64_C(1) << 16)
#define PW_TALLY_SHIFT(op) ((op) == PW_FETCH ? 0u : 16u + 16u * (op))
#define PW_TALLY(op) (UINT64_C(1) << PW_TALLY_SHIFT(op))
/* Of the first two touches? */
#define PW_TALLY_EARLY(tally) ((uint32_t)(tally) < 3u << 16)

/* How a visit was opened and what it stored, above the 16 bits of its page's number. */
enum {
  PW_HEAD_CODE = 1 << 16,
  PW_HEAD_STORE_FIRST = 1 << 17,
  PW_HEAD_WROTE_1 = 1 << 18, /* in the data page's first touch */
  PW_HEAD_WROTE_2 = 1 << 19, /* later */
  PW_HEAD_SHIFT = 16
};

enum pw_visits_stage { PW_VISITS_SKIP, PW_VISITS_WARMUP, PW_VISITS_TAKE, PW_VISITS_DONE };

struct pw_visits {
  struct pw_block block;        /* the last finished one: pointers into the columns */
  uint64_t *pages;              /* dictionary, in order of appearance until finished */
  uint64_t *sorted;             /* scratch for the order */
  uint16_t *rank;
  uint64_t *tallies;            /* by visit: its counts, … */
  uint32_t *heads;              /* … and its page with PW_HEAD_… bits */
  uint16_t *offset;             /* side columns, NULL unless they are gathered */
  uint64_t *pc;
  uint16_t *page, *fetches, *loads, *stores, *touches; /* of the finished block */
  uint8_t *flags;
  struct pw_event *events;
  struct pw_pagemap index;      /* page key -> number in `pages` */
  uint32_t n_visits, n_pages, n_events;
  struct pw_recent { uint64_t key; uint32_t number; } recent[PW_VISITS_RECENT]; /* in front of the index */
  uint8_t flags_of[64];         /* by head bits, and touches replayed - 1 above them */

  /* the open visit (n_visits counts it) */
  uint64_t current[2];          /* key of the current data page and code page, or PW_NO_KEY */
  uint64_t tally;
  uint32_t head;
  uint32_t stream;              /* of the last access: 0 data, 1 code */
  bool open;

  /* who runs */
  uint64_t runner;              /* pid << 32 | tid */
  uint32_t process;             /* index */
  uint32_t *pids;               /* by process index */
  uint32_t n_processes;
  struct pw_pagemap threads;    /* seen: process index and thread id, as a key -> number in pcs */
  uint64_t at;                  /* address of the running thread's last fetch, 0 before the first */
  uint64_t *pcs;                /* … and of those that wait */
  uint32_t thread;              /* its number */
  size_t pcs_room;
  size_t pids_room;

  /* skip, limit, warm-up: `until` accesses to go to the next boundary */
  uint64_t until;
  uint64_t limit, warmup;
  enum pw_visits_stage stage;
  bool counting;                /* the warm-up is over */
};

int pw_visits_create(struct pw_visits **visits, const struct pw_trace_options *options, struct pw_error *err);
void pw_visits_destroy(struct pw_visits *visits);
/* Takes accesses until a block is full: *taken says how many of the n. Returns 1
 * when visits->block is finished, 2 when the limit is reached (finish with
 * pw_visits_flush), 0 when all were taken. `path` is for errors. */
int pw_visits_add(struct pw_visits *visits, const char *path, const struct pw_access *accesses, size_t n,
                  size_t *taken, struct pw_error *err);
/* For a source that knows its accesses in bulk (runs.c). pw_visits_room first: 1 when visits->block
 * is finished and must be taken away, 0 when so many visits and an event fit. */
int pw_visits_room(struct pw_visits *visits, uint32_t n_visits);
/* Past the skip and before the limit. */
static inline bool pw_visits_taking(const struct pw_visits *visits)
{
  return visits->stage == PW_VISITS_WARMUP || visits->stage == PW_VISITS_TAKE;
}
/* One access by process index 0, of 1 … PW_MAX_ACCESS_BYTES bytes that do not run past the end of the addresses. */
void pw_visits_take(struct pw_visits *visits, uint64_t address, uint32_t bytes, uint32_t op);
/* Puts an event; its text must live until the block is taken away. */
void pw_visits_event(struct pw_visits *visits, const struct pw_event *event);
/* True when the limit is reached and nothing more is wanted. */
static inline bool pw_visits_full(const struct pw_visits *visits)
{
  return visits->stage == PW_VISITS_DONE || (visits->stage == PW_VISITS_TAKE && visits->until == 0);
}
/* Finishes what is open: 1 when visits->block holds anything, else 0. */
int pw_visits_flush(struct pw_visits *visits);
/* Drops everything: ready for the first access of a trace again. */
void pw_visits_restart(struct pw_visits *visits, const struct pw_trace_options *options);

/* ---- opening and closing, inlined where accesses are taken ---- */

/* The number of a page in the block; for one that is not among the recent ones. */
uint32_t pw_visits_number(struct pw_visits *visits, uint64_t key);

static inline struct pw_recent *pw_visits_recent(struct pw_visits *v, uint64_t key)
{
  return &v->recent[(key ^ key >> 9) % PW_VISITS_RECENT];
}

static inline void pw_visits_close(struct pw_visits *v)
{
  if (!v->open) return;
  v->open = false;
  v->tallies[v->n_visits - 1] = v->tally;
  v->heads[v->n_visits - 1] = v->head;
}

#endif
