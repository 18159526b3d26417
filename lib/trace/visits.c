/* Collapses accesses to visits and gathers them to blocks.
 *
 * Algorithm: keep the current code page and data page. An access on the current
 * page of its stream only counts, and when the stream changed since the access
 * before, adds a touch to the visit's alternation C O C O …. Any other access
 * opens a visit. A counter that is full opens a continuation visit on the same
 * page. Of long alternations only the parity is replayed: touches beyond the
 * fourth find both pages where the third and fourth left them.
 *
 * A block numbers its pages in order of appearance through a small map and is
 * sorted when it is finished, so that the stored dictionary is a set of gaps.
 *
 * Cost: some 3 ns an access on the current pages, 20 ns a visit. */
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
  pw_free(v->pages);
  pw_free(v->sorted);
  pw_free(v->rank);
  pw_free(v->page);
  pw_free(v->fetches);
  pw_free(v->loads);
  pw_free(v->stores);
  pw_free(v->touches);
  pw_free(v->flags);
  pw_free(v->events);
  pw_free(v->pids);
  pw_pagemap_clear(&v->index);
  pw_pagemap_clear(&v->threads);
  pw_free(v);
}

static void forget(struct pw_visits *v)
{
  v->current[0] = v->current[1] = PW_NO_KEY;
}

static void start_block(struct pw_visits *v)
{
  /* emptying only the used slots would cost more than it saves: most blocks are small */
  if (v->index.n) memset(v->index.keys, 0xff, sizeof *v->index.keys << v->index.bits);
  v->index.n = 0;
  v->n_visits = v->n_pages = v->n_events = 0;
  v->open = false;
  for (size_t i = 0; i < PW_VISITS_RECENT; i++) v->recent[i].key = PW_NO_KEY;
  memset(&v->block, 0, sizeof v->block);
  forget(v);
}

void pw_visits_restart(struct pw_visits *v, const struct pw_trace_options *options)
{
  start_block(v);
  if (v->threads.n) memset(v->threads.keys, 0xff, sizeof *v->threads.keys << v->threads.bits);
  v->threads.n = 0;
  v->runner = 0;
  v->process = 0;
  v->n_processes = 0;
  v->limit = options->limit ? options->limit : UINT64_MAX;
  v->warmup = options->warmup;
  v->stage = PW_VISITS_SKIP;
  v->counting = options->warmup == 0;
  v->until = options->skip;
}

/* The flag byte for all there is to say of a visit. */
static void fill_flags(struct pw_visits *v)
{
  for (unsigned i = 0; i < 64; i++) {
    unsigned opener = i >> 5, replayed = (i >> 2 & 3) + 1, wrote = i & 3;
    /* data touches in the pattern: every other one, from the first if C is the data page */
    unsigned data_touches = opener ? replayed / 2 : (replayed + 1) / 2;
    if (data_touches != 2) wrote = wrote ? 1 : 0;
    v->flags_of[i] = (uint8_t)((opener ? PW_VISIT_CODE : 0) | (i & 16 ? PW_VISIT_STORE_FIRST : 0) |
                               (replayed - 1) << PW_VISIT_TOUCHES_SHIFT | (wrote & 1 ? PW_VISIT_WROTE_1 : 0) |
                               (wrote & 2 ? PW_VISIT_WROTE_2 : 0));
  }
}

int pw_visits_create(struct pw_visits **visits, const struct pw_trace_options *options, struct pw_error *err)
{
  struct pw_visits *v = *visits = pw_calloc(1, sizeof *v);
  if (!v) return pw_error_set(err, PW_ENOMEM, "memory ran out");
  size_t n = PW_BLOCK_VISITS;
  v->pages = pw_malloc(n, sizeof *v->pages);
  v->sorted = pw_malloc(n, 2 * sizeof *v->sorted);
  v->rank = pw_malloc(n, sizeof *v->rank);
  v->page = pw_malloc(n, sizeof *v->page);
  v->fetches = pw_malloc(n, sizeof *v->fetches);
  v->loads = pw_malloc(n, sizeof *v->loads);
  v->stores = pw_malloc(n, sizeof *v->stores);
  v->touches = pw_malloc(n, sizeof *v->touches);
  v->flags = pw_malloc(n, sizeof *v->flags);
  v->events = pw_malloc(MAX_EVENTS, sizeof *v->events);
  if (!v->pages || !v->sorted || !v->rank || !v->page || !v->fetches || !v->loads || !v->stores || !v->touches ||
      !v->flags || !v->events || pw_pagemap_reserve(&v->index, n) || pw_pagemap_reserve(&v->threads, 16)) {
    pw_visits_destroy(v);
    *visits = NULL;
    return pw_error_set(err, PW_ENOMEM, "memory ran out");
  }
  fill_flags(v);
  pw_visits_restart(v, options);
  return 0;
}

