/* The parts of the capture tool: what its files know of each other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A Valgrind tool that tells a recorder, through a ring in shared memory (lib/record/ring.h), what a
 * program fetches, loads, stores and maps. It links Valgrind's core and is therefore under
 * Valgrind's licence, as a program of its own: libpagewalk and pagewalk only talk to it. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "pub_tool_basics.h"
#include "pub_tool_tooliface.h"

#include "ring.h"

/* channel.c: the ring. It stays at one address for life, so that translated code can name it. */
extern struct pw_ring *ring;
void channel_open(const HChar *name);
void channel_reopen(const HChar *name); /* in the child of a fork */
void channel_flush(void);      /* hands over the block that is being filled */
void channel_cut(Addr instruction); /* that instruction faulted, in the midst of a run */
void channel_record(UInt kind, const ULong *words, UInt n);
void channel_end(void);
void channel_stack_grew(Addr start, SizeT bytes); /* at any moment, also in the midst of a run */
void channel_forget_stack(void); /* that it grew, if that is not told yet */

/* maps.c */
UInt name_words(ULong *to, const HChar *name); /* zero-terminated, padded to words: their number */
void maps_start(ThreadId thread); /* before the first instruction */
void maps_tell_all(void);         /* all that is mapped: a child starts with it */
void maps_before_syscall(UInt number, const UWord *arguments, UInt n);
void maps_after_syscall(UInt number, const UWord *arguments, UInt n, UWord result);

/* buffers.c */
void buffers_watch(void);
void buffers_forget(void); /* in the child of a fork: what other threads wait for */
void buffers_before_syscall(ThreadId thread);
void buffers_after_syscall(ThreadId thread, UInt number, const UWord *arguments, UInt n, SysRes result);

/* tool.c */
void speak(void);         /* Valgrind's messages go to stderr again */
/* A signal ends the program; what was told of its end before is not so. */
void killed(Int signal);
void cut(void); /* the running thread is thrown out of translated code */

/* instrument.c */
UInt runs_told(void);
void forget_runs(void); /* all code will be translated again, and its runs told from 0 */
IRSB *instrument(VgCallbackClosure *closure, IRSB *in, const VexGuestLayout *layout, const VexGuestExtents *extents,
                 const VexArchInfo *arch, IRType guest_word, IRType host_word);

#endif
