/* Collapses accesses to visits and gathers them to blocks.
 *
 * Algorithm: keep the current code page and data page. An access on the current
 * page of its stream only counts, and when the stream changed since the access
 * before, adds a touch to the visit's alternation C O C O …. Any other access
 * opens a visit. A counter that is full opens a continuation visit on the same
 * page.
 *
 * Cost: some 3 ns an access on the current pages, 10 ns a visit. */
#include "trace/visits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"

/* What one access can add at most: its pages twice (a modify), both opening visits. */
#define WORST_VISITS (2 * (PW_MAX_ACCESS_BYTES / 4096 + 2))
#define MAX_EVENTS PW_BLOCK_VISITS

void pw_visits_destroy(struct pw_visits *v)
{
  if (!v) return;
  pw_free(v->rows.events);
  pw_rows_clear(&v->rows);
  pw_columns_destroy(v->columns);
  pw_free(v->pids);
  pw_free(v->pcs);
  pw_pagemap_clear(&v->threads);
  pw_free(v);
}

static void forget(struct pw_visits *v)
{
  v->current[0] = v->current[1] = PW_NO_KEY;
}

static void start_block(struct pw_visits *v)
{
  v->rows.n_visits = v->rows.n_events = 0;
  v->open = v->finished = false;
  memset(&v->block, 0, sizeof v->block);
  forget(v);
}

void pw_visits_restart(struct pw_visits *v, const struct pw_trace_options *options)
{
  start_block(v);
  if (v->threads.n) memset(v->threads.keys, 0xff, sizeof *v->threads.keys << v->threads.bits);
  v->threads.n = 0;
  v->at = 0;
  v->thread = 0;
  v->runner = 0;
  v->process = 0;
  v->n_processes = 0;
  v->limit = options->limit ? options->limit : UINT64_MAX;
  v->warmup = options->warmup;
  v->stage = PW_VISITS_SKIP;
  v->counting = options->warmup == 0;
  v->until = options->skip;
}

int pw_visits_create_bare(struct pw_visits **visits, const struct pw_trace_options *options, struct pw_error *err)
{
  struct pw_visits *v = *visits = pw_calloc(1, sizeof *v);
  if (!v) return pw_error_set(err, PW_ENOMEM, "memory ran out for a block of visits; free some and run again");
  bool rows = pw_rows_init(&v->rows, options->make_sides);
  v->rows.events = pw_malloc(MAX_EVENTS, sizeof *v->rows.events);
  if (!rows || !v->rows.events || pw_pagemap_reserve(&v->threads, 16)) {
    pw_visits_destroy(v);
    *visits = NULL;
    return pw_error_set(err, PW_ENOMEM, "memory ran out for a block of visits; free some and run again");
  }
  pw_visits_restart(v, options);
  return 0;
}

int pw_visits_create(struct pw_visits **visits, const struct pw_trace_options *options, struct pw_error *err)
{
  int status = pw_visits_create_bare(visits, options, err);
  if (status) return status;
  (*visits)->columns = pw_columns_create();
  if ((*visits)->columns) return 0;
  pw_visits_destroy(*visits);
  *visits = NULL;
  return pw_error_set(err, PW_ENOMEM, "memory ran out for a block of visits; free some and run again");
}

/* Opens a visit by one access; the room was asked for. Not inlined: keeps the registers of the counting loop free. */
static __attribute__((noinline)) void open_visit(struct pw_visits *v, uint64_t key, uint32_t op, uint32_t offset)
{
  static const uint8_t heads[] = {[PW_FETCH] = PW_HEAD_CODE, [PW_LOAD] = 0, [PW_STORE] = PW_HEAD_STORE_FIRST | PW_HEAD_WROTE_1};
  pw_visits_close(v);
  v->head = heads[op];
  v->stream = op == PW_FETCH;
  v->current[v->stream] = key;
  v->tally = PW_TALLY(op) + PW_TALLY_TOUCH;
  v->open = true;
  v->rows.keys[v->rows.n_visits] = key;
  if (v->rows.pc) {
    v->rows.offset[v->rows.n_visits] = (uint16_t)offset;
    v->rows.pc[v->rows.n_visits] = op == PW_FETCH ? (key & PW_PAGE_MASK) << PW_BASE_SHIFT | offset : v->at;
  }
  v->rows.n_visits++;
}

void pw_visits_event(struct pw_visits *v, const struct pw_event *event)
{
  if (v->stage == PW_VISITS_SKIP && v->until && pw_event_is_kernel(event->kind)) return; /* skipped like other accesses */
  pw_visits_close(v);
  v->rows.events[v->rows.n_events] = *event;
  v->rows.events[v->rows.n_events++].at = v->rows.n_visits;
  forget(v);
}

