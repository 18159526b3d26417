/* --skip, --limit and --warmup: on a .pwt whole visits are cut, on text single accesses. The naive side
 * lists every visit of the whole trace with the number of its first access, and takes those that start in
 * the range; what the library hands over must be those touches, counts and events and nothing else. */
#include "pwtkit.h"

enum { ITEM_TOUCH, ITEM_EVENT };

/* A touch (alternations unfolded) or an event, in order. */
struct item {
  uint64_t key;   /* or the event's a */
  uint32_t kind;  /* 0, or of the event */
  uint8_t code, wrote;
  bool opens;     /* first touch of a visit */
  uint64_t start; /* accesses before the visit; of an event, before the visit it stands before */
};

struct items {
  size_t n, room;
  struct item *list;
  struct pw_totals totals;
};

static void put(struct items *items, struct item item)
{
  if (items->n == items->room) {
    items->room = items->room ? 2 * items->room : 1024;
    items->list = realloc(items->list, items->room * sizeof *items->list);
    assert_non_null(items->list);
  }
  items->list[items->n++] = item;
}

static void put_events(struct items *out, const struct pw_block *b, uint32_t visit, uint32_t *e, uint64_t start)
{
  for (; *e < b->n_events && b->events[*e].at == visit; ++*e)
    put(out, (struct item){.key = b->events[*e].a, .kind = b->events[*e].kind, .start = start});
}

/* Every touch there was: C O C O …; the wrote bits are of the data page's first and later touches. */
static void put_block(struct items *out, const struct pw_block *b)
{
  uint64_t current[2] = {UINT64_MAX, UINT64_MAX}, start = pw_totals_sum(&out->totals);
  uint32_t e = 0;
  for (uint32_t i = 0; i < b->n_visits; i++) {
    unsigned code = b->flags[i] & 1, data_touches = 0;
    put_events(out, b, i, &e, start);
    current[code] = b->pages[b->page[i]];
    for (unsigned k = 0; k < b->touches[i]; k++) {
      unsigned of = k % 2 ? 1 - code : code;
      data_touches += !of;
      unsigned bit = data_touches == 1 ? 16 : data_touches == 2 ? 32 : 0;
      put(out, (struct item){current[of], 0, (uint8_t)of, !of && (b->flags[i] & bit), k == 0, start});
    }
    start += (uint64_t)b->fetches[i] + b->loads[i] + b->stores[i];
  }
  put_events(out, b, b->n_visits, &e, start);
  out->totals.fetches += b->totals.fetches;
  out->totals.loads += b->totals.loads;
  out->totals.stores += b->totals.stores;
}

/* Reads a trace to the end: 0 or the error. */
static int read_items(const void *bytes, size_t n, const struct pw_trace_options *options, struct items *out, bool *rounded,
                      struct pw_error *err)
{
  struct pw_trace *t;
  const struct pw_block *b;
  struct pw_trace_options o = *options;
  o.counts = true;
  out->n = 0;
  out->totals = (struct pw_totals){0, 0, 0};
  int status = pw_trace_open_memory(&t, "T", bytes, n, &o, err);
  if (status) return status;
  while ((status = pw_trace_next(t, &b, err)) == 1) {
    kit_check_block(b);
    put_block(out, b);
  }
  *rounded = pw_trace_info(t)->rounded;
  if (status == 0) assert_memory_equal(&pw_trace_info(t)->totals, &out->totals, sizeof out->totals);
  pw_trace_close(t);
  return status;
}

static bool starts_visit(const struct items *whole, uint64_t access)
{
  if (access == pw_totals_sum(&whole->totals)) return true;
  for (size_t i = 0; i < whole->n; i++)
    if (whole->list[i].opens && whole->list[i].start == access) return true;
  return false;
}

/* Where the boundary lies when it is rounded up to a whole visit. */
static uint64_t round_up(const struct items *whole, uint64_t access, bool *rounded)
{
  uint64_t total = pw_totals_sum(&whole->totals);
  if (access >= total) return total;
  if (starts_visit(whole, access)) return access;
  *rounded = true;
  for (size_t i = 0; i < whole->n; i++)
    if (whole->list[i].opens && whole->list[i].start > access) return whole->list[i].start;
  return total;
}

static bool is_touch(const struct item *item)
{
  return item->kind == 0;
}

