/* Time series: a case by hand, and random traces of many kinds against the naive machine, stopped and read at
 * the end of each window. */
#include "base/alloc.h"
#include "naive_machine.h"
#include "pwtkit.h"

/* ---- by hand ---- */

static struct pw_series run_series(const struct kit_file *file, const struct pw_config *config, uint64_t every,
                                   const struct pw_run_options *options, const struct pw_trace_options *how)
{
  struct pw_trace *t;
  struct pw_error err = {0};
  struct pw_series series;
  KIT_OK(pw_trace_open_memory(&t, "T", file->bytes, file->n, how, &err), err);
  KIT_OK(pw_series_run(t, config, every, options, &series, &err), err);
  pw_trace_close(t);
  return series;
}

static void finish_file(struct kit_file *file, struct kit_builder *b)
{
  kit_file_open(file, NULL);
  kit_file_add(file, kit_finish(b));
  kit_file_finish(file);
  free(b);
}

static struct pw_event map_event(uint64_t first, uint64_t n, const char *text)
{
  return (struct pw_event){.kind = PW_EVENT_MAP, .a = first << 12, .b = n << 12, .c = PW_MAP_READ | PW_MAP_WRITE, .text = text,
                           .text_bytes = text ? (uint32_t)strlen(text) : 0};
}

/* Eight accesses, windows of three. */
static struct kit_file small_trace(void)
{
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct kit_file file;
  kit_start(b);
  kit_event(b, map_event(0x100, 2, "/bin/program"));
  kit_event(b, map_event(0x102, 1, NULL)); /* right behind the program's data: its .bss, and no mapping */
  kit_event(b, map_event(0x200, 4, "[heap]"));
  kit_event(b, map_event(0x900, 8, NULL));
  kit_access(b, 0, 0x102, PW_LOAD);
  kit_access(b, 0, 0x200, PW_STORE);
  kit_access(b, 0, 0x201, PW_STORE);  /* the visit goes on to here … */
  kit_access(b, 0, 0x201, PW_LOAD);   /* … and here: 4 accesses */
  kit_access(b, 0, 0x900, PW_STORE);
  kit_event(b, (struct pw_event){.kind = PW_EVENT_UNMAP, .a = 0x900000, .b = 0x8000});
  kit_event(b, (struct pw_event){.kind = PW_EVENT_UNMAP, .a = 0x201000, .b = 0x3000});
  kit_access(b, 0, 0x200, PW_LOAD);   /* 6: the second window ends */
  kit_event(b, map_event(0x980, 1, NULL));
  kit_access(b, 0, 0x980, PW_STORE);
  kit_access(b, 0, 0x102, PW_LOAD);
  kit_event(b, (struct pw_event){.kind = PW_EVENT_UNMAP, .a = 0x980000, .b = 0x1000}); /* after the last access */
  kit_event(b, (struct pw_event){.kind = PW_EVENT_EXIT});
  finish_file(&file, b);
  return file;
}

static void windows_by_hand(void **state)
{
  (void)state;
  struct kit_file file = small_trace();
  struct pw_config c;
  pw_config_default(&c);
  c.dtlb = (struct pw_tlb_config){2, 2, 0};
  struct pw_series s = run_series(&file, &c, 3, NULL, NULL);
  assert_int_equal(s.n_windows, 3);
  assert_true(s.has_areas);
  const struct pw_window *w = s.windows;
  const uint64_t want[3][14] = {
      /* access loads stores dtlb walks minor table resident, heap: bytes faults returned, mmap: likewise */
      {4, 2, 2, 3, 3, 3, 5 * 4096, 3 * 4096, 4 * 4096, 2, 0, 8 * 4096, 0, 0},
      {6, 1, 1, 2, 1, 1, 5 * 4096, 2 * 4096, 1 * 4096, 0, 4096, 0, 1, 4096},
      {8, 1, 1, 2, 1, 1, 6 * 4096, 3 * 4096, 1 * 4096, 0, 0, 4096, 1, 0},
  };
  for (int i = 0; i < 3; i++) {
    const uint64_t got[] = {w[i].access, w[i].counts.counted.loads, w[i].counts.counted.stores, w[i].counts.dtlb_misses, w[i].counts.walks, w[i].counts.minor_faults,
                            w[i].counts.table_bytes, w[i].counts.resident_bytes, w[i].heap.bytes, w[i].heap.minor_faults,
                            w[i].heap.returned_bytes, w[i].mmap.bytes, w[i].mmap.minor_faults, w[i].mmap.returned_bytes};
    for (size_t k = 0; k < sizeof got / sizeof *got; k++)
      if (got[k] != want[i][k]) fail_msg("window %d, number %zu: %ju, by hand %ju", i, k, (uintmax_t)got[k], (uintmax_t)want[i][k]);
  }
  pw_series_clear(&s);
  kit_file_free(&file);
}

