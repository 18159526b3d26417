/* Plans: the order of the CSV's columns, equal configurations once, impossible ones left out and counted. */
#include "tracekit.h"

static const uint64_t small_pages[] = {12};
static const uint64_t unlimited[] = {PW_UNLIMITED};
static const uint32_t e64[] = {64}, w4[] = {4}, none[] = {0}, full[] = {0};
static const int lru[] = {0};
static const uint64_t lru_number[] = {0};

#define SPEC(e, w, p) \
  (struct pw_tlb_spec) { sizeof(e) / sizeof *(e), sizeof(w) / sizeof *(w), sizeof(p) / sizeof *(p), e, w, p }

/* The list of a parameter, from a pointer or an array. */
static struct pw_grid_list *list_of(struct pw_grid *grid, const char *parameter)
{
  assert_true(pw_parameter_find(parameter) < PW_PARAMETERS_MOST);
  return &grid->of[pw_parameter_find(parameter)];
}

#define SET(grid, parameter, count, at) (*list_of(grid, parameter) = (struct pw_grid_list){count, at})
#define SET_ALL(grid, parameter, array) SET(grid, parameter, sizeof(array) / sizeof *(array), array)

/* One configuration: no TLB but a DTLB of 64:4, unlimited memory. */
static struct pw_grid plain_grid(struct pw_geometry *geometry)
{
  static struct pw_tlb_spec absent, dtlb;
  struct pw_error err;
  absent = SPEC(none, full, lru);
  dtlb = SPEC(e64, w4, lru);
  KIT_OK(pw_geometry_parse(geometry, "x86-64", &err), err);
  struct pw_grid grid = {0};
  SET_ALL(&grid, "page-size", small_pages);
  SET(&grid, "table", 1, geometry);
  SET(&grid, "itlb", 1, &absent);
  SET(&grid, "dtlb", 1, &dtlb);
  SET(&grid, "stlb", 1, &absent);
  SET_ALL(&grid, "memory", unlimited);
  SET_ALL(&grid, "memory-policy", lru_number);
  return grid;
}

/* "page-shift geometry itlb dtlb stlb memory:policy", for comparing. */
static void describe(char *text, size_t n, const struct pw_config *c)
{
  int at = snprintf(text, n, "%u %s", c->page_shift, c->geometry->name);
  const struct pw_tlb_config *t[3] = {&c->itlb, &c->dtlb, &c->stlb};
  for (int i = 0; i < 3; i++) at += snprintf(text + at, n - (size_t)at, " %u:%u:%d", t[i]->entries, t[i]->ways, t[i]->policy);
  if (c->memory_bytes == PW_UNLIMITED) snprintf(text + at, n - (size_t)at, " unlimited");
  else snprintf(text + at, n - (size_t)at, " %lluK:%d", (unsigned long long)c->memory_bytes >> 10, c->memory_policy);
}

static void expect(const struct pw_plan *plan, const char *const *want, size_t n)
{
  for (size_t i = 0; i < n && i < plan->n_configs; i++) {
    char text[200];
    describe(text, sizeof text, &plan->configs[i]);
    if (strcmp(text, want[i]) != 0) fail_msg("row %zu is %s, expected %s", i, text, want[i]);
  }
  assert_int_equal(plan->n_configs, n);
}

