/* Takes runs of instructions with their data: their expansion to visits.
 *
 * Algorithm: a step takes one addition when its pages are the current ones, and the test for a new data
 * page needs no branch: the open visit is always stored, and the next one starts at the place
 * behind it or at the same.
 *
 * Whatever does not fit this goes access by access: straddling data, a guarded access that did
 * not happen, counters about to fill up, the edges of skip and limit, and the first runs of a block.
 *
 * The words lie where the program that is recorded can write at any time: each is read once, and what was read is checked.
 *
 * Cost: some 3 ns for a data access with the fetches before it, on the current page or not. */
#include "record/code_run.h"
#include "record/code_runs.h"

#define HALF_FULL UINT64_C(0x8000800080008000)

/* What a data access adds to its visit, and what the visit that it opens has. */
static const struct pw_run_kind {
  uint64_t opens, adds_more; /* adds_more: what it adds minus what it opens with */
  uint32_t head, wrote;      /* wrote: in the data page's first touch, or nothing */
} kinds[] = {
#define KIND(tally, touch, head, wrote) {(tally) + PW_TALLY_TOUCH, (touch) - PW_TALLY_TOUCH, head, wrote}
#define LOAD(touch) KIND(PW_TALLY(PW_LOAD), touch, 0, 0)
#define STORE(touch) KIND(PW_TALLY(PW_STORE), touch, PW_HEAD_STORE_FIRST | PW_HEAD_WROTE_1, PW_HEAD_WROTE_1)
#define MODIFY(touch) KIND(PW_TALLY(PW_LOAD) + PW_TALLY(PW_STORE), touch, PW_HEAD_STORE_FIRST | PW_HEAD_WROTE_1, PW_HEAD_WROTE_1)
    {0}, LOAD(0), STORE(0), MODIFY(0), LOAD(PW_TALLY_TOUCH), STORE(PW_TALLY_TOUCH), MODIFY(PW_TALLY_TOUCH)};
_Static_assert(sizeof *kinds == PW_RUN_KIND_BYTES, "steps name kinds by their place");

