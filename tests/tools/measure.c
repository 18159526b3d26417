/* Runs a command and prints what it took on descriptor 3: seconds of processor time (user and
 * system), seconds that passed, and peak resident memory in KiB.
 *
 * User and system time are given as one sum, since the kernel knows the sum exactly and for a
 * short command only guesses the parts. A small C program, since the kernel counts the memory of
 * whoever forked towards the child's peak: measured from a script, a small child looks like its
 * parent. Descriptor 3 is not handed on to the command. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds_of(struct timeval t)
{
  return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
  if (argc < 2) return 2;
  double start = now();
  pid_t child = fork();
  if (child < 0) return 2;
  if (child == 0) {
    close(3);
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (wait4(child, &status, 0, &usage) < 0) return 2;
  dprintf(3, "%.6f %.6f %ld\n", seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), now() - start, usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
