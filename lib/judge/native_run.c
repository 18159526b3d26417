/* Runs a program natively under ptrace and keeps what the kernel does for it. See native_run.h.
 *
 * Each thread is stopped at the entry and at the exit of each system call; the kernel's answer at
 * the exit is where a mapping went. No system call is changed, and no memory of the program is
 * read or written that could fault pages in. */
#include "judge/native_run.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "record/program.h"

#define MOST_WARMED_BYTES (INT64_C(1) << 30)
enum { POPULATE_READ = 22, POPULATE_WRITE = 23 }; /* MADV_…, since Linux 5.14 */

struct thread {
  pid_t id;
  bool begun;            /* past the stop that every new thread begins with */
  uint64_t number, arguments[6]; /* of the system call it is in */
};

struct native_run {
  struct pw_native *native;
  const struct pw_native_options *options;
  pid_t process;
  bool executed;         /* past its first exec */
  bool measured;         /* it has become another: what follows does not count */
  struct thread *threads;
  size_t n_threads, threads_room;
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out while the program ran natively");
}

/* ---- the child ---- */

enum { FAILED_PTRACE = 1, FAILED_EXEC };

static void become(const char *path, char *const argv[], const struct pw_native_options *options, int report)
{
  int what[2] = {FAILED_PTRACE, 0};
  pw_program_before(options->output);
  personality(ADDR_NO_RANDOMIZE);
  if (!options->thp) prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0) {
    raise(SIGSTOP); /* our parent sets its options */
    execve(path, argv, options->environment);
    what[0] = FAILED_EXEC;
  }
  what[1] = errno;
  ssize_t told = write(report, what, sizeof what);
  (void)told;
  _exit(127);
}

static int why_not(int report, const char *path, struct pw_error *err)
{
  int what[2];
  if (read(report, what, sizeof what) != (ssize_t)sizeof what)
    return pw_error_set(err, PW_EIO, "%s ended before its first instruction", path);
  if (what[0] == FAILED_PTRACE)
    return pw_error_set(err, PW_EUNSUPPORTED, "this system forbids ptrace (%s), which validate watches the program with; allow "
                                              "it, as with docker run --cap-add=SYS_PTRACE", strerror(what[1]));
  return pw_error_set(err, PW_EIO, "%s cannot be executed: %s", path, strerror(what[1]));
}

/* ---- threads ---- */

static struct thread *find_thread(struct native_run *r, pid_t id, struct pw_error *err)
{
  for (size_t i = 0; i < r->n_threads; i++)
    if (r->threads[i].id == id) return &r->threads[i];
  if (pw_grow((void **)&r->threads, &r->threads_room, r->n_threads + 1, sizeof *r->threads)) {
    out_of_memory(err);
    return NULL;
  }
  r->threads[r->n_threads] = (struct thread){.id = id, .begun = id == r->process};
  return &r->threads[r->n_threads++];
}

static void forget_thread(struct native_run *r, pid_t id)
{
  for (size_t i = 0; i < r->n_threads; i++)
    if (r->threads[i].id == id) r->threads[i] = r->threads[--r->n_threads];
}

/* ---- system calls ---- */

/* Fault-around maps what the page cache holds, and the model takes it to hold whole files. */
static void warm(const char *path)
{
  char bytes[1 << 16];
  struct stat st;
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return;
  if (fstat(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MOST_WARMED_BYTES)
    while (read(file, bytes, sizeof bytes) > 0) continue;
  close(file);
}

static void warm_descriptor(pid_t thread, int fd)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)thread, fd);
  if (fd >= 0) warm(path);
}

static uint64_t whole_pages(uint64_t bytes)
{
  return (bytes + 4095) & ~UINT64_C(4095);
}

static int add_call(struct native_run *r, struct pw_native_call call, struct pw_error *err)
{
  struct pw_native *n = r->native;
  if (pw_grow((void **)&n->calls, &n->calls_room, n->n_calls + 1, sizeof *n->calls)) return out_of_memory(err);
  n->calls[n->n_calls++] = call;
  return 0;
}

static int note_map(struct native_run *r, const struct thread *t, uint64_t result, struct pw_error *err)
{
  const uint64_t *a = t->arguments;
  struct pw_native_call call = {.kind = PW_NATIVE_MAP, .address = result, .bytes = whole_pages(a[1]), .offset = a[5]};
  call.fixed = a[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE);
  r->native->populated += (a[3] & (MAP_POPULATE | MAP_LOCKED)) != 0;
  r->native->shared_maps += (a[3] & MAP_SHARED) != 0 && a[2] & PROT_WRITE;
  if (!(a[3] & MAP_ANONYMOUS)) warm_descriptor(t->id, (int)a[4]);
  if (!(a[3] & MAP_ANONYMOUS)) pw_native_file(t->id, (int)a[4], &call.inode, &call.file_bytes);
  return add_call(r, call, err);
}

static bool is_fork(const struct thread *t)
{
  return t->number == SYS_fork || (t->number == SYS_clone && !(t->arguments[0] & CLONE_VM));
}

