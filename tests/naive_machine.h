/* A naive machine for traces with events: TLBs over a finite or unlimited memory, page tables, mappings.
 *
 * It looks at every access and keeps sets as plain lists that it searches from end to end: what is mapped is
 * the newest event over a page, a table exists when it is in the list, LRU is a list moved by hand. Each page is in
 * a frame, whose number no other ever has; memory holds frames. It shares
 * nothing with the library but the meaning of the numbers. */
#ifndef NAIVE_MACHINE_H
#define NAIVE_MACHINE_H

#include "tracekit.h"

enum { MAX_PAGES = 2048, MAX_OPS = 6000, MAX_PROCESSES = 12, MAX_RANGES = 4000, MAX_TOUCHES = 100000 };

/* ---- a trace: accesses and events in one list ---- */

struct op {
  bool event, cut; /* cut: a block ends behind it */
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
  struct set present, memory, tables; /* pages, frames, tables */
  uint64_t in[MAX_PAGES];    /* the frame that each of the present pages is in, in their order */
  uint64_t n_frames;         /* so far */
  struct { uint64_t key; bool out; } frames_of[MAX_TOUCHES]; /* by frame: the page that came to it first; it was pushed out */
  struct { uint64_t key; bool used, referenced; } slot[MAX_PAGES]; /* where clock keeps frames */
  uint64_t hand;
  bool noting;               /* touches are noted, for opt */
  size_t n_touches, n_noted;
  uint32_t noted[MAX_TOUCHES];
  bool open[2];              /* data, code: is there a page that the stream is on, */
  uint64_t on[2];            /* and which (4 KiB) */
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

/* ---- frames ---- */

static inline uint64_t *frame_of(struct machine *m, uint64_t key)
{
  size_t at;
  return has(&m->present, key, &at) ? &m->in[at] : NULL;
}

static inline uint64_t new_frame(struct machine *m, uint64_t key)
{
  assert_true(m->n_frames < MAX_TOUCHES);
  m->frames_of[m->n_frames].key = key;
  m->frames_of[m->n_frames].out = false;
  return m->n_frames++;
}

static inline void put_page(struct machine *m, uint64_t key, uint64_t frame)
{
  m->in[m->present.n] = frame;
  put_last(&m->present, key);
}

/* How many pages are in it? */
static inline size_t count_users(const struct machine *m, uint64_t frame)
{
  size_t n = 0;
  for (size_t i = 0; i < m->present.n; i++) n += m->in[i] == frame;
  return n;
}

static inline bool is_shared(struct machine *m, uint64_t key)
{
  const uint64_t *frame = frame_of(m, key);
  return frame && count_users(m, *frame) > 1;
}

/* Each counts once. */
static inline uint64_t count_frames(const struct machine *m)
{
  uint64_t n = 0;
  for (size_t i = 0; i < m->present.n; i++) {
    size_t k = 0;
    while (m->in[k] != m->in[i]) k++;
    n += k == i;
  }
  return n;
}

static inline void note_frames(struct machine *m)
{
  uint64_t frames = count_frames(m), resident = m->frames ? m->memory.n : frames;
  if (resident << m->shift << 12 > m->r.resident_bytes) m->r.resident_bytes = resident << m->shift << 12;
  if (frames << m->shift << 12 > m->r.touched_bytes) m->r.touched_bytes = frames << m->shift << 12;
}

/* ---- memory ---- */

/* The number of the frame's next touch, for opt: see look_ahead. */
static inline size_t next_touch(const struct machine *m, uint64_t frame)
{
  for (size_t i = m->n_touches; i < m->n_noted; i++)
    if (m->noted[i] == frame) return i;
  return SIZE_MAX;
}

/* The frame that leaves for another; clock's hand stays at its slot. */
static inline uint64_t choose_victim(struct machine *m)
{
  if (m->policy == 2) { /* clock */
    for (;; m->hand = (m->hand + 1) % m->frames) {
      if (!m->slot[m->hand].referenced) break;
      m->slot[m->hand].referenced = false;
    }
    return m->slot[m->hand].key;
  }
  if (m->policy != 4) return m->memory.key[m->memory.n - 1]; /* lru, fifo: the last */
  uint64_t best = m->memory.key[0];
  for (size_t i = 1; i < m->memory.n; i++) {
    uint64_t frame = m->memory.key[i];
    size_t a = next_touch(m, frame), b = next_touch(m, best);
    uint64_t key_a = m->frames_of[frame].key, key_b = m->frames_of[best].key;
    if (a > b || (a == b && (key_a < key_b || (key_a == key_b && frame < best)))) best = frame;
  }
  return best;
}

/* Clock: the lowest free slot, else the victim's. */
static inline void place_in_slot(struct machine *m, uint64_t frame, bool evicted)
{
  uint64_t slot = 0;
  if (evicted) {
    slot = m->hand;
    m->hand = (m->hand + 1) % m->frames;
  } else {
    while (m->slot[slot].used) slot++;
  }
  m->slot[slot].key = frame;
  m->slot[slot].used = m->slot[slot].referenced = true;
}

static inline void free_slot_of(struct machine *m, uint64_t frame)
{
  for (uint64_t f = 0; m->policy == 2 && f < m->frames; f++)
    if (m->slot[f].used && m->slot[f].key == frame) m->slot[f].used = false;
}

/* It stays with the pages that are in it, which have to be looked up again. */
static inline void push_out(struct machine *m, uint64_t frame)
{
  size_t at;
  assert_true(has(&m->memory, frame, &at));
  m->r.swap_outs += m->memory.dirty[at];
  take_out(&m->memory, at);
  m->frames_of[frame].out = true;
  for (size_t i = 0; i < m->present.n; i++)
    if (m->in[i] == frame) leave_tlbs(m, m->present.key[i]);
}

static inline void touch_memory(struct machine *m, uint64_t frame, bool store)
{
  size_t at;
  if (has(&m->memory, frame, &at)) {
    bool dirty = m->memory.dirty[at] || store;
    m->memory.dirty[at] = dirty;
    for (uint64_t f = 0; m->policy == 2 && f < m->frames; f++)
      if (m->slot[f].used && m->slot[f].key == frame) m->slot[f].referenced = true;
    if (m->policy == 0) { /* lru */
      take_out(&m->memory, at);
      put_first(&m->memory, frame, dirty);
    }
    return;
  }
  bool evicted = m->memory.n == m->frames;
  if (evicted) push_out(m, choose_victim(m));
  if (m->policy == 2) place_in_slot(m, frame, evicted);
  put_first(&m->memory, frame, store);
  m->r.major_faults += m->frames_of[frame].out;
}

static inline void touch_frame(struct machine *m, uint64_t frame, bool store)
{
  if (m->noting) {
    assert_true(m->n_noted < MAX_TOUCHES);
    m->noted[m->n_noted++] = (uint32_t)frame;
  }
  m->n_touches++;
  if (m->frames) touch_memory(m, frame, store);
}

/* A shared frame is read, and the page has one of its own. */
static inline void copy_page(struct machine *m, uint64_t key)
{
  uint64_t *frame = frame_of(m, key);
  touch_frame(m, *frame, false);
  *frame = new_frame(m, key);
  m->r.minor_faults++;
}

/* What a touch does but for the TLBs. */
static inline void touch_page(struct machine *m, uint64_t key, bool store)
{
  if (!frame_of(m, key)) {
    put_page(m, key, new_frame(m, key));
    m->r.minor_faults++;
    make_tables(m, key);
  }
  touch_frame(m, *frame_of(m, key), store);
  note_frames(m);
}

static inline void touch_by_kernel(struct machine *m, uint64_t key, bool store)
{
  if (store && is_shared(m, key)) copy_page(m, key);
  touch_page(m, key, store);
}

/* ---- visits: accesses on one page of each stream, from the first on one of them, not across an event or a block ---- */

static inline bool opens_visit(const struct machine *m, const struct op *o)
{
  return !m->open[o->op == PW_FETCH] || m->on[o->op == PW_FETCH] != ((uint64_t)o->process << 52 | o->page);
}

static inline void close_visits(struct machine *m)
{
  m->open[0] = m->open[1] = false;
}

/* The access is about to be made. If it opens a visit that stores to a shared page, this is copied: the number of the
 * first such store in the script, or SIZE_MAX. */
static inline size_t begin_visit(struct machine *m, const struct op *o)
{
  if (!opens_visit(m, o)) return SIZE_MAX;
  m->open[o->op == PW_FETCH] = true;
  m->on[o->op == PW_FETCH] = (uint64_t)o->process << 52 | o->page;
  for (size_t i = m->at; i < m->script->n; i++) {
    const struct op *next = &m->script->list[i];
    if (next->event || opens_visit(m, next)) break;
    uint64_t key = (uint64_t)next->process << 52 | next->page >> m->shift;
    if (next->op == PW_STORE && is_shared(m, key)) {
      copy_page(m, key);
      note_frames(m);
      return i;
    }
    if (next->cut) break;
  }
  return SIZE_MAX;
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

/* With what comes before it and behind it. */
static inline void do_op(struct machine *m, const struct op *o)
{
  begin_visit(m, o);
  do_access(m, o);
}

static inline void page_goes(struct machine *m, uint64_t key)
{
  size_t at;
  leave_tlbs(m, key);
  if (!has(&m->present, key, &at)) return;
  uint64_t frame = m->in[at];
  take_out(&m->present, at);
  memmove(m->in + at, m->in + at + 1, (m->present.n - at) * sizeof *m->in);
  if (count_users(m, frame)) return;
  drop_key(&m->memory, frame);
  free_slot_of(m, frame);
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

/* Small pages go to another place within large ones: those wholly moved go, those that a part comes to are there,
 * in frames of their own, as if read. */
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
      put_page(m, new_key, new_frame(m, new_key));
      touch_frame(m, m->n_frames - 1, false);
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
    size_t at;
    if (!has(&m->present, key, &at)) continue;
    m->present.key[at] = new_key;
    leave_tlbs(m, key);
    make_tables(m, new_key);
  }
}

static inline void kernel_touches(struct machine *m, uint64_t first, uint64_t last, bool wrote)
{
  for (uint64_t page = first >> m->shift; page <= last >> m->shift; page++)
    touch_by_kernel(m, (uint64_t)m->process << 52 | page, wrote);
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
  size_t n = m->n_ranges;
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
    put_page(m, child_key, m->in[i]);
    make_tables(m, child_key);
  }
}