/* ---- what a series is to say, from the naive machine ---- */

struct naive_area {
  uint32_t process;
  uint64_t first, last;
  int area; /* 0 other, 1 heap, 2 mmap */
};

struct observer {
  struct machine m;
  size_t n_areas, counted_areas;
  uint64_t mapped[3];
  struct naive_area areas[MAX_RANGES];
  size_t n_kept;
  struct { uint64_t key; int area; bool shared; } kept[MAX_PAGES]; /* where each present page's fault was */
  uint64_t faults[3], returned[3];
};

static int naive_area_of(const struct observer *o, uint32_t process, uint64_t page)
{
  for (size_t i = o->n_areas; i-- > 0;)
    if (o->areas[i].process == process && o->areas[i].first <= page && page <= o->areas[i].last) return o->areas[i].area;
  return 0;
}

static void note_area(struct observer *o, struct naive_area area)
{
  assert_true(o->n_areas < MAX_RANGES);
  o->areas[o->n_areas++] = area;
}

/* Counts the base pages of the areas that are mapped, one by one where areas lie. */
static void count_mapped(struct observer *o)
{
  if (o->counted_areas == o->n_areas) return;
  memset(o->mapped, 0, sizeof o->mapped);
  for (uint32_t p = 0; p < o->m.n_processes; p++)
    for (uint64_t page = 0; page < 0x400; page++) o->mapped[naive_area_of(o, p, page)]++;
  o->counted_areas = o->n_areas;
}

/* Takes out what has left, counting it if it was given back with its frame. */
static void settle_kept(struct observer *o, bool given_back)
{
  size_t n = 0, at;
  for (size_t i = 0; i < o->n_kept; i++) {
    if (has(&o->m.present, o->kept[i].key, &at)) o->kept[n++] = o->kept[i];
    else if (given_back && !o->kept[i].shared) o->returned[o->kept[i].area]++;
  }
  o->n_kept = n;
}

static void keep_page(struct observer *o, uint64_t key, int area)
{
  size_t i = 0;
  while (i < o->n_kept && o->kept[i].key != key) i++;
  assert_true(i < MAX_PAGES);
  o->n_kept += i == o->n_kept;
  o->kept[i].key = key;
  o->kept[i].area = area;
}

/* What a part of a page comes to counts as that page did. */
static void move_kept_parts(struct observer *o, uint64_t first, uint64_t last, uint64_t to)
{
  unsigned shift = o->m.shift;
  struct observer *was = kit_alloc(1, sizeof *was);
  *was = *o;
  for (uint64_t page = first >> shift; page <= last >> shift; page++) {
    size_t i = 0;
    while (i < was->n_kept && was->kept[i].key != ((uint64_t)o->m.process << 52 | page)) i++;
    if (i == was->n_kept) continue;
    uint64_t low = page << shift, high = low + (UINT64_C(1) << shift) - 1;
    for (size_t k = 0; low >= first && high <= last && k < o->n_kept; k++)
      if (o->kept[k].key == was->kept[i].key) o->kept[k--] = o->kept[--o->n_kept];
    for (uint64_t small = low < first ? first : low; small <= (high > last ? last : high); small++) {
      uint64_t key = (uint64_t)o->m.process << 52 | (small - first + to) >> shift;
      size_t k = 0;
      while (k < o->n_kept && o->kept[k].key != key) k++;
      if (k == o->n_kept) keep_page(o, key, was->kept[i].area);
    }
  }
  free(was);
}

/* Who leaves and who goes where, before the event does it. */
static void move_kept(struct observer *o, const struct pw_event *e)
{
  uint64_t first = e->a >> 12, last = (e->a + e->b - 1) >> 12, to = e->c >> 12, large = UINT64_C(1) << o->m.shift;
  if (!can_move(&o->m, first, last, to)) return;
  bool parts = moves_parts(&o->m, first, to);
  for (int pass = 0; pass < 2 - parts; pass++) { /* those at the new place first */
    uint64_t from = pass ? first : to, end = pass ? last : to + last - first;
    for (size_t i = 0; i < o->n_kept; i++) {
      uint64_t key = o->kept[i].key, low = (key & PW_PAGE_MASK) << o->m.shift;
      if (key >> 52 != o->m.process || low < from || low + large - 1 > end) continue;
      if (pass) o->kept[i].key = (key & ~PW_PAGE_MASK) | (low - first + to) >> o->m.shift;
      else o->kept[i--] = o->kept[--o->n_kept];
    }
  }
  if (parts) move_kept_parts(o, first, last, to);
}

