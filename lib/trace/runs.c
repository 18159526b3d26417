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
  uint8_t kind;     /* of the data, in `kinds`; 0 none */
  uint8_t leap;     /* number of the page among those of the run */
};

/* What a data access adds to its visit, and what the visit that it opens has. */
static const struct kind {
  uint64_t opens, adds_more; /* adds_more: what it adds minus what it opens with */
  uint32_t head, wrote;      /* wrote: in the data page's first touch, or nothing */
} kinds[] = {
#define KIND(tally, touch, head, wrote) {(tally) + PW_TALLY_TOUCH, (touch) - PW_TALLY_TOUCH, head, wrote}
#define LOAD(touch) KIND(PW_TALLY(PW_LOAD), touch, 0, 0)
#define STORE(touch) KIND(PW_TALLY(PW_STORE), touch, PW_HEAD_STORE_FIRST | PW_HEAD_WROTE_1, PW_HEAD_WROTE_1)
#define MODIFY(touch) KIND(PW_TALLY(PW_LOAD) + PW_TALLY(PW_STORE), touch, PW_HEAD_STORE_FIRST | PW_HEAD_WROTE_1, PW_HEAD_WROTE_1)
    {0}, LOAD(0), STORE(0), MODIFY(0), LOAD(PW_TALLY_TOUCH), STORE(PW_TALLY_TOUCH), MODIFY(PW_TALLY_TOUCH)};
enum { AFTER_FETCH = 3 };

enum { LINE_BYTES = 64, STEPS_IN_LINE = 4 };

/* Most are whole in a line of the cache: the runs of a large program do not fit it. */
struct pw_code_run {
  uint64_t page;        /* of the first fetch */
  const struct step *more; /* n_steps, and the fetches behind the last of them; NULL: all are here */
  uint16_t n_words, n_steps;
  uint16_t accesses;    /* if all data happen and none straddle */
  uint16_t total;       /* at most, cut to base pages: no more visits either */
  uint8_t begins, ends; /* stream of the first and the last access */
  bool leaps;           /* to another page of code, maybe; else all is on that of the first step, and each but the last has data */
  struct step steps[STEPS_IN_LINE];
};
_Static_assert(sizeof(struct pw_code_run) == LINE_BYTES, "a run is to take one line of the cache");

/* Of a step, for the side columns. */
struct side {
  uint64_t fetch, data; /* address of its first fetch, and of the instruction that accesses data (0: told in another run) */
};

/* What is rarely needed of a run. */
struct pw_code_told {
  uint64_t *items;      /* n_items; behind them the pages by the number of the leap */
  struct step *steps;   /* where they do not fit the line */
  struct side *sides;   /* by step */
  uint64_t at;          /* address of the last fetch, or 0 */
  uint32_t n_items;
};

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
  struct pw_code_run run;
  struct step *steps, *step; /* step: steps[run.n_steps] */
  struct side *sides;
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
  t->step->kind = (uint8_t)(op + (t->accesses && t->run.ends ? AFTER_FETCH : 0));
  t->sides[t->run.n_steps].data = t->at;
  end_step(t);
  t->run.n_words++;
  t->accesses += op == PW_MODIFY ? 2 : 1;
  t->total += 2 * (bytes / 4096 + 2);
  t->run.ends = 0;
}

static void add_item(struct telling *t, uint64_t item)
{
  uint32_t op = PW_RING_ITEM_OP(item), bytes = item_bytes(item);
  if (t->accesses == 0) t->run.begins = op == PW_FETCH;
  if (op != PW_FETCH) {
    add_data(t, op, bytes);
    return;
  }
  uint64_t address = fetch_address(item), last = address + bytes - 1;
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
  char *lines = pw_malloc(room + 1, LINE_BYTES);
  if (!lines) return PW_ENOMEM;
  void *list = lines + (LINE_BYTES - (uintptr_t)lines % LINE_BYTES);
  if (runs->n) memcpy(list, runs->list, runs->n * LINE_BYTES);
  pw_free(runs->lines);
  runs->lines = lines;
  runs->list = list;
  runs->list_room = room;
  return 0;
}