/* Not inlined: keeps the registers of the counting loop free. */
static __attribute__((noinline)) void open_visit(struct pw_visits *v, uint64_t key, uint32_t stream, uint32_t op)
{
  pw_visits_open(v, key, stream, op);
}

void pw_visits_event(struct pw_visits *v, const struct pw_event *event)
{
  pw_visits_close(v);
  v->events[v->n_events] = *event;
  v->events[v->n_events++].at = v->n_visits;
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

/* One access on one base page. */
static inline void touch(struct pw_visits *v, uint64_t key, uint32_t op)
{
  if (v->until == 0) next_stage(v);
  if (v->stage == PW_VISITS_DONE) return;
  v->until--;
  if (v->stage == PW_VISITS_SKIP) return;
  uint32_t stream = op == PW_FETCH;
  if (v->current[stream] != key || !v->open || v->count[op] == UINT16_MAX || v->n_touches == UINT16_MAX) {
    open_visit(v, key, stream, op);
    return;
  }
  v->count[op]++;
  v->n_touches += stream != v->stream;
  v->stream = stream;
  if (op == PW_STORE) v->wrote |= v->n_touches <= 2 ? 1 : 2;
}

void pw_visits_repeat(struct pw_visits *v, uint64_t key, uint32_t op, uint32_t n)
{
  uint32_t stream = op == PW_FETCH;
  while (n) {
    touch(v, key, op); /* the first may open a visit; those after it only count */
    n--;
    if (v->stage < PW_VISITS_WARMUP || v->stage == PW_VISITS_DONE || v->current[stream] != key || !v->open) continue;
    uint32_t more = UINT16_MAX - v->count[op];
    if (more > n) more = n;
    if (more > v->until) more = (uint32_t)v->until;
    if (v->n_touches == UINT16_MAX) more = 0;
    v->count[op] += more;
    v->until -= more;
    n -= more;
  }
}

static int find_process(struct pw_visits *v, const char *path, uint32_t pid, struct pw_error *err)
{
  for (uint32_t i = 0; i < v->n_processes; i++)
    if (v->pids[i] == pid) {
      v->process = i;
      return 0;
    }
  if (v->n_processes == PW_PROCESSES)
    return pw_error_set(err, PW_EFORMAT, "%s: more than %u processes; split the trace", path, PW_PROCESSES);
  if (pw_grow((void **)&v->pids, &v->pids_room, v->n_processes + 1, sizeof *v->pids))
    return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  v->process = v->n_processes;
  v->pids[v->n_processes++] = pid;
  return 0;
}

/* Another process or thread runs from here on. */
static int switch_runner(struct pw_visits *v, const char *path, const struct pw_access *access, struct pw_error *err)
{
  bool first = v->n_processes == 0;
  uint32_t old_pid = (uint32_t)(v->runner >> 32), old_tid = (uint32_t)v->runner;
  if (first) old_pid = old_tid = 0; /* an ordinary trace without ids needs no event */
  v->runner = (uint64_t)access->pid << 32 | access->tid;
  int status = find_process(v, path, access->pid, err);
  if (status) return status;
  bool added;
  if (pw_pagemap_reserve(&v->threads, 1)) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  pw_pagemap_insert(&v->threads, pw_key(v->process, access->tid), 0, &added);
  if (access->pid != old_pid) add_event(v, PW_EVENT_PROCESS, access->pid, v->process);
  if (access->tid != old_tid || (access->pid != old_pid && access->tid)) add_event(v, PW_EVENT_THREAD, access->tid, 0);
  return 0;
}

/* An access that straddles base pages, a modify, or one of unknown size. */
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
  uint64_t from = access->address >> PW_BASE_SHIFT, to = last >> PW_BASE_SHIFT;
  uint32_t op = access->op == PW_MODIFY ? (uint32_t)PW_LOAD : access->op;
  for (uint64_t page = from; page <= to; page++) touch(v, pw_key(v->process, page), op);
  if (access->op != PW_MODIFY) return 0;
  for (uint64_t page = from; page <= to; page++) touch(v, pw_key(v->process, page), PW_STORE);
  return 0;
}

