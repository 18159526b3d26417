/* What the kernel touches, what is given back, moves or is shared after a fork: small traces worked by hand,
 * through both engines. */
#include "base/alloc.h"
#include "tracekit.h"

static struct pw_geometry table;

/* Words: L, S, I a page: load, store, fetch. k, K a page: the kernel reads, writes it. - and d a page or FIRST.LAST:
 * unmap, discard. > FIRST.LAST:TO: move. f, p a process: fork it, switch to it. x: exit. e: exec. */
static struct kit_file write_trace(const char *words)
{
  struct kit_file file;
  struct kit_builder *b = kit_alloc(1, sizeof *b);
  uint32_t process = 0;
  kit_file_open(&file, NULL);
  kit_start(b);
  for (const char *at = words; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
    char *end;
    uint64_t n = strtoull(at + 1, &end, 10), last = *end == '.' ? strtoull(end + 1, &end, 10) : n, to = *end == ':' ? strtoull(end + 1, NULL, 10) : 0;
    struct pw_event e = {.a = n << 12, .b = (last - n + 1) << 12, .c = to << 12};
    switch (*at) {
      case 'k': e.kind = PW_EVENT_KERNEL_READ; break;
      case 'K': e.kind = PW_EVENT_KERNEL_WRITE; break;
      case '-': e.kind = PW_EVENT_UNMAP; break;
      case 'd': e.kind = PW_EVENT_DISCARD; break;
      case '>': e.kind = PW_EVENT_MOVE; break;
      case 'm': e.kind = PW_EVENT_MAP; break;
      case 'f': e = (struct pw_event){.kind = PW_EVENT_FORK, .a = 100 + n, .b = n}; break;
      case 'p': e = (struct pw_event){.kind = PW_EVENT_PROCESS, .a = 100 + n, .b = n}; break;
      case 'x': e = (struct pw_event){.kind = PW_EVENT_EXIT}; break;
      case 'e': e = (struct pw_event){.kind = PW_EVENT_EXEC}; break;
      default: break;
    }
    if (*at == 'p') process = (uint32_t)n;
    if (e.kind) kit_event(b, e);
    else kit_access(b, process, n, *at == 'I' ? PW_FETCH : *at == 'S' ? PW_STORE : PW_LOAD);
  }
  kit_file_add(&file, kit_finish(b));
  kit_file_finish(&file);
  free(b);
  return file;
}

/* What a row must say, with an ITLB and a DTLB of 8 entries and no STLB. Resident and tables 0: not looked at. */
struct row {
  uint64_t frames;     /* 0: unlimited */
  uint64_t dtlb_misses, minor_faults, major_faults, swap_outs, resident_pages, tables;
  unsigned page_shift; /* 0: 12 */
  enum pw_stream only;
};

static int compare(const char *words, const struct row *want, const struct pw_result *got, const char *engine)
{
  const struct {
    const char *name;
    uint64_t want, got;
  } all[] = {
      {"dtlb_misses", want->dtlb_misses, got->dtlb_misses},
      {"minor_faults", want->minor_faults, got->minor_faults},
      {"major_faults", want->major_faults, got->major_faults},
      {"swap_outs", want->swap_outs, got->swap_outs},
      {"resident pages", want->resident_pages, want->resident_pages ? got->resident_bytes >> (want->page_shift ? want->page_shift : 12) : 0},
      {"tables", want->tables, want->tables ? got->table_bytes / 4096 : 0},
  };
  int wrong = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i].want == all[i].got) continue;
    wrong++;
    print_error("%s: %llu frames, engine %s: %s %llu, by hand %llu\n", words, (unsigned long long)want->frames, engine, all[i].name,
                (unsigned long long)all[i].got, (unsigned long long)all[i].want);
  }
  return wrong;
}

