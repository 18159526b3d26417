/* Attribution by hand: small traces whose owners and counts are worked out in the comments. */
#include "base/alloc.h"
#include "tracekit.h"

struct book {
  struct kit_builder b;
  struct kit_file file;
};

static struct book *begin(void)
{
  struct book *k = kit_alloc(1, sizeof *k);
  kit_file_open(&k->file, NULL);
  kit_start(&k->b);
  return k;
}

static void event(struct book *k, uint32_t kind, uint64_t a, uint64_t b, uint64_t c, const char *text)
{
  kit_event(&k->b, (struct pw_event){.kind = kind, .a = a, .b = b, .c = c, .text = text, .text_bytes = text ? (uint32_t)strlen(text) : 0});
}

static void map(struct book *k, uint64_t address, uint64_t bytes, const char *rights, const char *text)
{
  uint64_t c = (strchr(rights, 'r') ? PW_MAP_READ : 0) | (strchr(rights, 'w') ? PW_MAP_WRITE : 0) | (strchr(rights, 'x') ? PW_MAP_EXECUTE : 0);
  event(k, PW_EVENT_MAP, address, bytes, c, text);
}

static void data_symbol(struct book *k, uint64_t address, uint64_t bytes, const char *name)
{
  event(k, PW_EVENT_SYMBOL, address, bytes, PW_SYMBOL_DATA, name);
}

static void function_symbol(struct book *k, uint64_t address, uint64_t bytes, const char *name)
{
  event(k, PW_EVENT_SYMBOL, address, bytes, PW_SYMBOL_FUNCTION, name);
}

/* An access by the instruction at pc. */
static void touch(struct book *k, uint32_t op, uint64_t address, uint64_t pc)
{
  struct kit_builder *b = &k->b;
  kit_access(b, 0, address >> 12, op);
  if (b->counts[0] + b->counts[1] + b->counts[2] != 1) return; /* it opened no visit */
  b->offset[b->n_visits] = (uint16_t)(address & 4095);
  b->pc[b->n_visits] = op == PW_FETCH ? address : pc;
}

static void run(struct book *k, const struct pw_config *config, enum pw_by by, struct pw_attribution *a)
{
  struct pw_error err = {0};
  struct pw_trace *trace;
  struct pw_trace_options reading = {.sides = true};
  KIT_OK(pw_trace_open_memory(&trace, "T", k->file.bytes, k->file.n, &reading, &err), err);
  KIT_OK(pw_attribute(trace, config, by, PW_HEAT_NONE, NULL, a, &err), err);
  pw_trace_close(trace);
}

static void end(struct book *k)
{
  kit_finish(&k->b);
  k->b.block.offset = k->b.offset;
  k->b.block.pc = k->b.pc;
  kit_file_add(&k->file, &k->b.block);
  kit_file_finish(&k->file);
}

static void done(struct book *k)
{
  kit_file_free(&k->file);
  free(k);
}

static const struct pw_owner *find(const struct pw_attribution *a, const char *name)
{
  for (size_t i = 0; i < a->n_owners; i++)
    if (strcmp(a->owners[i].name, name) == 0) return &a->owners[i];
  fail_msg("there is no owner %s", name);
  return NULL;
}

static void expect(const struct pw_attribution *a, const char *name, const char *object, uint64_t dtlb_misses, uint64_t minor_faults)
{
  const struct pw_owner *o = find(a, name);
  assert_string_equal(o->object, object);
  if (o->counts.dtlb_misses != dtlb_misses || o->counts.minor_faults != minor_faults)
    fail_msg("%s has %d DTLB misses and %d minor faults, not %d and %d", name, (int)o->counts.dtlb_misses, (int)o->counts.minor_faults,
             (int)dtlb_misses, (int)minor_faults);
}

/* ---- what is called how ---- */

static struct book *write_places(void)
{
  struct book *k = begin();
  map(k, 0x400000, 0x2000, "rx", "/usr/bin/prog");
  map(k, 0x402000, 0x1000, "rw", "/usr/bin/prog");
  map(k, 0x403000, 0x1000, "rw", NULL);           /* right behind its data: .bss */
  map(k, 0x500000, 0x2000, "rw", "[heap]");
  map(k, 0x600000, 0x2000, "rw", NULL);           /* one anonymous mapping … */
  map(k, 0x700000, 0x1000, "rw", NULL);           /* … and another */
  event(k, PW_EVENT_MAP, 0x7fff0000, 0x10000, PW_MAP_READ | PW_MAP_WRITE | PW_MAP_STACK, "[stack]");
  touch(k, PW_FETCH, 0x400100, 0);
  touch(k, PW_LOAD, 0x402008, 0x400104);
  touch(k, PW_STORE, 0x403010, 0x400104);
  touch(k, PW_STORE, 0x500000, 0x400104);
  touch(k, PW_STORE, 0x501000, 0x400104);
  touch(k, PW_STORE, 0x600000, 0x400104);
  touch(k, PW_STORE, 0x700000, 0x400104);
  touch(k, PW_STORE, 0x7ffef000, 0x400104);       /* the stack grew without an event */
  touch(k, PW_LOAD, 0x90000000, 0x400104);        /* nothing is mapped here */
  end(k);
  return k;
}

