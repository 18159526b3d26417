/* What the program maps and how it ends: from its system calls, and from /proc/self/maps at its start.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU gives us the program's system calls with its own numbers; the table below knows those of some
 * machines, on others there are no events. A call is told when it has returned, in the place
 * where it began and ended; the program is at the same addresses as QEMU, plus a base.
 *
 * At the start QEMU's own maps and the program's stand in one list. A program's lie below 2^46, where
 * QEMU does not place itself, or, for 32 bits, in the 4 GiB from the base.
 *
 * DC ZVA, which clears a block of memory on arm64, is not shown to plugins. So the programs's question
 * whether it may use it (mrs of DCZID_EL0) is answered with no, in its code: it clears by stores. */
#include <elf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "plugin.h"

#define PAGE 4096ul
#define MOST_TEXT 4095u
#define WIDE_END (UINT64_C(1) << 46)

enum { CLONE_THREAD_FLAG = 0x10000, FLAG_ANONYMOUS = 0x20, FLAG_SHARED = 1, DONTNEED = 4, EXECUTE = 4 };

struct calls {
  const char *target;
  bool narrow;       /* 32-bit addresses */
  bool mmap_pages;   /* its offset is in units of 4096 */
  int16_t mmap, munmap, mprotect, mremap, brk, madvise, clone, fork, vfork, execve, execveat, exit, exit_group;
  int16_t read, write, pread, pwrite;
};

#define GENERIC .mmap = 222, .munmap = 215, .mprotect = 226, .mremap = 216, .brk = 214, .madvise = 233, .clone = 220, \
  .fork = -1, .vfork = -1, .execve = 221, .execveat = 281, .exit = 93, .exit_group = 94, .read = 63, .write = 64, .pread = 67, .pwrite = 68
static const struct calls known_calls[] = {
    {.target = "aarch64", GENERIC},
    {.target = "aarch64_be", GENERIC},
    {.target = "riscv64", GENERIC},
    {.target = "loongarch64", GENERIC},
    {.target = "riscv32", .narrow = true, .mmap_pages = true, GENERIC},
    {.target = "x86_64", .mmap = 9, .munmap = 11, .mprotect = 10, .mremap = 25, .brk = 12, .madvise = 28, .clone = 56, .fork = 57,
     .vfork = 58, .execve = 59, .execveat = 322, .exit = 60, .exit_group = 231, .read = 0, .write = 1, .pread = 17, .pwrite = 18},
    {.target = "arm", .narrow = true, .mmap_pages = true, .mmap = 192, .munmap = 91, .mprotect = 125, .mremap = 163, .brk = 45,
     .madvise = 220, .clone = 120, .fork = 2, .vfork = 190, .execve = 11, .execveat = 387, .exit = 1, .exit_group = 248,
     .read = 3, .write = 4, .pread = 180, .pwrite = 181},
    {.target = "i386", .narrow = true, .mmap_pages = true, .mmap = 192, .munmap = 91, .mprotect = 125, .mremap = 163, .brk = 45,
     .madvise = 219, .clone = 120, .fork = 2, .vfork = 190, .execve = 11, .execveat = 358, .exit = 1, .exit_group = 252,
     .read = 3, .write = 4, .pread = 180, .pwrite = 181},
};

static const struct calls *calls;  /* NULL: a machine that we do not know */
static bool narrow, is_arm64;
static uint64_t base;              /* from the program's addresses to QEMU's */
static uint64_t heap_end;
static bool status_known;
static uint64_t exit_status;
static __thread uint64_t arguments[6];

struct range { uint64_t start, end; };
static struct range *executable;   /* of the program, in its addresses; QEMU maps them without that right */
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

static uint64_t up(uint64_t address)
{
  return (address + PAGE - 1) & ~(PAGE - 1);
}

/* Reads the program's memory, which may not be there (behind the end of a mapped file). */
static bool read_program(uint64_t address, void *to, size_t bytes)
{
  struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)(base + address), bytes};
  return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)bytes;
}

/* The program is not to clear memory in a way that nobody sees: mrs Xn, dczid_el0 becomes mov Xn, 16. */
static void forbid_zva(uint64_t address, uint64_t bytes, bool writable)
{
  enum { WORDS = PAGE / 4, REGISTER = 31 };
  const uint32_t ask = 0xd53b00e0u, no = 0xd2800200u;
  uint32_t words[WORDS];
  for (uint64_t page = address; is_arm64 && page < address + bytes && read_program(page, words, PAGE); page += PAGE) {
    uint32_t *place = (uint32_t *)(uintptr_t)(base + page);
    for (size_t i = 0; i < WORDS; i++) {
      if ((words[i] & ~(uint32_t)REGISTER) != ask || mprotect(place, PAGE, PROT_READ | PROT_WRITE)) continue;
      place[i] = no | (words[i] & REGISTER);
      mprotect(place, PAGE, writable ? PROT_READ | PROT_WRITE : PROT_READ);
    }
  }
}

