/* Where validate puts recorded mappings natively, on lists of calls and events worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "os/linux/kernel.h"

enum { RW = PW_MAP_READ | PW_MAP_WRITE, PAGE = 4096, PROGRAM = 7, LIBRARY = 8 };

#define TOP UINT64_C(0x7ffff7fff000)
#define STACK_TOP UINT64_C(0x7ffffffff000)

static struct pw_relocation r;
static struct pw_native_layout native;
static struct pw_kernel kernel;
static bool begun;
static struct pw_native_area areas[3];
static struct pw_native_call calls[8];
static struct pw_error err;
static char names[3][16];

/* A program of 4 pages, a page below the top, a stack; heap at 0x555555560000. */
static int start(void **state)
{
  (void)state;
  strcpy(names[0], "prog");
  strcpy(names[2], "[stack]");
  areas[0] = (struct pw_native_area){{.start = 0x555555554, .end = 0x555555558, .flags = RW | PW_AREA_FILE, .inode = PROGRAM}, .name = names[0]};
  areas[1] = (struct pw_native_area){{.start = (TOP >> 12) - 1, .end = TOP >> 12, .flags = RW}, .name = names[1]};
  areas[2] = (struct pw_native_area){{.start = (STACK_TOP >> 12) - 33, .end = STACK_TOP >> 12, .flags = RW | PW_MAP_STACK}, .name = names[2]};
  native = (struct pw_native_layout){.areas = areas, .n_areas = 3, .stack_pointer = STACK_TOP - 0x1230, .heap = 0x555555560000, .calls = calls};
  begun = false;
  return pw_kernel_init(&kernel, PW_THP_NEVER, false, &err);
}

/* Once the native calls are told. */
static void begin(void)
{
  if (!begun) assert_int_equal(pw_relocation_init(&r, &native, 0x1fff000000 - 0x2230, pw_kernel_target(&kernel), &err), 0);
  begun = true;
}

static int end(void **state)
{
  (void)state;
  if (begun) pw_relocation_clear(&r);
  pw_kernel_clear(&kernel);
  return 0;
}

static void native_map(uint64_t address, uint64_t bytes, uint64_t inode)
{
  calls[native.n_calls++] = (struct pw_native_call){.kind = PW_NATIVE_MAP, .address = address, .bytes = bytes, .inode = inode};
}

static void native_move(uint64_t from, uint64_t from_bytes, uint64_t address, uint64_t bytes)
{
  calls[native.n_calls++] = (struct pw_native_call){.kind = PW_NATIVE_MOVE, .address = address, .bytes = bytes, .from = from, .from_bytes = from_bytes};
}

static void event(uint32_t kind, uint64_t a, uint64_t b, uint64_t c)
{
  struct pw_event e = {.kind = kind, .a = a, .b = b, .c = c};
  assert_int_equal(pw_relocation_event(&r, &e, &err), 0);
}

static void map(uint64_t address, uint64_t bytes, uint32_t flags, uint64_t inode, const char *name)
{
  struct pw_event e = {.kind = PW_EVENT_MAP, .a = address, .b = bytes, .c = flags, .text = name, .text_bytes = (uint32_t)strlen(name)};
  assert_int_equal(pw_relocation_event(&r, &e, &err), 0);
  if (inode) event(PW_EVENT_BACKING, 0, inode, 0);
}

static void run(void)
{
  begin();
  event(PW_EVENT_THREAD, 1, 0, 0);
}

/* The native address of a recorded one. */
static uint64_t place(uint64_t address)
{
  assert_int_equal(pw_relocation_settle(&r, &err), 0);
  uint64_t native_page = 0;
  return pw_relocation_page(&r, address >> 12, &native_page) ? native_page : 0;
}

/* The native area of a page; zeroed where there is none. */
static struct pw_native_vma area_at(uint64_t page)
{
  struct pw_native_vma area = {0};
  bool there = pw_mm_area(&kernel.mm, page, &area);
  assert_int_equal(there, pw_gaps_is_mapped(&r.gaps, page)); /* both know the same */
  return area;
}

