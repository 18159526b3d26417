/* The .pwt container: what is written comes back, the same bytes come out for the same trace, and no damage
 * of any byte passes: flipped, cut off, appended, or from a newer version. */
#include "pwtkit.h"

#include <unistd.h>
#include <xxhash.h>

static const struct pw_trace_options with_counts = {.counts = true};

static void same_sides(const struct pw_block *a, const struct pw_block *b)
{
  assert_true((a->offset != NULL && a->n_visits > 0) == (b->offset != NULL) && (b->offset != NULL) == (b->pc != NULL));
  if (!b->offset) return;
  assert_memory_equal(a->offset, b->offset, a->n_visits * sizeof *a->offset);
  for (uint32_t i = 0; i < a->n_visits; i++) assert_int_equal(a->pc[i], b->pc[i]);
}

static void same_block(const struct pw_block *a, const struct pw_block *b, bool counts)
{
  assert_int_equal(a->n_visits, b->n_visits);
  assert_int_equal(a->n_pages, b->n_pages);
  assert_int_equal(a->n_events, b->n_events);
  size_t n = a->n_visits;
  if (n) {
    assert_memory_equal(a->pages, b->pages, a->n_pages * sizeof *a->pages);
    assert_memory_equal(a->page, b->page, n * sizeof *a->page);
    assert_memory_equal(a->flags, b->flags, n);
  }
  assert_memory_equal(&a->totals, &b->totals, sizeof a->totals);
  for (uint32_t i = 0; i < a->n_events; i++) {
    const struct pw_event *x = &a->events[i], *y = &b->events[i];
    assert_true(x->at == y->at && x->kind == y->kind && x->a == y->a && x->b == y->b && x->c == y->c);
    assert_int_equal(x->text_bytes, y->text_bytes);
    if (x->text_bytes) assert_memory_equal(x->text, y->text, x->text_bytes);
  }
  if (!counts) return;
  assert_non_null(b->fetches);
  if (n) {
    assert_memory_equal(a->fetches, b->fetches, n * 2);
    assert_memory_equal(a->loads, b->loads, n * 2);
    assert_memory_equal(a->stores, b->stores, n * 2);
    assert_memory_equal(a->touches, b->touches, n * 2);
  }
}

static void blocks_come_back(void **state)
{
  (void)state;
  struct kit_builder *builder = kit_alloc(1, sizeof *builder), *again = kit_alloc(1, sizeof *again);
  for (uint64_t seed = 1; seed <= 120; seed++) {
    struct pwt_maker maker, remake;
    struct kit_file file;
    uint32_t n_blocks = 1 + (uint32_t)seed % 4, pages = seed % 3 ? 20 : 3000, events = seed % 2 ? 10 : 200;
    uint64_t visits = 0, n_events = 0, counted = 0;
    builder->sides = again->sides = seed % 3 == 1;
    bool sides = seed % 2;
    pwt_maker_init(&maker, seed);
    remake = maker;
    kit_file_open(&file, NULL);
    for (uint32_t i = 0; i < n_blocks; i++) /* block 1 holds events only */
      kit_file_add(&file, pwt_maker_block(&maker, builder, i == 1 ? 0 : 1 + (uint32_t)seed * 37 % 3000, pages, events));
    kit_file_finish(&file);
    struct pw_trace *t;
    const struct pw_block *b;
    struct pw_error err = {0};
    bool counts = seed % 5;
    KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, &(struct pw_trace_options){.counts = counts, .sides = sides}, &err), err);
    for (int round = 0; round < 2; round++) {
      struct pwt_maker m = remake;
      visits = n_events = counted = 0;
      for (uint32_t i = 0; i < n_blocks; i++) {
        const struct pw_block *want = pwt_maker_block(&m, again, i == 1 ? 0 : 1 + (uint32_t)seed * 37 % 3000, pages, events);
        int got = pw_trace_next(t, &b, &err);
        if (got != 1) fail_msg("seed %u block %u: %d %s", (unsigned)seed, i, got, err.text);
        same_block(want, b, counts);
        if (sides) same_sides(want, b);
        else assert_null(b->offset);
        visits += b->n_visits;
        n_events += b->n_events;
        counted += pw_totals_sum(&b->totals);
      }
      assert_int_equal(pw_trace_next(t, &b, &err), 0);
      assert_int_equal(pw_trace_next(t, &b, &err), 0);
      const struct pw_trace_info *info = pw_trace_info(t);
      assert_true(info->complete && info->visits == visits && info->events == n_events && info->blocks == n_blocks);
      assert_true(pw_totals_sum(&info->totals) == counted && info->processes == m.n_processes);
      assert_true(info->file_bytes == file.n && info->stored_bytes == file.n);
      assert_string_equal(info->format, "pwt");
      if (round == 0) KIT_OK(pw_trace_rewind(t, &err), err);
    }
    pw_trace_close(t);
    kit_file_free(&file);
  }
  free(builder);
  free(again);
}

