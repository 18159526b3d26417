/* Names of what gets mapped: loads as ld.so, the kernel and a fork do them, and this very process as it lies in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "elfkit.h"
#include "record/namer.h"

enum { R = PW_MAP_READ, RW = PW_MAP_READ | PW_MAP_WRITE, RX = PW_MAP_READ | PW_MAP_EXECUTE };
#define AT UINT64_C(0x7f1234560000)
#define INODE 77

static const struct kit_symbol symbols[] = {
    {"header", 0x804, 4, STT_OBJECT, STB_LOCAL, KIT_NOTE},      {"work", 0x1010, 0x40, STT_FUNC, STB_GLOBAL, KIT_TEXT},
    {"last_work", 0x17f0, 0x10, STT_FUNC, STB_LOCAL, KIT_TEXT}, {"constant", 0x2800, 0x80, STT_OBJECT, STB_LOCAL, KIT_RODATA},
    {"warm", 0x3c00, 0x100, STT_OBJECT, STB_GLOBAL, KIT_DATA},  {"late_data", 0x4010, 0x10, STT_OBJECT, STB_GLOBAL, KIT_DATA},
    {"hot", 0x4200, 0x2000, STT_OBJECT, STB_GLOBAL, KIT_BSS},   {"far", 0x6400, 0x200, STT_OBJECT, STB_GLOBAL, KIT_BSS},
};
enum { N = sizeof symbols / sizeof *symbols };

static char path[] = "/tmp/pw-namer-XXXXXX";

/* What a reader of the trace knows: the symbols that hold. */
struct reader {
  struct pw_objects *objects;
  struct pw_namer *namer;
  uint64_t address[64];
  char name[64][16];
  size_t n, told;
  int fail;
};

static int hear(void *context, const struct pw_symbol *s, struct pw_error *err)
{
  struct reader *r = context;
  if (r->fail) return pw_error_set(err, PW_EIO, "the sink is full");
  assert_true(r->n < 64 && s->name_bytes < 16);
  r->address[r->n] = s->address;
  memcpy(r->name[r->n], s->name, s->name_bytes);
  r->name[r->n++][s->name_bytes] = 0;
  r->told++;
  return 0;
}

static void start(struct reader *r)
{
  *r = (struct reader){0};
  assert_int_equal(pw_objects_create(&r->objects, "/nonexistent", NULL), 0);
  assert_int_equal(pw_namer_create(&r->namer, r->objects, &(struct pw_namer_sink){hear, r}, NULL), 0);
}

static void stop(struct reader *r)
{
  pw_namer_destroy(r->namer);
  pw_objects_destroy(r->objects);
}

static void unmap(struct reader *r, uint64_t address, uint64_t bytes)
{
  size_t kept = 0;
  pw_namer_unmap(r->namer, address, bytes);
  for (size_t i = 0; i < r->n; i++) {
    if (r->address[i] >= address && r->address[i] - address < bytes) continue;
    r->address[kept] = r->address[i];
    memmove(r->name[kept++], r->name[i], sizeof r->name[i]);
  }
  r->n = kept;
}

/* One mapping over whatever lies there. */
static void map(struct reader *r, uint64_t address, uint64_t bytes, uint64_t offset, uint32_t protection, const char *file)
{
  struct pw_mapping m = {address, bytes, offset, file ? INODE : 0, protection, file, file ? strlen(file) : 0};
  unmap(r, address, bytes);
  assert_int_equal(pw_namer_map(r->namer, &m, NULL), 0);
}

static void write_bytes(const void *bytes, size_t n)
{
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  assert_int_equal(fwrite(bytes, 1, n, out), n);
  fclose(out);
}

static void write_kit(bool fixed, uint64_t base)
{
  static struct kit k;
  k = (struct kit){.wide = true, .fixed = fixed, .base = base, .machine = EM_X86_64, .symbols = symbols, .n_symbols = N};
  kit_build(&k);
  write_bytes(k.bytes, sizeof k.bytes);
}