/* Whoever needs memory aligned maps too much and cuts it: malloc's arenas do. */
static void note_cut(struct pw_native *n, uint64_t address, uint64_t bytes)
{
  const size_t recent = 64;
  for (size_t i = n->n_calls; i-- > 0 && n->n_calls - i <= recent;) {
    struct pw_native_call *c = &n->calls[i];
    if (c->kind != PW_NATIVE_MAP || c->fixed || address < c->address || address + bytes > c->address + c->bytes) continue;
    if (!c->cut && bytes < c->bytes) {
      c->front = address == c->address ? bytes : 0;
      c->cut = true;
    }
    return;
  }
}

static int note_call(struct native_run *r, const struct thread *t, int64_t result, struct pw_error *err)
{
  const uint64_t *a = t->arguments;
  if (r->measured || (result < 0 && result > -4096)) return 0;
  uint64_t address = (uint64_t)result;
  if (is_fork(t)) r->native->forks++;
  switch (t->number) {
  case SYS_mmap: return note_map(r, t, address, err);
  case SYS_munmap: note_cut(r->native, a[0], whole_pages(a[1])); return 0;
  case SYS_mremap:
    r->native->kept_moves += (a[3] & MREMAP_DONTUNMAP) != 0;
    return add_call(r, (struct pw_native_call){.kind = PW_NATIVE_MOVE, .address = address, .bytes = whole_pages(a[2]),
                                               .from = a[0], .from_bytes = whole_pages(a[1])}, err);
  case SYS_madvise: r->native->populated += a[2] == POPULATE_READ || a[2] == POPULATE_WRITE; return 0;
  case SYS_mlock: case SYS_mlock2: case SYS_mlockall: r->native->populated++; return 0;
  case SYS_write: case SYS_writev: case SYS_pwrite64: r->native->null_writes += pw_native_is_null(t->id, (int)a[0]); return 0;
  case SYS_shmat: return add_call(r, (struct pw_native_call){.kind = PW_NATIVE_MAP, .address = address}, err);
  default: return 0;
  }
}

static int look(struct native_run *r, pid_t thread, struct pw_error *err)
{
  int status = r->measured ? 0 : pw_native_look(&r->native->end, r->process, thread, err);
  if (!status && r->native->end.peak_bytes > r->native->peak_bytes) r->native->peak_bytes = r->native->end.peak_bytes;
  if (!status && !r->measured && r->options->thp) status = pw_native_huge_bytes(&r->native->end.huge_bytes, r->process, thread, err);
  return status;
}

/* Memory only shrinks in these, so what is resident when they begin has the peak among it. (VmHWM is
 * brought up to date there as well, but from counters kept for each processor, and so misses pages.) */
static bool may_shrink(const struct thread *t)
{
  switch (t->number) {
  case SYS_munmap: case SYS_mremap: case SYS_madvise: case SYS_brk: case SYS_shmdt: case SYS_exit_group: return true;
  case SYS_mmap: return t->arguments[3] & MAP_FIXED;
  default: return false;
  }
}

static void note_resident(struct native_run *r, pid_t thread)
{
  uint64_t bytes = r->executed && !r->measured ? pw_native_resident(thread) : 0;
  if (bytes > r->native->peak_bytes) r->native->peak_bytes = bytes;
}

static int at_syscall(struct native_run *r, struct thread *t, struct pw_error *err)
{
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, t->id, (void *)sizeof info, &info) <= 0) return 0;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
    t->number = info.entry.nr;
    memcpy(t->arguments, info.entry.args, sizeof t->arguments);
    if (may_shrink(t)) note_resident(r, t->id);
    bool execs = t->number == SYS_execve || t->number == SYS_execveat;
    return execs && r->executed ? look(r, t->id, err) : 0; /* the last that will be seen of this program */
  }
  return info.op == PTRACE_SYSCALL_INFO_EXIT ? note_call(r, t, info.exit.rval, err) : 0;
}

/* ---- stops ---- */

static uint64_t peek(pid_t thread, uint64_t address)
{
  errno = 0;
  return (uint64_t)ptrace(PTRACE_PEEKDATA, thread, (void *)(uintptr_t)address, NULL);
}

/* Valgrind has no vdso to offer; so that ld.so allocates the same and the time is asked for in the
 * same way, the program is not told of it here either. The stack is there: the kernel just wrote it. */
static void hide_vdso(pid_t thread, uint64_t stack)
{
  uint64_t at = stack + 8 * (peek(thread, stack) + 2); /* argc, argv[] and its NULL */
  while (peek(thread, at) && !errno) at += 8;
  for (at += 8; peek(thread, at) != AT_NULL && !errno; at += 16)
    if (peek(thread, at) == AT_SYSINFO_EHDR) ptrace(PTRACE_POKEDATA, thread, (void *)(uintptr_t)at, (void *)(uintptr_t)AT_IGNORE);
}

