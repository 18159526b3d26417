/* The plugin's side of the ring: connects, fills blocks, waits for free ones.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each process asks the recorder's socket for a ring of its own. Where the recorder cannot be
 * reached, or leaves, the ring stays and is written over and over, so that the program itself
 * never notices. The socket's descriptor lies above the program's limit where possible, so that the
 * program does not meet it; a wait for a free block looks every second whether the recorder still lives. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "plugin.h"

enum { ALONE_BYTES = 128 << 10 };

struct pw_ring *ring;
static size_t ring_bytes;
static int sock = -1;
static char ring_name[96];

static uint64_t *block_start(void)
{
  return (uint64_t *)(void *)((char *)ring + PW_RING_HEADER_BYTES + (size_t)(ring->head % ring->n_blocks) * ring->block_bytes);
}

static void begin_block(void)
{
  uint64_t block = (uintptr_t)block_start();
  __atomic_store_n(&ring->cursor, block, __ATOMIC_RELEASE);
  ring->end = block + ring->block_bytes;
}

static void leave(void)
{
  __atomic_store_n(&ring->stop, 1, __ATOMIC_SEQ_CST);
}

/* The recorder holds the other end of the socket and never writes more: an end means that it died. */
static bool recorder_died(void)
{
  char byte;
  return recv(sock, &byte, 1, MSG_DONTWAIT) == 0;
}

static void wait_for_room(void)
{
  struct timespec second = {1, 0};
  while (!__atomic_load_n(&ring->stop, __ATOMIC_SEQ_CST)) {
    uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_SEQ_CST);
    if (ring->head - tail < ring->n_blocks) return;
    syscall(SYS_futex, &ring->tail, FUTEX_WAIT, tail, &second, NULL, 0);
    if (__atomic_load_n(&ring->tail, __ATOMIC_SEQ_CST) == tail && recorder_died()) leave();
  }
}

static void wake_reader(void)
{
  if (__atomic_exchange_n(&ring->reader_sleeps, 0, __ATOMIC_SEQ_CST)) send(sock, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void channel_flush(void)
{
  uint32_t words = (uint32_t)((ring->cursor - (uintptr_t)block_start()) / 8);
  if (words == 0) return;
  if (!ring->stop) {
    int saved = errno;
    ring->words[ring->head % ring->n_blocks] = words;
    __atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_SEQ_CST);
    wake_reader();
    wait_for_room();
    errno = saved;
  }
  begin_block();
}

void channel_room(size_t n)
{
  if (ring->end - ring->cursor < 8 * n) channel_flush();
}

void channel_record(uint32_t kind, const uint64_t *words, size_t n)
{
  channel_room(n + 1);
  uint64_t *to = (uint64_t *)(uintptr_t)ring->cursor;
  *to = PW_RING_RECORD(kind, n);
  memcpy(to + 1, words, n * sizeof *words);
  __atomic_store_n(&ring->cursor, (uint64_t)(uintptr_t)(to + 1 + n), __ATOMIC_RELEASE);
}

/* Above what the program may open itself; where the limit cannot be passed for that moment, high below it. */
static int out_of_sight(int fd)
{
  enum { HIGH = 65536 };
  struct rlimit now, more;
  if (getrlimit(RLIMIT_NOFILE, &now)) return fd;
  more = now;
  more.rlim_cur = now.rlim_max - now.rlim_cur > 64 ? now.rlim_cur + 64 : now.rlim_max;
  bool above = now.rlim_cur < now.rlim_max && now.rlim_cur <= HIGH && setrlimit(RLIMIT_NOFILE, &more) == 0;
  int high = fcntl(fd, F_DUPFD_CLOEXEC, above ? (int)now.rlim_cur : (int)(now.rlim_cur < HIGH ? now.rlim_cur : HIGH) - 1);
  if (above) setrlimit(RLIMIT_NOFILE, &now);
  if (high < 0) return fd;
  close(fd);
  return high;
}

/* Connects to the abstract name; -1 when nobody listens. */
static int connect_to(const char *name)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t n = strlen(name);
  if (n == 0 || n > sizeof address.sun_path - 1) return -1;
  memcpy(address.sun_path + 1, name, n);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) == 0)
    return out_of_sight(fd);
  close(fd);
  return -1;
}

/* Waits for the answer: the descriptor of a ring, or -1 when the recorder wants nothing of us. */
static int receive_ring(void)
{
  char byte;
  union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
  struct iovec io = {&byte, 1};
  struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t got;
  int fd;
  do got = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  struct cmsghdr *c = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
  if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int))) return -1;
  memcpy(&fd, CMSG_DATA(c), sizeof fd);
  return fd;
}

static int ask_for_ring(bool forked)
{
  struct pw_ring_hello hello = {PW_RING_VERSION, (uint32_t)getpid(), (uint32_t)getppid(), forked};
  sock = connect_to(ring_name);
  if (sock < 0) return -1;
  send(sock, &hello, sizeof hello, MSG_NOSIGNAL);
  int fd = receive_ring();
  if (fd >= 0) return fd;
  close(sock);
  sock = -1;
  return -1;
}

/* Takes the ring of a descriptor, or makes one that nobody reads. */
static void take_ring(int fd)
{
  struct stat st;
  bool heard = fd >= 0 && fstat(fd, &st) == 0;
  ring_bytes = heard ? (size_t)st.st_size : PW_RING_HEADER_BYTES + ALONE_BYTES;
  void *map = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, heard ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, heard ? fd : -1, 0);
  if (fd >= 0) close(fd);
  if (map == MAP_FAILED) abort();
  ring = map;
  if (!heard) {
    ring->n_blocks = 1;
    ring->block_bytes = ALONE_BYTES;
    leave();
  }
  ring->base = (uintptr_t)ring;
  begin_block();
}

void channel_open(const char *name)
{
  strncpy(ring_name, name, sizeof ring_name - 1);
  take_ring(ask_for_ring(false));
}

void channel_reopen(void)
{
  int old = sock, saved = errno;
  bool stopped = ring->stop;
  munmap(ring, ring_bytes);
  sock = -1;
  if (old >= 0) close(old);
  take_ring(stopped ? -1 : ask_for_ring(true));
  errno = saved;
}
