/* A machine: one memory, finite or none, the TLB hierarchies over it, and who watches.
 *
 * Within a stretch memory comes first, then the TLBs; within one touch the page that goes to make room leaves
 * the TLBs before the touch is looked up. Memory does not depend on TLBs, so that one machine holds all the
 * hierarchies that stand over the same memory. A machine that is watched has only one.
 *
 * Cost: a list for memory and one for each TLB; touch by touch where a witness asks which touch it was. */
#ifndef PW_MACHINE_H
#define PW_MACHINE_H

#include "engine/stretch.h"
#include "engine/witness.h"

struct pw_machine {
  struct pw_memory *memory;       /* NULL: unlimited */
  bool every_touch;               /* the TLBs take touches, even if openers would do */
  /* [0] the usual ones, [1] those that need the alternations of visits. They are apart so
   * that no hierarchy's numbers depend on its neighbours'. */
  struct pw_hierarchies *tlbs[2];
  struct pw_watch *watch;         /* NULL: nobody (borrowed) */
};

/* frames 0: unlimited. What is made so far is freed by clear, also when this fails. */
int pw_machine_init(struct pw_machine *machine, int policy, uint64_t frames, uint64_t seed, struct pw_error *err);
void pw_machine_clear(struct pw_machine *machine);

bool pw_machine_needs_touches(const struct pw_machine *machine);

/* Memory takes these touches, of visits or of a step. Who goes is in lists->victims. */
void pw_machine_touch(struct pw_machine *machine, struct pw_lists *lists, const struct pw_page_touches *touches);
/* The TLBs look up visits [from, to), whose touches are in the lists if they are needed; victims leave in between. */
void pw_machine_look_up(struct pw_machine *machine, struct pw_lists *lists, uint32_t from, uint32_t to);
/* The victims leave the TLBs at once. */
void pw_machine_drop_victims(struct pw_machine *machine, const struct pw_lists *lists);
/* A step of the block but for touches. */
void pw_machine_step(struct pw_machine *machine, const struct pw_step *step, const struct pw_paged *paged);

/* The TLB and memory fields of a result, of the hierarchy of this number in tlbs[which]. */
void pw_machine_result(const struct pw_machine *machine, unsigned which, size_t number, struct pw_result *result);
/* The same of the only hierarchy of a machine that is watched. */
void pw_machine_counts(const struct pw_machine *machine, struct pw_result *result);

#endif
