/* A memory cgroup and a zram device of our own, in which the running kernel shows what it does when memory is short.
 *
 * The group's folder is called after our process and the device: pagewalk-PID-zramN. Whoever begins a lab first removes those whose process
 * is gone, with what still runs in them, their swap and their device; so a lab that was killed does not stay. Nothing else is touched:
 * the lab refuses where other swap is on, which would take part. */
#ifndef PW_LAB_H
#define PW_LAB_H

#include <stdbool.h>
#include <sys/types.h>

#include "pagewalk.h"

struct pw_lab {
  char root[200];   /* of the memory controller */
  char group[300];  /* of the run that is on, or "" */
  bool second;      /* version 2 of cgroups */
  int device;       /* of zram, or -1 */
  bool swaps;       /* it is on */
  unsigned runs;
};

/* 0, or PW_EUNSUPPORTED with a sentence that says what is missing. swap_bytes 0: no swap. To be ended also after a failure. */
int pw_lab_begin(struct pw_lab *lab, uint64_t swap_bytes, struct pw_error *err);
void pw_lab_end(struct pw_lab *lab);
/* A new group with that limit, which `process`, stopped, is moved to by itself: pw_lab_join, in the child. */
int pw_lab_group(struct pw_lab *lab, uint64_t limit_bytes, struct pw_error *err);
/* What is in it is killed; the group is removed. */
void pw_lab_ungroup(struct pw_lab *lab);
/* In a child: 0, or errno. */
int pw_lab_join(const struct pw_lab *lab);
/* A number of a line `name value` of a file of the group, or (name NULL) the file's; 0 where there is none. */
uint64_t pw_lab_value(const struct pw_lab *lab, const char *file, const char *name);
/* Is reclaim by DAMON on, which takes pages by its own rule? */
bool pw_lab_damon(void);
/* A line `name value` of a file that tells counters. */
uint64_t pw_counter(const char *text, const char *name);
/* What the file holds, as far as it fits; "" if nothing. */
void pw_file_text(const char *path, char *text, size_t n);
/* vm.swappiness, which a new group of version 1 has too. */
unsigned pw_lab_swappiness(void);

#endif
