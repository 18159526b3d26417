/* The records of a ring that become events: maps, threads, what the kernel touched, how it ended.
 *
 * Invariant: every event lies before the visit that is being gathered, and what it points to lives until
 * the block with it is written (pw_ring_events_written). Its caller makes the room for an event. */
#ifndef PW_RING_EVENTS_H
#define PW_RING_EVENTS_H

#include "pagewalk.h"

struct pw_ring_map;

/* Who names what is mapped; may be left out. `put` names a symbol, while `map` runs. */
struct pw_ring_namer {
  void *context;
  /* Fills in map->build_id; is called before its event. */
  void (*look)(void *context, struct pw_ring_map *map);
  int (*map)(void *context, const struct pw_ring_map *map, struct pw_error *err);
  void (*unmap)(void *context, uint64_t address, uint64_t bytes);
};

/* Who knows the traces of other processes; may be left out. */
struct pw_ring_family {
  void *context;
  /* The name of the trace of a child, without its folder, until the next call; "": it has none. With `after` that of the image that
   * comes after so many of the process: what it executes next. */
  const char *(*name)(void *context, uint64_t pid, const uint64_t *after);
};

/* A mapping that came, of a file or anonymous. */
struct pw_ring_map {
  uint64_t address, bytes, bits, offset, inode;
  const char *name;      /* name_bytes long; "[heap]" and "[stack]" do not come here */
  size_t name_bytes;
  char build_id[132];    /* hexadecimal */
};

struct pw_ring_text {
  struct pw_ring_text *next;
  char bytes[];
};

struct pw_ring_events {
  const char *path;                /* of the trace, for errors; borrowed */
  struct pw_visits *visits;        /* borrowed */
  struct pw_ring_namer namer;
  struct pw_ring_family family;
  uint64_t pid, number;            /* of the process, and the image's among those of it: for the family */
  int (*room)(void *context, struct pw_error *err); /* makes room for an event */
  void *context;
  struct pw_ring_text *texts;      /* of the events in the open block */
  size_t text_bytes;               /* ... in all */
  uint64_t all_text_bytes;         /* of all blocks */
  char *exec;                      /* the program that is being tried */
  bool unrecorded;                 /* ... cannot be recorded */
  bool has_end;
  uint64_t exit_status, signal;
};

/* One record of n words. Kinds that are no events are passed over. */
int pw_ring_events_take(struct pw_ring_events *events, uint32_t kind, const uint64_t *words, size_t n, struct pw_error *err);
/* A name for what is mapped. */
int pw_ring_events_symbol(struct pw_ring_events *events, uint64_t address, uint64_t bytes, uint32_t kind, const char *name,
                          size_t name_bytes, struct pw_error *err);
/* The program goes on, so it was not executed. */
void pw_ring_events_go_on(struct pw_ring_events *events);
/* The last event: exec or exit, if either is known. */
int pw_ring_events_end(struct pw_ring_events *events, struct pw_error *err);
/* Texts may go: the block with them is written. */
void pw_ring_events_written(struct pw_ring_events *events);
void pw_ring_events_clear(struct pw_ring_events *events);

#endif
