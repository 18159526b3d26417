/* Page-table geometries: every preset's tables at every page size as worked out by hand, trimming, which
 * addresses fit, and what the parser refuses. */
#include "tracekit.h"

#include "mmu/geometry.h"

struct row {
  const char *table;
  unsigned page_shift;
  unsigned n_levels;      /* 0: the size is not on offer */
  unsigned entries[5];    /* log2, from the root */
};

static const struct row rows[] = {
    {"x86-64", 12, 4, {9, 9, 9, 9}}, {"x86-64", 21, 3, {9, 9, 9}}, {"x86-64", 30, 2, {9, 9}},
    {"x86-64", 14, 0, {0}}, {"x86-64", 13, 0, {0}}, {"x86-64", 20, 0, {0}}, {"x86-64", 39, 0, {0}},
    {"x86-64-la57", 12, 5, {9, 9, 9, 9, 9}}, {"x86-64-la57", 21, 4, {9, 9, 9, 9}}, {"x86-64-la57", 30, 3, {9, 9, 9}},
    {"arm64-4k", 12, 4, {9, 9, 9, 9}}, {"arm64-4k", 30, 2, {9, 9}},
    {"sv39", 12, 3, {9, 9, 9}}, {"sv39", 21, 2, {9, 9}}, {"sv39", 30, 1, {9}},
    {"sv48", 12, 4, {9, 9, 9, 9}}, {"sv57", 12, 5, {9, 9, 9, 9, 9}}, {"sv57", 30, 3, {9, 9, 9}},
    {"x86-32", 12, 2, {10, 10}}, {"x86-32", 22, 1, {10}}, {"x86-32", 21, 0, {0}},
    {"sv32", 12, 2, {10, 10}}, {"sv32", 22, 1, {10}},
    {"x86-pae", 12, 3, {2, 9, 9}}, {"x86-pae", 21, 2, {2, 9}}, {"x86-pae", 30, 0, {0}},
    {"arm-short", 12, 2, {12, 8}}, {"arm-short", 20, 1, {12}}, {"arm-short", 21, 0, {0}}, {"arm-short", 16, 0, {0}},
    {"arm64-16k", 14, 4, {1, 11, 11, 11}}, {"arm64-16k", 25, 3, {1, 11, 11}}, {"arm64-16k", 12, 0, {0}},
    {"arm64-64k", 16, 3, {6, 13, 13}}, {"arm64-64k", 29, 2, {6, 13}}, {"arm64-64k", 12, 0, {0}},
    /* explicit widths: any power of two from the base offset up; a level that straddles the page is trimmed */
    {"9,9,9,9+12:8", 12, 4, {9, 9, 9, 9}}, {"9,9,9,9+12:8", 21, 3, {9, 9, 9}}, {"9,9,9,9+12:8", 11, 0, {0}},
    {"9,9,9,9+12:8", 13, 4, {9, 9, 9, 8}}, {"9,9,9,9+12:8", 20, 4, {9, 9, 9, 1}}, {"9,9,9,9+12:8", 22, 3, {9, 9, 8}},
    {"9,9,9,9+12:8", 39, 1, {9}}, {"9,9,9,9+12:8", 40, 1, {8}}, {"9,9,9,9+12:8", 47, 1, {1}}, {"9,9,9,9+12:8", 48, 0, {0}},
    {"20+12:4", 12, 1, {20}}, {"20+12:4", 21, 1, {11}}, {"20+12:4", 31, 1, {1}},
    {"4,7,9,11,5+12:4", 17, 4, {4, 7, 9, 11}}, {"4,7,9,11,5+12:4", 16, 5, {4, 7, 9, 11, 1}},
    {"11,11,12+14:16", 12, 0, {0}}, {"11,11,12+14:16", 14, 3, {11, 11, 12}}, {"11,11,12+14:16", 21, 3, {11, 11, 5}},
};

static unsigned entry_bytes_of(const char *table)
{
  const char *colon = strrchr(table, ':');
  if (colon) return (unsigned)atoi(colon + 1);
  return strcmp(table, "x86-32") == 0 || strcmp(table, "sv32") == 0 || strcmp(table, "arm-short") == 0 ? 4 : 8;
}

