/* ELF files field by field: segments, build ids, which symbols count, where they end, which name stands; and broken files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "elf/object.h"
#include "elfkit.h"

static int fd;
static char path[64];

/* In memory, as some cases write thousands of files. */
static int make_file(void **state)
{
  (void)state;
  fd = memfd_create("elf", 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return fd < 0;
}

static int remove_file(void **state)
{
  (void)state;
  return close(fd);
}

static void write_at(uint64_t at, const void *bytes, size_t n)
{
  assert_int_equal(pwrite(fd, bytes, n, (off_t)at), n);
}

static void write_file(const void *bytes, size_t n)
{
  assert_int_equal(ftruncate(fd, 0), 0);
  write_at(0, bytes, n);
}

static struct pw_object *read_kit(struct kit *k)
{
  struct pw_object *object;
  struct pw_error err;
  kit_build(k);
  write_file(k->bytes, sizeof k->bytes);
  if (pw_object_read(&object, path, "/nonexistent", &err)) fail_msg("%s", err.text);
  return object;
}

static void check_symbol(const struct pw_object *o, size_t i, uint64_t address, uint64_t bytes, uint32_t kind, const char *name)
{
  assert_true(i < o->n_symbols);
  const struct pw_symbol *s = &o->symbols[i];
  if (s->name_bytes != strlen(name) || memcmp(s->name, name, s->name_bytes) != 0)
    fail_msg("symbol %zu is %.*s, not %s", i, (int)s->name_bytes, s->name, name);
  assert_int_equal(s->address, address);
  assert_int_equal(s->bytes, bytes);
  assert_int_equal(s->kind, kind);
}

static const struct kit_symbol some[] = {
    {"work", 0x1010, 0x40, STT_FUNC, STB_GLOBAL, KIT_TEXT},
    {"chosen", 0x1080, 0x10, STT_GNU_IFUNC, STB_GLOBAL, KIT_TEXT},
    {"constant", 0x2800, 0x80, STT_OBJECT, STB_LOCAL, KIT_RODATA},
    {"warm", 0x3c00, 0x100, STT_OBJECT, STB_GLOBAL, KIT_DATA},
    {"hot", 0x4200, 0x2000, STT_COMMON, STB_GLOBAL, KIT_BSS},
};

static void every_class_and_byte_order_is_read(void **state)
{
  (void)state;
  static const struct { bool wide, big, fixed; uint16_t machine; uint64_t base; } kinds[] = {
      {true, false, false, EM_X86_64, 0}, {false, false, true, EM_386, 0x8048000}, {true, true, false, EM_S390, 0},
      {false, true, true, EM_PPC, 0x10000000}, {true, false, true, EM_AARCH64, 0x400000}, {true, false, false, 65000, 0}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    uint64_t base = kinds[i].base;
    struct kit k = {.wide = kinds[i].wide, .big = kinds[i].big, .fixed = kinds[i].fixed, .machine = kinds[i].machine,
                    .base = base, .symbols = some, .n_symbols = 5};
    struct pw_object *o = read_kit(&k);
    assert_int_equal(o->bits, k.wide ? 64 : 32);
    assert_int_equal(o->machine, k.machine);
    assert_int_equal(o->movable, !k.fixed);
    char hex[2 * PW_OBJECT_MOST_BUILD_ID + 1];
    pw_object_build_id_hex(o, hex);
    assert_string_equal(hex, "0123456789abcdef");
    assert_int_equal(o->n_segments, 4);
    const struct pw_segment *s = &o->segments[3];
    assert_int_equal(s->offset_bytes, 0x1c00);
    assert_int_equal(s->address, base + 0x3c00);
    assert_int_equal(s->file_bytes, 0x600);
    assert_int_equal(s->memory_bytes, 0x2a00);
    assert_int_equal(s->protection, PW_MAP_READ | PW_MAP_WRITE);
    assert_int_equal(o->segments[1].protection, PW_MAP_READ | PW_MAP_EXECUTE);
    assert_int_equal(o->n_symbols, 5);
    check_symbol(o, 0, base + 0x1010, 0x40, PW_SYMBOL_FUNCTION, "work");
    check_symbol(o, 1, base + 0x1080, 0x10, PW_SYMBOL_FUNCTION, "chosen");
    check_symbol(o, 2, base + 0x2800, 0x80, PW_SYMBOL_DATA, "constant");
    check_symbol(o, 3, base + 0x3c00, 0x100, PW_SYMBOL_DATA, "warm");
    check_symbol(o, 4, base + 0x4200, 0x2000, PW_SYMBOL_DATA, "hot");
    assert_int_equal(pw_object_symbol_from(o, 0), 0);
    assert_int_equal(pw_object_symbol_from(o, base + 0x1011), 1);
    assert_int_equal(pw_object_symbol_from(o, base + 0x4200), 4);
    assert_int_equal(pw_object_symbol_from(o, base + 0x4201), 5);
    pw_object_destroy(o);
  }
}

static void what_is_no_symbol_is_left_out(void **state)
{
  (void)state;
  static const struct kit_symbol symbols[] = {
      {"undefined", 0x1000, 8, STT_FUNC, STB_GLOBAL, SHN_UNDEF},
      {"absolute", 0x1000, 8, STT_OBJECT, STB_GLOBAL, SHN_ABS},
      {"common", 0x1000, 8, STT_OBJECT, STB_GLOBAL, SHN_COMMON},
      {"label", 0x1000, 8, STT_NOTYPE, STB_GLOBAL, KIT_TEXT},
      {"source.c", 0x1000, 8, STT_FILE, STB_LOCAL, SHN_ABS},
      {"section", 0x1000, 8, STT_SECTION, STB_LOCAL, KIT_TEXT},
      {"thread_local", 0x3c00, 8, STT_TLS, STB_GLOBAL, KIT_DATA},
      {"", 0x1000, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT},
      {"in_no_section", 0x1000, 8, STT_FUNC, STB_GLOBAL, 77},
      {"in_no_segment", 0x9000, 8, STT_OBJECT, STB_GLOBAL, KIT_BSS},
      {"not_loaded", 0x2900, 8, STT_OBJECT, STB_GLOBAL, KIT_STRTAB},
      {"at_the_end", 0x4200, 0, STT_OBJECT, STB_LOCAL, KIT_DATA},
      {"kept", 0x1100, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT},
  };
  struct kit k = {.wide = true, .machine = EM_X86_64, .symbols = symbols, .n_symbols = sizeof symbols / sizeof *symbols};
  struct pw_object *o = read_kit(&k);
  assert_int_equal(o->n_symbols, 1);
  check_symbol(o, 0, 0x1100, 8, PW_SYMBOL_FUNCTION, "kept");
  pw_object_destroy(o);
}

static void one_name_stands_at_an_address(void **state)
{
  (void)state;
  static const struct kit_symbol symbols[] = {
      {"local_is_shorter", 0x1000, 8, STT_FUNC, STB_LOCAL, KIT_TEXT}, {"__global", 0x1000, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT},
      {"weak", 0x1000, 8, STT_FUNC, STB_WEAK, KIT_TEXT},
      {"__two", 0x1100, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT}, {"_z_one", 0x1100, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT},
      {"beta", 0x1200, 8, STT_FUNC, STB_LOCAL, KIT_TEXT}, {"alpha", 0x1200, 8, STT_FUNC, STB_WEAK, KIT_TEXT},
      {"alphabet", 0x1200, 8, STT_FUNC, STB_LOCAL, KIT_TEXT},
      {"sized_local", 0x1300, 8, STT_FUNC, STB_LOCAL, KIT_TEXT}, {"a_label", 0x1300, 0, STT_FUNC, STB_GLOBAL, KIT_TEXT},
      {"twice@@V_1", 0x1400, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT}, {"twice", 0x1400, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT},
      {"old@V_0", 0x1500, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT}, {"@", 0x1600, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT},
  };
  static const char *const names[] = {"__global", "_z_one", "alpha", "sized_local", "twice", "old", "@"};
  enum { N = sizeof symbols / sizeof *symbols };
  struct kit_symbol turned[N];
  for (size_t turn = 0; turn < N; turn++) {
    for (size_t i = 0; i < N; i++) turned[i] = symbols[turn % 2 ? N - 1 - (i + turn) % N : (i + turn) % N];
    struct kit k = {.wide = true, .machine = EM_X86_64, .symbols = turned, .n_symbols = N};
    struct pw_object *o = read_kit(&k);
    assert_int_equal(o->n_symbols, 7);
    for (size_t i = 0; i < 7; i++) check_symbol(o, i, 0x1000 + 0x100 * i, 8, PW_SYMBOL_FUNCTION, names[i]);
    pw_object_destroy(o);
  }
}

static void sizes_are_completed_and_cut(void **state)
{
  (void)state;
  static const struct kit_symbol symbols[] = {
      {"to_the_next", 0x1000, 0, STT_FUNC, STB_GLOBAL, KIT_TEXT},
      {"to_the_end_of_text", 0x1700, 0, STT_FUNC, STB_GLOBAL, KIT_TEXT},
      {"to_the_end_of_data", 0x4100, 0, STT_OBJECT, STB_GLOBAL, KIT_DATA}, /* the next one lies in .bss */
      {"in_bss", 0x4300, 4, STT_OBJECT, STB_GLOBAL, KIT_BSS},
      {"past_memory", 0x6500, UINT64_MAX, STT_OBJECT, STB_GLOBAL, KIT_BSS},
  };
  struct kit k = {.wide = true, .machine = EM_X86_64, .symbols = symbols, .n_symbols = 5};
  struct pw_object *o = read_kit(&k);
  assert_int_equal(o->n_symbols, 5);
  check_symbol(o, 0, 0x1000, 0x700, PW_SYMBOL_FUNCTION, "to_the_next");
  check_symbol(o, 1, 0x1700, 0x100, PW_SYMBOL_FUNCTION, "to_the_end_of_text");
  check_symbol(o, 2, 0x4100, 0x100, PW_SYMBOL_DATA, "to_the_end_of_data");
  check_symbol(o, 3, 0x4300, 4, PW_SYMBOL_DATA, "in_bss");
  check_symbol(o, 4, 0x6500, 0x100, PW_SYMBOL_DATA, "past_memory");
  pw_object_destroy(o);
}

/* Sections do not always tell the truth; and thread-local ones are images of memory that lies elsewhere. */
static void odd_sections_are_seen_through(void **state)
{
  (void)state;
  static const struct kit_symbol symbols[] = {{"image", 0x2800, 8, STT_OBJECT, STB_GLOBAL, KIT_RODATA},
                                              {"without_size", 0x6500, 0, STT_OBJECT, STB_GLOBAL, KIT_BSS}};
  struct kit k = {.wide = true, .machine = EM_X86_64, .symbols = symbols, .n_symbols = 2};
  struct pw_object *o;
  kit_build(&k);
  kit_put(&k, KIT_SECTIONS_AT + KIT_RODATA * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_flags), 8, SHF_ALLOC | SHF_TLS);
  kit_put(&k, KIT_SECTIONS_AT + KIT_BSS * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size), 8, 0x100000);
  write_file(k.bytes, sizeof k.bytes);
  assert_int_equal(pw_object_read(&o, path, NULL, NULL), 0);
  assert_int_equal(o->n_symbols, 1);
  check_symbol(o, 0, 0x6500, 0x100, PW_SYMBOL_DATA, "without_size");
  pw_object_destroy(o);
}

