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

#define MOST_LEAPS 256u
#define MOST_AT_ONCE 32767u /* accesses that a run may add to a counter without looking at each */
#define HALF_FULL UINT64_C(0x8000800080008000)

/* Fetches on one page, then a data access (the last step of a run, and where code goes on to another page: none). */
struct step {
  uint32_t fetches; /* and the touch of the first above them, PW_TALLY_TOUCH, if data came before */
  uint16_t before;  /* the access does not straddle from offsets in its page below this */
  uint8_t kind;     /* of the data: an index to `kinds`, 0 none */
  uint8_t leap;     /* number of the page among those of the run */
};

/* What a data access adds to its visit, and what the visit that it opens has. */
static const struct kind {
  uint64_t adds, opens;
  uint32_t head, wrote;  /* wrote: in the data page's first touch, or nothing */
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

/* Most fit a line of the cache: the runs of a large program do not fit it all. */
struct pw_code_run {
  uint64_t page;        /* of the first fetch */
  uint16_t n_words, n_steps;
  uint16_t accesses;    /* if all data happen and none straddle */
  uint16_t total;       /* at most, cut to base pages: no more visits either */
  uint8_t begins, ends; /* stream of the first and the last access */
  struct step steps[];  /* n_steps, and the fetches behind the last of them */
};

/* What is rarely needed of a run. */
struct pw_code_told {
  uint64_t *items;      /* n_items; behind them the pages by the number of the leap */
  uint32_t n_items;
};

enum { LINE_BYTES = 64, CHUNK_BYTES = 1 << 20 };

struct pw_code_chunk {
  struct pw_code_chunk *next;
  void *memory;
  char *at; /* in a new line */
};

void pw_runs_clear(struct pw_runs *runs)
{
  for (size_t i = 0; i < runs->n; i++) pw_free(runs->told[i].items);
  while (runs->chunks) {
    struct pw_code_chunk *next = runs->chunks->next;
    pw_free(runs->chunks->memory);
    pw_free(runs->chunks);
    runs->chunks = next;
  }
  pw_free(runs->list);
  pw_free(runs->told);
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

/* A run that is being told. */
struct telling {
  struct pw_code_run *run;
  struct step *step;   /* run->steps[run->n_steps] */
  uint64_t *pages;     /* by leap */
  uint32_t n_pages, accesses, total;
};

static void end_step(struct telling *t)
{
  uint8_t leap = t->step->leap;
  t->step = &t->run->steps[++t->run->n_steps];
  t->step->leap = leap; /* as if fetched there: no change of page */
}

static void add_fetch(struct telling *t, uint64_t page)
{
  bool leaps = t->n_pages == 0 || t->pages[t->n_pages - 1] != page;
  if (leaps && t->step->fetches) end_step(t);
  if (leaps) t->pages[t->n_pages++] = page;
  t->step->leap = (uint8_t)(t->n_pages - 1);
  if (t->step->fetches == 0 && t->accesses && t->run->ends == 0) t->step->fetches = (uint32_t)PW_TALLY_TOUCH;
  t->step->fetches++;
  t->accesses++;
  t->total++;
  t->run->ends = 1;
}

static void add_data(struct telling *t, uint32_t op, uint32_t bytes)
{
  /* PW_RING_NOTHING ends in 4095: it goes access by access, and so do bytes there */
  t->step->before = (uint16_t)(bytes == 1 ? 4095 : bytes <= 4096 ? 4097 - bytes : 0);
  t->step->kind = (uint8_t)(op + (t->accesses && t->run->ends ? AFTER_FETCH : 0));
  end_step(t);
  t->run->n_words++;
  t->accesses += op == PW_MODIFY ? 2 : 1;
  t->total += 2 * (bytes / 4096 + 2);
  t->run->ends = 0;
}

static void add_item(struct telling *t, uint64_t item)
{
  uint32_t op = PW_RING_ITEM_OP(item), bytes = item_bytes(item);
  if (t->accesses == 0) t->run->begins = op == PW_FETCH;
  if (op != PW_FETCH) {
    add_data(t, op, bytes);
    return;
  }
  uint64_t address = fetch_address(item), first = address >> PW_BASE_SHIFT & PW_PAGE_MASK;
  uint64_t last = (address + bytes - 1) >> PW_BASE_SHIFT & PW_PAGE_MASK;
  add_fetch(t, first);
  if (last != first) add_fetch(t, last);
}

/* Lines of a chunk; NULL when memory runs out. */
static void *take_lines(struct pw_runs *runs, size_t bytes)
{
  bytes = (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
  if (runs->chunk_left_bytes < bytes) {
    struct pw_code_chunk *chunk = pw_malloc(1, sizeof *chunk);
    char *memory = chunk ? pw_malloc(1, CHUNK_BYTES + LINE_BYTES) : NULL;
    if (!memory) {
      pw_free(chunk);
      return NULL;
    }
    *chunk = (struct pw_code_chunk){runs->chunks, memory, memory + (LINE_BYTES - (uintptr_t)memory % LINE_BYTES)};
    runs->chunks = chunk;
    runs->chunk_left_bytes = CHUNK_BYTES;
  }
  void *lines = runs->chunks->at;
  runs->chunks->at += bytes;
  runs->chunk_left_bytes -= bytes;
  return lines;
}

static int keep(struct pw_runs *runs, struct telling *t, const uint64_t *items, size_t n)
{
  if (pw_grow((void **)&runs->list, &runs->list_room, runs->n + 1, sizeof *runs->list) ||
      pw_grow((void **)&runs->told, &runs->told_room, runs->n + 1, sizeof *runs->told))
    return PW_ENOMEM;
  t->run->page = t->pages[0];
  t->run->accesses = (uint16_t)t->accesses;
  t->run->total = (uint16_t)t->total;
  size_t bytes = sizeof *t->run + (t->run->n_steps + 1u) * sizeof *t->step;
  struct pw_code_run *run = take_lines(runs, bytes);
  uint64_t *kept = pw_malloc(n + t->n_pages, sizeof *kept);
  if (!run || !kept) {
    pw_free(kept);
    return PW_ENOMEM;
  }
  memcpy(kept, items, n * sizeof *kept);
  memcpy(kept + n, t->pages, t->n_pages * sizeof *kept);
  runs->told[runs->n] = (struct pw_code_told){kept, (uint32_t)n};
  runs->list[runs->n++] = memcpy(run, t->run, bytes);
  return 0;
}

int pw_runs_add(struct pw_runs *runs, const char *name, uint64_t number, const uint64_t *items, size_t n,
                struct pw_error *err)
{
  if (number != runs->n || n == 0 || n > PW_RING_MOST_ITEMS)
    return pw_error_set(err, PW_EFORMAT, "%s: the capture tool tells nonsense about run %" PRIu64, name, number);
  struct telling t = {.run = pw_calloc(1, sizeof *t.run + (2 * n + 1) * sizeof *t.step), /* a fetch may straddle */
                      .pages = pw_calloc(2 * n, sizeof *t.pages)};
  int status = t.run && t.pages ? 0 : PW_ENOMEM;
  if (!status) {
    t.step = t.run->steps;
    for (size_t i = 0; i < n; i++) add_item(&t, items[i]);
    bool believable = t.total <= MOST_AT_ONCE && t.n_pages <= MOST_LEAPS;
    status = believable ? keep(runs, &t, items, n) : PW_EFORMAT;
  }
  pw_free(t.run);
  pw_free(t.pages);
  if (status == PW_EFORMAT) return pw_error_set(err, status, "%s: run %" PRIu64 " of the capture tool is not believable", name, number);
  return status ? pw_error_set(err, status, "%s: memory ran out", name) : 0;
}

/* ---- access by access ---- */

/* The items of a run from number `from` on, where the first of the addresses is used. */
static void take_each(const struct pw_code_told *run, const uint64_t *addresses, struct pw_visits *v, uint32_t from)
{
  for (uint32_t i = from; i < run->n_items; i++) {
    uint64_t item = run->items[i];
    uint32_t op = PW_RING_ITEM_OP(item);
    uint64_t address = op == PW_FETCH ? fetch_address(item) : *addresses++;
    if (address != PW_RING_NOTHING) pw_visits_take(v, address, item_bytes(item), op);
  }
}

/* Where data access number `data` stands among the items, and the accesses before it if none straddled and all happened. */
static uint32_t find_data(const struct pw_code_told *run, uint32_t data, uint32_t *done)
{
  uint32_t n = 0;
  *done = 0;
  for (uint32_t i = 0;; i++) {
    uint64_t item = run->items[i], address = fetch_address(item);
    uint32_t op = PW_RING_ITEM_OP(item);
    if (op != PW_FETCH && n++ == data) return i;
    bool two = op == PW_MODIFY || (op == PW_FETCH && (address & 4095) + item_bytes(item) > 4096);
    *done += two ? 2 : 1;
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
  return (struct open){v->tally, v->current[0], v->current[1], v->head, v->rows.n_visits - 1, v->stream};
}

static inline void save_open(struct pw_visits *v, const struct open *o)
{
  v->tally = o->tally;
  v->current[0] = o->data;
  v->current[1] = o->code;
  v->head = o->head;
  v->rows.n_visits = o->last + 1;
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

static inline void open_code(const struct pw_rows *rows, struct open *o, const struct step *step, uint64_t page)
{
  rows->tallies[o->last] = o->tally;
  rows->heads[o->last] = (uint8_t)o->head;
  rows->keys[++o->last] = page;
  o->code = page;
  o->head = PW_HEAD_CODE;
  o->tally = (step->fetches & UINT16_MAX) + PW_TALLY_TOUCH;
}

static inline void add_fetches(const struct pw_rows *rows, struct open *o, const struct pw_code_run *run, const struct pw_code_told *told,
                               const struct step *step)
{
  uint64_t page = run->page;
  if (__builtin_expect(step->leap, 0)) page = told->items[told->n_items + step->leap];
  if (__builtin_expect(page == o->code, 1)) o->tally += step->fetches;
  else if (step->fetches) open_code(rows, o, step, page);
}

#define EVEN(condition) __builtin_expect_with_probability(condition, 1, 0.5) /* no branch, please */

/* The data access of a step that stays on its page. */
static inline void add_data_at(const struct pw_rows *rows, struct open *o, const struct step *step, uint64_t address)
{
  const struct kind *kind = &kinds[step->kind];
  uint64_t page = address >> PW_BASE_SHIFT, grown = o->tally + kind->adds;
  uint32_t head = o->head | kind->wrote << !PW_TALLY_EARLY(grown);
  bool same = page == o->data;
  rows->tallies[o->last] = o->tally;
  rows->heads[o->last] = (uint8_t)o->head;
  rows->keys[o->last + 1] = page; /* nothing, if it stays */
  o->last += !same;
  o->tally = EVEN(same) ? grown : kind->opens;
  o->head = EVEN(same) ? head : kind->head;
  o->data = page;
}

/* The touch by which a run goes on in the open visit, when its streams differ from that of the access before. */
static inline uint64_t first_touch(const struct pw_code_run *run, const uint64_t *addresses, const struct open *o)
{
  bool stays = run->begins ? run->page == o->code
                           : addresses[0] >> PW_BASE_SHIFT == o->data && (addresses[0] & 4095) < run->steps[0].before;
  return stays && run->begins != o->stream ? PW_TALLY_TOUCH : 0;
}

/* False: data access *done, and all behind it, are to be taken one by one. */
static inline bool take_at_once(const struct pw_code_run *run, const struct pw_code_told *told, const uint64_t *addresses,
                                const struct pw_rows *rows, struct open *o, uint32_t *done)
{
  const uint64_t *address = addresses;
  const struct step *step = run->steps, *end = step + run->n_steps;
  o->tally += first_touch(run, addresses, o);
  for (; step < end; step++) {
    add_fetches(rows, o, run, told, step);
    if (__builtin_expect(!step->kind, 0)) continue;
    if (__builtin_expect((*address & 4095) >= step->before, 0)) {
      *done = (uint32_t)(address - addresses);
      if (step->fetches || step > run->steps) o->stream = step->fetches > 0;
      return false;
    }
    add_data_at(rows, o, step, *address++);
  }
  add_fetches(rows, o, run, told, step);
  o->stream = run->ends;
  return true;
}

static __attribute__((noinline)) void take_rest(const struct pw_code_run *run, const struct pw_code_told *told,
                                                const uint64_t *addresses, struct pw_visits *v, uint32_t at)
{
  uint32_t done, from = find_data(told, at, &done);
  v->until += run->accesses - done;
  take_each(told, addresses + at, v, from);
}

/* A run that may not be taken at once. */
static __attribute__((noinline)) void take_slowly(const struct pw_code_told *told, const uint64_t *addresses, struct pw_visits *v)
{
  take_each(told, addresses, v, 0);
}

size_t pw_runs_take(const struct pw_runs *runs, const uint64_t *words, size_t n, struct pw_visits *v, uint32_t *needs)
{
  struct open o = load_open(v);
  bool ready = may_take_at_once(v);
  size_t i = 0;
  *needs = 0;
  while (i < n && words[i] < runs->n) {
    const struct pw_code_run *run = runs->list[words[i]];
    const struct pw_code_told *told = &runs->told[words[i]];
    const uint64_t *addresses = &words[i + 1];
    uint32_t at;
    if (run->n_words > n - i - 1) break;
    if (o.last + 1 + run->total > PW_BLOCK_VISITS) {
      *needs = run->total;
      break;
    }
    i += 1u + run->n_words;
    bool at_once = ready && v->until > run->total && (!(o.tally & HALF_FULL) || !may_fill_up(o.tally, run->total));
    if (__builtin_expect(at_once, 1)) {
      v->until -= run->accesses;
      if (__builtin_expect(take_at_once(run, told, addresses, &v->rows, &o, &at), 1)) continue;
    }
    save_open(v, &o);
    if (at_once) take_rest(run, told, addresses, v, at);
    else take_slowly(told, addresses, v);
    if (pw_visits_full(v)) return i;
    o = load_open(v);
    ready = may_take_at_once(v);
  }
  save_open(v, &o);
  return i;
}
