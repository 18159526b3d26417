/* The model of Linux's memory management, on cases worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "os/linux/kernel.h"

enum { RW = PW_MAP_READ | PW_MAP_WRITE, RX = PW_MAP_READ | PW_MAP_EXECUTE, FILE_1 = 1001 };

static struct pw_kernel kernel;
static struct pw_mm *const mm = &kernel.mm;
static struct pw_error err;

static int start(void **state)
{
  (void)state;
  return pw_kernel_init(&kernel, PW_THP_NEVER, false, &err);
}

static int end(void **state)
{
  (void)state;
  pw_kernel_clear(&kernel);
  return 0;
}

static void map(uint64_t from, uint64_t to, uint32_t flags)
{
  struct pw_native_vma area = {.start = from, .end = to, .flags = flags, .inode = flags & PW_AREA_FILE ? FILE_1 : 0};
  assert_int_equal(pw_mm_map(mm, &area, &err), 0);
}

static unsigned areas(void)
{
  unsigned n = 0;
  struct pw_range range;
  for (uint64_t page = 0; pw_ranges_next(&mm->areas, page, &range); page = range.last + 1) n++;
  return n;
}

static void load(uint64_t page)
{
  assert_int_equal(pw_kernel_touch(&kernel, page, false, &err), 0);
}

static void store(uint64_t page)
{
  assert_int_equal(pw_kernel_touch(&kernel, page, true, &err), 0);
}

static void assert_tables(uint64_t pte, uint64_t pmd, uint64_t pud)
{
  assert_int_equal(mm->tables.n[0], pte);
  assert_int_equal(mm->tables.n[1], pmd);
  assert_int_equal(mm->tables.n[2], pud);
}

static void assert_faults(uint64_t anonymous, uint64_t file, uint64_t copy)
{
  assert_int_equal(mm->counts.anonymous_faults, anonymous);
  assert_int_equal(mm->counts.file_faults, file);
  assert_int_equal(mm->counts.copy_faults, copy);
}

static void assert_resident(uint64_t own, uint64_t cached)
{
  assert_int_equal(mm->counts.own, own);
  assert_int_equal(mm->counts.cached, cached);
}

/* A table of pages spans 512 of them, one above it 512 x 512, one above that 512 x 512 x 512. */
static void a_table_for_each_span(void **state)
{
  (void)state;
  map(0, UINT64_C(1) << 30, RW);
  store(0);
  assert_tables(1, 1, 1);
  store(511);
  assert_tables(1, 1, 1);
  store(512);
  assert_tables(2, 1, 1);
  store(512 * 512);
  assert_tables(3, 2, 1);
  store(UINT64_C(512) * 512 * 512);
  assert_tables(4, 3, 2);
  assert_faults(5, 0, 0);
  assert_resident(5, 0);
}

/* A read of anonymous memory maps the zero page, which is nothing resident; a write is another fault. */
static void zero_page(void **state)
{
  (void)state;
  map(100, 200, RW);
  load(100);
  load(100);
  assert_faults(1, 0, 0);
  assert_resident(0, 0);
  store(100);
  store(100);
  load(100);
  assert_faults(1, 0, 1);
  assert_resident(1, 0);
  store(101);
  assert_faults(2, 0, 1);
}

/* 16 pages from a multiple of 16 in the table of pages. */
static void fault_around(void **state)
{
  (void)state;
  map(1024, 1024 + 64, RX | PW_AREA_FILE);
  load(1024 + 20);
  assert_faults(0, 1, 0);
  assert_resident(0, 16);
  for (uint64_t page = 16; page < 32; page++) load(1024 + page);
  assert_faults(0, 1, 0);
  load(1024 + 15);
  assert_faults(0, 2, 0);
  assert_resident(0, 32);
  assert_int_equal(mm->counts.around, 30);
}

/* Where the area begins later, the 16 are counted from there, past the next multiple of 16. */
static void fault_around_at_the_start_of_an_area(void **state)
{
  (void)state;
  map(1024 + 5, 1024 + 64, RX | PW_AREA_FILE);
  load(1024 + 7);
  assert_int_equal(pw_mm_present(mm, 1024 + 5, 1024 + 21), 16);
  assert_resident(0, 16);
}