static void a_build_id_needs_no_sections(void **state)
{
  (void)state;
  static const struct { unsigned align, id_bytes; } cases[] = {{4, 8}, {8, 8}, {4, 0}, {4, 65}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct kit k = {.wide = true, .machine = EM_X86_64};
    struct pw_object *o;
    kit_build(&k);
    kit_put(&k, offsetof(Elf64_Ehdr, e_shoff), 8, 0);
    kit_put(&k, offsetof(Elf64_Ehdr, e_shnum), 2, 0);
    kit_put(&k, 0x804, 4, cases[i].id_bytes);
    kit_fields(&k, sizeof(Elf64_Ehdr), (const unsigned[]){4, 4, 8, 8, 8, 8, 8, 8},
               (const uint64_t[]){PT_NOTE, PF_R, 0x800, 0x800, 0x800, 0x80, 0x80, cases[i].align}, 8);
    write_file(k.bytes, sizeof k.bytes);
    assert_int_equal(pw_object_read(&o, path, NULL, NULL), 0);
    assert_int_equal(o->n_segments, 3);
    assert_int_equal(o->build_id_bytes, cases[i].id_bytes == 8 ? 8 : 0);
    pw_object_destroy(o);
  }
}

static void thumb_functions_start_at_even_addresses(void **state)
{
  (void)state;
  static const struct kit_symbol symbols[] = {{"thumb", 0x1001, 8, STT_FUNC, STB_GLOBAL, KIT_TEXT},
                                              {"odd_byte", 0x3c01, 1, STT_OBJECT, STB_GLOBAL, KIT_DATA}};
  struct kit k = {.fixed = true, .base = 0x10000, .machine = EM_ARM, .symbols = symbols, .n_symbols = 2};
  struct pw_object *o = read_kit(&k);
  check_symbol(o, 0, 0x11000, 8, PW_SYMBOL_FUNCTION, "thumb");
  check_symbol(o, 1, 0x13c01, 1, PW_SYMBOL_DATA, "odd_byte");
  pw_object_destroy(o);
}

