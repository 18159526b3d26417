/* A process of a computer: its memory, and what the kernel keeps of it and its threads. */
#ifndef PW_PROCESS_H
#define PW_PROCESS_H

#include "os/linux/computer.h"

struct pw_thread {
  uint64_t id;
  uint32_t task, pid, stack[4];
};

struct pw_process {
  struct pw_mm mm;
  struct pw_thread first;
  uint32_t files, sighand, signal, mm_object;
  struct pw_thread *threads; /* started after the first */
  size_t n_threads, threads_room;
  struct pw_process *parent; /* who forked it, or NULL */
  int adj, oom_adj, nice;    /* adj: oom_score_adj; a child has its parent's */
  uint64_t began;            /* access at which it did */
  uint32_t number;           /* among all of the computer */
  bool lives, killed;
  bool bus;                  /* it ended of a huge page that was not there to be had (SIGBUS) */
  uint64_t bus_at;           /* access at which it did */
};

/* Whose memory it is: one of a computer. */
static inline const struct pw_process *pw_process_of_mm(const struct pw_mm *mm)
{
  return (const struct pw_process *)(const void *)mm; /* its first member */
}

/* All below: 0, PW_MM_NO_FRAME, PW_MM_KILLED or PW_ENOMEM. One that could not begin has nothing. */
int pw_process_begin(struct pw_process *process, struct pw_computer *computer, uint32_t number, struct pw_error *err);
/* A new one, with what its parent has. */
int pw_process_fork(struct pw_process *child, struct pw_process *parent, uint32_t number, struct pw_error *err);
void pw_process_end(struct pw_process *process); /* what it had comes back; what it counted stays */
int pw_process_start_thread(struct pw_process *process, uint64_t id, struct pw_error *err);
void pw_process_end_thread(struct pw_process *process, uint64_t id);

#endif
