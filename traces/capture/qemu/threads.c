/* What each thread does, on its way to the ring.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Algorithm: QEMU calls us at each data access and at the last instruction of each piece of code,
 * never elsewhere. The first call of an execution opens a run: it writes the number of the shape that
 * the code is expected to have, and addresses follow. The call for the last instruction says
 * that the run is whole. When the next one opens, a run that went as expected stays as it stands;
 * any other is settled: its number is corrected to the shape that it had.
 *
 * QEMU runs threads at the same time. While there is one, it writes into the block of the ring, so
 * that what a killed program did is read up to its last jump; as soon as there are more, each
 * writes into words of its own, which go to the ring in slices, under the lock.
 *
 * Invariant: `done` stands behind whole runs; what lies before it may be taken by any thread that
 * has the lock, what lies behind it belongs to its own thread. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

/* The most that a run becomes, cut into single instructions; and a thread's own words, less than a block. */
enum { RESERVE = MOST_INSNS + MOST_ACCESSES + 16, OWN_WORDS = 8192 };

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

static const struct access surprised = {NULL, LIST_UNKNOWN};
static uint64_t nowhere;
static struct thread nobody = {.done = &nowhere}; /* has no room: its first run makes a thread of it */
static __thread struct thread *self = &nobody;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread *threads;
static struct thread *writer;      /* settles a run */
static uint64_t n_threads, in_ring, cloner;

/* ---- to the ring; under the lock ---- */

static void publish(struct thread *t)
{
  __atomic_store_n(t->done, (uint64_t)(uintptr_t)t->cursor, __ATOMIC_RELEASE);
}

/* Goes on at the cursor of the ring. */
static void follow_ring(struct thread *t)
{
  t->run = t->cursor = (uint64_t *)(uintptr_t)ring->cursor;
  t->limit = (uint64_t *)(uintptr_t)ring->end - RESERVE;
  t->done = &ring->cursor;
}

static void say_thread(uint64_t number)
{
  if (in_ring != number) channel_record(PW_RING_THREAD, &number, 1);
  in_ring = number;
}

static void take_own(struct thread *t)
{
  if (!t->words) return;
  uint64_t *done = (uint64_t *)(uintptr_t)__atomic_load_n(&t->own_done, __ATOMIC_ACQUIRE);
  size_t n = (size_t)(done - t->start);
  if (n == 0) return;
  channel_room(n + 2);
  say_thread(t->number);
  memcpy((uint64_t *)(uintptr_t)ring->cursor, t->start, n * sizeof *done);
  __atomic_store_n(&ring->cursor, ring->cursor + n * sizeof *done, __ATOMIC_RELEASE);
  t->start = done;
}

static void take_all(void)
{
  for (struct thread *t = threads; t; t = t->next) take_own(t);
}

static void begin_own(struct thread *t)
{
  t->start = t->run = t->cursor = t->words;
  t->limit = t->words + OWN_WORDS - RESERVE;
  t->done = &t->own_done;
  publish(t);
}

static struct thread *new_thread(void)
{
  struct thread *t = calloc(1, sizeof *t);
  if (!t) abort();
  t->number = ++n_threads;
  t->next = threads;
  return threads = self = t;
}

static void to_own_words(struct thread *t)
{
  t->words = malloc(OWN_WORDS * sizeof *t->words);
  if (!t->words) abort();
  begin_own(t);
}

/* QEMU told of it in time (thread_more); if one does not, two would write into the ring. */
static struct thread *another_thread(void)
{
  for (const struct thread *other = threads; other; other = other->next)
    if (!other->words && !__atomic_exchange_n(&ring->stop, 1, __ATOMIC_SEQ_CST))
      fputs("pagewalk: this QEMU does not tell plugins of a new thread in time; recording ends here\n", stderr);
  struct thread *t = new_thread();
  uint64_t words[] = {cloner, t->number};
  to_own_words(t);
  channel_record(PW_RING_THREAD_NEW, words, 2);
  return t;
}

/* ---- runs ---- */

