/* Small traces worked by hand, through both engines: stacks, holes, and LRU memory with TLBs. */
#include "tracekit.h"

static struct pw_geometry table;

/* What a row must say. Entries 0: no TLB; frames 0: unlimited. */
struct row {
  uint32_t itlb[2], dtlb[2], stlb[2];
  uint64_t frames;
  uint64_t itlb_misses, dtlb_misses, stlb_misses, minor_faults, major_faults, swap_outs;
};

/* Touches as letter and page: "L0 S1 I2"; "-1" unmaps page 1. */
static struct kit_file write_trace(const char *touches)
{
  struct kit_file file;
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  kit_file_open(&file, NULL);
  kit_start(b);
  for (const char *at = touches; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
    uint64_t page = strtoull(at + 1, NULL, 10);
    if (*at == '-') kit_event(b, (struct pw_event){.kind = PW_EVENT_UNMAP, .a = page << 12, .b = 4096});
    else kit_access(b, 0, page, *at == 'I' ? PW_FETCH : *at == 'S' ? PW_STORE : PW_LOAD);
  }
  kit_file_add(&file, kit_finish(b));
  kit_file_finish(&file);
  free(b);
  return file;
}

static int compare(const char *touches, size_t number, enum pw_engine_choice engine, const struct row *want, const struct pw_result *got)
{
  const struct {
    const char *name;
    uint64_t want, got;
  } all[] = {
      {"itlb_misses", want->itlb_misses, got->itlb_misses},    {"dtlb_misses", want->dtlb_misses, got->dtlb_misses},
      {"stlb_misses", want->stlb_misses, got->stlb_misses},    {"minor_faults", want->minor_faults, got->minor_faults},
      {"major_faults", want->major_faults, got->major_faults}, {"swap_outs", want->swap_outs, got->swap_outs},
  };
  int wrong = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i].want == all[i].got) continue;
    wrong++;
    print_error("%s: row %zu, engine %s: %s is %llu, by hand %llu\n", touches, number, engine == PW_ENGINE_DIRECT ? "direct" : "auto",
                all[i].name, (unsigned long long)all[i].got, (unsigned long long)all[i].want);
  }
  return wrong;
}

static void expect(const char *touches, const struct row *rows, size_t n)
{
  static const enum pw_engine_choice engines[] = {PW_ENGINE_DIRECT, PW_ENGINE_AUTO};
  struct pw_config configs[16] = {0};
  struct pw_result results[16];
  struct pw_error err = {0};
  struct kit_file file = write_trace(touches);
  int wrong = 0;
  assert_true(n <= 16);
  for (size_t i = 0; i < n; i++)
    configs[i] = (struct pw_config){.page_shift = 12, .geometry = &table, .itlb = {rows[i].itlb[0], rows[i].itlb[1], 0},
                                    .dtlb = {rows[i].dtlb[0], rows[i].dtlb[1], 0}, .stlb = {rows[i].stlb[0], rows[i].stlb[1], 0},
                                    .memory_bytes = rows[i].frames ? rows[i].frames << 12 : PW_UNLIMITED};
  for (size_t e = 0; e < 2; e++) {
    struct pw_trace *t;
    KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
    KIT_OK(pw_run(t, configs, n, &(struct pw_run_options){.engine = engines[e]}, results, &err), err);
    pw_trace_close(t);
    for (size_t i = 0; i < n; i++) wrong += compare(touches, i, engines[e], &rows[i], &results[i]);
  }
  kit_file_free(&file);
  assert_int_equal(wrong, 0);
}

#define EXPECT(touches, ...)                                      \
  do {                                                            \
    const struct row rows[] = {__VA_ARGS__};                      \
    expect(touches, rows, sizeof rows / sizeof *rows);            \
  } while (0)

/* A B C D A B E A B C D E: depths - - - - 4 4 - 3 3 5 5 5. */
static void memories_of_every_size(void **state)
{
  (void)state;
  EXPECT("L0 L1 L2 L3 L0 L1 L4 L0 L1 L2 L3 L4",
         {.frames = 2, .minor_faults = 5, .major_faults = 7}, {.frames = 3, .minor_faults = 5, .major_faults = 5},
         {.frames = 4, .minor_faults = 5, .major_faults = 3}, {.frames = 5, .minor_faults = 5}, {.minor_faults = 5});
}

