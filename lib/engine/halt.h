/* Whether a run is to stop, asked between stretches, so that it ends within a second inside a block too.
 *
 * Only the thread that makes the passes asks its caller, at most ten times a second; the others
 * see what it has heard. */
#ifndef PW_HALT_H
#define PW_HALT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct pw_halt {
  bool (*ask)(void *context);
  void *context;
  pthread_t asker;
  long asked;           /* tenths of a second, when it did last */
  atomic_bool stopped;
};

void pw_halt_begin(struct pw_halt *halt, bool (*ask)(void *context), void *context);
bool pw_halted(struct pw_halt *halt);

#endif
