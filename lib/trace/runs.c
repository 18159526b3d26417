/* Runs of instructions: what each holds, and its expansion to visits.
 *
 * Algorithm: a run is cut into steps, each some fetches on one page and the data access behind them.
 * What a step adds to the counts of a visit is known when the run is told, also the touches, since
 * its streams alternate the same way every time. So a step takes one addition when its pages are the current
 * ones, and the test for a new data page needs no branch: the open visit is always stored, and
 * the next one starts at the place behind it or at the same.
 *
 * Whatever does not fit this goes access by access: straddling data, a guarded access that did
 * not happen, counters about to fill up, the edges of skip and limit, and the first runs of a block.
 *
 * Cost: some 2 ns for a data access with the fetches before it, on the current page or not. */
#include "trace/runs.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "trace/ring.h"

#define MOST_AT_ONCE 32767u /* accesses that a run may add to a counter without looking at each */
#define HALF_FULL UINT64_C(0x8000800080008000)

/* Fetches on one page, then a data access (the last step of a run, and where code goes on to another page: none). */
struct step {
  uint64_t page;       /* of the fetches */
  uint32_t fetches;    /* and the touch of the first above them, PW_TALLY_TOUCH, if data came before */
  uint16_t before;     /* the access does not straddle from offsets in its page below this */
  uint8_t kind;        /* of the data: an index to `kinds`, 0 none */
};

/* What a data access adds to its visit, and what the visit that it opens has. */
static const struct kind {
  uint64_t adds, opens;
  uint32_t head, wrote;
} kinds[] = {
#define KIND(op, touch, head, wrote) {PW_TALLY(op) + (touch), PW_TALLY(op) + PW_TALLY_TOUCH, head, wrote}
#define MODIFY(touch) {PW_TALLY(PW_LOAD) + PW_TALLY(PW_STORE) + (touch), PW_TALLY(PW_LOAD) + PW_TALLY(PW_STORE) + PW_TALLY_TOUCH, \
                       PW_HEAD_WROTE_1, PW_HEAD_WROTE_1}
    {0},
    KIND(PW_LOAD, 0, 0, 0), KIND(PW_STORE, 0, PW_HEAD_STORE_FIRST | PW_HEAD_WROTE_1, PW_HEAD_WROTE_1), MODIFY(0),
    /* after a fetch */
    KIND(PW_LOAD, PW_TALLY_TOUCH, 0, 0), KIND(PW_STORE, PW_TALLY_TOUCH, PW_HEAD_STORE_FIRST | PW_HEAD_WROTE_1, PW_HEAD_WROTE_1),
    MODIFY(PW_TALLY_TOUCH),
};
enum { AFTER_FETCH = 3 };

struct pw_code_run {
  uint32_t n_words, n_steps, n_items;
  uint32_t accesses;    /* if all data happen and none straddle */
  uint32_t total;       /* at most, cut to base pages: no more visits either */
  uint8_t begins, ends; /* stream of the first and the last access */
  const uint64_t *items; /* behind the steps */
  struct step steps[];  /* n_steps, and the fetches behind the last of them */
};

void pw_runs_clear(struct pw_runs *runs)
{
  for (size_t i = 0; i < runs->n; i++) pw_free(runs->list[i]);
  pw_free(runs->list);
  *runs = (struct pw_runs){0};
}

static uint64_t fetch_address(uint64_t item)
{
  return (uint64_t)((int64_t)(item << 16) >> 16); /* 48 bits, sign-extended */
}

static uint32_t item_bytes(uint64_t item)
{
  uint32_t bytes = PW_RING_ITEM_BYTES(item), most = PW_RING_ITEM_OP(item) == PW_FETCH ? 4096 : UINT32_MAX;
  return bytes == 0 ? 1 : bytes < most ? bytes : most;
}

/* The step that is being made is steps[n_steps]. */
static void add_fetch(struct pw_code_run *run, uint64_t page)
{
  struct step *step = &run->steps[run->n_steps];
  if (step->fetches && step->page != page) step = &run->steps[++run->n_steps];
  step->page = page;
  if (step->fetches == 0 && run->accesses && run->ends == 0) step->fetches = PW_TALLY_TOUCH;
  step->fetches++;
  run->accesses++;
  run->total++;
  run->ends = 1;
}

static void end_step(struct pw_code_run *run)
{
  uint64_t page = run->steps[run->n_steps].page;
  run->steps[++run->n_steps].page = page; /* as if fetched there: no change of page */
}