/* Counts around every limit of the bytes and escapes. */
static void large_counts_come_back(void **state)
{
  (void)state;
  static const uint16_t values[] = {0, 1, 253, 254, 255, 256, 257, 32767, 65279, 65534, 65535};
  enum { N = 11 * 11 };
  uint16_t page[N] = {0}, column[3][N], touches[N];
  uint8_t flags[N];
  static const uint64_t pages[2] = {5, 9};
  struct pw_block b = {.n_visits = N, .n_pages = 2, .pages = pages, .page = page, .flags = flags, .fetches = column[0],
                       .loads = column[1], .stores = column[2], .touches = touches};
  for (uint32_t i = 0; i < N; i++) {
    unsigned pattern = i < 2 ? 1 : 3 + i % 2; /* the first two visits open both pages */
    flags[i] = (uint8_t)((i % 2) | (pattern - 1) << 2);
    page[i] = (uint16_t)(i % 2);
    column[0][i] = values[i % 11];
    column[1][i] = values[i / 11] < 4 ? 4 : values[i / 11]; /* enough accesses for every pattern */
    column[2][i] = values[(i * 7 + 3) % 11];
    uint32_t folded = values[(i * 5 + 1) % 11], accesses = (uint32_t)column[0][i] + column[1][i] + column[2][i];
    uint32_t most = accesses < 65535 ? accesses : 65535;
    if (2 * folded + pattern > most) folded = (most - pattern) / 2;
    touches[i] = (uint16_t)(pattern + (i < 2 ? 0 : 2 * folded));
    b.totals.fetches += column[0][i];
    b.totals.loads += column[1][i];
    b.totals.stores += column[2][i];
  }
  struct kit_file file;
  kit_file_open(&file, NULL);
  kit_file_add(&file, &b);
  kit_file_add(&file, &b);
  kit_file_finish(&file);
  struct pw_trace *t;
  const struct pw_block *got;
  struct pw_error err = {0};
  KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, &with_counts, &err), err);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(pw_trace_next(t, &got, &err), 1);
    same_block(&b, got, true);
  }
  assert_int_equal(pw_trace_next(t, &got, &err), 0);
  pw_trace_close(t);
  kit_file_free(&file);
}

/* A file of some 700 bytes with two blocks, events and a text. */
static struct kit_file small_file(const struct pw_writer_options *options)
{
  struct kit_builder *builder = kit_alloc(1, sizeof *builder);
  struct pwt_maker maker;
  struct kit_file file;
  pwt_maker_init(&maker, 5);
  kit_file_open(&file, options);
  for (int i = 0; i < 2; i++) {
    pwt_maker_block(&maker, builder, 40, 9, 0);
    kit_event(builder, (struct pw_event){.kind = PW_EVENT_MAP, .a = 0x7000, .b = 0x1000, .c = 5, .text = "lib.so", .text_bytes = 6});
    kit_access(builder, 0, 7, PW_STORE);
    kit_file_add(&file, kit_finish(builder));
  }
  kit_file_finish(&file);
  free(builder);
  return file;
}

/* Visits of so many kinds, in no order. */
static void make_kinds(struct pw_block *b, uint32_t n_kinds, uint8_t *flags, uint16_t *loads, uint16_t *stores)
{
  b->totals = (struct pw_totals){0, 0, 0};
  for (uint32_t i = 0; i < b->n_visits; i++) {
    uint32_t kind = (uint32_t)((uint64_t)i * 40503 % PW_BLOCK_VISITS) % n_kinds;
    flags[i] = kind & 1 ? PW_VISIT_WROTE_1 : 0;
    b->totals.loads += loads[i] = (uint16_t)(1 + kind / 512);
    b->totals.stores += stores[i] = (uint16_t)(kind % 512);
  }
}

