/* Does to its memory what a program can: maps, grows, moves, gives back, protects, shares, forks.
 *
 * What `validate` has to get exactly right: page tables that come and go, faults of every kind. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20 };

static volatile char sink;

static char *map(size_t bytes)
{
  char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) exit(1);
  return at;
}

static void store(char *at, size_t bytes, size_t step)
{
  for (size_t i = 0; i < bytes; i += step) at[i] = 1;
}

static void load(const char *at, size_t bytes, size_t step)
{
  for (size_t i = 0; i < bytes; i += step) sink = at[i];
}

static void moves(void)
{
  char *a = map(3 * MIB), *b;
  store(a, 3 * MIB, 3 * PAGE);
  b = mremap(a, 3 * MIB, 9 * MIB, MREMAP_MAYMOVE);
  if (b == MAP_FAILED) exit(1);
  store(b, 9 * MIB, 5 * PAGE);
  char *wall = map(PAGE);
  store(wall, PAGE, PAGE);
  char *c = mremap(b, 9 * MIB, 17 * MIB, MREMAP_MAYMOVE);
  if (c == MAP_FAILED) exit(1);
  load(c, 17 * MIB, 7 * PAGE);
  mremap(c, 17 * MIB, 2 * MIB, 0);
  char *target = map(8 * MIB);
  mremap(c, 2 * MIB, 2 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, target + 3 * MIB);
  load(target, 8 * MIB, 16 * PAGE);
}

static void gives_back(void)
{
  char *a = map(64 * MIB);
  store(a, 64 * MIB, 16 * PAGE);
  madvise(a + 5 * PAGE, 40 * MIB, MADV_DONTNEED);
  load(a, 64 * MIB, 64 * PAGE);     /* the zero page */
  store(a, 64 * MIB, 128 * PAGE);   /* and a page of its own instead */
  munmap(a + 8 * MIB, 30 * MIB);
  mprotect(a + 2 * MIB, MIB, PROT_READ);
  load(a + 2 * MIB, MIB, PAGE);
  mprotect(a + 2 * MIB, MIB, PROT_READ | PROT_WRITE);
  store(a + 2 * MIB, MIB, PAGE);
  char *again = mmap(a + 4 * MIB, 3 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  store(again, 3 * MIB, 9 * PAGE);
}

static void files(const char *self)
{
  int fd = open(self, O_RDONLY);
  char *at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED) exit(1);
  load(at, 3 * PAGE, PAGE);
  at[PAGE] = 1;       /* copies a page that is there */
  close(fd);
  char name[] = "/tmp/pagewalk-mappings-XXXXXX";
  fd = mkstemp(name);
  if (fd < 0 || ftruncate(fd, 64 * PAGE)) exit(1);
  unlink(name);
  for (int i = 0; i < 64; i++)
    if (pwrite(fd, "x", 1, i * PAGE) != 1) exit(1);
  char *shared = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED) exit(1);
  store(shared, 64 * PAGE, 5 * PAGE);
  load(shared, 64 * PAGE, 3 * PAGE);
  char *memory = mmap(NULL, 40 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  load(memory, 40 * PAGE, 7 * PAGE);
  store(memory, 40 * PAGE, PAGE);
}

static void heap(void)
{
  char *start = sbrk(5 * MIB);
  store(start, 5 * MIB, 2 * PAGE);
  brk(start + MIB);
  start = sbrk(2 * MIB);
  load(start, 2 * MIB, 3 * PAGE);
  __asm__ volatile("addl $1, %0" : "+m"(start[MIB + PAGE])); /* a load and a store in one: one fault */
}

static int deep(int n)
{
  volatile char frame[3 * PAGE];
  frame[0] = (char)n;
  return n ? deep(n - 1) + frame[0] : 0;
}

static void forks(void)
{
  char *a = map(40 * PAGE);
  store(a, 40 * PAGE, PAGE);
  pid_t child = fork();
  if (child == 0) {
    store(a, 40 * PAGE, PAGE);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  store(a, 30 * PAGE, PAGE);
}

/* What a recording does not tell: validate has to say so. */
static void populates(void)
{
  char *a = map(8 * MIB);
  mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  madvise(a, MIB, 22);           /* MADV_POPULATE_READ */
  madvise(a + MIB / 2, MIB, 23); /* MADV_POPULATE_WRITE */
  mlock(a + 3 * MIB + 100, 40 * PAGE);
}

static void keeps(void)
{
  char *a = map(MIB);
  store(a, MIB, PAGE);
  if (mremap(a, MIB, MIB, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL) != MAP_FAILED) store(a, MIB, PAGE);
}

static void shares(void)
{
  char *a = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child = fork();
  if (child == 0) {
    store(a, 4 * MIB, PAGE);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  load(a, 4 * MIB, PAGE);
}

static void discards(void)
{
  int fd = open("/dev/null", O_WRONLY);
  if (write(fd, map(4 * MIB), 4 * MIB) != 4 * MIB) exit(1);
}

int main(int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "all";
  int all = strcmp(what, "all") == 0;
  if (all || !strcmp(what, "moves")) moves();
  if (all || !strcmp(what, "back")) gives_back();
  if (all || !strcmp(what, "files")) files(argv[0]);
  if (all || !strcmp(what, "heap")) heap();
  if (all || !strcmp(what, "deep")) sink = (char)deep(400);
  if (all || !strcmp(what, "forks")) forks();
  if (!strcmp(what, "populates")) populates();
  if (!strcmp(what, "keeps")) keeps();
  if (!strcmp(what, "shares")) shares();
  if (!strcmp(what, "discards")) discards();
  return 0;
}