static void add_event(struct pw_visits *v, uint32_t kind, uint64_t a, uint64_t b)
{
  pw_visits_event(v, &(struct pw_event){.kind = kind, .a = a, .b = b});
}

/* A boundary of skip, warm-up or limit is reached: `until` is 0. */
static void next_stage(struct pw_visits *v)
{
  while (v->until == 0 && v->stage != PW_VISITS_DONE) {
    switch (v->stage) {
      case PW_VISITS_SKIP:
        v->stage = PW_VISITS_WARMUP;
        v->until = v->warmup < v->limit ? v->warmup : v->limit;
        break;
      case PW_VISITS_WARMUP:
        if (v->warmup) add_event(v, PW_EVENT_MARK, 1, 0);
        v->stage = PW_VISITS_TAKE;
        v->counting = true;
        v->until = v->limit == UINT64_MAX ? UINT64_MAX : v->limit - (v->warmup < v->limit ? v->warmup : v->limit);
        break;
      default:
        v->stage = PW_VISITS_DONE;
    }
  }
}

static inline bool is_full(uint64_t tally, uint32_t op)
{
  return (tally >> PW_TALLY_SHIFT(op) & UINT16_MAX) == UINT16_MAX || (tally >> 16 & UINT16_MAX) == UINT16_MAX;
}

/* One access on one base page. */
static inline void touch(struct pw_visits *v, uint64_t key, uint32_t op, uint32_t offset)
{
  if (v->until == 0) next_stage(v);
  if (v->stage == PW_VISITS_DONE) return;
  v->until--;
  if (v->stage == PW_VISITS_SKIP) return;
  uint32_t stream = op == PW_FETCH;
  if (v->current[stream] != key || !v->open || is_full(v->tally, op)) {
    open_visit(v, key, op, offset);
    return;
  }
  v->tally += PW_TALLY(op) + (stream != v->stream ? PW_TALLY_TOUCH : 0);
  v->stream = stream;
  if (op == PW_STORE) v->head |= PW_TALLY_EARLY(v->tally) ? PW_HEAD_WROTE_1 : PW_HEAD_WROTE_2;
}

/* All base pages of an access. */
static void touch_each(struct pw_visits *v, uint64_t address, uint64_t bytes, uint32_t op)
{
  uint64_t from = address >> PW_BASE_SHIFT, to = (address + bytes - 1) >> PW_BASE_SHIFT;
  for (uint64_t page = from; page <= to; page++)
    touch(v, pw_key(v->process, page), op, page == from ? address & 4095 : 0);
}

void pw_visits_take(struct pw_visits *v, uint64_t address, uint32_t bytes, uint32_t op)
{
  if (op == PW_FETCH) v->at = address;
  touch_each(v, address, bytes, op == PW_MODIFY ? (uint32_t)PW_LOAD : op);
  if (op != PW_MODIFY) return;
  touch_each(v, address, bytes, PW_STORE);
  bool opened = v->open && v->tally == PW_TALLY(PW_LOAD) + PW_TALLY(PW_STORE) + PW_TALLY_TOUCH && v->head & PW_HEAD_WROTE_1;
  if (opened) v->head |= PW_HEAD_STORE_FIRST;
}

static int find_process(struct pw_visits *v, const char *path, uint32_t pid, uint32_t *process, struct pw_error *err)
{
  for (uint32_t i = 0; i < v->n_processes; i++)
    if (v->pids[i] == pid) {
      *process = i;
      return 0;
    }
  if (v->n_processes == PW_PROCESSES)
    return pw_error_set(err, PW_EFORMAT, "%s: more than %u processes; split the trace", path, PW_PROCESSES);
  if (pw_grow((void **)&v->pids, &v->pids_room, v->n_processes + 1, sizeof *v->pids))
    return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  *process = v->n_processes;
  v->pids[v->n_processes++] = pid;
  return 0;
}

