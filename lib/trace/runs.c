/* Runs of instructions: what each holds, and its expansion to visits.
 *
 * Algorithm: fetches in a row on one page are one step. A run whose fetches are all on the current
 * code page and whose data are all on the current data page opens no visit, so its counts are
 * added at once; which of its touches stored follows from how often it changes between the
 * streams before its first and its last store. Any other run goes step by step.
 *
 * Cost: some 5 ns for such a run and 0.5 ns for each of its data accesses. */
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

/* Counts one step's worth of an item towards the run as a whole. */
static void count_item(struct pw_run *run, uint32_t op, uint32_t n)
{
  uint32_t stream = op == PW_FETCH;
  if (run->total == 0) run->first_stream = stream;
  if (run->total == 0 || stream != run->last_stream) run->n_groups++;
  run->last_stream = stream;
  run->count[op] += n;
  run->total += n;
  if (op != PW_STORE) return;
  if (run->first_store == UINT32_MAX) run->first_store = run->n_groups - 1;
  run->last_store = run->n_groups - 1;
}

static void add_fetch(struct pw_run *run, uint64_t page)
{
  struct pw_run_step *last = run->n_steps ? &run->steps[run->n_steps - 1] : NULL;
  if (last && last->op == PW_FETCH && last->page == page) {
    last->n++;
  } else {
    run->code_page = run->count[PW_FETCH] == 0 ? page : run->code_page == page ? page : PW_NO_KEY;
    run->steps[run->n_steps++] = (struct pw_run_step){page, 1, PW_FETCH};
    run->most_visits++;
  }
  count_item(run, PW_FETCH, 1);
}

static void add_data(struct pw_run *run, uint32_t op, uint32_t bytes)
{
  run->last_start[run->n_words++] = (uint16_t)(bytes <= 4096 ? 4096 - bytes : 0);
  run->steps[run->n_steps++] = (struct pw_run_step){0, bytes, op};
  run->most_visits += 2 * (bytes / 4096 + 2);
  if (op != PW_MODIFY) {
    count_item(run, op, 1);
  } else {
    count_item(run, PW_LOAD, 1);
    count_item(run, PW_STORE, 1);
  }
}

static uint64_t fetch_address(uint64_t item)
{
  return (uint64_t)((int64_t)(item << 16) >> 16); /* 48 bits, sign-extended */
}

int pw_runs_add(struct pw_runs *runs, const char *name, uint64_t number, const uint64_t *items, size_t n,
                struct pw_error *err)
{
  if (number != runs->n || n == 0 || n > PW_RING_MOST_ITEMS)
    return pw_error_set(err, PW_EFORMAT, "%s: the capture tool tells nonsense about run %" PRIu64, name, number);
  size_t n_steps = 2 * n; /* a fetch may straddle pages */
  struct pw_run *run = pw_calloc(1, sizeof *run + n_steps * sizeof *run->steps + n * sizeof *run->last_start);
  if (!run || pw_grow((void **)&runs->list, &runs->room, runs->n + 1, sizeof *runs->list)) {
    pw_free(run);
    return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", name);
  }
  run->last_start = (uint16_t *)(void *)(run->steps + n_steps);
  run->first_store = run->last_store = UINT32_MAX;
  run->code_page = PW_NO_KEY;
  for (size_t i = 0; i < n; i++) {
    uint32_t op = PW_RING_ITEM_OP(items[i]), bytes = PW_RING_ITEM_BYTES(items[i]);
    if (bytes == 0) bytes = 1;
    if (op != PW_FETCH && bytes > 4096) run->wide = true;
    if (op != PW_FETCH) {
      add_data(run, op, bytes);
      continue;
    }
    if (bytes > 4096) bytes = 4096;
    uint64_t address = fetch_address(items[i]), first = address >> PW_BASE_SHIFT & PW_PAGE_MASK;
    uint64_t last = (address + bytes - 1) >> PW_BASE_SHIFT & PW_PAGE_MASK;
    add_fetch(run, first);
    if (last != first) add_fetch(run, last);
  }
  runs->list[runs->n++] = run;
  return 0;
}

/* All data on the page whose first address is `base`, without a straddle. */
static bool all_on_page(const struct pw_run *run, const uint64_t *addresses, uint64_t base)
{
  uint32_t off = 0;
  for (uint32_t i = 0; i < run->n_words; i++) off |= addresses[i] - base > run->last_start[i];
  return !off;
}

/* The run as a whole, when it stays on the current pages and no counter or boundary is near. */
static bool add_whole(const struct pw_run *run, const uint64_t *addresses, struct pw_visits *v)
{
  uint32_t changes = run->n_groups - (run->first_stream == v->stream);
  if (run->wide || !v->open || !pw_visits_taking(v) || run->total >= v->until || v->n_touches + changes >= UINT16_MAX) return false;
  if (run->count[PW_FETCH] && run->code_page != v->current[1]) return false;
  for (int op = 0; op < 3; op++)
    if (v->count[op] + run->count[op] > UINT16_MAX) return false;
  if (run->n_words && (v->current[0] == PW_NO_KEY || !all_on_page(run, addresses, v->current[0] << PW_BASE_SHIFT))) return false;
  if (run->first_store != UINT32_MAX) {
    uint32_t before = v->n_touches + (run->first_stream != v->stream); /* touches at the run's first group */
    if (before + run->first_store <= 2) v->wrote |= 1;
    if (before + run->last_store > 2) v->wrote |= 2;
  }
  for (int op = 0; op < 3; op++) v->count[op] += run->count[op];
  v->until -= run->total;
  v->n_touches += changes;
  v->stream = run->last_stream;
  return true;
}

static void add_pages(struct pw_visits *v, uint64_t address, uint32_t bytes, uint32_t op)
{
  uint64_t first = address >> PW_BASE_SHIFT, last = (address + bytes - 1) >> PW_BASE_SHIFT;
  for (uint64_t page = first; page <= last; page++) pw_visits_repeat(v, page & PW_PAGE_MASK, op, 1);
}

void pw_runs_expand(const struct pw_runs *runs, uint64_t number, const uint64_t *addresses, struct pw_visits *v)
{
  const struct pw_run *run = runs->list[number];
  if (add_whole(run, addresses, v)) return;
  for (const struct pw_run_step *step = run->steps; step < run->steps + run->n_steps; step++) {
    if (step->op == PW_FETCH) {
      pw_visits_repeat(v, step->page, PW_FETCH, step->n);
      continue;
    }
    uint64_t address = *addresses++;
    if (address == PW_RING_NOTHING) continue;
    add_pages(v, address, step->n, step->op == PW_MODIFY ? PW_LOAD : step->op);
    if (step->op == PW_MODIFY) add_pages(v, address, step->n, PW_STORE);
  }
}
