/* The contract of results.csv: names, order, what is empty, how text is quoted; and the same rows as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pagewalk.h"

static const char header[] =
    "trace,page_bytes,table,levels,itlb_entries,itlb_ways,itlb_policy,dtlb_entries,dtlb_ways,dtlb_policy,"
    "stlb_entries,stlb_ways,stlb_policy,memory_bytes,memory_policy,accesses,fetches,loads,stores,itlb_misses,"
    "dtlb_misses,stlb_lookups,stlb_misses,walks,walk_refs,itlb_miss_rate,dtlb_miss_rate,stlb_miss_rate,walk_rate,"
    "minor_faults,major_faults,fault_rate,swap_outs,resident_bytes,table_bytes,table_overhead,engine";

static struct pw_config config;
static struct pw_result result;

static int setup(void **state)
{
  (void)state;
  pw_config_default(&config);
  result = (struct pw_result){ .counted = { .fetches = 600, .loads = 300, .stores = 100 }, .itlb_misses = 6,
                               .dtlb_misses = 8, .stlb_lookups = 14, .stlb_misses = 7, .walks = 7, .walk_refs = 28,
                               .minor_faults = 5, .major_faults = 2, .swap_outs = 1, .resident_bytes = 20480,
                               .touched_bytes = 20480, .table_bytes = 16384, .one_pass = true };
  return 0;
}

/* The text that a writer writes; the caller frees it. */
static char *row_of(const char *trace, bool json)
{
  char *text = NULL;
  size_t n = 0;
  struct pw_error err;
  FILE *out = open_memstream(&text, &n);
  assert_int_equal((json ? pw_json_write_row : pw_csv_write_row)(out, trace, &config, &result, &err), 0);
  fclose(out);
  return text;
}

static void assert_row(const char *trace, const char *expected)
{
  char *text = row_of(trace, false);
  assert_string_equal(text, expected);
  free(text);
}

static void header_is_the_contract(void **state)
{
  (void)state;
  char *text = NULL, joined[2048] = "";
  size_t n = 0;
  FILE *out = open_memstream(&text, &n);
  assert_int_equal(pw_csv_write_header(out, NULL), 0);
  fclose(out);
  assert_int_equal(n, strlen(header) + 1);
  assert_memory_equal(text, header, strlen(header));
  assert_string_equal(text + strlen(header), "\n");
  free(text);
  for (size_t i = 0; pw_row_column(i); i++) {
    if (i) strcat(joined, ",");
    strcat(joined, pw_row_column(i));
  }
  assert_string_equal(joined, header);
}

static void default_machine(void **state)
{
  (void)state;
  assert_row("a.pwt", "a.pwt,4096,x86-64,4,64,8,lru,64,4,lru,1536,12,lru,unlimited,,1000,600,300,100,6,8,14,7,7,28,"
                      "0.01,0.02,0.5,0.007,5,2,0.007,1,20480,16384,0.8,one-pass\n");
}

static void finite_memory_and_direct(void **state)
{
  (void)state;
  config.memory_bytes = 1 << 20;
  config.memory_policy = pw_memory_policy_find("clock");
  result.one_pass = false;
  result.counted.fetches = 2;
  assert_row("a", "a,4096,x86-64,4,64,8,lru,64,4,lru,1536,12,lru,1048576,clock,402,2,300,100,6,8,14,7,7,28,"
                  "3,0.02,0.5,0.0174129353,5,2,0.0174129353,1,20480,16384,0.8,direct\n");
}

static void absent_tlbs_are_empty(void **state)
{
  (void)state;
  config.itlb = config.dtlb = config.stlb = (struct pw_tlb_config){ .entries = 0, .ways = 4, .policy = 1 };
  assert_row("a", "a,4096,x86-64,4,0,0,,0,0,,0,0,,unlimited,,1000,600,300,100,,,,,7,28,"
                  ",,,0.007,5,2,0.007,1,20480,16384,0.8,one-pass\n");
}

static void nothing_to_count_is_empty(void **state)
{
  (void)state;
  result = (struct pw_result){ .one_pass = true };
  assert_row("a", "a,4096,x86-64,4,64,8,lru,64,4,lru,1536,12,lru,unlimited,,0,0,0,0,0,0,0,0,0,0,"
                  ",,,,0,0,,0,0,0,,one-pass\n");
}

