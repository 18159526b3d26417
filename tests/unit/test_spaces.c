/* What is mapped where, by hand: what a .bss is, forks, moves, stacks that grow, symbols in one another, names, and
 * memory and texts that run out. */
#include "spacekit.h"

#include "base/alloc.h"

enum { R = PW_MAP_READ, W = PW_MAP_WRITE, X = PW_MAP_EXECUTE, SHARED = PW_MAP_SHARED, RW = R | W };

/* The region's name at a page, or "" where nothing is mapped. */
static const char *region(struct space_kit *k, uint32_t process, uint64_t page)
{
  struct pw_vma vma;
  if (!pw_spaces_at(&k->s, process, page, &vma)) return "";
  uint32_t text = pw_vma_region(&k->s, &vma);
  assert_true(text != PW_NO_TEXT);
  return k->s.texts.texts[text];
}

static const char *symbol(const struct space_kit *k, uint32_t process, uint64_t address)
{
  const struct pw_space_symbol *s = pw_spaces_symbol(&k->s, process, address, PW_SYMBOL_DATA);
  return s ? k->s.texts.texts[s->name] : "";
}

/* ---- .bss ---- */

enum between { NOTHING, A_MAP, AN_UNMAP, A_PROTECTION, A_BACKING, ANOTHER_PROCESS, AN_EXEC, A_FORK };

/* Pages 10 and 11 of a file, something in between, and page 12 without a name. */
static void bss(uint64_t data, enum between between, uint64_t place, uint64_t rest, const char *want)
{
  struct space_kit k;
  space_kit_init(&k, 0);
  space_map(&k, 10, 2, data, "/bin/prog");
  switch (between) {
    case NOTHING: break;
    case A_MAP: space_map(&k, 90, 1, RW, NULL); break;
    case AN_UNMAP: space_unmap(&k, 11, 1); break;
    case A_PROTECTION: space_event(&k, PW_EVENT_PROTECT, 11 << 12, 4096, R, NULL); break;
    case A_BACKING: space_event(&k, PW_EVENT_BACKING, 0x7000, 55, 0, NULL); break;
    case ANOTHER_PROCESS:
      space_run(&k, 1);
      space_map(&k, 12, 1, RW, NULL);
      space_run(&k, 0);
      break;
    case AN_EXEC: space_event(&k, PW_EVENT_EXEC, 0, 0, 0, "/bin/other"); break;
    case A_FORK: /* whoever loads a program goes on loading it, and not the child */
      space_fork(&k, 1);
      space_run(&k, 1);
      break;
  }
  space_map(&k, place, 1, rest, NULL);
  const char *got = region(&k, k.s.process, place);
  if (strcmp(got, want))
    fail_msg("rights %x, between %d, page %u, rights %x: %s, by hand %s", (unsigned)data, between, (unsigned)place,
             (unsigned)rest, got, want);
  pw_spaces_clear(&k.s);
}

/* Behind the data, of its rights, private, and the next thing that the process maps. */
static void a_bss_is_what_a_loader_makes(void **state)
{
  (void)state;
  bss(RW, NOTHING, 12, RW, "prog .bss");
  bss(RW | X, NOTHING, 12, RW | X, "prog .bss");
  bss(RW, A_PROTECTION, 12, RW, "prog .bss");
  bss(RW, A_BACKING, 12, RW, "prog .bss");
  bss(RW, ANOTHER_PROCESS, 12, RW, "prog .bss");
  bss(RW, NOTHING, 13, RW, "[mmap 0xd000]");
  bss(RW, NOTHING, 11, RW, "[mmap 0xb000]");
  bss(RW | X, NOTHING, 12, RW, "[mmap 0xc000]");
  bss(RW, NOTHING, 12, R, "[mmap 0xc000]");
  bss(R | X, NOTHING, 12, R | X, "[mmap 0xc000]");
  bss(RW | SHARED, NOTHING, 12, RW | SHARED, "[mmap 0xc000]");
  bss(RW, NOTHING, 12, RW | SHARED, "[mmap 0xc000]");
  bss(RW, NOTHING, 12, RW | PW_MAP_STACK, "[mmap 0xc000]");
  bss(RW, A_MAP, 12, RW, "[mmap 0xc000]");
  bss(RW, AN_UNMAP, 12, RW, "[mmap 0xc000]");
  bss(RW, AN_EXEC, 12, RW, "[mmap 0xc000]");
  bss(RW, A_FORK, 12, RW, "[mmap 0xc000]");
}

