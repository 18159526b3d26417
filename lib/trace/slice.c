/* Cuts a stored trace to whole visits; the invariant is in slice.h. */
#include "trace/slice.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"

struct pw_slice {
  uint64_t skip, mark, end; /* absolute access numbers where taking starts, counting starts, all ends */
  uint64_t at;              /* accesses seen */
  bool marked, rounded;
  bool counting;            /* a visit behind the mark was handed on */
  struct pw_block block;
  uint64_t *pages;
  uint16_t *rank, *page, *counts; /* counts: four columns */
  uint16_t *offset;
  uint64_t *pc;
  uint8_t *flags, *used;
  struct pw_event *events;
};

#define N ((size_t)PW_BLOCK_VISITS)

void pw_slice_destroy(struct pw_slice *s)
{
  if (!s) return;
  pw_free(s->pages);
  pw_free(s->rank);
  pw_free(s->page);
  pw_free(s->counts);
  pw_free(s->offset);
  pw_free(s->pc);
  pw_free(s->flags);
  pw_free(s->used);
  pw_free(s->events);
  pw_free(s);
}

int pw_slice_create(struct pw_slice **slice, const struct pw_trace_options *o, struct pw_error *err)
{
  struct pw_slice *s = *slice = pw_calloc(1, sizeof *s);
  if (!s)
    return pw_error_set(err, PW_ENOMEM, "memory ran out for the part of the trace that is cut out; free some and run again");
  s->skip = o->skip;
  if (!o->limit || __builtin_add_overflow(o->skip, o->limit, &s->end)) s->end = UINT64_MAX;
  if (__builtin_add_overflow(o->skip, o->warmup, &s->mark) || s->mark > s->end) s->mark = s->end;
  s->marked = s->counting = o->warmup == 0;
  s->pages = pw_malloc(N, sizeof *s->pages);
  s->rank = pw_malloc(N, sizeof *s->rank);
  s->page = pw_malloc(N, sizeof *s->page);
  s->counts = pw_malloc(4 * N, sizeof *s->counts);
  if (o->sides) s->offset = pw_malloc(N, sizeof *s->offset);
  if (o->sides) s->pc = pw_malloc(N, sizeof *s->pc);
  s->flags = pw_malloc(N, 1);
  s->used = pw_malloc(N, 1);
  s->events = pw_malloc(N + 2, sizeof *s->events);
  bool sides = !o->sides || (s->offset && s->pc);
  if (s->pages && s->rank && s->page && s->counts && s->flags && s->used && s->events && sides) return 0;
  pw_slice_destroy(s);
  *slice = NULL;
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the part of the trace that is cut out; free some and run again");
}

bool pw_slice_rounded(const struct pw_slice *s)
{
  return s->rounded;
}

bool pw_slice_counting(const struct pw_slice *s)
{
  return s->counting;
}

/* First visit that starts at or after access `boundary`; `start` is where the block starts. */
static uint32_t find_visit(struct pw_slice *s, const struct pw_block *in, uint64_t start, uint64_t boundary)
{
  uint32_t i = 0;
  for (; i < in->n_visits && start < boundary; i++) start += (uint64_t)in->fetches[i] + in->loads[i] + in->stores[i];
  if (start > boundary) s->rounded = true;
  return i;
}

static void put_visit(struct pw_slice *s, uint32_t at, uint32_t page, uint8_t flags, const uint16_t count[4])
{
  s->page[at] = (uint16_t)page;
  s->flags[at] = flags;
  for (size_t c = 0; c < 4; c++) s->counts[c * N + at] = count[c];
}

/* Visit i opens C and touches an O that the cut left unopened: C's first touch first,
 * then a visit that O opens. The first touch gets the fewest accesses that the flags
 * allow, so that every later touch has one. `at` is where the two go. */
static void put_split(struct pw_slice *s, const struct pw_block *in, uint32_t i, uint32_t o_page, uint32_t at)
{
  bool code = in->flags[i] & PW_VISIT_CODE, store_first = in->flags[i] & PW_VISIT_STORE_FIRST;
  uint8_t wrote_1 = in->flags[i] & PW_VISIT_WROTE_1, wrote_2 = in->flags[i] & PW_VISIT_WROTE_2;
  uint16_t rest = (uint16_t)(in->touches[i] - 1);
  uint16_t first[4] = {0, 0, 0, 1}, second[4] = {in->fetches[i], in->loads[i], in->stores[i], rest};
  if (code) {
    first[0] = rest == 1 ? second[0] : second[0] > 0;
  } else {
    first[1] = rest == 1 ? second[1] : !store_first && second[1];
    first[2] = rest == 1 || (wrote_1 && !wrote_2) ? second[2] : wrote_1 && second[2];
  }
  for (int c = 0; c < 3; c++) second[c] = (uint16_t)(second[c] - first[c]);
  uint8_t pattern = (uint8_t)((pw_touches_replayed(rest) - 1) << PW_VISIT_TOUCHES_SHIFT);
  uint8_t later = wrote_2 ? PW_VISIT_WROTE_1 : 0; /* C's second touch is its first one there */
  uint8_t opener = (uint8_t)((code ? PW_VISIT_CODE : wrote_1) | (store_first ? PW_VISIT_STORE_FIRST : 0));
  put_visit(s, at, in->page[i], opener, first);
  put_visit(s, at + 1, o_page, (uint8_t)(pattern | (code ? wrote_1 | wrote_2 : PW_VISIT_CODE | later)), second);
}