static int keep(struct pw_runs *runs, struct telling *t, const uint64_t *items, size_t n)
{
  size_t n_steps = t->run.n_steps + 1u, n_more = n_steps > STEPS_IN_LINE ? n_steps : 0;
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
  uint64_t at;                /* address of the last fetch, for side columns only */
};

static inline struct open load_open(const struct pw_visits *v)
{
  return (struct open){v->tally, v->current[0], v->current[1], v->head, v->rows.n_visits - 1, v->stream, v->at};
}

static inline void save_open(struct pw_visits *v, const struct open *o)
{
  v->tally = o->tally;
  v->current[0] = o->data;
  v->current[1] = o->code;
  v->head = o->head;
  v->rows.n_visits = o->last + 1;
  v->stream = o->stream;
  v->at = o->at;
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

/* A run and all that belongs to it, as the functions below take it. */
struct taking {
  const struct pw_code_run *run;
  const struct pw_code_told *told;
  const struct step *steps;
  const struct pw_rows *rows;
};

static inline void add_fetches(const struct taking *t, struct open *o, uint32_t number, const bool sides)
{
  const struct step *step = &t->steps[number];
  uint64_t page = t->run->page;
  if (__builtin_expect(step->leap, 0)) page = t->told->items[t->told->n_items + step->leap];
  if (__builtin_expect(page == o->code, 1)) {
    o->tally += step->fetches;
  } else if (step->fetches) {
    t->rows->tallies[o->last] = o->tally;
    t->rows->heads[o->last] = (uint8_t)o->head;
    t->rows->keys[++o->last] = page;
    if (sides) t->rows->pc[o->last] = t->told->sides[number].fetch;
    if (sides) t->rows->offset[o->last] = t->told->sides[number].fetch & 4095;
    o->code = page;
    o->head = PW_HEAD_CODE;
    o->tally = (step->fetches & UINT16_MAX) + PW_TALLY_TOUCH;
  }
}

/* The data access of a step that stays on its page. */
static inline void add_data_at(const struct taking *t, struct open *o, uint32_t number, uint64_t address, const bool sides)
{
  const struct kind *kind = &kinds[t->steps[number].kind];
  uint64_t page = address >> PW_BASE_SHIFT, stays = 0 - (uint64_t)(page == o->data);
  t->rows->tallies[o->last] = o->tally;
  t->rows->heads[o->last] = (uint8_t)o->head;
  t->rows->keys[o->last + 1] = page; /* nothing, if it stays */
  if (sides) t->rows->pc[o->last + 1] = t->told->sides[number].data ? t->told->sides[number].data : o->at;
  if (sides) t->rows->offset[o->last + 1] = address & 4095;
  o->last += 1 + (uint32_t)stays;
  o->tally = ((o->tally + kind->adds_more) & stays) + kind->opens;
  uint32_t wrote = kind->wrote << !PW_TALLY_EARLY(o->tally);
  o->head = ((o->head ^ kind->head) & (uint32_t)stays) ^ kind->head;
  o->head |= wrote; /* one that opened has it already */
  o->data = page;
}

/* The touch by which a run goes on in the open visit, when its streams differ from that of the access before. */
static inline uint64_t first_touch(const struct taking *t, const uint64_t *addresses, const struct open *o)
{
  bool stays = t->run->begins ? t->run->page == o->code
                              : addresses[0] >> PW_BASE_SHIFT == o->data && (addresses[0] & 4095) < t->steps->before;
  return stays && t->run->begins != o->stream ? PW_TALLY_TOUCH : 0;
}

/* False: data access *done, and all behind it, are to be taken one by one. */
static inline __attribute__((always_inline)) bool take_steps(const struct taking *t, const uint64_t *addresses, struct open *o,
                                                             uint32_t *done, const bool leaps, const bool sides)
{
  const uint64_t *address = addresses;
  uint32_t n = t->run->n_steps;
  if (!leaps) add_fetches(t, o, 0, sides);
  for (uint32_t i = 0; i < n; i++) {
    const struct step *step = &t->steps[i];
    if (leaps) add_fetches(t, o, i, sides);
    if (leaps && !step->kind) continue;
    if (__builtin_expect((*address & 4095) >= step->before, 0)) {
      *done = (uint32_t)(address - addresses);
      if (step->fetches || i) o->stream = step->fetches > 0;
      if (sides && t->told->sides[i].data) o->at = t->told->sides[i].data;
      return false;
    }
    add_data_at(t, o, i, *address++, sides);
    if (!leaps) o->tally += step[1].fetches;
  }
  if (leaps) add_fetches(t, o, n, sides);
  o->stream = t->run->ends;
  if (sides && t->told->at) o->at = t->told->at;
  return true;
}

static inline __attribute__((always_inline)) bool take_at_once(const struct taking *t, const uint64_t *addresses, struct open *o, uint32_t *done, const bool sides)
{
  o->tally += first_touch(t, addresses, o);
  if (__builtin_expect(t->run->leaps, 0)) return take_steps(t, addresses, o, done, true, sides);
  return take_steps(t, addresses, o, done, false, sides);
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

/* Accesses that may be taken at once: before the next boundary of skip, warm-up and limit. */
static uint64_t budget_of(const struct pw_visits *v)
{
  return may_take_at_once(v) ? v->until : 0;
}

static inline __attribute__((always_inline)) size_t take(const struct pw_runs *runs, const uint64_t *words, size_t n,
                                                         struct pw_visits *v, uint32_t *needs, const bool sides)
{
  const struct pw_rows rows = v->rows; /* the pointers, where no store can change them */
  const struct pw_code_run *list = runs->list;
  const uint64_t *word = words, *end = words + n, n_runs = runs->n;
  struct open o = load_open(v);
  uint64_t budget = budget_of(v);
  *needs = 0;
  while (word < end && *word < n_runs) {
    const struct pw_code_run *run = &list[*word];
    const struct taking t = {run, &runs->told[*word], run->more ? run->more : run->steps, &rows};
    const uint64_t *addresses = word + 1;
    uint32_t at;
    if (run->n_words > end - addresses) break;
    if (o.last + 1 + run->total > PW_BLOCK_VISITS) {
      *needs = run->total;
      break;
    }
    word = addresses + run->n_words;
    __builtin_prefetch((const char *)list + (word < end ? *word : 0) * LINE_BYTES);
    bool at_once = budget > run->total && (!(o.tally & HALF_FULL) || !may_fill_up(o.tally, run->total));
    if (__builtin_expect(at_once, 1)) {
      budget -= run->accesses;
      if (__builtin_expect(take_at_once(&t, addresses, &o, &at, sides), 1)) continue;
    }
    if (budget) v->until = budget;
    save_open(v, &o);
    if (at_once) take_rest(run, t.told, addresses, v, at);
    else take_slowly(t.told, addresses, v);
    if (pw_visits_full(v)) return (size_t)(word - words);
    o = load_open(v);
    budget = budget_of(v);
  }
  if (budget) v->until = budget;
  save_open(v, &o);
  return (size_t)(word - words);
}

static __attribute__((noinline)) size_t take_with_sides(const struct pw_runs *runs, const uint64_t *words, size_t n,
                                                        struct pw_visits *v, uint32_t *needs)
{
  return take(runs, words, n, v, needs, true);
}

size_t pw_runs_take(const struct pw_runs *runs, const uint64_t *words, size_t n, struct pw_visits *v, uint32_t *needs)
{
  return runs->sides ? take_with_sides(runs, words, n, v, needs) : take(runs, words, n, v, needs, false);
}

void pw_runs_take_cut(const struct pw_runs *runs, const uint64_t *words, size_t n, uint64_t address, struct pw_visits *v,
                      uint32_t *needs)
{
  *needs = 0;
  if (n == 0 || words[0] >= runs->n || runs->list[words[0]].n_words > n - 1) return;
  struct pw_code_told part = runs->told[words[0]];
  uint32_t at = 0;
  while (at < part.n_items && (PW_RING_ITEM_OP(part.items[at]) != PW_FETCH || fetch_address(part.items[at]) != address)) at++;
  if (at == part.n_items) return; /* another fault, and old words */
  if (pw_visits_room(v, runs->list[words[0]].total)) {
    *needs = runs->list[words[0]].total;
    return;
  }
  part.n_items = at + 1;
  take_each(&part, words + 1, v, 0);
}