/* Exactly the symbols first … last hold, each at bias + its address. */
static void check(const struct reader *r, size_t first, size_t last, uint64_t bias)
{
  assert_int_equal(r->n, last - first + 1);
  for (size_t i = first; i <= last; i++) {
    size_t k = 0;
    while (k < r->n && strcmp(r->name[k], symbols[i].name) != 0) k++;
    if (k == r->n) fail_msg("%s has no name", symbols[i].name);
    assert_int_equal(r->address[k], bias + symbols[i].address);
  }
}

static void ld_so(struct reader *r, uint64_t at)
{
  map(r, at, 0x7000, 0, R, path);
  map(r, at + 0x1000, 0x1000, 0x1000, RX, path);
  map(r, at + 0x2000, 0x1000, 0x1000, R, path);
  map(r, at + 0x3000, 0x2000, 0x1000, RW, path);
  map(r, at + 0x5000, 0x2000, 0, RW, NULL);
}

static void a_library_is_named_once(void **state)
{
  (void)state;
  struct reader r;
  write_kit(false, 0);
  start(&r);
  ld_so(&r, AT);
  check(&r, 0, N - 1, AT);
  assert_int_equal(r.told, N);
  char hex[2 * PW_OBJECT_MOST_BUILD_ID + 1];
  pw_namer_build_id(r.namer, &(struct pw_mapping){.path = path, .path_bytes = strlen(path), .inode = INODE}, hex);
  assert_string_equal(hex, "0123456789abcdef");
  /* dlclose, and again elsewhere, below the address that the file wishes for */
  unmap(&r, AT, 0x7000);
  assert_int_equal(r.n, 0);
  map(&r, AT + 0x5000, 0x2000, 0, RW, NULL); /* the memory of the .bss used for something else */
  assert_int_equal(r.n, 0);
  map(&r, AT + 0x3000, 0x2000, 0x1000, RW, path); /* a load that is given up before its .bss */
  unmap(&r, AT, 0x7000);
  map(&r, AT + 0x5000, 0x2000, 0, RW, NULL);
  assert_int_equal(r.n, 0);
  r.told = N;
  ld_so(&r, AT + 0x100000);
  check(&r, 0, N - 1, AT + 0x100000);
  assert_int_equal(r.told, 2 * N);
  stop(&r);
}

static void a_fixed_program_lies_where_it_wants_to(void **state)
{
  (void)state;
  struct reader r;
  write_kit(true, 0x400000);
  start(&r);
  /* as the kernel maps it, and then brk behind it */
  map(&r, 0x400000, 0x1000, 0, R, path);
  map(&r, 0x401000, 0x1000, 0x1000, RX, path);
  map(&r, 0x402000, 0x1000, 0x1000, R, path);
  map(&r, 0x403000, 0x2000, 0x1000, RW, path);
  map(&r, 0x405000, 0x2000, 0, RW, NULL);
  map(&r, 0x407000, 0x21000, 0, RW, "[heap]");
  check(&r, 0, N - 1, 0x400000);
  map(&r, AT, 0x7000, 0, R, path); /* read as a file, somewhere else */
  assert_int_equal(r.told, N);
  stop(&r);
}

/* After start-up the pages that ld.so protects are a mapping of their own, and a fork tells both. */
static void a_running_program_is_named_too(void **state)
{
  (void)state;
  struct reader r;
  write_kit(false, 0);
  start(&r);
  map(&r, AT, 0x1000, 0, R, path);
  map(&r, AT + 0x1000, 0x1000, 0x1000, RX, path);
  map(&r, AT + 0x2000, 0x1000, 0x1000, R, path);
  map(&r, AT + 0x3000, 0x1000, 0x1000, R, path); /* could be .rodata again */
  map(&r, AT + 0x4000, 0x1000, 0x2000, RW, path);
  map(&r, AT + 0x5000, 0x1000, 0, RW, NULL);
  map(&r, AT + 0x6000, 0x1000, 0, RW, NULL);
  check(&r, 0, N - 1, AT);
  assert_int_equal(r.told, N);
  stop(&r);
}

