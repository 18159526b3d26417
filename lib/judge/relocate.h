/* Gives each recorded mapping its native address, and takes a recording's events to the model.
 *
 * The native run tells where each mmap and mremap put things; the recording tells the same calls
 * in the same order of each thread, at other addresses. The first unused native call of the same
 * size and file is the one; where there is none, or its place is taken (threads that ran in
 * another order), the mapping goes where the kernel looks first: the highest gap.
 *
 * Before its first instruction, the model holds what the kernel had mapped natively. */
#ifndef PW_RELOCATE_H
#define PW_RELOCATE_H

#include "pagewalk.h"
#include "os/linux/mm.h"
#include "judge/native_run.h"
#include "judge/places.h"

struct pw_relocation {
  struct pw_mm mm;
  struct pw_places places;
  struct pw_native *native;  /* borrowed; its calls are marked as used */
  bool running;              /* past the start-up maps */
  uint64_t heap_shift;
  bool heap_known;
  uint64_t program_inode, program_shift; /* the file that the start-up map before belongs to */
  uint64_t program_end;      /* the page behind that map */
  uint64_t top;              /* page below which the kernel looks for gaps */
  bool map_pending;          /* a map that waits for its backing */
  struct pw_event map;
  uint64_t map_inode, map_offset;
  bool map_is_file;
  size_t first_call;         /* all native calls before it are used or fixed */
  size_t next_call;          /* behind the last native call that was found */
  uint64_t unplaced;         /* maps without a native call */
  bool over;                 /* the program ended, or became another */
};

int pw_relocation_init(struct pw_relocation *r, struct pw_native *native, struct pw_error *err);
void pw_relocation_clear(struct pw_relocation *r);
int pw_relocation_event(struct pw_relocation *r, const struct pw_event *event, struct pw_error *err);
/* No backing can follow the last map: to be called before the next touch. */
int pw_relocation_settle(struct pw_relocation *r, struct pw_error *err);
/* Where the recorded stack pointer stood at the start. */
int pw_relocation_stack(struct pw_relocation *r, uint64_t stack_pointer, struct pw_error *err);

static inline int pw_relocation_touch(struct pw_relocation *r, uint64_t page, bool write, struct pw_error *err)
{
  const struct pw_place *place = pw_places_at(&r->places, page);
  if (!place) {
    r->mm.counts.strays++;
    return 0;
  }
  return pw_mm_touch(&r->mm, page + place->shift, write, err);
}

#endif
