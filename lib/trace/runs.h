/* Runs of instructions: what each holds, and its expansion to visits.
 *
 * A run is a straight line of code, told once as a list of fetches and data accesses in the order
 * of the instructions; afterwards it comes as its number and the addresses of its data (ring.h).
 * Invariant: pw_runs_expand gives exactly the visits that pw_visits_add gives for the accesses
 * one by one (tests/unit/test_record_runs.c). */
#ifndef PW_RUNS_H
#define PW_RUNS_H

#include "trace/visits.h"

struct pw_runs {
  struct pw_run **list; /* by number; told in rising order */
  size_t n, room;
};

void pw_runs_clear(struct pw_runs *runs);
/* Adds run number `number` of n items (PW_RING_ITEM). `name` is for errors. */
int pw_runs_add(struct pw_runs *runs, const char *name, uint64_t number, const uint64_t *items, size_t n,
                struct pw_error *err);

/* Data addresses that follow the run, or -1 when it was never told. */
static inline int64_t pw_runs_words(const struct pw_runs *runs, uint64_t number);
/* Visits that the run can open at most: ask pw_visits_room for them. */
static inline uint32_t pw_runs_most_visits(const struct pw_runs *runs, uint64_t number);
void pw_runs_expand(const struct pw_runs *runs, uint64_t number, const uint64_t *addresses, struct pw_visits *visits);

/* ---- inside ---- */

struct pw_run_step {
  uint64_t page;     /* of fetches */
  uint32_t n;        /* fetches in a row, or bytes of a data access */
  uint32_t op;
};

struct pw_run {
  uint64_t code_page;              /* of all fetches, or PW_NO_KEY when there are several */
  uint32_t n_steps, n_words, most_visits;
  uint32_t count[3], total;        /* when everything happens */
  uint32_t n_groups;               /* alternations of stream inside */
  uint32_t first_stream, last_stream;
  uint32_t first_store, last_store; /* groups; UINT32_MAX: no store */
  bool wide;                       /* an access of more than a page */
  uint16_t *last_start;            /* of each data access: the last offset in a page that does not straddle */
  struct pw_run_step steps[];
};

static inline int64_t pw_runs_words(const struct pw_runs *runs, uint64_t number)
{
  return number < runs->n ? (int64_t)runs->list[number]->n_words : -1;
}

static inline uint32_t pw_runs_most_visits(const struct pw_runs *runs, uint64_t number)
{
  return runs->list[number]->most_visits;
}

#endif
