/* A program with a memory limit. See limit_run.h. */
#include "judge/limit_run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "judge/native_run.h"
#include "record/program.h"

enum { POLL_NS = 200000, IDLE_NS = 2000000, LOOK_EVERY = 16, TEXT = 1 << 14 };

struct watched {
  pid_t process;
  const struct pw_lab *lab;
  const struct pw_limit_run_options *options;
  struct pw_limited *limited;
  int counters;  /* memory.stat of the group */
  bool became;   /* the program */
  int program_cpu, our_cpu;
  cpu_set_t before;
};

/* The last two processors that we may run on: the program's, and ours. */
static void choose_cpus(struct watched *w)
{
  w->program_cpu = w->our_cpu = -1;
  if (sched_getaffinity(0, sizeof w->before, &w->before)) return;
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET((size_t)i, &w->before)) {
      w->our_cpu = w->program_cpu;
      w->program_cpu = i;
    }
}

static void pin(int cpu)
{
  cpu_set_t set;
  if (cpu < 0) return;
  CPU_ZERO(&set);
  CPU_SET((size_t)cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

/* ---- the child ---- */

static void become(const struct watched *w, const char *path, char *const argv[], int report)
{
  int why;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pw_program_before(w->options->output);
  personality(ADDR_NO_RANDOMIZE);
  if (!w->options->thp) prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  pin(w->program_cpu);
  why = pw_lab_join(w->lab);
  if (!why) {
    execve(path, argv, w->options->environment);
    why = errno;
  }
  ssize_t told = write(report, &why, sizeof why);
  (void)told;
  _exit(127);
}

/* ---- while it runs ---- */

/* Has it become the program? Before, its memory is ours. */
static bool has_become(struct watched *w)
{
  char path[64], its[512], ours[512];
  if (w->became) return true;
  snprintf(path, sizeof path, "/proc/%d/exe", w->process);
  ssize_t n = readlink(path, its, sizeof its), m = readlink("/proc/self/exe", ours, sizeof ours);
  w->became = n > 0 && m > 0 && (n != m || memcmp(its, ours, (size_t)n) != 0);
  return w->became;
}

static void look(struct watched *w)
{
  char path[64], text[TEXT];
  if (!has_become(w)) return;
  snprintf(path, sizeof path, "/proc/%d/status", w->process);
  pw_file_text(path, text, sizeof text);
  uint64_t tables = pw_counter(text, "VmPTE") << 10;
  if (tables > w->limited->table_bytes) w->limited->table_bytes = tables;
}

static void poll_counters(struct watched *w, bool looks)
{
  char text[TEXT];
  ssize_t n = w->counters < 0 ? 0 : pread(w->counters, text, sizeof text - 1, 0);
  if (n <= 0 || !looks) return;
  text[n] = '\0';
  uint64_t huge = pw_counter(text, w->lab->second ? "anon_thp" : "rss_huge");
  uint64_t files = pw_counter(text, w->lab->second ? "file" : "cache");
  if (huge > w->limited->huge_bytes) w->limited->huge_bytes = huge;
  if (files > w->limited->file_bytes) w->limited->file_bytes = files;
  uint64_t kernel = w->lab->second ? pw_counter(text, "kernel") : 0; /* version 1 keeps the most itself */
  if (kernel > w->limited->kernel_bytes) w->limited->kernel_bytes = kernel;
  look(w);
}

/* Above all others on another processor, while it runs: or as we are, where there is no other. */
static void rise(const struct watched *w)
{
  if (w->our_cpu < 0 || !w->options->polled) return;
  pin(w->our_cpu);
  sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
}

static void sink(const struct watched *w)
{
  sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){.sched_priority = 0});
  sched_setaffinity(0, sizeof w->before, &w->before);
}

static int watch(struct watched *w, struct rusage *usage, struct pw_error *err)
{
  const struct timespec nap = {.tv_nsec = w->options->polled ? POLL_NS : IDLE_NS};
  int status;
  for (unsigned n = 0;; n++) {
    pid_t got = wait4(w->process, &status, WNOHANG, usage);
    if (got == w->process) break;
    if (w->options->stop && w->options->stop(w->options->context)) return pw_error_set(err, PW_EINTERRUPTED, "interrupted");
    if (w->options->polled) poll_counters(w, n % LOOK_EVERY == 0);
    else if (n % LOOK_EVERY == 0) look(w);
    nanosleep(&nap, NULL);
  }
  w->limited->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  w->limited->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  w->process = 0;
  return 0;
}

/* ---- the whole ---- */

static void take_difference(struct pw_limited *l, const char *before, const char *after)
{
#define GREW(NAME) (pw_counter(after, NAME) - pw_counter(before, NAME))
  l->swap_ins = GREW("pswpin");
  l->swap_outs = GREW("pswpout") + GREW("swpout_zero");
  l->refaults = GREW("workingset_refault_anon") + GREW("workingset_refault_file");
  l->activations = GREW("workingset_activate_anon") + GREW("workingset_activate_file");
  l->thp_swap_outs = GREW("thp_swpout");
#undef GREW
}

static int run(struct watched *w, const char *path, char *const argv[], struct pw_error *err)
{
  static char before[1 << 16], after[1 << 16];
  struct rusage usage = {0};
  int report[2], why;
  if (pipe2(report, O_CLOEXEC)) return pw_error_set(err, PW_EIO, "no pipe to the program: %s", strerror(errno));
  pw_file_text("/proc/vmstat", before, sizeof before);
  w->process = fork();
  if (w->process == 0) become(w, path, argv, report[1]);
  close(report[1]);
  int status = w->process < 0 ? pw_error_set(err, PW_EIO, "no process for the program: %s", strerror(errno)) : 0;
  rise(w);
  if (!status) status = watch(w, &usage, err);
  sink(w);
  pw_file_text("/proc/vmstat", after, sizeof after);
  if (!status && read(report[0], &why, sizeof why) == (ssize_t)sizeof why)
    status = pw_error_set(err, PW_EIO, "%s cannot be executed in its group: %s", path, strerror(why));
  close(report[0]);
  w->limited->major_faults = (uint64_t)usage.ru_majflt;
  w->limited->minor_faults = (uint64_t)usage.ru_minflt;
  take_difference(w->limited, before, after);
  return status;
}

int pw_limit_run(struct pw_limited *limited, struct pw_lab *lab, uint64_t limit_bytes, const char *path, char *const argv[],
                 const struct pw_limit_run_options *options, struct pw_error *err)
{
  struct watched w = {.lab = lab, .options = options, .limited = limited, .counters = -1};
  char counters[400];
  *limited = (struct pw_limited){.signal = 0};
  int status = pw_lab_group(lab, limit_bytes, err);
  if (status) return status;
  choose_cpus(&w);
  snprintf(counters, sizeof counters, "%s/memory.stat", lab->group);
  w.counters = open(counters, O_RDONLY | O_CLOEXEC);
  status = run(&w, path, argv, err);
  limited->peak_bytes = pw_lab_value(lab, lab->second ? "memory.peak" : "memory.max_usage_in_bytes", NULL);
  if (!lab->second) limited->kernel_bytes = pw_lab_value(lab, "memory.kmem.max_usage_in_bytes", NULL);
  limited->oom_kills = pw_lab_value(lab, lab->second ? "memory.events" : "memory.oom_control", "oom_kill");
  if (w.counters >= 0) close(w.counters);
  if (w.process > 0) {
    kill(w.process, SIGKILL);
    while (waitpid(w.process, NULL, 0) < 0 && errno == EINTR) continue;
  }
  pw_lab_ungroup(lab);
  return status;
}