static void start_up(void **state)
{
  (void)state;
  begin();
  map(0x108000, 2 * PAGE, RW, PROGRAM, "prog");
  map(0x10a000, 2 * PAGE, RW, PROGRAM, "prog");
  map(0x10c000, PAGE, RW, 0, ""); /* its bss */
  map(0x5807d000, PAGE, RW, 99, "tool");
  run();
  assert_int_equal(place(0x108000), 0x555555554);
  assert_int_equal(place(0x10b000), 0x555555557);
  assert_int_equal(place(0x10c000), 0x555555558);
  assert_int_equal(place(0x5807d000), 0);
  assert_int_equal(place(0x1fff000000 - 0x2230), (STACK_TOP - 0x1230) >> 12);
}

static void heap(void **state)
{
  (void)state;
  run();
  map(0x4035000, 3 * PAGE, RW, 0, "[heap]");
  map(0x4038000, PAGE, RW, 0, "[heap]");
  assert_int_equal(place(0x4038000), 0x555555563);
  assert_int_equal(area_at(0x555555560).end, 0x555555564); /* one area */
}

/* By size and file, each native call once; in the order of each kind, not of all. */
static void maps(void **state)
{
  (void)state;
  native_map(0x7ffff7a00000, 2 * PAGE, 0);
  native_map(0x7ffff7b00000, 2 * PAGE, LIBRARY);
  native_map(0x7ffff7900000, 2 * PAGE, 0);
  native_map(0x7ffff7800000, 5 * PAGE, 0);
  run();
  map(0x44000000, 5 * PAGE, RW, 0, "");
  map(0x44010000, 2 * PAGE, RW, LIBRARY, "lib");
  map(0x44020000, 2 * PAGE, RW, 0, "");
  map(0x44030000, 2 * PAGE, RW, 0, "");
  assert_int_equal(place(0x44000000), 0x7ffff7800);
  assert_int_equal(place(0x44010000), 0x7ffff7b00);
  assert_int_equal(place(0x44020000), 0x7ffff7a00);
  assert_int_equal(place(0x44031000), 0x7ffff7901);
  assert_int_equal(r.unplaced, 0);
}

/* A map into another one lies where that one does, also when that is unmapped by then. */
static void fixed_maps(void **state)
{
  (void)state;
  native_map(0x7ffff7a00000, 8 * PAGE, LIBRARY);
  run();
  map(0x44000000, 8 * PAGE, RW, LIBRARY, "lib");
  event(PW_EVENT_UNMAP, 0x44002000, 2 * PAGE, 0);
  map(0x44002000, 2 * PAGE, RW | PW_MAP_FIXED, 0, "");
  assert_int_equal(place(0x44003000), 0x7ffff7a03);
  assert_false(area_at(0x7ffff7a03).flags & PW_AREA_FILE);
  assert_true(area_at(0x7ffff7a04).flags & PW_AREA_FILE);
}

/* No native call: the highest gap; whole 2 MiB are aligned. */
static void unplaced(void **state)
{
  (void)state;
  run();
  map(0x44000000, 3 * PAGE, RW, 0, "");
  assert_int_equal(place(0x44000000), (TOP >> 12) - 1 - 3);
  map(0x45000000, 2 << 20, RW, 0, "");
  assert_int_equal(place(0x45000000), 0x7ffff7c00);
  assert_int_equal(r.unplaced, 2);
}

/* A size that differs a little: at the same end. */
static void similar(void **state)
{
  (void)state;
  native_map(0x7ffff7a00000, 3 * PAGE, 0);
  run();
  map(0x46000000, 2 * PAGE, RW, 0, "");
  assert_int_equal(place(0x46000000), 0x7ffff7a01);
  assert_int_equal(r.unplaced, 1);
  map(0x47000000, 2 * PAGE, RW, 0, ""); /* what was over is free */
  assert_int_equal(place(0x47000000), (TOP >> 12) - 1 - 2);
}

/* The native place is taken, as when threads ran in another order. */
static void taken(void **state)
{
  (void)state;
  native_map(0x7ffff7a00000, 2 * PAGE, 0);
  native_map(0x7ffff7a00000, 2 * PAGE, 0);
  run();
  map(0x44000000, 2 * PAGE, RW, 0, "");
  map(0x44010000, 2 * PAGE, RW, 0, "");
  assert_int_equal(place(0x44000000), 0x7ffff7a00);
  assert_int_equal(place(0x44010000), (TOP >> 12) - 1 - 2);
}

