/* Starts a program under what records it: the capture tool, or QEMU.
 *
 * The program gets our streams, its own name as its first argument, and the limits that we had. What goes
 * wrong up to the start of the backend comes back through a pipe that a successful start closes. */
#include "record/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "record/emulator.h"
#include "record/program.h"

enum { VALGRINDS_STACK = 16 << 20 };
/* Valgrind keeps some KiB for each thread that there may be; its own limit is 500. */
#define MOST_THREADS "--max-threads=2500"

static struct rlimit files; /* as they were; rlim_cur 0: not changed */

void pw_launch_raise_files(void)
{
  struct rlimit more;
  if (files.rlim_cur || getrlimit(RLIMIT_NOFILE, &files)) return;
  more = (struct rlimit){files.rlim_max, files.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &more)) files.rlim_cur = 0;
}

static int fill_argv(struct pw_launch *launch, const char *const *fixed, char *const argv[], struct pw_error *err)
{
  size_t n_fixed = 0, n = 0;
  while (fixed[n_fixed]) n_fixed++;
  while (argv[n]) n++;
  launch->argv = pw_calloc(n_fixed + n, sizeof *launch->argv);
  if (!launch->argv) return pw_error_set(err, PW_ENOMEM, "memory ran out for the command to start; free some and run again");
  memcpy(launch->argv, fixed, n_fixed * sizeof *fixed);
  memcpy(launch->argv + n_fixed, argv + 1, n * sizeof *fixed); /* with the NULL */
  return 0;
}

/* Valgrind's main stack is as large as the limit, but no larger than 16 MiB unless it is told. */
static void say_stack(char *text, size_t room)
{
  const rlim_t most = (rlim_t)1 << 30;
  struct rlimit stack;
  rlim_t bytes = getrlimit(RLIMIT_STACK, &stack) ? 0 : stack.rlim_cur == RLIM_INFINITY || stack.rlim_cur > most ? most : stack.rlim_cur;
  snprintf(text, room, "--main-stacksize=%llu", (unsigned long long)(bytes > VALGRINDS_STACK ? bytes & ~(rlim_t)4095 : 0));
}

/* The tool looks for the program in PATH as we did; where there is none, it does not know our default. */
static int prepare_valgrind(struct pw_launch *launch, const struct pw_record_options *options, const char *socket,
                            const char *path,
                            char *const argv[], struct pw_error *err)
{
  int status = pw_program_check(path, err);
  if (!status) status = pw_capture_check(options->tool_folder, err);
  if (status) return status;
  launch->called = "the capture tool";
  snprintf(launch->file, sizeof launch->file, "%s/launch", options->tool_folder);
  snprintf(launch->texts[0], sizeof launch->texts[0], "--ring=%s", socket);
  say_stack(launch->texts[1], sizeof launch->texts[1]);
  const char *fixed[] = {launch->file, MOST_THREADS, launch->texts[1], "-q", "--tool=pagewalk", "--vgdb=no", "--command-line-only=yes", "--trace-children=yes",
                         options->first_only ? "--trace-children-skip=*" : "--sanity-level=1", launch->texts[0], "--",
                         getenv("PATH") ? argv[0] : path, NULL};
  return fill_argv(launch, fixed, argv, err);
}

static int prepare_qemu(struct pw_launch *launch, const struct pw_record_options *options, const char *socket, const char *path,
                        char *const argv[], struct pw_error *err)
{
  struct pw_emulator emulator;
  int status = pw_emulator_choose(&emulator, path, options->tool_folder, options->qemu, options->sysroot, err);
  if (status) return status;
  launch->called = "QEMU";
  snprintf(launch->file, sizeof launch->file, "%s", emulator.qemu);
  snprintf(launch->texts[0], sizeof launch->texts[0], "%s,ring=%s", emulator.plugin, socket);
  snprintf(launch->texts[1], sizeof launch->texts[1], "%s", emulator.sysroot);
  const char *fixed[12] = {launch->file, "-plugin", launch->texts[0], "-0", argv[0]};
  size_t n = 5;
  if (emulator.sysroot[0]) fixed[n++] = "-L", fixed[n++] = launch->texts[1];
  if (emulator.cpu) fixed[n++] = "-cpu", fixed[n++] = emulator.cpu;
  fixed[n] = path;
  return fill_argv(launch, fixed, argv, err);
}

int pw_launch_prepare(struct pw_launch *launch, const struct pw_record_options *options, const char *socket, const char *path,
                      char *const argv[], struct pw_error *err)
{
  launch->argv = NULL;
  launch->environment = options->environment;
  launch->output = options->program_output;
  return (options->backend == PW_RECORD_QEMU ? prepare_qemu : prepare_valgrind)(launch, options, socket, path, argv, err);
}

void pw_launch_clear(struct pw_launch *launch)
{
  pw_free(launch->argv);
  launch->argv = NULL;
}

/* Whoever records may be killed: then the program goes too, and does not run on alone. (A thread's end would count as well.) */
static void die_with(pid_t parent, bool main_thread)
{
  if (!main_thread) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
}

static void become(const struct pw_launch *launch, int report, pid_t parent, bool main_thread)
{
  die_with(parent, main_thread);
  pw_program_before(launch->output);
  if (files.rlim_cur) setrlimit(RLIMIT_NOFILE, &files);
  execve(launch->file, launch->argv, launch->environment ? launch->environment : environ);
  int cause = errno;
  ssize_t told = write(report, &cause, sizeof cause);
  (void)told;
  _exit(127);
}

int pw_launch_start(const struct pw_launch *launch, pid_t *pid, struct pw_error *err)
{
  int report[2], cause = 0;
  if (pipe2(report, O_CLOEXEC)) return pw_error_set(err, PW_EIO, "no pipe to the program: %s", strerror(errno));
  pid_t parent = getpid();
  bool main_thread = syscall(SYS_gettid) == parent;
  *pid = fork();
  if (*pid == 0) become(launch, report[1], parent, main_thread);
  int forked = errno;
  close(report[1]);
  ssize_t got = *pid < 0 ? 0 : read(report[0], &cause, sizeof cause);
  close(report[0]);
  if (*pid < 0) return pw_error_set(err, PW_EIO, "no process for the program: %s", strerror(forked));
  if (got != (ssize_t)sizeof cause) return 0;
  waitpid(*pid, NULL, 0);
  return pw_error_set(err, PW_EUNSUPPORTED, "%s, %s, cannot be started: %s", launch->called, launch->file, strerror(cause));
}