static void expect(const char *words, const struct row *rows, size_t n)
{
  struct kit_file file = write_trace(words);
  int wrong = 0;
  for (size_t i = 0; i < n; i++)
    for (int policy = 0; policy < 6; policy++) { /* direct and auto, and policies that are as good in these traces */
      struct pw_error err = {0};
      struct pw_trace *t;
      struct pw_result result;
      unsigned shift = rows[i].page_shift ? rows[i].page_shift : 12;
      struct pw_config config = {.page_shift = shift, .geometry = &table, .itlb = {8, 8, 0}, .dtlb = {8, 8, 0},
                                 .memory_bytes = rows[i].frames ? rows[i].frames << shift : PW_UNLIMITED};
      struct pw_run_options options = {.engine = policy ? PW_ENGINE_AUTO : PW_ENGINE_DIRECT, .only = rows[i].only};
      if (policy > 1 && rows[i].frames) break;
      if (policy > 1) { /* more frames than pages: the others must say the same */
        config.memory_bytes = UINT64_C(100) << shift;
        config.memory_policy = policy - 1;
      }
      KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
      KIT_OK(pw_run(t, &config, 1, &options, &result, &err), err);
      pw_trace_close(t);
      struct row want = rows[i];
      if (policy > 1) want.resident_pages = 0;
      wrong += compare(words, &want, &result, policy ? "auto" : "direct");
    }
  kit_file_free(&file);
  assert_int_equal(wrong, 0);
}

#define EXPECT(words, ...)                                       \
  do {                                                           \
    const struct row rows[] = {__VA_ARGS__};                     \
    expect(words, rows, sizeof rows / sizeof *rows);             \
  } while (0)

/* The kernel brings the page, and the load finds it in memory but in no TLB. */
static void the_kernel_brings_pages(void **state)
{
  (void)state;
  EXPECT("K5 L5", {.dtlb_misses = 1, .minor_faults = 1, .resident_pages = 1, .tables = 4},
         {.frames = 2, .dtlb_misses = 1, .minor_faults = 1, .resident_pages = 1}, {.page_shift = 21, .dtlb_misses = 1, .minor_faults = 1});
  EXPECT("K5.7 L6 L9", {.dtlb_misses = 2, .minor_faults = 4, .resident_pages = 4}, {.page_shift = 21, .dtlb_misses = 1, .minor_faults = 1});
  /* only one that it wrote is written back */
  EXPECT("K0 L1 L2", {.frames = 2, .dtlb_misses = 2, .minor_faults = 3, .swap_outs = 1}, {.frames = 3, .dtlb_misses = 2, .minor_faults = 3});
  EXPECT("k0 L1 L2", {.frames = 2, .dtlb_misses = 2, .minor_faults = 3});
  EXPECT("L9 K5 I1", {.only = PW_STREAM_DATA, .dtlb_misses = 1, .minor_faults = 2}, {.only = PW_STREAM_FETCH, .minor_faults = 1});
}

/* A page that goes for the kernel's leaves the TLB; one that the kernel touches stays in memory for longer. */
static void the_kernel_moves_recency(void **state)
{
  (void)state;
  EXPECT("L0 L1 k2 L0", {.dtlb_misses = 2, .minor_faults = 3}, {.frames = 2, .dtlb_misses = 3, .minor_faults = 3, .major_faults = 1},
         {.frames = 3, .dtlb_misses = 2, .minor_faults = 3});
  EXPECT("L0 L1 k0 L2 L0", {.dtlb_misses = 3, .minor_faults = 3}, {.frames = 2, .dtlb_misses = 3, .minor_faults = 3});
  EXPECT("L0 L1 L2 k0 L0", {.frames = 2, .dtlb_misses = 4, .minor_faults = 3, .major_faults = 1},
         {.frames = 3, .dtlb_misses = 3, .minor_faults = 3});
}