static void behind_a_bss_is_no_second(void **state)
{
  struct space_kit k;
  struct pw_vma vma;
  (void)state;
  space_kit_init(&k, PW_SPACES_COUNT);
  space_map(&k, 10, 2, RW, "/bin/prog");
  space_map(&k, 12, 3, RW, NULL);
  space_map(&k, 15, 1, RW, NULL);
  assert_true(pw_spaces_at(&k.s, 0, 12, &vma) && vma.kind == PW_VMA_BSS && vma.last == 14);
  assert_string_equal(k.s.texts.texts[vma.object], "/bin/prog");
  assert_string_equal(region(&k, 0, 15), "[mmap 0xf000]");
  assert_int_equal(k.s.pages[PW_VMA_FILE], 2);
  assert_int_equal(k.s.pages[PW_VMA_BSS], 3);
  assert_int_equal(k.s.pages[PW_VMA_MMAP], 1);
  pw_spaces_clear(&k.s);
}

/* ---- names and kinds ---- */

static void kinds_and_names(void **state)
{
  static const struct { const char *text; uint64_t bits; enum pw_vma_kind kind; const char *region; } rows[] = {
      {"/lib/libc.so.6", R | X, PW_VMA_FILE, "libc.so.6 r-x"}, {"anon_inode:x", RW, PW_VMA_FILE, "anon_inode:x rw-"},
      {"/", W, PW_VMA_FILE, "/ -w-"}, {"[heap]", RW, PW_VMA_HEAP, "[heap]"}, {"[stack]", RW, PW_VMA_STACK, "[stack]"},
      {"[vdso]", R | X, PW_VMA_SPECIAL, "[vdso]"}, {NULL, RW, PW_VMA_MMAP, "[mmap 0x10000]"},
      {NULL, RW | PW_MAP_STACK, PW_VMA_STACK, "[mmap 0x10000]"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct space_kit k;
    struct pw_vma vma;
    space_kit_init(&k, 0);
    space_map(&k, 16, 4, rows[i].bits | PW_MAP_FIXED, rows[i].text);
    assert_true(pw_spaces_at(&k.s, 0, 17, &vma));
    assert_int_equal(vma.kind, rows[i].kind);
    assert_int_equal(vma.rights, rows[i].bits & 15);
    assert_int_equal(vma.grows, rows[i].kind == PW_VMA_STACK);
    assert_string_equal(region(&k, 0, 17), rows[i].region);
    assert_int_equal(k.last.kind, PW_SPACE_MAPPED);
    assert_true(k.last.vma.number == vma.number && k.last.vma.first == 16 && k.last.vma.last == 19);
    pw_spaces_clear(&k.s);
  }
}

/* What is left of a mapping goes by where it began; the heap, told piece by piece, is one. */
static void parts_keep_their_name(void **state)
{
  struct space_kit k;
  struct pw_vma vma;
  (void)state;
  space_kit_init(&k, 0);
  space_map(&k, 0x100, 8, RW, NULL);
  space_unmap(&k, 0x102, 2);
  assert_string_equal(region(&k, 0, 0x101), "[mmap 0x100000]");
  assert_string_equal(region(&k, 0, 0x102), "");
  assert_string_equal(region(&k, 0, 0x107), "[mmap 0x100000]");
  space_map(&k, 0x200, 2, RW, "[heap]");
  space_map(&k, 0x202, 5, RW, "[heap]");
  assert_true(pw_spaces_at(&k.s, 0, 0x204, &vma) && vma.first == 0x200 && vma.last == 0x206);
  pw_spaces_clear(&k.s);
}

/* The file's offset is that of the part, in pages; a backing without a map before it, or after an unmap of it, is nobody's. */
static void a_backing_is_of_the_map_before(void **state)
{
  struct space_kit k;
  struct pw_vma vma;
  (void)state;
  space_kit_init(&k, 0);
  space_event(&k, PW_EVENT_BACKING, 0x3000, 77, 0, NULL);
  space_map(&k, 0x100, 8, R, "/etc/data");
  space_event(&k, PW_EVENT_BACKING, 0x3000, 77, 0, "build id");
  space_unmap(&k, 0x102, 2);
  assert_true(pw_spaces_at(&k.s, 0, 0x100, &vma) && vma.inode == 77 && vma.offset == 3);
  assert_true(pw_spaces_at(&k.s, 0, 0x105, &vma) && vma.first == 0x104 && vma.inode == 77 && vma.offset == 7);
  assert_string_equal(region(&k, 0, 0x105), "data r--");
  space_map(&k, 0x300, 1, R, "/etc/data");
  assert_true(pw_spaces_at(&k.s, 0, 0x300, &vma) && vma.inode == 0 && vma.offset == 0);
  space_unmap(&k, 0x300, 1);
  space_event(&k, PW_EVENT_BACKING, 0x9000, 78, 0, NULL);
  assert_false(pw_spaces_at(&k.s, 0, 0x300, &vma));
  pw_spaces_clear(&k.s);
}

/* ---- processes ---- */

static void a_child_has_what_its_parent_has(void **state)
{
  struct space_kit k;
  (void)state;
  space_kit_init(&k, PW_SPACES_SYMBOLS | PW_SPACES_COUNT);
  space_map(&k, 0x100, 4, RW, "[heap]");
  space_symbol(&k, 0x100010, 16, "thing");
  assert_int_equal(space_fork(&k, 1), 1);
  assert_int_equal(k.last.kind, PW_SPACE_FORKED);
  assert_true(k.last.process == 0 && k.last.to == 1);
  assert_int_equal(k.s.pages[PW_VMA_HEAP], 8);
  space_unmap(&k, 0x100, 1);
  space_map(&k, 0x200, 1, RW, NULL);
  assert_string_equal(region(&k, 1, 0x100), "[heap]");
  assert_string_equal(region(&k, 1, 0x200), "");
  assert_string_equal(symbol(&k, 1, 0x100010), "thing");
  assert_string_equal(symbol(&k, 0, 0x100010), "");
  space_run(&k, 1);
  space_map(&k, 0x300, 2, RW, NULL);
  assert_string_equal(region(&k, 0, 0x300), "");
  assert_int_equal(space_fork(&k, 0), 0); /* it lives: it is given nothing, and nothing of it goes */
  assert_string_equal(region(&k, 0, 0x200), "[mmap 0x200000]");
  assert_int_equal(space_event(&k, PW_EVENT_EXIT, 0, 0, 0, NULL), 1);
  assert_int_equal(k.last.kind, PW_SPACE_ENDED);
  assert_true(k.last.process == 1 && k.last.first == 0 && k.last.last == PW_PAGE_MASK);
  assert_int_equal(k.s.pages[PW_VMA_HEAP], 3);
  space_run(&k, 0);
  assert_int_equal(space_fork(&k, 1), 1); /* the same number, another process */
  assert_string_equal(region(&k, 1, 0x300), "");
  assert_string_equal(region(&k, 1, 0x103), "[heap]");
  assert_int_equal(space_event(&k, PW_EVENT_EXEC, 0, 0, 0, "x"), 1);
  assert_int_equal(k.last.kind, PW_SPACE_EMPTIED);
  assert_false(pw_spaces_mapped(&k.s, 0, 0, PW_PAGE_MASK));
  assert_int_equal(k.s.pages[PW_VMA_HEAP], 3);
  pw_spaces_clear(&k.s);
}

/* Mappings stay where they are; a move that cannot be is none. */
static void moves_are_told(void **state)
{
  struct space_kit k;
  (void)state;
  space_kit_init(&k, 0);
  space_map(&k, 0x100, 4, RW, NULL);
  space_map(&k, 0x200, 4, RW, NULL);
  assert_int_equal(space_event(&k, PW_EVENT_MOVE, 0x100000, 0x4000, 0x200000, NULL), 1);
  assert_int_equal(k.last.kind, PW_SPACE_MOVED);
  assert_true(k.last.first == 0x100 && k.last.last == 0x103 && k.last.to == 0x200);
  assert_string_equal(region(&k, 0, 0x103), "[mmap 0x100000]");
  assert_string_equal(region(&k, 0, 0x203), "[mmap 0x200000]");
  assert_int_equal(space_event(&k, PW_EVENT_MOVE, 0x100000, 0x4000, 0x103000, NULL), 0);
  assert_int_equal(space_event(&k, PW_EVENT_MOVE, 0x103000, 0x4000, 0x100000, NULL), 0);
  assert_int_equal(space_event(&k, PW_EVENT_MOVE, 0x100000, 0x4000, 0x104000, NULL), 1);
  /* into five pages, of which there are four */
  assert_int_equal(space_event(&k, PW_EVENT_MOVE, 0x100800, 0x4000, UINT64_MAX - 0x3fff, NULL), 0);
  pw_spaces_clear(&k.s);
}

static void ranges_are_told_in_pages(void **state)
{
  struct space_kit k;
  static const struct { uint32_t kind; enum pw_space_change_kind change; } kinds[] = {
      {PW_EVENT_MAP, PW_SPACE_MAPPED}, {PW_EVENT_UNMAP, PW_SPACE_UNMAPPED}, {PW_EVENT_PROTECT, PW_SPACE_PROTECTED},
      {PW_EVENT_DISCARD, PW_SPACE_DISCARDED}};
  (void)state;
  space_kit_init(&k, 0);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    assert_int_equal(space_event(&k, kinds[i].kind, 0x1fff, 2, RW, NULL), 1);
    assert_int_equal(k.last.kind, kinds[i].change);
    assert_true(k.last.first == 1 && k.last.last == 2);
    assert_int_equal(space_event(&k, kinds[i].kind, 0x1fff, 0, RW, NULL), 0); /* no bytes, no change */
  }
  for (uint32_t kind = PW_EVENT_KERNEL_READ; kind < PW_EVENT_ADVISE; kind++)
    assert_int_equal(space_event(&k, kind, 0x1000, 2, 1, NULL), 0);
  assert_int_equal(space_event(&k, PW_EVENT_ADVISE, 0x1fff, 2, PW_ADVICE_HUGEPAGE, NULL), 1);
  assert_true(k.last.kind == PW_SPACE_ADVISED && k.last.first == 1 && k.last.last == 2 && k.last.to == PW_ADVICE_HUGEPAGE);
  assert_int_equal(space_event(&k, PW_EVENT_ADVISE, 0, 0, PW_ADVICE_THP_OFF, NULL), 1);
  assert_true(k.last.first > k.last.last && k.last.to == PW_ADVICE_THP_OFF); /* the whole process */
  pw_spaces_clear(&k.s);
}

