/* Which native pages are free, and the highest gap, where the kernel maps first.
 *
 * Not free is what is mapped, and where native calls that have no recorded counterpart yet put something:
 * that belongs to a mapping still to come.
 *
 * Invariant: above a remembered search's `high`, no gap has that many pages. So a program that maps
 * over and over looks at each gap once for each size, until memory above it is given back.
 * Cost: O(log n) for each obstacle that is met. */
#ifndef PW_GAPS_H
#define PW_GAPS_H

#include "base/ranges.h"
#include "space/native.h"

enum { PW_GAP_SEARCHES = 16 };

struct pw_gaps {
  struct pw_ranges mapped; /* joined */
  uint64_t top;            /* below it the kernel looks */
  size_t n_calls, leaves;  /* a power of 2, more than the calls */
  uint64_t *ends;          /* [2 leaves] a heap: leaves are the calls by address, each with the page behind what it
                            * put, 0 once it is used; above them the highest of each pair */
  uint64_t *starts;        /* [leaves] their first pages, rising */
  struct pw_gap_search { uint64_t pages, align, high; } searches[PW_GAP_SEARCHES];
  uint64_t steps;          /* obstacles met so far */
};

/* Fills calls[].rank. -1 when memory runs out, as where int is returned below. Ranges are pages, [start, end). */
int pw_gaps_init(struct pw_gaps *gaps, struct pw_native_call *calls, size_t n_calls);
void pw_gaps_clear(struct pw_gaps *gaps);
int pw_gaps_take(struct pw_gaps *gaps, uint64_t start, uint64_t end);
int pw_gaps_give(struct pw_gaps *gaps, uint64_t start, uint64_t end);
/* The call has its counterpart: what it put is no obstacle any more, but taken at once. */
void pw_gaps_use(struct pw_gaps *gaps, const struct pw_native_call *call);
/* Such pages that are not taken. */
void pw_gaps_freed(struct pw_gaps *gaps, uint64_t start, uint64_t end);

static inline bool pw_gaps_is_mapped(const struct pw_gaps *gaps, uint64_t page)
{
  struct pw_range range;
  return pw_ranges_at(&gaps->mapped, page, &range);
}

/* Where what is mapped in [start, end) begins, at `start` or before if there is something; `end` if nothing is. */
uint64_t pw_gaps_lowest_mapped(const struct pw_gaps *gaps, uint64_t start, uint64_t end);
/* The same of all that is not free. */
uint64_t pw_gaps_obstacle(const struct pw_gaps *gaps, uint64_t start, uint64_t end);
/* The start of the highest gap of so many pages, at a multiple of `align`. */
uint64_t pw_gaps_highest(struct pw_gaps *gaps, uint64_t pages, uint64_t align);

#endif
