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
  pw_free(v->tallies);
  pw_free(v->heads);
  pw_free(v->offset);
  pw_free(v->pc);
  pw_free(v->page);
  pw_free(v->fetches);
  pw_free(v->loads);
  pw_free(v->stores);
  pw_free(v->touches);
  pw_free(v->flags);
  pw_free(v->events);
  pw_free(v->pids);
  pw_free(v->pcs);
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

/* The flag byte for all there is to say of a visit. */
static void fill_flags(struct pw_visits *v)
{
  for (unsigned i = 0; i < 64; i++) {
    unsigned head = (i & 15) << PW_HEAD_SHIFT, opener = i & 1, replayed = (i >> 4) + 1, wrote = i >> 2 & 3;
    /* data touches in the pattern: every other one, from the first if C is the data page */
    unsigned data_touches = opener ? replayed / 2 : (replayed + 1) / 2;
    if (data_touches != 2) wrote = wrote ? 1 : 0;
    v->flags_of[i] = (uint8_t)((opener ? PW_VISIT_CODE : 0) | (head & PW_HEAD_STORE_FIRST ? PW_VISIT_STORE_FIRST : 0) |
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
  v->tallies = pw_malloc(n, sizeof *v->tallies);
  v->heads = pw_malloc(n, sizeof *v->heads);
  if (options->make_sides) v->offset = pw_malloc(n, sizeof *v->offset);
  if (options->make_sides) v->pc = pw_malloc(n, sizeof *v->pc);
  v->page = pw_malloc(n, sizeof *v->page);
  v->fetches = pw_malloc(n, sizeof *v->fetches);
  v->loads = pw_malloc(n, sizeof *v->loads);
  v->stores = pw_malloc(n, sizeof *v->stores);
  v->touches = pw_malloc(n, sizeof *v->touches);
  v->flags = pw_malloc(n, sizeof *v->flags);
  v->events = pw_malloc(MAX_EVENTS, sizeof *v->events);
  bool sides = !options->make_sides || (v->offset && v->pc);
  if (!sides || !v->pages || !v->sorted || !v->rank || !v->tallies || !v->heads || !v->page || !v->fetches || !v->loads || !v->stores || !v->touches ||
      !v->flags || !v->events || pw_pagemap_reserve(&v->index, n) || pw_pagemap_reserve(&v->threads, 16)) {
    pw_visits_destroy(v);
    *visits = NULL;
    return pw_error_set(err, PW_ENOMEM, "memory ran out");
  }
  fill_flags(v);
  pw_visits_restart(v, options);
  return 0;
}

uint32_t pw_visits_number(struct pw_visits *v, uint64_t key)
{
  bool added;
  struct pw_recent *recent = pw_visits_recent(v, key);
  recent->key = key;
  recent->number = *pw_pagemap_insert(&v->index, key, v->n_pages, &added);
  if (added) v->pages[v->n_pages++] = key;
  return recent->number;
}

/* Opens a visit by one access; the room was asked for. Not inlined: keeps the registers of the counting loop free. */
static __attribute__((noinline)) void open_visit(struct pw_visits *v, uint64_t key, uint32_t op, uint32_t offset)
{
  static const uint32_t heads[] = {[PW_FETCH] = PW_HEAD_CODE, [PW_LOAD] = 0, [PW_STORE] = PW_HEAD_STORE_FIRST | PW_HEAD_WROTE_1};
  const struct pw_recent *recent = pw_visits_recent(v, key);
  pw_visits_close(v);
  v->head = (recent->key == key ? recent->number : pw_visits_number(v, key)) | heads[op];
  v->stream = op == PW_FETCH;
  v->current[v->stream] = key;
  v->tally = PW_TALLY(op) + PW_TALLY_TOUCH;
  v->open = true;
  if (v->pc) {
    v->offset[v->n_visits] = (uint16_t)offset;
    v->pc[v->n_visits] = op == PW_FETCH ? (key & PW_PAGE_MASK) << PW_BASE_SHIFT | offset : v->at;
  }
  v->n_visits++;
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
  if (op == PW_MODIFY) touch_each(v, address, bytes, PW_STORE);
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
  if (pw_grow((void **)&v->pcs, &v->pcs_room, v->threads.n + 1, sizeof *v->pcs))
    return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  if (!first) v->pcs[v->thread] = v->at;
  v->thread = *pw_pagemap_insert(&v->threads, pw_key(v->process, access->tid), (uint32_t)v->threads.n, &added);
  v->at = added ? 0 : v->pcs[v->thread];
  if (access->pid != old_pid) add_event(v, PW_EVENT_PROCESS, access->pid, v->process);
  if (access->tid != old_tid || (access->pid != old_pid && access->tid)) add_event(v, PW_EVENT_THREAD, access->tid, 0);
  return 0;
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

/* Tallies and heads to columns. */
static void spread(struct pw_visits *v)
{
  for (uint32_t i = 0; i < v->n_visits; i++) {
    uint64_t tally = v->tallies[i];
    v->fetches[i] = (uint16_t)tally;
    v->touches[i] = (uint16_t)(tally >> 16);
    v->loads[i] = (uint16_t)(tally >> 32);
    v->stores[i] = (uint16_t)(tally >> 48);
  }
  for (uint32_t i = 0; i < v->n_visits; i++) {
    uint32_t head = v->heads[i], n = v->touches[i], replayed = n <= 4 ? n - 1 : 3 - (n & 1);
    v->page[i] = v->rank[head & UINT16_MAX];
    v->flags[i] = v->flags_of[head >> PW_HEAD_SHIFT | replayed << 4];
  }
}

static void finish_block(struct pw_visits *v)
{
  pw_visits_close(v);
  memcpy(v->sorted, v->pages, v->n_pages * sizeof *v->pages);
  uint64_t *order = radix_sort(v->sorted, v->sorted + PW_BLOCK_VISITS, v->n_pages);
  for (uint32_t i = 0; i < v->n_pages; i++) v->rank[*pw_pagemap_find(&v->index, order[i])] = (uint16_t)i;
  spread(v);
  struct pw_totals totals = {0, 0, 0};
  for (uint32_t i = 0; i < v->n_visits; i++) {
    totals.fetches += v->fetches[i];
    totals.loads += v->loads[i];
    totals.stores += v->stores[i];
  }
  v->block = (struct pw_block){
      .n_visits = v->n_visits, .n_pages = v->n_pages, .n_events = v->n_events, .pages = order, .page = v->page,
      .flags = v->flags, .fetches = v->fetches, .loads = v->loads, .stores = v->stores, .touches = v->touches,
      .offset = v->offset, .pc = v->pc, .events = v->events, .totals = totals};
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
