/* Pages, tables and processes that come and go: random traces with map, unmap, discard, move, fork, exec, exit and
 * the kernel's accesses through pw_run, against the naive machine, number by number. */
#include "naive_machine.h"

/* ---- traces ---- */

enum maps { NO_MAPS, ALL_MAPPED, LATE_MAPS };

struct author {
  uint64_t r;
  struct script *s;
  struct machine known; /* only its ranges and processes are used */
  bool gone[MAX_PROCESSES];
  uint32_t thread;
};

/* Pages near the edges of spans of 2 MiB, 1 GiB and 512 GiB. */
static uint64_t draw_page(struct author *a)
{
  static const uint64_t bases[] = {0x10, 0x200 - 6, 0x400 - 6, 0x40000 - 6, 0x80000 - 6, 0x8000000 - 6, 0x7ffff0000};
  return bases[pw_random_below(&a->r, 7)] + pw_random_below(&a->r, 12);
}

static void write_event(struct author *a, struct pw_event e)
{
  assert_true(a->s->n < MAX_OPS);
  do_event(&a->known, &e);
  a->s->list[a->s->n++] = (struct op){.event = true, .e = e};
}

static void write_range_event(struct author *a, uint32_t kind)
{
  uint64_t first = draw_page(a), last = draw_page(a);
  if (pw_random_below(&a->r, 3)) last = first + pw_random_below(&a->r, pw_random_below(&a->r, 2) ? 8 : 1500);
  if (last < first) {
    uint64_t swap = first;
    first = last;
    last = swap;
  }
  write_event(a, (struct pw_event){.kind = kind, .a = first << 12, .b = (last - first + 1) << 12});
}

/* What the kernel touches; what is given back and moved, often a multiple of 2 MiB away. */
static void write_page_event(struct author *a)
{
  static const uint32_t kinds[] = {PW_EVENT_KERNEL_READ, PW_EVENT_KERNEL_WRITE, PW_EVENT_KERNEL_WRITE, PW_EVENT_DISCARD, PW_EVENT_MOVE};
  uint32_t kind = kinds[pw_random_below(&a->r, 5)];
  uint64_t first = draw_page(a), n = 1 + pw_random_below(&a->r, 12), to = draw_page(a);
  bool kernel = kind == PW_EVENT_KERNEL_READ || kind == PW_EVENT_KERNEL_WRITE;
  if (!kernel && pw_random_below(&a->r, 2)) {
    first &= ~UINT64_C(511);
    n = 512 * (1 + pw_random_below(&a->r, 3));
    to &= ~UINT64_C(511);
  }
  struct pw_event e = {.kind = kind, .a = first << 12, .b = n << 12};
  if (kind == PW_EVENT_MOVE) e.c = to << 12;
  if (kernel) {
    e.a += pw_random_below(&a->r, 4096);
    e.b -= pw_random_below(&a->r, 4096);
  }
  write_event(a, e);
}

/* An event that means nothing to pages. */
static struct pw_event idle_event(uint64_t *r)
{
  static const uint32_t kinds[] = {PW_EVENT_PROTECT, PW_EVENT_THREAD_START, PW_EVENT_THREAD_END, PW_EVENT_BACKING, PW_EVENT_SYMBOL, PW_EVENT_THREAD};
  return (struct pw_event){.kind = kinds[pw_random_below(r, 6)], .a = (uint64_t)pw_random_below(r, 1100) << 12, .b = 1 + pw_random_below(r, 9999), .c = 1};
}

static void write_process_event(struct author *a)
{
  struct machine *m = &a->known;
  uint32_t kind = pw_random_below(&a->r, 10), living = 0;
  for (uint32_t p = 0; p < m->n_processes; p++) living += !a->gone[p];
  if (kind == 0 && m->n_processes < MAX_PROCESSES) {
    write_event(a, (struct pw_event){.kind = PW_EVENT_FORK, .a = 100 + m->n_processes, .b = m->n_processes});
  } else if (kind == 1) {
    write_event(a, (struct pw_event){.kind = PW_EVENT_EXEC});
  } else if (kind == 2 && living > 1) {
    a->gone[m->process] = true;
    write_event(a, (struct pw_event){.kind = PW_EVENT_EXIT});
  } else if (kind == 3) {
    write_event(a, (struct pw_event){.kind = PW_EVENT_THREAD, .a = ++a->thread});
  }
  uint32_t next = pw_random_below(&a->r, m->n_processes < MAX_PROCESSES ? m->n_processes + 1 : m->n_processes);
  while (next < m->n_processes && a->gone[next]) next = (next + 1) % m->n_processes;
  if (a->gone[m->process] || pw_random_below(&a->r, 2))
    write_event(a, (struct pw_event){.kind = PW_EVENT_PROCESS, .a = 100 + next, .b = next});
}

