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
#include "trace/columns.h"

#define PW_MAX_ACCESS_BYTES (1u << 20)

enum pw_visits_stage { PW_VISITS_SKIP, PW_VISITS_WARMUP, PW_VISITS_TAKE, PW_VISITS_DONE };

struct pw_visits {
  struct pw_block block;        /* the last finished one, lent; nothing in it without columns */
  struct pw_rows rows;          /* of the block that is being filled */
  struct pw_columns *columns;   /* NULL: whoever takes the rows finishes them */
  bool finished;                /* the rows await being taken away */

  /* the open visit (rows.n_visits counts it) */
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
/* Without columns: a finished block is left in visits->rows. */
int pw_visits_create_bare(struct pw_visits **visits, const struct pw_trace_options *options, struct pw_error *err);
void pw_visits_destroy(struct pw_visits *visits);
/* Takes accesses until a block is full: *taken says how many of the n. Returns 1
 * when visits->block is finished, 2 when the limit is reached (finish with
 * pw_visits_flush), 0 when all were taken. `path` is for errors. */
int pw_visits_add(struct pw_visits *visits, const char *path, const struct pw_access *accesses, size_t n,
                  size_t *taken, struct pw_error *err);
/* An event of this process and thread, whose text must live until the block is taken away; a fork's child is numbered.
 * Returns 1 when visits->block is finished and the event was not taken, 2 when the limit is reached, 0 when it was taken. */
int pw_visits_add_event(struct pw_visits *visits, const char *path, uint32_t pid, uint32_t tid, struct pw_event *event,
                        struct pw_error *err);
/* For a source that knows its accesses in bulk (code_runs.c). pw_visits_room first: 1 when visits->block
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

static inline void pw_visits_close(struct pw_visits *v)
{
  if (!v->open) return;
  v->open = false;
  v->rows.tallies[v->rows.n_visits - 1] = v->tally;
  v->rows.heads[v->rows.n_visits - 1] = (uint8_t)v->head;
}

#endif
