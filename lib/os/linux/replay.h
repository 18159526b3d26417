/* A program of a computer: a trace, with the processes in it, that can be run visit by visit.
 *
 * A feed reads the trace once, and says where it stands: at a visit, with the events before it. Each computer that runs the
 * program has a struct pw_program of its own, which does those events to it: what they map is what space/ makes of them.
 * Events behind a visit wait until the next one is asked for, or the end. */
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

struct pw_feed {
  struct pw_blocks blocks;
  const struct pw_block *block;  /* or NULL at the end */
  uint32_t visit, event;         /* next of the block */
  struct pw_event *waiting;      /* events that blocks before it ended with */
  size_t n_waiting, waiting_room;
  struct pw_intern texts;        /* of these */
  bool ended;
};

#define PW_KILLED UINT32_MAX /* it was, or never came to be since its parent was: it does nothing more */

struct pw_program {
  struct pw_computer *computer;
  struct pw_processes *all;
  uint32_t number;
  struct pw_spaces spaces;
  struct pw_space_change mapped; /* the last map, which waits for its file */
  bool maps;                     /* there is one */
  uint32_t current;              /* process of the trace that runs */
  uint32_t *numbers;             /* by process of the trace: its number among all, plus 1; 0: it does not live; PW_KILLED */
  size_t n_numbers, numbers_room;
  bool began;
  bool joins;                    /* it is a child: until its first visit its trace tells again what the fork gave it */
  struct pw_born {               /* children with traces of their own, of the events before the next visit */
    uint32_t number;             /* among all */
    uint32_t text;               /* of `texts`: the file's name */
  } *born;
  size_t n_born, born_room;
  struct pw_intern texts;
  uint32_t next;                 /* text of the trace that it goes on in, or PW_NO_TEXT */
  uint32_t executed;             /* text of the program that a process of it executed last, or PW_NO_TEXT */
  int adj, oom_adj, nice;        /* of its first process */
  int (*after_event)(void *context, struct pw_error *err); /* or NULL */
  void *after_event_context;
};

void pw_feed_init(struct pw_feed *feed, struct pw_blocks blocks);
void pw_feed_clear(struct pw_feed *feed);
/* Is there another visit? 1, 0, or a status. The events before it are the ones that wait and those of the block up to it. */
int pw_feed_peek(struct pw_feed *feed, struct pw_error *err);
/* All computers have done them. */
void pw_feed_pass(struct pw_feed *feed);

int pw_program_init(struct pw_program *program, struct pw_computer *computer, struct pw_processes *all, uint32_t number,
                    struct pw_error *err);
/* The name of what a page of a process of the trace belongs to; NULL: memory ran out for it. */
const char *pw_program_region(struct pw_program *program, uint32_t process, uint64_t page);
void pw_program_clear(struct pw_program *program);
/* What happens before the feed's next visit, of which there is one: 0, PW_MM_NO_FRAME, or a status. */
int pw_program_prepare(struct pw_program *program, const struct pw_feed *feed, struct pw_error *err);
/* A child that was born to another program, by its number among all. */
int pw_program_join(struct pw_program *program, struct pw_computer *computer, struct pw_processes *all, uint32_t number, uint32_t child,
                    struct pw_error *err);
/* The last events. It may go on in another trace, whose name *next is then; else NULL. */
int pw_program_finish(struct pw_program *program, const struct pw_feed *feed, const char **next, struct pw_error *err);
/* It goes on there: nothing is mapped. */
int pw_program_go_on(struct pw_program *program, struct pw_error *err);
/* The exit of all that lives. */
void pw_program_end(struct pw_program *program);
/* A process of it is killed. */
void pw_program_kill(struct pw_program *program, uint32_t index);
/* Does the next visit belong to a process that was killed? */
static inline bool pw_program_skips(const struct pw_program *p)
{
  return p->current < p->n_numbers && p->numbers[p->current] == PW_KILLED;
}
/* Who makes the next visit, after pw_program_prepare: number among all. */
static inline uint32_t pw_program_running(const struct pw_program *p)
{
  return p->numbers[p->current] - 1;
}

#endif