static void test_regions(void **state)
{
  (void)state;
  struct book *k = write_places();
  struct pw_config config;
  struct pw_attribution a;
  pw_config_default(&config);
  run(k, &config, PW_BY_REGION, &a);
  expect(&a, "prog r-x", "/usr/bin/prog", 0, 1);
  expect(&a, "prog rw-", "/usr/bin/prog", 1, 1);
  expect(&a, "prog .bss", "/usr/bin/prog", 1, 1);
  expect(&a, "[heap]", "[heap]", 2, 2);
  expect(&a, "[mmap 0x600000]", "[mmap]", 1, 1);
  expect(&a, "[mmap 0x700000]", "[mmap]", 1, 1);
  expect(&a, "[stack]", "[stack]", 1, 1);
  expect(&a, "[unknown]", "[unknown]", 1, 1);
  assert_int_equal(a.n_owners, 9); /* and the root */
  assert_int_equal(find(&a, "[heap]")->counts.counted.stores, 2);
  assert_int_equal(find(&a, "prog r-x")->counts.counted.fetches, 1);
  assert_int_equal(find(&a, "[heap]")->counts.touched_bytes, 8192);
  /* of the four levels: the root; code made the other three; 0x700000 lies under its lowest table, the
   * stack (0x7ffef000) needs two lowest … its own and no other, 0x90000000 a middle and a lowest */
  assert_int_equal(find(&a, "[root tables]")->counts.table_bytes, 4096);
  assert_int_equal(find(&a, "prog r-x")->counts.table_bytes, 3 * 4096);
  assert_int_equal(find(&a, "[mmap 0x600000]")->counts.table_bytes, 4096);
  assert_int_equal(find(&a, "[stack]")->counts.table_bytes, 2 * 4096);
  assert_int_equal(find(&a, "[unknown]")->counts.table_bytes, 2 * 4096);
  pw_attribution_clear(&a);
  done(k);
}

static void test_objects(void **state)
{
  (void)state;
  struct book *k = write_places();
  struct pw_config config;
  struct pw_attribution a;
  pw_config_default(&config);
  run(k, &config, PW_BY_OBJECT, &a);
  expect(&a, "prog", "/usr/bin/prog", 2, 3);
  expect(&a, "[mmap]", "[mmap]", 2, 2);
  expect(&a, "[heap]", "[heap]", 2, 2);
  assert_int_equal(a.n_owners, 6);
  pw_attribution_clear(&a);
  done(k);
}

/* ---- symbols ---- */