static void check_shape(const struct pw_geometry *g, const struct row *row)
{
  struct pw_shape shape;
  if (pw_geometry_walk_levels(g, row->page_shift) != row->n_levels)
    fail_msg("%s with pages of 2^%u: %u levels", g->name, row->page_shift, pw_geometry_walk_levels(g, row->page_shift));
  if (row->n_levels == 0) return;
  pw_geometry_shape(g, row->page_shift, &shape);
  assert_int_equal(shape.n_levels, row->n_levels);
  unsigned span = row->page_shift; /* from the leaf up: a table covers its entries */
  for (unsigned i = row->n_levels; i-- > 0;) {
    span += row->entries[i];
    if (shape.span_bits[i] != span || shape.table_bytes[i] != (UINT64_C(1) << row->entries[i]) * g->entry_bytes)
      fail_msg("%s with pages of 2^%u, level %u: 2^%u bytes covered, table of %llu bytes", g->name, row->page_shift, i,
               shape.span_bits[i], (unsigned long long)shape.table_bytes[i]);
  }
  assert_int_equal(span, pw_geometry_va_bits(g));
}

static void tables_have_their_sizes(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct pw_geometry g;
    struct pw_error err = {0};
    KIT_OK(pw_geometry_parse(&g, rows[i].table, &err), err);
    assert_string_equal(g.name, rows[i].table);
    assert_int_equal(g.entry_bytes, entry_bytes_of(rows[i].table));
    check_shape(&g, &rows[i]);
  }
}

static void every_preset_is_in_the_list(void **state)
{
  (void)state;
  struct pw_list_entry entry;
  size_t n = 0;
  for (; pw_list_entry(PW_LIST_TABLES, n, &entry); n++) {
    struct pw_geometry g;
    struct pw_error err = {0};
    bool tested = false;
    KIT_OK(pw_geometry_parse(&g, entry.name, &err), err);
    for (unsigned i = 0; i < g.n_page_shifts; i++) assert_true(pw_geometry_walk_levels(&g, g.page_shift[i]) > 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) tested |= strcmp(rows[i].table, entry.name) == 0;
    if (!tested) fail_msg("no row of this test looks at %s", entry.name);
  }
  assert_int_equal(n, 12);
}

static void levels_spread_the_bits(void **state)
{
  (void)state;
  static const struct {
    unsigned n_levels, va_bits;
    struct row row;
  } good[] = {
      {1, 0, {"1-level", 12, 1, {36}}}, {1, 0, {"1-level", 30, 1, {18}}}, {2, 0, {"2-level", 12, 2, {27, 9}}},
      {2, 0, {"2-level", 21, 1, {27}}}, {2, 0, {"2-level", 30, 1, {18}}}, {3, 0, {"3-level", 12, 3, {18, 9, 9}}},
      {3, 0, {"3-level", 30, 1, {18}}}, {3, 0, {"3-level", 16, 3, {18, 9, 5}}}, {4, 0, {"4-level", 12, 4, {9, 9, 9, 9}}},
      {4, 0, {"4-level", 40, 1, {8}}}, {5, 0, {"5-level", 12, 5, {9, 9, 9, 9, 9}}}, {5, 49, {"5-level", 12, 5, {1, 9, 9, 9, 9}}},
      {2, 32, {"2-level", 12, 2, {11, 9}}}, {2, 32, {"2-level", 32, 0, {0}}}, {1, 13, {"1-level", 12, 1, {1}}},
      {5, 64, {"5-level", 12, 5, {16, 9, 9, 9, 9}}}, {3, 64, {"3-level", 12, 3, {34, 9, 9}}},
  };
  static const struct {
    unsigned n_levels, va_bits;
    const char *part;
  } bad[] = {
      {0, 0, "1 to 5"}, {6, 0, "1 to 5"}, {5, 48, "49"}, {4, 39, "40"}, {2, 21, "22"}, {1, 12, "13"}, {4, 65, "64"},
      {1, 64, "13 to 57"}, {UINT32_MAX, 0, "1 to 5"}, {2, UINT32_MAX, "64"},
  };
  struct pw_geometry g;
  struct pw_error err = {0};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    KIT_OK(pw_geometry_levels(&g, good[i].n_levels, good[i].va_bits, &err), err);
    assert_string_equal(g.name, good[i].row.table);
    assert_int_equal(g.entry_bytes, 8);
    check_shape(&g, &good[i].row);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(pw_geometry_levels(&g, bad[i].n_levels, bad[i].va_bits, &err), PW_EINVAL);
    if (!strstr(err.text, bad[i].part)) fail_msg("%u levels, %u bits: %s", bad[i].n_levels, bad[i].va_bits, err.text);
  }
}

