/* Starts a program under what records it. */
#ifndef PW_LAUNCH_H
#define PW_LAUNCH_H

#include <sys/types.h>

#include "pagewalk.h"

/* A file to execute, and its arguments; `texts` holds what they need. */
struct pw_launch {
  char file[4096];
  char **argv;
  char texts[2][4200];
  const char *called;  /* in errors */
  char *const *environment; /* NULL: ours */
  int output;          /* its standard output and error, its input being /dev/null; 0: all three are ours */
};

/* For the program at `path` with its arguments (its name first, NULL last), under the backend of `options`. Says if that cannot be. */
int pw_launch_prepare(struct pw_launch *launch, const struct pw_record_options *options, const char *socket, const char *path,
                      char *const argv[], struct pw_error *err);
/* Returns when the backend runs, or could not be started. */
int pw_launch_start(const struct pw_launch *launch, pid_t *pid, struct pw_error *err);
void pw_launch_clear(struct pw_launch *launch);

/* As many open files as we may have; a program that is started gets the limit that was there. */
void pw_launch_raise_files(void);

#endif
