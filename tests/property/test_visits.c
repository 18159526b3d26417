/* The heart of the library against a naive reading of its rules: raw accesses are cut to base pages one by
 * one, and each visit that comes out must be exactly the next accesses of that list, maximal, with the
 * pattern, the wrote bits and the counts that those accesses give. */
#include "tracekit.h"

#include "trace/pwt_write.h"
#include "trace/visits.h"

/* One access on one base page, as semantics.md cuts it. */
struct step {
  uint64_t key;
  uint32_t op, pid, tid, offset;
  uint64_t pc; /* the thread's last fetch, the access itself if it is one */
  bool modify; /* half of one */
};

struct steps {
  size_t n, room;
  struct step *list;
};

struct accesses {
  size_t n, room;
  struct pw_access *list;
};

static void put_access(struct accesses *a, struct pw_access access)
{
  if (a->n == a->room) {
    a->room = a->room ? 2 * a->room : 4096;
    a->list = realloc(a->list, a->room * sizeof *a->list);
    assert_non_null(a->list);
  }
  a->list[a->n++] = access;
}

static void put_step(struct steps *s, struct step step)
{
  if (s->n == s->room) {
    s->room = s->room ? 2 * s->room : 4096;
    s->list = realloc(s->list, s->room * sizeof *s->list);
    assert_non_null(s->list);
  }
  s->list[s->n++] = step;
}

static uint32_t process_index(uint32_t *pids, uint32_t *n, uint32_t pid)
{
  for (uint32_t i = 0; i < *n; i++)
    if (pids[i] == pid) return i;
  pids[*n] = pid;
  return (*n)++;
}

struct runner {
  uint32_t pid, tid;
  uint64_t fetched; /* the last address */
};

static struct runner *find_runner(struct runner *list, size_t *n, uint32_t pid, uint32_t tid)
{
  for (size_t i = *n; i-- > 0;)
    if (list[i].pid == pid && list[i].tid == tid) return &list[i];
  assert_true(*n < 2 * PW_PROCESSES);
  list[*n] = (struct runner){pid, tid, 0};
  return &list[(*n)++];
}

static void cut_to_pages(const struct accesses *a, struct steps *out)
{
  static struct runner runners[2 * PW_PROCESSES];
  uint32_t pids[PW_PROCESSES], n_pids = 0;
  size_t n_runners = 0;
  for (size_t i = 0; i < a->n; i++) {
    struct pw_access x = a->list[i];
    struct runner *runner = find_runner(runners, &n_runners, x.pid, x.tid);
    if (x.op == PW_FETCH) runner->fetched = x.address;
    uint64_t size = x.size_bytes ? x.size_bytes : 1;
    uint32_t process = process_index(pids, &n_pids, x.pid);
    for (int pass = 0; pass < (x.op == PW_MODIFY ? 2 : 1); pass++) {
      uint32_t op = x.op != PW_MODIFY ? x.op : pass ? (uint32_t)PW_STORE : (uint32_t)PW_LOAD;
      uint64_t n_pages = ((x.address & 4095) + size + 4095) / 4096;
      for (uint64_t p = 0; p < n_pages; p++) {
        uint64_t page = (x.address >> 12) + p, offset = p ? 0 : x.address & 4095;
        put_step(out, (struct step){(uint64_t)process << 52 | page, op, x.pid, x.tid, (uint32_t)offset,
                                    x.op == PW_FETCH ? page << 12 | offset : runner->fetched, x.op == PW_MODIFY});
      }
    }
  }
}

/* ---- checking blocks as they come ---- */

struct check {
  const struct steps *steps;
  size_t at;
  uint32_t pid, tid, process;   /* as the events said */
  uint32_t pids[PW_PROCESSES], n_pids;
  uint64_t current[2];          /* data, code: since the last event or block start */
  struct kit_touches openers[2], all; /* by stream; all with folded alternations unfolded */
  size_t n_visits, n_blocks, n_events, n_full;
};