/* What lies below a stack is its own as far as the next mapping; it is not mapped. */
static void stacks_grow(void **state)
{
  struct space_kit k;
  (void)state;
  space_kit_init(&k, 0);
  space_map(&k, 0x100, 4, RW, NULL);
  space_map(&k, 0x200, 4, RW, "[stack]");
  assert_string_equal(region(&k, 0, 0x1ff), "[stack]");
  assert_string_equal(region(&k, 0, 0x104), "[stack]");
  assert_string_equal(region(&k, 0, 0x103), "[mmap 0x100000]");
  assert_string_equal(region(&k, 0, 0xff), "");
  assert_string_equal(region(&k, 0, 0x204), "");
  assert_false(pw_spaces_mapped(&k.s, 0, 0x104, 0x1ff));
  space_map(&k, 0x180, 1, RW, NULL);
  assert_string_equal(region(&k, 0, 0x17f), "");
  pw_spaces_clear(&k.s);
}

/* Nothing is unmapped, given to a child or gone with an exit; an exec takes all away once the new program maps. */
static void as_mapped_last(void **state)
{
  struct space_kit k;
  (void)state;
  space_kit_init(&k, PW_SPACES_KEEP);
  space_map(&k, 0x100, 4, RW, NULL);
  assert_int_equal(space_unmap(&k, 0x100, 2) + space_fork(&k, 1) + space_event(&k, PW_EVENT_EXIT, 0, 0, 0, NULL), 0);
  space_map(&k, 0x102, 1, R, "/etc/data");
  assert_string_equal(region(&k, 0, 0x100), "[mmap 0x100000]");
  assert_string_equal(region(&k, 0, 0x102), "data r--");
  assert_string_equal(region(&k, 1, 0x100), "");
  assert_int_equal(space_event(&k, PW_EVENT_EXEC, 0, 0, 0, "x"), 0);
  assert_string_equal(region(&k, 0, 0x100), "[mmap 0x100000]");
  assert_int_equal(space_map(&k, 0x300, 1, R, NULL), 2); /* emptied, and mapped */
  assert_string_equal(region(&k, 0, 0x100), "");
  assert_string_equal(region(&k, 0, 0x300), "[mmap 0x300000]");
  pw_spaces_clear(&k.s);
}