/* A stretch of accesses of the process that runs; only mapped pages where maps are known. */
static void write_accesses(struct author *a, bool only_mapped)
{
  uint64_t data = draw_page(a), code = draw_page(a);
  for (uint32_t n = 1 + pw_random_below(&a->r, 30); n > 0; n--) {
    uint32_t op = pw_random_below(&a->r, 3);
    uint64_t *page = op == PW_FETCH ? &code : &data;
    if (pw_random_below(&a->r, 3) == 0) *page = draw_page(a);
    for (int tries = 0; only_mapped && !page_is_mapped(&a->known, a->known.process, *page); tries++) {
      if (tries == 100) return;
      *page = draw_page(a);
    }
    assert_true(a->s->n < MAX_OPS);
    a->s->list[a->s->n++] = (struct op){.op = op, .process = a->known.process, .page = *page};
  }
}

static void write_script(struct script *s, uint64_t seed, enum maps maps)
{
  struct author *a = kit_alloc(1, sizeof *a);
  a->r = pw_random_seed(seed, 31);
  a->s = s;
  a->known.asid = true;
  appear(&a->known, 0);
  s->n = 0;
  uint32_t rounds = 5 + pw_random_below(&a->r, 60);
  for (uint32_t i = 0; i < rounds; i++) {
    bool mapping = maps == ALL_MAPPED || (maps == LATE_MAPS && i > rounds / 2);
    if (mapping && pw_random_below(&a->r, 2)) write_range_event(a, PW_EVENT_MAP);
    write_accesses(a, maps == ALL_MAPPED);
    if (pw_random_below(&a->r, 3) == 0) write_range_event(a, PW_EVENT_UNMAP);
    for (uint32_t n = pw_random_below(&a->r, 3); n > 0; n--) write_page_event(a);
    if (pw_random_below(&a->r, 5) == 0) write_event(a, idle_event(&a->r));
    if (pw_random_below(&a->r, 4) == 0) write_process_event(a);
  }
  s->list[s->n++] = (struct op){.process = a->known.process, .op = PW_LOAD, .page = 0x10};
  if (maps == ALL_MAPPED) { /* and this last access must be mapped too */
    struct op last = s->list[--s->n];
    write_event(a, (struct pw_event){.kind = PW_EVENT_MAP, .a = 0x10000, .b = 4096});
    s->list[s->n++] = last;
  }
  free(a);
}

/* Blocks end where they end in the naive machine's script. */
static struct kit_file write_file(struct script *s, uint64_t seed)
{
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct kit_file file;
  uint64_t r = pw_random_seed(seed, 32);
  kit_file_open(&file, NULL);
  kit_start(b);
  for (size_t i = 0; i < s->n; i++) {
    if (s->list[i].event) kit_event(b, s->list[i].e);
    else kit_access(b, s->list[i].process, s->list[i].page, s->list[i].op);
    s->list[i].cut = pw_random_below(&r, 300) == 0;
    if (!s->list[i].cut) continue;
    kit_file_add(&file, kit_finish(b));
    kit_start(b);
  }
  if (kit_finish(b)->n_visits + b->n_events) kit_file_add(&file, &b->block);
  kit_file_finish(&file);
  free(b);
  return file;
}

/* ---- the property ---- */

struct shape {
  const char *table;
  unsigned page_shift, n_spans, span[4];
  uint64_t root_bytes, table_bytes;
};

static const struct shape shapes[] = {
    {"x86-64", 12, 3, {39, 30, 21}, 4096, 4096},
    {"x86-64", 21, 2, {39, 30}, 4096, 4096},
    {"27,9+12:8", 12, 1, {21}, (UINT64_C(1) << 27) * 8, 4096},
};

struct setting {
  struct machine machine;
  struct pw_config config;
  struct pw_geometry geometry;
};