static void check_events(struct check *c, const struct pw_block *b, uint32_t visit, uint32_t *event)
{
  for (; *event < b->n_events && b->events[*event].at == visit; ++*event) {
    const struct pw_event *e = &b->events[*event];
    c->current[0] = c->current[1] = UINT64_MAX;
    c->n_events++;
    if (e->kind == PW_EVENT_THREAD) {
      c->tid = (uint32_t)e->a;
    } else {
      assert_int_equal(e->kind, PW_EVENT_PROCESS);
      c->pid = (uint32_t)e->a;
      c->process = (uint32_t)e->b;
      assert_int_equal(process_index(c->pids, &c->n_pids, c->pid), c->process);
    }
  }
}

/* The accesses that the visit claims, looked at one by one. */
static void check_visit(struct check *c, const struct pw_block *b, uint32_t i)
{
  uint64_t n = (uint64_t)b->fetches[i] + b->loads[i] + b->stores[i];
  unsigned opener = b->flags[i] & 1, pattern = (b->flags[i] >> 2 & 3u) + 1;
  assert_true(n > 0 && c->at + n <= c->steps->n);
  const struct step *first = &c->steps->list[c->at];
  uint64_t key = b->pages[b->page[i]];
  assert_int_equal(opener, first->op == PW_FETCH);
  assert_true(key == first->key);
  assert_int_equal(b->offset[i], first->offset);
  assert_true(b->pc[i] == first->pc);
  bool continued = c->current[opener] == key; /* only because a counter was full */
  c->current[opener] = key;
  uint32_t counts[3] = {0, 0, 0}, touches = 0, data_touches = 0, wrote = 0;
  unsigned last = 2;
  for (uint64_t k = 0; k < n; k++) {
    const struct step *s = &first[k];
    unsigned stream = s->op == PW_FETCH;
    assert_true(s->key == c->current[stream]);
    assert_true(s->pid == c->pid && s->tid == c->tid);
    if (stream != last) {
      touches++;
      data_touches += !stream;
      kit_touch_add(&c->all, s->key, stream, 0);
    }
    last = stream;
    counts[s->op]++;
    if (s->op == PW_STORE) wrote |= data_touches == 1 ? 1u : 2u;
  }
  unsigned data_in_pattern = opener ? pattern / 2 : (pattern + 1) / 2;
  if (data_in_pattern < 2) wrote = wrote != 0;
  assert_int_equal(counts[PW_FETCH], b->fetches[i]);
  assert_int_equal(counts[PW_LOAD], b->loads[i]);
  assert_int_equal(counts[PW_STORE], b->stores[i]);
  assert_int_equal(touches, b->touches[i]);
  assert_int_equal(pattern, touches <= 4 ? touches : touches % 2 ? 3 : 4);
  /* a modify counts as a store there, if nothing stands between its load and its store */
  bool modified = first->modify && n > 1 && first[1].modify && first[1].op == PW_STORE && first[1].key == key;
  assert_int_equal(b->flags[i] & 2 ? 1 : 0, first->op == PW_STORE || modified);
  assert_int_equal(b->flags[i] >> 4 & 3, wrote);
  kit_touch_add(&c->openers[opener], key, opener, 0);
  c->at += n;
  c->n_visits++;
  if (continued) {
    c->n_full++; /* the visit before must have been full */
    assert_true(i > 0 && (b->fetches[i - 1] == 65535 || b->loads[i - 1] == 65535 || b->stores[i - 1] == 65535 ||
                          b->touches[i - 1] == 65535));
  }
}

static void check_block(struct check *c, const struct pw_block *b)
{
  kit_check_block(b);
  c->n_blocks++;
  c->current[0] = c->current[1] = UINT64_MAX;
  uint32_t event = 0;
  for (uint32_t i = 0; i < b->n_visits; i++) {
    check_events(c, b, i, &event);
    if (c->n_pids == 0) c->n_pids = 1; /* nobody was named: process 0 with index 0 */
    check_visit(c, b, i);
  }
  check_events(c, b, b->n_visits, &event);
}

/* Streams with consecutive repeats removed must be the raw ones, whatever visits there are. */
static void compare_stream(const struct steps *steps, const struct kit_touches *got, int stream)
{
  size_t j = 0;
  uint64_t last = UINT64_MAX, seen = UINT64_MAX;
  for (size_t i = 0; i < steps->n; i++) {
    const struct step *s = &steps->list[i];
    if ((stream == 0 || stream == 1) && (s->op == PW_FETCH) != stream) continue;
    if (s->key == last) continue;
    last = s->key;
    while (j < got->n && got->list[j].key == seen) j++;
    assert_true(j < got->n && got->list[j].key == last);
    seen = last;
  }
  while (j < got->n && got->list[j].key == seen) j++;
  assert_int_equal(j, got->n);
}