static void test_symbols(void **state)
{
  (void)state;
  struct book *k = begin();
  struct pw_config config;
  struct pw_attribution a;
  pw_config_default(&config);
  config.dtlb = config.itlb = (struct pw_tlb_config){1, 1, 0};
  map(k, 0x400000, 0x2000, "rx", "/bin/p");
  map(k, 0x410000, 0x4000, "rw", "/bin/p");
  data_symbol(k, 0x410000, 0x3000, "table");
  data_symbol(k, 0x411000, 0x10, "inner");        /* within table */
  data_symbol(k, 0x412000, 0x1000, "`reboot`");   /* a name is only a name */
  function_symbol(k, 0x400000, 0x100, "_ZN3foo3barEi");
  touch(k, PW_FETCH, 0x400010, 0);
  touch(k, PW_LOAD, 0x410008, 0x400010);
  touch(k, PW_LOAD, 0x411008, 0x400014);
  touch(k, PW_LOAD, 0x411020, 0x400014);          /* the same page hits, and opens nothing */
  touch(k, PW_LOAD, 0x412fff, 0x400018);
  touch(k, PW_LOAD, 0x413000, 0x40001c);          /* behind all symbols */
  touch(k, PW_LOAD, 0x411020, 0x400020);          /* opens with table's byte after inner */
  touch(k, PW_FETCH, 0x401000, 0);                /* behind the function */
  touch(k, PW_LOAD, 0x410000, 0x401004);
  event(k, PW_EVENT_UNMAP, 0x410000, 0x1000, 0, NULL); /* takes table's first byte */
  map(k, 0x410000, 0x1000, "rw", NULL);
  touch(k, PW_LOAD, 0x411020, 0x401008);          /* table is gone, so this is nobody's */
  touch(k, PW_LOAD, 0x411008, 0x401008);
  end(k);
  run(k, &config, PW_BY_SYMBOL, &a);
  expect(&a, "table", "/bin/p", 3, 1);
  expect(&a, "inner", "/bin/p", 1, 1);
  expect(&a, "`reboot`", "/bin/p", 1, 1);
  expect(&a, "[p]", "/bin/p", 2, 1);
  expect(&a, "[p code]", "/bin/p", 0, 2);
  assert_int_equal(find(&a, "[p code]")->counts.itlb_misses, 2);
  pw_attribution_clear(&a);
  run(k, &config, PW_BY_FUNCTION, &a);
  expect(&a, "foo::bar(int)", "/bin/p", 5, 5);
  expect(&a, "[p]", "/bin/p", 2, 1);
  assert_int_equal(find(&a, "foo::bar(int)")->counts.itlb_misses, 1);
  assert_int_equal(find(&a, "[p]")->counts.itlb_misses, 1);
  pw_attribution_clear(&a);
  done(k);
}

/* Code is what fetches touch. Loads, and the kernel, from a mapping that may be executed are not: the second page of
 * this file is a table that its first page jumps by; the third is fetched from and loaded from. */
static void test_loads_from_an_executable_mapping_are_not_code(void **state)
{
  (void)state;
  struct book *k = begin();
  struct pw_config config;
  struct pw_attribution a;
  pw_config_default(&config);
  map(k, 0x400000, 0x4000, "rx", "/bin/p");
  touch(k, PW_FETCH, 0x400010, 0);
  touch(k, PW_LOAD, 0x401000, 0x400010);
  touch(k, PW_LOAD, 0x402000, 0x400014);
  touch(k, PW_FETCH, 0x402010, 0);
  event(k, PW_EVENT_KERNEL_READ, 0x403000, 8, 0, NULL);
  end(k);
  run(k, &config, PW_BY_SYMBOL, &a);
  expect(&a, "[p]", "/bin/p", 2, 3);
  expect(&a, "[p code]", "/bin/p", 0, 1);
  assert_int_equal(find(&a, "[p]")->counts.itlb_misses, 0);
  assert_int_equal(find(&a, "[p code]")->counts.itlb_misses, 2);
  assert_int_equal(find(&a, "[p code]")->counts.walks, 1); /* the second walk of page 0x402 was the load's: the STLB has it */
  pw_attribution_clear(&a);
  run(k, &config, PW_BY_REGION, &a); /* and where they lie, they lie */
  expect(&a, "p r-x", "/bin/p", 2, 4);
  pw_attribution_clear(&a);
  done(k);
}

/* ---- a fault on a later touch ---- */

/* Two frames, code page C and data pages A, B. The last visit opens B while C goes on: touching B pushes C out,
 * since A was used last; then C comes back, as a fault on a later touch. It is C's by symbol, and by function it is
 * the doing of who opened B. */
static void test_later_touch(void **state)
{
  (void)state;
  struct book *k = begin();
  struct pw_config config;
  struct pw_attribution a;
  pw_config_default(&config);
  config.memory_bytes = 8192;
  map(k, 0x400000, 0x1000, "rx", "/bin/p");
  map(k, 0x410000, 0x2000, "rw", "/bin/p");
  function_symbol(k, 0x400000, 0x80, "first");
  function_symbol(k, 0x400080, 0x80, "second");
  data_symbol(k, 0x410000, 0x1000, "A");
  data_symbol(k, 0x411000, 0x1000, "B");
  touch(k, PW_FETCH, 0x400010, 0);
  touch(k, PW_STORE, 0x410000, 0x400010);
  touch(k, PW_LOAD, 0x411000, 0x400090);          /* B comes, C goes */
  touch(k, PW_FETCH, 0x400094, 0);                /* C comes, A goes and is written back */
  end(k);
  run(k, &config, PW_BY_SYMBOL, &a);
  assert_int_equal(find(&a, "[p code]")->counts.major_faults, 1);
  assert_int_equal(find(&a, "A")->counts.swap_outs, 1);
  assert_int_equal(a.total.counts.major_faults, 1);
  pw_attribution_clear(&a);
  run(k, &config, PW_BY_FUNCTION, &a);
  assert_int_equal(find(&a, "second")->counts.major_faults, 1);
  assert_int_equal(find(&a, "first")->counts.swap_outs, 1);
  assert_int_equal(find(&a, "first")->counts.minor_faults, 2);
  pw_attribution_clear(&a);
  done(k);
}