/* The children's pages came with those of their parent. */
static void fork_kept(struct observer *o, uint64_t child)
{
  for (size_t i = 0, n = o->n_kept; child == o->m.n_processes && i < n; i++)
    if (o->kept[i].key >> 52 == o->m.process) keep_page(o, child << 52 | (o->kept[i].key & PW_PAGE_MASK), o->kept[i].area);
}

static void observe_touch(struct observer *o, uint64_t key, uint64_t page, uint64_t faults_before)
{
  if (o->m.r.minor_faults == faults_before) return;
  int area = naive_area_of(o, (uint32_t)(key >> 52), page);
  o->faults[area]++;
  keep_page(o, key, area);
}

static void observe_kernel(struct observer *o, const struct pw_event *e)
{
  uint64_t first = e->a >> 12, last = (e->a + e->b - 1) >> 12;
  close_visits(&o->m);
  for (uint64_t p = first >> o->m.shift; p <= last >> o->m.shift; p++) {
    uint64_t key = (uint64_t)o->m.process << 52 | p, before = o->m.r.minor_faults, low = p << o->m.shift;
    touch_by_kernel(&o->m, key, e->kind == PW_EVENT_KERNEL_WRITE);
    observe_touch(o, key, low < first ? first : low, before);
  }
}

static void observe_event(struct observer *o, const struct pw_event *e)
{
  uint32_t process = o->m.process;
  uint64_t first = e->a >> 12, last = (e->a + e->b - 1) >> 12;
  for (size_t i = 0; i < o->n_kept; i++) o->kept[i].shared = is_shared(&o->m, o->kept[i].key);
  if (e->kind == PW_EVENT_MOVE) move_kept(o, e);
  if (e->kind == PW_EVENT_FORK) fork_kept(o, e->b);
  if (pw_event_is_kernel(e->kind)) {
    observe_kernel(o, e);
    return;
  }
  do_event(&o->m, e);
  settle_kept(o, e->kind == PW_EVENT_UNMAP || e->kind == PW_EVENT_DISCARD);
  if (e->kind == PW_EVENT_MAP)
    note_area(o, (struct naive_area){process, first, last, !e->text ? 2 : strcmp(e->text, "[heap]") == 0 ? 1 : 0});
  if (e->kind == PW_EVENT_UNMAP) note_area(o, (struct naive_area){process, first, last, 0});
  if (e->kind == PW_EVENT_EXIT || e->kind == PW_EVENT_EXEC) note_area(o, (struct naive_area){process, 0, PW_PAGE_MASK, 0});
  size_t n = o->n_areas;
  for (size_t i = 0; e->kind == PW_EVENT_FORK && i < n; i++)
    if (o->areas[i].process == process) note_area(o, (struct naive_area){(uint32_t)e->b, o->areas[i].first, o->areas[i].last, o->areas[i].area});
}

static void observe_access(struct observer *o, const struct op *op)
{
  uint64_t before = o->m.r.minor_faults;
  size_t copied = begin_visit(&o->m, op);
  if (copied != SIZE_MAX) {
    const struct op *store = &o->m.script->list[copied];
    observe_touch(o, (uint64_t)store->process << 52 | store->page >> o->m.shift, store->page, before);
    before = o->m.r.minor_faults;
  }
  do_access(&o->m, op);
  if (op->cut) close_visits(&o->m);
  observe_touch(o, (uint64_t)op->process << 52 | op->page >> o->m.shift, op->page, before);
}

/* ---- random traces ---- */

static uint64_t draw_page(uint64_t *r)
{
  return pw_random_below(r, 4) ? pw_random_below(r, 40) : 0x1e0 + pw_random_below(r, 50); /* on both sides of a table's end */
}

static void write_event(struct script *s, struct pw_event e)
{
  assert_true(s->n < MAX_OPS);
  s->list[s->n++] = (struct op){.event = true, .e = e};
}

