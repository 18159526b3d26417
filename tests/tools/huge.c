/* Memory that asks for huge pages, for validate --thp: one way of using it, by name.
 *
 * But where addresses are what it is about it lies at those of its own choice, so that a recorded and a native run divide the same 2 MiB. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1ul << 20)

/* 3 MiB above a multiple of 4 MiB. */
static char *map(size_t bytes, int advice)
{
  char *p = mmap((void *)0x10000300000, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (p == MAP_FAILED || madvise(p, bytes, advice)) exit(2);
  return p;
}

/* The first whole 2 MiB of it. */
static char *aligned(char *p)
{
  return (char *)(((unsigned long)p + 2 * MIB - 1) & -(2 * MIB));
}

static void store(volatile char *p, size_t bytes, size_t step)
{
  for (size_t i = 0; i < bytes; i += step) p[i] = 1;
}

static int load(volatile const char *p, size_t bytes, size_t step)
{
  int sum = 0;
  for (size_t i = 0; i < bytes; i += step) sum += p[i];
  return sum;
}

static void forked(char *p, int child_stores)
{
  pid_t child = fork();
  if (child == 0) {
    if (child_stores) store(p, 4 * MIB, 2 * MIB);
    _exit(0);
  }
  if (child < 0 || waitpid(child, NULL, 0) < 0) exit(2);
}

int main(int argc, char **argv)
{
  const char *way = argc > 1 ? argv[1] : "";
  if (!strcmp(way, "array")) {
    store(map(16 * MIB, MADV_HUGEPAGE), 16 * MIB, 4096);
  } else if (!strcmp(way, "sparse")) { /* one byte of each 2 MiB, and a tail that is no whole one */
    store(map(17 * MIB, MADV_HUGEPAGE), 17 * MIB, 2 * MIB);
  } else if (!strcmp(way, "rounded")) { /* more than it needs, rounded up before it is advised and touched */
    char *p = mmap(NULL, 14 * MIB + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *a = aligned(p);
    if (p == MAP_FAILED || madvise(a, 12 * MIB, MADV_HUGEPAGE)) return 2;
    store(a, 12 * MIB, 4096);
  } else if (!strcmp(way, "unmap")) {
    char *p = map(12 * MIB, MADV_HUGEPAGE), *a = aligned(p);
    store(p, 12 * MIB, 4096);
    munmap(a + 4096, 8192);
    munmap(a + 4 * MIB, 3 * MIB);
  } else if (!strcmp(way, "discard")) {
    char *p = map(12 * MIB, MADV_HUGEPAGE), *a = aligned(p);
    store(p, 12 * MIB, 4096);
    madvise(a, 4096, MADV_DONTNEED);
    madvise(a + 2 * MIB, 4 * MIB, MADV_DONTNEED);
    store(a + 2 * MIB, 2 * MIB, 4096); /* a huge page again */
    store(a, 4096, 4096);              /* and a small one */
  } else if (!strcmp(way, "protect")) {
    char *p = map(12 * MIB, MADV_HUGEPAGE), *a = aligned(p);
    store(p, 12 * MIB, 4096);
    mprotect(a + 64 * 1024, 64 * 1024, PROT_READ);
    mprotect(a + 2 * MIB, 2 * MIB, PROT_READ);
    mprotect(a + 64 * 1024, 64 * 1024, PROT_READ | PROT_WRITE);
  } else if (!strcmp(way, "read")) { /* the huge zero page, half of which is written later */
    char *a = aligned(map(12 * MIB, MADV_HUGEPAGE));
    if (load(a, 8 * MIB, 4096)) return 3;
    store(a, 4 * MIB, 4096);
    munmap(a + 6 * MIB, 4096);
  } else if (!strcmp(way, "fork")) {
    char *a = aligned(map(12 * MIB, MADV_HUGEPAGE));
    store(a, 8 * MIB, 4096);
    forked(a, 1);
    store(a, 8 * MIB, 4096);
  } else if (!strcmp(way, "nohuge")) {
    char *p = map(8 * MIB, MADV_HUGEPAGE);
    madvise(aligned(p), 2 * MIB, MADV_NOHUGEPAGE);
    store(p, 8 * MIB, 4096);
  } else if (!strcmp(way, "prctl")) {
    char *p = map(12 * MIB, MADV_HUGEPAGE);
    store(p, 6 * MIB, 4096);
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    store(p + 6 * MIB, 6 * MIB, 4096);
  } else if (!strcmp(way, "move")) {
    char *p = map(8 * MIB, MADV_HUGEPAGE);
    store(p, 8 * MIB, 4096);
    p = mremap(p, 8 * MIB, 24 * MIB, MREMAP_MAYMOVE);
    if (p == MAP_FAILED) return 2;
    store(p + 8 * MIB, 8 * MIB, 4096);
  } else if (!strcmp(way, "heap")) { /* grown past 2 MiB, by malloc; that it asks for huge pages is glibc's doing */
    mallopt(M_TOP_PAD, 16 * MIB);   /* at once: further steps end at multiples of 2 MiB, wherever the heap begins */
    for (int i = 0; i < 600; i++) {
      char *p = malloc(20000);
      if (!p) return 2;
      store(p, 20000, 4096);
    }
    char *large = malloc(9 * MIB);
    if (!large) return 2;
    store(large, 9 * MIB, 4096);
    free(large);
  } else {
    fprintf(stderr, "usage: huge WAY\n");
    return 1;
  }
  return 0;
}