static void add_data(struct pw_code_run *run, uint32_t op, uint32_t bytes)
{
  struct step *step = &run->steps[run->n_steps];
  /* PW_RING_NOTHING ends in 4095: it goes access by access, and so do bytes there */
  step->before = (uint16_t)(bytes == 1 ? 4095 : bytes <= 4096 ? 4097 - bytes : 0);
  step->kind = (uint8_t)(op + (run->accesses && run->ends ? AFTER_FETCH : 0));
  end_step(run);
  run->n_words++;
  run->accesses += op == PW_MODIFY ? 2 : 1;
  run->total += 2 * (bytes / 4096 + 2);
  run->ends = 0;
}

static void add_item(struct pw_code_run *run, uint64_t item)
{
  uint32_t op = PW_RING_ITEM_OP(item), bytes = item_bytes(item);
  if (run->accesses == 0) run->begins = op == PW_FETCH;
  if (op != PW_FETCH) {
    add_data(run, op, bytes);
    return;
  }
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
  size_t most_steps = 2 * n + 1; /* a fetch may straddle */
  struct pw_code_run *scratch = pw_calloc(1, sizeof *scratch + most_steps * sizeof *scratch->steps), *run = NULL;
  if (scratch && !pw_grow((void **)&runs->list, &runs->room, runs->n + 1, sizeof *runs->list)) {
    for (size_t i = 0; i < n; i++) add_item(scratch, items[i]);
    size_t bytes = sizeof *run + (scratch->n_steps + 1) * sizeof *run->steps;
    if (scratch->total <= MOST_AT_ONCE) run = pw_malloc(1, bytes + n * sizeof *items);
    if (run) {
      memcpy(run, scratch, bytes);
      run->items = memcpy((char *)run + bytes, items, n * sizeof *items);
      run->n_items = (uint32_t)n;
      runs->list[runs->n++] = run;
    }
  }
  bool nonsense = scratch && scratch->total > MOST_AT_ONCE;
  pw_free(scratch);
  if (run) return 0;
  if (nonsense) return pw_error_set(err, PW_EFORMAT, "%s: run %" PRIu64 " of the capture tool is not believable", name, number);
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", name);
}

/* ---- access by access ---- */

/* The items of a run from number `from` on, where the first of the addresses is used. */
static __attribute__((noinline)) void take_each(const struct pw_code_run *run, const uint64_t *addresses, struct pw_visits *v,
                                                uint32_t from)
{
  for (uint32_t i = from; i < run->n_items; i++) {
    uint64_t item = run->items[i];
    uint32_t op = PW_RING_ITEM_OP(item);
    uint64_t address = op == PW_FETCH ? fetch_address(item) : *addresses++;
    if (address != PW_RING_NOTHING) pw_visits_take(v, address, item_bytes(item), op);
  }
}

/* Where data access number `data` stands among the items, and the accesses from there on if all happen. */
static uint32_t find_data(const struct pw_code_run *run, uint32_t data, uint32_t *left)
{
  uint32_t i = 0, n = 0;
  *left = run->accesses;
  for (;; i++) {
    uint64_t item = run->items[i], address = fetch_address(item);
    uint32_t op = PW_RING_ITEM_OP(item);
    if (op != PW_FETCH && n++ == data) return i;
    bool two = op == PW_MODIFY || (op == PW_FETCH && (address & 4095) + item_bytes(item) > 4096);
    *left -= two ? 2 : 1;
  }
}

/* ---- at once ---- */

/* The open visit, in registers. */
struct open {
  uint64_t tally, data, code; /* pages are those of process index 0, so keys */
  uint32_t head, last;        /* last: its place */
  uint32_t stream;
};

static inline struct open load_open(const struct pw_visits *v)
{
  return (struct open){v->tally, v->current[0], v->current[1], v->head, v->n_visits - 1, v->stream};
}

static inline void save_open(struct pw_visits *v, const struct open *o)
{
  v->tally = o->tally;
  v->current[0] = o->data;
  v->current[1] = o->code;
  v->head = o->head;
  v->n_visits = o->last + 1;
  v->stream = o->stream;
}

/* Both pages must be known, so that touches follow from what comes. */
static bool may_take_at_once(const struct pw_visits *v)
{
  return v->open && v->current[0] != PW_NO_KEY && v->current[1] != PW_NO_KEY && pw_visits_taking(v);
}

static bool may_fill_up(uint64_t tally, uint32_t total)
{
  for (unsigned shift = 0; shift < 64; shift += 16)
    if ((tally >> shift & UINT16_MAX) + total >= UINT16_MAX) return true;
  return false;
}

static inline uint32_t number_of(struct pw_visits *v, uint64_t page)
{
  const struct pw_recent *recent = pw_visits_recent(v, page);
  return __builtin_expect(recent->key == page, 1) ? recent->number : pw_visits_number(v, page);
}

