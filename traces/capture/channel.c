/* The program's side of the ring: connects, fills blocks, waits for free ones.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each process image connects to the recorder's socket by name and gets a ring of its own. Where
 * the recorder cannot be reached, or leaves, the ring stays and is written over and over, so that
 * the program itself never notices. A wait for a free block looks every second whether the recorder
 * still lives. */
#include "capture.h"

#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

/* Exported by Valgrind's core, though not declared for tools. */
extern SysRes VG_(do_syscall)(UWord number, RegWord, RegWord, RegWord, RegWord, RegWord, RegWord, RegWord, RegWord);
extern SysRes VG_(am_shared_mmap_file_float_valgrind)(SizeT length, UInt prot, Int fd, Off64T offset);
extern Int VG_(safe_fd)(Int old);

enum { FUTEX_WAIT_OP = 0, MSG_DONTWAIT_FLAG = 0x40, MSG_NOSIGNAL_FLAG = 0x4000, SOCK_STREAM_CLOEXEC = 1 | 02000000 };

enum { STACK_WORDS = 3 }; /* of the record that the stack grew; each block keeps room for one */

struct pw_ring *ring;
static Addr stack_start, stack_told_at; /* it grew; where the record belongs */
static SizeT stack_bytes;
static SizeT ring_bytes;
static Int sock = -1;

#define SYSCALL(number, a, b, c, d, e, f) \
  VG_(do_syscall)((number), (RegWord)(a), (RegWord)(b), (RegWord)(c), (RegWord)(d), (RegWord)(e), (RegWord)(f), 0, 0)

static ULong *block_start(void)
{
  return (ULong *)((UChar *)ring + PW_RING_HEADER_BYTES + (SizeT)(ring->head % ring->n_blocks) * ring->block_bytes);
}

static void begin_block(void)
{
  ULong *block = block_start();
  ring->cut[ring->head % ring->n_blocks] = 0;
  __atomic_store_n(&ring->cursor, (ULong)(Addr)block, __ATOMIC_RELEASE);
  ring->end = (ULong)(Addr)block + ring->block_bytes - 8 * STACK_WORDS;
}

static void leave(void)
{
  __atomic_store_n(&ring->stop, 1, __ATOMIC_SEQ_CST);
}

/* The recorder holds the other end of the socket and never writes more: an end means that it died. */
static Bool recorder_died(void)
{
  UChar byte;
  SysRes got = SYSCALL(__NR_recvfrom, sock, &byte, 1, MSG_DONTWAIT_FLAG, 0, 0);
  return !sr_isError(got) && sr_Res(got) == 0;
}

static void wait_for_room(void)
{
  struct vki_timespec second = {1, 0};
  while (!ring->stop) {
    UInt tail = __atomic_load_n(&ring->tail, __ATOMIC_SEQ_CST);
    if (ring->head - tail < ring->n_blocks) return;
    SYSCALL(__NR_futex, &ring->tail, FUTEX_WAIT_OP, tail, &second, 0, 0);
    if (__atomic_load_n(&ring->tail, __ATOMIC_SEQ_CST) == tail && recorder_died()) leave();
  }
}

static void wake_reader(void)
{
  if (__atomic_exchange_n(&ring->reader_sleeps, 0, __ATOMIC_SEQ_CST))
    SYSCALL(__NR_sendto, sock, "", 1, MSG_NOSIGNAL_FLAG | MSG_DONTWAIT_FLAG, 0, 0);
}

/* The stack grows when it is touched, in the midst of a run whose words are not published yet, so
 * the record cannot be put behind them. It is put before them as soon as they are; an end of 0
 * sees to it that the next superblock asks for room, and so comes here. */
void channel_stack_grew(Addr start, SizeT bytes)
{
  if (stack_bytes == 0) stack_told_at = ring->cursor;
  stack_bytes += bytes;
  stack_start = start;
  ring->end = 0;
}

void channel_forget_stack(void)
{
  if (stack_bytes) ring->end = (ULong)(Addr)block_start() + ring->block_bytes - 8 * STACK_WORDS;
  stack_bytes = 0;
}

static ULong *block_end(void)
{
  return (ULong *)((UChar *)block_start() + ring->block_bytes);
}

/* `moves`: what stands between the record's place and there makes room for it. */
static void tell_stack(ULong *moves)
{
  if (stack_bytes == 0) return;
  ULong *at = (ULong *)stack_told_at;
  for (ULong *to = moves; to-- > at;) to[STACK_WORDS] = *to;
  at[0] = PW_RING_RECORD(PW_RING_STACK, STACK_WORDS - 1);
  at[1] = stack_start;
  at[2] = stack_bytes;
  __atomic_store_n(&ring->cursor, ring->cursor + 8 * STACK_WORDS, __ATOMIC_RELEASE);
  channel_forget_stack();
}

static void hand_over(void)
{
  if (!ring->stop) {
    ring->words[ring->head % ring->n_blocks] = (UInt)((ring->cursor - (Addr)block_start()) / 8);
    __atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_SEQ_CST);
    wake_reader();
    wait_for_room();
  }
  begin_block();
}

void channel_flush(void)
{
  tell_stack((ULong *)(Addr)ring->cursor);
  if (ring->cursor > (Addr)block_start()) hand_over();
}