/* The next item that counts for the comparison; marks are looked at apart. */
static size_t next_item(const struct items *items, size_t i)
{
  while (i < items->n && items->list[i].kind == PW_EVENT_MARK) i++;
  return i;
}

static void compare_items(const struct items *whole, const struct items *cut, uint64_t first, uint64_t end)
{
  size_t j = next_item(cut, 0);
  for (size_t i = 0; i < whole->n; i++) {
    const struct item *want = &whole->list[i], *got = &cut->list[j];
    bool access = is_touch(want) || pw_event_is_kernel(want->kind);
    if (want->kind == PW_EVENT_MARK || (access && want->start < first)) continue;
    if (want->start >= end) break; /* events behind the last visit may stay or go */
    assert_true(j < cut->n);
    if (want->key != got->key || want->kind != got->kind || want->code != got->code || want->wrote != got->wrote)
      fail_msg("item %zu is not item %zu of the whole trace", j, i);
    j = next_item(cut, j + 1);
  }
  for (; j < cut->n; j = next_item(cut, j + 1)) assert_false(is_touch(&cut->list[j]));
}

static void check_mark(const struct items *cut, bool wanted, uint64_t at)
{
  size_t marks = 0;
  for (size_t i = 0; i < cut->n; i++) {
    if (cut->list[i].kind != PW_EVENT_MARK) continue;
    marks++;
    assert_true(cut->list[i].start == at);
  }
  assert_int_equal(marks, wanted);
}

struct tally {
  size_t good, nothing, all_warm, rounded;
};

/* One cut of a .pwt against the naive one. */
static void hold(const struct kit_file *file, const struct items *whole, struct items *cut, const struct pw_trace_options *o,
                 struct tally *tally)
{
  struct pw_error err = {0};
  bool rounded = false, want_rounded = false;
  uint64_t total = pw_totals_sum(&whole->totals);
  int status = read_items(file->bytes, file->n, o, cut, &rounded, &err);
  uint64_t first = round_up(whole, o->skip, &want_rounded), mark = first, end = total;
  if (o->limit && o->skip + o->limit < total) end = round_up(whole, o->skip + o->limit, &want_rounded);
  if (o->warmup) mark = round_up(whole, o->skip + o->warmup, &want_rounded);
  if (first >= end) {
    tally->nothing++;
    if (status >= 0) fail_msg("nothing is left, and that is no error");
    return;
  }
  if (mark >= end) {
    tally->all_warm++;
    if (status >= 0) fail_msg("all is warm-up (%u of %u), and that is no error", (unsigned)(mark - first), (unsigned)(end - first));
    assert_non_null(strstr(err.text, "warm-up"));
    return;
  }
  tally->good++;
  tally->rounded += want_rounded;
  KIT_OK(status, err);
  assert_int_equal(pw_totals_sum(&cut->totals), end - first);
  compare_items(whole, cut, first, end);
  check_mark(cut, o->warmup, mark - first);
  assert_int_equal(rounded, want_rounded);
}

/* The cut that is being looked at: shown when it fails. */
static char where[200];

static void hold_one(const struct kit_file *file, const struct items *whole, struct items *cut, struct pw_trace_options o,
                     struct tally *tally, unsigned seed)
{
  snprintf(where, sizeof where, "seed %u, %llu accesses, skip %llu, limit %llu, warmup %llu", seed,
           (unsigned long long)pw_totals_sum(&whole->totals), (unsigned long long)o.skip, (unsigned long long)o.limit,
           (unsigned long long)o.warmup);
  hold(file, whole, cut, &o, tally);
  *where = '\0';
}

static uint64_t draw_boundary(const struct items *whole, uint64_t *r)
{
  uint64_t total = pw_totals_sum(&whole->totals);
  if (whole->n && pw_random_below(r, 2)) return whole->list[pw_random_below(r, (uint32_t)whole->n)].start;
  return pw_random_below(r, (uint32_t)total + 3);
}

