/* Texts that grow: whole or failed for good, and cut between characters where a place is limited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "pagewalk.h"

static void text_grows(void **state)
{
  (void)state;
  struct pw_text t = {0};
  assert_string_equal(pw_text_get(&t), "");
  for (int i = 0; i < 1000; i++) {
    pw_text_printf(&t, "%d%s", i % 10, i % 2 ? "" : "é");
    assert_int_equal(t.n, strlen(t.chars));
  }
  assert_int_equal(t.n, 1000 + 500 * 2);
  assert_false(t.failed);
  pw_text_clear(&t);
  assert_string_equal(pw_text_get(&t), "");
}

static void failure_stays(void **state)
{
  (void)state;
  struct pw_text t = {0};
  pw_text_add(&t, "one");
  pw_alloc_fail_after(1);
  pw_text_add(&t, "a text that needs more room than there is");
  pw_alloc_fail_after(0);
  pw_text_add(&t, "two");
  assert_true(t.failed);
  assert_string_equal(pw_text_get(&t), "one");
  pw_text_clear(&t);
  assert_false(t.failed);
}

static void cuts_show_and_keep_characters_whole(void **state)
{
  (void)state;
  static const struct {
    const char *text, *cut;
    size_t n;
  } rows[] = {{"abcdef", "abcdef", 6}, {"abcdefg", "abc…", 6}, {"ab·cdef", "ab…", 6},  {"·········", "··…", 7},
              {"abcd", "…", 3},        {"", "", 3},           {"𝄞𝄞", "𝄞…", 7}, {"\x80\x80\x80\x80\x80", "…", 4}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct pw_text t = {0};
    char place[8];
    pw_text_add(&t, rows[i].text);
    pw_text_cut(&t, rows[i].n);
    assert_string_equal(pw_text_get(&t), rows[i].cut);
    assert_int_equal(t.n, strlen(rows[i].cut));
    pw_text_clear(&t);
    pw_text_fit(place, rows[i].n + 1, rows[i].text);
    assert_string_equal(place, rows[i].cut);
  }
}

static void long_sentences_show_that_they_are_cut(void **state)
{
  (void)state;
  struct pw_error err;
  char name[sizeof err.text + 8];
  for (size_t n = sizeof err.text - 8; n < sizeof name - 3; n++) {
    memset(name, 'a', n);
    memcpy(name + n, "é", 3);
    assert_int_equal(pw_error_set(&err, PW_EIO, "%s", name), PW_EIO);
    size_t m = strlen(err.text);
    assert_true(n + 2 < sizeof err.text ? m == n + 2 : m < sizeof err.text && strcmp(err.text + m - 3, "…") == 0 && err.text[m - 4] == 'a');
  }
  pw_error_set(&err, PW_EIO, "a\n\033[1m\302\2331m\303\251");
  assert_string_equal(err.text, "a??[1m??1mé");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_grows),
      cmocka_unit_test(failure_stays),
      cmocka_unit_test(cuts_show_and_keep_characters_whole),
      cmocka_unit_test(long_sentences_show_that_they_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
