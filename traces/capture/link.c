/* Functions of Valgrind's core, wrapped by the linker.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Debug information is not read: nothing here looks at it, and it costs more than half of the
 * start-up. And the heap below brk, for which Valgrind reserves 8 MiB, gets up to 1 GiB, since
 * malloc takes another way (mmap) when it is full. Nor is there an end of mappings at 128 GiB. How the stack grows, and which signal ends the
 * program, is told nowhere else. And Valgrind, whose messages are switched off, speaks when it fails itself. */
#include "capture.h"

#include "pub_tool_aspacemgr.h"

ULong __wrap_vgPlain_di_notify_mmap(Addr address, Bool allow_file, Int fd);
Bool __wrap_vgPlain_am_create_reservation(Addr start, SizeT length, ShrinkMode mode, SSizeT extra);
Bool __wrap_vgPlain_am_extend_into_adjacent_reservation_client(Addr address, SSizeT delta, Bool *overflow);
extern Bool __real_vgPlain_am_extend_into_adjacent_reservation_client(Addr address, SSizeT delta, Bool *overflow);
void __wrap_VG_MINIMAL_LONGJMP(void *where) __attribute__((noreturn));
extern void __real_VG_MINIMAL_LONGJMP(void *where) __attribute__((noreturn));
extern Bool VG_(in_generated_code);
void __wrap_vgPlain_kill_self(Int signal);
extern void __real_vgPlain_kill_self(Int signal);
void __wrap_vgPlain_assert_fail(Bool core, const HChar *what, const HChar *file, Int line, const HChar *function, const HChar *format, ...)
    __attribute__((noreturn));
void __wrap_vgPlain_core_panic(const HChar *what) __attribute__((noreturn));
void __wrap_vgPlain_tool_panic(const HChar *what) __attribute__((noreturn));
void __wrap_vgPlain_out_of_memory_NORETURN(const HChar *who, SizeT bytes, UWord cause) __attribute__((noreturn));
extern void __real_vgPlain_core_panic(const HChar *what) __attribute__((noreturn));
extern void __real_vgPlain_tool_panic(const HChar *what) __attribute__((noreturn));
extern void __real_vgPlain_out_of_memory_NORETURN(const HChar *who, SizeT bytes, UWord cause) __attribute__((noreturn));

/* As Valgrind's MapRequest. */
struct request {
  enum { AT, NEAR, ANYWHERE } kind;
  Addr start;
  Addr bytes;
};
Addr __wrap_vgPlain_am_get_advisory(const struct request *request, Bool for_program, Bool *ok);
extern Addr __real_vgPlain_am_get_advisory(const struct request *request, Bool for_program, Bool *ok);
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

/* Valgrind keeps everything from 128 GiB up to itself, without a use for it, and gets it back on an
 * unmap. What fits nowhere below goes there. */
Addr __wrap_vgPlain_am_get_advisory(const struct request *request, Bool for_program, Bool *ok)
{
  const Addr first = 128ULL << 30, end = 126ULL << 40;
  Addr advised = __real_vgPlain_am_get_advisory(request, for_program, ok);
  if (*ok || !for_program || request->kind == AT || request->bytes > end) return advised;
  for (Addr at = first; at < end - request->bytes;) {
    const NSegment *s = VG_(am_find_nsegment)(at);
    if (!s) return advised;
    *ok = s->kind == SkResvn && s->end + 1 - at >= request->bytes;
    if (*ok) return at;
    at = s->end + 1;
  }
  return advised;
}

/* The only way out of translated code that is not its end: a fault. */
void __wrap_VG_MINIMAL_LONGJMP(void *where)
{
  if (VG_(in_generated_code)) cut();
  __real_VG_MINIMAL_LONGJMP(where);
}

void __wrap_vgPlain_assert_fail(Bool core, const HChar *what, const HChar *file, Int line, const HChar *function, const HChar *format, ...)
{
  (void)core, (void)file, (void)line, (void)function, (void)format;
  speak();
  __real_vgPlain_core_panic(what);
}

void __wrap_vgPlain_core_panic(const HChar *what)
{
  speak();
  __real_vgPlain_core_panic(what);
}

void __wrap_vgPlain_tool_panic(const HChar *what)
{
  speak();
  __real_vgPlain_tool_panic(what);
}

void __wrap_vgPlain_out_of_memory_NORETURN(const HChar *who, SizeT bytes, UWord cause)
{
  speak();
  __real_vgPlain_out_of_memory_NORETURN(who, bytes, cause);
}