static uint32_t checksum(const unsigned char *bytes, size_t n)
{
  uint32_t sum = UINT32_MAX;
  for (size_t i = 0; i < 8 * n; i++) {
    sum ^= bytes[i / 8] >> i % 8 & 1;
    sum = sum >> 1 ^ (sum & 1 ? UINT32_C(0xedb88320) : 0);
  }
  return ~sum;
}

static void write_beside(const char *folder, const char *name, const struct kit *k)
{
  char file[96];
  snprintf(file, sizeof file, "%s/%s", folder, name);
  FILE *out = fopen(file, "w");
  assert_non_null(out);
  assert_int_equal(fwrite(k->bytes, 1, sizeof k->bytes, out), sizeof k->bytes);
  assert_int_equal(fclose(out), 0);
}

/* Both byte orders; names that lead out of the folder, or have no end, lead nowhere. */
static void debug_links_are_followed(void **state)
{
  (void)state;
  static const struct { const char *link; size_t section_bytes; bool found; } cases[] = {
      {"x.debug", 12, true}, {"x.debug", 11, false}, {"x.debug", 7, false}, {"./x.debug", 16, false}, {"", 8, false}, {"y.debug", 12, false}};
  char folder[] = "/tmp/pw-elf-XXXXXX", file[96];
  assert_non_null(mkdtemp(folder));
  for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
    struct kit k = {.wide = true, .big = i % 2, .machine = EM_PPC64, .symbols = some, .n_symbols = 5};
    const char *link = cases[i / 2].link;
    struct pw_object *o;
    kit_build(&k);
    write_beside(folder, "x.debug", &k);
    uint32_t sum = checksum(k.bytes, sizeof k.bytes);
    kit_section(&k, KIT_NOTE, 0, SHT_PROGBITS, 0, 0, 0, 0, 0, 0);
    kit_section(&k, KIT_SYMTAB, 70, SHT_PROGBITS, 0, 0, 0x1800, cases[i / 2].section_bytes, 0, 0);
    memcpy(k.bytes + 0x2900 + 70, ".gnu_debuglink", 15);
    kit_put(&k, KIT_SECTIONS_AT + KIT_SHSTRTAB * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size), 8, 90);
    memcpy(k.bytes + 0x1800, link, strlen(link) + 1);
    kit_put(&k, 0x1800 + (strlen(link) + 4) / 4 * 4, 4, sum);
    write_beside(folder, "x", &k);
    snprintf(file, sizeof file, "%s/x", folder);
    assert_int_equal(pw_object_read(&o, file, "/nonexistent", NULL), 0);
    assert_int_equal(o->n_symbols, cases[i / 2].found ? 5 : 0);
    pw_object_destroy(o);
  }
  unlink(file);
  snprintf(file, sizeof file, "%s/x.debug", folder);
  unlink(file);
  assert_int_equal(rmdir(folder), 0);
}

