/* A thread of the program, between runs.c, which writes what it does, and threads.c, which takes that to
 * the ring.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Invariant: `done` stands behind whole runs; what lies before it may be taken by any thread that
 * has the lock, what lies behind it belongs to its own thread. */
#ifndef THREAD_H
#define THREAD_H

#include <pthread.h>

#include "plugin.h"

/* The most that a run becomes, cut into single instructions. */
enum { RESERVE = MOST_INSNS + MOST_ACCESSES + 16 };

struct thread {
  uint64_t *cursor, *limit;      /* a run begins below the limit */
  const struct access *expected; /* the next one */
  struct code *code;             /* at work, up to its last instruction */
  struct code *open;             /* of the open run */
  uint64_t *run;                 /* its words */
  struct shape *shape;           /* expected of it */
  uint64_t *done;                /* the cursor behind the last whole run: in the ring, or */
  uint64_t own_done;
  uint64_t *start;               /* own words that are not in the ring yet */
  uint64_t *words;               /* own; NULL while it writes into the ring */
  uint32_t from;                 /* the first instruction of the run: 0, but behind a split */
  uint32_t n_actual;
  struct access actual[MOST_ACCESSES]; /* when it goes not as expected */
  uint64_t number;
  struct thread *next;
};

extern __thread struct thread *self;
extern struct thread nobody; /* who self is before its first run; it has no room */
extern pthread_mutex_t thread_lock;

/* threads.c: goes on at the cursor of the ring. Under the lock. */
void thread_follow_ring(struct thread *t);
/* Room for a run; nobody becomes somebody. */
struct thread *thread_room(struct thread *t);

/* runs.c: closes the open run, so that all words are done. Under the lock. */
void run_close(struct thread *t);

static inline void thread_publish(struct thread *t)
{
  __atomic_store_n(t->done, (uint64_t)(uintptr_t)t->cursor, __ATOMIC_RELEASE);
}

#endif
