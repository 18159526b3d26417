/* A program whose events are known: it prints those that each of its steps must leave in a trace, in order.
 *
 * A line "! EVENT" says that there must be no such event. Used by regress/record_events.sh, which
 * compares with what tests/tools/events prints: kind, three numbers, text. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS, PAGE = 4096 };

static char said[1 << 16];
static size_t n_said;

/* Kept until the end: printing changes what is mapped. */
__attribute__((format(printf, 1, 2))) static void expect(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  n_said += (size_t)vsnprintf(said + n_said, sizeof said - n_said, format, arguments);
  va_end(arguments);
  said[n_said++] = '\n';
}

static void expect_event(const char *kind, const void *a, size_t b, unsigned long c)
{
  expect("%s %lx %zx %lx ", kind, (unsigned long)a, b, c);
}

static char *map(size_t bytes)
{
  char *p = mmap(NULL, bytes, RW, ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) exit(99);
  return p;
}

static void pieces(void)
{
  char *a = map(40000);
  memset(a, 1, 40000);
  expect_event("map", a, 0xa000, 3);
  mmap(a + PAGE, 100, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0);
  expect_event("unmap", a + PAGE, PAGE, 0);
  expect_event("map", a + PAGE, PAGE, 1 | 16);
  mprotect(a + 2 * PAGE, 2 * PAGE, PROT_READ);
  expect_event("protect", a + 2 * PAGE, 2 * PAGE, 1);
  madvise(a + 4 * PAGE, 5000, MADV_DONTNEED);
  expect_event("discard", a + 4 * PAGE, 2 * PAGE, 0);
  madvise(a + 6 * PAGE, PAGE, MADV_FREE);
  expect("! discard %lx %x 0 ", (unsigned long)a + 6 * PAGE, PAGE);
  if (madvise(a + 4 * PAGE, 5000, MADV_HUGEPAGE) == 0) expect_event("advise", a + 4 * PAGE, 2 * PAGE, MADV_HUGEPAGE);
  if (madvise(a + 5 * PAGE, PAGE, MADV_NOHUGEPAGE) == 0) expect_event("advise", a + 5 * PAGE, PAGE, MADV_NOHUGEPAGE);
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0) expect("advise 0 0 100 ");
  if (prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) == 0) expect("advise 0 0 101 ");
  munmap(a + 3 * PAGE, 1);
  expect_event("unmap", a + 3 * PAGE, PAGE, 0);
  munmap((char *)1, PAGE);
  expect("! unmap 1 %x 0 ", PAGE);
  munmap(a, 40000);
  expect_event("unmap", a, 0xa000, 0);
}

static void file(const char *path)
{
  struct stat st;
  int fd = open(path, O_RDONLY);
  fstat(fd, &st);
  char *f = mmap(NULL, 5000, PROT_READ, MAP_SHARED, fd, PAGE);
  expect("map %lx 2000 9 %s", (unsigned long)f, path);
  expect("backing 1000 %lx 0 *", (unsigned long)st.st_ino);
  munmap(f, 5000);
  expect_event("unmap", f, 2 * PAGE, 0);
  close(fd);
}

static void expect_move(const char *from, size_t before, const char *to, size_t after, unsigned long bits)
{
  expect_event("map", to, after, bits);
  expect_event("move", from, before < after ? before : after, (unsigned long)to);
  expect_event("unmap", from, before, 0);
}