/* ---- what cannot be read ---- */

static void refused(const char *file, int wanted, const char *said)
{
  struct pw_object *object = (struct pw_object *)path;
  struct pw_error err = {0};
  int status = pw_object_read(&object, file, "/nonexistent", &err);
  if (status != wanted || !strstr(err.text, said)) fail_msg("%s: %d, %s instead of %d, %s", file, status, err.text, wanted, said);
  assert_null(object);
  assert_memory_equal(err.text, file, strlen(file));
}

static void what_is_no_elf_file_is_told_apart(void **state)
{
  (void)state;
  char fifo[64];
  refused("/nonexistent", PW_EIO, strerror(ENOENT));
  refused("/", PW_EFORMAT, "not an ELF file");
  refused("/dev/zero", PW_EFORMAT, "not an ELF file");
  snprintf(fifo, sizeof fifo, "/tmp/pw-elf-%ld", (long)getpid());
  assert_int_equal(mkfifo(fifo, 0600), 0);
  refused(fifo, PW_EFORMAT, "not an ELF file");
  unlink(fifo);
  write_file("", 0);
  refused(path, PW_EFORMAT, "is not an ELF file");
  write_file("#!/bin/sh\n", 10);
  refused(path, PW_EFORMAT, "is not an ELF file");
  write_file("\177ELF", 4);
  refused(path, PW_EFORMAT, "ends inside the ELF header");
}