static int at_exec(struct native_run *r, pid_t thread, struct pw_error *err)
{
  struct user_regs_struct registers;
  if (r->executed) {
    r->measured = r->native->became_another = true;
    return 0;
  }
  r->executed = true;
  r->native->threads = 1;
  if (ptrace(PTRACE_GETREGS, thread, NULL, &registers))
    return pw_error_set(err, PW_EUNSUPPORTED, "this system forbids to look at a program with ptrace: %s", strerror(errno));
  r->native->stack_pointer = registers.rsp;
  hide_vdso(thread, registers.rsp);
  r->native->heap = pw_native_heap_start(r->process);
  int status = pw_native_look(&r->native->start, r->process, thread, err);
  for (size_t i = 0; i < r->native->start.n_areas && !status; i++)
    if (r->native->start.areas[i].vma.inode) warm(r->native->start.areas[i].name);
  return status;
}

/* The signal to pass on, or 0. */
static int signal_of_stop(struct thread *t, int status)
{
  int signal = WSTOPSIG(status);
  if (signal == SIGSTOP && !t->begun) {
    t->begun = true;
    return 0;
  }
  return signal;
}

/* The last thread that leaves, or the first: each may be the one that still has the memory. */
static bool worth_a_look(const struct native_run *r, pid_t thread)
{
  return thread == r->process || r->n_threads <= 1;
}

static int at_stop(struct native_run *r, pid_t id, int status, struct pw_error *err)
{
  int event = status >> 16, result = 0, signal = 0;
  struct thread *t = find_thread(r, id, err);
  if (!t) return PW_ENOMEM;
  unsigned long clone = 0;
  if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
    result = at_syscall(r, t, err);
  } else if (event == PTRACE_EVENT_EXEC) {
    result = at_exec(r, id, err);
    if (r->options->only_start) kill(r->process, SIGKILL);
  } else if (event == PTRACE_EVENT_EXIT) {
    if (worth_a_look(r, id)) result = look(r, id, err);
    forget_thread(r, id);
  } else if (event == PTRACE_EVENT_CLONE) {
    ptrace(PTRACE_GETEVENTMSG, id, NULL, &clone);
    r->native->threads += !r->measured;
    if (!find_thread(r, (pid_t)clone, err)) result = PW_ENOMEM;
  } else if (event == 0) {
    signal = signal_of_stop(t, status);
  }
  if (result == 0) ptrace(PTRACE_SYSCALL, id, NULL, (void *)(intptr_t)signal);
  return result;
}

/* A process made with clone and not as a thread is let go. */
static bool let_go(const struct native_run *r, pid_t id)
{
  if (!r->executed || id == r->process || pw_native_is_thread(r->process, id)) return false;
  ptrace(PTRACE_DETACH, id, NULL, NULL);
  return true;
}

static int follow(struct native_run *r, struct pw_error *err)
{
  for (;;) {
    int status, result = 0;
    pid_t id = waitpid(-1, &status, __WALL);
    if (id < 0 && errno != EINTR) return 0;
    if (id < 0) {
      if (r->options->stop && r->options->stop(r->options->context)) return pw_error_set(err, PW_EINTERRUPTED, "interrupted");
    } else if (WIFSTOPPED(status)) {
      if (!let_go(r, id)) result = at_stop(r, id, status, err);
    } else {
      forget_thread(r, id);
      if (id != r->process) continue;
      r->native->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      r->native->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      return 0;
    }
    if (result) return result;
  }
}

static int set_options(pid_t process, struct pw_error *err)
{
  const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT;
  int status;
  pid_t got;
  while ((got = waitpid(process, &status, __WALL)) < 0 && errno == EINTR) continue;
  if (got != process || !WIFSTOPPED(status)) return PW_EUNSUPPORTED; /* it has said why */
  if (ptrace(PTRACE_SETOPTIONS, process, NULL, (void *)options) || ptrace(PTRACE_SYSCALL, process, NULL, NULL))
    return pw_error_set(err, PW_EUNSUPPORTED, "this system forbids to follow a program with ptrace: %s", strerror(errno));
  return 0;
}

/* ---- the whole ---- */

void pw_native_clear(struct pw_native *n)
{
  pw_native_forget(&n->start);
  pw_native_forget(&n->end);
  pw_free(n->calls);
  *n = (struct pw_native){0};
}

int pw_native_run(struct pw_native *native, const char *path, char *const argv[], const struct pw_native_options *options,
                  struct pw_error *err)
{
  struct native_run r = {.native = native, .options = options};
  int report[2];
  *native = (struct pw_native){.reclaims_tables = pw_native_reclaims()};
  if (pipe2(report, O_CLOEXEC)) return pw_error_set(err, PW_EIO, "no pipe to the program: %s", strerror(errno));
  r.process = fork();
  if (r.process == 0) become(path, argv, options, report[1]);
  close(report[1]);
  int status = r.process < 0 ? pw_error_set(err, PW_EIO, "no process for the program: %s", strerror(errno))
      : set_options(r.process, err);
  if (!status) status = follow(&r, err);
  if (status == PW_EUNSUPPORTED || (!status && !r.executed)) {
    int why = why_not(report[0], path, err);
    if (!r.executed) status = why;
  }
  if (status && r.process > 0) {
    kill(r.process, SIGKILL);
    while (waitpid(r.process, NULL, __WALL) < 0 && errno == EINTR) continue;
  }
  close(report[0]);
  pw_free(r.threads);
  return status;
}
