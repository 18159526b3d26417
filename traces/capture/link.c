/* Functions of Valgrind's core, wrapped by the linker.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Debug information is not read: nothing here looks at it, and it costs more than half of the
 * start-up. And the heap below brk, for which Valgrind reserves 8 MiB, gets up to 1 GiB, since
 * malloc takes another way (mmap) when it is full. How the stack grows, and which signal ends the
 * program, is told nowhere else. */
#include "capture.h"

#include "pub_tool_aspacemgr.h"

ULong __wrap_vgPlain_di_notify_mmap(Addr address, Bool allow_file, Int fd);
Bool __wrap_vgPlain_am_create_reservation(Addr start, SizeT length, ShrinkMode mode, SSizeT extra);
Bool __wrap_vgPlain_am_extend_into_adjacent_reservation_client(Addr address, SSizeT delta, Bool *overflow);
extern Bool __real_vgPlain_am_extend_into_adjacent_reservation_client(Addr address, SSizeT delta, Bool *overflow);
void __wrap_vgPlain_kill_self(Int signal);
extern void __real_vgPlain_kill_self(Int signal);
extern Bool __real_vgPlain_am_create_reservation(Addr start, SizeT length, ShrinkMode mode, SSizeT extra);

ULong __wrap_vgPlain_di_notify_mmap(Addr address, Bool allow_file, Int fd)
{
  (void)address, (void)allow_file, (void)fd;
  return 0;
}

Bool __wrap_vgPlain_am_create_reservation(Addr start, SizeT length, ShrinkMode mode, SSizeT extra)
{
  if (mode == SmLower && length < (9u << 20)) /* the reservation for brk */
    for (SizeT more = 1ul << 30; more > length; more >>= 1)
      if (__real_vgPlain_am_create_reservation(start, more, mode, extra)) return True;
  return __real_vgPlain_am_create_reservation(start, length, mode, extra);
}

/* Upwards it is the heap that grows; `address` is the start of what grows downwards. */
Bool __wrap_vgPlain_am_extend_into_adjacent_reservation_client(Addr address, SSizeT delta, Bool *overflow)
{
  Bool good = __real_vgPlain_am_extend_into_adjacent_reservation_client(address, delta, overflow);
  if (good && delta < 0) channel_stack_grew(address - (SizeT)-delta, (SizeT)-delta);
  return good;
}

void __wrap_vgPlain_kill_self(Int signal)
{
  killed(signal);
  __real_vgPlain_kill_self(signal);
}