/* ---- symbols ---- */

static void the_innermost_symbol_has_an_address(void **state)
{
  struct space_kit k;
  (void)state;
  space_kit_init(&k, PW_SPACES_SYMBOLS);
  space_map(&k, 1, 4, RW, "/bin/prog");
  space_symbol(&k, 0x1100, 0x100, "inner");
  space_symbol(&k, 0x1000, 0x1000, "outer");
  space_symbol(&k, 0x1000, 0x80, "front");     /* begins where outer does, and is shorter */
  space_symbol(&k, 0x1100, 0x100, "again");    /* the one named first stays */
  space_symbol(&k, 0x1180, 0x200, "crossing"); /* begins within inner, ends behind it */
  assert_string_equal(symbol(&k, 0, 0x1000), "front");
  assert_string_equal(symbol(&k, 0, 0x107f), "front");
  assert_string_equal(symbol(&k, 0, 0x1080), "outer");
  assert_string_equal(symbol(&k, 0, 0x1100), "inner");
  assert_string_equal(symbol(&k, 0, 0x1180), "crossing");
  assert_string_equal(symbol(&k, 0, 0x137f), "crossing");
  assert_string_equal(symbol(&k, 0, 0x1380), "outer");
  assert_string_equal(symbol(&k, 0, 0x2000), "");
  assert_string_equal(symbol(&k, 0, 0xfff), "");
  assert_null(pw_spaces_symbol(&k.s, 0, 0x1000, PW_SYMBOL_FUNCTION));
  assert_string_equal(k.s.texts.texts[pw_spaces_symbol(&k.s, 0, 0x1000, PW_SYMBOL_DATA)->object], "/bin/prog");
  space_event(&k, PW_EVENT_UNMAP, 0x1100, 1, 0, NULL); /* those that begin at this byte, and pages as always */
  assert_string_equal(symbol(&k, 0, 0x1100), "outer");
  assert_string_equal(symbol(&k, 0, 0x1180), "crossing");
  space_symbol(&k, UINT64_MAX, 1, "last");
  assert_string_equal(symbol(&k, 0, UINT64_MAX), "last");
  space_event(&k, PW_EVENT_UNMAP, 0x1000, UINT64_MAX - 0xfff, 0, NULL);
  assert_string_equal(symbol(&k, 0, 0x1180), "");
  assert_string_equal(symbol(&k, 0, UINT64_MAX), "");
  pw_spaces_clear(&k.s);
}

