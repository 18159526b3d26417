/* A program of a computer: a trace, with the processes in it, that can be run visit by visit.
 *
 * Hands out one visit at a time, when all events before it were done to the computer: what they map is what space/ makes
 * of them. Events behind a visit wait until the next one is asked for, or the end. */
#ifndef PW_REPLAY_H
#define PW_REPLAY_H

#include "base/blocks.h"
#include "os/linux/process.h"
#include "space/spaces.h"

/* All processes of a computer, in the order in which they began. */
struct pw_processes {
  struct pw_process **list;
  struct pw_process_of {
    uint32_t program, process; /* of the trace: its index */
    bool exited;               /* by the trace's own word */
  } *of;
  size_t n, room, of_room;
};

struct pw_program {
  struct pw_blocks blocks;
  struct pw_computer *computer;
  struct pw_processes *all;
  uint32_t number;
  const struct pw_block *block;  /* or NULL at the end */
  uint32_t visit, event;         /* next of the block */
  struct pw_event *waiting;      /* events that blocks before it ended with */
  size_t n_waiting, waiting_room;
  struct pw_intern texts;        /* of these */
  struct pw_spaces spaces;
  struct pw_space_change mapped; /* the last map, which waits for its file */
  bool maps;                     /* there is one */
  uint32_t current;              /* process of the trace that runs */
  uint32_t *numbers;             /* by process of the trace: its number among all, plus 1; 0: it does not live */
  size_t n_numbers, numbers_room;
  bool began, ended;
};

int pw_program_init(struct pw_program *program, struct pw_blocks blocks, struct pw_computer *computer, struct pw_processes *all,
                    uint32_t number, struct pw_error *err);
void pw_program_clear(struct pw_program *program);
/* Is there another visit? 1, 0, or a status. Does nothing to the computer. */
int pw_program_peek(struct pw_program *program, struct pw_error *err);
/* What happens before the next visit, of which there is one: 0, PW_MM_NO_FRAME, or a status. */
int pw_program_prepare(struct pw_program *program, struct pw_error *err);
/* The last events, and the exit of all that lives. */
int pw_program_end(struct pw_program *program, struct pw_error *err);
/* Who makes the next visit, after pw_program_prepare: number among all. */
static inline uint32_t pw_program_running(const struct pw_program *p)
{
  return p->numbers[p->current] - 1;
}

#endif
