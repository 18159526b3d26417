/* Does this kernel free a page table whose whole span was given back? Linux 6.14 and later may. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge/native_run.h"

/* Asks it: in a child, since its answer stands in the child's own /proc/self. */
bool pw_native_reclaims(void)
{
  const size_t two = 2u << 20;
  int status;
  pid_t child = fork();
  if (child == 0) {
    pw_native_table_bytes(getpid()); /* allocates what it needs */
    char *area = mmap(NULL, 3 * two, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) _exit(2);
    char *span = area + (two - (uintptr_t)area % two);
    madvise(area, 3 * two, MADV_NOHUGEPAGE);
    *span = 1;
    uint64_t before = pw_native_table_bytes(getpid());
    madvise(span, two, MADV_DONTNEED);
    _exit(pw_native_table_bytes(getpid()) < before ? 1 : 0);
  }
  if (child < 0) return false;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}