static void write_some_event(struct script *s, uint64_t *r, struct machine *known, bool maps, bool gone[])
{
  static const char *const names[] = {NULL, NULL, "[heap]", "[heap]", "/lib/x", "[stack]"};
  uint64_t first = draw_page(r), n = 1 + pw_random_below(r, pw_random_below(r, 3) ? 10 : 300);
  uint32_t kind = pw_random_below(r, 20);
  struct pw_event e = {.kind = PW_EVENT_UNMAP, .a = first << 12, .b = n << 12};
  if (kind < 8 && maps) {
    e = map_event(first, n, names[pw_random_below(r, 6)]);
    e.c = PW_MAP_READ; /* nothing is .bss here */
  } else if (kind == 8 && known->n_processes < 4) {
    e = (struct pw_event){.kind = PW_EVENT_FORK, .a = 100 + known->n_processes, .b = known->n_processes};
  } else if (kind == 9) {
    e = (struct pw_event){.kind = PW_EVENT_EXEC};
  } else if (kind >= 10 && kind < 14) {
    static const uint32_t calls[] = {PW_EVENT_KERNEL_READ, PW_EVENT_KERNEL_WRITE, PW_EVENT_DISCARD, PW_EVENT_MOVE};
    e.kind = calls[kind - 10];
    if (kind == 13) e.c = (pw_random_below(r, 2) ? draw_page(r) : first + 512 * (1 + pw_random_below(r, 3))) << 12;
    if (kind < 12 && e.b > PW_MAX_KERNEL_BYTES) e.b = PW_MAX_KERNEL_BYTES;
  } else if (kind == 14 || (kind < 8 && pw_random_below(r, 3) == 0)) {
    uint32_t process = pw_random_below(r, known->n_processes);
    while (gone[process]) process = (process + 1) % known->n_processes;
    e = (struct pw_event){.kind = PW_EVENT_PROCESS, .a = 100 + process, .b = process};
  }
  write_event(s, e);
  do_event(known, &e);
  if (kind != 12 || known->n_processes == 4) return;
  /* the process exits, and one runs that was not there before */
  gone[known->process] = true;
  e = (struct pw_event){.kind = PW_EVENT_EXIT};
  write_event(s, e);
  do_event(known, &e);
  e = (struct pw_event){.kind = PW_EVENT_PROCESS, .a = 100 + known->n_processes, .b = known->n_processes};
  write_event(s, e);
  do_event(known, &e);
}

static void write_script(struct script *s, uint64_t seed)
{
  uint64_t r = pw_random_seed(seed, 41), at[2] = {1, 2};
  struct machine *known = kit_alloc(1, sizeof *known);
  bool maps = pw_random_below(&r, 4) != 0, gone[MAX_PROCESSES] = {false};
  uint32_t events = 5 + pw_random_below(&r, 60), n = 200 + pw_random_below(&r, 2000), moves = 1 + pw_random_below(&r, 8);
  appear(known, 0);
  s->n = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (pw_random_below(&r, events) == 0 && known->n_ranges + 10 < MAX_RANGES / 4) write_some_event(s, &r, known, maps, gone);
    uint32_t op = pw_random_below(&r, 3);
    if (pw_random_below(&r, moves) == 0) at[op == PW_FETCH] = draw_page(&r);
    assert_true(s->n < MAX_OPS);
    s->list[s->n++] = (struct op){.op = op, .process = known->process, .page = at[op == PW_FETCH]};
  }
  for (uint32_t i = pw_random_below(&r, 4); i > 0; i--) write_some_event(s, &r, known, maps, gone);
  free(known);
}

/* The file, and at which accesses its visits end. */
static struct kit_file write_file(struct script *s, uint64_t seed, uint64_t *ends, size_t *n_ends)
{
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct kit_file file;
  uint64_t r = pw_random_seed(seed, 42), access = 0;
  uint32_t cut = 20 + pw_random_below(&r, 800);
  *n_ends = 0;
  kit_file_open(&file, NULL);
  kit_start(b);
  for (size_t i = 0; i <= s->n; i++) {
    if (i < s->n) {
      if (s->list[i].event) kit_event(b, s->list[i].e);
      else kit_access(b, s->list[i].process, s->list[i].page, s->list[i].op);
    }
    if (i < s->n && pw_random_below(&r, cut)) continue;
    if (i < s->n) s->list[i].cut = true;
    if (kit_finish(b)->n_visits + b->n_events) kit_file_add(&file, &b->block);
    for (uint32_t v = 0; v < b->n_visits; v++) {
      access += (uint64_t)b->count[0][v] + b->count[1][v] + b->count[2][v];
      ends[(*n_ends)++] = access;
    }
    kit_start(b);
  }
  kit_file_finish(&file);
  free(b);
  return file;
}

