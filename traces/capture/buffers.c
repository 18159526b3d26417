/* What the kernel reads and writes of the program's memory in its system calls.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Valgrind says before a system call what the kernel would read, and after one that succeeded what
 * it wrote. Both are kept until the end of the call, and then told as far as they happened:
 * of one that failed only the texts (the path of a file that is not there was read, unless the
 * text itself was the fault); of a write, as many bytes as went out; nothing beyond the program's memory.
 *
 * Threads may wait in system calls meanwhile, so each access carries its thread. */
#include "capture.h"

#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

enum { MOST_ACCESSES = 1024, PAGE = 4096, MOST_TEXT = 32 * PAGE };

struct access {
  ThreadId thread;
  Bool write, text;
  Addr address;
  SizeT bytes;
};

static struct access accesses[MOST_ACCESSES];
static UInt n_accesses;

/* As many of the bytes as the program has mapped without a hole. */
static SizeT mapped_bytes(Addr address, SizeT bytes)
{
  SizeT n = 0;
  while (n < bytes) {
    const NSegment *s = VG_(am_find_nsegment)(address + n);
    if (!s || !(s->kind & (SkAnonC | SkFileC | SkShmC)) || !(s->hasR || s->hasW)) break;
    SizeT more = s->end + 1 - (address + n);
    n += more < bytes - n ? more : bytes - n;
  }
  return n;
}

static void tell(const struct access *a)
{
  SizeT bytes = mapped_bytes(a->address, a->bytes);
  ULong words[] = {a->address, bytes};
  if (bytes) channel_record(a->write ? PW_RING_WRITE : PW_RING_READ, words, 2);
}

/* Neighbours become one: the parts of a structure, the buffers of readv. */
static void keep(struct access a)
{
  struct access *last = n_accesses ? &accesses[n_accesses - 1] : NULL;
  if (a.bytes == 0 || a.address + a.bytes < a.address) return;
  if (last && last->thread == a.thread && last->write == a.write && last->text == a.text &&
      a.address >= last->address && a.address <= last->address + last->bytes) {
    SizeT bytes = a.address + a.bytes - last->address;
    if (bytes > last->bytes) last->bytes = bytes;
  } else if (n_accesses < MOST_ACCESSES) {
    accesses[n_accesses++] = a;
  } else if (a.write) {
    tell(&a);
  }
}

static void reads(CorePart part, ThreadId thread, const HChar *what, Addr address, SizeT bytes)
{
  (void)what;
  if (part == Vg_CoreSysCall || part == Vg_CoreSysCallArgInMem) keep((struct access){thread, False, False, address, bytes});
}

/* Up to its end, which Valgrind does not say. */
static void reads_text(CorePart part, ThreadId thread, const HChar *what, Addr address)
{
  (void)what;
  SizeT n = 0, room = 0;
  do {
    if (n == room) {
      SizeT more = PAGE - ((address + n) & (PAGE - 1));
      if (!VG_(am_is_valid_for_client)(address + n, more, VKI_PROT_READ)) break;
      room += more;
    }
  } while (((const HChar *)address)[n++] && n < MOST_TEXT);
  if (part == Vg_CoreSysCall) keep((struct access){thread, False, True, address, n});
}

/* Outside system calls it is the frame of a signal. */
static void writes(CorePart part, ThreadId thread, Addr address, SizeT bytes)
{
  struct access a = {thread, True, False, address, bytes};
  if (part == Vg_CoreSysCall) keep(a);
  if (part == Vg_CoreSignal) tell(&a);
}

/* The buffer of a write, of which only what went out was read. */
static Addr buffer_that_goes_out(UInt number, const UWord *a, UInt n)
{
  return n >= 2 && (number == __NR_write || number == __NR_pwrite64 || number == __NR_sendto) ? a[1] : 0;
}

/* Takes the thread's accesses out of the list; tells those that happened. */
static void settle(ThreadId thread, Addr buffer, SizeT gone_out, Bool failed, Bool bad_address)
{
  UInt left = 0;
  for (UInt i = 0; i < n_accesses; i++) {
    struct access *a = &accesses[i];
    if (a->thread != thread) {
      accesses[left++] = *a;
      continue;
    }
    if (bad_address || (failed && !a->text)) continue;
    if (!a->write && buffer && a->address == buffer && a->bytes > gone_out) a->bytes = gone_out;
    tell(a);
  }
  n_accesses = left;
}

/* A call that never came back (sigreturn) leaves nothing. */
void buffers_before_syscall(ThreadId thread)
{
  settle(thread, 0, 0, True, True);
}

void buffers_after_syscall(ThreadId thread, UInt number, const UWord *a, UInt n, SysRes result)
{
  Bool failed = sr_isError(result);
  settle(thread, buffer_that_goes_out(number, a, n), failed ? 0 : sr_Res(result), failed,
         failed && sr_Err(result) == VKI_EFAULT);
}

void buffers_forget(void)
{
  n_accesses = 0;
}

void buffers_watch(void)
{
  VG_(track_pre_mem_read)(reads);
  VG_(track_pre_mem_read_asciiz)(reads_text);
  VG_(track_post_mem_write)(writes);
}