static void fault_around_ends(void **state)
{
  (void)state;
  map(1024 + 48, 1024 + 53, RX | PW_AREA_FILE); /* the area */
  load(1024 + 50);
  assert_resident(0, 5);
  map(2048 - 6, 2048 + 6, RX | PW_AREA_FILE); /* the table: 2048 is the first page of the next */
  load(2048 - 1);
  assert_resident(0, 5 + 6);
  assert_tables(2, 1, 1);
  load(2048);
  assert_resident(0, 5 + 12);
  assert_tables(3, 1, 1);
  struct pw_native_vma area = {.start = 4096, .end = 4096 + 16, .flags = RX | PW_AREA_FILE, .inode = FILE_1, .offset = 7, .file_pages = 10};
  assert_int_equal(pw_mm_map(mm, &area, &err), 0); /* the file */
  load(4096);
  assert_resident(0, 5 + 12 + 3);
}

/* A write to a private file copies: at once, or a page that was there. */
static void copy_on_write(void **state)
{
  (void)state;
  map(1024, 1024 + 16, RW | PW_AREA_FILE);
  store(1024);
  assert_faults(0, 1, 0);
  assert_resident(1, 0);
  load(1024 + 1);
  assert_faults(0, 2, 0);
  assert_resident(1, 15);
  store(1024 + 2);
  assert_faults(0, 2, 1);
  assert_resident(2, 14);
  assert_int_equal(mm->counts.peak, 16);
}

static void shared_file(void **state)
{
  (void)state;
  map(1024, 1024 + 16, RW | PW_AREA_FILE | PW_MAP_SHARED);
  load(1024);
  store(1024); /* the file learns that it is dirty */
  store(1024);
  assert_faults(0, 1, 1);
  assert_resident(0, 16);
}

static void shared_memory(void **state)
{
  (void)state;
  map(1024, 1024 + 16, RW | PW_MAP_SHARED);
  load(1024);
  store(1024);
  assert_faults(1, 0, 0);
  assert_resident(0, 1);
}

/* A table goes when no area needs its span, and not while a neighbour does. */
static void unmap_frees_tables(void **state)
{
  (void)state;
  map(0, 512, RW);
  map(512, 1024, RX); /* an area of its own */
  map(1024, 1024 + 10, RW);
  store(0);
  load(600);
  store(1024);
  assert_tables(3, 1, 1);
  assert_int_equal(pw_mm_unmap(mm, 512, 1024, &err), 0);
  assert_tables(2, 1, 1);
  assert_int_equal(pw_mm_unmap(mm, 0, 511, &err), 0); /* a page of the area is left */
  assert_tables(2, 1, 1);
  assert_resident(1, 0);
  assert_int_equal(pw_mm_unmap(mm, 511, 512, &err), 0); /* what is untouched keeps the table too */
  assert_tables(1, 1, 1);
  assert_int_equal(pw_mm_unmap(mm, 0, 2048, &err), 0);
  assert_tables(0, 0, 0);
  assert_resident(0, 0);
  assert_int_equal(areas(), 0);
}

static void unmap_keeps_upper_tables(void **state)
{
  (void)state;
  map(512, 1024, RW);
  map(512 * 512 - 1, 512 * 512 + 1, RX);
  store(512);
  load(512 * 512 - 1);
  load(512 * 512);
  assert_tables(3, 2, 1);
  assert_int_equal(pw_mm_unmap(mm, 512 * 512, 512 * 512 + 1, &err), 0);
  assert_tables(2, 1, 1);
}

static void a_map_replaces(void **state)
{
  (void)state;
  map(0, 1024, RW);
  store(0);
  store(600);
  map(512, 1024, RW);
  assert_tables(1, 1, 1);
  assert_resident(1, 0);
  store(600);
  assert_faults(3, 0, 0);
  assert_int_equal(areas(), 1); /* equal neighbours are one area */
}

static void discard(void **state)
{
  (void)state;
  map(0, 2048, RW);
  for (uint64_t page = 0; page < 2048; page += 256) store(page);
  pw_mm_discard(mm, 100, 1100);
  assert_resident(4, 0);
  assert_tables(4, 1, 1); /* kernels before 6.14 keep empty tables */
  store(256);
  assert_faults(9, 0, 0);
  mm->reclaims_tables = true;
  pw_mm_discard(mm, 100, 1100); /* 512 … 1023 is a whole span */
  assert_tables(3, 1, 1);
  pw_mm_discard(mm, 0, 2048);
  assert_tables(0, 1, 1);
  assert_resident(0, 0);
}

static int move(uint64_t from, uint64_t pages, uint64_t to, uint64_t to_end)
{
  struct pw_native_change change = {.kind = PW_NATIVE_MOVE, .vma = {.start = to, .end = to_end}, .from = from, .from_pages = pages};
  return pw_mm_move(mm, &change, &err);
}

