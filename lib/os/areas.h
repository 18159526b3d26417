/* Which addresses are heap and which are anonymous mappings, by process, where a trace tells.
 *
 * Heap is what a map event calls "[heap]": the kernel's break. Mappings are the other areas
 * without a name or a file, but not stacks, and not what a loader maps right behind the
 * writable data of a file for the zeroed rest of it (.bss).
 *
 * Invariant: a process's intervals are in rising order and do not overlap; addresses
 * outside all of them are something else, or not mapped. */
#ifndef PW_AREAS_H
#define PW_AREAS_H

#include "pagewalk.h"

enum pw_area_kind { PW_AREA_OTHER, PW_AREA_HEAP, PW_AREA_MMAP, PW_AREAS };

struct pw_areas {
  struct pw_area_list {
    struct pw_area_interval {
      uint64_t first, last;  /* base pages, both included */
      enum pw_area_kind area;     /* never OTHER */
    } *intervals;
    size_t n, room;
    uint64_t data_end;       /* base page behind the writable file mapping that came last, or 0 */
  } *processes;
  size_t n_processes, processes_room;
  uint64_t pages[PW_AREAS];  /* mapped now, base pages of all processes */
  bool known;                /* the trace has map events */
};

void pw_areas_clear(struct pw_areas *areas); /* frees; all zero again */
/* A map event of a process; the others that follow return 0 or -1 when memory ran out, too. */
int pw_areas_map(struct pw_areas *areas, uint32_t process, const struct pw_event *map);
int pw_areas_unmap(struct pw_areas *areas, uint32_t process, uint64_t first, uint64_t last);
int pw_areas_fork(struct pw_areas *areas, uint32_t parent, uint32_t child);
enum pw_area_kind pw_areas_find(const struct pw_areas *areas, uint32_t process, uint64_t page);

#endif