/* Visit `at` was opened by the access that opened visit i of the block, by the instruction of visit `by`. */
static void put_sides(struct pw_slice *s, uint32_t at, const struct pw_block *in, uint32_t i, uint32_t by)
{
  if (!in->offset || !s->offset) return;
  s->offset[at] = in->offset[i];
  s->pc[at] = in->flags[i] & PW_VISIT_CODE ? in->pc[i] : in->pc[by];
}

/* Copies visits [from, to) with the page indices of `in`; returns how many there are then. */
static uint32_t copy_visits(struct pw_slice *s, const struct pw_block *in, uint32_t from, uint32_t to, uint32_t *mark)
{
  uint32_t at = 0, opened = 0, current[2] = {0, 0}, opener[2] = {0, 0}, old_mark = *mark;
  for (uint32_t i = 0; i < to; i++) {
    uint32_t stream = in->flags[i] & PW_VISIT_CODE;
    current[stream] = in->page[i];
    opener[stream] = i;
    if (i < from) continue;
    if (i == old_mark) *mark = at;
    opened |= 1u << stream;
    if (pw_visit_touches(in->flags[i]) > 1 && !(opened >> (1 - stream) & 1)) {
      put_split(s, in, i, current[1 - stream], at);
      put_sides(s, at, in, i, i);
      put_sides(s, at + 1, in, opener[1 - stream], i); /* O's own address is not kept: that of its opener */
      opened = 3;
      at += 2;
    } else {
      uint16_t count[4] = {in->fetches[i], in->loads[i], in->stores[i], in->touches[i]};
      put_sides(s, at, in, i, i);
      put_visit(s, at++, in->page[i], in->flags[i], count);
    }
  }
  if (old_mark >= to) *mark = at;
  return at;
}

/* The dictionary of the visits that stayed; page indices are renumbered. */
static uint32_t rebuild_dictionary(struct pw_slice *s, const struct pw_block *in, uint32_t n_visits)
{
  memset(s->used, 0, N);
  for (uint32_t i = 0; i < n_visits; i++) s->used[s->page[i]] = 1;
  uint32_t n = 0;
  for (uint32_t i = 0; i < in->n_pages; i++)
    if (s->used[i]) {
      s->rank[i] = (uint16_t)n;
      s->pages[n++] = in->pages[i];
    }
  for (uint32_t i = 0; i < n_visits; i++) s->page[i] = s->rank[s->page[i]];
  return n;
}

/* Events up to `to`, moved with the visits; earlier ones stay as what was known at the cut, but for
 * accesses of the kernel, which are skipped like others. */
static uint32_t copy_events(struct pw_slice *s, const struct pw_block *in, bool all_skipped, uint32_t from, uint32_t to,
                            uint32_t n_visits,
                            uint32_t mark, bool put_mark)
{
  uint32_t n = 0, grown = n_visits - (to - from);
  bool whole = to == in->n_visits;
  for (uint32_t i = 0; i < in->n_events; i++) {
    struct pw_event e = in->events[i];
    if (e.at >= to && !whole) continue;
    if ((e.at < from || all_skipped) && pw_event_is_kernel(e.kind)) continue;
    e.at = e.at <= from ? 0 : e.at - from + grown;
    if (put_mark && e.at > mark) {
      s->events[n++] = (struct pw_event){.at = mark, .kind = PW_EVENT_MARK, .a = 1};
      put_mark = false;
    }
    s->events[n++] = e;
  }
  if (put_mark) s->events[n++] = (struct pw_event){.at = mark, .kind = PW_EVENT_MARK, .a = 1};
  return n;
}

int pw_slice_cut(struct pw_slice *s, const struct pw_block *in, const struct pw_block **out, struct pw_error *err)
{
  (void)err;
  uint64_t start = s->at;
  s->at += pw_totals_sum(&in->totals);
  uint32_t from = start >= s->skip ? 0 : find_visit(s, in, start, s->skip);
  uint32_t to = s->at <= s->end ? in->n_visits : find_visit(s, in, start, s->end);
  uint32_t mark = UINT32_MAX;
  bool put_mark = !s->marked && s->at >= s->mark && start <= s->mark;
  if (put_mark) mark = find_visit(s, in, start, s->mark);
  if (put_mark && s->mark == s->at && s->end > s->at) put_mark = false; /* it belongs to the next block */
  if (put_mark) s->marked = true;
  int status = s->at >= s->end ? 2 : 1;
  if (start >= s->skip && to == in->n_visits && !put_mark) {
    s->counting |= s->marked && in->n_visits > 0;
    *out = in;
    return status;
  }
  if (put_mark && mark < from) mark = from;
  uint32_t n_visits = from < to ? copy_visits(s, in, from, to, &mark) : 0;
  if (n_visits == 0) mark = 0;
  s->counting |= s->marked && n_visits > (put_mark ? mark : 0);
  struct pw_block *b = &s->block;
  memset(b, 0, sizeof *b);
  b->n_visits = n_visits;
  b->n_pages = rebuild_dictionary(s, in, n_visits);
  b->n_events = copy_events(s, in, s->at < s->skip, from, from < to ? to : from, n_visits, mark, put_mark);
  b->pages = s->pages;
  b->page = s->page;
  b->flags = s->flags;
  b->fetches = s->counts;
  b->loads = s->counts + N;
  b->stores = s->counts + 2 * N;
  b->touches = s->counts + 3 * N;
  if (in->offset && s->offset) {
    b->offset = s->offset;
    b->pc = s->pc;
  }
  b->events = s->events;
  for (uint32_t i = 0; i < n_visits; i++) {
    b->totals.fetches += b->fetches[i];
    b->totals.loads += b->loads[i];
    b->totals.stores += b->stores[i];
  }
  *out = b;
  return b->n_visits + b->n_events ? status : status == 2 ? 2 : 0;
}
