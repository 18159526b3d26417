/* Random traces of any length and shape, and what is true of their pages.
 *
 * A style says how many pages there are and where, how the accesses walk over them, what code and data share
 * and which events fall in between; everything is drawn from one seed. The trace goes into a .pwt in memory. What
 * is remembered of it is the set of page keys that each stream and the kernel touched, at 4 KiB. */
#ifndef LONGTRACE_H
#define LONGTRACE_H

#include "tracekit.h"

enum layout { CONTIGUOUS, STRIDED, SCATTERED, TWO_HALVES, N_LAYOUTS };
enum walk { UNIFORM, SKEWED, LOOP, PHASES, N_WALKS };
enum sharing {
  APART,      /* code and data share no page of any size */
  NEIGHBOURS, /* they share large pages */
  ONCE,       /* apart, but for a code page that is loaded late in the trace */
  SAME,       /* one range of pages for both */
  N_SHARINGS
};

struct style {
  uint32_t n_accesses, block_visits;
  uint32_t n_pages[2];  /* data, code */
  enum layout layout;
  enum walk walk[2];
  enum sharing sharing;
  uint32_t stride;      /* of the strided layout */
  bool wide;            /* page numbers of 52 bits */
  uint32_t fetch_percent, store_percent, move_percent;
  uint32_t event_every; /* accesses; 0 = no events */
  uint32_t n_processes;
  bool maps;            /* also map events */
  bool calls;           /* also what system calls do: kernel accesses, discards, moves */
  uint32_t n_marks;
};

/* The page keys that a stream touched: rising and distinct once the trace is done. */
struct key_list {
  size_t n, room;
  uint64_t *key;
};

struct long_trace {
  struct kit_file file;
  struct key_list touched[3]; /* data, code, the kernel */
  uint64_t n_accesses;
  bool forks;               /* of a process that may have pages */
  uint64_t distances;       /* of moves: what is no multiple of any page size is a bit below it */
};

/* ---- what is true of it ---- */

static inline uint64_t key_at(uint64_t key, unsigned page_shift)
{
  return (key & ~PW_PAGE_MASK) | (key & PW_PAGE_MASK) >> (page_shift - PW_BASE_SHIFT);
}

/* How many distinct pages of 2^page_shift bytes are touched in two ways or three, of those that a run looks at
 * (bits: 1 data, 2 code, 4 the kernel); *all takes how many are touched in any. */
static inline size_t shared_pages(const struct long_trace *t, unsigned page_shift, unsigned ways, size_t *all)
{
  size_t at[3] = {0, 0, 0}, several = 0;
  for (*all = 0;; ++*all) {
    uint64_t low = UINT64_MAX;
    unsigned n = 0;
    for (int s = 0; s < 3; s++)
      if ((ways >> s & 1) && at[s] < t->touched[s].n && key_at(t->touched[s].key[at[s]], page_shift) < low)
        low = key_at(t->touched[s].key[at[s]], page_shift);
    if (low == UINT64_MAX) return several;
    for (int s = 0; s < 3; s++) {
      size_t before = at[s];
      while ((ways >> s & 1) && at[s] < t->touched[s].n && key_at(t->touched[s].key[at[s]], page_shift) == low) at[s]++;
      n += at[s] > before;
    }
    several += n > 1;
  }
}

static inline void long_trace_free(struct long_trace *t)
{
  kit_file_free(&t->file);
  free(t->touched[0].key);
  free(t->touched[1].key);
  free(t->touched[2].key);
}

/* ---- making it ---- */

struct maker {
  uint64_t r;
  const struct style *style;
  struct long_trace *out;
  struct kit_builder *b;
  uint32_t process, n_processes, thread, marks_left;
  uint32_t cut_at;          /* visits at which the block ends */
  bool *gone;               /* [PW_PROCESSES] exited */
  uint32_t at[2], base[2];  /* the walks: index of the page, start of the phase */
};

static inline void remember(struct key_list *list, uint64_t key)
{
  if (list->n == list->room) {
    list->room = list->room ? 2 * list->room : 1024;
    list->key = realloc(list->key, list->room * sizeof *list->key);
    assert_non_null(list->key);
  }
  list->key[list->n++] = key;
}

