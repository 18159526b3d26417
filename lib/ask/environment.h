/* The environment of a program that is run under Valgrind and natively, so that it does the same in both. */
#ifndef PW_ENVIRONMENT_H
#define PW_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "pagewalk.h"

struct pw_environment {
  char **list;
  char *tunables; /* in list[0] */
  char *padding;  /* in list[1], or NULL */
};

/* Ours, with glibc's tunables, of malloc too, and so many bytes more if `padding` is not 0. 0 or PW_ENOMEM. */
int pw_environment_make(struct pw_environment *environment, bool malloc_asks, size_t padding, struct pw_error *err);
void pw_environment_clear(struct pw_environment *environment);
/* Records the program alone in such an environment, with what `how` says beside; what it prints is dropped. 0 or a status, also where
 * nothing was recorded. */
int pw_environment_record(char *const argv[], struct pw_record_options how, bool malloc_asks, struct pw_record_info *recorded, struct pw_error *err);

#endif
