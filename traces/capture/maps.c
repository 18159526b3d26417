/* The program's address space: what it starts with, and what its system calls make of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything is told after the system call, from its arguments and its result, so that only what
 * succeeded is told; lengths are whole pages. The program alone is told, never Valgrind's areas or this
 * tool's. Two things are made as the kernel makes them: the stack starts with 128 KiB
 * below the stack pointer, and the heap with nothing.
 *
 * Invariant: with what was told so far, every page that the program can reach is mapped. */
#include "capture.h"

#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

/* Exported by Valgrind's core, though not declared for tools. */
extern Addr VG_(brk_base), VG_(clstk_end);
extern UChar VG_(trampoline_stuff_start);
extern Bool VG_(extend_stack)(ThreadId thread, Addr address);

enum { MOST_NAME = 512 /* words: PATH_MAX */, PAGE = 4096, FIRST_STACK = 128 << 10 };
enum { SHARED = 8, FIXED = 16, HUGETLB = 64, HUGE_1G = 128 }; /* as PW_MAP_... */
enum { MADVISE_DONTNEED = 4, MADVISE_REMOVE = 9, MADVISE_DONTNEED_LOCKED = 24, MADVISE_HUGEPAGE = 14, MADVISE_NOHUGEPAGE = 15, MADVISE_POPULATE_READ = 22, MADVISE_POPULATE_WRITE = 23, LOCKED = 128, SYNCED = 129, MSYNC_SYNC = 4 };
enum { PRCTL_SET_THP_DISABLE = 41, PROCESS_THP_OFF = 256, PROCESS_THP_ON = 257 };
enum { MMAP_LOCKED = 0x2000, MMAP_POPULATE = 0x8000, MMAP_NONBLOCK = 0x10000, LOCK_ON_FAULT = 1, LOCK_CURRENT = 1, LOCK_ALL_ON_FAULT = 4 };
enum { MMAP_SHARED = 1, MMAP_FIXED = 0x10, MMAP_ANONYMOUS = 0x20, MMAP_HUGETLB = 0x40000, MMAP_HUGE_SHIFT = 26, MREMAP_TO = 2, MREMAP_KEEP = 4 };

static Addr heap_end;     /* whole pages told so far end here */
static Bool shares;       /* some mapping was shared once */
static SizeT segment_bytes; /* of the shared memory that is about to be detached */

static SizeT whole_pages(SizeT bytes)
{
  return (bytes + PAGE - 1) & ~(SizeT)(PAGE - 1);
}

UInt name_words(ULong *to, const HChar *name)
{
  SizeT n = VG_(strlen)(name);
  if (n > MOST_NAME * 8 - 1) n = MOST_NAME * 8 - 1;
  UInt words = (UInt)(n / 8 + 1);
  to[words - 1] = 0;
  VG_(memcpy)(to, name, n);
  return words;
}

static void tell(UInt kind, ULong a, ULong b, ULong c)
{
  ULong words[] = {a, b, c};
  channel_record(kind, words, 3);
}

static void unmap(Addr address, SizeT bytes)
{
  if (bytes) tell(PW_RING_UNMAP, address, bytes, 0);
}

static ULong protection_of(const NSegment *s)
{
  return (ULong)((s->hasR ? 1 : 0) | (s->hasW ? 2 : 0) | (s->hasX ? 4 : 0));
}

/* `bits` are PW_MAP_...; the file is that of Valgrind's segment. */
static void map(Addr address, SizeT bytes, ULong bits)
{
  ULong words[5 + MOST_NAME] = {address, bytes, bits, 0, 0};
  UInt n = 5;
  const NSegment *segment = VG_(am_find_nsegment)(address);
  if (segment && segment->kind == SkFileC) {
    const HChar *name = VG_(am_get_filename)(segment);
    words[3] = (ULong)segment->offset + (address - segment->start);
    words[4] = segment->ino;
    if (name) n += name_words(&words[5], name);
  }
  if (bytes) channel_record(PW_RING_MAP, words, n);
}