static void hold_random_cuts(const struct kit_file *file, unsigned seed, int cuts, struct tally *tally)
{
  struct items whole = {0}, cut = {0};
  struct pw_error err = {0};
  bool rounded;
  uint64_t r = pw_random_seed(seed, 21);
  KIT_OK(read_items(file->bytes, file->n, &(struct pw_trace_options){0}, &whole, &rounded, &err), err);
  assert_false(rounded);
  for (int i = 0; i < cuts; i++) {
    struct pw_trace_options o = {.skip = draw_boundary(&whole, &r)};
    uint64_t end = draw_boundary(&whole, &r), mark = draw_boundary(&whole, &r);
    if (pw_random_below(&r, 3) == 0) o.skip = 0;
    if (pw_random_below(&r, 3) && end > o.skip) o.limit = end - o.skip;
    if (pw_random_below(&r, 2) && mark > o.skip) o.warmup = mark - o.skip;
    if (o.limit && o.warmup >= o.limit) o.warmup = o.limit - 1;
    hold_one(file, &whole, &cut, o, tally, seed);
  }
  free(whole.list);
  free(cut.list);
}

static void random_cuts_of_a_pwt_hold(void **state)
{
  (void)state;
  struct tally tally = {0};
  struct kit_builder *builder = kit_alloc(1, sizeof *builder);
  for (unsigned seed = 1; seed <= 150; seed++) {
    struct pwt_maker maker;
    struct kit_file file;
    pwt_maker_init(&maker, seed);
    kit_file_open(&file, NULL);
    for (unsigned i = 0; i < 1 + seed % 5; i++) {
      uint32_t n = 1 + pw_random_below(&maker.random, 150);
      const struct pw_block *b = pwt_maker_block(&maker, builder, seed % 4 == 3 && i == 1 ? 0 : n, 8, seed % 3 ? 0 : 15);
      for (uint32_t e = 0; e < b->n_events; e++) /* a trace's own marks are another matter */
        if (builder->events[e].kind == PW_EVENT_MARK) builder->events[e].kind = PW_EVENT_EXEC;
      kit_file_add(&file, b);
    }
    kit_file_finish(&file);
    hold_random_cuts(&file, seed, 25, &tally);
    kit_file_free(&file);
  }
  free(builder);
  assert_true(tally.good > 1500 && tally.nothing > 50 && tally.all_warm > 10 && tally.rounded > 500);
}

/* Blocks as large as they get: 65536 visits, cut in the middle and on their edges. */
static void large_blocks_are_cut(void **state)
{
  (void)state;
  struct kit_builder *builder = kit_alloc(1, sizeof *builder);
  struct kit_file file;
  struct items whole = {0}, cut = {0};
  struct tally tally = {0};
  struct pw_error err = {0};
  uint64_t edge[4] = {0};
  bool rounded;
  kit_file_open(&file, NULL);
  for (uint64_t block = 0; block < 3; block++) {
    uint32_t i = 0;
    kit_start(builder);
    kit_access(builder, 0, 1u << 20, PW_FETCH);
    while (builder->n_visits < PW_BLOCK_VISITS - 1) {
      kit_access(builder, 0, block * 100 + i, i % 5 ? PW_LOAD : PW_STORE);
      kit_access(builder, 0, 1u << 20, PW_FETCH);
      if (i % 3 == 0) kit_access(builder, 0, block * 100 + i, PW_STORE);
      i++;
    }
    const struct pw_block *b = kit_finish(builder);
    assert_int_equal(b->n_visits, PW_BLOCK_VISITS);
    kit_file_add(&file, b);
    edge[block + 1] = edge[block] + pw_totals_sum(&b->totals);
  }
  kit_file_finish(&file);
  KIT_OK(read_items(file.bytes, file.n, &(struct pw_trace_options){0}, &whole, &rounded, &err), err);
  for (int i = 1; i < 3; i++)
    for (int d = -1; d <= 1; d++) {
      uint64_t at = edge[i] + (uint64_t)d;
      hold_one(&file, &whole, &cut, (struct pw_trace_options){.skip = at}, &tally, 0);
      hold_one(&file, &whole, &cut, (struct pw_trace_options){.limit = at}, &tally, 0);
      hold_one(&file, &whole, &cut, (struct pw_trace_options){.warmup = at}, &tally, 0);
      hold_one(&file, &whole, &cut, (struct pw_trace_options){.skip = at - 5, .limit = 10, .warmup = 5}, &tally, 0);
      hold_one(&file, &whole, &cut, (struct pw_trace_options){.skip = 100001, .limit = edge[2], .warmup = at - 100001}, &tally, 0);
    }
  assert_int_equal(tally.good, 30);
  kit_file_free(&file);
  free(whole.list);
  free(cut.list);
  free(builder);
}

/* ---- text ---- */

struct text {
  char *bytes;
  size_t n;
};