/* A segment that follows in the file and in memory, and has the same rights by now, may be told with the one before. */
static void segments_may_come_in_one_mapping(void **state)
{
  (void)state;
  static const struct kit_symbol two[] = {{"work", 0x1010, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT}, {"warm", 0x2000, 8, STT_OBJECT, STB_GLOBAL, KIT_TEXT}};
  static struct kit k;
  k = (struct kit){.wide = true, .machine = EM_X86_64, .symbols = two, .n_symbols = 2};
  kit_build(&k);
  size_t at = kit_segment(&k, sizeof(Elf64_Ehdr), PF_R, 0, 0, 0x1000, 0x1000);
  at = kit_segment(&k, at, PF_R, 0x1000, 0x1000, 0x800, 0x800);
  at = kit_segment(&k, at, PF_R | PF_W, 0x2000, 0x2000, 0x800, 0x900);
  size_t last = at;
  kit_segment(&k, at, PF_R | PF_W, 0x2000, 0x8000, 0x800, 0x800); /* follows in the file only */
  write_bytes(k.bytes, sizeof k.bytes);
  struct reader r;
  start(&r);
  map(&r, AT, 0x3000, 0, R, path);
  assert_int_equal(r.n, 2);
  assert_int_equal(r.address[1], AT + 0x2000);
  map(&r, AT, 0x2fff, 0, RX, path); /* nobody's rights */
  assert_int_equal(r.n, 0);
  kit_segment(&k, last, PF_R | PF_X, 0x1ff8, 0x3000, 0x10, 0x800); /* in two pages of the file and one of memory */
  write_bytes(k.bytes, sizeof k.bytes);
  stop(&r);
  start(&r);
  map(&r, AT, 0x4000, 0x2000, RX, path);
  assert_int_equal(r.n, 0);
  stop(&r);
}

/* Of segments that share a page of the file: one that has the rights, one that begins there. */
static void the_better_of_two_segments_is_taken(void **state)
{
  (void)state;
  static struct kit k;
  k = (struct kit){.wide = true, .machine = EM_X86_64, .symbols = symbols, .n_symbols = N};
  kit_build(&k);
  size_t at = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
  at = kit_segment(&k, at, PF_R | PF_W, 0x1c00, 0x3c00, 0x600, 0x2a00);
  kit_segment(&k, at, PF_R, 0x1800, 0x2800, 0x400, 0x400);
  write_bytes(k.bytes, sizeof k.bytes);
  struct reader r;
  start(&r);
  map(&r, AT + 0x2000, 0x1000, 0x1000, R, path);
  check(&r, 3, 3, AT);
  stop(&r);
  kit_build(&k);
  kit_segment(&k, sizeof(Elf64_Ehdr), PF_R, 0, 0, 0x1800, 0x1800);
  write_bytes(k.bytes, sizeof k.bytes);
  start(&r);
  map(&r, AT + 0x2000, 0x1000, 0x1000, R, path);
  check(&r, 3, 3, AT);
  stop(&r);
}

static void other_mappings_have_no_names(void **state)
{
  (void)state;
  struct reader r;
  write_kit(false, 0);
  start(&r);
  map(&r, AT, 0x1000, 0, RX, "[vdso]");
  map(&r, AT, 0x1000, 0, R, "/nonexistent/lib.so");
  map(&r, AT, 0x1000, 0, R, "/memfd:code (deleted)");
  map(&r, AT, 0x1000, 0, R, "/dev/zero");
  map(&r, AT, 0x1000, 0, R, "/");
  map(&r, AT, 0x1000, 0, R, "relative");
  map(&r, AT, 0x1000, 0x2000, RX, path);           /* no segment is executable there */
  map(&r, AT, 0x1000, 0x100000, R, path);          /* past the file */
  map(&r, AT, 0x1000, UINT64_MAX - 0xfff, R, path);
  map(&r, AT, UINT64_MAX - AT, 0x3000, R, path);
  struct pw_mapping nul = {AT, 0x1000, 0, INODE, R, "/bin\0sh", 7};
  assert_int_equal(pw_namer_map(r.namer, &nul, NULL), 0);
  assert_int_equal(r.told, 0);
  stop(&r);
}