static inline void do_event(struct machine *m, const struct pw_event *e)
{
  uint64_t first = e->a >> 12, last = (e->a + e->b - 1) >> 12;
  close_visits(m);
  switch (e->kind) {
    case PW_EVENT_PROCESS:
      appear(m, e->b);
      if (!m->asid && m->process != e->b) flush(m);
      m->process = (uint32_t)e->b;
      break;
    case PW_EVENT_FORK: fork_process(m, e->b); break;
    case PW_EVENT_DISCARD: discard(m, first, last); break;
    case PW_EVENT_MOVE: move(m, first, last, e->c >> 12); break;
    case PW_EVENT_KERNEL_READ: kernel_touches(m, first, last, false); break;
    case PW_EVENT_KERNEL_WRITE: kernel_touches(m, first, last, true); break;
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

static inline void run_script(struct machine *m)
{
  for (m->at = 0; m->at < m->script->n; m->at++) {
    const struct op *o = &m->script->list[m->at];
    if (o->event) do_event(m, &o->e);
    else do_op(m, o);
    if (o->cut) close_visits(m);
  }
}

/* For opt: another machine notes which frames are touched; which frame a page is in, and so their numbers, depend on
 * no memory. */
static inline void look_ahead(struct machine *m)
{
  struct machine *first = kit_alloc(1, sizeof *first);
  *first = *m;
  first->frames = 0;
  first->noting = true;
  run_script(first);
  m->n_noted = first->n_noted;
  memcpy(m->noted, first->noted, m->n_noted * sizeof *m->noted);
  free(first);
}

static inline void begin_naive(struct machine *m, const struct script *s)
{
  m->script = s;
  appear(m, 0);
  if (m->frames && m->policy == 4) look_ahead(m);
}

static inline void run_naive(struct machine *m, const struct script *s)
{
  begin_naive(m, s);
  run_script(m);
}

#endif