/* Builds a 64-bit file, changes one field and expects the sentence. */
static void broken(size_t at, unsigned width, uint64_t value, int wanted, const char *said)
{
  struct kit k = {.wide = true, .machine = EM_X86_64, .symbols = some, .n_symbols = 5};
  kit_build(&k);
  kit_put(&k, at, width, value);
  write_file(k.bytes, sizeof k.bytes);
  refused(path, wanted, said);
}

static void damage_is_named(void **state)
{
  (void)state;
  const size_t segment3 = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
  const size_t symtab = KIT_SECTIONS_AT + KIT_SYMTAB * sizeof(Elf64_Shdr), strtab = symtab + sizeof(Elf64_Shdr);
  broken(offsetof(Elf64_Ehdr, e_type), 2, ET_REL, PW_EUNSUPPORTED, "neither a program nor a shared object");
  broken(offsetof(Elf64_Ehdr, e_type), 2, ET_CORE, PW_EUNSUPPORTED, "neither a program nor a shared object");
  broken(EI_CLASS, 1, 7, PW_EFORMAT, "ELF header is damaged");
  broken(EI_DATA, 1, 7, PW_EFORMAT, "ELF header is damaged");
  broken(offsetof(Elf64_Ehdr, e_shoff), 8, UINT64_C(1) << 40, PW_EFORMAT, "section table lies beyond its end");
  broken(offsetof(Elf64_Ehdr, e_shnum), 2, 0, PW_EUNSUPPORTED, "section table of no linked ELF file");
  broken(offsetof(Elf64_Ehdr, e_phnum), 2, 129, PW_EUNSUPPORTED, "more than 128 program headers");
  broken(segment3 + offsetof(Elf64_Phdr, p_filesz), 8, 0x2000, PW_EFORMAT, "segment 3 reaches past the end of the file");
  broken(segment3 + offsetof(Elf64_Phdr, p_offset), 8, UINT64_MAX, PW_EFORMAT, "segment 3 reaches past the end of the file");
  broken(segment3 + offsetof(Elf64_Phdr, p_memsz), 8, 0x5ff, PW_EFORMAT, "segment 3 is larger in the file than in memory");
  broken(segment3 + offsetof(Elf64_Phdr, p_memsz), 8, UINT64_MAX, PW_EFORMAT, "segment 3 reaches past the last address");
  broken(symtab + offsetof(Elf64_Shdr, sh_offset), 8, UINT64_MAX - 8, PW_EFORMAT, "symbol table cannot be read");
  broken(symtab + offsetof(Elf64_Shdr, sh_size), 8, 24 * (PW_OBJECT_MOST_SYMBOLS + 1), PW_EUNSUPPORTED, "4194305 symbols");
  broken(symtab + offsetof(Elf64_Shdr, sh_link), 4, 999, PW_EFORMAT, "names of its symbols cannot be read");
  broken(strtab + offsetof(Elf64_Shdr, sh_size), 8, 0x3000, PW_EFORMAT, "names of its symbols cannot be read");
  broken(strtab + offsetof(Elf64_Shdr, sh_size), 8, PW_OBJECT_MOST_STRING_BYTES + 1, PW_EUNSUPPORTED, "268435457 bytes of names");
  broken(strtab + offsetof(Elf64_Shdr, sh_flags), 8, SHF_COMPRESSED, PW_EFORMAT, "names of its symbols cannot be read");
}

