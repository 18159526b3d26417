/* A kernel's tracepoints around a native run.
 *
 * A watcher, a child of its own session, makes an instance of tracefs for this run alone, follows the program and what it
 * starts there, and takes the instance away when the pipe to us closes: also when we are killed. Nothing else of the system's tracing
 * is touched. Where tracefs is mounted nowhere, the watcher mounts it for itself. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pagewalk.h"
#include "record/program.h"

static const char *const events[] = {"kmalloc", "kfree", "kmem_cache_alloc", "kmem_cache_free", "mm_page_alloc", "mm_page_free"};
enum { N_EVENTS = sizeof events / sizeof *events };
#define BUFFER_KIB "131072" /* a processor; one event takes some 64 bytes of it */

/* What the watcher answers: 0, or an errno with the place; at the end also how many events were lost. */
struct watcher_answer {
  int error;
  char place[200];
  unsigned long long lost;
};

struct watcher {
  char root[64], instance[128];
  int commands, answers, text; /* pipes; the file that is written */
};

static void answer(const struct watcher *w, int error, const char *place, unsigned long long lost)
{
  struct watcher_answer a = {.error = error, .lost = lost};
  snprintf(a.place, sizeof a.place, "%s", place);
  ssize_t told = write(w->answers, &a, sizeof a);
  (void)told;
}

static int put(const struct watcher *w, const char *file, const char *value)
{
  char path[256];
  snprintf(path, sizeof path, "%s/%s", w->instance, file);
  int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
  bool good = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
  int error = good ? 0 : errno ? errno : EIO;
  if (fd >= 0) close(fd);
  return error;
}

static int put_all(const struct watcher *w, const char *value)
{
  char file[64];
  int error = 0;
  for (int i = 0; !error && i < N_EVENTS; i++) {
    snprintf(file, sizeof file, "events/kmem/%s/enable", events[i]);
    error = put(w, file, value);
  }
  return error;
}

static bool has_tracefs(struct watcher *w, const char *root)
{
  char path[96];
  snprintf(w->root, sizeof w->root, "%s", root);
  snprintf(path, sizeof path, "%s/instances", root);
  return access(path, W_OK) == 0;
}

static int find_tracefs(struct watcher *w)
{
  if (has_tracefs(w, "/sys/kernel/tracing") || has_tracefs(w, "/sys/kernel/debug/tracing")) return 0;
  if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) return errno;
  if (mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL)) return errno;
  return has_tracefs(w, "/sys/kernel/tracing") ? 0 : ENOENT;
}

static int make_instance(struct watcher *w, pid_t program)
{
  char pid[24];
  snprintf(w->instance, sizeof w->instance, "%s/instances/pagewalk-%ld", w->root, (long)getpid());
  if (mkdir(w->instance, 0700)) {
    int error = errno;
    w->instance[0] = '\0';
    return error;
  }
  snprintf(pid, sizeof pid, "%ld", (long)program);
  int error = put(w, "buffer_size_kb", BUFFER_KIB);
  if (!error) error = put(w, "trace_options", "event-fork");
  if (!error) error = put(w, "set_event_pid", pid);
  return error ? error : put_all(w, "1");
}

static unsigned long long count_lost(const struct watcher *w)
{
  char path[256], line[128];
  unsigned long long lost = 0, n;
  for (int cpu = 0;; cpu++) {
    snprintf(path, sizeof path, "%s/per_cpu/cpu%d/stats", w->instance, cpu);
    FILE *file = fopen(path, "re");
    if (!file) return lost;
    while (fgets(line, sizeof line, file))
      if (sscanf(line, "overrun: %llu", &n) == 1) lost += n;
    fclose(file);
  }
}

static int copy_text(const struct watcher *w)
{
  char path[256], bytes[1 << 16];
  ssize_t got = 0;
  snprintf(path, sizeof path, "%s/trace", w->instance);
  int from = open(path, O_RDONLY | O_CLOEXEC);
  if (from < 0) return errno;
  while ((got = read(from, bytes, sizeof bytes)) > 0)
    for (ssize_t done = 0, n; done < got; done += n)
      if ((n = write(w->text, bytes + done, (size_t)(got - done))) < 0) {
        close(from);
        return errno;
      }
  close(from);
  return got < 0 ? errno : 0;
}

/* Takes the instance away; events go off first, since a program may still run. */
static void end_instance(const struct watcher *w)
{
  if (!w->instance[0]) return;
  put_all(w, "0");
  rmdir(w->instance);
}