/* Feeds in pieces (0 = all at once) and returns the .pwt bytes of what comes out. */
static struct kit_file feed(const struct accesses *a, uint64_t seed, struct check *check)
{
  static const struct pw_trace_options options = {.counts = true, .make_sides = true};
  struct pw_error err = {0};
  struct pw_visits *v;
  struct kit_file file;
  uint64_t total = 0;
  KIT_OK(pw_visits_create(&v, &options, &err), err);
  kit_file_open(&file, NULL);
  for (size_t at = 0; at < a->n;) {
    size_t piece = a->n - at, taken = 0;
    if (seed) piece = 1 + pw_random_below(&seed, pw_random_below(&seed, 2) ? 3 : 5000);
    if (piece > a->n - at) piece = a->n - at;
    int got = pw_visits_add(v, "T", a->list + at, piece, &taken, &err);
    assert_true(got == 0 || got == 1);
    assert_true(got == 1 || taken == piece);
    at += taken;
    if (got == 0) continue;
    if (check) check_block(check, &v->block);
    total += pw_totals_sum(&v->block.totals);
    kit_file_add(&file, &v->block);
  }
  if (pw_visits_flush(v)) {
    if (check) check_block(check, &v->block);
    total += pw_totals_sum(&v->block.totals);
    kit_file_add(&file, &v->block);
  }
  assert_int_equal(pw_visits_flush(v), 0);
  if (check) assert_int_equal(total, check->steps->n);
  pw_visits_destroy(v);
  kit_file_finish(&file);
  return file;
}

/* The .pwt bytes of the same accesses by way of rows alone, as recordings are written. */
static struct kit_file feed_rows(const struct accesses *a)
{
  static const struct pw_trace_options options = {.make_sides = true};
  struct pw_error err = {0};
  struct pw_visits *v;
  struct pw_block block;
  struct kit_file file;
  struct pw_columns *columns = pw_columns_create();
  assert_non_null(columns);
  KIT_OK(pw_visits_create_bare(&v, &options, &err), err);
  kit_file_open(&file, NULL);
  for (size_t at = 0, taken; at <= a->n; at += taken) {
    taken = 1; /* flushed behind the last */
    int got = at < a->n ? pw_visits_add(v, "T", a->list + at, a->n - at, &taken, &err) : pw_visits_flush(v);
    assert_true(got == 0 || got == 1);
    if (!got) continue;
    pw_columns_number(columns, &v->rows, &block);
    KIT_OK(pw_writer_add_rows(file.writer, &block, &v->rows, &err), err);
  }
  pw_visits_destroy(v);
  pw_columns_destroy(columns);
  kit_file_finish(&file);
  return file;
}

/* The whole property on one list of accesses; frees the list. Returns what was met. */
static struct check hold(struct accesses *a, uint64_t seed)
{
  struct steps steps = {0};
  cut_to_pages(a, &steps);
  struct check c = {.steps = &steps, .pid = 0, .tid = 0};
  struct kit_file whole = feed(a, 0, &c), pieces = feed(a, seed | 1, NULL), rows = feed_rows(a);
  assert_int_equal(c.at, steps.n);
  for (int stream = 0; stream < 2; stream++) compare_stream(&steps, &c.openers[stream], stream);
  compare_stream(&steps, &c.all, -1);
  assert_int_equal(whole.n, pieces.n);
  assert_memory_equal(whole.bytes, pieces.bytes, whole.n);
  assert_int_equal(whole.n, rows.n);
  assert_memory_equal(whole.bytes, rows.bytes, whole.n);
  kit_file_free(&whole);
  kit_file_free(&pieces);
  kit_file_free(&rows);
  for (int stream = 0; stream < 2; stream++) free(c.openers[stream].list);
  free(c.all.list);
  free(steps.list);
  free(a->list);
  memset(a, 0, sizeof *a);
  return c;
}

/* ---- traces ---- */

