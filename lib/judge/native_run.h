/* A program's memory as the running kernel sees it: run natively, at fixed addresses, under ptrace.
 *
 * The program runs without address randomisation, and without huge pages unless they are asked for. It is stopped when it begins (what is mapped and present before its first instruction),
 * at each system call (where mmap, mremap and shmat put things) and when it ends, or becomes another
 * program, or is killed: what the kernel then says of it is what a model has to answer to.
 * Threads are followed; children run on their own and count for nothing. */
#ifndef PW_NATIVE_RUN_H
#define PW_NATIVE_RUN_H

#include <sys/types.h>

#include "space/native.h"

struct pw_native_page {
  uint64_t page;
  bool own; /* anonymous, not of a file */
};

struct pw_native_state {
  struct pw_native_area *areas;
  size_t n_areas, areas_room;
  struct pw_native_page *pages; /* those that are there */
  size_t n_pages, pages_room;
  bool pages_known;
  uint64_t table_bytes, resident_bytes, peak_bytes, own_bytes, file_bytes, shared_bytes;
  uint64_t huge_bytes;  /* mapped 2 MiB at a time (AnonHugePages), where it was asked for */
  uint64_t minor_faults, major_faults;
};

struct pw_native {
  struct pw_native_state start, end;
  uint64_t stack_pointer, heap; /* when it begins: %rsp, and where brk starts */
  struct pw_native_call *calls;
  size_t n_calls, calls_room;
  uint64_t peak_bytes;  /* resident: VmHWM, or what was resident before memory was given back */
  uint32_t threads;     /* that it had in all */
  uint32_t populated, kept_moves, shared_maps, null_writes; /* see struct pw_validation */
  uint32_t forks;       /* children that share its memory until they or it write */
  bool became_another;  /* end is when it executed another program */
  bool reclaims_tables; /* this kernel frees tables whose whole span is given back */
  int exit_status;      /* -1 when a signal ended it */
  int signal;
};

struct pw_native_options {
  int output;              /* descriptor of its standard output and error; its input is empty */
  bool thp;                /* huge pages as the system has them; else none */
  bool only_start;         /* end it before its first instruction */
  char *const *environment;
  bool (*stop)(void *context); /* asked when a signal reached us; may be NULL */
  void *context;
};

/* Runs the program at `path`. The result is to be cleared also after a failure. */
int pw_native_run(struct pw_native *native, const char *path, char *const argv[], const struct pw_native_options *options,
                  struct pw_error *err);
void pw_native_clear(struct pw_native *native);

/* reclaims.c: asks the kernel. */
bool pw_native_reclaims(void);

/* What the system says of huge pages: "never", "madvise", "always"; or "" when it says nothing. */
void pw_native_thp_mode(char mode[16]);
/* Mapped 2 MiB at a time by a stopped thread's process: 0, or PW_EUNSUPPORTED. */
int pw_native_huge_bytes(uint64_t *bytes, pid_t process, pid_t thread, struct pw_error *err);

/* procfs.c: what /proc tells of a stopped thread's memory. */
int pw_native_look(struct pw_native_state *state, pid_t process, pid_t thread, struct pw_error *err);
void pw_native_forget(struct pw_native_state *state);
/* Inode and size of what a descriptor of the thread is open on; false when it is no file. */
bool pw_native_file(pid_t thread, int fd, uint64_t *inode, uint64_t *bytes);
/* Is the descriptor open on /dev/null? */
bool pw_native_is_null(pid_t thread, int fd);
uint64_t pw_native_heap_start(pid_t process);
uint64_t pw_native_table_bytes(pid_t process);
uint64_t pw_native_resident(pid_t thread); /* bytes */
bool pw_native_is_thread(pid_t process, pid_t thread);

#endif