/* What any bytes must hold to; the sanitizers see the rest. */
static void read_anything(void)
{
  struct pw_object *o = NULL;
  struct pw_error err = {0};
  int status = pw_object_read(&o, path, "/nonexistent", &err);
  if (status) {
    assert_true(status < 0 && !o && err.text[0]);
    return;
  }
  for (size_t i = 0; i < o->n_symbols; i++) {
    const struct pw_symbol *s = &o->symbols[i];
    assert_true(i == 0 || o->symbols[i - 1].address < s->address);
    assert_true(s->bytes > 0 && s->name_bytes > 0 && s->address + s->bytes > s->address && !memchr(s->name, 0, s->name_bytes));
  }
  pw_object_destroy(o);
}

static void any_cut_and_any_changed_byte_are_survived(void **state)
{
  (void)state;
  for (int wide = 0; wide < 2; wide++) {
    struct kit k = {.wide = wide, .big = !wide, .machine = EM_X86_64, .symbols = some, .n_symbols = 5};
    kit_build(&k);
    for (size_t n = 0; n < sizeof k.bytes; n += n < 0x200 || n >= KIT_STRINGS_AT ? 7 : 256) {
      write_file(k.bytes, n);
      read_anything();
    }
    for (size_t at = 0; at < sizeof k.bytes; at += at == 0x180 ? 0x680 : at == 0x840 ? KIT_STRINGS_AT - 0x840 : 1) {
      static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
      unsigned char was = k.bytes[at];
      for (size_t v = at % 2; v < sizeof values; v += 2) {
        k.bytes[at] = values[v];
        write_file(k.bytes, sizeof k.bytes);
        read_anything();
      }
      k.bytes[at] = was;
    }
  }
}

static void names_without_an_end_are_cut(void **state)
{
  (void)state;
  struct kit k = {.wide = true, .machine = EM_X86_64, .symbols = some, .n_symbols = 5};
  kit_build(&k);
  memset(k.bytes + KIT_STRINGS_AT, 'x', 64);
  kit_put(&k, KIT_SECTIONS_AT + KIT_STRTAB * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size), 8, 64);
  write_file(k.bytes, sizeof k.bytes);
  struct pw_object *o;
  assert_int_equal(pw_object_read(&o, path, NULL, NULL), 0);
  assert_int_equal(o->n_symbols, 5);
  assert_int_equal(o->symbols[0].name_bytes, 63);
  pw_object_destroy(o);
}