static inline void sort_keys(struct key_list *list)
{
  size_t n = 0;
  if (list->n) qsort(list->key, list->n, sizeof *list->key, kit_compare_keys);
  for (size_t i = 0; i < list->n; i++)
    if (n == 0 || list->key[n - 1] != list->key[i]) list->key[n++] = list->key[i];
  list->n = n;
}

/* Data begins shortly below an edge of 1 GiB. Everything but wide pages fits 39 bits. */
static inline uint64_t page_number(const struct style *s, unsigned stream, uint32_t index)
{
  static const uint64_t data_base = 0x40000 - 5, code_base = 0x2000000 - 3;
  uint64_t at = index, mixer = index * UINT64_C(77) + 5;
  if (s->layout == STRIDED) at = (uint64_t)index * s->stride;
  if (s->layout == SCATTERED) at = pw_random_next(&mixer) & 0xffffff;
  uint64_t page = at + (stream == 0 || s->sharing == SAME ? data_base : code_base);
  if (stream == 1 && s->sharing == NEIGHBOURS) page = data_base + (uint64_t)s->n_pages[0] * s->stride + at;
  if (s->layout == TWO_HALVES && index % 2) page = PW_PAGE_MASK - page;
  return s->wide ? page ^ UINT64_C(0x5a5a5) << 32 : page;
}

static inline void step(struct maker *m, unsigned stream)
{
  uint32_t n = m->style->n_pages[stream], *at = &m->at[stream];
  switch (m->style->walk[stream]) {
    case UNIFORM: *at = pw_random_below(&m->r, n); return;
    case SKEWED: *at = pw_random_below(&m->r, pw_random_below(&m->r, pw_random_below(&m->r, n) + 1) + 1); return;
    case LOOP: *at = (*at + 1) % n; return;
    default: break;
  }
  if (pw_random_below(&m->r, 200) == 0) m->base[stream] = pw_random_below(&m->r, n);
  *at = (m->base[stream] + pw_random_below(&m->r, 12)) % n;
}

static inline void cut_block(struct maker *m)
{
  if (kit_finish(m->b)->n_visits + m->b->n_events) kit_file_add(&m->out->file, &m->b->block);
  kit_start(m->b);
  m->cut_at = 1 + pw_random_below(&m->r, 2 * m->style->block_visits);
  if (m->cut_at > PW_BLOCK_VISITS - 8) m->cut_at = PW_BLOCK_VISITS - 8; /* a round adds but few */
}

static inline void touch(struct maker *m, unsigned stream, uint64_t page)
{
  uint32_t op = stream ? PW_FETCH : pw_random_below(&m->r, 100) < m->style->store_percent ? PW_STORE : PW_LOAD;
  kit_access(m->b, m->process, page, op);
  remember(&m->out->touched[stream], (uint64_t)m->process << PW_PAGE_BITS | page);
  m->out->n_accesses++;
}

/* A range about the pages in use; its ends often lie on, or next to, edges of 2 MiB and 1 GiB. */
static inline struct pw_event range_event(struct maker *m, uint32_t kind)
{
  unsigned stream = pw_random_below(&m->r, 2);
  static const uint32_t lengths[] = {1, 1, 2, 8, 300, 1500, 1u << 18};
  uint64_t first = page_number(m->style, stream, pw_random_below(&m->r, m->style->n_pages[stream]));
  uint64_t last = first + pw_random_below(&m->r, lengths[pw_random_below(&m->r, 7)]), edge = pw_random_below(&m->r, 3) ? 512 : 1u << 18;
  if (pw_random_below(&m->r, 3) == 0) first &= ~(edge - 1);
  if (pw_random_below(&m->r, 3) == 0) last |= edge - 1;
  if (pw_random_below(&m->r, 6) == 0) first++;
  if (pw_random_below(&m->r, 6) == 0) last--;
  if (last > PW_PAGE_MASK - 1) last = PW_PAGE_MASK - 1; /* the length must not pass the end */
  if (first > last) first = last;
  uint64_t inside = pw_random_below(&m->r, 2) ? pw_random_below(&m->r, 4096) : 0;
  return (struct pw_event){.kind = kind, .a = (first << 12) + inside, .b = ((last - first + 1) << 12) - inside};
}

