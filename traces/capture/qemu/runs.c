/* What a thread does, as words: runs and the addresses of their data.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Algorithm: QEMU calls us at each data access and at the last instruction of each piece of code,
 * never elsewhere. The first call of an execution opens a run: it writes the number of the shape that
 * the code is expected to have, and addresses follow. The call for the last instruction says
 * that the run is whole. When the next one opens, a run that went as expected stays as it stands;
 * any other is settled: its number is corrected to the shape that it had. */
#include <string.h>

#include "thread.h"

static const struct access surprised = {NULL, LIST_UNKNOWN};
static struct thread *writer;      /* settles a run */

/* ---- runs ---- */

void run_tell(const uint64_t *words, size_t n)
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
  thread_follow_ring(t);
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

void run_close(struct thread *t)
{
  if (t->open && !expected(t)) settle(t);
  t->open = NULL;
  thread_publish(t);
}

static __attribute__((noinline)) void settle_alone(struct thread *t)
{
  pthread_mutex_lock(&thread_lock);
  settle(t);
  pthread_mutex_unlock(&thread_lock);
}

static inline struct thread *begin(struct thread *t, struct code *code)
{
  if (UNLIKELY(t->open && !expected(t))) settle_alone(t);
  thread_publish(t);
  if (UNLIKELY(t->cursor >= t->limit)) t = thread_room(t);
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
  thread_publish(t);
  if (t->cursor >= t->limit) thread_room(t);
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

void run_last(unsigned vcpu, void *data)
{
  (void)vcpu;
  struct thread *t = self;
  struct code *code = data;
  if (t->code != code) t = begin(t, code);
  t->code = NULL;
}

void run_access(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
  (void)vcpu;
  struct thread *t = self;
  const struct insn *insn = data;
  if (t->code != insn->code) t = begin(t, insn->code);
  put(t, insn, info, address);
}

void run_last_access(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
  (void)vcpu;
  put(self, data, info, address);
}