/* A discarded page is new when it is touched again, and its table never went. */
static void discarded_pages_are_new(void **state)
{
  (void)state;
  EXPECT("S0 d0 L0", {.dtlb_misses = 2, .minor_faults = 2, .resident_pages = 1, .tables = 4},
         {.frames = 2, .dtlb_misses = 2, .minor_faults = 2, .resident_pages = 1});
  EXPECT("S0 d0 L512", {.dtlb_misses = 2, .minor_faults = 2, .tables = 5});
  EXPECT("S0 -0 L512", {.dtlb_misses = 2, .minor_faults = 2, .tables = 4});
  EXPECT("S0 d0 -0 L512", {.dtlb_misses = 2, .minor_faults = 2, .tables = 4}); /* … until it is unmapped */
  /* a large page goes only as a whole */
  EXPECT("S0 d0.510 L0", {.dtlb_misses = 2, .minor_faults = 2}, {.page_shift = 21, .dtlb_misses = 1, .minor_faults = 1});
  EXPECT("S0 d0.511 L0", {.dtlb_misses = 2, .minor_faults = 2}, {.page_shift = 21, .dtlb_misses = 2, .minor_faults = 2});
}

/* The page is at its new place without a fault, and what is touched at the old one is new. */
static void moved_pages_stay_in_memory(void **state)
{
  (void)state;
  EXPECT("S0 >0:9 L9 L0", {.dtlb_misses = 3, .minor_faults = 2, .resident_pages = 2},
         {.frames = 2, .dtlb_misses = 3, .minor_faults = 2, .resident_pages = 2});
  EXPECT("S0 >0:9 L1 L2", {.frames = 2, .dtlb_misses = 3, .minor_faults = 3, .swap_outs = 1}); /* it is dirty still */
  EXPECT("S0 L1 L2 >0:9 L9", {.frames = 2, .dtlb_misses = 4, .minor_faults = 3, .major_faults = 1, .swap_outs = 1}); /* and was out */
  EXPECT("L0 >0:512", {.dtlb_misses = 1, .minor_faults = 1, .tables = 5});
  EXPECT("L0 >0:512 -0 L1024", {.dtlb_misses = 2, .minor_faults = 2, .tables = 5}); /* the old table is gone by then */
  EXPECT("L9 L0 >0:9 L9", {.dtlb_misses = 3, .minor_faults = 2, .resident_pages = 2}); /* who was there makes room */
  EXPECT("L0 L1 >0.1:1 L1", {.dtlb_misses = 2, .minor_faults = 2}); /* onto itself: nothing moves */
}

static void large_pages_move_when_they_can(void **state)
{
  (void)state;
  EXPECT("L0 >0.511:512 L512", {.dtlb_misses = 2, .minor_faults = 1}, {.page_shift = 21, .dtlb_misses = 2, .minor_faults = 1});
  EXPECT("L0 >0.511:700 L700", {.dtlb_misses = 2, .minor_faults = 1}, {.page_shift = 21, .dtlb_misses = 2, .minor_faults = 1, .resident_pages = 2},
         {.page_shift = 21, .frames = 2, .dtlb_misses = 2, .minor_faults = 1});
  EXPECT("L0 >0:9 L9", {.dtlb_misses = 2, .minor_faults = 1}, {.page_shift = 21, .dtlb_misses = 1, .minor_faults = 1});
}

