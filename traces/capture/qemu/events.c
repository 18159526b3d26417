/* What the program maps, executes and ends with: from its system calls.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU gives us the program's system calls with its own numbers; the table below knows those of some
 * machines, on others there are no events. What a call did is told when it has returned, and only
 * if it succeeded; lengths are whole pages. Flags are the same on all machines of the table. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin.h"

struct calls {
  const char *target;
  bool narrow;       /* 32-bit addresses */
  bool mmap_pages;   /* its offset is in units of 4096 */
  int16_t mmap, munmap, mprotect, mremap, brk, madvise, execve, execveat, exit, exit_group;
  int16_t read, write, pread, pwrite;
};

#define GENERIC .mmap = 222, .munmap = 215, .mprotect = 226, .mremap = 216, .brk = 214, .madvise = 233, \
  .execve = 221, .execveat = 281, .exit = 93, .exit_group = 94, .read = 63, .write = 64, .pread = 67, .pwrite = 68
static const struct calls known_calls[] = {
    {.target = "aarch64", GENERIC},
    {.target = "aarch64_be", GENERIC},
    {.target = "riscv64", GENERIC},
    {.target = "loongarch64", GENERIC},
    {.target = "riscv32", .narrow = true, .mmap_pages = true, GENERIC},
    {.target = "x86_64", .mmap = 9, .munmap = 11, .mprotect = 10, .mremap = 25, .brk = 12, .madvise = 28,
     .execve = 59, .execveat = 322, .exit = 60, .exit_group = 231, .read = 0, .write = 1, .pread = 17, .pwrite = 18},
    {.target = "arm", .narrow = true, .mmap_pages = true, .mmap = 192, .munmap = 91, .mprotect = 125, .mremap = 163, .brk = 45,
     .madvise = 220, .execve = 11, .execveat = 387, .exit = 1, .exit_group = 248,
     .read = 3, .write = 4, .pread = 180, .pwrite = 181},
    {.target = "i386", .narrow = true, .mmap_pages = true, .mmap = 192, .munmap = 91, .mprotect = 125, .mremap = 163, .brk = 45,
     .madvise = 219, .execve = 11, .execveat = 358, .exit = 1, .exit_group = 252,
     .read = 3, .write = 4, .pread = 180, .pwrite = 181},
};

static const struct calls *calls;  /* NULL: a machine that we do not know */
static bool status_known;
static uint64_t exit_status;
static __thread uint64_t arguments[6];

static void tell(uint32_t kind, uint64_t a, uint64_t b, uint64_t c, size_t n)
{
  uint64_t words[] = {a, b, c};
  if (b) thread_event(kind, words, n);
}

static void unmap(uint64_t address, uint64_t bytes)
{
  tell(PW_RING_UNMAP, address, bytes, 0, 2);
}

static void map_anonymous(uint64_t address, uint64_t bytes, uint64_t bits)
{
  uint64_t words[] = {address, bytes, bits, 0, 0, 0};
  if (bytes) thread_event(PW_RING_MAP, words, 6);
}

/* The file of a descriptor, as long as it is open. */
static size_t describe(uint64_t *words, int fd, uint64_t offset)
{
  char link[64], name[MOST_TEXT + 1] = "";
  struct stat st;
  if (fstat(fd, &st)) return maps_text(words + 2, name);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, name, MOST_TEXT);
  name[n < 0 ? 0 : n] = '\0';
  words[0] = offset;
  words[1] = st.st_ino;
  return maps_text(words + 2, name);
}

static void mapped(const uint64_t *a, uint64_t address)
{
  uint64_t bytes = maps_up(a[1]), offset = calls->mmap_pages ? a[5] * PAGE : a[5];
  bool shared = a[3] & MAP_SHARED, anonymous = a[3] & MAP_ANONYMOUS, fixed = a[3] & MAP_FIXED;
  uint64_t words[5 + MOST_TEXT / 8 + 1] = {address, bytes, a[2] & 7, 0, 0};
  if (shared) words[2] |= MAP_BIT_SHARED;
  if (fixed || a[3] & MAP_FIXED_NOREPLACE) words[2] |= MAP_BIT_FIXED;
  if (fixed) unmap(address, bytes);
  if (a[2] & PROT_EXEC) {
    maps_executable(address, address + bytes);
    if (!anonymous && !shared && a[2] & PROT_READ) maps_forbid_zva(address, bytes, a[2] & PROT_WRITE);
  }
  size_t n = 5 + (anonymous ? maps_text(words + 5, "") : describe(words + 3, (int)a[4], offset));
  thread_event(PW_RING_MAP, words, n);
}

