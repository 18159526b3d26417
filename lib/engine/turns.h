/* Programs that run in turns, on one computer or on several that are alike in whose turn it is: the loop of `pagewalk system`.
 *
 * A turn is of one program: visits until they made `quantum` accesses. Programs stand in a ring in the order of their slots,
 * which is that of their starts; a child with a trace of its own comes to the end of the ring, and what a process executes
 * takes its place. No turn depends on what a computer does, unless it kills a process, so that one reading of the traces serves all
 * computers: each takes the same stretch of visits in its turn (processor.h). One that would kill is parted from the others: it fails, and is to
 * run by itself. */
#ifndef PW_TURNS_H
#define PW_TURNS_H

#include "engine/processor.h"

struct pw_turns {
  struct pw_system *systems;
  size_t n_systems;
  struct pw_turns_slot {
    struct pw_feed feed;
    uint64_t start;
    bool over, waited;              /* waited: nothing ran any more, and the clock jumped to its start */
  } *slots;
  size_t n_slots, slots_room;
  const struct pw_kernel_events *events; /* for all computers, borrowed; or NULL */
  uint64_t quantum, clock, stretches;
  bool (*stop)(void *context, const struct pw_trace_info *info);
  /* The blocks of the trace of that name beside a slot's own, for the slot after the last (or, next, for that slot again): 1; 0: there
   * is no such file; or a status. */
  int (*open)(void *context, size_t slot, const char *name, bool next, struct pw_blocks *blocks, struct pw_error *err);
  void *context;
};

/* Makes so many computers without a configuration, and slots for so many programs; events are set by the caller then. */
int pw_turns_begin(struct pw_turns *turns, size_t n_systems, size_t n_slots, uint64_t quantum, struct pw_error *err);
/* A program that has blocks. */
void pw_turns_feed(struct pw_turns *turns, size_t slot, struct pw_blocks blocks, uint64_t start);
/* Makes the computer; a failure is written to err, which is borrowed, and it takes no part. */
void pw_turns_configure(struct pw_turns *turns, size_t number, const struct pw_system_config *config, struct pw_error *err);
/* 0, or what all failed of, which is in *err; computers may have failed by themselves too. */
int pw_turns_run(struct pw_turns *turns, struct pw_error *err);
void pw_turns_clear(struct pw_turns *turns);

#endif