void thread_tell(const uint64_t *words, size_t n)
{
  static uint64_t open[1 + MOST_ACCESSES];
  struct thread *t = writer;
  if (t->words) {
    channel_record(PW_RING_RUN, words, n);
    return;
  }
  size_t n_open = (size_t)(t->cursor - t->run);
  memcpy(open, t->run, n_open * sizeof *open);
  ring->cursor = (uintptr_t)t->run;
  channel_record(PW_RING_RUN, words, n);
  channel_room(RESERVE);
  follow_ring(t);
  memcpy(t->run, open, n_open * sizeof *open);
  t->cursor += n_open;
}

static uint32_t number_of(const struct code *code, const struct insn *insn)
{
  return (uint32_t)(insn - code->insns);
}

/* Code of too many shapes: each instruction is a run. */
static void write_by_insn(struct thread *t, uint32_t to, const struct access *accesses, uint32_t n)
{
  static uint64_t addresses[MOST_ACCESSES];
  memcpy(addresses, t->run + 1, n * sizeof *addresses);
  t->cursor = t->run;
  for (uint32_t i = t->from, next = 0; i < to; i++) {
    uint32_t first = next;
    while (next < n && accesses[next].insn <= &t->open->insns[i]) next++;
    uint32_t number = code_shape(t->open, i, i + 1, accesses + first, next - first, true)->number;
    *t->cursor++ = number;
    memcpy(t->cursor, addresses + first, (next - first) * sizeof *addresses);
    t->run = t->cursor += next - first;
  }
}

/* Gives the open run the number of what happened. Under the lock. */
static void settle(struct thread *t)
{
  struct code *code = t->open;
  bool whole = !t->code;
  const struct access *accesses = t->expected == &surprised ? t->actual : t->shape->accesses;
  uint32_t n = t->expected == &surprised ? t->n_actual : t->shape == &unknown ? 0 : (uint32_t)(t->expected - accesses);
  uint32_t to = whole ? code->n_insns : n ? number_of(code, accesses[n - 1].insn) + 1 : t->from;
  t->open = NULL;
  if (to < t->from) to = t->from;
  if (to == t->from && n == 0) {
    t->cursor = t->run;
    return;
  }
  writer = t;
  struct shape *shape = code_shape(code, t->from, to, accesses, n, to == t->from);
  if (shape) {
    *t->run = shape->number;
    if (whole && t->from == 0) __atomic_store_n(&code->likely, shape, __ATOMIC_RELEASE);
  } else {
    t->open = code;
    write_by_insn(t, to, accesses, n);
    t->open = NULL;
  }
}

/* It went as expected and to the end. */
static inline bool expected(const struct thread *t)
{
  return !t->code && !t->expected->insn && t->expected->info == LIST_ENDS;
}

/* Closes the open run. Under the lock. */
static void close_run(struct thread *t)
{
  if (t->open && !expected(t)) settle(t);
  t->open = NULL;
  publish(t);
}

static __attribute__((noinline)) void settle_alone(struct thread *t)
{
  pthread_mutex_lock(&lock);
  settle(t);
  pthread_mutex_unlock(&lock);
}

static __attribute__((noinline)) struct thread *make_room(struct thread *t)
{
  pthread_mutex_lock(&lock);
  if (t == &nobody) {
    t = another_thread();
  } else if (t->words) {
    take_own(t);
    begin_own(t);
  } else {
    channel_flush();
    follow_ring(t);
  }
  pthread_mutex_unlock(&lock);
  return t;
}

static inline struct thread *begin(struct thread *t, struct code *code)
{
  if (UNLIKELY(t->open && !expected(t))) settle_alone(t);
  publish(t);
  if (UNLIKELY(t->cursor >= t->limit)) t = make_room(t);
  struct shape *shape = __atomic_load_n(&code->likely, __ATOMIC_ACQUIRE);
  t->code = t->open = code;
  t->shape = shape;
  t->expected = shape->expected;
  t->from = 0;
  t->run = t->cursor;
  *t->cursor++ = shape->number;
  return t;
}

/* Ends a run of too many accesses in its middle, and goes on with another. */
static void split(struct thread *t)
{
  struct code *code = t->open, *at_work = t->code;
  t->code = code; /* not whole */
  settle_alone(t);
  uint32_t from = number_of(code, t->actual[t->n_actual - 1].insn) + 1;
  publish(t);
  if (t->cursor >= t->limit) make_room(t);
  t->code = at_work;
  t->open = code;
  t->from = from;
  t->run = t->cursor++;
  t->n_actual = 0;
}

