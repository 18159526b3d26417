/* Where the kernel itself would have put what a recording tells of one process.
 *
 * A recorder that shares the address space of its program (Valgrind) gives mappings other addresses than the kernel gives, and
 * what depends on addresses differs with them: how many tables there are, where 2 MiB lie in one mapping. A native run could
 * tell the addresses (relocate.h); without one they follow from the kernel's rule, as without randomisation: a position-independent
 * program at 0x555555554000, its interpreter and the vdso below 0x7ffff7fff000, the heap behind the program, the stack below
 * 0x7ffffffff000, and all else in the highest gap that is large enough.
 *
 * A range keeps its place after an unmap, so that what is mapped into it at a fixed address finds it. What no map told of stays
 * where it was recorded. Cost: O(log n) for each range that an event meets. */
#ifndef PW_PLACES_H
#define PW_PLACES_H

#include "base/ranges.h"
#include "space/gaps.h"

struct pw_places {
  struct pw_ranges shifts;   /* recorded pages; the value is native - recorded, modulo 2^64 */
  struct pw_ranges live;     /* the same of those that are mapped now */
  struct pw_gaps gaps;       /* what is mapped natively */
  bool running;              /* past the maps that exec makes */
  bool keeps;                /* maps tell of what has its place: those that a child's trace begins with */
  unsigned images;           /* files that exec mapped: 1 the program, 2 its interpreter too */
  uint64_t image_shift, image_end; /* of the last of them; recorded page behind it */
  uint64_t brk;              /* native page behind the program */
  bool heap_known;
  uint64_t heap_shift, stack_shift;
  uint64_t fresh, fresh_end; /* recorded pages of the memory that was mapped last, while nothing has touched or cut it */
};

/* Empty as after an exec; or (share) with all that another process has. 0, or -1 when memory runs out, as all below. */
int pw_places_init(struct pw_places *places);
int pw_places_share(struct pw_places *to, const struct pw_places *from);
void pw_places_clear(struct pw_places *places);

/* Where a recorded page is now. */
static inline uint64_t pw_places_page(const struct pw_places *p, uint64_t page)
{
  struct pw_range shift;
  return pw_ranges_at(&p->shifts, page, &shift) ? page + shift.value : page;
}

/* A file that exec maps, with the memory behind it. */
struct pw_image {
  bool begins;  /* this is the first map of it */
  uint64_t end; /* recorded page behind all of them */
};

/* A map of pages that are not mapped gets its place, which is mapped from here on; *native is its first page. image: of maps that exec makes, or NULL. */
int pw_places_map(struct pw_places *places, const struct pw_event *map, const struct pw_image *image, uint64_t *native);
/* A map that `pages` from recorded page `from` on move into. *grew: natively their area grew in place, by the pages behind it from
 * *native on, and nothing moves; else they move to *native. */
int pw_places_move(struct pw_places *places, const struct pw_event *map, uint64_t from, uint64_t pages, uint64_t *native, bool *grew);
/* Recorded pages are not mapped any more; their places are kept, unless they moved away. */
int pw_places_unmap(struct pw_places *places, uint64_t start, uint64_t end, bool moved);

/* Recorded memory from a page on, up to another, is advised to have huge pages: see roundup.h. */
int pw_places_align(struct pw_places *places, uint64_t start, uint64_t end);
/* A recorded page is used. */
static inline void pw_places_touch(struct pw_places *p, uint64_t page)
{
  if (page >= p->fresh && page < p->fresh_end) p->fresh_end = p->fresh;
}

#endif