/* ---- the property ---- */

static void draw_machine(struct machine *m, struct pw_config *c, struct pw_geometry *g, uint64_t *r)
{
  static const uint32_t tlbs[][2] = {{4, 4}, {8, 2}, {4, 1}, {6, 2}, {16, 16}};
  static const uint64_t frames[] = {0, 0, 2, 5, 9, 30};
  static const int policies[] = {0, 1, 2, 4};
  struct tlb *levels[3] = {&m->itlb, &m->dtlb, &m->stlb};
  struct pw_tlb_config *configs[3] = {&c->itlb, &c->dtlb, &c->stlb};
  struct pw_error err = {0};
  bool large = pw_random_below(r, 3) == 0;
  KIT_OK(pw_geometry_parse(g, "x86-64", &err), err);
  pw_config_default(c);
  c->geometry = g;
  c->page_shift = large ? 21 : 12;
  m->shift = c->page_shift - 12;
  m->asid = true;
  m->n_spans = large ? 2 : 3;
  memcpy(m->span, large ? (unsigned[]){39, 30, 0} : (unsigned[]){39, 30, 21}, 3 * sizeof *m->span);
  m->root_bytes = m->table_bytes = 4096;
  m->frames = frames[pw_random_below(r, 6)];
  m->policy = policies[pw_random_below(r, 4)];
  c->memory_bytes = m->frames ? m->frames << c->page_shift : PW_UNLIMITED;
  c->memory_policy = m->policy;
  for (int i = 0; i < 3; i++) {
    const uint32_t *t = tlbs[pw_random_below(r, 5)];
    levels[i]->entries = t[0];
    levels[i]->ways = t[1];
    *configs[i] = (struct pw_tlb_config){t[0], t[1], 0};
  }
}

struct numbers {
  uint64_t of[20];
};

static const char *const names[] = {"access", "fetches", "loads", "stores", "itlb_misses", "dtlb_misses", "stlb_lookups", "stlb_misses",
                                    "minor_faults", "major_faults", "swap_outs", "heap faults", "mmap faults", "heap returned",
                                    "mmap returned", "table_bytes", "resident_bytes", "heap bytes", "mmap bytes"};
enum { N_NUMBERS = sizeof names / sizeof *names, SWAP_OUTS = 10, FIRST_STATE = 15 };

/* From the beginning to here; states as they are. */
static struct numbers read_naive(struct observer *o, const struct pw_totals *counted, uint64_t access)
{
  const struct pw_result *r = &o->m.r;
  unsigned shift = o->m.shift + 12;
  uint64_t resident = o->m.frames ? o->m.memory.n : count_frames(&o->m);
  count_mapped(o);
  return (struct numbers){{access, counted->fetches, counted->loads, counted->stores, r->itlb_misses, r->dtlb_misses, r->stlb_lookups,
                           r->stlb_misses, r->minor_faults, r->major_faults, r->swap_outs, o->faults[1], o->faults[2],
                           o->returned[1] << shift, o->returned[2] << shift,
                           o->m.roots * o->m.root_bytes + o->m.tables.n * o->m.table_bytes, resident << shift,
                           o->mapped[1] << 12, o->mapped[2] << 12}};
}

static struct numbers read_window(const struct pw_window *w)
{
  return (struct numbers){{w->access, w->counts.counted.fetches, w->counts.counted.loads, w->counts.counted.stores, w->counts.itlb_misses, w->counts.dtlb_misses,
                           w->counts.stlb_lookups, w->counts.stlb_misses, w->counts.minor_faults, w->counts.major_faults, w->counts.swap_outs, w->heap.minor_faults,
                           w->mmap.minor_faults, w->heap.returned_bytes, w->mmap.returned_bytes, w->counts.table_bytes, w->counts.resident_bytes,
                           w->heap.bytes, w->mmap.bytes}};
}

/* Where windows end, by the rule. */
static size_t expect_ends(const uint64_t *visits, size_t n, uint64_t every, uint64_t *ends)
{
  size_t n_ends = 0;
  uint64_t next = every;
  for (size_t i = 0; i < n; i++) {
    if (visits[i] < next && i + 1 < n) continue;
    ends[n_ends++] = visits[i];
    while (next <= visits[i]) next += every;
  }
  return n_ends;
}

