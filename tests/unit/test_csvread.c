/* Reading CSV by column name: what is read back is what was written, and what is malformed is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "report/csvread.h"

static char path[] = "/tmp/pw-csvread-XXXXXX";

static int make_file(void **state)
{
  (void)state;
  int fd = mkstemp(path);
  return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
  (void)state;
  return unlink(path);
}

static void put(const char *text, size_t n)
{
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  assert_int_equal(fwrite(text, 1, n, out), n);
  fclose(out);
}

static void nasty_names_come_back(void **state)
{
  (void)state;
  static const char *const names[] = { "plain",     "",     "a,b",  "a\"b\"", "two\nlines\r\n", "\"",  ",",
                                       " spaces ",  "`id`", "$(x)", "%s%n",   "caf\xc3\xa9",    "\xff", "end\"" };
  const size_t n = sizeof names / sizeof names[0];
  FILE *out = fopen(path, "w");
  fputs("number,trace\n", out);
  for (size_t i = 0; i < n; i++) {
    fprintf(out, "%zu,", i);
    pw_csv_write_text(out, names[i]);
    putc('\n', out);
  }
  fclose(out);
  struct pw_table table = { 0 };
  const char *const needed[] = { "trace", "number" };
  assert_int_equal(pw_table_add(&table, path, needed, 2, NULL), 0);
  assert_int_equal(table.n_rows, n);
  for (size_t i = 0; i < n; i++) {
    double number;
    assert_string_equal(pw_table_cell(&table, i, pw_table_find(&table, "trace")), names[i]);
    assert_true(pw_table_number(&table, i, pw_table_find(&table, "number"), &number));
    assert_int_equal((size_t)number, i);
    if (i != 0) assert_false(pw_table_number(&table, i, pw_table_find(&table, "trace"), &number));
  }
  pw_table_clear(&table);
}

static void spellings_of_the_same_table(void **state)
{
  (void)state;
  static const char *const texts[] = { "a,b\n1,2\n3,4\n",        "a,b\r\n1,2\r\n3,4\r\n", "a,b\n1,2\n3,4",
                                       ("\xef\xbb\xbf" "a,b\n1,2\n3,4\n"), "\"a\",\"b\"\n\"1\",\"2\"\n\"3\",\"4\"",
                                       "b,x,a\n2,,1\n4,,3\n",    "a,b\n1,2\n\n3,4\n\n" };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct pw_table table = { 0 };
    put(texts[i], strlen(texts[i]));
    assert_int_equal(pw_table_add(&table, path, NULL, 0, NULL), 0);
    assert_int_equal(table.n_rows, 2);
    size_t a = pw_table_find(&table, "a"), b = pw_table_find(&table, "b");
    assert_string_equal(pw_table_cell(&table, 0, a), "1");
    assert_string_equal(pw_table_cell(&table, 0, b), "2");
    assert_string_equal(pw_table_cell(&table, 1, a), "3");
    assert_string_equal(pw_table_cell(&table, 1, b), "4");
    pw_table_clear(&table);
  }
}

static void files_join_by_name(void **state)
{
  (void)state;
  struct pw_table table = { 0 };
  put("a,b\n1,2\n", 8);
  assert_int_equal(pw_table_add(&table, path, NULL, 0, NULL), 0);
  put("c,a\n5,4\n", 8);
  assert_int_equal(pw_table_add(&table, path, NULL, 0, NULL), 0);
  assert_int_equal(table.n_rows, 2);
  assert_string_equal(pw_table_cell(&table, 0, pw_table_find(&table, "c")), "");
  assert_string_equal(pw_table_cell(&table, 1, pw_table_find(&table, "a")), "4");
  assert_string_equal(pw_table_cell(&table, 1, pw_table_find(&table, "b")), "");
  assert_string_equal(pw_table_cell(&table, 1, pw_table_find(&table, "c")), "5");
  pw_table_clear(&table);
}

static void bad_files_are_named(void **state)
{
  (void)state;
  static const struct {
    const char *text, *says;
    size_t n;
  } cases[] = {
    { "", "is empty", 0 },
    { "a,b\n1,2\n1\n", "line 3: 1 fields where the header names 2", 0 },
    { "a,b\n1,2,3\n", "line 2: 3 fields", 0 },
    { "a,b\n\"x\ny\",2\n\"open,2\n", "line 4: a quoted field is never closed", 0 },
    { "a,b\n\"x\"y,2\n", "line 2: text follows a closing quote", 0 },
    { "a,b\nx\"y,2\n", "line 2: a quote", 0 },
    { "a,b\n1,2\rx\n", "line 2: a quote, a NUL or a lone CR", 0 },
    { "a,b\n1,\0\n", "line 2", 9 },
    { "a,a\n1,2\n", "line 1: column 'a' stands there twice", 0 },
    { "a,b\n", "no column 'need'", 0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct pw_table table = { 0 };
    struct pw_error err = { 0 };
    const char *const needed[] = { "need" };
    put(cases[i].text, cases[i].n ? cases[i].n : strlen(cases[i].text));
    bool last = i + 1 == sizeof cases / sizeof cases[0];
    assert_int_equal(pw_table_add(&table, path, needed, last, &err), PW_EFORMAT);
    assert_non_null(strstr(err.text, cases[i].says));
    assert_non_null(strstr(err.text, path));
    pw_table_clear(&table);
  }
}

/* A header of a megabyte once took minutes: each name was compared with all before it. */
static void a_header_of_any_number_of_columns_is_refused(void **state)
{
  (void)state;
  struct pw_table table = { 0 };
  struct pw_error err;
  static char text[1 << 20];
  size_t n = 0;
  while (n + 16 < sizeof text) n += (size_t)sprintf(text + n, "%zx,", n);
  text[n - 1] = '\n';
  put(text, n);
  assert_int_equal(pw_table_add(&table, path, NULL, 0, &err), PW_EFORMAT);
  assert_non_null(strstr(err.text, "more than 512 columns"));
  pw_table_clear(&table);
}

static void unreadable_files_are_named(void **state)
{
  (void)state;
  static const char *const paths[] = { "/nonexistent/x.csv", "/tmp" };
  for (size_t i = 0; i < 2; i++) {
    struct pw_table table = { 0 };
    struct pw_error err = { 0 };
    assert_int_equal(pw_table_add(&table, paths[i], NULL, 0, &err), PW_EIO);
    assert_non_null(strstr(err.text, paths[i]));
    assert_int_equal(pw_table_add(&table, paths[i], NULL, 0, NULL), PW_EIO);
    pw_table_clear(&table);
  }
}

static void every_allocation_may_fail(void **state)
{
  (void)state;
  put("a,b\n1,2\n3,4\n", 12);
  unsigned long n = 1;
  for (int status = -1; status != 0; n++) {
    struct pw_table table = { 0 };
    assert_true(n < 100);
    pw_alloc_fail_after(n);
    status = pw_table_add(&table, path, NULL, 0, NULL);
    pw_alloc_fail_after(0);
    assert_true(status == 0 || status == PW_ENOMEM);
    pw_table_clear(&table);
  }
  assert_true(n > 4);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nasty_names_come_back),      cmocka_unit_test(spellings_of_the_same_table),
    cmocka_unit_test(files_join_by_name),         cmocka_unit_test(bad_files_are_named),
    cmocka_unit_test(a_header_of_any_number_of_columns_is_refused),
    cmocka_unit_test(unreadable_files_are_named), cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