/* Who has no use for symbols has none. */
static void symbols_only_when_asked_for(void **state)
{
  struct space_kit k;
  (void)state;
  space_kit_init(&k, 0);
  space_symbol(&k, 0x1000, 16, "thing");
  assert_string_equal(symbol(&k, 0, 0x1000), "");
  assert_int_equal(k.s.texts.n, PW_TEXTS);
  pw_spaces_clear(&k.s);
}

/* ---- what runs out ---- */

static int play(struct pw_spaces *s, struct pw_error *err)
{
  static const struct pw_event events[] = {
      {.kind = PW_EVENT_MAP, .a = 0x1000, .b = 0x4000, .c = RW, .text = "/bin/prog", .text_bytes = 9},
      {.kind = PW_EVENT_BACKING, .a = 0, .b = 5},
      {.kind = PW_EVENT_MAP, .a = 0x5000, .b = 0x4000, .c = RW},
      {.kind = PW_EVENT_SYMBOL, .a = 0x1000, .b = 64, .c = PW_SYMBOL_DATA, .text = "a", .text_bytes = 1},
      {.kind = PW_EVENT_SYMBOL, .a = 0x2000, .b = 64, .c = PW_SYMBOL_DATA, .text = "b", .text_bytes = 1},
      {.kind = PW_EVENT_FORK, .a = 101, .b = 1},
      {.kind = PW_EVENT_UNMAP, .a = 0x2000, .b = 0x5000},
      {.kind = PW_EVENT_SYMBOL, .a = 0x1020, .b = 8, .c = PW_SYMBOL_DATA, .text = "c", .text_bytes = 1},
      {.kind = PW_EVENT_EXIT}};
  int status = 0;
  for (size_t i = 0; !status && i < sizeof events / sizeof *events; i++) status = pw_spaces_event(s, &events[i], NULL, NULL, err);
  return status;
}

