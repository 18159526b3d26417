/* Sources: the same plain bytes whatever the compression and the way they are asked
 * for, and an error, never a shorter or different trace, for what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "base/alloc.h"
#include "trace/source.h"

struct bytes {
  unsigned char *at;
  size_t n;
};

/* ---- making compressed data ---- */

static struct bytes plain(size_t n)
{
  struct bytes b = {malloc(n + 64), 0};
  assert_non_null(b.at);
  for (unsigned seed = 7; b.n < n; seed = seed * 1103515245u + 12345u)
    b.n += (size_t)sprintf((char *)b.at + b.n, " L %08x,%u\n", seed >> 3, seed >> 28);
  return b;
}

static struct bytes joined(struct bytes a, struct bytes b)
{
  struct bytes both = {malloc(a.n + b.n + 1), a.n + b.n};
  assert_non_null(both.at);
  if (a.n) memcpy(both.at, a.at, a.n);
  if (b.n) memcpy(both.at + a.n, b.at, b.n);
  return both;
}

static struct bytes zstd_packed(struct bytes in)
{
  struct bytes out = {malloc(ZSTD_compressBound(in.n)), 0};
  ZSTD_CCtx *context = ZSTD_createCCtx();
  assert_true(out.at && context);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  out.n = ZSTD_compress2(context, out.at, ZSTD_compressBound(in.n), in.at, in.n);
  assert_false(ZSTD_isError(out.n));
  ZSTD_freeCCtx(context);
  return out;
}

static void add_member(struct archive *a, const char *name, struct bytes in, unsigned type)
{
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, name);
  archive_entry_set_filetype(entry, type);
  archive_entry_set_perm(entry, 0644);
  archive_entry_set_size(entry, type == AE_IFREG ? (la_int64_t)in.n : 0);
  assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
  if (type == AE_IFREG) assert_int_equal(archive_write_data(a, in.at, in.n), in.n);
  archive_entry_free(entry);
}

/* How a test file is compressed; members > 1 only for zip. */
static struct bytes packed(const char *filter, struct bytes in, int members)
{
  if (strcmp(filter, "none") == 0) return joined(in, (struct bytes){0});
  if (strcmp(filter, "zstd") == 0) return zstd_packed(in);
  /* libarchive cannot write this one */
  static unsigned char empty_lz4[15] = "\x04\x22\x4d\x18\x64\x40\xa7\0\0\0\0\x05\x5d\xcc\x02";
  if (strcmp(filter, "lz4") == 0 && in.n == 0) return joined((struct bytes){empty_lz4, sizeof empty_lz4}, in);
  bool zip = strcmp(filter, "zip") == 0;
  size_t room = in.n * 2 + 100000;
  struct bytes out = {malloc(room), 0};
  struct archive *a = archive_write_new();
  assert_true(out.at && a);
  if (zip) archive_write_set_format_zip(a);
  else archive_write_set_format_raw(a);
  if (!zip) assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
  archive_write_set_bytes_in_last_block(a, 1);
  assert_int_equal(archive_write_open_memory(a, out.at, room, &out.n), ARCHIVE_OK);
  if (members == 0) add_member(a, "folder", in, AE_IFDIR);
  for (int i = 0; i < members; i++) add_member(a, i ? "b" : "a", in, AE_IFREG);
  assert_int_equal(archive_write_close(a), ARCHIVE_OK);
  archive_write_free(a);
  return out;
}

/* ---- reading ---- */

/* Reads to the end, asking for `want` bytes and dropping `drop` at a time. */
static int read_source(struct pw_source *source, size_t want, size_t drop, struct bytes *out, struct pw_error *err)
{
  size_t room = 0;
  out->n = 0;
  for (;;) {
    const unsigned char *bytes;
    size_t n;
    bool last;
    int status = pw_source_fill(source, want, &bytes, &n, &last, err);
    if (status != 0) return status;
    assert_true(n >= want || last);
    if (n == 0 && last) return 0;
    size_t take = drop < n ? drop : n;
    if (out->n + take > room) {
      room = 2 * (out->n + take);
      out->at = realloc(out->at, room);
      assert_non_null(out->at);
    }
    memcpy(out->at + out->n, bytes, take);
    out->n += take;
    pw_source_consume(source, take);
  }
}

