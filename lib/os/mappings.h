/* What is mapped, by process: intervals of base pages, where a trace tells.
 *
 * Invariant: a process's intervals are in rising order and never touch or overlap. */
#ifndef PW_MAPPINGS_H
#define PW_MAPPINGS_H

#include "pagewalk.h"

struct pw_mappings {
  struct pw_interval_list {
    struct pw_interval {
      uint64_t first, last;  /* base pages, both included */
    } *intervals;
    size_t n, room;
  } *processes;
  size_t n_processes, processes_room;
  bool known;                /* the trace has map events */
};

void pw_mappings_init(struct pw_mappings *mappings);
void pw_mappings_clear(struct pw_mappings *mappings);
int pw_mappings_add(struct pw_mappings *mappings, uint32_t process, uint64_t first, uint64_t last);
int pw_mappings_remove(struct pw_mappings *mappings, uint32_t process, uint64_t first, uint64_t last);
/* The child has what its parent has, and nothing else. */
int pw_mappings_inherit(struct pw_mappings *mappings, uint32_t parent, uint32_t child);
bool pw_mappings_intersect(const struct pw_mappings *mappings, uint32_t process, uint64_t first, uint64_t last);

#endif