static void draw_setting(struct setting *x, uint64_t *r, bool asid)
{
  struct pw_error err = {0};
  struct machine *m = &x->machine;
  const struct shape *shape = &shapes[pw_random_below(r, 3)];
  static const uint32_t tlbs[][2] = {{4, 4}, {8, 2}, {4, 1}, {6, 2}, {16, 16}};
  memset(x, 0, sizeof *x);
  KIT_OK(pw_geometry_parse(&x->geometry, shape->table, &err), err);
  m->shift = shape->page_shift - 12;
  m->asid = asid;
  m->n_spans = shape->n_spans;
  memcpy(m->span, shape->span, sizeof m->span);
  m->root_bytes = shape->root_bytes;
  m->table_bytes = shape->table_bytes;
  static const uint64_t frames[] = {0, 0, 2, 3, 5, 9, 20};
  m->frames = frames[pw_random_below(r, 7)];
  static const int policies[] = {0, 0, 1, 2, 4};
  m->policy = policies[pw_random_below(r, 5)];
  struct tlb *levels[3] = {&m->itlb, &m->dtlb, &m->stlb};
  struct pw_tlb_config *configs[3] = {&x->config.itlb, &x->config.dtlb, &x->config.stlb};
  /* all levels, no second level (where a finite LRU memory may go in one pass), none at all */
  uint32_t n_levels = pw_random_below(r, 3) ? 3 : pw_random_below(r, 3) ? 2 : 0;
  for (uint32_t i = 0; i < n_levels; i++) {
    const uint32_t *t = tlbs[pw_random_below(r, 5)];
    levels[i]->entries = t[0];
    levels[i]->ways = t[1];
    *configs[i] = (struct pw_tlb_config){t[0], t[1], 0};
  }
  x->config.page_shift = shape->page_shift;
  x->config.geometry = &x->geometry;
  x->config.memory_bytes = m->frames ? m->frames << shape->page_shift : PW_UNLIMITED;
  x->config.memory_policy = m->policy;
}

enum { N_SETTINGS = 6 };

static int compare(const struct setting *x, const struct pw_result *got, unsigned seed, int number)
{
  const struct pw_result *want = &x->machine.r;
  const struct {
    const char *name;
    uint64_t got, want;
  } rows[] = {
      {"minor_faults", got->minor_faults, want->minor_faults}, {"major_faults", got->major_faults, want->major_faults},
      {"swap_outs", got->swap_outs, want->swap_outs},          {"itlb_misses", got->itlb_misses, want->itlb_misses},
      {"dtlb_misses", got->dtlb_misses, want->dtlb_misses},    {"stlb_lookups", got->stlb_lookups, want->stlb_lookups},
      {"stlb_misses", got->stlb_misses, want->stlb_misses},    {"resident_bytes", got->resident_bytes, want->resident_bytes},
      {"touched_bytes", got->touched_bytes, want->touched_bytes}, {"table_bytes", got->table_bytes, want->table_bytes},
  };
  int wrong = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (rows[i].got == rows[i].want) continue;
    wrong++;
    print_error("seed %u machine %d (%s, pages 2^%u, %u frames, memory policy %d, asid %d): %s is %llu, naive %llu\n", seed,
                number, x->geometry.name, x->config.page_shift, (unsigned)x->machine.frames, x->machine.policy, x->machine.asid,
                rows[i].name, (unsigned long long)rows[i].got, (unsigned long long)rows[i].want);
  }
  return wrong;
}

/* Both engines, one job and two. */
static void run_way(const struct kit_file *file, const struct pw_config *configs, struct pw_result *results, bool asid, int way)
{
  struct pw_error err = {0};
  struct pw_trace *t;
  const struct pw_run_options options = {.no_asid = !asid, .engine = way == 1 ? PW_ENGINE_DIRECT : PW_ENGINE_AUTO, .jobs = way == 2 ? 2 : 1};
  KIT_OK(pw_trace_open_memory(&t, "T", file->bytes, file->n, NULL, &err), err);
  KIT_OK(pw_run(t, configs, N_SETTINGS, &options, results, &err), err);
  pw_trace_close(t);
}

static int hold(unsigned seed, enum maps maps, uint64_t met[4])
{
  static struct script script;
  struct setting *x = kit_alloc(N_SETTINGS, sizeof *x);
  struct pw_config configs[N_SETTINGS];
  struct pw_result results[N_SETTINGS];
  uint64_t r = pw_random_seed(seed, 33);
  bool asid = pw_random_below(&r, 2);
  write_script(&script, seed, maps);
  struct kit_file file = write_file(&script, seed);
  for (int i = 0; i < N_SETTINGS; i++) {
    draw_setting(&x[i], &r, asid);
    configs[i] = x[i].config;
    run_naive(&x[i].machine, &script);
  }
  int wrong = 0;
  for (int way = 0; way < 3 && !wrong; way++) {
    run_way(&file, configs, results, asid, way);
    for (int i = 0; i < N_SETTINGS; i++) wrong += compare(&x[i], &results[i], seed, i);
  }
  for (int i = 0; i < N_SETTINGS; i++) {
    met[0] += x[i].machine.r.major_faults;
    met[1] += x[i].machine.r.swap_outs;
    met[2] += x[i].machine.r.minor_faults;
    met[3] += x[i].machine.r.stlb_misses;
  }
  kit_file_free(&file);
  free(x);
  return wrong;
}

/* PW_ITERATIONS=N tries N seeds instead of 300 (100 under sanitizers). */
static void hold_seeds(unsigned first, enum maps maps)
{
  const char *text = getenv("PW_ITERATIONS");
  unsigned last = first + (text ? (unsigned)strtoul(text, NULL, 10) : SLOW ? 100 : 300) - 1;
  uint64_t met[4] = {0};
  int wrong = 0;
  for (unsigned seed = first; seed <= last && wrong < 10; seed++) wrong += hold(seed, maps, met);
  assert_int_equal(wrong, 0);
  for (int i = 0; i < 4; i++) assert_true(met[i] > (SLOW ? 333 : 1000)); /* else the traces are too easy */
}