static int read_memory(struct bytes in, struct bytes *out, struct pw_error *err)
{
  /* an exact-size copy, so that a sanitizer sees a read beyond it */
  unsigned char *copy = malloc(in.n ? in.n : 1);
  assert_non_null(copy);
  if (in.n) memcpy(copy, in.at, in.n);
  struct pw_source *source;
  int status = pw_source_open_memory(&source, "T", copy, in.n, err);
  if (status == 0) status = read_source(source, 1, SIZE_MAX, out, err);
  pw_source_close(source);
  free(copy);
  return status;
}

static bool same(struct bytes a, struct bytes b)
{
  return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

static void expect_data(struct bytes in, struct bytes expect)
{
  struct pw_error err = {0};
  struct bytes out = {0};
  int status = read_memory(in, &out, &err);
  if (status != 0) print_error("%s\n", err.text);
  assert_int_equal(status, 0);
  assert_true(same(out, expect));
  free(out.at);
}

static void expect_error(struct bytes in, int expect, const char *sentence)
{
  struct pw_error err = {0};
  struct bytes out = {0};
  int status = read_memory(in, &out, &err);
  if (status != expect || !strstr(err.text, sentence)) print_error("%zu bytes: %d %s\n", in.n, status, err.text);
  assert_int_equal(status, expect);
  assert_int_equal(err.status, expect);
  assert_non_null(strstr(err.text, sentence));
  free(out.at);
}

static const char *const filters[] = {"gzip", "xz", "zstd", "bzip2", "lz4", "lzma", "zip"};
#define FILTERS (sizeof filters / sizeof *filters)

static void test_whole(void **state)
{
  (void)state;
  struct bytes text = plain(1200000);
  for (size_t i = 0; i < FILTERS; i++) {
    struct bytes in = packed(filters[i], text, 1), out = {0};
    expect_data(in, text);
    struct pw_source *source;
    assert_int_equal(pw_source_open_memory(&source, "T", in.at, in.n, NULL), 0);
    assert_int_equal(read_source(source, 5000, 4999, &out, NULL), 0);
    assert_true(same(out, text));
    assert_string_equal(pw_source_compression(source), filters[i]);
    pw_source_close(source);
    free(out.at), free(in.at);
  }
  expect_data(text, text);
  free(text.at);
}

static void test_truncated(void **state)
{
  (void)state;
  struct bytes text = plain(1200);
  for (size_t i = 0; i < FILTERS; i++) {
    struct bytes in = packed(filters[i], text, 1);
    for (size_t n = 14; n < in.n; n++) expect_error((struct bytes){in.at, n}, PW_EFORMAT, "truncated");
    for (size_t n = 1; n < 14; n++) {
      struct bytes out = {0};
      struct pw_error err = {0};
      /* a piece of a signature is a plain file; the formats refuse it */
      if (read_memory((struct bytes){in.at, n}, &out, &err) == 0) assert_true(out.n == n && n < 13);
      free(out.at);
    }
    free(in.at);
  }
  free(text.at);
}

/* Long ones are cut where several reads and blocks are behind. */
static void test_truncated_long(void **state)
{
  (void)state;
  struct bytes text = plain(700000);
  for (size_t i = 0; i < FILTERS; i++) {
    struct bytes in = packed(filters[i], text, 1);
    for (size_t n = in.n - 1; n > in.n / 2; n -= n / 7 + 1) expect_error((struct bytes){in.at, n}, PW_EFORMAT, "truncated");
    for (size_t k = 1; k <= 12; k++) expect_error((struct bytes){in.at, in.n - k}, PW_EFORMAT, "truncated");
    free(in.at);
  }
  free(text.at);
}

static void test_flipped(void **state)
{
  (void)state;
  struct bytes text = plain(1200);
  for (size_t i = 0; i < FILTERS; i++) {
    if (strcmp(filters[i], "lzma") == 0) continue; /* has no checksum */
    struct bytes in = packed(filters[i], text, 1);
    size_t refused = 0;
    for (size_t at = 10; at < in.n; at++)
      for (unsigned bit = 0; bit < 8; bit += 5) {
        struct bytes out = {0};
        struct pw_error err = {0};
        in.at[at] ^= (unsigned char)(1u << bit);
        int status = read_memory(in, &out, &err);
        in.at[at] ^= (unsigned char)(1u << bit);
        refused += status != 0;
        if (status == 0 && !same(out, text)) fail_msg("%s: byte %zu bit %u: wrong data pass", filters[i], at, bit);
        free(out.at);
      }
    assert_true(refused > in.n);
    free(in.at);
  }
  free(text.at);
}

static void test_concatenated(void **state)
{
  (void)state;
  struct bytes a = plain(900), b = plain(300), both = joined(a, b);
  for (size_t i = 0; i < 5; i++) {
    struct bytes x = packed(filters[i], a, 1), y = packed(filters[i], b, 1), in = joined(x, y);
    expect_data(in, both);
    for (size_t n = x.n + 1; n < in.n; n++) {
      struct bytes out = {0};
      assert_int_equal(read_memory((struct bytes){in.at, n}, &out, NULL), PW_EFORMAT);
      free(out.at);
    }
    for (size_t at = x.n; at < x.n + 4; at++) { /* the second signature is damaged */
      struct bytes out = {0};
      in.at[at] ^= 0x10;
      assert_int_equal(read_memory(in, &out, NULL), PW_EFORMAT);
      in.at[at] ^= 0x10;
      free(out.at);
    }
    free(x.at), free(y.at), free(in.at);
  }
  free(a.at), free(b.at), free(both.at);
}

static void test_trailing_garbage(void **state)
{
  (void)state;
  struct bytes text = plain(5000);
  for (size_t i = 0; i < FILTERS; i++)
    for (size_t n = 1; n < 24; n++) {
      struct bytes x = packed(filters[i], text, 1), out = {0};
      struct bytes in = joined(x, (struct bytes){(unsigned char *)"garbage behind the data", n});
      int status = read_memory(in, &out, NULL);
      /* a zip may be followed by a few bytes: its directory says where it ends */
      if (strcmp(filters[i], "zip") == 0) assert_true(status != 0 || same(out, text));
      else assert_int_equal(status, PW_EFORMAT);
      free(x.at), free(in.at), free(out.at);
    }
  free(text.at);
}

static void test_skippable(void **state)
{
  (void)state;
  unsigned char frame[8 + 300000] = {0x53, 0x2a, 0x4d, 0x18, 300000 & 0xff, 300000 >> 8 & 0xff, 300000 >> 16};
  struct bytes skip = {frame, sizeof frame}, text = plain(5000), twice = joined(text, text);
  for (size_t i = 2; i < 5; i += 2) {
    struct bytes x = packed(filters[i], text, 1), a = joined(skip, x), b = joined(skip, a), c = joined(a, a);
    expect_data(a, text);
    expect_data(b, text);
    expect_data(c, twice);
    expect_error((struct bytes){a.at, 100000}, PW_EFORMAT, "skippable");
    free(x.at), free(a.at), free(b.at), free(c.at);
  }
  expect_error(skip, PW_EFORMAT, "empty");
  struct bytes wrong = joined(skip, text);
  expect_error(wrong, PW_EFORMAT, "no compressed frame");
  free(wrong.at), free(text.at), free(twice.at);
}

static void test_empty(void **state)
{
  (void)state;
  expect_error((struct bytes){0}, PW_EFORMAT, "T is empty");
  for (size_t i = 0; i < FILTERS; i++) {
    struct bytes in = packed(filters[i], (struct bytes){(unsigned char *)"", 0}, 1);
    expect_error(in, PW_EFORMAT, "T is empty");
    free(in.at);
  }
}

static void test_zip_members(void **state)
{
  (void)state;
  struct bytes text = plain(5000);
  struct bytes two = packed("zip", text, 2), folder = packed("zip", text, 0);
  expect_error(two, PW_EUNSUPPORTED, "more than one file");
  expect_error(folder, PW_EFORMAT, "there is no trace in it"); /* a folder alone */
  free(two.at), free(folder.at), free(text.at);
}

/* ---- files and pipes ---- */

static char folder[] = "/tmp/test_source_XXXXXX";

static const char *save(const char *name, struct bytes b)
{
  static char path[200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  if (b.n > 0) assert_int_equal(fwrite(b.at, 1, b.n, f), b.n);
  assert_int_equal(fclose(f), 0);
  return path;
}

static void test_files(void **state)
{
  (void)state;
  struct bytes text = plain(3000000);
  const char *const kinds[] = {"none", "zstd", "gzip", "zip"};
  for (size_t i = 0; i < 4; i++) {
    struct bytes in = packed(kinds[i], text, 1), out = {0};
    struct pw_source *source;
    assert_int_equal(pw_source_open(&source, save("a trace", in), NULL), 0);
    assert_false(pw_source_is_pipe(source));
    assert_int_equal(pw_source_file_bytes(source), in.n);
    size_t n;
    const unsigned char *head = pw_source_peek_stored(source, &n);
    assert_true(n >= 64 && memcmp(head, in.at, n) == 0);
    for (size_t round = 0; round < 3; round++) {
      assert_int_equal(read_source(source, round ? 1 : 2500000, round ? SIZE_MAX : 1000000, &out, NULL), 0);
      assert_true(same(out, text));
      if (i < 3) assert_int_equal(pw_source_stored_bytes(source), in.n);
      assert_int_equal(pw_source_rewind(source, NULL), 0);
    }
    pw_source_close(source);
    free(in.at), free(out.at);
  }
  free(text.at);
}

static void test_raw(void **state)
{
  (void)state;
  struct bytes text = plain(5000), in = packed("zstd", text, 1), out = {0};
  struct pw_source *source;
  assert_int_equal(pw_source_open(&source, save("raw", in), NULL), 0);
  size_t n;
  pw_source_peek_stored(source, &n);
  pw_source_set_raw(source);
  for (int round = 0; round < 2; round++) {
    assert_int_equal(read_source(source, 1, 100, &out, NULL), 0);
    assert_true(same(out, in));
    assert_int_equal(pw_source_rewind(source, NULL), 0);
  }
  pw_source_close(source);
  free(text.at), free(in.at), free(out.at);
}

static void test_cannot_open(void **state)
{
  (void)state;
  struct pw_error err = {0};
  struct pw_source *source;
  assert_int_equal(pw_source_open(&source, "/no/such/trace", &err), PW_EIO);
  assert_non_null(strstr(err.text, "/no/such/trace cannot be opened: there is no such file"));
  assert_null(source);
  assert_int_equal(pw_source_open(&source, folder, &err), PW_EIO);
  assert_non_null(strstr(err.text, "is a folder"));
  const char *path = save("locked", (struct bytes){0});
  assert_int_equal(pw_source_open(&source, path, &err), 0);
  const unsigned char *bytes;
  size_t n;
  bool last;
  for (int again = 0; again < 2; again++) {
    assert_int_equal(pw_source_fill(source, 1, &bytes, &n, &last, &err), PW_EFORMAT);
    assert_non_null(strstr(err.text, "is empty"));
  }
  pw_source_close(source);
  if (geteuid() == 0) return; /* root may read all */
  assert_int_equal(chmod(path, 0), 0);
  assert_int_equal(pw_source_open(&source, path, &err), PW_EIO);
  assert_non_null(strstr(err.text, "permission denied"));
}

static void nothing(int number)
{
  (void)number;
}

/* A child writes small pieces while signals interrupt our reads. */
static void read_pipe(struct bytes in, const char *path_or_null, struct bytes *out, int expect, struct pw_error *err)
{
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGPIPE, SIG_DFL);
    close(ends[0]);
    for (size_t at = 0, n; at < in.n; at += n) {
      n = 1 + at % 997 < in.n - at ? 1 + at % 997 : in.n - at;
      if (at % 5000 < 900) usleep(2000);
      if (write(ends[1], in.at + at, n) != (ssize_t)n) _exit(1);
    }
    _exit(0);
  }
  close(ends[1]);
  int saved = dup(STDIN_FILENO);
  assert_true(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
  close(ends[0]);
  struct sigaction action = {.sa_handler = nothing};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
  struct pw_source *source;
  assert_int_equal(pw_source_open(&source, path_or_null ? path_or_null : "-", NULL), 0);
  assert_true(pw_source_is_pipe(source));
  assert_int_equal(pw_source_file_bytes(source), 0);
  assert_int_equal(read_source(source, 1, SIZE_MAX, out, err), expect);
  struct pw_error no = {0};
  assert_int_equal(pw_source_rewind(source, &no), PW_EUNSUPPORTED);
  assert_non_null(strstr(no.text, "pipe"));
  pw_source_close(source);
  setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
  dup2(saved, STDIN_FILENO);
  close(saved);
  waitpid(child, NULL, 0);
}

static void test_pipes(void **state)
{
  (void)state;
  struct bytes text = plain(60000);
  const char *const kinds[] = {"none", "gzip", "zstd", "xz"};
  for (size_t i = 0; i < 4; i++) {
    struct bytes in = packed(kinds[i], text, 1), out = {0};
    read_pipe(in, i & 1 ? "/dev/stdin" : NULL, &out, 0, NULL);
    assert_true(same(out, text));
    free(out.at);
    out = (struct bytes){0};
    struct pw_error err = {0};
    if (i > 0) read_pipe((struct bytes){in.at, in.n - 5}, NULL, &out, PW_EFORMAT, &err);
    if (i > 0) assert_non_null(strstr(err.text, "standard input: the "));
    free(in.at), free(out.at);
  }
  struct bytes in = packed("zip", text, 1), out = {0};
  struct pw_error err = {0};
  read_pipe(in, NULL, &out, PW_EUNSUPPORTED, &err);
  assert_non_null(strstr(err.text, "save it to a file"));
  free(in.at), free(out.at), free(text.at);
}

static void test_no_memory(void **state)
{
  (void)state;
  struct bytes text = plain(5000);
  for (size_t i = 0; i < FILTERS; i++) {
    struct bytes in = packed(filters[i], text, 1);
    unsigned failures = 0;
    for (unsigned long k = 1; k < 50; k++) {
      struct bytes out = {0};
      struct pw_error err = {0};
      struct pw_source *source;
      pw_alloc_fail_after(k);
      int status = pw_source_open_memory(&source, "T", in.at, in.n, &err);
      if (status == 0) status = read_source(source, 2000000, SIZE_MAX, &out, &err);
      pw_alloc_fail_after(0);
      pw_source_close(source);
      if (status != 0) assert_int_equal(status, PW_ENOMEM);
      else assert_true(same(out, text));
      failures += status != 0;
      free(out.at);
    }
    assert_true(failures >= 4);
    free(in.at);
  }
  free(text.at);
}

static int make_folder(void **state)
{
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
  (void)state;
  static const char *const names[] = {"a trace", "raw", "locked"};
  for (size_t i = 0; i < 3; i++) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  return rmdir(folder);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole),          cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_truncated_long), cmocka_unit_test(test_flipped),
      cmocka_unit_test(test_concatenated),   cmocka_unit_test(test_trailing_garbage),
      cmocka_unit_test(test_skippable),      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_zip_members),    cmocka_unit_test(test_files),
      cmocka_unit_test(test_raw),            cmocka_unit_test(test_cannot_open),
      cmocka_unit_test(test_pipes),          cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
