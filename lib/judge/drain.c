/* Takes what a program prints. See drain.h. */
#include "judge/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_MOST = 1 << 20 }; /* bytes, as Linux limits it */

static void print_all(const char *bytes, size_t n)
{
  while (n) {
    ssize_t done = write(1, bytes, n);
    if (done < 0 && errno != EINTR) return;
    if (done > 0) bytes += done, n -= (size_t)done;
  }
}

/* Our parent ends us with SIGTERM when the program is gone: then what is in the pipe is the rest. What it left
 * running may print for ever. */
static volatile sig_atomic_t last;

static void at_end(int signal)
{
  (void)signal;
  last = 1;
}

static void take(int from, bool show)
{
  char bytes[1 << 16];
  struct sigaction action = {.sa_handler = at_end};
  signal(SIGINT, SIG_IGN);
  sigaction(SIGTERM, &action, NULL); /* without SA_RESTART: it wakes the read */
  for (size_t rest = PIPE_MOST; rest;) {
    struct pollfd poll_in = {.fd = from, .events = POLLIN};
    int ready = poll(&poll_in, 1, last ? 0 : 500);
    if (ready == 0 && last) return;
    if (ready <= 0) continue;
    ssize_t n = read(from, bytes, sizeof bytes);
    if (n == 0) return;
    if (n > 0 && show) print_all(bytes, (size_t)n);
    if (n > 0 && last) rest -= (size_t)n < rest ? (size_t)n : rest;
  }
}

int pw_drain_start(struct pw_drain *drain, bool show, struct pw_error *err)
{
  int ends[2];
  drain->pid = 0;
  drain->output = 0;
  if (pipe2(ends, O_CLOEXEC)) return pw_error_set(err, PW_EIO, "no pipe for what the program prints: %s", strerror(errno));
  drain->pid = fork();
  if (drain->pid == 0) {
    close(ends[1]);
    take(ends[0], show);
    _exit(0);
  }
  int cause = errno;
  close(ends[0]);
  drain->output = ends[1];
  if (drain->pid > 0) return 0;
  drain->pid = 0;
  pw_drain_end(drain);
  return pw_error_set(err, PW_EIO, "no process for what the program prints: %s", strerror(cause));
}

void pw_drain_end(struct pw_drain *drain)
{
  if (drain->output) close(drain->output);
  drain->output = 0;
  if (!drain->pid) return;
  kill(drain->pid, SIGTERM);
  while (waitpid(drain->pid, NULL, 0) < 0 && errno == EINTR) continue;
  drain->pid = 0;
}