/* To another place within pages: what a part of a page comes to is there, and what was there before has gone. */
static void parts_of_pages_move(void **state)
{
  (void)state;
  EXPECT("L0 L5 >5.8:0 L0 L4", {.dtlb_misses = 4, .minor_faults = 3},
         {.page_shift = 13, .dtlb_misses = 3, .minor_faults = 2, .resident_pages = 2}); /* 4 is the half that stayed */
  EXPECT("L4 >4.5:9 L8 L10 L4", {.dtlb_misses = 4, .minor_faults = 4},
         {.page_shift = 13, .dtlb_misses = 4, .minor_faults = 2, .resident_pages = 3});
  EXPECT("L2 L4 >2.5:9 L8 L10 L12", {.dtlb_misses = 5, .minor_faults = 5},
         {.page_shift = 13, .dtlb_misses = 5, .minor_faults = 2, .resident_pages = 3});
  EXPECT("L4 >4.8:9 L10 L12", {.dtlb_misses = 3, .minor_faults = 3},
         {.page_shift = 13, .dtlb_misses = 3, .minor_faults = 2, .resident_pages = 3}); /* 8 goes to 13, but was not there */
  EXPECT("L40 >0:31 L31", {.dtlb_misses = 2, .minor_faults = 2}, {.page_shift = 13, .dtlb_misses = 2, .minor_faults = 2, .resident_pages = 2});
}

/* A process that goes on after its exit has no root; a fork that names it begins with nothing of what it had. */
static void exited_processes_go_on(void **state)
{
  (void)state;
  EXPECT("L0 x L0", {.dtlb_misses = 2, .minor_faults = 2, .resident_pages = 1, .tables = 4});
  EXPECT("L0 p1 x L7 L8 p0 f1 p1 L0 L7", {.dtlb_misses = 5, .minor_faults = 4, .resident_pages = 3, .tables = 8},
         {.frames = 8, .dtlb_misses = 5, .minor_faults = 4});
  EXPECT("L0 p1 x L7 d7 p0 f1 p1 L0", {.dtlb_misses = 3, .minor_faults = 2, .resident_pages = 2, .tables = 8}); /* nor an empty table */
  EXPECT("m0 m0 L0 -0 L1", {.dtlb_misses = 2, .minor_faults = 2, .tables = 4}); /* a map over a map is one */
}

/* A fork copies the tables at once, a page when someone stores to it; the last one has the frame for itself. */
static void forks_share_until_stores(void **state)
{
  (void)state;
  EXPECT("S0 f1", {.dtlb_misses = 1, .minor_faults = 1, .resident_pages = 1, .tables = 8},
         {.page_shift = 21, .dtlb_misses = 1, .minor_faults = 1, .resident_pages = 1, .tables = 6});
  EXPECT("S0 f1 p1 L0", {.dtlb_misses = 2, .minor_faults = 1, .resident_pages = 1}, {.frames = 2, .dtlb_misses = 2, .minor_faults = 1, .resident_pages = 1});
  EXPECT("S0 f1 p1 S0 p0 S0", {.dtlb_misses = 2, .minor_faults = 2, .resident_pages = 2}, {.frames = 2, .dtlb_misses = 2, .minor_faults = 2});
  EXPECT("S0 f1 S0 p1 L0 S0", {.dtlb_misses = 2, .minor_faults = 2, .resident_pages = 2},
         {.page_shift = 21, .dtlb_misses = 2, .minor_faults = 2, .resident_pages = 2});
  EXPECT("S0 f1 K0", {.dtlb_misses = 1, .minor_faults = 2, .resident_pages = 2});
  EXPECT("S0 f1 p1 x0 p0 S0", {.dtlb_misses = 1, .minor_faults = 1, .resident_pages = 1, .tables = 8});
  EXPECT("S0 f1 -0 p1 S0", {.dtlb_misses = 2, .minor_faults = 1, .resident_pages = 1});
  EXPECT("S0 f1 f2 p1 S0 p2 S0 p0 S0", {.dtlb_misses = 3, .minor_faults = 3, .resident_pages = 3});
  EXPECT("S0 f1 p1 >0:9 L9 S9", {.dtlb_misses = 2, .minor_faults = 2, .resident_pages = 2}); /* it is shared where it went */
  EXPECT("L1 L2 f1 p1 I1 I2 L1 L2 L1", {.frames = 2, .dtlb_misses = 4, .minor_faults = 2}, {.frames = 4, .dtlb_misses = 4, .minor_faults = 2});
  EXPECT("m0 S0 f1 p1 -0 L512", {.dtlb_misses = 2, .minor_faults = 2, .tables = 8}); /* mappings are inherited too */
}