/* Up to as many kinds as visits, with the limits of their numbers' bytes and of the tables that look for them. */
static void any_number_of_kinds_comes_back(void **state)
{
  (void)state;
  enum { N = PW_BLOCK_VISITS, TRIES = 10 };
  static const uint32_t kinds[TRIES] = {1, 255, 256, 257, 1024, 1025, 5000, 32769, 65535, 65536};
  static const uint64_t pages[1] = {5};
  static uint16_t zero[N], loads[N], stores[N], touches[N];
  static uint8_t flags[N];
  struct kit_file file;
  struct pw_trace *t;
  const struct pw_block *got;
  struct pw_error err = {0};
  struct pw_block b = {.n_visits = N, .n_pages = 1, .pages = pages, .page = zero, .flags = flags, .fetches = zero,
                       .loads = loads, .stores = stores, .touches = touches};
  for (uint32_t i = 0; i < N; i++) touches[i] = 1;
  kit_file_open(&file, NULL);
  for (size_t k = 0; k < TRIES; k++) {
    make_kinds(&b, kinds[k], flags, loads, stores);
    kit_file_add(&file, &b);
  }
  kit_file_finish(&file);
  KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, &with_counts, &err), err);
  for (size_t k = 0; k < TRIES; k++) {
    make_kinds(&b, kinds[k], flags, loads, stores);
    assert_int_equal(pw_trace_next(t, &got, &err), 1);
    same_block(&b, got, true);
  }
  pw_trace_close(t);
  kit_file_free(&file);
}

static void same_trace_same_bytes(void **state)
{
  (void)state;
  struct kit_file a = small_file(NULL), b = small_file(NULL), best = small_file(&(struct pw_writer_options){.level = 19});
  size_t blocks;
  struct pw_error err;
  assert_int_equal(a.n, b.n);
  assert_memory_equal(a.bytes, b.bytes, a.n);
  KIT_OK(pwt_drain(best.bytes, best.n, &with_counts, &blocks, &err), err);
  assert_int_equal(blocks, 2);
  kit_file_free(&a);
  kit_file_free(&b);
  kit_file_free(&best);
}

/* Whether the counts are asked for or not (every other time) makes no difference. */
static void refused(const void *bytes, size_t n, const char *how, size_t at)
{
  size_t blocks;
  struct pw_error err;
  int status = pwt_drain(bytes, n, &(struct pw_trace_options){.counts = at % 2}, &blocks, &err);
  if ((status != PW_EFORMAT && status != PW_EUNSUPPORTED) || (int)err.status != status || !strstr(err.text, "file.pwt"))
    fail_msg("%s %zu: status %d, %zu blocks: %s", how, at, status, blocks, err.text);
}

static void every_flipped_bit_is_noticed(void **state)
{
  (void)state;
  struct kit_file file = small_file(NULL);
  for (size_t bit = 0; bit < file.n * 8; bit++) {
    file.bytes[bit / 8] = (char)(file.bytes[bit / 8] ^ 1 << bit % 8);
    refused(file.bytes, file.n, "flipped bit", bit);
    file.bytes[bit / 8] = (char)(file.bytes[bit / 8] ^ 1 << bit % 8);
  }
  kit_file_free(&file);
}

static void every_truncation_is_noticed(void **state)
{
  (void)state;
  struct kit_file file = small_file(NULL);
  for (size_t n = 0; n < file.n; n++) {
    char *copy = malloc(n ? n : 1); /* exactly so long, for the sanitizer */
    assert_non_null(copy);
    memcpy(copy, file.bytes, n);
    refused(copy, n, "cut to", n);
    free(copy);
  }
  kit_file_free(&file);
}

static void appended_bytes_are_noticed(void **state)
{
  (void)state;
  struct kit_file file = small_file(NULL);
  char *longer = kit_alloc(2 * file.n, 1);
  memcpy(longer, file.bytes, file.n);
  for (int byte = 0; byte < 256; byte++) {
    longer[file.n] = (char)byte;
    refused(longer, file.n + 1, "appended byte", (size_t)byte);
  }
  memcpy(longer + file.n, file.bytes, file.n);
  refused(longer, 2 * file.n, "a second trace behind it", 0);
  free(longer);
  kit_file_free(&file);
}