static void all_ways_of_all_sets(void **state)
{
  (void)state;
  EXPECT("L0 L1 L2 L0 L1 L2",
         {.dtlb = {1, 1}, .dtlb_misses = 6, .minor_faults = 3}, {.dtlb = {2, 2}, .dtlb_misses = 6, .minor_faults = 3},
         {.dtlb = {3, 3}, .dtlb_misses = 3, .minor_faults = 3}, {.dtlb = {2, 1}, .dtlb_misses = 5, .minor_faults = 3},
         {.dtlb = {4, 2}, .dtlb_misses = 3, .minor_faults = 3}, {.dtlb = {3, 1}, .dtlb_misses = 3, .minor_faults = 3},
         {.dtlb = {4, 1}, .dtlb_misses = 3, .minor_faults = 3});
}

/* The store's page is written back from two frames only. Of the second trace's stores, two frames write back
 * those to 0 and 1 while they load 2 and 3; three frames write back both after the fourth page came. */
static void write_backs_of_every_size(void **state)
{
  (void)state;
  EXPECT("S0 L1 L2 L0", {.frames = 2, .minor_faults = 3, .major_faults = 1, .swap_outs = 1}, {.frames = 3, .minor_faults = 3});
  EXPECT("S0 L1 L2 L0 S1 L2 L3 S0 L1",
         {.frames = 2, .minor_faults = 4, .major_faults = 5, .swap_outs = 2},
         {.frames = 3, .minor_faults = 4, .major_faults = 2, .swap_outs = 2}, {.frames = 4, .minor_faults = 4});
}

/* An unmapped page leaves a hole, and a hole is filled before a page leaves. */
static void holes_are_filled_first(void **state)
{
  (void)state;
  EXPECT("S0 L1 L2 -1 L0 L3 L0 L2",
         {.dtlb = {1, 1}, .dtlb_misses = 7, .minor_faults = 4}, {.dtlb = {2, 2}, .dtlb_misses = 6, .minor_faults = 4},
         {.dtlb = {3, 3}, .dtlb_misses = 4, .minor_faults = 4}, {.dtlb = {4, 4}, .dtlb_misses = 4, .minor_faults = 4},
         {.frames = 2, .minor_faults = 4, .major_faults = 2, .swap_outs = 1}, {.frames = 3, .minor_faults = 4});
}

/* The first level's misses alone reach the second, and each way back finds other pages there. */
static void second_levels(void **state)
{
  (void)state;
  EXPECT("L0 I9 L1 L0 L2 L0 L1 I9",
         {.itlb = {1, 1}, .dtlb = {2, 2}, .stlb = {2, 2}, .itlb_misses = 1, .dtlb_misses = 4, .stlb_misses = 4, .minor_faults = 4},
         {.itlb = {1, 1}, .dtlb = {1, 1}, .stlb = {2, 2}, .itlb_misses = 1, .dtlb_misses = 6, .stlb_misses = 6, .minor_faults = 4},
         {.itlb = {1, 1}, .dtlb = {1, 1}, .stlb = {3, 3}, .itlb_misses = 1, .dtlb_misses = 6, .stlb_misses = 4, .minor_faults = 4});
}

/* What memory evicts is gone from the TLBs, although they would have held it. */
static void memory_empties_tlbs(void **state)
{
  (void)state;
  EXPECT("L0 I8 L1 L0",
         {.itlb = {4, 4}, .dtlb = {4, 4}, .frames = 2, .itlb_misses = 1, .dtlb_misses = 3, .minor_faults = 3, .major_faults = 1},
         {.itlb = {4, 4}, .dtlb = {4, 4}, .frames = 3, .itlb_misses = 1, .dtlb_misses = 2, .minor_faults = 3},
         {.itlb = {4, 4}, .dtlb = {1, 1}, .frames = 3, .itlb_misses = 1, .dtlb_misses = 3, .minor_faults = 3});
}

/* Page 0 leaves while it is data and returns as code: the DTLB lost it, at whatever distance it is. */
static void pages_of_both_streams(void **state)
{
  (void)state;
  EXPECT("L0 I8 L1 I0 L0",
         {.itlb = {4, 4}, .dtlb = {4, 4}, .frames = 2, .itlb_misses = 2, .dtlb_misses = 3, .minor_faults = 3, .major_faults = 1},
         {.itlb = {4, 4}, .dtlb = {4, 4}, .frames = 3, .itlb_misses = 2, .dtlb_misses = 2, .minor_faults = 3});
}

