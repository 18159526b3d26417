/* The capture tool: what the program maps, who runs, when it forks, executes and ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Valgrind calls the functions below as things happen; each puts one record into the ring. The
 * program is to be as it would be alone, so Valgrind's own library is taken out of the
 * LD_PRELOAD in its environment before its first instruction. */
#include "capture.h"

#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

/* Valgrind's own messages; see pub_core_libcprint.h, which tools do not get. */
extern struct { Int fd; Bool is_socket; } VG_(log_output_sink);
extern void VG_(discard_translations)(Addr start, ULong range, const HChar *who);

enum { MOST_NAME = 512 /* words: PATH_MAX */, MADVISE_DONTNEED = 4 };

static const HChar *option_ring;
static ThreadId running;

/* Zero-terminated, padded to words. */
static UInt name_words(ULong *to, const HChar *name)
{
  SizeT n = VG_(strlen)(name);
  if (n > MOST_NAME * 8 - 1) n = MOST_NAME * 8 - 1;
  UInt words = (UInt)(n / 8 + 1);
  to[words - 1] = 0;
  VG_(memcpy)(to, name, n);
  return words;
}

static ULong protection(Bool r, Bool w, Bool x)
{
  return (ULong)((r ? 1 : 0) | (w ? 2 : 0) | (x ? 4 : 0));
}

static void map(Addr address, SizeT bytes, Bool r, Bool w, Bool x)
{
  ULong words[5 + MOST_NAME] = {address, bytes, protection(r, w, x), 0, 0};
  UInt n = 5;
  const NSegment *segment = VG_(am_find_nsegment)(address);
  if (segment && segment->kind == SkFileC) {
    const HChar *name = VG_(am_get_filename)(segment);
    words[3] = (ULong)segment->offset + (address - segment->start);
    words[4] = segment->ino;
    if (name) n += name_words(&words[5], name);
  }
  channel_record(PW_RING_MAP, words, n);
}

static void map_at_start(Addr a, SizeT n, Bool r, Bool w, Bool x, ULong handle)
{
  (void)handle;
  map(a, n, r, w, x);
}

static void unmap(Addr address, SizeT bytes)
{
  ULong words[] = {address, bytes};
  channel_record(PW_RING_UNMAP, words, 2);
}

static void protect(Addr address, SizeT bytes, Bool r, Bool w, Bool x)
{
  ULong words[] = {address, bytes, protection(r, w, x)};
  channel_record(PW_RING_PROTECT, words, 3);
}

static void remap(Addr from, Addr to, SizeT bytes)
{
  ULong words[] = {from, to, bytes};
  channel_record(PW_RING_REMAP, words, 3);
}

static void brk_more(Addr address, SizeT bytes, ThreadId thread)
{
  (void)thread;
  ULong words[] = {address, bytes};
  channel_record(PW_RING_BRK, words, 2);
}

static void brk_less(Addr address, SizeT bytes)
{
  ULong words[] = {address, bytes};
  channel_record(PW_RING_BRK_LESS, words, 2);
}

static void kernel_reads(CorePart part, ThreadId thread, const HChar *what, Addr address, SizeT bytes)
{
  (void)thread, (void)what;
  ULong words[] = {address, bytes};
  if (bytes && part == Vg_CoreSysCall) channel_record(PW_RING_READ, words, 2);
}

static void kernel_reads_text(CorePart part, ThreadId thread, const HChar *what, Addr address)
{
  kernel_reads(part, thread, what, address, 1); /* its end is not known: the first page */
}

static void kernel_writes(CorePart part, ThreadId thread, Addr address, SizeT bytes)
{
  (void)thread;
  ULong words[] = {address, bytes};
  if (bytes && part == Vg_CoreSysCall) channel_record(PW_RING_WRITE, words, 2);
}

/* Drops the word behind LD_PRELOAD= that is Valgrind's own; the variable too if nothing is left. */
static void strip_preload(ThreadId thread)
{
  UWord *stack = (UWord *)VG_(get_SP)(thread), *variable = stack + 1 + stack[0] + 1;
  SizeT n_folder = VG_(strlen)(VG_(libdir));
  for (; *variable; variable++) {
    HChar *text = (HChar *)*variable, *value = text + 11;
    if (VG_(strncmp)(text, "LD_PRELOAD=", 11) != 0) continue;
    if (VG_(strncmp)(value, VG_(libdir), n_folder) != 0) return;
    HChar *rest = VG_(strchr)(value, ':');
    if (rest) {
      VG_(memmove)(value, rest + 1, VG_(strlen)(rest + 1) + 1);
      return;
    }
    UWord *end = variable;
    while (*end) end++;
    for (end++; end[0]; end += 2) continue; /* the auxiliary vector, pairs up to AT_NULL */
    for (end += 2; variable + 1 < end; variable++) variable[0] = variable[1];
    return;
  }
}