/* Another process or thread runs from here on. */
static int switch_runner(struct pw_visits *v, const char *path, uint32_t pid, uint32_t tid, struct pw_error *err)
{
  bool first = v->n_processes == 0;
  uint32_t old_pid = (uint32_t)(v->runner >> 32), old_tid = (uint32_t)v->runner;
  if (first) old_pid = old_tid = 0; /* an ordinary trace without ids needs no event */
  v->runner = (uint64_t)pid << 32 | tid;
  int status = find_process(v, path, pid, &v->process, err);
  if (status) return status;
  bool added;
  if (pw_pagemap_reserve(&v->threads, 1)) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  if (pw_grow((void **)&v->pcs, &v->pcs_room, v->threads.n + 1, sizeof *v->pcs))
    return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  if (!first) v->pcs[v->thread] = v->at;
  v->thread = *pw_pagemap_insert(&v->threads, pw_key(v->process, tid), (uint32_t)v->threads.n, &added);
  v->at = added ? 0 : v->pcs[v->thread];
  if (pid != old_pid) add_event(v, PW_EVENT_PROCESS, pid, v->process);
  if (tid != old_tid || (pid != old_pid && tid)) add_event(v, PW_EVENT_THREAD, tid, 0);
  return 0;
}

static inline bool runs(const struct pw_visits *v, uint32_t pid, uint32_t tid)
{
  return ((uint64_t)pid << 32 | tid) == v->runner && v->n_processes;
}

/* An access that straddles base pages, a modify, or one of odd size. */
static int touch_pages(struct pw_visits *v, const char *path, const struct pw_access *access, struct pw_error *err)
{
  uint64_t size = access->size_bytes ? access->size_bytes : 1;
  uint64_t last = access->address + size - 1;
  if (size > PW_MAX_ACCESS_BYTES)
    return pw_error_set(err, PW_EFORMAT, "%s: an access of %" PRIu64 " bytes at 0x%" PRIx64 " is not believable (at most %u)",
                        path, size, access->address, PW_MAX_ACCESS_BYTES);
  if (last < access->address)
    return pw_error_set(err, PW_EFORMAT, "%s: the access of %" PRIu64 " bytes at 0x%" PRIx64
                        " runs past the end of the address space; the trace is damaged", path, size, access->address);
  pw_visits_take(v, access->address, (uint32_t)size, access->op);
  return 0;
}

static void finish_block(struct pw_visits *v)
{
  pw_visits_close(v);
  v->finished = true;
  if (v->columns) pw_columns_finish(v->columns, &v->rows, &v->block);
}

int pw_visits_add(struct pw_visits *v, const char *path, const struct pw_access *accesses, size_t n, size_t *taken,
                  struct pw_error *err)
{
  if (v->finished) start_block(v); /* the finished block was handed over */
  for (size_t i = 0; i < n; i++) {
    const struct pw_access *a = &accesses[i];
    if (v->rows.n_visits + WORST_VISITS > PW_BLOCK_VISITS || v->rows.n_events + 4 > MAX_EVENTS) {
      finish_block(v);
      *taken = i;
      return 1;
    }
    if (v->stage == PW_VISITS_DONE || (v->until == 0 && (next_stage(v), v->stage == PW_VISITS_DONE))) {
      *taken = i;
      return 2;
    }
    if (!runs(v, a->pid, a->tid)) {
      int status = switch_runner(v, path, a->pid, a->tid, err);
      if (status) return status;
    }
    if ((a->address & 4095) + a->size_bytes <= 4096 && a->op != PW_MODIFY) {
      if (a->op == PW_FETCH) v->at = a->address;
      touch(v, pw_key(v->process, a->address >> PW_BASE_SHIFT), a->op, a->address & 4095);
    } else {
      int status = touch_pages(v, path, a, err);
      if (status) return status;
    }
  }
  *taken = n;
  return 0;
}

int pw_visits_add_event(struct pw_visits *v, const char *path, uint32_t pid, uint32_t tid, struct pw_event *event,
                        struct pw_error *err)
{
  uint32_t child;
  int status = 0;
  if (pw_visits_room(v, 0)) return 1;
  if (pw_visits_full(v)) return 2;
  if (!runs(v, pid, tid)) status = switch_runner(v, path, pid, tid, err);
  if (!status && event->kind == PW_EVENT_FORK) {
    status = find_process(v, path, (uint32_t)event->a, &child, err);
    event->b = child;
  }
  if (!status) pw_visits_event(v, event);
  return status;
}

int pw_visits_room(struct pw_visits *v, uint32_t n_visits)
{
  if (v->finished) start_block(v);
  if (v->rows.n_visits + n_visits <= PW_BLOCK_VISITS && v->rows.n_events + 4 <= MAX_EVENTS) return 0;
  finish_block(v);
  return 1;
}

int pw_visits_flush(struct pw_visits *v)
{
  if (v->finished) start_block(v);
  if (v->rows.n_visits == 0 && v->rows.n_events == 0) return 0;
  finish_block(v);
  return 1;
}
