/* Small ELF files of any class and byte order, made field by field, for tests that break them.
 *
 *   segment  offset  address  in file  in memory  rights   sections
 *   0        0x0000  0x0000   0x1000   0x1000     r        headers, .note.gnu.build-id
 *   1        0x1000  0x1000   0x0800   0x0800     rx       .text
 *   2        0x1800  0x2800   0x0400   0x0400     r        .rodata
 *   3        0x1c00  0x3c00   0x0600   0x2a00     rw       .data at 0x3c00, .bss at 0x4200 … 0x6600
 *
 * so that page 0x1000 of the file is mapped three times, and the .bss begins inside the last page of
 * segment 3 and goes on in pages of its own. All addresses get `base` added. */
#ifndef ELFKIT_H
#define ELFKIT_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { KIT_SYMBOLS = 32, KIT_BYTES = 0x3000, KIT_STRINGS_AT = 0x2200, KIT_SYMTAB_AT = 0x2400, KIT_SECTIONS_AT = 0x2a00 };
enum { KIT_TEXT = 1, KIT_RODATA, KIT_DATA, KIT_BSS, KIT_NOTE, KIT_SYMTAB, KIT_STRTAB, KIT_SHSTRTAB, KIT_SECTIONS };

struct kit_symbol {
  const char *name;
  uint64_t address, bytes;
  int type, bind, section;
};

struct kit {
  bool wide, big, fixed;     /* 64 bits, big-endian, ET_EXEC */
  uint64_t base;
  uint16_t machine;
  const struct kit_symbol *symbols;
  size_t n_symbols;
  unsigned char bytes[KIT_BYTES];
};

static inline void kit_put(struct kit *k, size_t at, unsigned n_bytes, uint64_t value)
{
  for (unsigned i = 0; i < n_bytes; i++) k->bytes[at + (k->big ? n_bytes - 1 - i : i)] = (unsigned char)(value >> 8 * i);
}

/* Writes fields one after the other; a 0 width is a word of the class. */
static inline size_t kit_fields(struct kit *k, size_t at, const unsigned *widths, const uint64_t *values, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    unsigned width = widths[i] ? widths[i] : k->wide ? 8 : 4;
    kit_put(k, at, width, values[i]);
    at += width;
  }
  return at;
}

static inline void kit_section(struct kit *k, int index, uint64_t name, uint64_t type, uint64_t flags, uint64_t address,
                               uint64_t offset, uint64_t size, uint64_t link, uint64_t entry)
{
  size_t each = k->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
  kit_fields(k, KIT_SECTIONS_AT + (size_t)index * each, (const unsigned[]){4, 4, 0, 0, 0, 0, 4, 4, 0, 0},
             (const uint64_t[]){name, type, flags, address, offset, size, link, 0, 4, entry}, 10);
}

static inline size_t kit_segment(struct kit *k, size_t at, uint64_t flags, uint64_t offset, uint64_t address, uint64_t in_file,
                                 uint64_t in_memory)
{
  address += k->base;
  if (k->wide)
    return kit_fields(k, at, (const unsigned[]){4, 4, 8, 8, 8, 8, 8, 8},
                      (const uint64_t[]){PT_LOAD, flags, offset, address, address, in_file, in_memory, 0x1000}, 8);
  return kit_fields(k, at, (const unsigned[]){4, 4, 4, 4, 4, 4, 4, 4},
                    (const uint64_t[]){PT_LOAD, offset, address, address, in_file, in_memory, flags, 0x1000}, 8);
}