static void touch(uint64_t address)
{
  assert_int_equal(pw_relocation_settle(&r, &err), 0);
  assert_int_equal(pw_relocation_touch(&r, address >> 12, true, &err), 0);
}

/* Moved in both runs; and moved natively where the recording had room to grow. */
static void moves(void **state)
{
  (void)state;
  native_map(0x7ffff7a00000, 2 * PAGE, 0);
  native_move(0x7ffff7a00000, 2 * PAGE, 0x7ffff7900000, 4 * PAGE);
  native_move(0x7ffff7900000, 4 * PAGE, 0x7ffff7800000, 6 * PAGE);
  run();
  map(0x44000000, 2 * PAGE, RW, 0, "");
  touch(0x44001000);
  map(0x45000000, 4 * PAGE, RW, 0, "");
  event(PW_EVENT_MOVE, 0x44000000, 2 * PAGE, 0x45000000);
  event(PW_EVENT_UNMAP, 0x44000000, 2 * PAGE, 0);
  assert_int_equal(place(0x45001000), 0x7ffff7901);
  touch(0x45001000);
  map(0x45004000, 2 * PAGE, RW, 0, ""); /* right behind: it grew in place */
  touch(0x45001000);
  assert_int_equal(place(0x45005000), 0x7ffff7805);
  assert_int_equal(place(0x45001000), 0x7ffff7801);
  assert_int_equal(pw_mm_faults(&kernel.mm), 1);
  assert_int_equal(area_at(0x7ffff7a00).end, 0);
  assert_int_equal(area_at(0x7ffff7900).end, 0);
  assert_int_equal(kernel.mm.counts.own, 1);
}

static void ranges(void **state)
{
  (void)state;
  native_map(0x7ffff7a00000, 2 * PAGE, 0);
  native_map(0x7ffff7900000, 2 * PAGE, 0);
  run();
  map(0x44000000, 2 * PAGE, RW, 0, "");
  map(0x44002000, 2 * PAGE, RW, 0, ""); /* neighbours only in the recording */
  event(PW_EVENT_KERNEL_WRITE, 0x44000010, 4 * PAGE - 0x20, 0);
  assert_int_equal(kernel.mm.counts.own, 4);
  event(PW_EVENT_DISCARD, 0x44001000, 2 * PAGE, 0);
  assert_int_equal(kernel.mm.counts.own, 2);
  assert_int_equal(pw_mm_present(&kernel.mm, 0x7ffff7a00, 0x7ffff7a02), 1);
  event(PW_EVENT_UNMAP, 0x44001000, 2 * PAGE, 0);
  assert_int_equal(area_at(0x7ffff7a01).end, 0);
  assert_int_equal(area_at(0x7ffff7900).end, 0);
  assert_int_not_equal(area_at(0x7ffff7901).end, 0);
  touch(0x44001000); /* nowhere */
  touch(0x99000000);
  assert_int_equal(kernel.mm.counts.strays, 1);
  assert_int_equal(r.strays, 1);
}

/* Eight pages mapped to have four at a multiple of four: three are cut off in front in one run, one in the other. */
static void cut_to_align(void **state)
{
  (void)state;
  for (uint64_t way = 0; way < 2; way++) {
    native_map(0x7ffff7a00000 + way * 0x100000, 8 * PAGE, 0);
    calls[way].cut = true;
    calls[way].front = (way ? 1 : 3) * PAGE;
  }
  for (int way = 0; way < 2; way++) {
    uint64_t at = 0x7ffff7a00000 + (uint64_t)way * 0x100000, recorded = 0x44000000 + (uint64_t)way * 0x100000;
    uint64_t front = way ? 3 : 1, native_front = way ? 1 : 3;
    run();
    map(recorded, 8 * PAGE, RW, 0, "");
    event(PW_EVENT_UNMAP, recorded, front * PAGE, 0);
    event(PW_EVENT_UNMAP, recorded + (front + 4) * PAGE, (4 - front) * PAGE, 0);
    assert_int_equal(place(recorded + front * PAGE), (at >> 12) + native_front);
    struct pw_native_vma kept = area_at((at >> 12) + native_front);
    assert_int_equal(kept.start, (at >> 12) + native_front);
    assert_int_equal(kept.end, (at >> 12) + native_front + 4);
    touch(recorded + (front + 3) * PAGE);
  }
  assert_int_equal(kernel.mm.counts.strays + r.strays, 0);
}