/* A million names of 4095 underscores for one address, in a file whose tables lie in holes of a terabyte. */
static void work_follows_the_size_of_the_tables(void **state)
{
  (void)state;
  struct kit k = {.wide = true, .machine = EM_X86_64, .symbols = some, .n_symbols = 5};
  const uint64_t n = 1 << 20, tables[] = {UINT64_C(1) << 39, UINT64_C(1) << 40}, bytes[] = {n * sizeof(Elf64_Sym), n};
  kit_build(&k);
  for (size_t i = 0; i < 2; i++) {
    size_t section = KIT_SECTIONS_AT + (KIT_SYMTAB + i) * sizeof(Elf64_Shdr);
    kit_put(&k, section + offsetof(Elf64_Shdr, sh_offset), 8, tables[i]);
    kit_put(&k, section + offsetof(Elf64_Shdr, sh_size), 8, bytes[i]);
  }
  write_file(k.bytes, sizeof k.bytes);
  assert_int_equal(ftruncate(fd, (off_t)1 << 41), 0);
  for (uint64_t i = 0; i < n; i += 4096) {
    Elf64_Sym some_symbols[4096];
    char underscores[4096];
    for (uint32_t j = 0; j < 4096; j++)
      some_symbols[j] = (Elf64_Sym){(uint32_t)(i + j) / 2, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, KIT_TEXT, 0x1000, 0};
    write_at(tables[0] + i * sizeof(Elf64_Sym), some_symbols, sizeof some_symbols);
    memset(underscores, '_', sizeof underscores);
    write_at(tables[1] + i, underscores, sizeof underscores);
  }
  struct pw_object *o;
  assert_int_equal(pw_object_read(&o, path, NULL, NULL), 0);
  assert_int_equal(o->n_symbols, 1);
  assert_int_equal(o->symbols[0].name_bytes, PW_OBJECT_MOST_NAME);
  assert_int_equal(o->symbols[0].bytes, 0x800);
  pw_object_destroy(o);
}

static void every_allocation_may_fail(void **state)
{
  (void)state;
  struct kit k = {.wide = true, .machine = EM_X86_64, .symbols = some, .n_symbols = 5};
  kit_build(&k);
  write_file(k.bytes, sizeof k.bytes);
  unsigned long n = 1;
  for (int status = PW_ENOMEM; status; n++) {
    struct pw_object *o;
    struct pw_error err;
    pw_alloc_fail_after(n);
    status = pw_object_read(&o, path, "/nonexistent", &err);
    pw_alloc_fail_after(0);
    assert_true(status == 0 || (status == PW_ENOMEM && !o && strstr(err.text, "memory ran out")));
    pw_object_destroy(o);
  }
  assert_true(n > 5);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_class_and_byte_order_is_read),
      cmocka_unit_test(what_is_no_symbol_is_left_out),
      cmocka_unit_test(one_name_stands_at_an_address),
      cmocka_unit_test(sizes_are_completed_and_cut),
      cmocka_unit_test(odd_sections_are_seen_through),
      cmocka_unit_test(a_build_id_needs_no_sections),
      cmocka_unit_test(thumb_functions_start_at_even_addresses),
      cmocka_unit_test(debug_links_are_followed),
      cmocka_unit_test(what_is_no_elf_file_is_told_apart),
      cmocka_unit_test(damage_is_named),
      cmocka_unit_test(any_cut_and_any_changed_byte_are_survived),
      cmocka_unit_test(names_without_an_end_are_cut),
      cmocka_unit_test(work_follows_the_size_of_the_tables),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