/* Changes bytes of the file header and makes its checksum right again. */
static void patch_header(struct kit_file *file, size_t at, uint64_t value, size_t n)
{
  uint32_t size;
  for (size_t i = 0; i < n; i++) file->bytes[8 + at + i] = (char)(value >> 8 * i);
  memcpy(&size, file->bytes + 4, 4);
  uint64_t sum = XXH64(file->bytes, size, 0); /* 8 + payload; size counts the checksum too */
  memcpy(file->bytes + size, &sum, 8);
}

static void newer_files_are_refused(void **state)
{
  (void)state;
  static const struct {
    size_t at, n;
    uint64_t value;
    int status;
    const char *part;
  } rows[] = {
      {8, 2, 1, 0, ""}, {8, 2, 2, PW_EUNSUPPORTED, "version 2"}, {8, 2, 65535, PW_EUNSUPPORTED, "version 65535"},
      {10, 2, 7, 0, ""}, {12, 4, 13, PW_EFORMAT, "4 KiB"},
      {16, 8, 9, PW_EUNSUPPORTED, "features 0x8 "}, {16, 8, 7, 0, ""}, {16, 8, UINT64_C(1) << 63, PW_EUNSUPPORTED, "newer pagewalk"},
      {24, 8, UINT64_MAX, 0, ""},
      {32, 4, 1, PW_EFORMAT, "file header"}, {32, 4, 0xffffffff, PW_EFORMAT, "file header"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct kit_file file = small_file(NULL);
    size_t blocks;
    struct pw_error err;
    patch_header(&file, rows[i].at, rows[i].value, rows[i].n);
    int status = pwt_drain(file.bytes, file.n, &with_counts, &blocks, &err);
    if (status != rows[i].status || !strstr(err.text, rows[i].part)) fail_msg("row %zu: %d %s", i, status, err.text);
    kit_file_free(&file);
  }
}

static void provenance_comes_back(void **state)
{
  (void)state;
  static const struct pw_writer_options options = {.source = "lackey \"x\"\n", .command = "./a 'b' `c` %s", .date = "2024-02-30"};
  struct kit_file file = small_file(&options), bare = small_file(NULL);
  struct pw_trace *t;
  struct pw_error err = {0};
  KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
  assert_string_equal(pw_trace_info(t)->source, options.source);
  assert_string_equal(pw_trace_info(t)->command, options.command);
  assert_string_equal(pw_trace_info(t)->date, options.date);
  assert_string_equal(pw_trace_info(t)->creator, "pagewalk " PW_VERSION);
  KIT_OK(pw_trace_rewind(t, &err), err);
  assert_string_equal(pw_trace_info(t)->command, options.command);
  pw_trace_close(t);
  KIT_OK(pw_trace_open_memory(&t, "T", bare.bytes, bare.n, NULL, &err), err);
  assert_string_equal(pw_trace_info(t)->source, "");
  assert_string_equal(pw_trace_info(t)->command, "");
  assert_string_equal(pw_trace_info(t)->date, "");
  pw_trace_close(t);
  kit_file_free(&file);
  kit_file_free(&bare);
}

/* Ids of threads have 64 bits: those that differ in the top ones alone are different threads. */
static void thread_ids_above_52_bits(void **state)
{
  (void)state;
  static const uint64_t ids[] = {7, 7 | UINT64_C(1) << 52, 7 | UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX >> 12, 7};
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct kit_file file;
  struct pw_trace *t;
  const struct pw_block *block;
  struct pw_error err = {0};
  kit_file_open(&file, NULL);
  kit_start(b);
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    kit_event(b, (struct pw_event){.kind = PW_EVENT_THREAD, .a = ids[i]});
    kit_access(b, 0, 1, PW_LOAD);
  }
  kit_file_add(&file, kit_finish(b));
  kit_file_finish(&file);
  KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
  while (pw_trace_next(t, &block, &err) == 1) continue;
  assert_true(pw_trace_info(t)->complete);
  assert_int_equal(pw_trace_info(t)->threads, 5);
  pw_trace_close(t);
  kit_file_free(&file);
  free(b);
}

