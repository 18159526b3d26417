/* The grammar of option values: what it accepts, what it refuses, and that it is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* The grammar belongs to the command, so it is compiled in here. */
#include "../../cmd/heap.c"
#include "../../cmd/meant.c"
#include "../../cmd/spec.c"
#include "../../cmd/words.c"

void say(const char *format, ...)
{
  (void)format;
}

static const struct spec_kind bytes_kind = {.unit = SPEC_BYTES, .least = 1, .most = UINT64_MAX, .word = "full", .word_value = 0};
static const struct spec_kind count_kind = {.unit = SPEC_COUNT, .least = 0, .most = UINT64_MAX};
static const struct spec_kind plain_kind = {.unit = SPEC_PLAIN, .least = 0, .most = 99};

static struct slice whole(const char *text)
{
  return (struct slice){text, strlen(text)};
}

static void numbers_have_units(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    const struct spec_kind *kind;
    uint64_t value;
  } good[] = {
      {"1", &bytes_kind, 1}, {"4K", &bytes_kind, 4096}, {"4k", &bytes_kind, 4096}, {"64MiB", &bytes_kind, 64u << 20},
      {"1GB", &bytes_kind, 1u << 30}, {"2T", &bytes_kind, (uint64_t)2 << 40}, {"512B", &bytes_kind, 512},
      {" 8K ", &bytes_kind, 8192}, {"18446744073709551615", &bytes_kind, UINT64_MAX}, {"full", &bytes_kind, 0},
      {"50M", &count_kind, 50000000}, {"20K", &count_kind, 20000}, {"0", &count_kind, 0}, {"007", &plain_kind, 7},
      {"99", &plain_kind, 99},
  };
  static const struct {
    const char *text;
    const struct spec_kind *kind;
    const char *part; /* of the sentence */
  } bad[] = {
      {"", &count_kind, "not a whole number"}, {"x", &count_kind, "not a whole number"}, {"4Q", &bytes_kind, "neither"},
      {"4KK", &count_kind, "not a whole number"}, {"1.5G", &count_kind, "not a whole number"}, {"-1", &count_kind, "not a whole number"},
      {"+1", &count_kind, "not a whole number"}, {"0x10", &count_kind, "not a whole number"}, {"5MiB", &count_kind, "not a whole number"},
      {"18446744073709551616", &count_kind, "64 bits"}, {"99999999999999999999999", &count_kind, "64 bits"},
      {"17592186044416M", &bytes_kind, "64 bits"}, {"0", &bytes_kind, "too small"}, {"100", &plain_kind, "too large"},
      {"1K", &plain_kind, "not a whole number"}, {"fullest", &bytes_kind, "neither"},
  };
  struct pw_error err;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    uint64_t value = 12345;
    assert_int_equal(spec_number(&value, whole(good[i].text), good[i].kind, "--x", &err), 0);
    assert_true(value == good[i].value);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint64_t value = 12345;
    assert_int_equal(spec_number(&value, whole(bad[i].text), bad[i].kind, "--x", &err), PW_EINVAL);
    assert_non_null(strstr(err.text, bad[i].part));
    assert_ptr_equal(strstr(err.text, "--x"), err.text);
    assert_true(value == 12345);
  }
}

static void lists_and_ranges(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    size_t n;
    uint64_t values[8];
  } good[] = {
      {"1", 1, {1}}, {"1,2,4", 3, {1, 2, 4}}, {"1..4", 4, {1, 2, 3, 4}}, {"16..64*2", 3, {16, 32, 64}},
      {"16..100*2", 3, {16, 32, 64}}, {"3..10+3", 3, {3, 6, 9}}, {"1K..4K*2", 3, {1024, 2048, 4096}},
      {"1K..3K+1K", 3, {1024, 2048, 3072}}, {"5..5", 1, {5}}, {"1,2..3,full", 4, {1, 2, 3, 0}},
      {"4,4", 2, {4, 4}}, {" 1 , 2 ", 2, {1, 2}},
      {"18446744073709551614..18446744073709551615", 2, {UINT64_MAX - 1, UINT64_MAX}},
      {"9223372036854775808..18446744073709551615*2", 1, {(uint64_t)1 << 63}},
      {"64..256*1.5", 4, {64, 96, 144, 216}}, {"4..9*1.01", 6, {4, 5, 6, 7, 8, 9}}, {"8K..20K*1.2", 4, {8192, 12288, 16384, 20480}},
      {"9223372036854775808..18446744073709551615*2.5", 1, {(uint64_t)1 << 63}},
  };
  static const char *const bad[] = {"", ",", "1,", ",1", "1,,2", "4..1", "1..", "..4", "1..4*1", "1..4*0", "1..4+0",
                                    "1..4*", "1..4*1.0", "1..4*.5", "1..4*2.", "1..4*1.2.3", "1..4*1.0000001", "1..4+", "1...4", "1..full", "full..4", "1..4*2*2", "1..4+1+1", "a..b",
                                    "1..200000", "1..18446744073709551615", "1..18446744073709551615+2"};
  struct pw_error err;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct numbers numbers = {0};
    assert_int_equal(spec_numbers(&numbers, whole(good[i].text), &bytes_kind, "--x", &err), 0);
    assert_int_equal(numbers.n, good[i].n);
    for (size_t j = 0; j < numbers.n; j++) assert_true(numbers.values[j] == good[i].values[j]);
    numbers_clear(&numbers);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct numbers numbers = {0};
    assert_int_equal(spec_numbers(&numbers, whole(bad[i]), &bytes_kind, "--x", &err), PW_EINVAL);
    numbers_clear(&numbers);
  }
}