/* Lines from to of a random list of accesses; two of three fall on the page before. */
static struct text lines(uint64_t seed, uint32_t from, uint32_t to)
{
  struct text text;
  FILE *out = open_memstream(&text.bytes, &text.n);
  assert_non_null(out);
  uint64_t r = pw_random_seed(seed, 2), page = 0;
  for (uint32_t i = 0; i < to; i++) {
    if (pw_random_below(&r, 3) == 0) page = pw_random_below(&r, 10);
    char op = pw_random_below(&r, 2) ? 'R' : 'W';
    if (i >= from) fprintf(out, "0x%llx %c\n", (unsigned long long)(page * 4096 + 8), op);
  }
  assert_int_equal(fclose(out), 0);
  return text;
}

/* The data pages with repeats removed, and how much is behind the mark. */
static void collapse(struct items *items)
{
  size_t n = 0;
  for (size_t i = 0; i < items->n; i++) {
    if (!is_touch(&items->list[i])) continue;
    if (n && items->list[n - 1].key == items->list[i].key) items->list[n - 1].wrote |= items->list[i].wrote;
    else items->list[n++] = items->list[i];
  }
  items->n = n;
}

static void text_is_cut_exactly(void **state)
{
  (void)state;
  enum { N = 400 };
  struct items cut = {0}, want = {0};
  uint64_t r = 5;
  for (unsigned seed = 1; seed <= 300; seed++) {
    struct pw_error err = {0};
    bool rounded;
    uint32_t skip = pw_random_below(&r, N), limit = pw_random_below(&r, 3) ? 1 + pw_random_below(&r, N) : 0;
    uint32_t end = limit && skip + limit < N ? skip + limit : N;
    uint32_t warmup = pw_random_below(&r, 2) ? pw_random_below(&r, end - skip) : 0;
    struct pw_trace_options o = {.skip = skip, .limit = limit, .warmup = warmup};
    struct text all = lines(seed, 0, N), part = lines(seed, skip, end);
    KIT_OK(read_items(all.bytes, all.n, &o, &cut, &rounded, &err), err);
    assert_false(rounded);
    check_mark(&cut, warmup, warmup);
    KIT_OK(read_items(part.bytes, part.n, &(struct pw_trace_options){0}, &want, &rounded, &err), err);
    assert_memory_equal(&cut.totals, &want.totals, sizeof want.totals);
    collapse(&cut);
    collapse(&want);
    assert_int_equal(cut.n, want.n);
    for (size_t i = 0; i < cut.n; i++) assert_true(cut.list[i].key == want.list[i].key && cut.list[i].wrote == want.list[i].wrote);
    free(all.bytes);
    free(part.bytes);
  }
  free(cut.list);
  free(want.list);
}

/* A boundary inside a straddling access: semantics count one access a page. */
static void a_straddling_access_is_cut_too(void **state)
{
  (void)state;
  static const char text[] = "addr,op,size\n0xffc,L,8\n0x5ffc,S,4100\n";
  struct pw_error err = {0};
  struct items cut = {0};
  bool rounded;
  KIT_OK(read_items(text, sizeof text - 1, &(struct pw_trace_options){.skip = 1, .limit = 3, .warmup = 2}, &cut, &rounded, &err), err);
  assert_int_equal(cut.totals.loads, 1);
  assert_int_equal(cut.totals.stores, 2);
  check_mark(&cut, true, 2);
  collapse(&cut);
  assert_int_equal(cut.n, 3);
  assert_true(cut.list[0].key == 1 && cut.list[1].key == 5 && cut.list[2].key == 6);
  free(cut.list);
}

