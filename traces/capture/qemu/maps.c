/* What the program finds mapped when it starts, and when it is the child of a fork.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU's own maps and the program's stand in one list, /proc/self/maps; the program is at the same
 * addresses as there, plus a base. A program's lie below 2^46, where QEMU does not place itself, or,
 * for 32 bits, in the 4 GiB from the base. QEMU maps code without the right to execute it: that is
 * taken from the headers of the files, and from the program's own calls.
 *
 * DC ZVA, which clears a block of memory on arm64, is not shown to plugins. So the program's question
 * whether it may use it (mrs of DCZID_EL0) is answered with no, in its code: it clears by stores. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "plugin.h"

#define WIDE_END (UINT64_C(1) << 46)
#define LEAST_STACK (UINT64_C(8) << 20)

struct program program;

struct range { uint64_t start, end; };
static struct range *executable;   /* in the program's addresses */
static size_t n_executable;
static struct range *before;       /* mapped before QEMU loaded the program */
static size_t n_before;

static void add_range(struct range **list, size_t *n, uint64_t start, uint64_t end)
{
  struct range *longer = realloc(*list, (*n + 1) * sizeof **list);
  if (!longer) return;
  longer[(*n)++] = (struct range){start, end};
  *list = longer;
}

static bool meets(const struct range *list, size_t n, uint64_t start, uint64_t end)
{
  for (size_t i = 0; i < n; i++)
    if (start < list[i].end && list[i].start < end) return true;
  return false;
}

void maps_executable(uint64_t start, uint64_t end)
{
  add_range(&executable, &n_executable, start, end);
}

bool maps_read(uint64_t address, void *to, size_t bytes)
{
  struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)(program.base + address), bytes};
  return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)bytes;
}

/* mrs Xn, dczid_el0 becomes mov Xn, 16. */
void maps_forbid_zva(uint64_t address, uint64_t bytes, bool writable)
{
  enum { WORDS = PAGE / 4, REGISTER = 31 };
  const uint32_t ask = 0xd53b00e0u, no = 0xd2800200u;
  uint32_t words[WORDS];
  for (uint64_t page = address; program.is_arm64 && page < address + bytes && maps_read(page, words, PAGE); page += PAGE) {
    uint32_t *place = (uint32_t *)(uintptr_t)(program.base + page);
    for (size_t i = 0; i < WORDS; i++) {
      if ((words[i] & ~(uint32_t)REGISTER) != ask || mprotect(place, PAGE, PROT_READ | PROT_WRITE)) continue;
      place[i] = no | (words[i] & REGISTER);
      mprotect(place, PAGE, writable ? PROT_READ | PROT_WRITE : PROT_READ);
    }
  }
}

size_t maps_text(uint64_t *to, const char *text)
{
  size_t n = strnlen(text, MOST_TEXT), words = n / 8 + 1;
  to[words - 1] = 0;
  memcpy(to, text, n);
  return words;
}

struct line {
  unsigned long long start, end, offset, inode;
  char rights[5];
  char name[MOST_TEXT + 1];
};

static bool read_line(FILE *maps, struct line *line)
{
  char text[MOST_TEXT + 128], device[32];
  int name = 0;
  if (!fgets(text, sizeof text, maps)) return false;
  if (sscanf(text, "%llx-%llx %4s %llx %31s %llu %n", &line->start, &line->end, line->rights, &line->offset, device, &line->inode, &name) < 6)
    return false;
  text[strcspn(text, "\n")] = '\0';
  snprintf(line->name, sizeof line->name, "%s", text[name] == '/' ? text + name : "");
  return true;
}

static bool is_programs(const struct line *line)
{
  if (memcmp(line->rights, "---", 3) == 0) return false;
  if (program.narrow) return line->start >= program.base && line->end - program.base <= UINT64_C(1) << 32;
  return line->start >= program.base && line->end <= WIDE_END && !meets(before, n_before, line->start, line->end);
}

