/* Witnesses: who is told of everything that one machine does, and never changes it.
 *
 * A witness is a file of witness/ with a class of its own; any number of them watch a machine. What a class
 * leaves NULL it is not told, and machines that nobody asks about single touches take them as lists.
 *
 * Order: a block begins; then for each stretch `until`, `visits`, the account's changes of these visits,
 * `evicted` and `faulted` touch by touch, `missed` array by array, `passed`. Between stretches, event by
 * event: its changes, what memory does at it, `event`; and what memory does for a copy, whose visit comes next. */
#ifndef PW_WITNESS_H
#define PW_WITNESS_H

#include "mmu/hierarchy.h"
#include "os/os.h"
#include "pagewalk.h"

struct pw_machine;
struct pw_witness;

/* Whose doing: an event of the block, or (PW_BY_VISIT) the visit that it happened in and the visit that
 * opened the page that was touched. */
struct pw_place {
  uint32_t visit, opener, event;
};

struct pw_witness_class {
  /* A block, and the page keys by id of all there are; both stay until it ends. An error ends the run, here and below. */
  int (*begin)(struct pw_witness *witness, const struct pw_paged *block, const uint64_t *key, struct pw_error *err);
  /* Of visits [from, to), up to which may the machine go at a stretch? Called once a stretch. */
  uint32_t (*until)(struct pw_witness *witness, uint32_t from, uint32_t to);
  void (*visits)(struct pw_witness *witness, uint32_t from, uint32_t to);
  void (*changed)(struct pw_witness *witness, const struct pw_change *change, const struct pw_place *place);
  int (*event)(struct pw_witness *witness, const struct pw_event *event, struct pw_error *err);
  /* Finite memory: what frame number `frame` holds was pushed out; it came in at a touch of page `id`, by a major fault
   * or for the first time. */
  void (*evicted)(struct pw_witness *witness, uint32_t frame, bool written);
  void (*faulted)(struct pw_witness *witness, uint32_t frame, uint32_t id, bool major, const struct pw_place *place);
  /* n misses in an array of the machine. */
  void (*missed)(struct pw_witness *witness, enum pw_array array, const struct pw_place *place, uint64_t n);
  /* The stretch is over; the machine may be asked for its counts. */
  void (*passed)(struct pw_witness *witness, const struct pw_machine *machine, uint32_t to);
  void (*count)(struct pw_witness *witness); /* counts start at 0 */
  int (*end)(struct pw_witness *witness, struct pw_error *err);
};

struct pw_witness {
  const struct pw_witness_class *class;
  struct pw_witness *next; /* of the same machine */
};

/* The base page that a visit opened. */
static inline uint64_t pw_opened_key(const struct pw_block *block, uint32_t visit)
{
  return block->pages[block->page[visit]];
}

/* The witnesses of a machine, and how far they have been told of a block. */
struct pw_watch {
  struct pw_witness *first;
  bool faults, misses;      /* does anybody want to know which touch it was? */
  const struct pw_paged *paged;
  size_t change, event;     /* the next */
  uint32_t faulter;         /* visit that opened the page of the last change */
};

#define PW_TELL(WATCH, HOOK, ...) \
  for (struct pw_witness *w = (WATCH)->first; w; w = w->next) \
    if (w->class->HOOK) w->class->HOOK(w, __VA_ARGS__)

void pw_watch_init(struct pw_watch *watch, struct pw_witness *witnesses);
int pw_watch_begin(struct pw_watch *watch, const struct pw_paged *paged, const uint64_t *key, struct pw_error *err);
uint32_t pw_watch_until(const struct pw_watch *watch, uint32_t from, uint32_t to);
/* Tells of the events before these visits, of them, and of what the account wrote down at them. */
int pw_watch_visits(struct pw_watch *watch, uint32_t from, uint32_t to, struct pw_error *err);
/* What comes before the step: the events before it, and the changes of its own. */
int pw_watch_step(struct pw_watch *watch, const struct pw_step *step, struct pw_error *err);
int pw_watch_end(struct pw_watch *watch, struct pw_error *err);

#endif
