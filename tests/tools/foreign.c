/* A program with libc for other machines: what it does is named by its first argument.
 *
 * "events" maps, moves, discards and unmaps; "fork" has a child and executes what does not exist;
 * "threads N" has two threads of N rounds; "faults N" stores to N fresh pages, each time just
 * before a fault; "crash" ends in one; "loop" never ends; "into" becomes
 * another program. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 4096, ATOMICS = 512 };

static volatile long area[2][WORDS], shared;
static sigjmp_buf back;
static int rounds;

static char *fresh(size_t bytes)
{
  char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) exit(99);
  return memory;
}

static void touch(volatile long *words)
{
  for (int i = 0; i < WORDS; i++) words[i]++;
}

static int events(void)
{
  volatile char *memory = fresh(1 << 20);
  memory[5] = 1;
  memory = mremap((char *)memory, 1 << 20, 4 << 20, MREMAP_MAYMOVE);
  memory[2 << 20] = 1;
  madvise((char *)memory, 1 << 20, MADV_DONTNEED);
  mprotect((char *)memory, 4096, PROT_READ);
  munmap((char *)memory, 4 << 20);
  if (sbrk(500000) == (void *)-1 || sbrk(-400000) == (void *)-1) return 98;
  char *block = calloc(1, 100000); /* cleared by the kernel, then by memset */
  memset(block, 0, 100000);
  return block[5] + 3;
}

static int fork_and_execute(void)
{
  int status;
  pid_t child = fork();
  if (child == 0) {
    touch(area[0]);
    _exit(4);
  }
  waitpid(child, &status, 0);
  execl("/nonesuch", "nonesuch", (char *)NULL);
  return WEXITSTATUS(status);
}

static void *work(void *words)
{
  for (int i = 0; i < rounds; i++) {
    touch(words);
    for (int k = 0; k < ATOMICS; k++) __atomic_fetch_add(&shared, 1, __ATOMIC_SEQ_CST);
  }
  return NULL;
}

static int threads(void)
{
  pthread_t thread[2];
  for (int i = 0; i < 2; i++) pthread_create(&thread[i], NULL, work, (void *)area[i]);
  for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
  return 5;
}

static void on_fault(int number)
{
  siglongjmp(back, number);
}

static int faults(void)
{
  volatile char *page = fresh((size_t)rounds * 4096);
  char *forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  signal(SIGSEGV, on_fault);
  for (volatile int i = 0; i < rounds; i++)
    if (!sigsetjmp(back, 1)) {
      page[i * 4096] = 1;
      *(volatile char *)forbidden = 1;
    }
  return 6;
}

int main(int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "";
  rounds = argc > 2 ? atoi(argv[2]) : 1;
  touch(area[0]);
  if (strcmp(what, "events") == 0) return events();
  if (strcmp(what, "fork") == 0) return fork_and_execute();
  if (strcmp(what, "threads") == 0) return threads();
  if (strcmp(what, "faults") == 0) return faults();
  if (strcmp(what, "into") == 0) execl("/bin/true", "true", (char *)NULL);
  if (strcmp(what, "crash") == 0) *(volatile int *)0 = 1;
  while (strcmp(what, "loop") == 0) touch(area[1]);
  char text[64];
  if (strcmp(what, "echo") == 0 && fgets(text, sizeof text, stdin)) fputs(text, stdout), fputs("to stderr\n", stderr);
  return 7;
}