static inline void open_code(struct pw_visits *v, struct open *o, const struct step *step)
{
  v->tallies[o->last] = o->tally;
  v->heads[o->last++] = o->head;
  o->code = step->page;
  o->head = number_of(v, step->page) | PW_HEAD_CODE;
  o->tally = (step->fetches & UINT16_MAX) + PW_TALLY_TOUCH;
}

static inline void add_fetches(struct pw_visits *v, struct open *o, const struct step *step)
{
  if (__builtin_expect(step->page == o->code, 1)) o->tally += step->fetches;
  else if (step->fetches) open_code(v, o, step);
}

/* The data access of a step that stays on its page. */
static inline void add_data_at(struct pw_visits *v, struct open *o, const struct step *step, uint64_t address)
{
  const struct kind *kind = &kinds[step->kind];
  uint64_t page = address >> PW_BASE_SHIFT, same = 0 - (uint64_t)(page == o->data);
  uint32_t number = number_of(v, page);
  v->tallies[o->last] = o->tally;
  v->heads[o->last] = o->head;
  uint64_t grown = o->tally + kind->adds;
  uint32_t wrote = kind->wrote << !PW_TALLY_EARLY(grown);
  o->last += 1 + (uint32_t)same;
  o->tally = (grown & same) | (kind->opens & ~same);
  o->head = ((o->head | wrote) & (uint32_t)same) | ((number | kind->head) & ~(uint32_t)same);
  o->data = page;
}

/* The touch by which a run goes on in the open visit, when its streams differ from that of the access before. */
static inline uint64_t first_touch(const struct pw_code_run *run, const uint64_t *addresses, const struct open *o)
{
  bool stays = run->begins ? run->steps[0].page == o->code
                           : addresses[0] >> PW_BASE_SHIFT == o->data && (addresses[0] & 4095) < run->steps[0].before;
  return stays && run->begins != o->stream ? PW_TALLY_TOUCH : 0;
}

/* False: data access *done, and all behind it, are to be taken one by one. */
static inline bool take_at_once(const struct pw_code_run *run, const uint64_t *addresses, struct pw_visits *v, struct open *o,
                                uint32_t *done)
{
  const uint64_t *address = addresses;
  const struct step *step = run->steps, *end = step + run->n_steps;
  o->tally += first_touch(run, addresses, o);
  for (; step < end; step++) {
    add_fetches(v, o, step);
    if (__builtin_expect(!step->kind, 0)) continue;
    if (__builtin_expect((*address & 4095) >= step->before, 0)) {
      *done = (uint32_t)(address - addresses);
      if (step->fetches || step > run->steps) o->stream = step->fetches > 0;
      return false;
    }
    add_data_at(v, o, step, *address++);
  }
  add_fetches(v, o, step);
  o->stream = run->ends;
  return true;
}

static __attribute__((noinline)) void take_rest(const struct pw_code_run *run, const uint64_t *addresses, struct pw_visits *v,
                                                uint32_t done)
{
  uint32_t left, from = find_data(run, done, &left);
  v->until += left;
  take_each(run, addresses + done, v, from);
}

/* A run that may not be taken at once, between what is. */
static __attribute__((noinline)) void take_slowly(const struct pw_code_run *run, const uint64_t *addresses, struct pw_visits *v)
{
  take_each(run, addresses, v, 0);
}

size_t pw_runs_take(const struct pw_runs *runs, const uint64_t *words, size_t n, struct pw_visits *v, uint32_t *needs)
{
  struct open o = load_open(v);
  bool ready = may_take_at_once(v);
  size_t i = 0;
  *needs = 0;
  while (i < n && words[i] < runs->n) {
    const struct pw_code_run *run = runs->list[words[i]];
    const uint64_t *addresses = &words[i + 1];
    uint32_t done;
    if (run->n_words > n - i - 1) break;
    if (o.last + 1 + run->total > PW_BLOCK_VISITS) {
      *needs = run->total;
      break;
    }
    i += 1 + run->n_words;
    bool at_once = ready && v->until > run->total && (!(o.tally & HALF_FULL) || !may_fill_up(o.tally, run->total));
    if (__builtin_expect(at_once, 1)) {
      v->until -= run->accesses;
      if (__builtin_expect(take_at_once(run, addresses, v, &o, &done), 1)) continue;
    }
    save_open(v, &o);
    if (at_once) take_rest(run, addresses, v, done);
    else take_slowly(run, addresses, v);
    if (pw_visits_full(v)) return i;
    o = load_open(v);
    ready = may_take_at_once(v);
  }
  save_open(v, &o);
  return i;
}