/* Two frames: who shares one has it in memory, or out, together. */
static void finite_memories_share_frames(void **state)
{
  (void)state;
  EXPECT("S0 L1 L2 f1 p1 L0", {.frames = 2, .dtlb_misses = 4, .minor_faults = 3, .major_faults = 1, .swap_outs = 1}); /* it was out */
  EXPECT("S0 L1 L2 f1 p1 L0 p0 L0", /* and comes in for both, but to no TLB of the other */
         {.frames = 2, .dtlb_misses = 5, .minor_faults = 3, .major_faults = 1, .swap_outs = 1});
  EXPECT("L0 f1 p1 L0 L1 L2 L0 p0 L0", {.frames = 2, .dtlb_misses = 6, .minor_faults = 3, .major_faults = 1}); /* 2 pushes it out of both TLBs */
  EXPECT("S0 f1 p1 S0", {.frames = 2, .dtlb_misses = 2, .minor_faults = 2, .resident_pages = 2});
  EXPECT("S0 L1 f1 p1 S0 L1", /* the copy pushes 1 out, and 1 then what it was copied from */
         {.frames = 2, .dtlb_misses = 4, .minor_faults = 3, .major_faults = 1, .swap_outs = 1});
  EXPECT("S0 L1 L2 f1 p1 S0", /* to be copied it has to come in */
         {.frames = 2, .dtlb_misses = 4, .minor_faults = 4, .major_faults = 1, .swap_outs = 1});
  EXPECT("S0 L1 L2 f1 p1 K0", {.frames = 2, .dtlb_misses = 3, .minor_faults = 4, .major_faults = 1, .swap_outs = 1}); /* for the kernel too */
  EXPECT("S0 L1 f1 x0 p1 L0 L1", {.frames = 2, .dtlb_misses = 4, .minor_faults = 2, .resident_pages = 2}); /* who is left has them */
  EXPECT("S0 f1 p1 -0 p0 L0", {.frames = 2, .dtlb_misses = 1, .minor_faults = 1, .resident_pages = 1});
  EXPECT("S0 f1 -0 p1 x0 p2 L7 L8", {.frames = 2, .dtlb_misses = 3, .minor_faults = 3, .resident_pages = 2}); /* nobody is: it went */
  EXPECT("S0 f1 p1 >0:9 p0 L1 L2 p1 L9", /* 9 is what 0 was, and is still */
         {.frames = 2, .dtlb_misses = 4, .minor_faults = 3, .major_faults = 1, .swap_outs = 1});
}

/* What a visit stores to is copied before it: its code page is touched after the shared frame. */
static void copies_come_before_their_visits(void **state)
{
  (void)state;
  EXPECT("L0 I1 L2 f1 p1 L0 I1 S0", {.frames = 3, .dtlb_misses = 3, .minor_faults = 4, .resident_pages = 3});
  EXPECT("L0 I1 L2 f1 p1 L0 I1 S0 p0 L2 p1 L0", {.frames = 3, .dtlb_misses = 4, .minor_faults = 4, .major_faults = 1});
}

/* An address that only the kernel touched must fit like any other. */
static void the_kernels_addresses_must_fit(void **state)
{
  (void)state;
  struct pw_geometry narrow;
  struct pw_error err = {0};
  struct pw_trace *t;
  struct pw_result result;
  struct kit_file file = write_trace("L0 K1048576");
  KIT_OK(pw_geometry_parse(&narrow, "x86-32", &err), err);
  struct pw_config config = {.page_shift = 12, .geometry = &narrow, .dtlb = {8, 8, 0}, .memory_bytes = PW_UNLIMITED};
  KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
  assert_int_equal(pw_run(t, &config, 1, NULL, &result, &err), 1);
  assert_true(result.unfit);
  assert_non_null(strstr(err.text, "0x100000000 does not fit the table x86-32"));
  pw_trace_close(t);
  kit_file_free(&file);
}