static void without_maps_tables_last_while_pages_do(void **state)
{
  (void)state;
  hold_seeds(1, NO_MAPS);
}

static void with_maps_tables_last_while_mappings_do(void **state)
{
  (void)state;
  hold_seeds(1000001, ALL_MAPPED);
}

/* Map events that begin late and never cover all that is touched. */
static void pages_outside_all_mappings_keep_their_tables(void **state)
{
  (void)state;
  hold_seeds(2000001, LATE_MAPS);
}

/* A limit that is never reached changes nothing, whatever the policy; nor does one that is just not reached. */
static void limits_that_never_bind_change_nothing(void **state)
{
  static struct script script;
  struct setting *x = kit_alloc(1, sizeof *x);
  struct pw_config configs[N_SETTINGS];
  struct pw_result results[N_SETTINGS];
  (void)state;
  for (unsigned seed = 1; seed <= (SLOW ? 100 : 300); seed++) {
    uint64_t r = pw_random_seed(seed, 35);
    write_script(&script, 4000000 + seed, (enum maps)(seed % 3));
    struct kit_file file = write_file(&script, seed);
    draw_setting(x, &r, seed % 2);
    for (int i = 0; i < N_SETTINGS; i++) {
      configs[i] = x->config;
      configs[i].geometry = &x->geometry;
      configs[i].memory_bytes = i ? UINT64_C(1) << 45 : PW_UNLIMITED;
      configs[i].memory_policy = i ? i - 1 : 0;
    }
    for (int way = 0; way < 3; way++) {
      if (way) configs[5].memory_bytes = results[0].touched_bytes < 8192 ? 8192 : results[0].touched_bytes;
      run_way(&file, configs, results, seed % 2, way);
      for (int i = 1; i < N_SETTINGS; i++) {
        results[i].one_pass = results[0].one_pass;
        assert_memory_equal(&results[i], &results[0], sizeof results[0]);
      }
    }
    kit_file_free(&file);
  }
  free(x);
}

static bool has_forks(const struct script *s)
{
  for (size_t i = 0; i < s->n; i++)
    if (s->list[i].event && s->list[i].e.kind == PW_EVENT_FORK) return true;
  return false;
}

/* Protections, symbols, backing files and threads that start and end cut visits, and change no number; but a finite
 * memory makes copies as visits begin, so that there are no forks then. */
static void idle_events_change_nothing(void **state)
{
  static struct script plain, with;
  struct setting *x = kit_alloc(1, sizeof *x);
  unsigned finite = 0;
  (void)state;
  for (unsigned seed = 1; seed <= (SLOW ? 50 : 150); seed++) {
    uint64_t r = pw_random_seed(seed, 34);
    struct pw_geometry geometries[N_SETTINGS];
    struct pw_config configs[N_SETTINGS];
    struct pw_result results[2][N_SETTINGS];
    write_script(&plain, 3000000 + seed, (enum maps)(seed % 3));
    with.n = 0;
    for (size_t i = 0; i < plain.n; i++) {
      with.list[with.n++] = plain.list[i];
      if (with.n + plain.n - i < MAX_OPS && pw_random_below(&r, 4) == 0) with.list[with.n++] = (struct op){.event = true, .e = idle_event(&r)};
    }
    assert_true(with.n > plain.n);
    for (int i = 0; i < N_SETTINGS; i++) {
      draw_setting(x, &r, seed % 2);
      geometries[i] = x->geometry;
      configs[i] = x->config;
      configs[i].geometry = &geometries[i];
      if (has_forks(&plain)) configs[i].memory_bytes = PW_UNLIMITED;
      finite += configs[i].memory_bytes != PW_UNLIMITED;
    }
    struct kit_file files[2] = {write_file(&plain, seed), write_file(&with, seed)};
    for (int way = 0; way < 2; way++) {
      for (int k = 0; k < 2; k++) run_way(&files[k], configs, results[k], seed % 2, way);
      assert_memory_equal(results[0], results[1], sizeof results[0]);
    }
    kit_file_free(&files[0]);
    kit_file_free(&files[1]);
  }
  free(x);
  assert_true(finite > (SLOW ? 33 : 100));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_maps_tables_last_while_pages_do),
      cmocka_unit_test(with_maps_tables_last_while_mappings_do),
      cmocka_unit_test(pages_outside_all_mappings_keep_their_tables),
      cmocka_unit_test(limits_that_never_bind_change_nothing),
      cmocka_unit_test(idle_events_change_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
