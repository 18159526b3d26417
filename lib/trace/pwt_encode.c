/* Codes the columns of a block for a .pwt: docs/trace-format.md says how they look.
 *
 * Page indices are stored as differences within their stream (code, data), zigzag, in two byte
 * planes: sequential scans become runs that zstd folds away.
 *
 * Flags and counts come from loops of the program, so a block of 64 Ki visits has some 50 to 300
 * different rows of them. They are told once, and each visit by its number: a third of the bytes, and of the
 * time that zstd takes, of flags and counts in columns. */
#include "trace/pwt_encode.h"

#include "base/alloc.h"
#include "base/block.h"

enum { FEW_BITS = 11, MOST_BITS = 17, RECENT_BITS = 10, RECENT = 1 << RECENT_BITS };

struct kind {
  uint64_t counts; /* fetches, touches, loads, stores */
  uint32_t mark;   /* the block's, above the flags */
  uint32_t number; /* in order of appearance */
};

struct pwt_kinds {
  struct kind slots[1 << MOST_BITS]; /* open addressing; those with another mark are free */
  unsigned bits;                    /* of the slots in use: as few as do, to stay in the cache */
  struct kind list[PW_BLOCK_VISITS]; /* by number */
  uint64_t counts[PW_BLOCK_VISITS]; /* by visit */
  uint16_t number[PW_BLOCK_VISITS];
  uint32_t visits[PW_BLOCK_VISITS]; /* by number, where rows are put */
  struct { uint64_t tally; uint32_t head, number; } recent[RECENT]; /* kinds of rows, in front of the slots */
  uint32_t n, mark;
};

struct pwt_kinds *pwt_kinds_create(void)
{
  return pw_calloc(1, sizeof(struct pwt_kinds));
}

void pwt_kinds_destroy(struct pwt_kinds *kinds)
{
  pw_free(kinds);
}

/* All slots are free again. */
static void next_mark(struct pwt_kinds *k)
{
  k->mark += 1 << 8;
  if (k->mark) return;
  for (size_t i = 0; i < sizeof k->slots / sizeof *k->slots; i++) k->slots[i].mark = 0;
  k->mark = 1 << 8;
}

static inline struct kind *home(struct pwt_kinds *k, uint64_t counts, uint32_t flags)
{
  return &k->slots[(counts ^ (uint64_t)flags << 8) * UINT64_C(0x9E3779B97F4A7C15) >> (64 - k->bits)];
}

/* The slot of a kind, or the free one for it. */
static struct kind *find_slot(struct pwt_kinds *k, uint64_t counts, uint32_t flags)
{
  struct kind *slot = home(k, counts, flags), *end = k->slots + ((size_t)1 << k->bits);
  while (slot->mark >> 8 == k->mark >> 8 && (slot->counts != counts || slot->mark != (k->mark | flags)))
    if (++slot == end) slot = k->slots;
  return slot;
}

static void double_slots(struct pwt_kinds *k)
{
  k->bits++;
  next_mark(k);
  for (uint32_t i = 0; i < k->n; i++) {
    uint32_t flags = k->list[i].mark & UINT8_MAX;
    *find_slot(k, k->list[i].counts, flags) = (struct kind){k->list[i].counts, k->mark | flags, i};
  }
}

/* The number of a kind that is not at its home. */
static __attribute__((noinline)) uint32_t find_number(struct pwt_kinds *k, uint64_t counts, uint32_t flags)
{
  struct kind *slot = find_slot(k, counts, flags);
  if (slot->counts == counts && slot->mark == (k->mark | flags)) return slot->number;
  *slot = k->list[k->n] = (struct kind){counts, k->mark | flags, k->n};
  if (++k->n > 1u << (k->bits - 1)) double_slots(k);
  return k->n - 1;
}

static void start(struct pwt_kinds *k)
{
  k->n = 0;
  k->bits = FEW_BITS;
  next_mark(k);
}

unsigned char *pwt_put_kinds(unsigned char *to, struct pwt_kinds *k, const struct pw_block *b)
{
  start(k);
  for (uint32_t i = 0; i < b->n_visits; i++)
    k->counts[i] = b->fetches[i] | (uint64_t)b->touches[i] << 16 | (uint64_t)b->loads[i] << 32 | (uint64_t)b->stores[i] << 48;
  for (uint32_t i = 0; i < b->n_visits; i++) {
    uint64_t counts = k->counts[i];
    uint32_t flags = b->flags[i];
    const struct kind *slot = home(k, counts, flags);
    bool found = slot->counts == counts && slot->mark == (k->mark | flags);
    k->number[i] = (uint16_t)(found ? slot->number : find_number(k, counts, flags));
    to[i] = (unsigned char)k->number[i];
  }
  return to + b->n_visits;
}