static void rows_follow_the_columns(void **state)
{
  (void)state;
  static const uint64_t pages[] = {21, 12};
  static const uint32_t i_entries[] = {16, 8}, i_ways[] = {8, 4}, s_entries[] = {0, 32}, s_ways[] = {0};
  static const int policies[] = {1, 0};
  static const uint64_t memories[] = {PW_UNLIMITED, 8 << 20};
  static const uint64_t memory_policies[] = {2, 0};
  static const uint32_t d1[] = {4}, d2[] = {2};
  struct pw_geometry geometries[2];
  struct pw_plan plan = {0};
  struct pw_error err = {0};
  KIT_OK(pw_geometry_parse(&geometries[0], "sv39", &err), err);
  KIT_OK(pw_geometry_parse(&geometries[1], "x86-64", &err), err);
  struct pw_tlb_spec itlb = SPEC(i_entries, i_ways, policies), stlb = SPEC(s_entries, s_ways, lru);
  struct pw_tlb_spec dtlbs[2] = {SPEC(d1, full, lru), SPEC(d2, full, lru)};
  struct pw_grid grid = {0};
  SET_ALL(&grid, "page-size", pages);
  SET_ALL(&grid, "table", geometries);
  SET(&grid, "itlb", 1, &itlb);
  SET_ALL(&grid, "dtlb", dtlbs);
  SET(&grid, "stlb", 1, &stlb);
  SET_ALL(&grid, "memory", memories);
  SET_ALL(&grid, "memory-policy", memory_policies);
  KIT_OK(pw_plan_add(&plan, &grid, 10000, &err), err);
  assert_int_equal(plan.n_left_out, 0);
  /* the order, spelt out as nested loops from the left column to the right one */
  size_t row = 0;
  for (int p = 0; p < 2; p++)
    for (int g = 0; g < 2; g++)
      for (int ie = 0; ie < 2; ie++)
        for (int iw = 0; iw < 2; iw++)
          for (int ip = 0; ip < 2; ip++)
            for (int d = 0; d < 2; d++)
              for (int s = 0; s < 2; s++)
                for (int m = 0; m < 3; m++) { /* unlimited memory has no policy */
                  char want[200], got[200];
                  snprintf(want, sizeof want, "%u %s %u:%u:%d %u:%u:0 %u:%u:0 %s", (unsigned)pages[p], g ? "x86-64" : "sv39", i_entries[ie],
                           i_ways[iw], policies[ip], d ? 2u : 4u, d ? 2u : 4u, s_entries[s], s_entries[s],
                           m == 0 ? "unlimited" : m == 1 ? "8192K:2" : "8192K:0");
                  assert_true(row < plan.n_configs);
                  describe(got, sizeof got, &plan.configs[row]);
                  if (strcmp(got, want) != 0) fail_msg("row %zu is %s, expected %s", row, got, want);
                  row++;
                }
  assert_int_equal(plan.n_configs, row);
  pw_plan_clear(&plan);
  assert_int_equal(plan.n_configs, 0);
}

static void equal_configurations_appear_once(void **state)
{
  (void)state;
  static const uint32_t entries[] = {64, 0, 64, 0}, ways[] = {64, 0, 4, 64};
  static const int policies[] = {0, 1};
  struct pw_geometry geometry;
  struct pw_plan plan = {0};
  struct pw_error err = {0};
  struct pw_grid grid = plain_grid(&geometry);
  struct pw_tlb_spec dtlb = SPEC(entries, ways, policies);
  SET(&grid, "dtlb", 1, &dtlb);
  KIT_OK(pw_plan_add(&plan, &grid, 1000, &err), err);
  static const char *const want[] = {
      "12 x86-64 0:0:0 64:64:0 0:0:0 unlimited", "12 x86-64 0:0:0 64:64:1 0:0:0 unlimited",
      "12 x86-64 0:0:0 64:4:0 0:0:0 unlimited",  "12 x86-64 0:0:0 64:4:1 0:0:0 unlimited",
      "12 x86-64 0:0:0 0:0:0 0:0:0 unlimited",
  };
  expect(&plan, want, 5);
  KIT_OK(pw_plan_add(&plan, &grid, 1000, &err), err); /* nothing new */
  expect(&plan, want, 5);
  assert_int_equal(plan.n_left_out, 0);
  pw_plan_clear(&plan);
}

static void geometries_are_equal_by_content(void **state)
{
  (void)state;
  struct pw_geometry g[4];
  struct pw_plan plan = {0};
  struct pw_error err = {0};
  struct pw_grid grid = plain_grid(&g[0]);
  KIT_OK(pw_geometry_levels(&g[0], 3, 39, &err), err);
  KIT_OK(pw_geometry_levels(&g[1], 3, 48, &err), err); /* the same name, other widths */
  KIT_OK(pw_geometry_levels(&g[2], 3, 39, &err), err);
  KIT_OK(pw_geometry_parse(&g[3], "9,9,9+12:4", &err), err);
  SET_ALL(&grid, "table", g);
  KIT_OK(pw_plan_add(&plan, &grid, 1000, &err), err);
  assert_int_equal(plan.n_configs, 3);
  assert_ptr_equal(plan.configs[0].geometry, &g[0]);
  assert_ptr_equal(plan.configs[1].geometry, &g[1]);
  assert_ptr_equal(plan.configs[2].geometry, &g[3]);
  pw_plan_clear(&plan);
}