/* What grows where it is has neighbours of other rights: Valgrind's mappings grow into one. */
static void remaps(void)
{
  char *a = map(3 * PAGE), *b, *area = mmap(NULL, 128 * PAGE, PROT_NONE, ANONYMOUS, -1, 0);
  mprotect(a + 2 * PAGE, PAGE, PROT_NONE);
  a[PAGE] = 1;
  b = mremap(a, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
  expect_move(a, 2 * PAGE, b, 64 * PAGE, 3);
  a = mremap(b, 64 * PAGE, 60 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + PAGE);
  expect_event("unmap", a, 60 * PAGE, 0);
  expect_move(b, 64 * PAGE, a, 60 * PAGE, 3 | 16);
  mremap(a, 60 * PAGE, PAGE, 0);
  expect_event("unmap", a + PAGE, 59 * PAGE, 0);
  if (mremap(a, PAGE, 3 * PAGE, 0) != a) exit(90);
  expect_event("map", a + PAGE, 2 * PAGE, 3);
  a[2 * PAGE] = 1;
}

static void segments(void)
{
  int id = shmget(IPC_PRIVATE, 10000, 0600);
  if (id < 0) return;
  char *s = shmat(id, NULL, 0);
  shmctl(id, IPC_RMID, NULL);
  s[PAGE] = 1;
  expect_event("map", s, 3 * PAGE, 3 | 8);
  shmdt(s);
  expect_event("unmap", s, 3 * PAGE, 0);
}

static void heap(void)
{
  char *start = sbrk(0), *page = (char *)(((unsigned long)start + PAGE - 1) / PAGE * PAGE);
  if (brk(page + 100) || brk(page + 10000)) exit(97);
  page[9000] = 1;
  expect("map %lx 1000 3 [heap]", (unsigned long)page);
  expect("map %lx 2000 3 [heap]", (unsigned long)page + PAGE);
  brk(page + 1);
  expect_event("unmap", page + PAGE, 2 * PAGE, 0);
  brk(start);
  expect_event("unmap", page, PAGE, 0);
}

static void buffers(void)
{
  int ends[2], zero = open("/dev/zero", O_RDONLY), pair[2];
  char *a = map(64 * PAGE), *bad = map(PAGE);
  munmap(bad, PAGE);
  pipe(ends);
  write(ends[1], a + 10, 5000);
  expect_event("kernel-read", a + 10, 5000, 0);
  read(ends[0], a + PAGE, 20000);
  expect_event("kernel-write", a + PAGE, 5000, 0);
  struct iovec parts[] = {{a, PAGE}, {a + PAGE, PAGE}, {a + 8 * PAGE, 10}};
  readv(zero, parts, 3);
  expect_event("kernel-write", a, 2 * PAGE, 0);
  expect_event("kernel-write", a + 8 * PAGE, 10, 0);
  errno = 0;
  read(-1, a + 20 * PAGE, 100);
  expect("! kernel-write %lx 64 0 ", (unsigned long)a + 20 * PAGE);
  write(-1, a + 20 * PAGE, 100);
  expect("! kernel-read %lx 64 0 ", (unsigned long)a + 20 * PAGE);
  write(ends[1], bad, 100);
  expect("! kernel-read %lx 64 0 ", (unsigned long)bad);
  strcpy(a + 30 * PAGE - 3, "/no/such/file");
  open(a + 30 * PAGE - 3, O_RDONLY);
  expect_event("kernel-read", a + 30 * PAGE - 3, 14, 0);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  fcntl(pair[1], F_SETFL, O_NONBLOCK);
  setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &(int){9000}, sizeof(int));
  ssize_t part = write(pair[1], a, 64 * PAGE);
  if (part <= 0 || part >= 64 * PAGE) exit(96);
  expect_event("kernel-read", a, (size_t)part, 0);
}

static char *guarded;
static int mended;

static void mend(int number, siginfo_t *info, void *context)
{
  (void)number, (void)context;
  if ((char *)info->si_addr < guarded || (char *)info->si_addr >= guarded + 10 * PAGE) _exit(95);
  mprotect(guarded, 10 * PAGE, RW);
  mended++;
}

/* Whoever mends a fault goes on with every register as it was. */
static void faults(void)
{
  struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  guarded = map(10 * PAGE);
  unsigned long sum = 0;
  for (unsigned long k = 0; k < 50; k++) {
    mprotect(guarded, 10 * PAGE, PROT_READ);
    for (unsigned long i = 0; i < 100; i++) {
      guarded[i * 100] = (char)i;
      sum += i * k + (unsigned char)guarded[i * 100];
    }
  }
  if (mended != 50 || sum != 4950 * 1225 + 50 * 4950) _exit(94);
}

static void huge(void)
{
  for (size_t gigabytes = 1; gigabytes <= 1000; gigabytes *= 10) {
    char *p = mmap(NULL, gigabytes << 30, RW, ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) exit(93);
    expect_event("map", p, gigabytes << 30, 3);
    for (size_t at = 0; at < gigabytes << 30; at += 1ul << 30) p[at] = 1;
    munmap(p, gigabytes << 30);
    expect_event("unmap", p, gigabytes << 30, 0);
  }
}

static int deep(int n)
{
  volatile char frame[5000];
  frame[0] = (char)n;
  return n ? deep(n - 1) + frame[0] : 0;
}

static void *work(void *argument)
{
  char frame[30000];
  memset(frame, 1, sizeof frame);
  usleep(1000);
  return frame[29999] ? argument : NULL;
}

static void threads(void)
{
  pthread_t all[100];
  for (int i = 0; i < 100; i++)
    if (pthread_create(&all[i], NULL, work, NULL)) exit(92);
  for (int i = 0; i < 100; i++) pthread_join(all[i], NULL);
}

/* A child starts with all that is mapped, shared or not. */
static void children(void)
{
  char *shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *own = map(PAGE);
  mprotect(own, PAGE, PROT_READ);
  expect_event("map", shared, PAGE, 3 | 8);
  for (int i = 0; i < 5; i++)
    if (fork() == 0) {
      shared[i] = own[0];
      _exit(deep(i) & 0);
    }
  while (wait(NULL) > 0) continue;
}

int main(int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "maps")) {
    pieces();
    file(argv[2]);
    remaps();
    segments();
    heap();
  }
  if (!strcmp(what, "buffers")) buffers();
  if (!strcmp(what, "faults")) faults();
  if (!strcmp(what, "huge")) huge();
  if (!strcmp(what, "stack") && deep(300) == 1) exit(1);
  if (!strcmp(what, "threads")) threads();
  if (!strcmp(what, "children")) children();
  return write(STDOUT_FILENO, said, n_said) == (ssize_t)n_said ? 0 : 91;
}