/* Pages move without a fault, with their area. Where both ends of a span fit, the table itself moves. */
static void moves(void **state)
{
  (void)state;
  map(0, 1024, RW);
  store(3);
  store(512 + 7);
  assert_int_equal(move(0, 1024, 4096, 4096 + 1024), 0);
  store(4096 + 3);
  store(4096 + 512 + 7);
  assert_faults(2, 0, 0);
  assert_tables(2, 1, 1);
  /* a page further: the new place needs three tables */
  assert_int_equal(move(4096, 1024, 8192 + 1, 8192 + 1 + 1024), 0);
  assert_tables(3, 1, 1);
  store(8192 + 1 + 3);
  store(8192 + 1 + 512 + 7);
  assert_faults(2, 0, 0);
  assert_resident(2, 0);
  assert_int_equal(areas(), 1);
}

/* An area of a file keeps its file where it goes, and grows as far as it is told to; what does not fit is gone. */
static void moves_files(void **state)
{
  (void)state;
  struct pw_native_vma area = {.start = 1024, .end = 1024 + 8, .flags = RW | PW_AREA_FILE, .inode = FILE_1, .offset = 100, .file_pages = 200}, found;
  assert_int_equal(pw_mm_map(mm, &area, &err), 0);
  store(1024 + 1);
  store(1024 + 7);
  assert_int_equal(move(1024 + 1, 7, 2048, 2048 + 2), 0);
  assert_true(pw_mm_area(mm, 2048, &found));
  assert_int_equal(found.offset, 101);
  assert_int_equal(found.end, 2048 + 2);
  assert_resident(1, 0);
  assert_int_equal(move(2048, 2, 2048, 2048 + 5), 0); /* in place */
  assert_true(pw_mm_area(mm, 2048, &found));
  assert_int_equal(found.end, 2048 + 5);
  assert_resident(1, 0);
  assert_true(pw_mm_area(mm, 1024, &found));
  assert_int_equal(found.end, 1024 + 1);
}

static void protect_splits_areas(void **state)
{
  (void)state;
  map(1024, 1024 + 48, RW | PW_AREA_FILE);
  assert_int_equal(pw_mm_protect(mm, 1024 + 20, 1024 + 48, PW_MAP_READ, &err), 0);
  assert_int_equal(areas(), 2);
  load(1024 + 17);
  assert_resident(0, 4); /* 16 … 19: the area ends there */
  assert_int_equal(pw_mm_protect(mm, 1024 + 20, 1024 + 48, RW, &err), 0);
  assert_int_equal(areas(), 1);
  load(1024 + 33);
  assert_resident(0, 20);
}

/* What the program wrote stays its own through protections. */
static void protect_keeps_pages(void **state)
{
  (void)state;
  map(0, 10, RW);
  store(1);
  assert_int_equal(pw_mm_protect(mm, 0, 10, PW_MAP_READ, &err), 0);
  load(1);
  assert_int_equal(pw_mm_protect(mm, 0, 10, RW, &err), 0);
  store(1);
  assert_faults(1, 0, 0);
}

static void stack_grows(void **state)
{
  (void)state;
  map(10000, 10033, RW | PW_MAP_STACK);
  store(9990);
  store(9989);
  assert_faults(2, 0, 0);
  assert_int_equal(mm->counts.strays, 0);
  struct pw_native_vma stack;
  assert_true(pw_mm_area(mm, 9989, &stack));
  assert_int_equal(stack.start, 9989);
  map(100, 200, RW);
  store(200); /* what lies between is the stack's, what lies behind is nobody's */
  assert_faults(3, 0, 0);
  store(20000);
  assert_int_equal(mm->counts.strays, 1);
}

static void fork_shares(void **state)
{
  (void)state;
  map(0, 10, RW);
  store(1);
  store(2);
  pw_mm_fork(mm);
  load(1);
  assert_faults(2, 0, 0);
  store(1);
  store(1);
  assert_faults(2, 0, 1);
  assert_resident(2, 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, end)
  const struct CMUnitTest tests[] = {
      CASE(a_table_for_each_span), CASE(zero_page), CASE(fault_around), CASE(fault_around_at_the_start_of_an_area),
      CASE(fault_around_ends), CASE(copy_on_write), CASE(shared_file), CASE(shared_memory), CASE(unmap_frees_tables),
      CASE(unmap_keeps_upper_tables), CASE(a_map_replaces), CASE(discard), CASE(moves), CASE(moves_files), CASE(protect_splits_areas),
      CASE(protect_keeps_pages), CASE(stack_grows), CASE(fork_shares)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
