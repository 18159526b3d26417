/* What pw_system_run works with: the programs that were asked for, in the order of the ring, and those that join them. */
#ifndef PW_ASKED_H
#define PW_ASKED_H

#include "base/kernelevent.h"
#include "engine/turns.h"
#include "space/relayout.h"
#include "trace/trace.h"

/* A program, one for each copy; children come behind. */
struct pw_asked_program {
  const struct pw_system_program *program;
  size_t place;
  unsigned number; /* of the copy, from 1; 0: the only one */
  struct pw_trace *trace;
  struct pw_relayout *relayout; /* or NULL: its addresses stay */
  char *path;      /* of the trace that it is in now, as a child or after an exec; else NULL */
};

struct pw_asked {
  struct pw_asked_program *copies; /* those that were given, then those that joined */
  size_t n, room, n_given;
  struct pw_totals gone;   /* of traces that are closed already */
  struct pw_turns turns;
  struct pw_kernel_events events;
  const struct pw_system_options *options;
  uint64_t told, told_before; /* of options->tell; so many were told when it ran with others */
};

/* The blocks of its trace, which is open: with native addresses if they are to be. `parent`, or NULL, names this trace `name`. */
int pw_asked_blocks(const struct pw_asked *asked, struct pw_asked_program *program, struct pw_relayout *parent, const char *name,
                    struct pw_blocks *blocks, struct pw_error *err);
/* Its trace is read, and closed. */
void pw_asked_close(struct pw_asked *asked, struct pw_asked_program *program);
/* relatives.c: for pw_turns.open; the context is a struct pw_asked. */
int pw_asked_open(void *context, size_t slot, const char *name, bool next, struct pw_blocks *blocks, struct pw_error *err);
/* Its name in the rows; with n bytes of it, or as a text to be freed, NULL: no memory. */
const char *pw_asked_name(const char *given, const char *trace, size_t *n);
char *pw_asked_name_of(const struct pw_asked *asked, const struct pw_system *system, uint32_t program);
/* told.c: for pw_computer.tell; the context is a struct pw_asked. */
void pw_asked_tell(void *context, const struct pw_told *told);

#endif