/* Nothing was published since the run began, so its words stand at the cursor. How many, the recorder finds out. */
void channel_cut(Addr instruction)
{
  if (ring->stop) return;
  tell_stack(block_end() - STACK_WORDS);
  ring->cut[ring->head % ring->n_blocks] = instruction;
  hand_over();
}

void channel_record(UInt kind, const ULong *words, UInt n)
{
  if (ring->stop) return;
  tell_stack((ULong *)(Addr)ring->cursor);
  if (ring->end < ring->cursor || ring->end - ring->cursor < 8 * ((ULong)n + 1)) channel_flush();
  ULong *to = (ULong *)(Addr)ring->cursor;
  *to++ = PW_RING_RECORD(kind, n);
  for (UInt i = 0; i < n; i++) *to++ = words[i];
  __atomic_store_n(&ring->cursor, (ULong)(Addr)to, __ATOMIC_RELEASE);
}

void channel_end(void)
{
  channel_flush();
}

/* Connects to the abstract name; -1 when nobody listens. */
static Int connect_to(const HChar *name)
{
  struct { UShort family; HChar path[108]; } address = {1, {0}};
  SizeT n = VG_(strlen)(name);
  if (n > sizeof address.path - 1) return -1;
  VG_(memcpy)(address.path + 1, name, n);
  SysRes got = SYSCALL(__NR_socket, 1, SOCK_STREAM_CLOEXEC, 0, 0, 0, 0);
  if (sr_isError(got)) return -1;
  Int fd = VG_(safe_fd)((Int)sr_Res(got));
  got = SYSCALL(__NR_connect, fd, &address, 2 + 1 + n, 0, 0, 0);
  if (!sr_isError(got)) return fd;
  VG_(close)(fd);
  return -1;
}

/* Waits for the answer: the descriptor of a ring, or -1 when the recorder wants nothing of us. */
static Int receive_ring(void)
{
  UChar byte;
  struct { void *base; SizeT n; } io = {&byte, 1};
  struct { SizeT bytes; Int level, type, fd, pad; } control;
  struct { void *name; UInt name_bytes; void *io; SizeT n_io; void *control; SizeT control_bytes; Int flags; } message = {
      0, 0, &io, 1, &control, sizeof control, 0};
  control.bytes = 0;
  control.fd = -1;
  SysRes got;
  do got = SYSCALL(__NR_recvmsg, sock, &message, 0, 0, 0, 0);
  while (sr_isError(got) && sr_Err(got) == VKI_EINTR);
  Bool whole = !sr_isError(got) && sr_Res(got) == 1 && message.control_bytes >= 20 && control.bytes == 20;
  return whole ? control.fd : -1;
}

static Int ask_for_ring(const HChar *name, Bool forked)
{
  struct pw_ring_hello hello = {PW_RING_VERSION, (UInt)VG_(getpid)(), (UInt)VG_(getppid)(), forked};
  sock = name ? connect_to(name) : -1;
  if (sock < 0) return -1;
  SYSCALL(__NR_sendto, sock, &hello, sizeof hello, MSG_NOSIGNAL_FLAG, 0, 0);
  Int fd = receive_ring();
  if (fd >= 0) return fd;
  VG_(close)(sock);
  sock = -1;
  return -1;
}

void channel_open(const HChar *name)
{
  Int fd = ask_for_ring(name, False);
  struct vg_stat st;
  SysRes map;
  Bool heard = fd >= 0 && VG_(fstat)(fd, &st) == 0;
  ring_bytes = heard ? (SizeT)st.size : PW_RING_HEADER_BYTES + (256u << 10);
  if (heard) {
    map = VG_(am_shared_mmap_file_float_valgrind)(ring_bytes, VKI_PROT_READ | VKI_PROT_WRITE, fd, 0);
    VG_(close)(fd);
    if (sr_isError(map)) VG_(tool_panic)("the ring cannot be mapped");
    ring = (struct pw_ring *)(Addr)sr_Res(map);
  } else {
    ring = VG_(am_shadow_alloc)(ring_bytes);
    if (!ring) VG_(tool_panic)("memory ran out");
    ring->n_blocks = 1;
    ring->block_bytes = 256u << 10;
    leave();
  }
  ring->base = (ULong)(Addr)ring;
  begin_block();
}

/* The old mapping is the parent's: a new one takes its place, at the same address. */
void channel_reopen(const HChar *name)
{
  enum { SHARED_FIXED = 0x11, PRIVATE_FIXED_ANONYMOUS = 0x32, READ_WRITE = 3 };
  UInt n_blocks = ring->n_blocks, block_bytes = ring->block_bytes;
  if (sock >= 0) VG_(close)(sock);
  sock = -1;
  Int fd = ring->stop ? -1 : ask_for_ring(name, True);
  SysRes map = SYSCALL(__NR_mmap, ring, ring_bytes, READ_WRITE, fd >= 0 ? SHARED_FIXED : PRIVATE_FIXED_ANONYMOUS, fd, 0);
  if (fd >= 0) VG_(close)(fd);
  if (sr_isError(map)) VG_(tool_panic)("the ring cannot be mapped");
  if (fd < 0) {
    ring->n_blocks = n_blocks;
    ring->block_bytes = block_bytes;
    leave();
  }
  ring->base = (ULong)(Addr)ring;
  begin_block();
}
