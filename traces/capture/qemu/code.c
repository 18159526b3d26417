/* Translated code, and what executions of it were seen to do.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU tells when an instruction accesses memory, but not at translation whether it will. So a run
 * is told to the recorder after its first execution: the instructions and accesses of it are a shape of
 * that code. Nearly all code has one shape for life; a second comes with a store-exclusive that
 * fails, a predicated access, or a fault in the middle.
 *
 * Invariant: the recorder knows every shape of this generation (run_tell) before a run names it. */
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

enum { BUCKETS = 1 << 14, MOST_SHAPES = 32 };
enum { FETCH, LOAD, STORE, MODIFY }; /* as enum pw_op */

static const struct access never = {NULL, LIST_UNKNOWN};
struct shape unknown = {.expected = &never};

static struct code *buckets[BUCKETS];
static uint32_t n_runs, generation;

static bool is_code(const struct code *code, const struct qemu_plugin_tb *tb, size_t n)
{
  if (code->n_insns != n) return false;
  for (size_t i = 0; i < n; i++) {
    const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    if (code->insns[i].address != qemu_plugin_insn_vaddr(insn) || code->insns[i].bytes != qemu_plugin_insn_size(insn)) return false;
  }
  return true;
}

/* Code that QEMU translates again keeps its shapes. Called under QEMU's own lock of translation. */
struct code *code_find(const struct qemu_plugin_tb *tb)
{
  size_t n = qemu_plugin_tb_n_insns(tb);
  if (n == 0 || n > MOST_INSNS) return NULL;
  uint64_t address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
  struct code **bucket = &buckets[(address >> 1 ^ address >> 15) % BUCKETS];
  for (struct code *code = *bucket; code; code = code->next)
    if (is_code(code, tb, n)) return code;
  struct code *code = calloc(1, sizeof *code + n * sizeof *code->insns);
  if (!code) abort();
  code->likely = &unknown;
  code->n_insns = (uint32_t)n;
  for (size_t i = 0; i < n; i++) {
    const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    code->insns[i] = (struct insn){code, qemu_plugin_insn_vaddr(insn), (uint32_t)qemu_plugin_insn_size(insn)};
  }
  code->next = *bucket;
  *bucket = code;
  return code;
}

/* An atomic access that both loads and stores comes as one; QEMU keeps the two bits at the top of info. */
static uint64_t item_of(const struct access *access)
{
  qemu_plugin_meminfo_t info = (qemu_plugin_meminfo_t)access->info;
  uint32_t op = !qemu_plugin_mem_is_store(info) ? LOAD : info >> 16 == QEMU_PLUGIN_MEM_RW ? MODIFY : STORE;
  return PW_RING_ITEM(op, 1u << qemu_plugin_mem_size_shift(info), 0);
}

static void tell(struct code *code, struct shape *shape)
{
  static uint64_t words[1 + MOST_INSNS + MOST_ACCESSES];
  size_t n = 0;
  uint32_t next = 0;
  shape->number = n_runs++;
  shape->generation = generation;
  if (n_runs >= PW_RING_MOST_RUNS) __atomic_store_n(&ring->stop, 1, __ATOMIC_SEQ_CST);
  words[n++] = shape->number;
  for (; next < shape->n && shape->accesses[next].insn < &code->insns[shape->from]; next++) /* of an instruction cut in two */
    words[n++] = item_of(&shape->accesses[next]);
  for (uint32_t i = shape->from; i < shape->to; i++) {
    words[n++] = PW_RING_ITEM(FETCH, code->insns[i].bytes, code->insns[i].address);
    for (; next < shape->n && shape->accesses[next].insn == &code->insns[i]; next++) words[n++] = item_of(&shape->accesses[next]);
  }
  run_tell(words, n);
}

static bool is_shape(const struct shape *shape, uint32_t from, uint32_t to, const struct access *accesses, uint32_t n)
{
  return shape->from == from && shape->to == to && shape->n == n && memcmp(shape->accesses, accesses, n * sizeof *accesses) == 0;
}

static struct shape *new_shape(struct code *code, uint32_t from, uint32_t to, const struct access *accesses, uint32_t n)
{
  struct shape *shape = calloc(1, sizeof *shape + (n + 1) * sizeof *accesses);
  if (!shape) abort();
  *shape = (struct shape){.next = code->shapes, .expected = shape->accesses, .generation = generation - 1, .from = from, .to = to, .n = n};
  memcpy(shape->accesses, accesses, n * sizeof *accesses);
  code->shapes = shape;
  code->n_shapes++;
  return shape;
}

struct shape *code_shape(struct code *code, uint32_t from, uint32_t to, const struct access *accesses, uint32_t n, bool must)
{
  struct shape *shape = code->shapes;
  while (shape && !is_shape(shape, from, to, accesses, n)) shape = shape->next;
  if (!shape && code->n_shapes >= MOST_SHAPES && !must) return NULL;
  if (!shape) shape = new_shape(code, from, to, accesses, n);
  if (shape->generation != generation) tell(code, shape);
  return shape;
}

void code_forget(void)
{
  generation++;
  n_runs = 0;
  for (size_t i = 0; i < BUCKETS; i++)
    for (struct code *code = buckets[i]; code; code = code->next) code->likely = &unknown;
}