static void impossible_ones_are_left_out_and_counted(void **state)
{
  (void)state;
  static const uint32_t entries[] = {12, 8}, ways[] = {1, 8, 5, 16, 0};
  static const int policies[] = {2}; /* plru: 12 ways are no power of two */
  static const uint64_t pages[] = {12, 14, 21};
  static const uint64_t memories[] = {8191, 8192, PW_UNLIMITED};
  struct pw_geometry geometry;
  struct pw_plan plan = {0};
  struct pw_error err = {0};
  struct pw_grid grid = plain_grid(&geometry);
  struct pw_tlb_spec dtlb = SPEC(entries, ways, policies);
  SET(&grid, "dtlb", 1, &dtlb);
  KIT_OK(pw_plan_add(&plan, &grid, 1000, &err), err);
  static const char *const want[] = {"12 x86-64 0:0:0 12:1:2 0:0:0 unlimited", "12 x86-64 0:0:0 8:1:2 0:0:0 unlimited",
                                     "12 x86-64 0:0:0 8:8:2 0:0:0 unlimited"};
  expect(&plan, want, 3);
  assert_int_equal(plan.n_left_out, 6); /* 12:8 12:5 12:16 12:12(plru), 8:5 8:16; 8:full is 8:8 again */
  assert_non_null(strstr(plan.first_left_out.text, "12 entries are not a multiple of its 8 ways"));
  pw_plan_clear(&plan);

  grid = plain_grid(&geometry);
  SET_ALL(&grid, "page-size", pages);
  SET_ALL(&grid, "memory", memories);
  KIT_OK(pw_plan_add(&plan, &grid, 1000, &err), err);
  static const char *const fits[] = {"12 x86-64 0:0:0 64:4:0 0:0:0 8K:0", "12 x86-64 0:0:0 64:4:0 0:0:0 unlimited",
                                     "21 x86-64 0:0:0 64:4:0 0:0:0 unlimited"};
  expect(&plan, fits, 3);
  assert_int_equal(plan.n_left_out, 6); /* 4K: 8191; 16K: all; 2M: both sizes */
  assert_non_null(strstr(plan.first_left_out.text, "8191"));
  pw_plan_clear(&plan);
}

static void none_left_is_no_error_here(void **state)
{
  (void)state;
  static const uint64_t pages[] = {13};
  struct pw_geometry geometry;
  struct pw_plan plan = {0};
  struct pw_error err = {0};
  struct pw_grid grid = plain_grid(&geometry);
  SET_ALL(&grid, "page-size", pages);
  KIT_OK(pw_plan_add(&plan, &grid, 1000, &err), err);
  assert_int_equal(plan.n_configs, 0);
  assert_int_equal(plan.n_left_out, 1);
  assert_non_null(strstr(plan.first_left_out.text, "x86-64"));
  pw_plan_clear(&plan);
}

static void the_total_is_bounded(void **state)
{
  (void)state;
  static uint32_t entries[300];
  static const uint32_t ways[] = {1};
  for (uint32_t i = 0; i < 300; i++) entries[i] = i + 1;
  struct pw_geometry geometry;
  struct pw_plan plan = {0};
  struct pw_error err = {0};
  struct pw_grid grid = plain_grid(&geometry);
  struct pw_tlb_spec many = SPEC(entries, ways, lru);
  KIT_OK(pw_plan_add(&plan, &grid, 1, &err), err);
  SET(&grid, "itlb", 1, &many); /* 27 million in all */
  SET(&grid, "dtlb", 1, &many);
  SET(&grid, "stlb", 1, &many);
  assert_int_equal(pw_plan_add(&plan, &grid, 1000000, &err), PW_EINVAL);
  assert_non_null(strstr(err.text, "27000000"));
  assert_int_equal(plan.n_configs, 1);
  struct pw_grid two = plain_grid(&geometry);
  SET(&two, "dtlb", 1, &many);
  assert_int_equal(pw_plan_add(&plan, &two, 300, &err), PW_EINVAL); /* 1 + 300 */
  KIT_OK(pw_plan_add(&plan, &two, 301, &err), err);
  assert_int_equal(plan.n_configs, 301);
  pw_plan_clear(&plan);
}

static void grids_are_united(void **state)
{
  (void)state;
  static const uint32_t more[] = {64, 16}, w[] = {4, 3};
  static const uint64_t memories[] = {1 << 20};
  struct pw_geometry geometry;
  struct pw_plan plan = {0};
  struct pw_error err = {0};
  struct pw_grid grid = plain_grid(&geometry), second = grid, third = grid;
  struct pw_tlb_spec dtlb = SPEC(more, w, lru);
  SET(&second, "dtlb", 1, &dtlb);
  SET_ALL(&third, "memory", memories);
  KIT_OK(pw_plan_add(&plan, &grid, 1000, &err), err);
  KIT_OK(pw_plan_add(&plan, &second, 1000, &err), err);
  KIT_OK(pw_plan_add(&plan, &third, 1000, &err), err);
  static const char *const want[] = {"12 x86-64 0:0:0 64:4:0 0:0:0 unlimited", "12 x86-64 0:0:0 16:4:0 0:0:0 unlimited",
                                     "12 x86-64 0:0:0 64:4:0 0:0:0 1024K:0"};
  expect(&plan, want, 3);
  assert_int_equal(plan.n_left_out, 2);
  assert_non_null(strstr(plan.first_left_out.text, "64 entries"));
  pw_plan_clear(&plan);
}