static void add_totals(const struct pwt_kinds *k, struct pw_totals *totals)
{
  for (uint32_t i = 0; i < k->n; i++) {
    uint64_t counts = k->list[i].counts, n = k->visits[i];
    totals->fetches += n * (counts & UINT16_MAX);
    totals->loads += n * (counts >> 32 & UINT16_MAX);
    totals->stores += n * (counts >> 48);
  }
}

/* A row's tally is a kind's counts, but several heads may come to the same flags. */
unsigned char *pwt_put_kinds_of_rows(unsigned char *to, struct pwt_kinds *k, const struct pw_rows *rows, struct pw_totals *totals)
{
  start(k);
  for (size_t i = 0; i < RECENT; i++) k->recent[i].tally = 0; /* no visit has that */
  for (uint32_t i = 0; i < rows->n_visits; i++) {
    uint64_t tally = rows->tallies[i];
    uint32_t head = rows->heads[i], n = k->n;
    size_t at = (size_t)((tally ^ (uint64_t)head << 8) * UINT64_C(0x9E3779B97F4A7C15) >> (64 - RECENT_BITS));
    if (k->recent[at].tally != tally || k->recent[at].head != head) {
      k->recent[at].tally = tally;
      k->recent[at].head = head;
      k->recent[at].number = find_number(k, tally, pw_head_flags(head, tally >> 16 & UINT16_MAX));
      if (k->n > n) k->visits[n] = 0;
    }
    uint32_t number = k->recent[at].number;
    k->visits[number]++;
    k->number[i] = (uint16_t)number;
    to[i] = (unsigned char)number;
  }
  add_totals(k, totals);
  return to + rows->n_visits;
}

unsigned char *pwt_put_kind_table(unsigned char *to, const struct pwt_kinds *k, uint32_t n_visits)
{
  to = pwt_put_leb(to, k->n);
  for (uint32_t i = 0; i < k->n; i++) {
    uint64_t counts = k->list[i].counts;
    uint8_t flags = (uint8_t)k->list[i].mark;
    *to++ = flags;
    to = pwt_put_leb(to, counts & UINT16_MAX);
    to = pwt_put_leb(to, counts >> 32 & UINT16_MAX);
    to = pwt_put_leb(to, counts >> 48);
    to = pwt_put_leb(to, (uint16_t)(((counts >> 16 & UINT16_MAX) - pw_visit_touches(flags)) / 2));
  }
  for (uint32_t i = 0; k->n > 256 && i < n_visits; i++) *to++ = (unsigned char)(k->number[i] >> 8);
  return to;
}

unsigned char *pwt_put_pages(unsigned char *to, const struct pw_block *b)
{
  unsigned char *low = to, *high = low + b->n_visits;
  uint16_t last_data = 0, last_code = 0;
  for (uint32_t i = 0; i < b->n_visits; i++) {
    bool code = b->flags[i] & PW_VISIT_CODE;
    uint16_t page = b->page[i];
    int16_t step = (int16_t)(uint16_t)(page - (code ? last_code : last_data));
    uint16_t zigzag = (uint16_t)((uint16_t)step << 1 ^ (uint16_t)(step >> 15));
    last_code = code ? page : last_code;
    last_data = code ? last_data : page;
    low[i] = (unsigned char)zigzag;
    high[i] = (unsigned char)(zigzag >> 8);
  }
  return high + b->n_visits;
}

/* Offsets in two planes, then how far each data visit's instruction is from the visit before. */
unsigned char *pwt_put_sides(unsigned char *to, const struct pw_block *b)
{
  unsigned char *low = to, *high = low + b->n_visits, *p = high + b->n_visits;
  uint64_t last = 0;
  for (uint32_t i = 0; i < b->n_visits; i++) {
    low[i] = (unsigned char)b->offset[i];
    high[i] = (unsigned char)(b->offset[i] >> 8);
    if (b->flags[i] & PW_VISIT_CODE) {
      last = (b->pages[b->page[i]] & PW_PAGE_MASK) << PW_BASE_SHIFT | b->offset[i];
      continue;
    }
    uint64_t step = b->pc[i] - last;
    p = pwt_put_leb(p, step << 1 ^ (0 - (step >> 63)));
    last = b->pc[i];
  }
  return p;
}
