/* A naive machine for traces with events: TLBs over a finite or unlimited memory, page tables, mappings.
 *
 * It looks at every access and keeps sets as plain lists that it searches from end to end: what is mapped is
 * the newest event over a page, a table exists when it is in the list, LRU is a list moved by hand. It shares
 * nothing with the library but the meaning of the numbers. */
#ifndef NAIVE_MACHINE_H
#define NAIVE_MACHINE_H

#include "tracekit.h"

enum { MAX_PAGES = 512, MAX_OPS = 4000, MAX_PROCESSES = 12, MAX_RANGES = 600 };

/* ---- a trace: accesses and events in one list ---- */

struct op {
  bool event;
  uint32_t op, process; /* access */
  uint64_t page;
  struct pw_event e;
};

struct script {
  size_t n;
  struct op list[MAX_OPS];
};

struct set {
  size_t n;
  uint64_t key[MAX_PAGES];
  bool dirty[MAX_PAGES];
};

static inline bool has(const struct set *s, uint64_t key, size_t *at)
{
  for (*at = 0; *at < s->n; ++*at)
    if (s->key[*at] == key) return true;
  return false;
}

static inline void take_out(struct set *s, size_t at)
{
  s->n--;
  memmove(s->key + at, s->key + at + 1, (s->n - at) * sizeof *s->key);
  memmove(s->dirty + at, s->dirty + at + 1, (s->n - at) * sizeof *s->dirty);
}

static inline void put_first(struct set *s, uint64_t key, bool dirty)
{
  assert_true(s->n < MAX_PAGES);
  memmove(s->key + 1, s->key, s->n * sizeof *s->key);
  memmove(s->dirty + 1, s->dirty, s->n * sizeof *s->dirty);
  s->key[0] = key;
  s->dirty[0] = dirty;
  s->n++;
}

static inline void put_last(struct set *s, uint64_t key)
{
  assert_true(s->n < MAX_PAGES);
  s->key[s->n++] = key;
}

static inline void drop_key(struct set *s, uint64_t key)
{
  size_t at;
  if (has(s, key, &at)) take_out(s, at);
}

struct tlb {
  uint32_t entries, ways; /* one list of keys in LRU order; a set is a subset of it */
  struct set list;
};

struct range {
  uint32_t process;
  bool mapped;
  uint64_t first, last; /* 4 KiB pages; an exec or exit covers all */
};

struct machine {
  unsigned shift;            /* over 4 KiB */
  bool asid;
  uint64_t frames;           /* 0 = unlimited */
  int policy;                /* of memory: index in the library's list */
  unsigned n_spans, span[4]; /* log2 of the bytes under a table, by level below the root */
  uint64_t table_bytes, root_bytes;
  /* state */
  struct set present, memory, tables;
  struct { uint64_t key; bool used, dirty, referenced; } frame[MAX_PAGES];
  uint64_t hand;
  struct tlb itlb, dtlb, stlb;
  size_t n_ranges;
  struct range range[MAX_RANGES];
  bool known;                /* a map event was seen */
  uint32_t process, n_processes;
  uint64_t roots;
  const struct script *script;
  size_t at;                 /* in the script */
  struct pw_result r;
};

static inline bool tlb_misses(struct tlb *t, uint64_t key)
{
  uint64_t sets = t->entries / t->ways, in_set = 0;
  size_t at;
  if (has(&t->list, key, &at)) {
    take_out(&t->list, at);
    put_first(&t->list, key, false);
    return false;
  }
  put_first(&t->list, key, false);
  for (at = 0; at < t->list.n; at++) {
    if ((t->list.key[at] & PW_PAGE_MASK) % sets != (key & PW_PAGE_MASK) % sets) continue;
    if (++in_set > t->ways) take_out(&t->list, at--);
  }
  return true;
}

static inline void leave_tlbs(struct machine *m, uint64_t key)
{
  drop_key(&m->itlb.list, key);
  drop_key(&m->dtlb.list, key);
  drop_key(&m->stlb.list, key);
}

static inline bool page_is_mapped(const struct machine *m, uint32_t process, uint64_t page)
{
  for (size_t i = m->n_ranges; i-- > 0;)
    if (m->range[i].process == process && m->range[i].first <= page && page <= m->range[i].last) return m->range[i].mapped;
  return false;
}

