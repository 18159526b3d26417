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

enum pw_visits_stage { PW_VISITS_SKIP, PW_VISITS_WARMUP, PW_VISITS_TAKE, PW_VISITS_DONE };

struct pw_visits {
  struct pw_block block;        /* the last finished one: pointers into the columns */
  uint64_t *pages;              /* dictionary, in order of appearance until finished */
  uint64_t *sorted;             /* scratch for the order */
  uint16_t *rank;
  uint16_t *page, *fetches, *loads, *stores, *touches;
  uint8_t *flags;
  struct pw_event *events;
  struct pw_pagemap index;      /* page key -> number in `pages` */
  uint32_t n_visits, n_pages, n_events;
  struct { uint64_t key; uint32_t number; } recent[PW_VISITS_RECENT]; /* in front of the index */
  uint8_t flags_of[64];         /* by opener, store first, touches replayed - 1, wrote */

  /* the open visit (n_visits counts it) */
  uint64_t current[2];          /* key of the current data page and code page, or PW_NO_KEY */
  uint32_t count[3];            /* by enum pw_op */
  uint32_t n_touches;
  uint32_t stream;              /* of the last access: 0 data, 1 code */
  uint32_t opener;              /* stream of C */
  uint32_t wrote;               /* bit 0: in the data page's first touch; bit 1: later */
  uint32_t store_first;
  bool open;

  /* who runs */
  uint64_t runner;              /* pid << 32 | tid */
  uint32_t process;             /* index */
  uint32_t *pids;               /* by process index */
  uint32_t n_processes;
  struct pw_pagemap threads;    /* seen: process index and thread id, as a key */
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
/* n accesses in a row of one kind on the page of a key (not PW_MODIFY). */
void pw_visits_repeat(struct pw_visits *visits, uint64_t key, uint32_t op, uint32_t n);
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

static inline void pw_visits_close(struct pw_visits *v)
{
  if (!v->open) return;
  v->open = false;
  uint32_t i = v->n_visits - 1, n = v->n_touches;
  v->fetches[i] = (uint16_t)v->count[PW_FETCH];
  v->loads[i] = (uint16_t)v->count[PW_LOAD];
  v->stores[i] = (uint16_t)v->count[PW_STORE];
  v->touches[i] = (uint16_t)n;
  uint32_t replayed = n <= 4 ? n - 1 : 3 - (n & 1);
  v->flags[i] = v->flags_of[v->opener << 5 | (uint32_t)v->store_first << 4 | replayed << 2 | v->wrote];
}

/* Opens a visit by one access; the room was asked for. */
static inline void pw_visits_open(struct pw_visits *v, uint64_t key, uint32_t stream, uint32_t op)
{
  pw_visits_close(v);
  uint32_t slot = (uint32_t)(key ^ key >> 9) % PW_VISITS_RECENT;
  if (v->recent[slot].key != key) {
    bool added;
    v->recent[slot].key = key;
    v->recent[slot].number = *pw_pagemap_insert(&v->index, key, v->n_pages, &added);
    if (added) v->pages[v->n_pages++] = key;
  }
  v->page[v->n_visits++] = (uint16_t)v->recent[slot].number;
  v->current[stream] = key;
  v->count[0] = v->count[1] = v->count[2] = 0;
  v->count[op] = 1;
  v->n_touches = 1;
  v->stream = v->opener = stream;
  v->wrote = v->store_first = op == PW_STORE;
  v->open = true;
}

#endif
