/* Runs of instructions: what each holds, and its expansion to visits.
 *
 * Algorithm: fetches between two data accesses are counted at once. A run whose fetches are all
 * on one page needs one look at the current code page; each data access one at the current data
 * page. Counters cannot fill up within a run when they are far enough from it at its start, and
 * skip and limit are looked at once a run. Whatever does not fit this goes access by access.
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

static void add_fetch(struct pw_run *run, uint64_t page)
{
  if (run->n_pages == 0) run->code_page = page;
  if (run->code_page != page) run->one_page = false;
  run->pages[run->n_pages++] = page;
  run->tail_fetches++;
  run->total++;
  run->most_visits++;
}

static void add_data(struct pw_run *run, uint32_t op, uint32_t bytes)
{
  if (bytes > 4096) run->one_page = false;
  /* PW_RING_NOTHING ends in 4095: it takes the slow way, and so do bytes there */
  uint32_t last_start = bytes > 4096 ? 0 : bytes == 1 ? 4094 : 4096 - bytes;
  run->accesses[run->n_words++] = (struct pw_run_access){
      .fetches = (uint16_t)run->tail_fetches, .last_start = (uint16_t)last_start,
      .op = (uint16_t)op, .bytes = (uint16_t)bytes};
  run->tail_fetches = 0;
  uint32_t visits = 2 * (bytes / 4096 + 2);
  run->total += visits;
  run->most_visits += visits;
}

static uint64_t fetch_address(uint64_t item)
{
  return (uint64_t)((int64_t)(item << 16) >> 16); /* 48 bits, sign-extended */
}

static void add_item(struct pw_run *run, uint64_t item)
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
  size_t n_fetches = 0;
  for (size_t i = 0; i < n; i++) n_fetches += PW_RING_ITEM_OP(items[i]) == PW_FETCH;
  if (number != runs->n || n == 0 || n > PW_RING_MOST_ITEMS)
    return pw_error_set(err, PW_EFORMAT, "%s: the capture tool tells nonsense about run %" PRIu64, name, number);
  size_t n_data = n - n_fetches;
  struct pw_run *run = pw_calloc(1, sizeof *run + n_data * sizeof *run->accesses + 2 * n_fetches * sizeof *run->pages);
  if (!run || pw_grow((void **)&runs->list, &runs->room, runs->n + 1, sizeof *runs->list)) {
    pw_free(run);
    return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", name);
  }
  run->pages = (uint64_t *)(void *)(run->accesses + n_data);
  run->one_page = true;
  for (size_t i = 0; i < n; i++) add_item(run, items[i]);
  runs->list[runs->n++] = run;
  return 0;
}

static void add_pages(struct pw_visits *v, uint64_t address, uint32_t bytes, uint32_t op)
{
  uint64_t first = address >> PW_BASE_SHIFT, last = (address + bytes - 1) >> PW_BASE_SHIFT;
  for (uint64_t page = first; page <= last; page++) pw_visits_repeat(v, page & PW_PAGE_MASK, op, 1);
}

static __attribute__((noinline)) void add_data_slowly(struct pw_visits *v, uint64_t address, const struct pw_run_access *a)
{
  if (address == PW_RING_NOTHING) return;
  add_pages(v, address, a->bytes, a->op == PW_MODIFY ? PW_LOAD : a->op);
  if (a->op == PW_MODIFY) add_pages(v, address, a->bytes, PW_STORE);
}

static void expand_slowly(const struct pw_run *run, const uint64_t *addresses, struct pw_visits *v)
{
  const uint64_t *page = run->pages;
  for (uint32_t i = 0; i <= run->n_words; i++) {
    uint32_t fetches = i < run->n_words ? run->accesses[i].fetches : run->tail_fetches;
    while (fetches--) pw_visits_repeat(v, *page++, PW_FETCH, 1);
    if (i < run->n_words) add_data_slowly(v, addresses[i], &run->accesses[i]);
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

void pw_runs_expand(const struct pw_run *run, const uint64_t *addresses, struct pw_visits *v)
{
  uint32_t fullest = v->count[0] | v->count[1] | v->count[2] | v->n_touches;
  if (!run->one_page || fullest + run->total >= UINT16_MAX || run->total >= v->until || !pw_visits_taking(v)) {
    expand_slowly(run, addresses, v);
    return;
  }
  uint64_t taken = run->tail_fetches;
  for (const struct pw_run_access *a = run->accesses, *end = a + run->n_words; a < end; a++) {
    uint64_t address = *addresses++;
    if (a->fetches) add_fetches(v, run->code_page, a->fetches);
    taken += a->fetches;
    if ((address & 4095) <= a->last_start) {
      add_data_on(v, address >> PW_BASE_SHIFT, a->op);
      taken += a->op == PW_MODIFY ? 2 : 1;
    } else {
      add_data_slowly(v, address, a); /* counts for itself */
    }
  }
  if (run->tail_fetches) add_fetches(v, run->code_page, run->tail_fetches);
  v->until -= taken;
}
