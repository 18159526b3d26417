/* A naive machine for traces with events: TLBs over a finite or unlimited memory, page tables, mappings.
 *
 * It looks at every access and keeps sets as plain lists that it searches from end to end: what is mapped is
 * the newest event over a page, a table exists when it is in the list, LRU is a list moved by hand. It shares
 * nothing with the library but the meaning of the numbers. */
#ifndef NAIVE_MACHINE_H
#define NAIVE_MACHINE_H

#include "tracekit.h"

enum { MAX_PAGES = 2048, MAX_OPS = 6000, MAX_PROCESSES = 12, MAX_RANGES = 4000 };

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
  uint32_t entries, ways; /* entries 0: there is none; one list of keys in LRU order; a set is a subset of it */
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
  struct set quiet;          /* of the present pages, those that a fork gave and nobody touched */
  size_t n_shared;
  struct { uint64_t key, frame; } shared[MAX_PAGES]; /* present pages whose frame has several */
  uint64_t n_frames;         /* that ever were shared: the next number */
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
  uint64_t kernel_page;      /* the one that the kernel touches now */
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

/* The 4 KiB pages that it spans. */
static inline uint64_t table_first(uint64_t table)
{
  return (table & ((UINT64_C(1) << 46) - 1)) << ((table >> 46 & 63) - 12);
}

static inline uint64_t table_last(uint64_t table)
{
  return table_first(table) + (UINT64_C(1) << ((table >> 46 & 63) - 12)) - 1;
}

