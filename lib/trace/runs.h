/* Runs of instructions: what each holds, and its expansion to visits.
 *
 * A run is a straight line of code, told once as a list of fetches and data accesses in the order
 * of the instructions; afterwards it comes as its number and the addresses of its data (ring.h).
 * Invariant: pw_runs_expand gives exactly the visits that pw_visits_add gives for the accesses
 * one by one, of process index 0 (tests/unit/test_record_runs.c). */
#ifndef PW_RUNS_H
#define PW_RUNS_H

#include "trace/visits.h"

struct pw_runs {
  struct pw_code_run **list; /* by number; told in rising order */
  size_t n, room;
};

/* Fetches on one page, then a data access (or none: op is PW_FETCH). */
struct pw_code_step {
  uint64_t page;
  uint16_t fetches;
  int16_t last_start;  /* the last offset in a page from which the access does not straddle; -1: none */
  uint16_t op;
  uint16_t bytes;
};

struct pw_code_run {
  uint32_t n_words, n_steps, most_visits;
  uint32_t total;      /* accesses at most, cut to base pages */
  struct pw_code_step steps[];
};

void pw_runs_clear(struct pw_runs *runs);
/* Adds run number `number` of n items (PW_RING_ITEM). `name` is for errors. */
int pw_runs_add(struct pw_runs *runs, const char *name, uint64_t number, const uint64_t *items, size_t n,
                struct pw_error *err);
/* The run, or NULL when it was never told. It is followed by n_words data addresses. */
static inline const struct pw_code_run *pw_runs_find(const struct pw_runs *runs, uint64_t number)
{
  return number < runs->n ? runs->list[number] : NULL;
}
/* Room for run->most_visits must be there. */
void pw_runs_expand(const struct pw_code_run *run, const uint64_t *addresses, struct pw_visits *visits);

#endif