static void parts_of_segments_are_named(void **state)
{
  (void)state;
  struct reader r;
  write_kit(false, 0);
  start(&r);
  map(&r, AT + 0x4000, 0x1000, 0x2000, RW, path); /* the second page of .data only */
  check(&r, 5, 6, AT);
  map(&r, AT + 0x5000, 0x1000, 0, RW, NULL);      /* half of the .bss, then the rest */
  assert_int_equal(r.told, 2);
  map(&r, AT + 0x6000, 0x10000, 0, RW, NULL);
  check(&r, 5, 7, AT);
  stop(&r);
}

static void addresses_at_both_ends_do_no_harm(void **state)
{
  (void)state;
  struct reader r;
  write_kit(false, 0);
  start(&r);
  ld_so(&r, 0);
  check(&r, 0, N - 1, 0);
  unmap(&r, 0, UINT64_MAX);
  assert_int_equal(r.n, 0);
  ld_so(&r, UINT64_MAX - 0x6fff);
  check(&r, 0, N - 1, UINT64_MAX - 0x6fff);
  unmap(&r, 0, UINT64_MAX);
  ld_so(&r, UINT64_MAX - 0x4fff); /* wraps around; `hot`, which does, is left out */
  assert_int_equal(r.n, N - 1);
  for (size_t i = 0; i < r.n; i++) assert_string_not_equal(r.name[i], "hot");
  stop(&r);
}

static void a_sink_that_fails_is_heard(void **state)
{
  (void)state;
  struct reader r;
  struct pw_error err;
  struct pw_mapping m = {AT, 0x1000, 0x1000, INODE, RX, path, strlen(path)};
  write_kit(false, 0);
  start(&r);
  r.fail = 1;
  assert_int_equal(pw_namer_map(r.namer, &m, &err), PW_EIO);
  assert_string_equal(err.text, "the sink is full");
  stop(&r);
}

static void a_path_may_get_another_file(void **state)
{
  (void)state;
  struct reader r;
  char missing[64];
  snprintf(missing, sizeof missing, "%s.so", path);
  write_kit(false, 0);
  start(&r);
  for (int i = 0; i < 1000; i++) { /* other files that are no objects do not push it out */
    char other[64];
    snprintf(other, sizeof other, "/nonexistent/%d", i);
    assert_null(pw_objects_get(r.objects, other, strlen(other), 1));
  }
  const struct pw_object *one = pw_objects_get(r.objects, path, strlen(path), 1);
  assert_non_null(one);
  assert_ptr_equal(pw_objects_get(r.objects, path, strlen(path), 1), one);
  assert_null(pw_objects_get(r.objects, missing, strlen(missing), 1));
  assert_int_equal(rename(path, missing), 0);
  assert_ptr_equal(pw_objects_get(r.objects, path, strlen(path), 1), one); /* read once */
  assert_null(pw_objects_get(r.objects, path, strlen(path), 2));
  assert_null(pw_objects_get(r.objects, missing, strlen(missing), 1));     /* remembered */
  assert_non_null(pw_objects_get(r.objects, missing, strlen(missing), 3));
  assert_int_equal(rename(missing, path), 0);
  stop(&r);
}

static void memory_that_runs_out_costs_names_only(void **state)
{
  (void)state;
  write_kit(false, 0);
  struct pw_error err;
  for (unsigned long n = 1; n < 30; n++) {
    struct reader r = {0};
    pw_alloc_fail_after(n);
    int status = pw_objects_create(&r.objects, NULL, &err);
    if (!status) status = pw_namer_create(&r.namer, r.objects, &(struct pw_namer_sink){hear, &r}, &err);
    assert_true(status == 0 || status == PW_ENOMEM);
    if (!status) ld_so(&r, AT);
    pw_alloc_fail_after(0);
    if (!status) assert_true(r.n <= N && (n < 20 || r.n == N));
    stop(&r);
  }
}