/* Whether a line of /proc/self/maps says so. Valgrind's segments do not tell. */
static Bool is_shared(Addr address)
{
  if (!shares) return False;
  SysRes opened = VG_(open)("/proc/self/maps", VKI_O_RDONLY, 0);
  if (sr_isError(opened)) return False;
  HChar text[512];
  Int fd = (Int)sr_Res(opened), n;
  Addr number[2] = {0, 0};
  UInt field = 0, column = 0; /* start-end protection ...: fields 0, 1, 2, then the rest of the line */
  Bool found = False;
  while (!found && (n = VG_(read)(fd, text, sizeof text)) > 0)
    for (Int i = 0; i < n && !found; i++) {
      HChar c = text[i];
      if (c == '\n') {
        field = column = 0;
        number[0] = number[1] = 0;
      } else if (field < 2 && (c == '-' || c == ' ')) {
        field++;
        column = 0;
      } else if (field < 2) {
        number[field] = number[field] << 4 | (Addr)(c <= '9' ? c - '0' : c - 'a' + 10);
      } else if (field == 2 && column++ == 3) {
        found = c == 's' && address >= number[0] && address < number[1];
        field++;
      }
    }
  VG_(close)(fd);
  return found;
}

static void map_segment(const NSegment *s)
{
  SizeT bytes = s->end + 1 - s->start;
  Addr trampoline = (Addr)&VG_(trampoline_stuff_start), heap = whole_pages(VG_(brk_base));
  if (trampoline >= s->start && trampoline <= s->end) return; /* a page of this tool that the program may run */
  if (s->kind == SkAnonC && s->end == VG_(clstk_end)) {
    tell(PW_RING_STACK, s->start, bytes, protection_of(s));
  } else if (s->kind == SkAnonC && (s->start == heap || (s->start > heap && s->start < heap_end))) {
    /* Valgrind maps the first page before brk does */
    if (s->start < heap_end) tell(PW_RING_HEAP, s->start, s->end < heap_end ? bytes : heap_end - s->start, protection_of(s) & 3); /* Valgrind adds execution */
  } else {
    map(s->start, bytes, protection_of(s) | (is_shared(s->start) ? SHARED : 0));
  }
}

void maps_tell_all(void)
{
  Int n = 64, got;
  Addr *starts = VG_(malloc)("capture.segments", (SizeT)n * sizeof *starts);
  const UInt kinds = SkFileC | SkAnonC | SkShmC;
  while ((got = VG_(am_get_segment_starts)(kinds, starts, n)) < 0) {
    n = -got;
    starts = VG_(realloc)("capture.segments", starts, (SizeT)n * sizeof *starts);
  }
  for (Int i = 0; i < got; i++) {
    const NSegment *s = VG_(am_find_nsegment)(starts[i]);
    if (s) map_segment(s);
  }
  VG_(free)(starts);
}

void maps_start(ThreadId thread)
{
  heap_end = whole_pages(VG_(brk_base));
  VG_(extend_stack)(thread, VG_(get_SP)(thread) - FIRST_STACK);
  channel_forget_stack(); /* it is told with the rest */
  maps_tell_all();
}

static void brk_moved(Addr end)
{
  end = whole_pages(end);
  if (end > heap_end) tell(PW_RING_HEAP, heap_end, end - heap_end, 3);
  if (end < heap_end) unmap(end, heap_end - end);
  heap_end = end;
}

static void mapped(const UWord *a, Addr address)
{
  ULong bits = a[2] & 7;
  if (a[3] & MMAP_SHARED) {
    bits |= SHARED;
    shares = True;
  }
  if (a[3] & MMAP_FIXED) bits |= FIXED;
  if (bits & FIXED) unmap(address, whole_pages(a[1]));
  if (a[3] & 0x100000) bits |= FIXED; /* MAP_FIXED_NOREPLACE: nothing was there */
  if (a[3] & MMAP_HUGETLB && a[3] & MMAP_ANONYMOUS) bits |= HUGETLB | ((a[3] >> MMAP_HUGE_SHIFT & 63) == 30 ? HUGE_1G : 0);
  map(address, whole_pages(a[1]), bits);
  if (a[3] & MMAP_LOCKED || (a[3] & MMAP_POPULATE && !(a[3] & MMAP_NONBLOCK))) tell(PW_RING_ADVISE, address, whole_pages(a[1]), LOCKED);
}