static void a_list_of_none_is_the_initial_value(void **state)
{
  (void)state;
  struct pw_grid grid = {0};
  struct pw_plan plan = {0};
  struct pw_config initial;
  struct pw_error err = {0};
  pw_config_default(&initial);
  KIT_OK(pw_plan_add(&plan, &grid, 1, &err), err);
  static const char *const want[] = {"12 x86-64 64:8:0 64:4:0 1536:12:0 unlimited"};
  expect(&plan, want, 1);
  assert_ptr_equal(plan.configs[0].geometry, initial.geometry);
  pw_plan_clear(&plan);
}

/* Said of one field that no option can make impossible: the library is also called by programs. */
static void expect_refused(const struct pw_config *config, const char *part)
{
  struct pw_error err = {0};
  assert_int_equal(pw_config_check(config, &err), PW_EINVAL);
  if (!strstr(err.text, part)) fail_msg("\"%s\" does not say \"%s\"", err.text, part);
}

static void a_configuration_without_a_table_is_refused(void **state)
{
  (void)state;
  struct pw_config config;
  struct pw_geometry geometry;
  struct pw_error err = {0};
  pw_config_default(&config);
  KIT_OK(pw_config_check(&config, &err), err);
  geometry = *config.geometry;
  config.geometry = NULL;
  expect_refused(&config, "no page table");
  geometry.n_levels = PW_MAX_LEVELS + 1;
  config.geometry = &geometry;
  expect_refused(&config, "9 levels");
  geometry.n_levels = 4;
  geometry.n_page_shifts = 5;
  expect_refused(&config, "5 page sizes");
}

static void policies_that_are_none_are_refused(void **state)
{
  (void)state;
  struct pw_config config;
  struct pw_error err = {0};
  pw_config_default(&config);
  config.memory_policy = 1000;
  KIT_OK(pw_config_check(&config, &err), err); /* unlimited memory has none */
  config.memory_bytes = 1 << 20;
  expect_refused(&config, "memory-policy");
  config.memory_policy = -1;
  expect_refused(&config, "memory-policy");
  config.memory_policy = 0;
  config.dtlb.policy = 1000;
  expect_refused(&config, "DTLB");
}

/* Each initial value is in the table as an option, and as the cells that charts take for usual. */
static void initial_cells_are_the_usual_ones(void **state)
{
  (void)state;
  const struct pw_parameter *p;
  struct pw_result nothing = {0};
  struct pw_config config;
  char text[64];
  size_t compared = 0;
  pw_config_default(&config);
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++)
    for (size_t k = 0; k < 3 && p->columns[k].name; k++)
      for (size_t column = 0; p->columns[k].usual && pw_row_column(column); column++) {
        if (strcmp(pw_row_column(column), p->columns[k].name) != 0) continue;
        pw_row_text(text, sizeof text, column, &config, &nothing);
        if (!p->applies || p->applies(&config)) assert_string_equal(text, p->columns[k].usual);
        compared++;
      }
  assert_true(compared >= 13);
}

/* Where rows of the tables are later than others, they are behind them: the files' columns are put together by that. */
static void later_rows_are_behind(void **state)
{
  (void)state;
  unsigned since = 0;
  for (size_t i = 0; pw_count_entry(i); i++) {
    assert_true(pw_count_entry(i)->since >= since);
    since = pw_count_entry(i)->since;
  }
  since = 0;
  for (size_t i = 0; pw_parameter_entry(i); i++) {
    assert_true(pw_parameter_entry(i)->since >= since);
    since = pw_parameter_entry(i)->since;
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_follow_the_columns),          cmocka_unit_test(equal_configurations_appear_once),
      cmocka_unit_test(geometries_are_equal_by_content),  cmocka_unit_test(impossible_ones_are_left_out_and_counted),
      cmocka_unit_test(none_left_is_no_error_here),       cmocka_unit_test(the_total_is_bounded),
      cmocka_unit_test(grids_are_united),                 cmocka_unit_test(a_list_of_none_is_the_initial_value),
      cmocka_unit_test(a_configuration_without_a_table_is_refused), cmocka_unit_test(policies_that_are_none_are_refused),
      cmocka_unit_test(initial_cells_are_the_usual_ones),           cmocka_unit_test(later_rows_are_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