/* Is any of the pages first … last mapped? It changes only at the ends of ranges. */
static inline bool any_mapped(const struct machine *m, uint32_t process, uint64_t first, uint64_t last)
{
  if (page_is_mapped(m, process, first)) return true;
  for (size_t i = 0; i < m->n_ranges; i++) {
    if (m->range[i].process != process) continue;
    uint64_t ends[2] = {m->range[i].first, m->range[i].last + 1};
    for (int k = 0; k < 2; k++)
      if (ends[k] >= first && ends[k] <= last && page_is_mapped(m, process, ends[k])) return true;
  }
  return false;
}

static inline void note_table_peak(struct machine *m)
{
  uint64_t bytes = m->roots * m->root_bytes + m->tables.n * m->table_bytes;
  if (bytes > m->r.table_bytes) m->r.table_bytes = bytes;
}

/* A table's key: its span in the process bits' place would collide, so both go side by side. */
static inline uint64_t table_key(uint64_t page_key, unsigned shift, unsigned span)
{
  uint64_t address = (page_key & PW_PAGE_MASK) << shift << 12;
  return (page_key & ~PW_PAGE_MASK) | (uint64_t)span << 46 | address >> span;
}

static inline void make_tables(struct machine *m, uint64_t key)
{
  size_t at;
  for (unsigned i = 0; i < m->n_spans; i++) {
    uint64_t table = table_key(key, m->shift, m->span[i]);
    if (!has(&m->tables, table, &at)) put_last(&m->tables, table);
  }
  note_table_peak(m);
}

/* The next access to the page, for opt. */
static inline size_t next_use(const struct machine *m, uint64_t key)
{
  for (size_t i = m->at + 1; i < m->script->n; i++) {
    const struct op *o = &m->script->list[i];
    if (!o->event && ((uint64_t)o->process << 52 | o->page >> m->shift) == key) return i;
  }
  return SIZE_MAX;
}

/* The page that leaves for another; clock's hand stays at its frame. */
static inline uint64_t choose_victim(struct machine *m)
{
  if (m->policy == 2) { /* clock */
    for (;; m->hand = (m->hand + 1) % m->frames) {
      if (!m->frame[m->hand].referenced) break;
      m->frame[m->hand].referenced = false;
    }
    return m->frame[m->hand].key;
  }
  if (m->policy != 4) return m->memory.key[m->memory.n - 1]; /* lru, fifo: the last */
  uint64_t best = m->memory.key[0];
  for (size_t i = 1; i < m->memory.n; i++) {
    uint64_t key = m->memory.key[i];
    size_t a = next_use(m, key), b = next_use(m, best);
    if (a > b || (a == b && key < best)) best = key;
  }
  return best;
}

/* Clock keeps pages in frames: the lowest free one, else the victim's. */
static inline void place_in_frame(struct machine *m, uint64_t key, bool evicted)
{
  uint64_t frame = 0;
  if (evicted) {
    frame = m->hand;
    m->hand = (m->hand + 1) % m->frames;
  } else {
    while (m->frame[frame].used) frame++;
  }
  m->frame[frame].key = key;
  m->frame[frame].used = m->frame[frame].referenced = true;
}

static inline void free_frame_of(struct machine *m, uint64_t key)
{
  for (uint64_t f = 0; m->policy == 2 && f < m->frames; f++)
    if (m->frame[f].used && m->frame[f].key == key) m->frame[f].used = false;
}

static inline void touch_memory(struct machine *m, uint64_t key, bool store)
{
  size_t at;
  if (has(&m->memory, key, &at)) {
    bool dirty = m->memory.dirty[at] || store;
    m->memory.dirty[at] = dirty;
    for (uint64_t f = 0; m->policy == 2 && f < m->frames; f++)
      if (m->frame[f].used && m->frame[f].key == key) m->frame[f].referenced = true;
    if (m->policy == 0) { /* lru */
      take_out(&m->memory, at);
      put_first(&m->memory, key, dirty);
    }
    return;
  }
  bool evicted = m->memory.n == m->frames;
  if (evicted) {
    uint64_t victim = choose_victim(m);
    assert_true(has(&m->memory, victim, &at));
    m->r.swap_outs += m->memory.dirty[at];
    take_out(&m->memory, at);
    leave_tlbs(m, victim);
  }
  if (m->policy == 2) place_in_frame(m, key, evicted);
  put_first(&m->memory, key, store);
  if (!has(&m->present, key, &at)) return;
  m->r.major_faults++;
}