static void lists_are_bounded_as_a_whole(void **state)
{
  (void)state;
  struct numbers numbers = {0};
  struct pw_error err;
  assert_int_equal(spec_numbers(&numbers, whole("1..100000"), &bytes_kind, "--x", &err), 0);
  assert_int_equal(numbers.n, SPEC_MOST);
  assert_int_equal(spec_numbers(&numbers, whole("1"), &bytes_kind, "--x", &err), PW_EINVAL);
  assert_int_equal(spec_numbers(&numbers, whole("1..2"), &bytes_kind, "--x", &err), PW_EINVAL);
  assert_int_equal(numbers.n, SPEC_MOST);
  numbers_clear(&numbers);
}

static void tlb_specs(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    size_t n; /* of specs; then the first one's */
    size_t n_entries, n_ways, n_policies;
    uint32_t entries, ways;
    const char *policy;
  } good[] = {
      {"64", 1, 1, 1, 1, 64, 0, "lru"}, {"64:4", 1, 1, 1, 1, 64, 4, "lru"}, {"64:4:fifo", 1, 1, 1, 1, 64, 4, "fifo"},
      {"none", 1, 1, 1, 1, 0, 0, "lru"}, {"none;128:8;1536:12", 3, 1, 1, 1, 0, 0, "lru"},
      {"16..1024*2:1,2,4,8,full", 1, 7, 5, 1, 16, 1, "lru"}, {"1K:full:lru,plru", 1, 1, 1, 2, 1024, 0, "lru"},
      {" 64 : 4 ; 8 ", 2, 1, 1, 1, 64, 4, "lru"},
  };
  static const char *const bad[] = {"", ";", "64;", ":4", "64:", "64::lru", "64:4:", "64:4:lru:1", "64:4:lur", "0", "0:4",
                                    "64:0", "none:4", "64,none", "64:4:", "nonee", "4294967296", "64:4:lru,,fifo"};
  struct pw_error err;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct tlb_specs specs = {0};
    struct words words = {.place = "--x"};
    words_add(&words, good[i].text);
    assert_int_equal(spec_tlbs(&specs, &words, &err), 0);
    assert_int_equal(specs.n, good[i].n);
    assert_int_equal(specs.items[0].n_entries, good[i].n_entries);
    assert_int_equal(specs.items[0].n_ways, good[i].n_ways);
    assert_int_equal(specs.items[0].n_policies, good[i].n_policies);
    assert_int_equal(specs.items[0].entries[0], good[i].entries);
    assert_int_equal(specs.items[0].ways[0], good[i].ways);
    assert_int_equal(specs.items[0].policies[0], pw_tlb_policy_find(good[i].policy));
    tlb_specs_clear(&specs);
    words_clear(&words);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct tlb_specs specs = {0};
    struct words words = {.place = "--x"};
    words_add(&words, bad[i]);
    assert_int_equal(spec_tlbs(&specs, &words, &err), PW_EINVAL);
    assert_ptr_equal(strstr(err.text, "--x"), err.text);
    tlb_specs_clear(&specs);
    words_clear(&words);
  }
}

static void an_option_given_again_adds_a_spec(void **state)
{
  (void)state;
  struct tlb_specs specs = {0};
  struct words words = {.place = "--dtlb"};
  struct pw_error err;
  words_add(&words, "64:4");
  words_add(&words, "128:8;none");
  assert_int_equal(spec_tlbs(&specs, &words, &err), 0);
  assert_int_equal(specs.n, 3);
  assert_int_equal(specs.items[1].entries[0], 128);
  assert_int_equal(specs.items[2].entries[0], 0);
  tlb_specs_clear(&specs);
  words_clear(&words);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_have_units),          cmocka_unit_test(lists_and_ranges),
      cmocka_unit_test(lists_are_bounded_as_a_whole), cmocka_unit_test(tlb_specs),
      cmocka_unit_test(an_option_given_again_adds_a_spec),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