/* ---- what malloc's threshold costs ---- */

/* Three rounds of a buffer of 4 pages. From the heap it is touched once and stays; as a mapping of its own it is given
 * back and faults in anew each time. The heap shrinks once at the end. */
static void test_heap_and_mmap(void **state)
{
  (void)state;
  struct book *k = begin();
  struct pw_config config;
  struct pw_attribution a;
  pw_config_default(&config);
  map(k, 0x500000, 0x4000, "rw", "[heap]");
  for (int round = 0; round < 3; round++) {
    for (uint64_t page = 0; page < 4; page++) touch(k, PW_STORE, 0x500000 + (page << 12), 0);
    map(k, 0x7f0000000000, 0x4000, "rw", NULL);
    for (uint64_t page = 0; page < 4; page++) touch(k, PW_STORE, 0x7f0000000000 + (page << 12), 0);
    event(k, PW_EVENT_UNMAP, 0x7f0000000000, 0x4000, 0, NULL);
  }
  event(k, PW_EVENT_UNMAP, 0x502000, 0x2000, 0, NULL);
  touch(k, PW_LOAD, 0x500000, 0);
  event(k, PW_EVENT_EXIT, 0, 0, 0, NULL);         /* gives nothing back that anybody can use */
  end(k);
  run(k, &config, PW_BY_OBJECT, &a);
  assert_int_equal(find(&a, "[heap]")->counts.minor_faults, 4);
  assert_int_equal(find(&a, "[heap]")->returned_bytes, 2 * 4096);
  assert_int_equal(find(&a, "[mmap]")->counts.minor_faults, 12);
  assert_int_equal(find(&a, "[mmap]")->returned_bytes, 12 * 4096);
  assert_int_equal(find(&a, "[mmap]")->counts.touched_bytes, 4 * 4096); /* of the 8 pages at the peak */
  assert_int_equal(a.total.returned_bytes, 14 * 4096);
  pw_attribution_clear(&a);
  done(k);
}

/* ---- the kernel, and copies ---- */

/* A buffer on the heap is filled by a system call, so its faults are the heap's and the kernel's. After a fork the
 * program stores to one of the shared pages: a copy, which is a fault of who opened the page, also where an
 * instruction's page opened the visit. */
static void test_kernel_and_copies(void **state)
{
  (void)state;
  struct book *k = begin();
  struct pw_config config;
  struct pw_attribution a;
  pw_config_default(&config);
  map(k, 0x400000, 0x2000, "rx", "/bin/p");
  map(k, 0x500000, 0x4000, "rw", "[heap]");
  function_symbol(k, 0x400000, 0x1000, "fill");
  function_symbol(k, 0x401000, 0x1000, "store");
  touch(k, PW_FETCH, 0x400000, 0);
  event(k, PW_EVENT_KERNEL_WRITE, 0x500800, 0x1000, 0, NULL); /* two pages */
  event(k, PW_EVENT_FORK, 101, 1, 0, NULL);
  touch(k, PW_FETCH, 0x400000, 0);
  touch(k, PW_LOAD, 0x500000, 0x400004);
  touch(k, PW_FETCH, 0x401000, 0);
  touch(k, PW_STORE, 0x500008, 0x401004);         /* in the visit that the fetch opened */
  end(k);
  run(k, &config, PW_BY_REGION, &a);
  assert_int_equal(find(&a, "[heap]")->counts.minor_faults, 3);
  assert_int_equal(find(&a, "p r-x")->counts.minor_faults, 2);
  assert_int_equal(find(&a, "[heap]")->counts.touched_bytes, 3 * 4096); /* one of the two has a copy */
  pw_attribution_clear(&a);
  run(k, &config, PW_BY_FUNCTION, &a);
  assert_int_equal(find(&a, "[kernel]")->counts.minor_faults, 2);
  assert_int_equal(find(&a, "[kernel]")->counts.dtlb_misses, 0);
  assert_int_equal(find(&a, "fill")->counts.minor_faults, 1);
  assert_int_equal(find(&a, "store")->counts.minor_faults, 2); /* its own page, and the copy */
  pw_attribution_clear(&a);
  done(k);
}

