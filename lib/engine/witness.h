/* Witnesses: who is told of everything that one machine does, and never changes it.
 *
 * A witness is a file of witness/ with a class of its own; any number of them watch a machine. What a class
 * leaves NULL it is not told, and machines that nobody asks about single touches take them as lists.
 *
 * Order: a block begins; then for each stretch `until`, `visits`, the account's changes of these visits,
 * `evicted` and `faulted` touch by touch, `missed` level by level, `passed`. Between stretches, event by
 * event: its changes, what memory does at it, `event`. */
#ifndef PW_WITNESS_H
#define PW_WITNESS_H

#include "os/os.h"
#include "pagewalk.h"

struct pw_machine;
struct pw_witness;

enum pw_tlb_level { PW_LEVEL_ITLB, PW_LEVEL_DTLB, PW_LEVEL_STLB };

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
  /* Finite memory: page `id` was pushed out; page `id` came in, for the first time or not. */
  void (*evicted)(struct pw_witness *witness, uint32_t id, bool written);
  void (*faulted)(struct pw_witness *witness, uint32_t id, const struct pw_place *place);
  /* n misses, none of them where the level is absent. */
  void (*missed)(struct pw_witness *witness, enum pw_tlb_level level, const struct pw_place *place, uint64_t n);
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

/* How far the witnesses of a machine have been told of a block. */
struct pw_watch {
  struct pw_witness *first;
  const struct pw_paged *paged;
  size_t change, event;     /* the next */
  uint32_t faulter;         /* visit that opened the page of the last change */
};

int pw_watch_begin(struct pw_watch *watch, const struct pw_paged *paged, const uint64_t *key, struct pw_error *err);
uint32_t pw_watch_until(const struct pw_watch *watch, uint32_t from, uint32_t to);
int pw_watch_visits(struct pw_watch *watch, uint32_t from, uint32_t to, struct pw_error *err);
/* What comes before the event's own steps: the events before it, and its changes. */
int pw_watch_step(struct pw_watch *watch, uint32_t event, struct pw_error *err);
void pw_watch_passed(const struct pw_watch *watch, const struct pw_machine *machine, uint32_t to);
void pw_watch_count(const struct pw_watch *watch);
int pw_watch_end(struct pw_watch *watch, struct pw_error *err);

bool pw_watch_wants_faults(const struct pw_watch *watch);
void pw_watch_evicted(const struct pw_watch *watch, uint32_t id, bool written);
void pw_watch_faulted(const struct pw_watch *watch, uint32_t id, const struct pw_place *place);
bool pw_watch_wants_misses(const struct pw_watch *watch);
void pw_watch_missed(const struct pw_watch *watch, enum pw_tlb_level level, const struct pw_place *place, uint64_t n);

#endif
