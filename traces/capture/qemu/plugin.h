/* The parts of the plugin: what its files know of each other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A plugin of QEMU's user mode that tells a recorder, through a ring in shared memory
 * (lib/record/ring.h), what a program of another architecture fetches, loads, stores and maps. QEMU
 * loads it into its own process, and so it is under QEMU's licence: libpagewalk and pagewalk
 * only talk to it. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "qemu_api.h"
#include "ring.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum { MOST_ACCESSES = 1024, MOST_INSNS = 1024 }; /* of one run */

/* ---- channel.c: the ring. All but channel_open under the lock of threads.c ---- */

extern struct pw_ring *ring;
void channel_open(const char *name);
void channel_reopen(void); /* in the child of a fork */
void channel_flush(void);  /* hands over the block that is being filled */
void channel_room(size_t n); /* makes room for n words at the cursor */
void channel_record(uint32_t kind, const uint64_t *words, size_t n);

/* ---- code.c: translated code, and the runs that it was seen to make ---- */

struct insn {
  struct code *code;
  uint64_t address;
  uint32_t bytes;
};

/* Who accesses memory, and how. Without insn it ends a list, and info says of what kind. */
struct access {
  const struct insn *insn;
  uint64_t info;
};
enum { LIST_ENDS, LIST_UNKNOWN };

/* What an execution of code did: the instructions from..to and their accesses. It is a run of the ring. */
struct shape {
  struct shape *next;
  const struct access *expected; /* accesses, or nothing that comes true */
  uint32_t number;       /* of the run ... */
  uint32_t generation;   /* ... in this process image */
  uint32_t from, to, n;
  struct access accesses[]; /* n and the end */
};

struct code {
  struct code *next;     /* of the same hash */
  struct shape *likely;  /* what the next execution is expected to do */
  struct shape *shapes;
  uint32_t n_shapes, n_insns;
  struct insn insns[];
};

extern struct shape unknown; /* of code that has not been executed */
struct code *code_find(const struct qemu_plugin_tb *tb);
/* A shape that the recorder knows. It is NULL when code has too many already, unless it must be. */
struct shape *code_shape(struct code *code, uint32_t from, uint32_t to, const struct access *accesses, uint32_t n, bool must);
void code_forget(void); /* the child of a fork tells everything again */

/* ---- threads.c: the threads, on their way to the ring. It has the lock ---- */

typedef void maps_fn(void);
void threads_start(maps_fn *maps);   /* the first thread, and what it finds mapped */
void threads_hold(void);             /* before a fork */
void threads_release(void);          /* behind it, in the parent */
void threads_restart(maps_fn *maps); /* behind it, in the child */
void threads_end(bool known, uint64_t status);
void thread_more(void);              /* before another thread starts */
void thread_end(void);
/* A record in its place: behind all that every thread did up to its last jump. */
void thread_event(uint32_t kind, const uint64_t *words, size_t n);

/* ---- runs.c: what a thread does ---- */

qemu_execute_fn run_last;        /* the last instruction of code (data) */
qemu_access_fn run_access;       /* by an instruction (data) before it */
qemu_access_fn run_last_access;  /* by the last one */
/* For code_shape: a run, told before the one that is being written. Under the lock. */
void run_tell(const uint64_t *words, size_t n);

/* ---- maps.c: the program's address space ---- */

#define PAGE UINT64_C(4096)
enum { MOST_TEXT = 4095, MAP_BIT_SHARED = 8, MAP_BIT_FIXED = 16 }; /* as PW_MAP_... */

struct program {
  uint64_t base;                 /* from its addresses to QEMU's */
  uint64_t heap_start, heap_end; /* whole pages; 0 before its first brk */
  bool narrow, is_arm64;         /* 32-bit addresses */
};
extern struct program program;

static inline uint64_t maps_up(uint64_t address)
{
  return (address + PAGE - 1) & -PAGE;
}
void maps_prepare(void);                                 /* before QEMU loads the program */
void maps_tell_all(void);                                /* under the lock */
void maps_executable(uint64_t start, uint64_t end);
void maps_forbid_zva(uint64_t address, uint64_t bytes, bool writable); /* in new code */
bool maps_read(uint64_t address, void *to, size_t bytes); /* false where there is nothing */
size_t maps_text(uint64_t *to, const char *text);        /* words: zero-terminated, padded */

/* ---- events.c: system calls ---- */

void events_prepare(const char *target);                        /* before QEMU loads the program */
void events_start(uint64_t address, const void *place_of_it); /* its first instruction, and where QEMU has it */
qemu_syscall_fn events_before;
qemu_syscall_return_fn events_after;
void events_end(void);

#endif