/* Zero-terminated, padded to words. */
static size_t text_words(uint64_t *to, const char *text)
{
  size_t n = strnlen(text, MOST_TEXT), words = n / 8 + 1;
  to[words - 1] = 0;
  memcpy(to, text, n);
  return words;
}

/* ---- maps at the start ---- */

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
  if (narrow) return line->start >= base && line->end - base <= UINT64_C(1) << 32;
  return line->start >= base && line->end <= WIDE_END && !meets(before, n_before, line->start, line->end);
}

/* What a file's program headers, in memory, call executable. */
static void note_segments(const struct line *line)
{
  Elf64_Ehdr wide;
  Elf32_Ehdr small;
  uint64_t at = line->start - base, bias = 0;
  bool first = true;
  if (!read_program(at, &wide, sizeof wide) || memcmp(wide.e_ident, ELFMAG, SELFMAG) != 0) return;
  if (wide.e_ident[EI_DATA] != ELFDATA2LSB || !read_program(at, &small, sizeof small)) return;
  bool is_wide = wide.e_ident[EI_CLASS] == ELFCLASS64;
  size_t n = is_wide ? wide.e_phnum : small.e_phnum;
  for (size_t i = 0; i < n; i++) {
    Elf64_Phdr segment;
    Elf32_Phdr narrow_segment;
    if (is_wide && !read_program(at + wide.e_phoff + i * sizeof segment, &segment, sizeof segment)) return;
    if (!is_wide && !read_program(at + small.e_phoff + i * sizeof narrow_segment, &narrow_segment, sizeof narrow_segment)) return;
    if (!is_wide)
      segment = (Elf64_Phdr){.p_type = narrow_segment.p_type, .p_flags = narrow_segment.p_flags, .p_vaddr = narrow_segment.p_vaddr,
                             .p_memsz = narrow_segment.p_memsz};
    if (segment.p_type != PT_LOAD) continue;
    if (first) bias = at - (segment.p_vaddr & -(uint64_t)PAGE);
    first = false;
    uint64_t start = bias + segment.p_vaddr;
    if (segment.p_flags & PF_X) add_range(&executable, &n_executable, start & -(uint64_t)PAGE, up(start + segment.p_memsz));
  }
}

/* An anonymous area behind a page without rights is the stack. */
static void tell_line(const struct line *line, const struct line *last)
{
  uint64_t words[5 + MOST_TEXT / 8 + 1] = {0, 0, 0, 0, line->inode};
  bool guarded = last->end == line->start && memcmp(last->rights, "---", 3) == 0 && !line->name[0] && !last->name[0];
  bool writable = line->rights[1] == 'w';
  size_t n = 5 + text_words(words + 5, guarded && writable ? "[stack]" : line->name);
  for (uint64_t end = line->start - base, last_end = line->end - base; end < last_end;) { /* cut where the right to execute changes */
    words[0] = end;
    bool runs = meets(executable, n_executable, end, end + PAGE);
    do end += PAGE;
    while (end < last_end && meets(executable, n_executable, end, end + PAGE) == runs);
    words[1] = end - words[0];
    words[2] = (line->rights[0] == 'r') | (uint64_t)writable << 1 | (runs ? EXECUTE : 0u);
    words[3] = line->name[0] ? line->offset + (words[0] + base - line->start) : 0;
    if (runs && line->rights[3] == 'p') forbid_zva(words[0], words[1], writable);
    channel_record(PW_RING_MAP, words, n);
  }
}

static void tell_maps(void)
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

static void in_child(void)
{
  threads_restart(tell_maps);
}

void events_prepare(const char *target)
{
  for (size_t i = 0; i < sizeof known_calls / sizeof *known_calls; i++)
    if (strcmp(known_calls[i].target, target) == 0) calls = &known_calls[i];
  narrow = calls && calls->narrow;
  is_arm64 = strncmp(target, "aarch64", 7) == 0;
  FILE *maps = fopen("/proc/self/maps", "re");
  struct line line;
  while (maps && read_line(maps, &line)) add_range(&before, &n_before, line.start, line.end);
  if (maps) fclose(maps);
}

void events_start(uint64_t address, const void *place_of_it)
{
  if (place_of_it) base = (uintptr_t)place_of_it - address;
  threads_start(tell_maps);
  pthread_atfork(threads_hold, threads_release, in_child);
}

