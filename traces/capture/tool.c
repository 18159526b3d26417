/* The capture tool: what the program maps, who runs, when it forks, executes and ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Valgrind calls the functions below as things happen; each puts one record into the ring. The
 * program is to be as it would be alone, so Valgrind's own library is taken out of the
 * LD_PRELOAD in its environment before its first instruction. */
#include "capture.h"

#include "libvex.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_options.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

/* Valgrind's own messages; see pub_core_libcprint.h, which tools do not get. */
extern struct { Int fd; Bool is_socket; } VG_(log_output_sink);
extern VexControl vex_control; /* what translation goes by */
extern void VG_(discard_translations)(Addr start, ULong range, const HChar *who);

enum { MOST_RUNS = 1 << 20, CLONE_THREAD = 0x10000 };

static const HChar *option_ring;
static ThreadId running;
static Bool started;
static Bool precise;
static UInt exit_status; /* of the thread that ended last, which is the program's */

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
  if (!started) {
    strip_preload(thread);
    maps_start(thread);
    started = True;
  }
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
  buffers_before_syscall(thread);
  if ((number == __NR_exit || number == __NR_exit_group) && n >= 1) exit_status = (UInt)arguments[0] & 0xff;
  maps_before_syscall(number, arguments, n);
}

/* A handler of a fault may mend it and go on where the fault was, for which every register must be as
 * it was there. That costs time, so code is translated that way from the first such handler on. */
static void watch_handlers(const UWord *arguments, UInt n)
{
  enum { BUS = 7, SEGMENTATION = 11 };
  if (precise || n < 2 || (arguments[0] != BUS && arguments[0] != SEGMENTATION) || !arguments[1]) return;
  if (*(const UWord *)arguments[1] <= 1) return; /* the default action, or ignored */
  precise = True;
  vex_control.iropt_register_updates_default = VexRegUpdAllregsAtMemAccess;
  VG_(discard_translations)((Addr)4096, ~0ULL >> 1, "capture: precise faults");
}

/* Code that is made anew all the time (a JIT compiler's), or more than Valgrind can keep translated, would
 * fill the recorder's memory with runs that never come again. */
static void limit_runs(void)
{
  const ULong forget[] = {1};
  if (runs_told() < MOST_RUNS) return;
  channel_record(PW_RING_FORGET, forget, 1);
  forget_runs();
  VG_(discard_translations)((Addr)4096, ~0ULL >> 1, "capture: too many runs");
}

static void after_syscall(ThreadId thread, UInt number, UWord *arguments, UInt n, SysRes result)
{
  buffers_after_syscall(thread, number, arguments, n, result);
  limit_runs();
  if (sr_isError(result)) return;
  Bool forks = number == __NR_fork || number == __NR_vfork || (number == __NR_clone && !(arguments[0] & CLONE_THREAD));
  if (forks && sr_Res(result)) {
    const ULong child[] = {sr_Res(result)};
    channel_record(PW_RING_FORK, child, 1);
  }
  if (number == __NR_rt_sigaction) watch_handlers(arguments, n);
  maps_after_syscall(number, arguments, n, sr_Res(result));
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
  maps_tell_all();
  buffers_forget();
  running = thread;
  ULong words[] = {thread};
  channel_record(PW_RING_THREAD, words, 1);
}

static void tell_end(UInt status, Int signal)
{
  ULong words[] = {status, (ULong)(UInt)signal};
  channel_record(PW_RING_EXIT, words, 2);
  channel_end();
}

/* Valgrind gives 0 always. */
static void finish(Int status)
{
  (void)status;
  tell_end(exit_status, 0);
}

void cut(void)
{
  channel_cut(VG_(get_IP)(running));
}

void killed(Int signal)
{
  tell_end(0, signal);
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

void speak(void)
{
  VG_(log_output_sink).fd = 2;
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
  buffers_watch();
  VG_(track_start_client_code)(thread_runs);
  VG_(track_pre_thread_ll_create)(thread_new);
  VG_(track_pre_thread_ll_exit)(thread_end);
  VG_(atfork)(before_fork, NULL, in_child);
}

VG_DETERMINE_INTERFACE_VERSION(before_options)
