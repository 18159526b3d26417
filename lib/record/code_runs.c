/* Runs of instructions: what each holds.
 *
 * Algorithm: a run is cut into steps, each some fetches on one page and the data access behind them.
 * What a step adds to the counts of a visit is found here, also the touches, since its streams
 * alternate the same way every time. */
#include "record/code_runs.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "record/code_run.h"

#define MOST_LEAPS 256u
#define MOST_AT_ONCE 32767u /* accesses that a run may add to a counter without looking at each */

void pw_runs_clear(struct pw_runs *runs)
{
  for (size_t i = 0; i < runs->n; i++) {
    pw_free(runs->told[i].items);
    pw_free(runs->told[i].steps);
    pw_free(runs->told[i].sides);
  }
  pw_free(runs->lines);
  pw_free(runs->told);
  *runs = (struct pw_runs){.sides = runs->sides};
}

/* A run that is being told. */
struct telling {
  struct pw_code_run run;
  struct pw_run_step *steps, *step; /* step: steps[run.n_steps] */
  struct pw_run_side *sides;
  uint64_t at;         /* address of the last fetch */
  uint64_t *pages;     /* by leap */
  uint32_t n_pages, accesses, total;
};

static void end_step(struct telling *t)
{
  uint8_t leap = t->step->leap;
  t->step = &t->steps[++t->run.n_steps];
  t->step->leap = leap; /* as if fetched there: no change of page */
}

static void add_fetch(struct telling *t, uint64_t address)
{
  uint64_t page = address >> PW_BASE_SHIFT & PW_PAGE_MASK;
  bool leaps = t->n_pages == 0 || t->pages[t->n_pages - 1] != page;
  if (leaps && t->step->fetches) end_step(t);
  if (leaps) t->pages[t->n_pages++] = page;
  t->step->leap = (uint8_t)(t->n_pages - 1);
  if (t->step->fetches == 0 && t->accesses && t->run.ends == 0) t->step->fetches = (uint32_t)PW_TALLY_TOUCH;
  if ((t->step->fetches & UINT16_MAX) == 0) t->sides[t->run.n_steps].fetch = address;
  t->step->fetches++;
  t->accesses++;
  t->total++;
  t->run.ends = 1;
}

static void add_data(struct telling *t, uint32_t op, uint32_t bytes)
{
  /* PW_RING_NOTHING ends in 4095: it goes access by access, and so do bytes there */
  t->step->before = (uint16_t)(bytes == 1 ? 4095 : bytes <= 4096 ? 4097 - bytes : 0);
  t->step->kind = (uint8_t)((op + (t->accesses && t->run.ends ? PW_RUN_AFTER_FETCH : 0)) * PW_RUN_KIND_BYTES);
  t->sides[t->run.n_steps].data = t->at;
  end_step(t);
  t->run.n_words++;
  t->accesses += op == PW_MODIFY ? 2 : 1;
  t->total += 2 * (bytes / 4096 + 2);
  t->run.ends = 0;
}

static void add_item(struct telling *t, uint64_t item)
{
  uint32_t op = PW_RING_ITEM_OP(item), bytes = pw_run_item_bytes(item);
  if (t->accesses == 0) t->run.begins = op == PW_FETCH;
  if (op != PW_FETCH) {
    add_data(t, op, bytes);
    return;
  }
  uint64_t address = pw_run_fetch_address(item), last = address + bytes - 1;
  add_fetch(t, address);
  if (last >> PW_BASE_SHIFT != address >> PW_BASE_SHIFT) add_fetch(t, last & ~UINT64_C(4095));
  t->at = address;
}

/* Room for one more run, in lines. */
static int reserve(struct pw_runs *runs)
{
  if (pw_grow((void **)&runs->told, &runs->told_room, runs->n + 1, sizeof *runs->told)) return PW_ENOMEM;
  if (runs->n < runs->list_room) return 0;
  size_t room = runs->list_room ? 2 * runs->list_room : 4096;
  char *lines = pw_malloc(room + 1, PW_RUN_LINE_BYTES);
  if (!lines) return PW_ENOMEM;
  void *list = lines + (PW_RUN_LINE_BYTES - (uintptr_t)lines % PW_RUN_LINE_BYTES);
  if (runs->n) memcpy(list, runs->list, runs->n * PW_RUN_LINE_BYTES);
  pw_free(runs->lines);
  runs->lines = lines;
  runs->list = list;
  runs->list_room = room;
  return 0;
}

static int keep(struct pw_runs *runs, struct telling *t, const uint64_t *items, size_t n)
{
  size_t n_steps = t->run.n_steps + 1u, n_more = n_steps > PW_RUN_STEPS_IN_LINE ? n_steps : 0;
  struct pw_code_told told = {.items = pw_malloc(n + t->n_pages, sizeof *told.items), .n_items = (uint32_t)n};
  if (n_more) told.steps = pw_malloc(n_more, sizeof *told.steps);
  if (runs->sides) told.sides = pw_malloc(n_steps, sizeof *told.sides);
  if (!told.items || (n_more && !told.steps) || (runs->sides && !told.sides) || reserve(runs)) {
    pw_free(told.items);
    pw_free(told.steps);
    pw_free(told.sides);
    return PW_ENOMEM;
  }
  memcpy(told.items, items, n * sizeof *items);
  memcpy(told.items + n, t->pages, t->n_pages * sizeof *items);
  memcpy(n_more ? told.steps : t->run.steps, t->steps, n_steps * sizeof *t->steps);
  if (runs->sides) memcpy(told.sides, t->sides, n_steps * sizeof *told.sides);
  told.at = t->at;
  t->run.more = told.steps;
  t->run.page = t->pages[0];
  t->run.leaps = t->n_pages > (t->run.begins ? 1 : 0);
  t->run.accesses = (uint16_t)t->accesses;
  t->run.total = (uint16_t)t->total;
  runs->told[runs->n] = told;
  runs->list[runs->n++] = t->run;
  return 0;
}

int pw_runs_add(struct pw_runs *runs, const char *name, uint64_t number, const uint64_t *items, size_t n,
                struct pw_error *err)
{
  if (number != runs->n || n == 0 || n > PW_RING_MOST_ITEMS)
    return pw_error_set(err, PW_EFORMAT, "%s: the capture tool tells nonsense about run %" PRIu64, name, number);
  struct telling t = {.steps = pw_calloc(2 * n + 1, sizeof *t.steps), /* a fetch may straddle */
                      .sides = pw_calloc(2 * n + 1, sizeof *t.sides), .pages = pw_calloc(2 * n, sizeof *t.pages)};
  uint64_t *own = pw_malloc(n, sizeof *own); /* the program may still write to its ring */
  int status = t.steps && t.sides && t.pages && own ? 0 : PW_ENOMEM;
  if (!status) {
    memcpy(own, items, n * sizeof *own);
    t.step = t.steps;
    for (size_t i = 0; i < n; i++) add_item(&t, own[i]);
    bool believable = t.total <= MOST_AT_ONCE && t.n_pages <= MOST_LEAPS;
    status = believable ? keep(runs, &t, own, n) : PW_EFORMAT;
  }
  pw_free(own);
  pw_free(t.steps);
  pw_free(t.sides);
  pw_free(t.pages);
  if (status == PW_EFORMAT)
    return pw_error_set(err, status, "%s: run %" PRIu64 " of the capture tool is not believable", name, number);
  return status ? pw_error_set(err, status, "%s: memory ran out", name) : 0;
}