/* Maps, moves, cuts, protects, unmaps and touches, with every kind of answer. */
static int story(void)
{
  const struct { uint32_t kind; uint64_t a, b, c; const char *text; } told[] = {
      {PW_EVENT_THREAD, 1, 0, 0, ""},                          {PW_EVENT_MAP, 0x44000000, 8 * PAGE, RW, ""},
      {PW_EVENT_UNMAP, 0x44000000, PAGE, 0, ""},               {PW_EVENT_MAP, 0x45000000, 4 * PAGE, RW, "lib"},
      {PW_EVENT_BACKING, 0, LIBRARY, 0, ""},                   {PW_EVENT_KERNEL_READ, 0x45000000, 4 * PAGE, 0, ""},
      {PW_EVENT_PROTECT, 0x45001000, PAGE, PW_MAP_READ, ""},   {PW_EVENT_MAP, 0x46000000, 16 * PAGE, RW, ""},
      {PW_EVENT_MOVE, 0x44001000, 2 * PAGE, 0x46000000, ""},   {PW_EVENT_KERNEL_WRITE, 0x46000000, 16 * PAGE, 0, ""},
      {PW_EVENT_FORK, 2, 1, 0, ""},                            {PW_EVENT_MAP, 0x47000000, 513 * 2 * PAGE, RW, ""},
      {PW_EVENT_KERNEL_WRITE, 0x47000000, 513 * PAGE, 0, ""},  {PW_EVENT_DISCARD, 0x47000000, PAGE, 0, ""},
      {PW_EVENT_UNMAP, 0x47001000, PAGE, 0, ""},               {PW_EVENT_KERNEL_WRITE, 0x1ffeff0000, PAGE, 0, ""}};
  int status = pw_kernel_init(&kernel, PW_THP_NEVER, true, &err);
  r = (struct pw_relocation){0};
  if (!status) status = pw_relocation_init(&r, &native, 0x1fff000000 - 0x2230, pw_kernel_target(&kernel), &err);
  for (size_t i = 0; i < sizeof told / sizeof *told && !status; i++) {
    struct pw_event e = {.kind = told[i].kind, .a = told[i].a, .b = told[i].b, .c = told[i].c, .text = told[i].text,
                         .text_bytes = (uint32_t)strlen(told[i].text)};
    status = pw_relocation_event(&r, &e, &err);
  }
  if (!status) status = pw_mm_put(&kernel.mm, 0x7ffff7000, true, &err);
  pw_relocation_clear(&r);
  pw_kernel_clear(&kernel);
  return status;
}

/* Every allocation fails once; nothing leaks (the sanitizers look). */
static void running_out(void **state)
{
  (void)state;
  unsigned long n = 0;
  int status = 1;
  pw_kernel_clear(&kernel);
  while (status) {
    native.n_calls = 0;
    native_map(0x7ffff7a00000, 8 * PAGE, 0);
    calls[0].cut = true;
    native_map(0x7ffff7b00000, 4 * PAGE, LIBRARY);
    native_move(0x7ffff7a01000, 2 * PAGE, 0x7ffff7900000, 16 * PAGE);
    pw_alloc_fail_after(++n);
    status = story();
    if (status) assert_true(status == PW_ENOMEM && strstr(err.text, "memory ran out"));
  }
  pw_alloc_fail_after(0);
  assert_true(n > 30);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, end)
  const struct CMUnitTest tests[] = {CASE(start_up), CASE(heap),  CASE(maps),  CASE(fixed_maps), CASE(unplaced),   CASE(similar),
                                     CASE(taken),    CASE(moves), CASE(ranges), CASE(cut_to_align), CASE(running_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
