/* Where the recorded addresses lie natively: ranges of pages, each moved by so many.
 *
 * Invariant: the ranges are sorted and do not overlap. A range stays after an unmap, so that what is
 * mapped into it at a fixed address later finds its place. */
#ifndef PW_PLACES_H
#define PW_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_place {
  uint64_t start, end; /* recorded pages */
  uint64_t shift;      /* native - recorded, modulo 2^64 */
};

struct pw_places {
  struct pw_place *list;
  size_t n, room, last;
};

/* -1 when memory runs out. Replaces what was told of these pages. */
int pw_places_set(struct pw_places *places, uint64_t start, uint64_t end, uint64_t shift);
int pw_places_forget(struct pw_places *places, uint64_t start, uint64_t end);
/* The first range that ends behind the page, or NULL. */
const struct pw_place *pw_places_from(const struct pw_places *places, uint64_t page);
/* The range that holds the page, or NULL. */
const struct pw_place *pw_places_at(struct pw_places *places, uint64_t page);
void pw_places_clear(struct pw_places *places);

#endif
