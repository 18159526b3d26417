/* Takes what a program prints, so that it prints to a pipe that is always read.
 *
 * /dev/null would do, but for programs that look whether their output is that, and because the
 * kernel does not even read the buffer of a write to it. */
#ifndef PW_DRAIN_H
#define PW_DRAIN_H

#include <sys/types.h>

#include "pagewalk.h"

struct pw_drain {
  int output;  /* for the program */
  pid_t pid;
};

/* show: what comes is printed to our standard output, else it is dropped. */
int pw_drain_start(struct pw_drain *drain, bool show, struct pw_error *err);
/* Waits until all that came is printed; what still holds the pipe (a child of the program) is not waited for. */
void pw_drain_end(struct pw_drain *drain);

#endif