static void remapped(const UWord *a, Addr to)
{
  Addr from = a[0];
  SizeT before = whole_pages(a[1]), after = whole_pages(a[2]);
  const NSegment *s = VG_(am_find_nsegment)(to);
  ULong bits = s ? protection_of(s) | (is_shared(to) ? SHARED : 0) : 3;
  if (to == from) {
    if (after > before) map(from + before, after - before, bits);
    if (after < before) unmap(from + after, before - after);
    return;
  }
  if (a[3] & MREMAP_TO) unmap(to, after);
  map(to, after, bits | (a[3] & MREMAP_TO ? FIXED : 0));
  if (before) tell(PW_RING_MOVE, from, before < after ? before : after, to);
  if (!(a[3] & MREMAP_KEEP)) unmap(from, before);
}

static void attached(Addr address)
{
  const NSegment *s = VG_(am_find_nsegment)(address);
  shares = True;
  if (s) map(address, s->end + 1 - s->start, protection_of(s) | SHARED);
}

void maps_before_syscall(UInt number, const UWord *a, UInt n)
{
  if (number != __NR_shmdt || n < 1) return;
  const NSegment *s = VG_(am_find_nsegment)(a[0]);
  segment_bytes = s && s->kind == SkShmC && s->start == a[0] ? s->end + 1 - s->start : 0;
}

/* After one that succeeded. */
void maps_after_syscall(UInt number, const UWord *a, UInt n, UWord result)
{
  switch (number) {
  case __NR_brk: brk_moved(result); break;
  case __NR_mmap: if (n >= 6) mapped(a, result); break;
  case __NR_munmap: if (n >= 2) unmap(a[0], whole_pages(a[1])); break;
  case __NR_mremap: if (n >= 4) remapped(a, result); break;
  case __NR_mprotect:
  case __NR_pkey_mprotect: if (n >= 3 && a[1]) tell(PW_RING_PROTECT, a[0], whole_pages(a[1]), a[2] & 7); break;
  case __NR_shmat: attached(result); break;
  case __NR_shmdt: unmap(a[0], segment_bytes); break;
  case __NR_madvise: /* MADV_FREE keeps the pages until memory is short */
    if (n >= 3 && a[1] && (a[2] == MADVISE_DONTNEED || a[2] == MADVISE_REMOVE || a[2] == MADVISE_DONTNEED_LOCKED))
      tell(PW_RING_DISCARD, a[0], whole_pages(a[1]), 0);
    if (n >= 3 && a[1] && (a[2] == MADVISE_HUGEPAGE || a[2] == MADVISE_NOHUGEPAGE || a[2] == MADVISE_POPULATE_READ || a[2] == MADVISE_POPULATE_WRITE))
      tell(PW_RING_ADVISE, a[0], whole_pages(a[1]), a[2]);
    break;
  case __NR_msync:
    if (n >= 3 && a[1] && a[2] & MSYNC_SYNC) tell(PW_RING_ADVISE, a[0], whole_pages(a[1]), SYNCED);
    break;
  case __NR_mlock2:
    if (n >= 3 && a[2] & LOCK_ON_FAULT) break;
    __attribute__((fallthrough));
  case __NR_mlock:
    if (n >= 2 && a[1]) tell(PW_RING_ADVISE, a[0] & ~0xfffUL, whole_pages(a[1] + (a[0] & 0xfff)), LOCKED);
    break;
  case __NR_mlockall:
    if (n >= 1 && a[0] & LOCK_CURRENT && !(a[0] & LOCK_ALL_ON_FAULT)) tell(PW_RING_ADVISE, 0, 1UL << 47, LOCKED);
    break;
  case __NR_prctl:
    if (n >= 2 && a[0] == PRCTL_SET_THP_DISABLE) tell(PW_RING_ADVISE, 0, 0, a[1] ? PROCESS_THP_OFF : PROCESS_THP_ON);
    break;
  default: break;
  }
}