static inline void kit_header(struct kit *k)
{
  size_t head = k->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
  memcpy(k->bytes, ELFMAG, SELFMAG);
  k->bytes[EI_CLASS] = k->wide ? ELFCLASS64 : ELFCLASS32;
  k->bytes[EI_DATA] = k->big ? ELFDATA2MSB : ELFDATA2LSB;
  k->bytes[EI_VERSION] = EV_CURRENT;
  kit_fields(k, EI_NIDENT, (const unsigned[]){2, 2, 4, 0, 0, 0, 4, 2, 2, 2, 2, 2, 2},
             (const uint64_t[]){k->fixed ? ET_EXEC : ET_DYN, k->machine, EV_CURRENT, k->base + 0x1000, head, KIT_SECTIONS_AT, 0,
                                head, k->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), 4,
                                k->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), KIT_SECTIONS, KIT_SHSTRTAB},
             13);
  size_t at = kit_segment(k, head, PF_R, 0, 0, 0x1000, 0x1000);
  at = kit_segment(k, at, PF_R | PF_X, 0x1000, 0x1000, 0x800, 0x800);
  at = kit_segment(k, at, PF_R, 0x1800, 0x2800, 0x400, 0x400);
  kit_segment(k, at, PF_R | PF_W, 0x1c00, 0x3c00, 0x600, 0x2a00);
}

static inline void kit_build(struct kit *k)
{
  static const char names[] = "\0.text\0.rodata\0.data\0.bss\0.note.gnu.build-id\0.symtab\0.strtab\0.shstrtab";
  size_t strings = KIT_STRINGS_AT + 1, at = KIT_SYMTAB_AT, each = k->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
  memset(k->bytes, 0, sizeof k->bytes);
  kit_header(k);
  size_t note = kit_fields(k, 0x800, (const unsigned[]){4, 4, 4}, (const uint64_t[]){4, 8, NT_GNU_BUILD_ID}, 3);
  memcpy(k->bytes + note, "GNU\0\x01\x23\x45\x67\x89\xab\xcd\xef", 12);
  for (size_t i = 0; i < k->n_symbols; i++) {
    const struct kit_symbol *s = &k->symbols[i];
    uint64_t name = strings - KIT_STRINGS_AT, info = (uint64_t)ELF64_ST_INFO(s->bind, s->type), section = (uint64_t)s->section;
    memcpy(k->bytes + strings, s->name, strlen(s->name) + 1);
    strings += strlen(s->name) + 1;
    if (k->wide)
      kit_fields(k, at + each * (i + 1), (const unsigned[]){4, 1, 1, 2, 8, 8},
                 (const uint64_t[]){name, info, 0, section, k->base + s->address, s->bytes}, 6);
    else
      kit_fields(k, at + each * (i + 1), (const unsigned[]){4, 4, 4, 1, 1, 2},
                 (const uint64_t[]){name, k->base + s->address, s->bytes, info, 0, section}, 6);
  }
  memcpy(k->bytes + 0x2900, names, sizeof names);
  kit_section(k, KIT_TEXT, 1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, k->base + 0x1000, 0x1000, 0x800, 0, 0);
  kit_section(k, KIT_RODATA, 7, SHT_PROGBITS, SHF_ALLOC, k->base + 0x2800, 0x1800, 0x400, 0, 0);
  kit_section(k, KIT_DATA, 15, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, k->base + 0x3c00, 0x1c00, 0x600, 0, 0);
  kit_section(k, KIT_BSS, 21, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, k->base + 0x4200, 0x2200, 0x2400, 0, 0);
  kit_section(k, KIT_NOTE, 26, SHT_NOTE, SHF_ALLOC, k->base + 0x800, 0x800, note + 12 - 0x800, 0, 0);
  kit_section(k, KIT_SYMTAB, 45, SHT_SYMTAB, 0, 0, KIT_SYMTAB_AT, each * (k->n_symbols + 1), KIT_STRTAB, each);
  kit_section(k, KIT_STRTAB, 53, SHT_STRTAB, 0, 0, KIT_STRINGS_AT, strings - KIT_STRINGS_AT, 0, 0);
  kit_section(k, KIT_SHSTRTAB, 61, SHT_STRTAB, 0, 0, 0x2900, sizeof names, 0, 0);
}

#endif