static void memory_that_runs_out_is_told(void **state)
{
  (void)state;
  for (unsigned long n = 1;; n++) {
    struct pw_error err = {0};
    struct pw_spaces s;
    assert_int_equal(pw_spaces_init(&s, PW_SPACES_SYMBOLS | PW_SPACES_COUNT), 0);
    pw_alloc_fail_after(n);
    int status = play(&s, &err);
    pw_alloc_fail_after(0);
    pw_spaces_clear(&s);
    if (!status) {
      assert_true(n > 10);
      return;
    }
    assert_int_equal(status, PW_ENOMEM);
    assert_non_null(strstr(err.text, "memory ran out for what the trace maps"));
  }
}

/* The layout of info, likewise; and whole, it is as ever. */
static void a_layout_that_runs_out_of_memory(void **state)
{
  static const struct pw_event events[] = {
      {.kind = PW_EVENT_MAP, .a = 0x1000, .b = 0x4000, .c = R | X, .text = "/bin/prog", .text_bytes = 9},
      {.kind = PW_EVENT_PROCESS, .a = 7, .b = 1},
      {.kind = PW_EVENT_MAP, .a = 0x5000, .b = 0x4000, .c = RW}};
  const struct pw_block block = {.n_events = 3, .events = events};
  (void)state;
  for (unsigned long n = 1;; n++) {
    struct pw_error err = {0};
    struct pw_layout *layout = NULL;
    struct pw_layout_area area;
    pw_alloc_fail_after(n);
    int status = pw_layout_create(&layout, &err);
    if (!status) status = pw_layout_take(layout, &block, &err);
    pw_alloc_fail_after(0);
    if (!status) {
      assert_true(n > 5);
      assert_true(pw_layout_next(layout, 0, 0, &area) && area.kind == PW_LAYOUT_PROGRAM);
      assert_true(area.first_page == 1 && area.last_page == 4);
      assert_true(pw_layout_next(layout, 1, 0, &area) && area.kind == PW_LAYOUT_STACK && area.rights == RW);
      assert_false(pw_layout_next(layout, 1, area.last_page + 1, &area));
    }
    pw_layout_destroy(layout);
    if (!status) return;
    assert_int_equal(status, PW_ENOMEM);
    assert_non_null(strstr(err.text, "memory ran out"));
  }
}

/* The sentence is not of memory. */
static void texts_have_a_cap(void **state)
{
  struct space_kit k;
  struct pw_error err = {0};
  (void)state;
  space_kit_init(&k, 0);
  k.s.texts.bytes = PW_MOST_TEXT_BYTES - 100;
  space_map(&k, 0x100, 4, RW, "/a"); /* still fits */
  char *name = kit_alloc(1, 200);
  memset(name, 'x', 199);
  struct pw_event e = {.kind = PW_EVENT_MAP, .a = 0x1000, .b = 0x1000, .text = name, .text_bytes = 199};
  assert_int_equal(pw_spaces_event(&k.s, &e, NULL, NULL, &err), PW_EUNSUPPORTED);
  assert_string_equal(err.text, "names of files and symbols in the trace take more than 256 MiB; "
                                "leave them out with --ignore events");
  free(name);
  pw_spaces_clear(&k.s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bss_is_what_a_loader_makes),
      cmocka_unit_test(behind_a_bss_is_no_second),
      cmocka_unit_test(kinds_and_names),
      cmocka_unit_test(parts_keep_their_name),
      cmocka_unit_test(a_backing_is_of_the_map_before),
      cmocka_unit_test(a_child_has_what_its_parent_has),
      cmocka_unit_test(moves_are_told),
      cmocka_unit_test(ranges_are_told_in_pages),
      cmocka_unit_test(stacks_grow),
      cmocka_unit_test(as_mapped_last),
      cmocka_unit_test(the_innermost_symbol_has_an_address),
      cmocka_unit_test(symbols_only_when_asked_for),
      cmocka_unit_test(memory_that_runs_out_is_told),
      cmocka_unit_test(texts_have_a_cap),
      cmocka_unit_test(a_layout_that_runs_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