/* What a file's program headers, in memory, call executable. */
static void note_segments(const struct line *line)
{
  Elf64_Ehdr wide;
  Elf32_Ehdr small;
  uint64_t at = line->start - program.base, bias = 0;
  bool first = true;
  if (!maps_read(at, &wide, sizeof wide) || memcmp(wide.e_ident, ELFMAG, SELFMAG) != 0) return;
  if (wide.e_ident[EI_DATA] != ELFDATA2LSB || !maps_read(at, &small, sizeof small)) return;
  bool is_wide = wide.e_ident[EI_CLASS] == ELFCLASS64;
  size_t n = is_wide ? wide.e_phnum : small.e_phnum;
  for (size_t i = 0; i < n; i++) {
    Elf64_Phdr segment;
    Elf32_Phdr narrow_segment;
    if (is_wide && !maps_read(at + wide.e_phoff + i * sizeof segment, &segment, sizeof segment)) return;
    if (!is_wide && !maps_read(at + small.e_phoff + i * sizeof narrow_segment, &narrow_segment, sizeof narrow_segment)) return;
    if (!is_wide)
      segment = (Elf64_Phdr){.p_type = narrow_segment.p_type, .p_flags = narrow_segment.p_flags, .p_vaddr = narrow_segment.p_vaddr,
                             .p_memsz = narrow_segment.p_memsz};
    if (segment.p_type != PT_LOAD) continue;
    if (first) bias = at - (segment.p_vaddr & -(uint64_t)PAGE);
    first = false;
    uint64_t start = bias + segment.p_vaddr;
    if (segment.p_flags & PF_X) add_range(&executable, &n_executable, start & -(uint64_t)PAGE, maps_up(start + segment.p_memsz));
  }
}

static bool in_heap(uint64_t address)
{
  return address >= program.heap_start && address < program.heap_end;
}

/* QEMU's stacks have 8 MiB, or more, behind a page without rights. */
static bool is_stack(const struct line *line, const struct line *last)
{
  bool guarded = last->end == line->start && memcmp(last->rights, "---", 3) == 0 && !last->name[0];
  return guarded && !line->name[0] && line->rights[1] == 'w' && line->end - line->start >= LEAST_STACK;
}

/* One map, cut where the right to execute changes and where the heap begins and ends. */
static void tell_line(const struct line *line, const struct line *last)
{
  uint64_t words[5 + MOST_TEXT / 8 + 1] = {0, 0, 0, 0, line->inode};
  bool writable = line->rights[1] == 'w', shared = line->rights[3] == 's', stack = is_stack(line, last);
  size_t n = 5 + maps_text(words + 5, line->name);
  for (uint64_t at = line->start - program.base, end = line->end - program.base; at < end;) {
    words[0] = at;
    bool runs = meets(executable, n_executable, at, at + PAGE), heap = in_heap(at);
    do at += PAGE;
    while (at < end && meets(executable, n_executable, at, at + PAGE) == runs && in_heap(at) == heap);
    words[1] = at - words[0];
    words[2] = (line->rights[0] == 'r') | (uint64_t)writable << 1 | (runs ? PROT_EXEC : 0u) | (shared ? MAP_BIT_SHARED : 0u);
    words[3] = line->name[0] ? line->offset + (words[0] + program.base - line->start) : 0;
    if (runs && !shared) maps_forbid_zva(words[0], words[1], writable);
    channel_record(heap ? PW_RING_HEAP : stack ? PW_RING_STACK : PW_RING_MAP, words, heap || stack ? 3 : n);
  }
}

void maps_tell_all(void)
{
  FILE *maps = fopen("/proc/self/maps", "re");
  struct line line, last = {0};
  char noted[sizeof line.name] = "";
  if (!maps) return;
  for (; read_line(maps, &line); last = line) {
    if (!is_programs(&line)) continue;
    if (line.offset == 0 && line.name[0] && strcmp(line.name, noted) != 0) { /* a small file is mapped from 0 twice */
      note_segments(&line);
      memcpy(noted, line.name, sizeof noted);
    }
    tell_line(&line, &last);
  }
  fclose(maps);
}

void maps_prepare(void)
{
  FILE *maps = fopen("/proc/self/maps", "re");
  struct line line;
  while (maps && read_line(maps, &line)) add_range(&before, &n_before, line.start, line.end);
  if (maps) fclose(maps);
}