/* Texts of 4 KiB, so many that all of them are over 256 MiB: the file has 100 KB. */
static void texts_of_a_trace_are_capped(void **state)
{
  (void)state;
  static const char text[4096] = "/usr/lib/a";
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct kit_file file;
  size_t blocks;
  struct pw_error err;
  kit_file_open(&file, NULL);
  for (uint32_t i = 0; i < 17; i++) {
    kit_start(b);
    for (uint32_t k = 0; k < 4096; k++)
      kit_event(b, (struct pw_event){.kind = PW_EVENT_MAP, .a = 0x1000, .b = 0x1000, .text = text, .text_bytes = sizeof text});
    kit_access(b, 0, 1, PW_LOAD);
    kit_file_add(&file, kit_finish(b));
  }
  kit_file_finish(&file);
  assert_true(file.n < 1 << 20);
  assert_int_equal(pwt_drain(file.bytes, file.n, &with_counts, &blocks, &err), PW_EUNSUPPORTED);
  assert_non_null(strstr(err.text, "256 MiB"));
  assert_int_equal(blocks, 16);
  KIT_OK(pwt_drain(file.bytes, file.n, &(struct pw_trace_options){.ignore_events = true}, &blocks, &err), err);
  assert_int_equal(blocks, 17);
  kit_file_free(&file);
  free(b);
}

/* Accesses of the kernel to 1 MiB each, a block of them in 240 bytes: they would take hours. */
static void events_for_a_byte_of_the_file_are_capped(void **state)
{
  (void)state;
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  struct kit_file file;
  size_t blocks;
  struct pw_error err;
  kit_file_open(&file, NULL);
  for (uint32_t i = 0; i < 17; i++) {
    kit_start(b);
    for (uint32_t k = 0; k < PW_BLOCK_VISITS - 1; k++)
      kit_event(b, (struct pw_event){.kind = PW_EVENT_KERNEL_READ, .a = 0x1000, .b = PW_MAX_KERNEL_BYTES});
    kit_access(b, 0, 1, PW_LOAD);
    kit_file_add(&file, kit_finish(b));
  }
  kit_file_finish(&file);
  assert_true(file.n < 1 << 14);
  assert_int_equal(pwt_drain(file.bytes, file.n, &with_counts, &blocks, &err), PW_EUNSUPPORTED);
  assert_non_null(strstr(err.text, "16 for each byte"));
  KIT_OK(pwt_drain(file.bytes, file.n, &(struct pw_trace_options){.ignore_kernel = true}, &blocks, &err), err);
  assert_int_equal(blocks, 17);
  kit_file_free(&file);
  free(b);
}

static void zstd_accepts_the_file(void **state)
{
  (void)state;
  if (system("command -v zstd > /dev/null 2>&1") != 0) {
    print_message("there is no zstd command here\n");
    skip();
  }
  struct kit_file file = small_file(NULL);
  char path[] = "/tmp/test_pwt.XXXXXX", command[128];
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  snprintf(command, sizeof command, "zstd -tq < %s 2> /dev/null", path);
  assert_int_equal(write(fd, file.bytes, file.n), (ssize_t)file.n);
  int whole = system(command);
  assert_int_equal(ftruncate(fd, (off_t)file.n - 1), 0);
  int cut = system(command);
  close(fd);
  unlink(path);
  assert_int_equal(whole, 0);
  assert_int_not_equal(cut, 0);
  kit_file_free(&file);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_come_back),          cmocka_unit_test(large_counts_come_back),
      cmocka_unit_test(any_number_of_kinds_comes_back), cmocka_unit_test(same_trace_same_bytes),
          cmocka_unit_test(every_flipped_bit_is_noticed),
      cmocka_unit_test(every_truncation_is_noticed), cmocka_unit_test(appended_bytes_are_noticed),
      cmocka_unit_test(newer_files_are_refused),   cmocka_unit_test(provenance_comes_back),
      cmocka_unit_test(zstd_accepts_the_file),         cmocka_unit_test(thread_ids_above_52_bits),
      cmocka_unit_test(texts_of_a_trace_are_capped),   cmocka_unit_test(events_for_a_byte_of_the_file_are_capped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
