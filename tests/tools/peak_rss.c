/* Runs a command and prints its peak resident memory in KiB on descriptor 3.
 *
 * A small C program, since the kernel counts the memory of whoever forked towards
 * the child's peak: measured from a script, a small child looks like its parent. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  if (argc < 2) return 2;
  pid_t child = fork();
  if (child < 0) return 2;
  if (child == 0) {
    close(3);
    execv(argv[1], argv + 1);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (wait4(child, &status, 0, &usage) < 0) return 2;
  dprintf(3, "%ld\n", usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
