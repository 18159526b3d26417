/* Gives each recorded mapping its native address: recorded events in, native changes out.
 *
 * The native run tells where each mmap and mremap put things; the recording tells the same calls
 * in the same order of each thread, at other addresses. The first unused native call of the same
 * size and file is the one; where there is none, or its place is taken (threads that ran in
 * another order), the mapping goes where the kernel looks first: the highest gap.
 *
 * First of all come, as maps, the areas that the kernel had made natively before the first instruction.
 * A recorded range keeps its place after an unmap, so that what is mapped into it at a fixed address
 * later finds it. Cost: O(log n) for each range that an event meets. */
#ifndef PW_RELOCATE_H
#define PW_RELOCATE_H

#include "base/ranges.h"
#include "space/counterpart.h"
#include "space/gaps.h"

/* Who takes the changes and touches, and knows which pages are there. */
struct pw_relocation_target {
  void *context;
  int (*change)(void *context, const struct pw_native_change *change, struct pw_error *err);
  int (*touch)(void *context, uint64_t page, bool write, struct pw_error *err); /* a native page */
  bool (*present)(void *context, uint64_t start, uint64_t end); /* any of these native pages? */
};

struct pw_relocation {
  struct pw_relocation_target to;
  const struct pw_native_layout *native; /* borrowed; its calls are marked as used */
  struct pw_counterparts counterparts;
  struct pw_gaps gaps;       /* what is mapped natively */
  struct pw_ranges places;   /* recorded pages; the value is native - recorded, modulo 2^64 */
  struct pw_ranges cuts;     /* native page -> number of the call that mapped there, of those that were cut */
  bool running;              /* past the start-up maps */
  uint64_t heap_shift;
  bool heap_known;
  uint64_t program_inode, program_shift; /* the file that the start-up map before belongs to */
  uint64_t program_end;      /* the page behind that map */
  bool map_pending;          /* a map that waits for its backing */
  struct pw_event map;
  uint64_t map_inode, map_offset;
  bool map_is_file;
  uint64_t maps, unplaced;   /* after the start-up; those of them without a native call */
  uint64_t strays;           /* touches of no place */
  uint64_t changes;          /* of places and of what is there natively */
  bool over;                 /* the program ended, or became another */
};

/* stack_pointer: the recorded one at the start. */
int pw_relocation_init(struct pw_relocation *r, const struct pw_native_layout *native, uint64_t stack_pointer,
                       struct pw_relocation_target to, struct pw_error *err);
void pw_relocation_clear(struct pw_relocation *r);
int pw_relocation_event(struct pw_relocation *r, const struct pw_event *event, struct pw_error *err);
/* No backing can follow the last map: to be called before the next touch. */
int pw_relocation_settle(struct pw_relocation *r, struct pw_error *err);

/* The native page of a recorded one; false where nothing was mapped. */
bool pw_relocation_page(const struct pw_relocation *r, uint64_t page, uint64_t *native);
/* Of a recorded page. */
int pw_relocation_touch(struct pw_relocation *r, uint64_t page, bool write, struct pw_error *err);

#endif
