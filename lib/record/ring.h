/* The ring between a recorded program and the recorder: what both sides share.
 *
 * SPDX-License-Identifier: MIT
 *
 * A ring is a shared memory of one header page and n_blocks blocks of 64-bit words. The program's
 * side (traces/capture) fills blocks in turn, the recorder empties them in turn. Words of a block:
 *
 *   run      its number (top bit 0), then one word for each data access of the run: the address,
 *            or PW_RING_NOTHING for a guarded access that did not happen
 *   record   PW_RING_RECORD(kind, n), then n words
 *
 * A run is a straight line of instructions without a way out before its end. What it holds is
 * told once, in a record PW_RING_RUN, before the run is first named: the order of fetches and data
 * accesses is that of the instructions, although they are not recorded one by one.
 *
 * Invariant: a run or record never straddles two blocks, and `cursor` stands behind a whole one, so
 * that what a killed program did up to its last jump can be read from the block it was filling.
 * The header is included by the Valgrind tool, which has no libc: <stdint.h> only. */
#ifndef PW_RING_H
#define PW_RING_H

#include <stdint.h>

#define PW_RING_VERSION UINT32_C(4)
#define PW_RING_HEADER_BYTES 4096u
#define PW_RING_MOST_BLOCKS 64u
#define PW_RING_NOTHING UINT64_MAX
#define PW_RING_RECORD(kind, n) (UINT64_C(1) << 63 | (uint64_t)(kind) << 32 | (uint64_t)(n))
#define PW_RING_MOST_RUNS (UINT32_C(1) << 26)

struct pw_ring {
  uint64_t cursor;        /* in the program's addresses: where the next word goes */
  uint64_t end;           /* ... and the end of the block */
  uint64_t base;          /* ... and this ring */
  uint32_t n_blocks, block_bytes;
  uint32_t head, tail;    /* blocks filled and emptied so far */
  uint32_t reader_sleeps; /* write a byte to the socket after a block */
  uint32_t stop;          /* nobody reads any more: drop everything */
  uint32_t words[PW_RING_MOST_BLOCKS]; /* in each filled block */
  uint64_t cut[PW_RING_MOST_BLOCKS]; /* behind them is the start of a run, up to the instruction here, which faulted; or 0 */
};

/* What a program says when it connects; the answer is one byte with the ring's descriptor. */
struct pw_ring_hello {
  uint32_t version, pid, parent, forked;
};

enum pw_ring_kind {
  PW_RING_RUN = 1,   /* number, then items, see below */
  PW_RING_MAP,       /* address, bytes, PW_MAP_ bits, file offset, inode, file name in words */
  PW_RING_STACK,     /* address, bytes, PW_MAP_ bits or nothing: the stack came, or grew */
  PW_RING_HEAP,      /* address, bytes, PW_MAP_ bits: brk made the heap larger */
  PW_RING_UNMAP,     /* address, bytes */
  PW_RING_PROTECT,   /* address, bytes, protection */
  PW_RING_MOVE,      /* from, bytes, to: pages move to a mapping that was told before */
  PW_RING_DISCARD,   /* address, bytes: madvise gave the pages back */
  PW_RING_READ,      /* address, bytes: the kernel read a buffer */
  PW_RING_WRITE,     /* address, bytes: the kernel wrote a buffer */
  PW_RING_THREAD,    /* number of the thread that runs from here on */
  PW_RING_THREAD_NEW, /* parent, child */
  PW_RING_THREAD_END, /* thread */
  PW_RING_EXEC,      /* program name in words: it is about to be tried */
  PW_RING_EXIT,      /* status, signal or 0; the last one counts */
  PW_RING_FORGET,    /* 1: runs are told anew, from number 0 */
  PW_RING_UNRECORDED, /* 1: what is about to be executed cannot be recorded */
  PW_RING_ADVISE,    /* address, bytes, 14 huge pages or 15 none, 22 or 23 pages brought as if read or written (madvise), 128 locked; of the process 0, 0, 256 none or 257 (prctl) */
  PW_RING_FORK,      /* process id of a child that was forked */
};

/* An item of a run: enum pw_op in the top 2 bits, size in the next 14, and for a fetch the
 * address in the low 48. */
#define PW_RING_ITEM(op, size, address) \
  ((uint64_t)(op) << 62 | (uint64_t)(size) << 48 | ((uint64_t)(address) & UINT64_C(0xffffffffffff)))
#define PW_RING_ITEM_OP(item) ((uint32_t)((item) >> 62))
#define PW_RING_ITEM_BYTES(item) ((uint32_t)((item) >> 48 & 0x3fff))
#define PW_RING_MOST_ITEMS 8000u

#endif