/* A system call; the kernel's accesses are remembered page by page. */
static inline void write_call(struct maker *m)
{
  static const uint32_t kinds[] = {PW_EVENT_KERNEL_READ, PW_EVENT_KERNEL_WRITE, PW_EVENT_DISCARD, PW_EVENT_MOVE, PW_EVENT_MOVE,
                                   PW_EVENT_PROTECT, PW_EVENT_SYMBOL, PW_EVENT_THREAD_START};
  struct pw_event e = range_event(m, kinds[pw_random_below(&m->r, 8)]);
  if (pw_event_is_kernel(e.kind)) {
    if (e.b > PW_MAX_KERNEL_BYTES) e.b = pw_random_below(&m->r, PW_MAX_KERNEL_BYTES);
    for (uint64_t page = e.a >> 12; e.b && page <= (e.a + e.b - 1) >> 12; page++)
      remember(&m->out->touched[2], (uint64_t)m->process << PW_PAGE_BITS | page);
  }
  if (e.kind == PW_EVENT_MOVE) {
    uint64_t to = page_number(m->style, pw_random_below(&m->r, 2), pw_random_below(&m->r, m->style->n_pages[0]));
    uint64_t large = pw_random_below(&m->r, 2) ? 512 : 1u << 18, from = e.a >> 12; /* often as far into a large page as before */
    if (pw_random_below(&m->r, 2)) to = (to & ~(large - 1)) + (from & (large - 1));
    if (pw_random_below(&m->r, 2)) to += 4 * large;
    e.c = to << 12;
    if (e.c + e.b < e.c) return;
    m->out->distances |= e.c - e.a;
  }
  kit_event(m->b, e);
}

/* Another process, new ones in order of appearance. Now and then one that exited comes back. */
static inline void switch_process(struct maker *m)
{
  uint32_t n = m->n_processes < m->style->n_processes ? m->n_processes + 1 : m->n_processes;
  uint32_t next = pw_random_below(&m->r, n);
  while (next < m->n_processes && m->gone[next] && pw_random_below(&m->r, 10)) next = (next + 1) % n;
  if (next == m->n_processes) m->n_processes++;
  m->gone[next] = false;
  m->process = next;
  kit_event(m->b, (struct pw_event){.kind = PW_EVENT_PROCESS, .a = 100 + next, .b = next});
}

static inline void write_event(struct maker *m)
{
  if (m->style->calls && pw_random_below(&m->r, 2)) {
    write_call(m);
    return;
  }
  uint32_t kind = pw_random_below(&m->r, m->style->n_processes > 1 ? 20 : 12);
  if (kind < 8) {
    kit_event(m->b, range_event(m, PW_EVENT_UNMAP));
  } else if (kind < 10) {
    if (m->style->maps) kit_event(m->b, range_event(m, PW_EVENT_MAP));
  } else if (kind == 10) {
    kit_event(m->b, (struct pw_event){.kind = PW_EVENT_THREAD, .a = ++m->thread});
  } else if (kind == 11) {
    if (pw_random_below(&m->r, 4) == 0) kit_event(m->b, (struct pw_event){.kind = PW_EVENT_EXEC});
  } else if (kind == 12 && m->n_processes < m->style->n_processes) {
    m->out->forks = true;
    kit_event(m->b, (struct pw_event){.kind = PW_EVENT_FORK, .a = 100 + m->n_processes, .b = m->n_processes});
    m->n_processes++;
  } else if (kind == 13) {
    m->gone[m->process] = true;
    kit_event(m->b, (struct pw_event){.kind = PW_EVENT_EXIT});
    switch_process(m);
  } else {
    switch_process(m);
  }
}