/* The rights are not known here: those of memory. */
static void remapped(const uint64_t *a, uint64_t to)
{
  uint64_t from = a[0], old = maps_up(a[1]), now = maps_up(a[2]), bits = PROT_READ | PROT_WRITE;
  if (to == from) {
    if (now > old) map_anonymous(to + old, now - old, bits);
    if (now < old) unmap(to + now, old - now);
    return;
  }
  if (a[3] & MREMAP_FIXED) unmap(to, now);
  map_anonymous(to, now, bits | (a[3] & MREMAP_FIXED ? MAP_BIT_FIXED : 0u));
  tell(PW_RING_MOVE, from, old < now ? old : now, to, 3);
  if (!(a[3] & MREMAP_DONTUNMAP)) unmap(from, old);
}

static void brk_moved(uint64_t end)
{
  end = maps_up(end);
  if (!program.heap_start) program.heap_start = program.heap_end = end;
  if (end > program.heap_end) tell(PW_RING_HEAP, program.heap_end, end - program.heap_end, PROT_READ | PROT_WRITE, 3);
  if (end < program.heap_end) unmap(end, program.heap_end - end);
  program.heap_end = end;
}

static void about_to_execute(uint64_t name)
{
  char text[MOST_TEXT + 1] = "";
  uint64_t words[MOST_TEXT / 8 + 1];
  for (size_t i = 0; i < MOST_TEXT && maps_read(name + i, &text[i], 1) && text[i]; i++) continue;
  thread_event(PW_RING_EXEC, words, maps_text(words, text));
  words[0] = 1;
  thread_event(PW_RING_UNRECORDED, words, 1); /* whatever it is */
}

void events_before(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                   uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
  (void)id, (void)vcpu, (void)a7, (void)a8;
  uint64_t now[] = {a1, a2, a3, a4, a5, a6};
  for (size_t i = 0; i < 6; i++) arguments[i] = program.narrow ? (uint32_t)now[i] : now[i];
  if (!calls) return;
  if (number == calls->execve) about_to_execute(arguments[0]);
  if (number == calls->execveat) about_to_execute(arguments[1]);
  if (number == calls->exit_group || number == calls->exit) {
    exit_status = arguments[0] & 0xff;
    status_known = true;
  }
}

void events_after(qemu_plugin_id_t id, unsigned vcpu, int64_t number, int64_t got)
{
  (void)id, (void)vcpu;
  enum { GIVE_BACK = MADV_DONTNEED, REMOVE = MADV_REMOVE, GIVE_BACK_LOCKED = 24 };
  const uint64_t *a = arguments;
  if (!calls || (got < 0 && got > -4096)) return;
  uint64_t result = program.narrow ? (uint32_t)got : (uint64_t)got;
  if (number == calls->mmap) mapped(a, result);
  else if (number == calls->munmap) unmap(a[0], maps_up(a[1]));
  else if (number == calls->mprotect) tell(PW_RING_PROTECT, a[0], maps_up(a[1]), a[2] & 7, 3);
  else if (number == calls->mremap) remapped(a, result);
  else if (number == calls->brk) brk_moved(result);
  else if (number == calls->madvise && (a[2] == GIVE_BACK || a[2] == REMOVE || a[2] == GIVE_BACK_LOCKED))
    tell(PW_RING_DISCARD, a[0], maps_up(a[1]), 0, 2);
  else if (number == calls->madvise && a[1] && (a[2] == MADV_HUGEPAGE || a[2] == MADV_NOHUGEPAGE))
    tell(PW_RING_ADVISE, a[0], maps_up(a[1]), a[2], 3);
  else if (number == calls->read || number == calls->pread) tell(PW_RING_WRITE, a[1], result, 0, 2);
  else if (number == calls->write || number == calls->pwrite) tell(PW_RING_READ, a[1], result, 0, 2);
}

static void in_child(void)
{
  status_known = false;
  threads_restart(maps_tell_all);
}

void events_prepare(const char *target)
{
  for (size_t i = 0; i < sizeof known_calls / sizeof *known_calls; i++)
    if (strcmp(known_calls[i].target, target) == 0) calls = &known_calls[i];
  program.narrow = calls && calls->narrow;
  program.is_arm64 = strncmp(target, "aarch64", 7) == 0;
  maps_prepare();
}

void events_start(uint64_t address, const void *place_of_it)
{
  if (place_of_it) program.base = (uintptr_t)place_of_it - address;
  threads_start(maps_tell_all);
  pthread_atfork(threads_hold, threads_release, in_child);
}

void events_end(void)
{
  threads_end(status_known, exit_status);
}