/* Is anything of it mapped, or any page or table under it there? */
static inline bool table_is_used(const struct machine *m, uint64_t table)
{
  unsigned span = (unsigned)(table >> 46 & 63);
  if (m->known && any_mapped(m, (uint32_t)(table >> 52), table_first(table), table_last(table))) return true;
  for (size_t i = 0; i < m->present.n; i++)
    if (table_key(m->present.key[i], m->shift, span) == table) return true;
  for (size_t i = 0; i < m->tables.n; i++) {
    uint64_t other = m->tables.key[i];
    if (other >> 52 == table >> 52 && (other >> 46 & 63) < span && table_first(other) >= table_first(table) &&
        table_last(other) <= table_last(table))
      return true;
  }
  return false;
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

/* The next access to the page after `at`, the kernel's included, for opt. An event counts once for each
 * 4 KiB page, since its pages come one after another; *page is the one. */
static inline size_t next_use(const struct machine *m, uint64_t key, uint64_t *page)
{
  uint32_t process = m->process;
  *page = 0;
  for (size_t i = m->at; i < m->script->n; i++) {
    const struct op *o = &m->script->list[i];
    if (!o->event) {
      if (i > m->at && ((uint64_t)o->process << 52 | o->page >> m->shift) == key) return i;
      continue;
    }
    if (o->e.kind == PW_EVENT_PROCESS) process = (uint32_t)o->e.b;
    if ((o->e.kind != PW_EVENT_KERNEL_READ && o->e.kind != PW_EVENT_KERNEL_WRITE) || o->e.b == 0) continue;
    uint64_t first = o->e.a >> 12 >> m->shift, last = (o->e.a + o->e.b - 1) >> 12 >> m->shift;
    if (i == m->at) first = m->kernel_page + 1; /* the ones before were touched already */
    *page = key & PW_PAGE_MASK;
    if (key >> 52 == process && first <= *page && *page <= last) return i;
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
    uint64_t key = m->memory.key[i], page_a, page_b;
    size_t a = next_use(m, key, &page_a), b = next_use(m, best, &page_b);
    bool never = a == SIZE_MAX;
    if (a > b || (a == b && (never ? key < best : page_a > page_b))) best = key;
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
  if (!has(&m->present, key, &at) || has(&m->quiet, key, &at)) return;
  m->r.major_faults++;
}

/* Where the page stands among those that share a frame, and how many others share it; n_shared: nowhere. */
static inline size_t find_shared(const struct machine *m, uint64_t key, size_t *others)
{
  size_t at = 0;
  *others = 0;
  while (at < m->n_shared && m->shared[at].key != key) at++;
  for (size_t i = 0; at < m->n_shared && i < m->n_shared; i++) *others += i != at && m->shared[i].frame == m->shared[at].frame;
  return at;
}

/* True when others go on with the frame. */
static inline bool share_no_more(struct machine *m, uint64_t key)
{
  size_t others, at = find_shared(m, key, &others);
  if (at < m->n_shared) m->shared[at] = m->shared[--m->n_shared];
  return others > 0;
}

/* Frames with unlimited memory: each shared one counts once. */
static inline uint64_t count_frames(const struct machine *m)
{
  uint64_t n = m->present.n;
  for (size_t i = 0; i < m->n_shared; i++)
    for (size_t k = 0; k < i; k++)
      if (m->shared[k].frame == m->shared[i].frame) {
        n--; /* not the first of its frame */
        break;
      }
  return n;
}

static inline void note_frames(struct machine *m)
{
  uint64_t frames = count_frames(m), resident = m->frames ? m->memory.n : frames;
  if (resident << m->shift << 12 > m->r.resident_bytes) m->r.resident_bytes = resident << m->shift << 12;
  if (frames << m->shift << 12 > m->r.touched_bytes) m->r.touched_bytes = frames << m->shift << 12;
}

/* What a touch does but for the TLBs. */
static inline void touch_page(struct machine *m, uint64_t key, bool store)
{
  size_t at;
  if (m->frames) touch_memory(m, key, store);
  if (!has(&m->present, key, &at)) {
    put_last(&m->present, key);
    m->r.minor_faults++;
    make_tables(m, key);
  }
  drop_key(&m->quiet, key);
  if (store && share_no_more(m, key)) m->r.minor_faults++;
  note_frames(m);
}

static inline void do_access(struct machine *m, const struct op *o)
{
  uint64_t key = (uint64_t)o->process << 52 | o->page >> m->shift;
  touch_page(m, key, o->op == PW_STORE);
  bool code = o->op == PW_FETCH;
  struct tlb *first = code ? &m->itlb : &m->dtlb;
  if (first->entries && !tlb_misses(first, key)) return;
  if (first->entries) *(code ? &m->r.itlb_misses : &m->r.dtlb_misses) += 1;
  if (m->stlb.entries == 0) return;
  m->r.stlb_lookups++;
  if (tlb_misses(&m->stlb, key)) m->r.stlb_misses++;
}

static inline void page_goes(struct machine *m, uint64_t key)
{
  drop_key(&m->present, key);
  drop_key(&m->quiet, key);
  share_no_more(m, key);
  drop_key(&m->memory, key);
  free_frame_of(m, key);
  leave_tlbs(m, key);
}

/* The pages of which nothing lies outside of first … last (4 KiB): they go, or get their address plus `distance`
 * (in pages of the machine). */
static inline void discard(struct machine *m, uint64_t first, uint64_t last)
{
  for (size_t i = 0; i < m->present.n; i++) {
    uint64_t key = m->present.key[i], low = (key & PW_PAGE_MASK) << m->shift, high = low + (UINT64_C(1) << m->shift) - 1;
    if (key >> 52 != m->process || low < first || high > last) continue;
    page_goes(m, key);
    i--;
  }
}

static inline void rename_key(struct set *s, uint64_t from, uint64_t to)
{
  size_t at;
  if (has(s, from, &at)) s->key[at] = to;
}

/* Small pages go to another place within large ones: those wholly moved go, those that a part comes to are there,
 * in a frame of their own. */
static inline void move_parts(struct machine *m, uint64_t first, uint64_t last, uint64_t to)
{
  uint64_t large = UINT64_C(1) << m->shift;
  struct set *was = calloc(1, sizeof *was);
  size_t at;
  assert_non_null(was);
  *was = m->present;
  for (uint64_t page = first / large; page <= last / large; page++) {
    uint64_t low = page * large, key = (uint64_t)m->process << 52 | page;
    if (!has(was, key, &at)) continue;
    if (low >= first && low + large - 1 <= last) page_goes(m, key);
    for (uint64_t small = low; small < low + large; small++) {
      if (small < first || small > last) continue;
      uint64_t new_key = (uint64_t)m->process << 52 | (small - first + to) >> m->shift;
      if (has(&m->present, new_key, &at)) continue;
      put_last(&m->present, new_key);
      put_last(&m->quiet, new_key);
      make_tables(m, new_key);
      note_frames(m);
    }
  }
  free(was);
}

/* Is it to another place within large pages? */
static inline bool moves_parts(const struct machine *m, uint64_t first, uint64_t to)
{
  return to % (UINT64_C(1) << m->shift) != first % (UINT64_C(1) << m->shift);
}

/* Onto itself nothing moves. */
static inline bool can_move(const struct machine *m, uint64_t first, uint64_t last, uint64_t to)
{
  uint64_t n = last - first + 1, large = UINT64_C(1) << m->shift;
  if (to < first + n && first < to + n) return false;
  return moves_parts(m, first, to) || (first + large - 1) / large * large + large - 1 <= last;
}

static inline void move(struct machine *m, uint64_t first, uint64_t last, uint64_t to)
{
  uint64_t n = last - first + 1, large = UINT64_C(1) << m->shift;
  if (!can_move(m, first, last, to)) return;
  discard(m, to, to + n - 1);
  if (moves_parts(m, first, to)) {
    move_parts(m, first, last, to);
    return;
  }
  for (uint64_t page = (first + large - 1) / large * large; page + large - 1 <= last; page += large) {
    uint64_t key = (uint64_t)m->process << 52 | page >> m->shift, new_key = (uint64_t)m->process << 52 | (page - first + to) >> m->shift;
    size_t at, others;
    if (!has(&m->present, key, &at)) continue;
    rename_key(&m->present, key, new_key);
    rename_key(&m->quiet, key, new_key);
    rename_key(&m->memory, key, new_key);
    for (uint64_t f = 0; m->policy == 2 && f < m->frames; f++)
      if (m->frame[f].used && m->frame[f].key == key) m->frame[f].key = new_key;
    if ((at = find_shared(m, key, &others)) < m->n_shared) m->shared[at].key = new_key;
    leave_tlbs(m, key);
    make_tables(m, new_key);
  }
}

static inline void touch_by_kernel(struct machine *m, uint64_t first, uint64_t last, bool wrote)
{
  for (m->kernel_page = first >> m->shift; m->kernel_page <= last >> m->shift; m->kernel_page++)
    touch_page(m, (uint64_t)m->process << 52 | m->kernel_page, wrote);
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
    page_goes(m, key);
    i--;
  }
  for (int more = 1; more;) { /* from the lowest up */
    more = 0;
    for (size_t i = 0; i < m->tables.n; i++) {
      uint64_t low = table_first(m->tables.key[i]), high = table_last(m->tables.key[i]);
      if (m->tables.key[i] >> 52 != m->process || high < first || low > last || table_is_used(m, m->tables.key[i])) continue;
      take_out(&m->tables, i--);
      more = 1;
    }
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

static inline void fork_process(struct machine *m, uint64_t child)
{
  bool is_new = child == m->n_processes;
  size_t n = m->n_ranges, others;
  appear(m, child);
  if (!is_new) return;
  for (size_t i = 0; i < n; i++) {
    if (m->range[i].process != m->process) continue;
    assert_true(m->n_ranges < MAX_RANGES);
    m->range[m->n_ranges] = m->range[i];
    m->range[m->n_ranges++].process = (uint32_t)child;
  }
  n = m->present.n;
  for (size_t i = 0; i < n; i++) {
    uint64_t key = m->present.key[i], child_key = child << 52 | (key & PW_PAGE_MASK);
    if (key >> 52 != m->process) continue;
    put_last(&m->present, child_key);
    put_last(&m->quiet, child_key);
    make_tables(m, child_key);
    size_t at = find_shared(m, key, &others);
    assert_true(m->n_shared + 2 < MAX_PAGES);
    if (at == m->n_shared) {
      m->shared[at].key = key;
      m->shared[at].frame = m->n_frames++;
      m->n_shared++;
    }
    m->shared[m->n_shared].key = child_key;
    m->shared[m->n_shared++].frame = m->shared[at].frame;
  }
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
    case PW_EVENT_FORK: fork_process(m, e->b); break;
    case PW_EVENT_DISCARD: discard(m, first, last); break;
    case PW_EVENT_MOVE: move(m, first, last, e->c >> 12); break;
    case PW_EVENT_KERNEL_READ: touch_by_kernel(m, first, last, false); break;
    case PW_EVENT_KERNEL_WRITE: touch_by_kernel(m, first, last, true); break;
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