static __attribute__((noinline)) void surprise(struct thread *t, const struct insn *insn, qemu_plugin_meminfo_t info)
{
  if (t->expected != &surprised) {
    t->n_actual = t->shape == &unknown ? 0 : (uint32_t)(t->expected - t->shape->accesses);
    memcpy(t->actual, t->shape->accesses, t->n_actual * sizeof *t->actual);
    t->expected = &surprised;
  }
  if (t->n_actual == MOST_ACCESSES) split(t);
  t->actual[t->n_actual++] = (struct access){insn, info};
}

static inline void put(struct thread *t, const struct insn *insn, qemu_plugin_meminfo_t info, uint64_t address)
{
  const struct access *next = t->expected;
  if (LIKELY(next->insn == insn && next->info == info)) t->expected = next + 1;
  else surprise(t, insn, info);
  *t->cursor++ = address;
}

void thread_runs_last(unsigned vcpu, void *data)
{
  (void)vcpu;
  struct thread *t = self;
  struct code *code = data;
  if (t->code != code) t = begin(t, code);
  t->code = NULL;
}

void thread_accesses(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
  (void)vcpu;
  struct thread *t = self;
  const struct insn *insn = data;
  if (t->code != insn->code) t = begin(t, insn->code);
  put(t, insn, info, address);
}

void thread_accesses_last(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
  (void)vcpu;
  put(self, data, info, address);
}

/* ---- events ---- */

void thread_event(uint32_t kind, const uint64_t *words, size_t n)
{
  pthread_mutex_lock(&lock);
  struct thread *t = self == &nobody ? another_thread() : self;
  close_run(t);
  take_all();
  say_thread(t->number);
  channel_record(kind, words, n);
  if (!t->words) follow_ring(t);
  pthread_mutex_unlock(&lock);
}

static void run_first(maps_fn *maps)
{
  in_ring = 0;
  maps();
  say_thread(self->number);
  follow_ring(self);
}

void threads_start(maps_fn *maps)
{
  pthread_mutex_lock(&lock);
  new_thread();
  run_first(maps);
  pthread_mutex_unlock(&lock);
}

/* QEMU asks in the thread that starts another, before that runs. */
void thread_more(void)
{
  pthread_mutex_lock(&lock);
  struct thread *t = self;
  cloner = t->number;
  if (t != &nobody && !t->words) {
    close_run(t);
    to_own_words(t);
  }
  pthread_mutex_unlock(&lock);
}

void thread_end(void)
{
  struct thread *t = self;
  if (t == &nobody) return;
  thread_event(PW_RING_THREAD_END, &t->number, 1);
  if (!t->words) return; /* the first is needed to the end */
  pthread_mutex_lock(&lock);
  for (struct thread **at = &threads; *at; at = &(*at)->next)
    if (*at == t) {
      *at = t->next;
      break;
    }
  self = &nobody;
  pthread_mutex_unlock(&lock);
  free(t->words);
  free(t);
}

/* By now no other thread is called back any more. */
void threads_end(bool known, uint64_t status)
{
  uint64_t words[] = {status, 0};
  pthread_mutex_lock(&lock);
  for (struct thread *t = threads; t; t = t->next) close_run(t);
  take_all();
  if (known) channel_record(PW_RING_EXIT, words, 2);
  channel_flush();
  pthread_mutex_unlock(&lock);
}

void threads_hold(void)
{
  pthread_mutex_lock(&lock);
  if (self != &nobody) close_run(self);
  take_all();
  channel_flush();
  if (self != &nobody && !self->words) follow_ring(self);
}

void threads_release(void)
{
  pthread_mutex_unlock(&lock);
}

/* Only the thread that forked lives on; it writes into the ring again. */
void threads_restart(maps_fn *maps)
{
  struct thread *t = self == &nobody ? new_thread() : self;
  while (threads) {
    struct thread *other = threads;
    threads = other->next;
    if (other == t) continue;
    free(other->words);
    free(other);
  }
  free(t->words);
  t->words = NULL;
  t->next = NULL;
  threads = t;
  channel_reopen();
  code_forget();
  run_first(maps);
  pthread_mutex_unlock(&lock);
}