static int compare(const struct numbers *got, const struct numbers *now, const struct numbers *before, bool areas, uint64_t seed, size_t window)
{
  int wrong = 0;
  for (int i = 0; i < N_NUMBERS; i++) {
    bool of_area = strstr(names[i], "heap") || strstr(names[i], "mmap");
    uint64_t want = i == 0 || i >= FIRST_STATE ? now->of[i] : now->of[i] - before->of[i];
    if (of_area && !areas) want = 0;
    if (got->of[i] == want) continue;
    wrong++;
    print_error("seed %ju window %zu: %s is %ju, naive %ju\n", (uintmax_t)seed, window, names[i], (uintmax_t)got->of[i], (uintmax_t)want);
  }
  return wrong;
}

static int check_total(const struct pw_series *s, const struct kit_file *file, const struct pw_config *c,
                       const struct pw_run_options *options, const struct pw_trace_options *how, uint64_t seed)
{
  struct pw_trace *t;
  struct pw_error err = {0};
  struct pw_result want, sum = {0};
  KIT_OK(pw_trace_open_memory(&t, "T", file->bytes, file->n, how, &err), err);
  KIT_OK(pw_run(t, c, 1, options, &want, &err), err);
  pw_trace_close(t);
  for (size_t i = 0; i < s->n_windows; i++) {
    const struct pw_window *w = &s->windows[i];
    sum.counted.fetches += w->counts.counted.fetches;
    sum.counted.loads += w->counts.counted.loads;
    sum.counted.stores += w->counts.counted.stores;
    sum.itlb_misses += w->counts.itlb_misses;
    sum.dtlb_misses += w->counts.dtlb_misses;
    sum.stlb_lookups += w->counts.stlb_lookups;
    sum.stlb_misses += w->counts.stlb_misses;
    sum.walks += w->counts.walks;
    sum.minor_faults += w->counts.minor_faults;
    sum.major_faults += w->counts.major_faults;
    sum.swap_outs += w->counts.swap_outs;
  }
  bool equal = memcmp(&sum.counted, &want.counted, sizeof sum.counted) == 0 && sum.itlb_misses == want.itlb_misses &&
               sum.dtlb_misses == want.dtlb_misses && sum.stlb_lookups == want.stlb_lookups &&
               sum.stlb_misses == want.stlb_misses && sum.walks == want.walks && sum.minor_faults == want.minor_faults &&
               sum.major_faults == want.major_faults && sum.swap_outs == want.swap_outs;
  want.one_pass = s->total.one_pass;
  equal &= memcmp(&want, &s->total, sizeof want) == 0;
  if (!equal) print_error("seed %ju: the windows do not add up to what a run says\n", (uintmax_t)seed);
  return equal ? 0 : 1;
}

static int hold_windows(const struct script *script, const struct pw_series *s, struct observer *o, const uint64_t *ends, size_t n_ends,
                        bool areas, uint64_t seed)
{
  struct numbers before = {{0}}, end = {{0}};
  struct pw_totals counted = {0, 0, 0};
  uint64_t access = 0;
  size_t window = 0;
  int wrong = 0;
  if (s->n_windows != n_ends || s->has_areas != areas) {
    print_error("seed %ju: %zu windows, areas %d; by the rule %zu, %d\n", (uintmax_t)seed, s->n_windows, s->has_areas, n_ends, areas);
    return 1;
  }
  begin_naive(&o->m, script);
  for (o->m.at = 0; o->m.at < script->n && wrong < 5; o->m.at++) {
    const struct op *op = &script->list[o->m.at];
    if (op->event) {
      observe_event(o, &op->e);
      continue;
    }
    observe_access(o, op);
    counted.fetches += op->op == PW_FETCH;
    counted.loads += op->op == PW_LOAD;
    counted.stores += op->op == PW_STORE;
    if (++access != ends[window]) continue;
    struct numbers now = read_naive(o, &counted, access), got = read_window(&s->windows[window]);
    if (++window == n_ends) {
      end = now;
      continue;
    }
    wrong += compare(&got, &now, &before, areas, seed, window);
    before = now;
  }
  /* the last window ends with the run, whose last faults may be the kernel's */
  struct numbers all = read_naive(o, &counted, access), got = read_window(&s->windows[n_ends - 1]);
  for (int i = 0; i <= SWAP_OUTS; i++) end.of[i] = all.of[i];
  return wrong + compare(&got, &end, &before, areas, seed, n_ends);
}