/* A word as it is now. */
static inline uint64_t read_word(const uint64_t *word)
{
  return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* ---- access by access ---- */

/* The items of a run from number `from` on, where the first of the addresses is used. */
static void take_each(const struct pw_code_told *run, const uint64_t *addresses, struct pw_visits *v, uint32_t from)
{
  for (uint32_t i = from; i < run->n_items; i++) {
    uint64_t item = run->items[i];
    uint32_t op = PW_RING_ITEM_OP(item);
    uint64_t address = op == PW_FETCH ? pw_run_fetch_address(item) : read_word(addresses++);
    if (address != PW_RING_NOTHING) pw_visits_take(v, address, pw_run_item_bytes(item), op);
  }
}

/* Where data access number `data` stands among the items, and the accesses before it if none straddled and all happened. */
static uint32_t find_data(const struct pw_code_told *run, uint32_t data, uint32_t *done)
{
  uint32_t n = 0;
  *done = 0;
  for (uint32_t i = 0;; i++) {
    uint64_t item = run->items[i], address = pw_run_fetch_address(item);
    uint32_t op = PW_RING_ITEM_OP(item);
    if (op != PW_FETCH && n++ == data) return i;
    bool two = op == PW_MODIFY || (op == PW_FETCH && (address & 4095) + pw_run_item_bytes(item) > 4096);
    *done += two ? 2 : 1;
  }
}

/* ---- at once ---- */

/* The open visit, in registers. */
struct open {
  uint64_t tally, data, code; /* pages are those of process index 0, so keys */
  uint32_t head, stream;
  uint64_t last;              /* its place */
  uint64_t at;                /* address of the last fetch, for side columns only */
};

static inline struct open load_open(const struct pw_visits *v)
{
  return (struct open){v->tally, v->current[0], v->current[1], v->head, v->stream, (uint64_t)v->rows.n_visits - 1, v->at};
}

static inline void save_open(struct pw_visits *v, const struct open *o)
{
  v->tally = o->tally;
  v->current[0] = o->data;
  v->current[1] = o->code;
  v->head = o->head;
  v->rows.n_visits = (uint32_t)(o->last + 1);
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
struct run_taking {
  const struct pw_code_run *run;
  const struct pw_code_told *told;
  const struct pw_run_step *steps;
  const struct pw_rows *rows;
};

static inline void open_code(const struct run_taking *t, struct open *o, uint32_t number, uint64_t page, const bool sides)
{
  uint32_t n = t->steps[number].fetches & UINT16_MAX;
  if (n == 0) return; /* the run begins with data */
  t->rows->tallies[o->last] = o->tally;
  t->rows->heads[o->last] = (uint8_t)o->head;
  t->rows->keys[++o->last] = page;
  if (sides) t->rows->pc[o->last] = t->told->sides[number].fetch;
  if (sides) t->rows->offset[o->last] = t->told->sides[number].fetch & 4095;
  o->code = page;
  o->head = PW_HEAD_CODE;
  o->tally = n + PW_TALLY_TOUCH;
}

static inline void add_fetches(const struct run_taking *t, struct open *o, uint32_t number, const bool sides)
{
  const struct pw_run_step *step = &t->steps[number];
  uint64_t page = step->leap ? t->told->items[t->told->n_items + step->leap] : t->run->page;
  if (page == o->code) o->tally += step->fetches;
  else open_code(t, o, number, page, sides);
}

/* The data access of a step that stays on its page. */
static inline void add_data_at(const struct run_taking *t, struct open *o, uint32_t number, uint64_t address, const bool sides)
{
  const struct pw_run_kind *kind = (const struct pw_run_kind *)(const void *)((const char *)kinds + t->steps[number].kind);
  uint64_t page = address >> PW_BASE_SHIFT, stays = 0 - (uint64_t)(page == o->data);
  t->rows->tallies[o->last] = o->tally;
  t->rows->heads[o->last] = (uint8_t)o->head;
  t->rows->keys[o->last + 1] = page; /* nothing, if it stays */
  if (sides) t->rows->pc[o->last + 1] = t->told->sides[number].data ? t->told->sides[number].data : o->at;
  if (sides) t->rows->offset[o->last + 1] = address & 4095;
  o->last += 1 + stays;
  o->tally = ((o->tally + kind->adds_more) & stays) + kind->opens;
  uint32_t wrote = kind->wrote << !PW_TALLY_EARLY(o->tally);
  o->head = ((o->head ^ kind->head) & (uint32_t)stays) ^ kind->head;
  o->head |= wrote; /* one that opened has it already */
  o->data = page;
}

/* The touch by which a run goes on in the open visit, when its streams differ from that of the access before. */
static inline uint64_t first_touch(const struct run_taking *t, const uint64_t *addresses, const struct open *o)
{
  uint64_t first = t->run->begins ? 0 : read_word(addresses);
  bool stays = t->run->begins ? t->run->page == o->code : first >> PW_BASE_SHIFT == o->data && (first & 4095) < t->steps->before;
  return stays && t->run->begins != o->stream ? PW_TALLY_TOUCH : 0;
}

/* False: data access *done, and all behind it, are to be taken one by one. */
static inline __attribute__((always_inline)) bool take_steps(const struct run_taking *t, const uint64_t *addresses,
                                                             struct open *o,
                                                             uint32_t *done, const bool leaps, const bool sides)
{
  const uint64_t *address = addresses;
  uint32_t n = t->run->n_steps;
  if (!leaps && t->run->page == o->code) o->tally += t->steps[0].fetches;
  else if (!leaps) open_code(t, o, 0, t->run->page, sides);
  for (uint32_t i = 0; i < n; i++) {
    const struct pw_run_step *step = &t->steps[i];
    if (leaps) add_fetches(t, o, i, sides);
    if (leaps && !step->kind) continue;
    uint64_t at = read_word(address);
    if (__builtin_expect((at & 4095) >= step->before, 0)) {
      *done = (uint32_t)(address - addresses);
      if (step->fetches || i) o->stream = step->fetches > 0;
      if (sides && t->told->sides[i].data) o->at = t->told->sides[i].data;
      return false;
    }
    address++;
    add_data_at(t, o, i, at, sides);
    if (!leaps) o->tally += step[1].fetches;
  }
  if (leaps) add_fetches(t, o, n, sides);
  o->stream = t->run->ends;
  if (sides && t->told->at) o->at = t->told->at;
  return true;
}

static inline __attribute__((always_inline)) bool take_at_once(const struct run_taking *t, const uint64_t *addresses,
                                                               struct open *o,
                                                               uint32_t *done, const bool sides)
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
  while (word < end) {
    uint64_t number = read_word(word);
    if (number >= n_runs) break;
    const struct pw_code_run *run = &list[number];
    const struct run_taking t = {run, &runs->told[number], run->more ? run->more : run->steps, &rows};
    const uint64_t *addresses = word + 1;
    uint32_t at;
    if (run->n_words > end - addresses) break;
    if (o.last + 1 + run->total > PW_BLOCK_VISITS) {
      *needs = run->total;
      break;
    }
    word = addresses + run->n_words;
    /* the word is not checked yet, and may be no run: an address from it is only a number */
    __builtin_prefetch((const void *)((uintptr_t)list + (word < end ? read_word(word) : 0) * PW_RUN_LINE_BYTES));
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
  uint64_t number = n ? read_word(words) : runs->n;
  if (number >= runs->n || runs->list[number].n_words > n - 1) return;
  struct pw_code_told part = runs->told[number];
  uint32_t at = 0;
  while (at < part.n_items && (PW_RING_ITEM_OP(part.items[at]) != PW_FETCH || pw_run_fetch_address(part.items[at]) != address))
    at++;
  if (at == part.n_items) return; /* another fault, and old words */
  if (pw_visits_room(v, runs->list[number].total)) {
    *needs = runs->list[number].total;
    return;
  }
  part.n_items = at + 1;
  take_each(&part, words + 1, v, 0);
}