static void levels_fall_with_the_page_size(void **state)
{
  (void)state;
  char text[64];
  for (unsigned i = 0; i < 3; i++) {
    config.page_shift = 12 + 9 * i;
    pw_row_text(text, sizeof text, 3, &config, &result);
    assert_int_equal(atoi(text), 4 - (int)i);
  }
  pw_row_text(text, sizeof text, 0, &config, &result);
  assert_string_equal(text, "");
  pw_row_text(text, sizeof text, 9999, &config, &result);
  assert_string_equal(text, "");
}

static void without_a_table_its_cells_are_empty(void **state)
{
  (void)state;
  config.geometry = NULL; /* pw_config_check refuses it; a row of it must do no harm */
  assert_row("a.pwt", "a.pwt,4096,,,64,8,lru,64,4,lru,1536,12,lru,unlimited,,1000,600,300,100,6,8,14,7,7,28,"
                      "0.01,0.02,0.5,0.007,5,2,0.007,1,20480,16384,0.8,one-pass\n");
}

static void text_is_quoted(void **state)
{
  (void)state;
  static const char *const cases[][2] = {
    { "plain name", "plain name" }, { "", "" },           { "a,b", "\"a,b\"" },
    { "a\"b", "\"a\"\"b\"" },       { "a\nb", "\"a\nb\"" }, { "a\rb", "\"a\rb\"" },
    { "`x` $(y) 'z' %s", "`x` $(y) 'z' %s" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_int_equal(pw_csv_write_text(out, cases[i][0]), 0);
    fclose(out);
    assert_string_equal(text, cases[i][1]);
    free(text);
  }
}

static void json_text_is_quoted(void **state)
{
  (void)state;
  static const char *const cases[][2] = {
    { "a\"b\\c", "\"a\\\"b\\\\c\"" },   { "\n\x01\x7f", "\"\\u000a\\u0001\\u007f\"" },
    { "\xc3\xa9", "\"\xc3\xa9\"" },     { "\xff\xc3", "\"\\ufffd\\ufffd\"" },
    { "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" }, /* a surrogate */
    { "\xc0\xaf", "\"\\ufffd\\ufffd\"" },            /* an overlong "/" */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_int_equal(pw_json_write_text(out, cases[i][0]), 0);
    fclose(out);
    assert_string_equal(text, cases[i][1]);
    free(text);
  }
}

static void json_has_the_same_values(void **state)
{
  (void)state;
  config.stlb.entries = 0;
  char *text = row_of("a\"b", true);
  assert_int_equal(strncmp(text, "{\"trace\": \"a\\\"b\", \"page_bytes\": 4096, \"table\": \"x86-64\"", 55), 0);
  assert_non_null(strstr(text, "\"stlb_policy\": null, \"memory_bytes\": \"unlimited\""));
  assert_non_null(strstr(text, "\"dtlb_miss_rate\": 0.02, \"stlb_miss_rate\": null"));
  assert_string_equal(text + strlen(text) - 21, "\"engine\": \"one-pass\"}");
  free(text);
}

static void full_disk_is_told(void **state)
{
  (void)state;
  struct pw_error err = { 0 };
  FILE *out = fopen("/dev/full", "w");
  assert_non_null(out);
  setvbuf(out, NULL, _IONBF, 0);
  assert_int_equal(pw_csv_write_row(out, "a", &config, &result, &err), PW_EIO);
  assert_non_null(strstr(err.text, "No space"));
  fclose(out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(header_is_the_contract),
    cmocka_unit_test_setup(default_machine, setup),
    cmocka_unit_test_setup(finite_memory_and_direct, setup),
    cmocka_unit_test_setup(absent_tlbs_are_empty, setup),
    cmocka_unit_test_setup(nothing_to_count_is_empty, setup),
    cmocka_unit_test_setup(without_a_table_its_cells_are_empty, setup),
    cmocka_unit_test_setup(levels_fall_with_the_page_size, setup),
    cmocka_unit_test(text_is_quoted),
    cmocka_unit_test(json_text_is_quoted),
    cmocka_unit_test_setup(json_has_the_same_values, setup),
    cmocka_unit_test_setup(full_disk_is_told, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
