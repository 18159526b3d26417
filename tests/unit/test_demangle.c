/* Demangled names: what C++ and Rust write, what is no mangled name, and names made to break a demangler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elf/demangle.h"

static void names_are_demangled(void **state)
{
  (void)state;
  static const struct { const char *mangled, *name; } cases[] = {
      {"_Z3addii", "add(int, int)"},
      {"_ZN5Table4rowsE", "Table::rows"},
      {"_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back(int const&)"},
      {"_ZNKSt8functionIFvvEEclEv", "std::function<void ()>::operator()() const"},
      {"_ZTV7Machine", "vtable for Machine"},
      {"_Z4workv.cold", "work() [clone .cold]"},
      {"_GLOBAL__sub_I_main", "_GLOBAL__sub_I_main"},
      {"_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE", "core::fmt::Formatter::write_str"},
      {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
      {"_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[256];
    bool was = pw_demangle(out, sizeof out, cases[i].mangled);
    assert_string_equal(out, cases[i].name);
    assert_int_equal(was, strcmp(cases[i].mangled, cases[i].name) != 0);
  }
}

static void other_names_come_back(void **state)
{
  (void)state;
  static const char *const names[] = {"", "main", "i", "_", "_Z", "_R", "_ZN", "_Zfoo", "__Z3addii", "Z3addii", "_start",
                                      "_GLOBAL_OFFSET_TABLE_", "_Z3addii@@V1", "caf\xc3\xa9", "%s%n", "_ZN\xff\xff"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char out[64];
    assert_false(pw_demangle(out, sizeof out, names[i]));
    assert_string_equal(out, names[i]);
  }
}

static void long_names_end_in_dots(void **state)
{
  (void)state;
  char out[16];
  assert_true(pw_demangle(out, 14, "_Z3addii")); /* fits to the byte */
  assert_string_equal(out, "add(int, int)");
  assert_true(pw_demangle(out, 13, "_Z3addii"));
  assert_string_equal(out, "add(int, ...");
  assert_false(pw_demangle(out, 5, "main"));
  assert_string_equal(out, "main");
  assert_false(pw_demangle(out, 4, "main"));
  assert_string_equal(out, "...");
}

/* head, `n` times `part`, tail. */
static char *repeat(const char *head, const char *part, size_t n, const char *tail)
{
  char *name = malloc(strlen(head) + n * strlen(part) + strlen(tail) + 1), *at = name;
  assert_non_null(name);
  at += strlen(strcpy(at, head));
  for (size_t i = 0; i < n; i++) at += strlen(strcpy(at, part));
  strcpy(at, tail);
  return name;
}

static void templates_may_be_long(void **state)
{
  (void)state;
  char *name = repeat("_Z1fI", "3abc", 1000, "EvT_"), out[4096];
  assert_true(pw_demangle(out, sizeof out, name));
  assert_memory_equal(out, "void f<abc, abc, abc, ", 22);
  free(name);
  name = repeat("_Z1fI", "3abc", PW_DEMANGLE_MOST / 4, "EvT_");
  assert_false(pw_demangle(out, sizeof out, name));
  assert_memory_equal(out, "_Z1fI3abc3abc", 13);
  free(name);
}

static void bombs_do_not_go_off(void **state)
{
  (void)state;
  static const struct { const char *head, *part, *tail; size_t n; } bombs[] = {
      {"_Z1f", "P", "i", 4000}, {"_Z1fI", "1aI", "", 1300}, {"_ZN", "1a", "E", 2000}, {"_Z", "Z", "", 4000},
      {"_Z1fI", "XadL_Z", "", 600}, {"_Z1f", "M1a", "", 1300}, {"_Z1f", "F", "", 4000}, {"_Z1fv", "X", "", 4000},
      {"_Z1fIJ", "T_", "EEv", 2000}, {"_RNvC1a", "B_", "", 1000}, {"_RINvC1a1f", "T", "E", 4000}, {"_R", "Nv", "C1a1b", 1900},
      {"_RNvC1au", "8xn--abcd", "", 400}, {"_Z1fDT", "pp", "E", 2000}, {"_Z1fDp", "Dp", "i", 2000}};
  for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
    char *name = repeat(bombs[i].head, bombs[i].part, bombs[i].n, bombs[i].tail), out[128];
    pw_demangle(out, sizeof out, name);
    assert_true(strlen(out) < sizeof out);
    free(name);
  }
}

/* Each argument is a pair of the one before: 2^40 names in the last. */
static void doubling_ends_in_dots(void **state)
{
  (void)state;
  static const char digit[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  char out[64], name[1024] = "_Z1f1aIiiE";
  for (unsigned i = 0; i < 40; i++) {
    char last[4] = {digit[2 * i / 36], digit[2 * i % 36], 0}, pair[32];
    const char *id = last[0] == '0' ? last + 1 : last;
    snprintf(pair, sizeof pair, "1bIS%s_S%s_E", id, id);
    strcat(name, pair);
  }
  assert_true(pw_demangle(out, sizeof out, name));
  assert_memory_equal(out, "f(a<int, int>, b<a<int, int>, a<int, int> >, b<b<a<int, int>, ", 60);
  assert_string_equal(out + 60, "...");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_demangled), cmocka_unit_test(other_names_come_back), cmocka_unit_test(long_names_end_in_dots),
      cmocka_unit_test(templates_may_be_long), cmocka_unit_test(bombs_do_not_go_off),
      cmocka_unit_test(doubling_ends_in_dots),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
