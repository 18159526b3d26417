/* The threads, on their way to the ring.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU runs threads at the same time. While there is one, it writes into the block of the ring, so
 * that what a killed program did is read up to its last jump; as soon as there are more, each
 * writes into words of its own, which go to the ring in slices, under the lock. An event takes the
 * words of all threads along, so that it stands behind what they did before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thread.h"

enum { OWN_WORDS = 8192 }; /* less than a block */

static uint64_t nowhere;
struct thread nobody = {.done = &nowhere};
__thread struct thread *self = &nobody;
pthread_mutex_t thread_lock = PTHREAD_MUTEX_INITIALIZER;

static struct thread *threads;
static uint64_t n_threads, in_ring, cloner;

void thread_follow_ring(struct thread *t)
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
  thread_publish(t);
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

struct thread *thread_room(struct thread *t)
{
  pthread_mutex_lock(&thread_lock);
  if (t == &nobody) {
    t = another_thread();
  } else if (t->words) {
    take_own(t);
    begin_own(t);
  } else {
    channel_flush();
    thread_follow_ring(t);
  }
  pthread_mutex_unlock(&thread_lock);
  return t;
}

void thread_event(uint32_t kind, const uint64_t *words, size_t n)
{
  pthread_mutex_lock(&thread_lock);
  struct thread *t = self == &nobody ? another_thread() : self;
  run_close(t);
  take_all();
  say_thread(t->number);
  channel_record(kind, words, n);
  if (!t->words) thread_follow_ring(t);
  pthread_mutex_unlock(&thread_lock);
}

static void run_first(maps_fn *maps)
{
  in_ring = 0;
  maps();
  say_thread(self->number);
  thread_follow_ring(self);
}

void threads_start(maps_fn *maps)
{
  pthread_mutex_lock(&thread_lock);
  new_thread();
  run_first(maps);
  pthread_mutex_unlock(&thread_lock);
}

/* QEMU asks in the thread that starts another, before that runs. */
void thread_more(void)
{
  pthread_mutex_lock(&thread_lock);
  struct thread *t = self;
  cloner = t->number;
  if (t != &nobody && !t->words) {
    run_close(t);
    to_own_words(t);
  }
  pthread_mutex_unlock(&thread_lock);
}

void thread_end(void)
{
  struct thread *t = self;
  if (t == &nobody) return;
  thread_event(PW_RING_THREAD_END, &t->number, 1);
  if (!t->words) return; /* the first is needed to the end */
  pthread_mutex_lock(&thread_lock);
  for (struct thread **at = &threads; *at; at = &(*at)->next)
    if (*at == t) {
      *at = t->next;
      break;
    }
  self = &nobody;
  pthread_mutex_unlock(&thread_lock);
  free(t->words);
  free(t);
}

/* By now no other thread is called back any more. */
void threads_end(bool known, uint64_t status)
{
  uint64_t words[] = {status, 0};
  pthread_mutex_lock(&thread_lock);
  for (struct thread *t = threads; t; t = t->next) run_close(t);
  take_all();
  if (known) channel_record(PW_RING_EXIT, words, 2);
  channel_flush();
  pthread_mutex_unlock(&thread_lock);
}

void threads_hold(void)
{
  pthread_mutex_lock(&thread_lock);
  if (self != &nobody) run_close(self);
  take_all();
  channel_flush();
  if (self != &nobody && !self->words) thread_follow_ring(self);
}

void threads_release(void)
{
  pthread_mutex_unlock(&thread_lock);
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
  pthread_mutex_unlock(&thread_lock);
}