static void random_accesses(struct accesses *a, uint64_t seed)
{
  uint64_t r = pw_random_seed(seed, 1);
  uint32_t n = 1 + pw_random_below(&r, 4000), pages = 1 + pw_random_below(&r, 40), stay = pw_random_below(&r, 100);
  uint32_t runners = 1 + pw_random_below(&r, 5), burst = 1 + pw_random_below(&r, 30), fetch = pw_random_below(&r, 101);
  bool kernel = pw_random_below(&r, 3) == 0, ids = pw_random_below(&r, 2);
  uint64_t at[2] = {0, 0};
  uint32_t pid = ids ? 7 : 0, tid = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (runners > 1 && pw_random_below(&r, burst) == 0) {
      pid = pw_random_below(&r, runners) * (ids ? 3 : 1);
      tid = pw_random_below(&r, runners);
    }
    uint32_t op = pw_random_below(&r, 100) < fetch ? (uint32_t)PW_FETCH : PW_LOAD + pw_random_below(&r, 3);
    unsigned stream = op == PW_FETCH;
    if (pw_random_below(&r, 100) >= stay) at[stream] = pw_random_below(&r, pages);
    static const uint32_t sizes[] = {0, 1, 2, 4, 8, 16, 64, 4095, 4096, 4097, 12289, 1u << 20};
    uint32_t kind = pw_random_below(&r, 60), size = sizes[kind < 12 ? kind : kind % 7];
    uint64_t offset = pw_random_below(&r, 10) ? pw_random_below(&r, 4032) : 4096 - pw_random_below(&r, 9);
    uint64_t address = (at[stream] << 12) + offset + (kernel && stream == 0 ? UINT64_C(0xffff800000000000) : 0);
    put_access(a, (struct pw_access){address, size, op, pid, tid});
  }
}

static void random_traces_hold(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 250; seed++) {
    struct accesses a = {0};
    random_accesses(&a, seed);
    hold(&a, seed);
  }
}

static void the_top_of_the_address_space_is_reached(void **state)
{
  (void)state;
  struct accesses a = {0};
  put_access(&a, (struct pw_access){UINT64_MAX, 0, PW_LOAD, 0, 0});
  put_access(&a, (struct pw_access){UINT64_MAX, 1, PW_STORE, 0, 0});
  put_access(&a, (struct pw_access){UINT64_MAX - 4096, 4097, PW_MODIFY, 0, 0});
  struct check c = hold(&a, 1);
  assert_int_equal(c.n_visits, 5); /* the top page; the page below it and the top page for loads, again for stores */
}

static void bad_accesses_are_refused(void **state)
{
  (void)state;
  static const struct {
    struct pw_access access;
    const char *part;
  } bad[] = {
      {{UINT64_MAX, 2, PW_LOAD, 0, 0}, "0xffffffffffffffff"},
      {{UINT64_MAX - 4095, 4097, PW_MODIFY, 0, 0}, "past the end"},
      {{0x1000, (1u << 20) + 1, PW_LOAD, 0, 0}, "0x1000"},
      {{0x1000, UINT32_MAX, PW_LOAD, 0, 0}, "4294967295"},
  };
  static const struct pw_trace_options options = {.counts = true};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct pw_error err = {0};
    struct pw_visits *v;
    size_t taken;
    KIT_OK(pw_visits_create(&v, &options, &err), err);
    assert_int_equal(pw_visits_add(v, "some/file", &bad[i].access, 1, &taken, &err), PW_EFORMAT);
    assert_non_null(strstr(err.text, "some/file"));
    assert_non_null(strstr(err.text, bad[i].part));
    pw_visits_destroy(v);
  }
}

/* More than 65535 accesses and alternations without leaving a page. */
static void full_counters_continue(void **state)
{
  (void)state;
  for (int kind = 0; kind < 4; kind++) {
    struct accesses a = {0};
    put_access(&a, (struct pw_access){0x5000, 4, PW_FETCH, 0, 0});
    for (uint32_t i = 0; i < 140000; i++) {
      uint32_t op = kind == 3 ? (i % 2 ? (uint32_t)PW_FETCH : i % 4 ? (uint32_t)PW_LOAD : (uint32_t)PW_STORE) : (uint32_t)kind;
      put_access(&a, (struct pw_access){op == PW_FETCH ? 0x5000 : 0x9000, 1, op, 0, 0});
    }
    put_access(&a, (struct pw_access){0x5000, 4, PW_FETCH, 0, 0});
    struct check c = hold(&a, (uint64_t)kind + 1);
    assert_int_equal(c.n_full, 2);
  }
}