static inline void write_round(struct maker *m, uint32_t number)
{
  const struct style *s = m->style;
  unsigned stream = pw_random_below(&m->r, 100) < s->fetch_percent;
  if (pw_random_below(&m->r, 100) < s->move_percent) step(m, stream);
  touch(m, stream, page_number(s, stream, m->at[stream]));
  if (s->sharing == ONCE && number > s->n_accesses / 2 && pw_random_below(&m->r, s->n_accesses) < 4)
    touch(m, 0, page_number(s, 1, m->at[1]));
  if (s->event_every && pw_random_below(&m->r, s->event_every) == 0) write_event(m);
  if (m->marks_left && pw_random_below(&m->r, s->n_accesses / 2) == 0) {
    kit_event(m->b, (struct pw_event){.kind = PW_EVENT_MARK, .a = 1});
    m->marks_left--;
  }
  if (m->b->n_visits >= m->cut_at || m->b->n_events > PW_BLOCK_VISITS - 8) cut_block(m);
}

/* Where processes are many, all appear at once. */
static inline void fork_all(struct maker *m)
{
  for (; m->n_processes < m->style->n_processes; m->n_processes++)
    kit_event(m->b, (struct pw_event){.kind = PW_EVENT_FORK, .a = 100 + m->n_processes, .b = m->n_processes});
}

static inline void long_trace_make(struct long_trace *t, const struct style *style, uint64_t seed)
{
  struct maker m = {.r = pw_random_seed(seed, 51), .style = style, .out = t, .b = kit_alloc(1, sizeof *m.b),
                    .n_processes = 1, .marks_left = style->n_marks, .gone = kit_alloc(PW_PROCESSES, sizeof *m.gone)};
  memset(t, 0, sizeof *t);
  kit_file_open(&t->file, NULL);
  kit_start(m.b);
  m.cut_at = style->block_visits;
  if (style->n_processes > 100) fork_all(&m);
  for (uint32_t i = 0; i < style->n_accesses; i++) write_round(&m, i);
  cut_block(&m);
  kit_file_finish(&t->file);
  sort_keys(&t->touched[0]);
  sort_keys(&t->touched[1]);
  sort_keys(&t->touched[2]);
  free(m.b);
  free(m.gone);
}

#define PICK(r, list) ((list)[pw_random_below((r), sizeof(list) / sizeof *(list))])

static inline void style_draw(struct style *s, uint64_t seed)
{
  static const uint32_t counts[] = {1, 2, 3, 8, 20, 60, 70, 130, 300, 1000, 3000}, strides[] = {2, 3, 16, 64, 96, 512, 513, 4096};
  static const uint32_t percents[] = {0, 5, 30, 50, 95, 100}, moves[] = {5, 30, 30, 60, 100}, events[] = {0, 0, 20, 100, 500, 3000};
  static const uint32_t blocks[] = {30, 300, 300, 3000, 40000};
  uint64_t r = pw_random_seed(seed, 52);
  *s = (struct style){.n_accesses = 200 + pw_random_below(&r, 1u << (6 + pw_random_below(&r, 11))), .stride = 1};
  s->block_visits = PICK(&r, blocks);
  s->n_pages[0] = PICK(&r, counts);
  s->n_pages[1] = PICK(&r, counts);
  s->layout = (enum layout)pw_random_below(&r, N_LAYOUTS);
  s->walk[0] = (enum walk)pw_random_below(&r, N_WALKS);
  s->walk[1] = (enum walk)pw_random_below(&r, N_WALKS);
  s->sharing = (enum sharing)pw_random_below(&r, N_SHARINGS);
  if (s->sharing == NEIGHBOURS) s->layout = CONTIGUOUS;
  if (s->layout == STRIDED) s->stride = PICK(&r, strides);
  s->wide = pw_random_below(&r, 12) == 0;
  s->fetch_percent = PICK(&r, percents);
  s->store_percent = PICK(&r, percents);
  s->move_percent = PICK(&r, moves);
  s->event_every = PICK(&r, events);
  s->n_processes = pw_random_below(&r, 2) ? 1 : 2 + pw_random_below(&r, 6);
  s->maps = pw_random_below(&r, 2);
  s->n_marks = pw_random_below(&r, 3) == 0;
  s->calls = pw_random_below(&r, 2);
}

#endif