/* ---- system calls ---- */

static void tell(uint32_t kind, uint64_t a, uint64_t b, uint64_t c, size_t n)
{
  uint64_t words[] = {a, b, c};
  thread_event(kind, words, n);
}

static void tell_map(uint64_t address, const uint64_t *a)
{
  uint64_t words[5 + MOST_TEXT / 8 + 1] = {address, up(a[1]), a[2] & 7, 0, 0};
  int fd = (int)a[4];
  char link[64], name[MOST_TEXT + 1] = "";
  struct stat st;
  bool of_file = !(a[3] & FLAG_ANONYMOUS) && fstat(fd, &st) == 0;
  if (of_file) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, MOST_TEXT);
    name[n < 0 ? 0 : n] = '\0';
    words[3] = calls->mmap_pages ? a[5] * PAGE : a[5];
    words[4] = st.st_ino;
  }
  if (a[2] & EXECUTE) {
    add_range(&executable, &n_executable, address, address + words[1]);
    if (of_file && !(a[3] & FLAG_SHARED) && a[2] & 1) forbid_zva(address, words[1], a[2] & 2);
  }
  thread_event(PW_RING_MAP, words, 5 + text_words(words + 5, name));
}

static void tell_anonymous(uint64_t address, uint64_t bytes)
{
  uint64_t words[] = {address, bytes, 3, 0, 0, 0};
  if (bytes) thread_event(PW_RING_MAP, words, 6);
}

static void tell_remap(uint64_t to, const uint64_t *a)
{
  uint64_t from = a[0], old = up(a[1]), now = up(a[2]), both = old < now ? old : now;
  if (to != from) tell(PW_RING_REMAP, from, to, both, 3);
  if (now > old) tell_anonymous(to + old, now - old);
  if (to != from) tell(PW_RING_UNMAP, from, old, 0, 2);
  else if (now < old) tell(PW_RING_UNMAP, from + now, old - now, 0, 2);
}

static void tell_heap(uint64_t end)
{
  uint64_t from = up(heap_end), to = up(end);
  if (heap_end && to > from) tell(PW_RING_BRK, from, to - from, 0, 2);
  if (heap_end && to < from) tell(PW_RING_BRK_LESS, to, from - to, 0, 2);
  heap_end = end;
}

static void tell_exec(uint64_t name)
{
  char text[MOST_TEXT + 1] = "";
  uint64_t words[MOST_TEXT / 8 + 1];
  for (size_t i = 0; i < MOST_TEXT && read_program(name + i, &text[i], 1) && text[i]; i++) continue;
  thread_event(PW_RING_EXEC, words, text_words(words, text));
}

void events_before(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                   uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
  (void)id, (void)vcpu, (void)a7, (void)a8;
  uint64_t now[] = {a1, a2, a3, a4, a5, a6};
  for (size_t i = 0; i < 6; i++) arguments[i] = narrow ? (uint32_t)now[i] : now[i];
  if (!calls) return;
  if (number == calls->execve) tell_exec(arguments[0]);
  else if (number == calls->execveat) tell_exec(arguments[1]);
  else if (number == calls->exit_group || number == calls->exit) {
    exit_status = arguments[0] & 0xff;
    status_known = true;
  }
}

void events_after(qemu_plugin_id_t id, unsigned vcpu, int64_t number, int64_t got)
{
  (void)id, (void)vcpu;
  const uint64_t *a = arguments;
  if (!calls || (got < 0 && got > -4096)) return;
  uint64_t result = narrow ? (uint32_t)got : (uint64_t)got;
  if (number == calls->mmap) tell_map(result, a);
  else if (number == calls->munmap) tell(PW_RING_UNMAP, a[0], up(a[1]), 0, 2);
  else if (number == calls->mprotect) tell(PW_RING_PROTECT, a[0], up(a[1]), a[2] & 7, 3);
  else if (number == calls->mremap) tell_remap(result, a);
  else if (number == calls->brk) tell_heap(result);
  else if (number == calls->madvise && a[2] == DONTNEED) tell(PW_RING_DISCARD, a[0], up(a[1]), 0, 2);
  else if ((number == calls->read || number == calls->pread) && result) tell(PW_RING_WRITE, a[1], result, 0, 2);
  else if ((number == calls->write || number == calls->pwrite) && result) tell(PW_RING_READ, a[1], result, 0, 2);
  else if (((number == calls->clone && !(a[0] & CLONE_THREAD_FLAG)) || number == calls->fork || number == calls->vfork) && result)
    tell(PW_RING_FORK, result, 0, 0, 1);
}

void events_end(void)
{
  threads_end(status_known, exit_status);
}