/* Sorts 64-bit keys: least significant byte first, bytes on which all agree left out. */
static uint64_t *radix_sort(uint64_t *keys, uint64_t *spare, size_t n)
{
  uint64_t differ = 0;
  for (size_t i = 1; i < n; i++) differ |= keys[i] ^ keys[0];
  for (unsigned shift = 0; shift < 64; shift += 8) {
    if ((differ >> shift & 0xff) == 0) continue;
    size_t start[257] = {0};
    for (size_t i = 0; i < n; i++) start[(keys[i] >> shift & 0xff) + 1]++;
    for (size_t b = 0; b < 256; b++) start[b + 1] += start[b];
    for (size_t i = 0; i < n; i++) spare[start[keys[i] >> shift & 0xff]++] = keys[i];
    uint64_t *swap = keys;
    keys = spare;
    spare = swap;
  }
  return keys;
}

static void finish_block(struct pw_visits *v)
{
  pw_visits_close(v);
  memcpy(v->sorted, v->pages, v->n_pages * sizeof *v->pages);
  uint64_t *order = radix_sort(v->sorted, v->sorted + PW_BLOCK_VISITS, v->n_pages);
  for (uint32_t i = 0; i < v->n_pages; i++) v->rank[*pw_pagemap_find(&v->index, order[i])] = (uint16_t)i;
  for (uint32_t i = 0; i < v->n_visits; i++) v->page[i] = v->rank[v->page[i]];
  struct pw_totals totals = {0, 0, 0};
  for (uint32_t i = 0; i < v->n_visits; i++) {
    totals.fetches += v->fetches[i];
    totals.loads += v->loads[i];
    totals.stores += v->stores[i];
  }
  v->block = (struct pw_block){
      .n_visits = v->n_visits, .n_pages = v->n_pages, .n_events = v->n_events, .pages = order, .page = v->page,
      .flags = v->flags, .fetches = v->fetches, .loads = v->loads, .stores = v->stores, .touches = v->touches,
      .events = v->events, .totals = totals};
}

int pw_visits_add(struct pw_visits *v, const char *path, const struct pw_access *accesses, size_t n, size_t *taken,
                  struct pw_error *err)
{
  if (v->block.page) start_block(v); /* the finished block was handed over */
  for (size_t i = 0; i < n; i++) {
    const struct pw_access *a = &accesses[i];
    if (v->n_visits + WORST_VISITS > PW_BLOCK_VISITS || v->n_events + 4 > MAX_EVENTS) {
      finish_block(v);
      *taken = i;
      return 1;
    }
    if (v->stage == PW_VISITS_DONE || (v->until == 0 && (next_stage(v), v->stage == PW_VISITS_DONE))) {
      *taken = i;
      return 2;
    }
    if (((uint64_t)a->pid << 32 | a->tid) != v->runner || v->n_processes == 0) {
      int status = switch_runner(v, path, a, err);
      if (status) return status;
    }
    if ((a->address & 4095) + a->size_bytes <= 4096 && a->op != PW_MODIFY) {
      touch(v, pw_key(v->process, a->address >> PW_BASE_SHIFT), a->op);
    } else {
      int status = touch_pages(v, path, a, err);
      if (status) return status;
    }
  }
  *taken = n;
  return 0;
}

int pw_visits_room(struct pw_visits *v, uint32_t n_visits)
{
  if (v->block.page) start_block(v);
  if (v->n_visits + n_visits <= PW_BLOCK_VISITS && v->n_events + 4 <= MAX_EVENTS) return 0;
  finish_block(v);
  return 1;
}

int pw_visits_flush(struct pw_visits *v)
{
  if (v->block.page) start_block(v);
  if (v->n_visits == 0 && v->n_events == 0) return 0;
  finish_block(v);
  return 1;
}