/* Addresses at both edges of both halves. */
static void addresses_fit_or_not(void **state)
{
  (void)state;
  static const struct {
    const char *table;
    uint64_t address;
    bool fits;
    unsigned bits; /* the first width that fits */
  } list[] = {
      {"x86-64", 0, true, 2}, {"x86-64", 0x7fffffffffff, true, 48}, {"x86-64", 0x800000000000, false, 49},
      {"x86-64", 0xffff800000000000, true, 48}, {"x86-64", 0xffff7ffffffff000, false, 49}, {"x86-64", UINT64_MAX, true, 13},
      {"x86-64", 0x0100000000000000, false, 58}, {"x86-64-la57", 0x00ffffffffffffff, true, 57},
      {"x86-64-la57", 0x0100000000000000, false, 58}, {"x86-64-la57", 0xff00000000000000, true, 57},
      {"x86-64-la57", 0xfeffffffffffffff, false, 58},
      {"sv39", 0x3fffffffff, true, 39}, {"sv39", 0x4000000000, false, 40}, {"sv39", 0xffffffc000000000, true, 39},
      {"sv39", 0xffffffbffffff000, false, 40},
      {"x86-32", 0xffffffff, true, 32}, {"x86-32", 0x100000000, false, 33}, {"x86-32", UINT64_MAX, false, 64},
      {"arm-short", 0x80000000, true, 32}, {"x86-pae", 0xfffff000, true, 32}, {"x86-pae", 0x100000000, false, 33},
      {"arm64-16k", 0xffff800000000000, true, 48}, {"arm64-64k", 0x7fffffffffff, true, 48},
      {"20+12:4", 0xffffffff, true, 32}, {"20+12:4", 0xffffffff00000000, false, 64},
      {"16,9,9,9,9+12:8", 0x0100000000000000, true, 58}, {"16,9,9,9,9+12:8", 0x8000000000000000, true, 64},
  };
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    struct pw_geometry g;
    struct pw_error err = {0};
    KIT_OK(pw_geometry_parse(&g, list[i].table, &err), err);
    uint64_t page = list[i].address >> 12;
    if (pw_geometry_fits(&g, page) != list[i].fits) fail_msg("%s, 0x%llx", list[i].table, (unsigned long long)list[i].address);
    if (list[i].address >> 12 == 0) continue; /* page 0 fits everywhere */
    unsigned bits = pw_address_bits(page, g.sign_extended);
    if (bits != list[i].bits) fail_msg("%s, 0x%llx: %u bits", list[i].table, (unsigned long long)list[i].address, bits);
  }
}

static void misspelt_tables_are_refused(void **state)
{
  (void)state;
  static const struct {
    const char *text, *part;
  } bad[] = {
      {"", "no page table"}, {"x86_64", "did you mean x86-64"}, {"x86-64 ", "did you mean x86-64"}, {"sv38", "did you mean sv3"},
      {"9,9,9,9", "9,9,9,9+12:8"}, {"9,9,9,9+12", "widths such as"}, {"9,9,9,9+12:8:1", "widths such as"}, {"9,,9+12:8", "widths"},
      {"9,9+12:8 ", "widths"}, {" 9,9+12:8", "widths"}, {"9,9,+12:8", "widths"}, {"+12:8", "no page table"}, {"-9+12:8", "no page table"},
      {"9,9,9,9,9,9,9,9,9+12:8", "at most 8 levels"}, {"100+12:8", "widths"}, {"99999999999999999999+12:8", "widths"},
      {"0,9+12:8", "indexes 0 bits"}, {"46+12:8", "indexes 46 bits"}, {"30,30+12:8", "72 address bits"},
      {"9,9+0:8", "page offset of 0 bits"}, {"9+53:8", "page offset of 53 bits"}, {"9,9+12:0", "entry of 0 bytes"},
      {"9,9+12:3", "entry of 3 bytes"}, {"9,9+12:99", "entry of 99 bytes"}, {"\x1b[31m", "no page table"},
      {"000000000000000000000000000000000000000000000000000000000000000000009+12:8", "widths"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct pw_geometry g;
    struct pw_error err = {0};
    assert_int_equal(pw_geometry_parse(&g, bad[i].text, &err), PW_EINVAL);
    if (!strstr(err.text, bad[i].part)) fail_msg("\"%s\": %s", bad[i].text, err.text);
    assert_null(strchr(err.text, '\x1b'));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables_have_their_sizes), cmocka_unit_test(every_preset_is_in_the_list),
      cmocka_unit_test(levels_spread_the_bits),  cmocka_unit_test(addresses_fit_or_not),
      cmocka_unit_test(misspelt_tables_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