static inline void do_access(struct machine *m, const struct op *o)
{
  uint64_t key = (uint64_t)o->process << 52 | o->page >> m->shift;
  size_t at;
  if (m->frames) touch_memory(m, key, o->op == PW_STORE);
  if (!has(&m->present, key, &at)) {
    put_last(&m->present, key);
    m->r.minor_faults++;
    make_tables(m, key);
  }
  uint64_t resident = m->frames ? m->memory.n : m->present.n;
  if (resident << m->shift << 12 > m->r.resident_bytes) m->r.resident_bytes = resident << m->shift << 12;
  if (m->present.n << m->shift << 12 > m->r.touched_bytes) m->r.touched_bytes = m->present.n << m->shift << 12;
  bool code = o->op == PW_FETCH;
  if (!tlb_misses(code ? &m->itlb : &m->dtlb, key)) return;
  if (code) m->r.itlb_misses++;
  else m->r.dtlb_misses++;
  m->r.stlb_lookups++;
  if (tlb_misses(&m->stlb, key)) m->r.stlb_misses++;
}

/* Pages first … last (4 KiB) of the process that runs are gone. */
static inline void unmap(struct machine *m, uint64_t first, uint64_t last)
{
  assert_true(m->n_ranges < MAX_RANGES);
  m->range[m->n_ranges++] = (struct range){m->process, false, first, last};
  for (size_t i = 0; i < m->present.n; i++) {
    uint64_t key = m->present.key[i], low = (key & PW_PAGE_MASK) << m->shift, high = low + (UINT64_C(1) << m->shift) - 1;
    if (key >> 52 != m->process || high < first || low > last) continue;
    bool stays = m->known ? any_mapped(m, m->process, low, high) : low < first || high > last;
    if (stays) continue;
    take_out(&m->present, i--);
    drop_key(&m->memory, key);
    free_frame_of(m, key);
    leave_tlbs(m, key);
  }
  for (size_t i = 0; i < m->tables.n; i++) {
    uint64_t key = m->tables.key[i];
    unsigned span = (unsigned)(key >> 46 & 63);
    uint64_t low = (key & ((UINT64_C(1) << 46) - 1)) << (span - 12), high = low + (UINT64_C(1) << (span - 12)) - 1;
    if (key >> 52 != m->process || high < first || low > last) continue;
    bool stays = m->known && any_mapped(m, m->process, low, high);
    for (size_t k = 0; k < m->present.n; k++) stays |= table_key(m->present.key[k], m->shift, span) == key;
    if (!stays) take_out(&m->tables, i--);
  }
}

static inline void flush(struct machine *m)
{
  m->itlb.list.n = m->dtlb.list.n = m->stlb.list.n = 0;
}

static inline void appear(struct machine *m, uint64_t process)
{
  if (process != m->n_processes) return;
  m->n_processes++;
  m->roots++;
  note_table_peak(m);
}

static inline void do_event(struct machine *m, const struct pw_event *e)
{
  uint64_t first = e->a >> 12, last = (e->a + e->b - 1) >> 12;
  switch (e->kind) {
    case PW_EVENT_PROCESS:
      appear(m, e->b);
      if (!m->asid && m->process != e->b) flush(m);
      m->process = (uint32_t)e->b;
      break;
    case PW_EVENT_FORK: appear(m, e->b); break;
    case PW_EVENT_MAP:
      m->known = true;
      assert_true(m->n_ranges < MAX_RANGES);
      m->range[m->n_ranges++] = (struct range){m->process, true, first, last};
      break;
    case PW_EVENT_UNMAP: unmap(m, first, last); break;
    case PW_EVENT_EXIT:
      m->roots--;
      unmap(m, 0, PW_PAGE_MASK);
      break;
    case PW_EVENT_EXEC: unmap(m, 0, PW_PAGE_MASK); break;
    default: break;
  }
}

static inline void run_naive(struct machine *m, const struct script *s)
{
  m->script = s;
  appear(m, 0);
  for (m->at = 0; m->at < s->n; m->at++) {
    if (s->list[m->at].event) do_event(m, &s->list[m->at].e);
    else do_access(m, &s->list[m->at]);
  }
}

#endif