static void thread_runs(ThreadId thread, ULong blocks_done)
{
  (void)blocks_done;
  static Bool started;
  if (!started) strip_preload(thread);
  started = True;
  if (thread == running) return;
  running = thread;
  ULong words[] = {thread};
  channel_record(PW_RING_THREAD, words, 1);
}

static void thread_new(ThreadId parent, ThreadId child)
{
  ULong words[] = {parent, child};
  channel_record(PW_RING_THREAD_NEW, words, 2);
}

static void thread_end(ThreadId thread)
{
  ULong words[] = {thread};
  channel_record(PW_RING_THREAD_END, words, 1);
}

static void before_syscall(ThreadId thread, UInt number, UWord *arguments, UInt n)
{
  (void)thread;
  if ((number == __NR_execve && n >= 1) || (number == __NR_execveat && n >= 2)) {
    ULong words[MOST_NAME] = {0};
    const HChar *name = (const HChar *)arguments[number == __NR_execve ? 0 : 1];
    Bool readable = name && VG_(am_is_valid_for_client)((Addr)name, 1, VKI_PROT_READ);
    channel_record(PW_RING_EXEC, words, readable ? name_words(words, name) : 1);
    channel_flush();
  }
}

static void after_syscall(ThreadId thread, UInt number, UWord *arguments, UInt n, SysRes result)
{
  (void)thread;
  if (sr_isError(result)) return;
  if (number == __NR_madvise && n >= 3 && arguments[2] == MADVISE_DONTNEED) {
    ULong words[] = {arguments[0], arguments[1]};
    channel_record(PW_RING_DISCARD, words, 2);
  } else if ((number == __NR_fork || number == __NR_vfork || number == __NR_clone) && sr_Res(result)) {
    ULong words[] = {sr_Res(result)};
    channel_record(PW_RING_FORK, words, 1);
  }
}

/* Everything the program has mapped: a child starts with it. */
static void map_all(void)
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
    if (s) map(s->start, s->end + 1 - s->start, s->hasR, s->hasW, s->hasX);
  }
  VG_(free)(starts);
}

static void before_fork(ThreadId thread)
{
  (void)thread;
  channel_flush();
}

/* The child's recorder knows no runs: all code is translated, and told, again. */
static void in_child(ThreadId thread)
{
  channel_reopen(option_ring);
  forget_runs();
  VG_(discard_translations)((Addr)4096, ~0ULL >> 1, "capture: fork");
  map_all();
  running = thread;
  ULong words[] = {thread};
  channel_record(PW_RING_THREAD, words, 1);
}

static void finish(Int status)
{
  ULong words[] = {(ULong)(UInt)status};
  channel_record(PW_RING_EXIT, words, 1);
  channel_end();
}

static Bool take_option(const HChar *argument)
{
  return VG_STR_CLO(argument, "--ring", option_ring) ? True : False;
}

static void print_usage(void)
{
  VG_(printf)("    --ring=NAME    the recorder's socket\n");
}

static void print_debug_usage(void)
{
}

static void after_options(void)
{
  channel_open(option_ring);
  VG_(log_output_sink).fd = -1; /* from here on the program's stderr is its own */
}

static void before_options(void)
{
  VG_(details_name)("pagewalk");
  VG_(details_version)("1");
  VG_(details_description)("records memory accesses for pagewalk");
  VG_(details_copyright_author)("the pagewalk authors, GPL-2.0-or-later");
  VG_(details_bug_reports_to)("the pagewalk authors");
  VG_(details_avg_translation_sizeB)(400);
  VG_(basic_tool_funcs)(after_options, instrument, finish);
  VG_(needs_command_line_options)(take_option, print_usage, print_debug_usage);
  VG_(needs_syscall_wrapper)(before_syscall, after_syscall);
  VG_(track_new_mem_startup)(map_at_start);
  VG_(track_new_mem_mmap)(map_at_start);
  VG_(track_die_mem_munmap)(unmap);
  VG_(track_change_mem_mprotect)(protect);
  VG_(track_copy_mem_remap)(remap);
  VG_(track_new_mem_brk)(brk_more);
  VG_(track_die_mem_brk)(brk_less);
  VG_(track_pre_mem_read)(kernel_reads);
  VG_(track_pre_mem_read_asciiz)(kernel_reads_text);
  VG_(track_post_mem_write)(kernel_writes);
  VG_(track_start_client_code)(thread_runs);
  VG_(track_pre_thread_ll_create)(thread_new);
  VG_(track_pre_thread_ll_exit)(thread_end);
  VG_(atfork)(before_fork, NULL, in_child);
}

VG_DETERMINE_INTERFACE_VERSION(before_options)