/* ---- refusals ---- */

static void test_refusals(void **state)
{
  (void)state;
  struct book *k = begin();
  struct pw_error err = {0};
  struct pw_trace *trace;
  struct pw_attribution a;
  struct pw_config config;
  touch(k, PW_LOAD, 0x1000, 0);
  kit_finish(&k->b);
  kit_file_add(&k->file, &k->b.block);            /* without sides */
  kit_file_finish(&k->file);
  pw_config_default(&config);
  struct pw_trace_options reading = {.sides = true};
  KIT_OK(pw_trace_open_memory(&trace, "T", k->file.bytes, k->file.n, &reading, &err), err);
  assert_int_equal(pw_attribute(trace, &config, PW_BY_SYMBOL, PW_HEAT_NONE, NULL, &a, &err), PW_EINVAL);
  assert_non_null(strstr(err.text, "--pc"));
  assert_non_null(strstr(err.text, "T "));
  pw_attribution_clear(&a);
  KIT_OK(pw_trace_rewind(trace, &err), err);
  config.dtlb.entries = 0;
  assert_int_equal(pw_attribute(trace, &config, PW_BY_FUNCTION, PW_HEAT_NONE, NULL, &a, &err), PW_EINVAL);
  assert_non_null(strstr(err.text, "region"));
  pw_attribution_clear(&a);
  pw_trace_close(trace);
  done(k);
}

/* A part of a large page that moves makes a frame where it comes to, and that is the owner's there: 8 KiB pages 0x902 and
 * 0x904, 16 KiB of them to the middle of such a page, below and above. After the first the peak is one page there, two here. */
static void test_parts_that_move_are_the_owners_where_they_come_to(void **state)
{
  static const uint64_t places[] = {0x501000, 0xa01000};
  struct pw_geometry g;
  struct pw_error err = {0};
  struct pw_config config;
  (void)state;
  KIT_OK(pw_geometry_parse(&g, "9,9,9,9+12:8", &err), err);
  pw_config_default(&config);
  config.geometry = &g;
  config.page_shift = 13;
  for (int i = 0; i < 2; i++) {
    struct book *k = begin();
    struct pw_attribution a;
    map(k, 0x902000, 0x4000, "rw", "/from");
    map(k, places[i], 0x4000, "rw", "/to");
    touch(k, PW_STORE, 0x902000, 0);
    touch(k, PW_STORE, 0x904000, 0);
    event(k, PW_EVENT_MOVE, 0x902000, 0x4000, places[i], NULL);
    end(k);
    run(k, &config, PW_BY_REGION, &a);
    assert_int_equal(find(&a, "from rw-")->counts.touched_bytes, 1 << 13);
    assert_int_equal(find(&a, "to rw-")->counts.touched_bytes, 2 << 13);
    pw_attribution_clear(&a);
    done(k);
  }
}

/* Each allocation fails once: an error in one sentence, and nothing is lost. */
static void test_allocations(void **state)
{
  (void)state;
  struct book *k = write_places();
  struct pw_config config;
  pw_config_default(&config);
  config.memory_bytes = 16384;
  config.memory_policy = pw_memory_policy_find("opt");
  for (int by = PW_BY_REGION; by <= PW_BY_FUNCTION; by++) {
    unsigned long n = 1;
    for (int status = PW_ENOMEM; status; n++) {
      struct pw_error err = {0};
      struct pw_trace *trace;
      struct pw_attribution a;
      struct pw_trace_options reading = {.sides = true};
      KIT_OK(pw_trace_open_memory(&trace, "T", k->file.bytes, k->file.n, &reading, &err), err);
      pw_alloc_fail_after(n);
      status = pw_attribute(trace, &config, (enum pw_by)by, PW_HEAT_WALKS, NULL, &a, &err);
      pw_alloc_fail_after(0);
      if (status && (status != PW_ENOMEM || !err.text[0])) fail_msg("allocation %lu: status %d: %s", n, status, err.text);
      pw_attribution_clear(&a);
      pw_trace_close(trace);
    }
    assert_true(n > 50);
  }
  done(k);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_regions),     cmocka_unit_test(test_objects),       cmocka_unit_test(test_symbols),
      cmocka_unit_test(test_later_touch), cmocka_unit_test(test_heap_and_mmap), cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_kernel_and_copies), cmocka_unit_test(test_loads_from_an_executable_mapping_are_not_code),
      cmocka_unit_test(test_parts_that_move_are_the_owners_where_they_come_to), cmocka_unit_test(test_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