/* More memory sizes than 16 bits number stand before one DTLB: each row is its own. */
static void more_memories_than_16_bits(void **state)
{
  enum { N = 70000 };
  (void)state;
  struct kit_file file = write_trace("L0 L1 L2 L3 L0 L1 L4 L0 L1 L2 L3 L4");
  struct pw_config *configs = kit_alloc(N, sizeof *configs);
  struct pw_result *results = kit_alloc(N, sizeof *results);
  struct pw_error err = {0};
  struct pw_trace *t;
  for (size_t i = 0; i < N; i++) /* 2 frames, 3 frames, … */
    configs[i] = (struct pw_config){.page_shift = 12, .geometry = &table, .dtlb = {4, 4, 0}, .memory_bytes = (i + 2) << 12};
  KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
  KIT_OK(pw_run(t, configs, N, NULL, results, &err), err);
  pw_trace_close(t);
  kit_file_free(&file);
  static const uint64_t misses[] = {12, 10, 8}; /* from four frames up the ways alone limit */
  for (size_t i = 0; i < N; i++) {
    assert_true(results[i].one_pass);
    assert_int_equal(results[i].dtlb_misses, misses[i < 2 ? i : 2]);
  }
  free(configs);
  free(results);
}

/* A trace may start with a block that has no page in it. */
static void blocks_of_events_alone(void **state)
{
  (void)state;
  static const enum pw_engine_choice engines[] = {PW_ENGINE_DIRECT, PW_ENGINE_AUTO};
  struct pw_config configs[] = {
      {.page_shift = 12, .geometry = &table, .memory_bytes = PW_UNLIMITED},
      {.page_shift = 12, .geometry = &table, .dtlb = {100, 100, 0}, .memory_bytes = PW_UNLIMITED},
      {.page_shift = 12, .geometry = &table, .stlb = {4, 1, 0}, .memory_bytes = PW_UNLIMITED},
      {.page_shift = 12, .geometry = &table, .memory_bytes = 2 << 12},
      {.page_shift = 12, .geometry = &table, .dtlb = {4, 4, 0}, .memory_bytes = 2 << 12},
      {.page_shift = 12, .geometry = &table, .memory_bytes = 2 << 12, .memory_policy = 4},
  };
  enum { N = sizeof configs / sizeof *configs };
  struct pw_result results[N];
  struct pw_error err = {0};
  for (unsigned way = 0; way < 4; way++) {
    struct kit_file file;
    struct kit_builder *b = kit_alloc(1, sizeof *b);
    struct pw_trace *t;
    kit_file_open(&file, NULL);
    kit_start(b);
    kit_event(b, (struct pw_event){.kind = PW_EVENT_UNMAP, .a = 1 << 12, .b = 4096});
    kit_event(b, (struct pw_event){.kind = PW_EVENT_EXEC});
    kit_file_add(&file, kit_finish(b));
    kit_start(b);
    for (uint64_t page = 0; page < 3; page++) kit_access(b, 0, page, PW_LOAD);
    kit_file_add(&file, kit_finish(b));
    kit_file_finish(&file);
    KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
    KIT_OK(pw_run(t, configs, N, &(struct pw_run_options){.engine = engines[way & 1], .jobs = way & 2 ? 2 : 1}, results, &err), err);
    pw_trace_close(t);
    for (size_t i = 0; i < N; i++) assert_int_equal(results[i].minor_faults, 3);
    kit_file_free(&file);
    free(b);
  }
}

int main(void)
{
  struct pw_error err = {0};
  if (pw_geometry_parse(&table, "x86-64", &err)) return fprintf(stderr, "%s\n", err.text), 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memories_of_every_size),    cmocka_unit_test(all_ways_of_all_sets),
      cmocka_unit_test(write_backs_of_every_size), cmocka_unit_test(holes_are_filled_first),
      cmocka_unit_test(second_levels),             cmocka_unit_test(memory_empties_tlbs),
      cmocka_unit_test(pages_of_both_streams),     cmocka_unit_test(more_memories_than_16_bits),
      cmocka_unit_test(blocks_of_events_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
