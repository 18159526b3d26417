/* Runs of instructions: what each holds, and its expansion to visits.
 *
 * Algorithm: fetches on one page between two data accesses are counted at once. Counters cannot
 * fill up within a run when they are far enough from it at its start, and skip and limit are
 * looked at once a run. Whatever does not fit this goes access by access, as do accesses that straddle pages.
 *
 * Cost: some 2 ns for a data access on the current page with the fetches before it. */
#include "trace/runs.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/block.h"
#include "trace/ring.h"

void pw_runs_clear(struct pw_runs *runs)
{
  for (size_t i = 0; i < runs->n; i++) pw_free(runs->list[i]);
  pw_free(runs->list);
  *runs = (struct pw_runs){0};
}

static void add_fetch(struct pw_code_run *run, uint64_t page)
{
  struct pw_code_step *last = run->n_steps ? &run->steps[run->n_steps - 1] : NULL;
  if (!last || last->op != PW_FETCH || last->page != page) {
    last = &run->steps[run->n_steps++];
    *last = (struct pw_code_step){.page = page, .op = PW_FETCH};
    run->most_visits++;
  }
  last->fetches++;
  run->total++;
}

static void add_data(struct pw_code_run *run, uint32_t op, uint32_t bytes)
{
  struct pw_code_step *step = run->n_steps ? &run->steps[run->n_steps - 1] : NULL;
  if (!step || step->op != PW_FETCH) step = &run->steps[run->n_steps++]; /* without a fetch before it */
  /* PW_RING_NOTHING ends in 4095: it takes the slow way, and so do bytes there */
  int32_t last_start = bytes == 1 ? 4094 : bytes <= 4096 ? 4096 - (int32_t)bytes : -1;
  step->op = (uint16_t)op;
  step->bytes = (uint16_t)bytes;
  step->last_start = (int16_t)last_start;
  uint32_t visits = 2 * (bytes / 4096 + 2);
  run->total += visits;
  run->most_visits += visits;
  run->n_words++;
}

static uint64_t fetch_address(uint64_t item)
{
  return (uint64_t)((int64_t)(item << 16) >> 16); /* 48 bits, sign-extended */
}

static void add_item(struct pw_code_run *run, uint64_t item)
{
  uint32_t op = PW_RING_ITEM_OP(item), bytes = PW_RING_ITEM_BYTES(item);
  if (bytes == 0) bytes = 1;
  if (op != PW_FETCH) {
    add_data(run, op, bytes);
    return;
  }
  if (bytes > 4096) bytes = 4096;
  uint64_t address = fetch_address(item), first = address >> PW_BASE_SHIFT & PW_PAGE_MASK;
  uint64_t last = (address + bytes - 1) >> PW_BASE_SHIFT & PW_PAGE_MASK;
  add_fetch(run, first);
  if (last != first) add_fetch(run, last);
}

int pw_runs_add(struct pw_runs *runs, const char *name, uint64_t number, const uint64_t *items, size_t n,
                struct pw_error *err)
{
  if (number != runs->n || n == 0 || n > PW_RING_MOST_ITEMS)
    return pw_error_set(err, PW_EFORMAT, "%s: the capture tool tells nonsense about run %" PRIu64, name, number);
  struct pw_code_run *scratch = pw_calloc(1, sizeof *scratch + 2 * n * sizeof *scratch->steps); /* a fetch may straddle */
  struct pw_code_run *run = NULL;
  if (scratch && !pw_grow((void **)&runs->list, &runs->room, runs->n + 1, sizeof *runs->list)) {
    for (size_t i = 0; i < n; i++) add_item(scratch, items[i]);
    run = pw_realloc(scratch, 1, sizeof *run + scratch->n_steps * sizeof *run->steps);
  }
  if (!run) {
    pw_free(scratch);
    return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", name);
  }
  runs->list[runs->n++] = run;
  return 0;
}

static void add_pages(struct pw_visits *v, uint64_t address, uint32_t bytes, uint32_t op)
{
  uint64_t first = address >> PW_BASE_SHIFT, last = (address + bytes - 1) >> PW_BASE_SHIFT;
  for (uint64_t page = first; page <= last; page++) pw_visits_repeat(v, page & PW_PAGE_MASK, op, 1);
}

static __attribute__((noinline)) void add_data_slowly(struct pw_visits *v, uint64_t address, const struct pw_code_step *step)
{
  if (address == PW_RING_NOTHING) return;
  add_pages(v, address, step->bytes, step->op == PW_MODIFY ? PW_LOAD : step->op);
  if (step->op == PW_MODIFY) add_pages(v, address, step->bytes, PW_STORE);
}

static void expand_slowly(const struct pw_code_run *run, const uint64_t *addresses, struct pw_visits *v)
{
  for (const struct pw_code_step *step = run->steps, *end = step + run->n_steps; step < end; step++) {
    if (step->fetches) pw_visits_repeat(v, step->page, PW_FETCH, step->fetches);
    if (step->op != PW_FETCH) add_data_slowly(v, *addresses++, step);
  }
}

static inline void add_fetches(struct pw_visits *v, uint64_t page, uint32_t n)
{
  if (v->current[1] != page || !v->open) {
    pw_visits_open(v, page, 1, PW_FETCH);
    n--;
  }
  v->count[PW_FETCH] += n;
  v->n_touches += v->stream ^ 1;
  v->stream = 1;
}

/* One access that stays on the page of `key`. */
static inline void add_data_on(struct pw_visits *v, uint64_t key, uint32_t op)
{
  bool store = op != PW_LOAD;
  if (v->current[0] != key || !v->open) {
    pw_visits_open(v, key, 0, op == PW_MODIFY ? PW_LOAD : op);
    if (op != PW_MODIFY) return;
    op = PW_STORE;
  }
  v->n_touches += v->stream;
  v->stream = 0;
  if (op == PW_MODIFY) {
    v->count[PW_LOAD]++;
    op = PW_STORE;
  }
  v->count[op]++;
  if (store) v->wrote |= v->n_touches <= 2 ? 1 : 2;
}

void pw_runs_expand(const struct pw_code_run *run, const uint64_t *addresses, struct pw_visits *v)
{
  uint32_t fullest = v->count[0] | v->count[1] | v->count[2] | v->n_touches; /* less than twice the fullest */
  if (fullest + run->total >= UINT16_MAX || run->total >= v->until || !pw_visits_taking(v)) {
    expand_slowly(run, addresses, v);
    return;
  }
  uint64_t taken = 0;
  for (const struct pw_code_step *step = run->steps, *end = step + run->n_steps; step < end; step++) {
    if (step->fetches) {
      add_fetches(v, step->page, step->fetches);
      taken += step->fetches;
    }
    if (step->op == PW_FETCH) continue;
    uint64_t address = *addresses++;
    if ((int32_t)(address & 4095) <= step->last_start) {
      add_data_on(v, address >> PW_BASE_SHIFT, step->op);
      taken += step->op == PW_MODIFY ? 2 : 1;
    } else {
      add_data_slowly(v, address, step); /* counts for itself */
    }
  }
  v->until -= taken;
}