static int hold(uint64_t seed, uint64_t met[4])
{
  static struct script script;
  static uint64_t visits[MAX_OPS], ends[MAX_OPS];
  static const uint64_t lengths[] = {1, 7, 50, 333, 2000, 100000};
  uint64_t r = pw_random_seed(seed, 43), every = lengths[pw_random_below(&r, 6)];
  struct observer *o = kit_alloc(1, sizeof *o);
  struct pw_geometry g;
  struct pw_config c;
  size_t n_visits;
  bool areas = false;
  write_script(&script, seed);
  for (size_t i = 0; i < script.n; i++) areas |= script.list[i].event && script.list[i].e.kind == PW_EVENT_MAP;
  struct kit_file file = write_file(&script, seed, visits, &n_visits);
  size_t n_ends = expect_ends(visits, n_visits, every, ends);
  draw_machine(&o->m, &c, &g, &r);
  struct pw_series s = run_series(&file, &c, every, NULL, NULL);
  int wrong = hold_windows(&script, &s, o, ends, n_ends, areas, seed);
  wrong += check_total(&s, &file, &c, NULL, NULL, seed);
  struct pw_series parallel = run_series(&file, &c, every, &(struct pw_run_options){.jobs = 3}, NULL);
  assert_int_equal(parallel.n_windows, s.n_windows);
  assert_memory_equal(parallel.windows, s.windows, s.n_windows * sizeof *s.windows);
  for (size_t i = 0; i < s.n_windows; i++) {
    met[0] += s.windows[i].counts.major_faults > 0;
    met[1] += s.windows[i].heap.returned_bytes > 0;
    met[2] += s.windows[i].mmap.minor_faults > 0;
    met[3] += s.windows[i].counts.swap_outs > 0;
  }
  pw_series_clear(&s);
  pw_series_clear(&parallel);
  kit_file_free(&file);
  free(o);
  return wrong;
}

static void windows_are_what_a_naive_machine_says(void **state)
{
  (void)state;
  uint64_t met[4] = {0};
  int wrong = 0;
  for (uint64_t seed = 1; seed <= 250 && wrong < 10; seed++) wrong += hold(seed, met);
  assert_int_equal(wrong, 0);
  for (int i = 0; i < 4; i++)
    if (met[i] <= 100) fail_msg("the traces are too easy: %d happened in %ju windows", i, (uintmax_t)met[i]);
}

/* ---- warm-up, one stream, bounds ---- */

static void warm_up_and_one_stream_still_add_up(void **state)
{
  (void)state;
  static struct script script;
  static uint64_t visits[MAX_OPS], ends[MAX_OPS];
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct observer *o = kit_alloc(1, sizeof *o);
    uint64_t r = pw_random_seed(seed, 44), every = 1 + pw_random_below(&r, 300);
    struct pw_geometry g;
    struct pw_config c;
    size_t n_visits, first = 0;
    write_script(&script, seed);
    struct kit_file file = write_file(&script, seed, visits, &n_visits);
    draw_machine(&o->m, &c, &g, &r);
    struct pw_trace_options how = {.warmup = pw_random_below(&r, 400)};
    struct pw_run_options options = {.only = (enum pw_stream)pw_random_below(&r, 3)};
    struct pw_series s = run_series(&file, &c, every, &options, &how);
    assert_int_equal(check_total(&s, &file, &c, &options, &how, seed), 0);
    while (how.warmup && first < n_visits && visits[first] < how.warmup) first++;
    uint64_t start = how.warmup && first < n_visits ? visits[first++] : how.warmup ? visits[n_visits - 1] : 0;
    for (size_t i = first; i < n_visits; i++) visits[i - first] = visits[i] - start;
    size_t n = expect_ends(visits, n_visits - first, every, ends);
    assert_int_equal(s.n_windows, n ? n : 1);
    for (size_t i = 0; i < n; i++) assert_int_equal(s.windows[i].access, start + ends[i]);
    pw_series_clear(&s);
    kit_file_free(&file);
    free(o);
  }
}

static void impossible_windows_are_refused(void **state)
{
  (void)state;
  struct kit_file file = small_trace();
  struct pw_trace *t;
  struct pw_error err = {0};
  struct pw_series s;
  struct pw_config c;
  pw_config_default(&c);
  KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
  assert_int_equal(pw_series_run(t, &c, 0, NULL, &s, &err), PW_EINVAL);
  assert_null(s.windows);
  pw_trace_close(t);
  struct pw_series whole = run_series(&file, &c, UINT64_MAX, NULL, NULL);
  assert_int_equal(whole.n_windows, 1);
  pw_series_clear(&whole);
  kit_file_free(&file);
}

