/* A program in a group of a lab: what its memory limit costs it, by the kernel's own counters.
 *
 * It runs on one processor, without address randomisation. Another reads the group's counters all the while, at a priority above all others: the kernel
 * decides by counters that it gathers from its processors now and then, and a reader has them gathered. Unread, they are stale, and the same
 * program has other numbers each time. */
#ifndef PW_LIMIT_RUN_H
#define PW_LIMIT_RUN_H

#include "judge/lab.h"

struct pw_limit_run_options {
  int output;               /* descriptor of its standard output and error */
  bool thp;                 /* huge pages as the system has them; else none */
  bool polled;
  char *const *environment;
  bool (*stop)(void *context);
  void *context;
};

/* Pages of the kernel that are charged elsewhere: the process was made before it joined the group. */
enum { PW_LIMIT_OUTSIDE = 6 }; /* a stack of 4, and task_struct, signal, sighand, files and pid */

int pw_limit_run(struct pw_limited *limited, struct pw_lab *lab, uint64_t limit_bytes, const char *path, char *const argv[],
                 const struct pw_limit_run_options *options, struct pw_error *err);

#endif