/* A range over more than one call's worth is no kernel access: a writer divides it, a reader refuses it. */
static void kernel_accesses_are_small(void **state)
{
  (void)state;
  const struct pw_event event = {.kind = PW_EVENT_KERNEL_READ, .a = 4096, .b = PW_MAX_KERNEL_BYTES + 1};
  const struct pw_block block = {.n_events = 1, .events = &event};
  struct pw_writer_options options = {0};
  struct pw_writer *writer;
  struct pw_error err = {0};
  char *bytes;
  size_t n;
  FILE *stream = open_memstream(&bytes, &n);
  KIT_OK(pw_writer_create_stream(&writer, stream, "T", &options, &err), err);
  assert_int_equal(pw_writer_add(writer, &block, &err), PW_EINVAL);
  assert_non_null(strstr(err.text, "1048577 bytes"));
  pw_writer_destroy(writer);
  fclose(stream);
  free(bytes);
}

/* Every allocation fails once: a sentence, and nothing is left. */
static void memory_may_run_out(void **state)
{
  (void)state;
  struct kit_file file = write_trace("m0.99 S0 S1 I2 f1 K0.30 S1 p1 S0 L1 d0 >1:1030 S1030 k4.9 x0 p0 >0.20:600 S601 -600.620 e0 L3");
  for (unsigned way = 0; way < 6; way++)
    for (unsigned long n = 1;; n++) {
      static const int policies[] = {0, 0, 2, 4, 0, 0};
      struct pw_config config = {.page_shift = 12, .geometry = &table, .itlb = {8, 8, 0}, .dtlb = {8, 8, 0}, .memory_bytes = way < 5 ? 3 << 12 : PW_UNLIMITED,
                                 .memory_policy = policies[way]};
      struct pw_run_options options = {.engine = way ? PW_ENGINE_DIRECT : PW_ENGINE_AUTO};
      struct pw_error err = {0};
      struct pw_trace *t;
      struct pw_result result;
      struct pw_series series = {0};
      struct pw_attribution a = {0};
      KIT_OK(pw_trace_open_memory(&t, "T", file.bytes, file.n, NULL, &err), err);
      pw_alloc_fail_after(n);
      int status = way == 3   ? pw_series_run(t, &config, 2, &options, &series, &err)
                   : way == 4 ? pw_attribute(t, &config, PW_BY_REGION, PW_HEAT_NONE, &options, &a, &err)
                              : pw_run(t, &config, 1, &options, &result, &err);
      pw_alloc_fail_after(0);
      pw_trace_close(t);
      pw_series_clear(&series);
      pw_attribution_clear(&a);
      if (status == 0) break;
      assert_int_equal(status, PW_ENOMEM);
      assert_true(n < 10000);
    }
  kit_file_free(&file);
}

int main(void)
{
  struct pw_error err = {0};
  if (pw_geometry_parse(&table, "9,9,9,9+12:8", &err)) return fprintf(stderr, "%s\n", err.text), 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_kernel_brings_pages),        cmocka_unit_test(the_kernel_moves_recency),
      cmocka_unit_test(discarded_pages_are_new),        cmocka_unit_test(moved_pages_stay_in_memory),
      cmocka_unit_test(large_pages_move_when_they_can), cmocka_unit_test(forks_share_until_stores),
      cmocka_unit_test(finite_memories_share_frames), cmocka_unit_test(copies_come_before_their_visits),
      cmocka_unit_test(parts_of_pages_move),            cmocka_unit_test(exited_processes_go_on),
      cmocka_unit_test(the_kernels_addresses_must_fit), cmocka_unit_test(kernel_accesses_are_small),
      cmocka_unit_test(memory_may_run_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