/* A million windows and no more. */
static void too_many_windows_are_refused(void **state)
{
  (void)state;
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct kit_file file;
  struct pw_trace *t;
  struct pw_error err = {0};
  struct pw_series s;
  struct pw_config c;
  pw_config_default(&c);
  kit_file_open(&file, NULL);
  for (uint32_t n = 0; n <= PW_SERIES_MOST + PW_BLOCK_VISITS; n += 50000) {
    kit_start(b);
    for (uint32_t i = 0; i < 50000; i++) kit_access(b, 0, i % 2, PW_LOAD);
    kit_file_add(&file, kit_finish(b));
  }
  kit_file_finish(&file);
  free(b);
  KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
  assert_int_equal(pw_series_run(t, &c, 1, NULL, &s, &err), PW_EINVAL);
  assert_non_null(strstr(err.text, "take longer windows"));
  pw_trace_close(t);
  kit_file_free(&file);
}

/* Events of every kind and range, far addresses, marks in between: still the windows add up. */
static void any_events_add_up(void **state)
{
  (void)state;
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct pw_geometry g;
  struct pw_error err = {0};
  KIT_OK(pw_geometry_parse(&g, "7,9,9,9,9,9+12:8", &err), err);
  for (uint64_t seed = 1; seed <= 150; seed++) {
    struct pwt_maker m;
    struct kit_file file;
    uint64_t r = pw_random_seed(seed, 45), every = 1 + pw_random_below(&r, 400);
    static const uint64_t memories[] = {PW_UNLIMITED, 1 << 16, 1 << 20};
    struct pw_config c;
    pwt_maker_init(&m, seed);
    kit_file_open(&file, NULL);
    for (uint32_t i = 1 + pw_random_below(&r, 4); i > 0; i--)
      kit_file_add(&file, pwt_maker_block(&m, b, 1 + pw_random_below(&r, 900), 50, 1 + pw_random_below(&r, 60)));
    kit_file_finish(&file);
    pw_config_default(&c);
    c.geometry = &g;
    c.page_shift = pw_random_below(&r, 2) ? 12 : 21;
    c.memory_bytes = memories[pw_random_below(&r, 3)];
    if (c.memory_bytes < 2ull << c.page_shift) c.memory_bytes = 2ull << c.page_shift;
    struct pw_run_options options = {.no_asid = pw_random_below(&r, 2), .jobs = 1 + pw_random_below(&r, 3)};
    struct pw_series s = run_series(&file, &c, every, &options, NULL);
    assert_int_equal(check_total(&s, &file, &c, &options, NULL, seed), 0);
    for (size_t i = 0; i < s.n_windows; i++)
      assert_true(s.windows[i].heap.minor_faults + s.windows[i].mmap.minor_faults <= s.windows[i].counts.minor_faults);
    pw_series_clear(&s);
    kit_file_free(&file);
  }
  free(b);
}

/* Every allocation fails once: a sentence, and nothing is left. */
static void memory_may_run_out(void **state)
{
  (void)state;
  struct kit_file file = small_trace();
  struct pw_config c;
  pw_config_default(&c);
  c.memory_bytes = 3 * 4096;
  for (unsigned long n = 1;; n++) {
    struct pw_trace *t;
    struct pw_error err = {0};
    struct pw_series s;
    KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
    pw_alloc_fail_after(n);
    int status = pw_series_run(t, &c, 3, NULL, &s, &err);
    pw_alloc_fail_after(0);
    pw_trace_close(t);
    if (status == 0) {
      assert_true(n > 20);
      pw_series_clear(&s);
      break;
    }
    assert_int_equal(status, PW_ENOMEM);
    assert_int_equal(err.status, PW_ENOMEM);
    assert_null(s.windows);
  }
  kit_file_free(&file);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(windows_by_hand),
      cmocka_unit_test(windows_are_what_a_naive_machine_says),
      cmocka_unit_test(warm_up_and_one_stream_still_add_up),
      cmocka_unit_test(impossible_windows_are_refused),
      cmocka_unit_test(too_many_windows_are_refused),
      cmocka_unit_test(any_events_add_up),
      cmocka_unit_test(memory_may_run_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