/* ---- this process ---- */

static char own_bss[3 << 12];
static uint64_t own_data[1024] = {1, 2, 3};
static const uint32_t own_constant[700] = {5};
static const void *const own_relocated[] = {own_bss, own_data, path}; /* ld.so protects it after relocation */

struct own {
  const char *name;
  const void *where;
  uint64_t bytes;
  unsigned seen;
};

static int hear_own(void *context, const struct pw_symbol *s, struct pw_error *err)
{
  (void)err;
  for (struct own *o = context; o->name; o++) {
    if (s->name_bytes != strlen(o->name) || memcmp(s->name, o->name, s->name_bytes) != 0 || (uintptr_t)o->where != s->address) continue;
    assert_true(o->bytes == 0 || o->bytes == s->bytes);
    o->seen++;
  }
  return 0;
}

static void this_process_is_named(void **state)
{
  (void)state;
  struct own own[] = {{"own_bss", own_bss, sizeof own_bss, 0},
                      {"own_data", own_data, sizeof own_data, 0},
                      {"own_constant", own_constant, sizeof own_constant, 0},
                      {"own_relocated", own_relocated, sizeof own_relocated, 0},
                      {"main", NULL, 0, 0},
                      {"path", path, sizeof path, 0},
                      {"stdout", &stdout, sizeof stdout, 0},
                      {NULL, NULL, 0, 0}};
  extern int main(void);
  own[4].where = (const void *)(uintptr_t)main;
  own_bss[own_data[1]] = (char)own_constant[0];
  struct pw_objects *objects;
  struct pw_namer *namer;
  assert_int_equal(pw_objects_create(&objects, NULL, NULL), 0);
  assert_int_equal(pw_namer_create(&namer, objects, &(struct pw_namer_sink){hear_own, own}, NULL), 0);
  FILE *maps = fopen("/proc/self/maps", "r");
  assert_non_null(maps);
  char line[4400], rights[5], file[4100];
  while (fgets(line, sizeof line, maps)) {
    unsigned long from, to, offset, inode;
    file[0] = 0;
    assert_true(sscanf(line, "%lx-%lx %4s %lx %*s %lu %4095[^\n]", &from, &to, rights, &offset, &inode, file) >= 5);
    uint32_t protection = (rights[0] == 'r' ? R : 0u) | (rights[1] == 'w' ? PW_MAP_WRITE : 0u) | (rights[2] == 'x' ? PW_MAP_EXECUTE : 0u);
    struct pw_mapping m = {from, to - from, offset, inode, protection, file, strlen(file)};
    assert_int_equal(pw_namer_map(namer, &m, NULL), 0);
  }
  fclose(maps);
  for (struct own *o = own; o->name; o++)
    if (o->seen != 1) fail_msg("%s was named %u times", o->name, o->seen);
  pw_namer_destroy(namer);
  pw_objects_destroy(objects);
}

static int make_file(void **state)
{
  (void)state;
  int fd = mkstemp(path);
  return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
  (void)state;
  return unlink(path);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_library_is_named_once),
      cmocka_unit_test(a_fixed_program_lies_where_it_wants_to),
      cmocka_unit_test(a_running_program_is_named_too),
      cmocka_unit_test(segments_may_come_in_one_mapping),
      cmocka_unit_test(the_better_of_two_segments_is_taken),
      cmocka_unit_test(other_mappings_have_no_names),
      cmocka_unit_test(parts_of_segments_are_named),
      cmocka_unit_test(addresses_at_both_ends_do_no_harm),
      cmocka_unit_test(a_sink_that_fails_is_heard),
      cmocka_unit_test(a_path_may_get_another_file),
      cmocka_unit_test(memory_that_runs_out_costs_names_only),
      cmocka_unit_test(this_process_is_named),
  };
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