static void impossible_cuts_are_errors(void **state)
{
  (void)state;
  struct text text = lines(1, 0, 50);
  struct kit_builder *builder = kit_alloc(1, sizeof *builder);
  struct kit_file file;
  kit_file_open(&file, NULL);
  for (uint32_t block = 0; block < 2; block++) {
    kit_start(builder);
    for (uint32_t i = 0; i < 25; i++) kit_access(builder, 0, i / 5, PW_LOAD); /* five visits of five loads */
    kit_file_add(&file, kit_finish(builder));
  }
  kit_file_finish(&file);
  static const struct {
    struct pw_trace_options o;
    int status;
    const char *part;
  } rows[] = {
      {{.skip = 50}, PW_EFORMAT, "skip fewer"}, {{.skip = 5000}, PW_EFORMAT, "skip fewer"},
      {{.skip = UINT64_MAX, .limit = 5}, PW_EFORMAT, "skip fewer"},
      {{.warmup = 50}, PW_EINVAL, "lower --warmup"}, {{.warmup = 51}, PW_EINVAL, "lower --warmup"},
      {{.warmup = UINT64_MAX}, PW_EINVAL, "lower --warmup"}, {{.skip = 20, .warmup = 30}, PW_EINVAL, "lower --warmup"},
      {{.skip = 20, .warmup = 31}, PW_EINVAL, "lower --warmup"}, {{.skip = 45, .warmup = 100}, PW_EINVAL, "lower --warmup"},
      {{.limit = 10, .warmup = 10}, PW_EINVAL, "--warmup"}, {{.limit = 10, .warmup = 11}, PW_EINVAL, "--warmup"},
      {{.limit = 1000, .warmup = 60}, PW_EINVAL, "lower --warmup"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int native = 0; native < 2; native++) {
      struct pw_error err = {0};
      struct items items = {0};
      bool rounded;
      int status = read_items(native ? file.bytes : text.bytes, native ? file.n : text.n, &rows[i].o, &items, &rounded, &err);
      if (status != rows[i].status || !strstr(err.text, rows[i].part))
        fail_msg("row %zu, %s: status %d %s", i, native ? "pwt" : "text", status, err.text);
      free(items.list);
    }
  kit_file_free(&file);
  free(text.bytes);
  free(builder);
}

/* The run behind a cut: only what lies behind the mark is counted. */
static void a_run_counts_behind_the_mark(void **state)
{
  (void)state;
  struct text text = lines(9, 0, 300);
  struct pw_error err = {0};
  struct pw_geometry geometry;
  struct pw_result result;
  struct pw_config config = {.page_shift = 12, .geometry = &geometry, .memory_bytes = PW_UNLIMITED};
  KIT_OK(pw_geometry_parse(&geometry, "x86-64", &err), err);
  struct pw_trace *t;
  KIT_OK(pw_trace_open_memory(&t, "T", text.bytes, text.n, &(struct pw_trace_options){.skip = 17, .limit = 200, .warmup = 61}, &err), err);
  KIT_OK(pw_run(t, &config, 1, NULL, &result, &err), err);
  assert_int_equal(pw_totals_sum(&result.counted), 139);
  pw_trace_close(t);
  free(text.bytes);
}

/* A converted trace may hold a mark; a cut before it must not lose it. */
static void a_traces_own_mark_stays(void **state)
{
  (void)state;
  struct kit_builder *builder = kit_alloc(1, sizeof *builder);
  struct kit_file file;
  struct pw_geometry geometry;
  struct pw_error err = {0};
  struct pw_config config = {.page_shift = 12, .geometry = &geometry, .memory_bytes = PW_UNLIMITED};
  KIT_OK(pw_geometry_parse(&geometry, "x86-64", &err), err);
  kit_file_open(&file, NULL);
  for (uint64_t i = 0; i < 40; i++) {
    if (i % 20 == 0) kit_start(builder);
    if (i == 30) kit_event(builder, (struct pw_event){.kind = PW_EVENT_MARK, .a = 1});
    kit_access(builder, 0, i, PW_LOAD); /* one visit each, two blocks of twenty */
    if (i % 20 == 19) kit_file_add(&file, kit_finish(builder));
  }
  kit_file_finish(&file);
  for (uint64_t skip = 0; skip < 40; skip++) {
    struct pw_trace *t;
    struct pw_result result;
    KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, &(struct pw_trace_options){.skip = skip}, &err), err);
    KIT_OK(pw_run(t, &config, 1, NULL, &result, &err), err);
    pw_trace_close(t);
    assert_int_equal(pw_totals_sum(&result.counted), skip < 30 ? 10 : 40 - skip);
  }
  kit_file_free(&file);
  free(builder);
}

static int say_where(void **state)
{
  (void)state;
  if (*where) print_message("(cut of a .pwt: %s)\n", where);
  *where = '\0';
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(random_cuts_of_a_pwt_hold, say_where), cmocka_unit_test_teardown(large_blocks_are_cut, say_where),
      cmocka_unit_test(text_is_cut_exactly),                           cmocka_unit_test(a_straddling_access_is_cut_too),
      cmocka_unit_test(impossible_cuts_are_errors),                    cmocka_unit_test(a_run_counts_behind_the_mark),
      cmocka_unit_test(a_traces_own_mark_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