/* More than 65536 visits, and more than 65536 events, do not fit one block. */
static void full_blocks_continue(void **state)
{
  (void)state;
  struct accesses a = {0};
  for (uint32_t i = 0; i < 150000; i++)
    put_access(&a, (struct pw_access){(uint64_t)(i * 7919u % 100003u) << 12, 8, i % 3 ? PW_LOAD : PW_FETCH, 0, 0});
  struct check c = hold(&a, 1);
  assert_true(c.n_blocks >= 3 && c.n_visits == 150000);
  for (uint32_t i = 0; i < 100000; i++)
    put_access(&a, (struct pw_access){0x1000, 1, i % 2 ? PW_LOAD : PW_FETCH, i / 2 % 3, i % 5});
  c = hold(&a, 1);
  assert_true(c.n_blocks >= 2 && c.n_events > 65536);
  for (uint32_t i = 0; i < 400; i++)
    put_access(&a, (struct pw_access){((uint64_t)i << 30) + 8, 1u << 20, PW_MODIFY, 0, 0}); /* 257 pages, twice */
  c = hold(&a, 1);
  assert_true(c.n_blocks >= 3 && c.n_visits == 400 * 514);
}

/* As many as there can be; one more is refused. */
static void many_processes_have_their_pages(void **state)
{
  (void)state;
  struct accesses a = {0};
  for (uint32_t i = 0; i < 3 * PW_PROCESSES; i++)
    put_access(&a, (struct pw_access){0x1000 * (i % 7), 4, i % 2 ? PW_STORE : PW_FETCH, 5 * (i % PW_PROCESSES), 1});
  hold(&a, 1);
  static const struct pw_trace_options options = {.counts = true};
  struct pw_error err = {0};
  struct pw_visits *v;
  KIT_OK(pw_visits_create(&v, &options, &err), err);
  for (uint32_t i = 0; i <= PW_PROCESSES; i++) {
    size_t taken;
    struct pw_access access = {0x1000, 4, PW_LOAD, i, 0};
    int status = pw_visits_add(v, "T", &access, 1, &taken, &err);
    assert_int_equal(status, i < PW_PROCESSES ? 0 : PW_EFORMAT);
  }
  assert_non_null(strstr(err.text, "4095 processes"));
  pw_visits_destroy(v);
}

static void a_restart_forgets_everything(void **state)
{
  (void)state;
  static const struct pw_trace_options options = {.counts = true};
  struct pw_error err = {0};
  struct pw_visits *v;
  struct kit_file files[2];
  struct accesses a = {0};
  random_accesses(&a, 77);
  KIT_OK(pw_visits_create(&v, &options, &err), err);
  for (int round = 0; round < 2; round++) {
    size_t taken;
    if (round) pw_visits_restart(v, &options);
    kit_file_open(&files[round], NULL);
    assert_int_equal(pw_visits_add(v, "T", a.list, a.n, &taken, &err), 0);
    assert_int_equal(pw_visits_flush(v), 1);
    kit_file_add(&files[round], &v->block);
    kit_file_finish(&files[round]);
    struct pw_access more = {0x123000, 1, PW_STORE, 9, 9}; /* left open: must not be seen again */
    assert_int_equal(pw_visits_add(v, "T", &more, 1, &taken, &err), 0);
  }
  assert_int_equal(files[0].n, files[1].n);
  assert_memory_equal(files[0].bytes, files[1].bytes, files[0].n);
  kit_file_free(&files[0]);
  kit_file_free(&files[1]);
  pw_visits_destroy(v);
  free(a.list);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_traces_hold),
      cmocka_unit_test(the_top_of_the_address_space_is_reached),
      cmocka_unit_test(bad_accesses_are_refused),
      cmocka_unit_test(full_counters_continue),
      cmocka_unit_test(full_blocks_continue),
      cmocka_unit_test(many_processes_have_their_pages),
      cmocka_unit_test(a_restart_forgets_everything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