/* The whole life of the watcher: it is told the program, then waits for a byte (the program ended) or the end of the pipe (we did). */
static void watch(struct watcher *w)
{
  pid_t program = 0;
  char byte;
  setsid();
  for (int s = 1; s < 32; s++) signal(s, SIG_IGN);
  int error = find_tracefs(w);
  if (error) answer(w, error, "tracefs", 0);
  if (error || read(w->commands, &program, sizeof program) != sizeof program) _exit(1);
  error = make_instance(w, program);
  answer(w, error, w->instance[0] ? w->instance : "an instance of tracefs", 0);
  bool ended = !error && read(w->commands, &byte, 1) == 1;
  if (w->instance[0]) put_all(w, "0");
  if (ended) {
    error = copy_text(w);
    answer(w, error, "the kernel's events", count_lost(w));
  }
  end_instance(w);
  _exit(0);
}

/* ---- the side of the caller ---- */

static int no_events(const struct watcher_answer *a, struct pw_error *err)
{
  const char *why = a->error == EACCES || a->error == EPERM ? "; the kernel's tracepoints are for root alone" : "";
  return pw_error_set(err, PW_EUNSUPPORTED, "%s cannot be had for --kernel-events: %s%s", a->place, strerror(a->error), why);
}

static int hear(int answers, struct watcher_answer *a, struct pw_error *err)
{
  if (read(answers, a, sizeof *a) != (ssize_t)sizeof *a)
    return pw_error_set(err, PW_EIO, "what watches the kernel's events ended before its time");
  return a->error ? no_events(a, err) : 0;
}

/* Waits until it may run, and becomes the program. */
static void run(const char *path, char *const argv[], int go)
{
  char byte;
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  pw_program_before(null);
  if (read(go, &byte, 1) == 1) execv(path, argv);
  _exit(127);
}

/* Starts both: the program waits for a byte on *go. */
static int start(struct watcher *w, const char *path, char *const argv[], pid_t *watcher, pid_t *program, int *go, struct pw_error *err)
{
  int commands[2], answers[2], gate[2];
  if (pipe2(commands, O_CLOEXEC) || pipe2(answers, O_CLOEXEC) || pipe2(gate, O_CLOEXEC))
    return pw_error_set(err, PW_EIO, "no pipe for the kernel's events: %s", strerror(errno));
  *watcher = fork();
  if (*watcher == 0) {
    close(commands[1]);
    close(answers[0]);
    close(gate[1]);
    w->commands = commands[0];
    w->answers = answers[1];
    watch(w);
  }
  close(commands[0]);
  close(answers[1]);
  *program = *watcher < 0 ? -1 : fork();
  if (*program == 0) {
    close(commands[1]);
    close(gate[1]);
    run(path, argv, gate[0]);
  }
  close(gate[0]);
  w->commands = commands[1];
  w->answers = answers[0];
  *go = gate[1];
  return *program < 0 ? pw_error_set(err, PW_EIO, "no process for the kernel's events: %s", strerror(errno)) : 0;
}

static int follow(const struct watcher *w, pid_t program, int go, uint64_t *lost, struct pw_error *err)
{
  struct watcher_answer a;
  int state, status = write(w->commands, &program, sizeof program) == sizeof program ? 0 : -1;
  status = hear(w->answers, &a, err);
  if (!status && write(go, "", 1) != 1) status = pw_error_set(err, PW_EIO, "the program did not wait for the kernel's events");
  close(go); /* without the byte it ends */
  while (waitpid(program, &state, 0) < 0 && errno == EINTR) continue;
  if (!status && WIFEXITED(state) && WEXITSTATUS(state) == 127)
    status = pw_error_set(err, PW_EIO, "the program could not be run once more for --kernel-events");
  if (!status && write(w->commands, "", 1) != 1) status = pw_error_set(err, PW_EIO, "what watches the kernel's events is gone");
  if (!status) status = hear(w->answers, &a, err);
  if (!status) *lost = a.lost;
  return status;
}

int pw_record_kernel(char *const argv[], const char *output, uint64_t *lost, struct pw_error *err)
{
  char path[4096];
  struct watcher w = {0};
  struct pw_output *out = NULL;
  pid_t watcher = -1, program = -1;
  int go = -1;
  *lost = 0;
  int status = pw_program_find(path, sizeof path, argv[0], err);
  if (!status) status = pw_output_open(&out, output, err);
  if (status) return status;
  FILE *stream = pw_output_stream(out);
  w.text = fileno(stream);
  status = start(&w, path, argv, &watcher, &program, &go, err);
  if (!status) status = follow(&w, program, go, lost, err);
  if (w.commands > 0) close(w.commands);
  if (watcher > 0) waitpid(watcher, NULL, 0);
  if (w.answers > 0) close(w.answers);
  if (status) {
    pw_output_abandon(out);
    return status;
  }
  return pw_output_commit(out, err);
}
