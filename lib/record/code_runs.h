/* Runs of instructions: what each holds, and its expansion to visits.
 *
 * A run is a straight line of code, told once as a list of fetches and data accesses in the order
 * of the instructions; afterwards it comes as its number and the addresses of its data (ring.h).
 * Invariant: pw_runs_take gives exactly the visits that pw_visits_add gives for the accesses
 * one by one, of process index 0 (tests/unit/test_record_runs.c). */
#ifndef PW_CODE_RUNS_H
#define PW_CODE_RUNS_H

#include "trace/visits.h"

struct pw_runs {
  struct pw_code_run *list;  /* by number; told in rising order */
  struct pw_code_told *told; /* each in full */
  size_t n, list_room, told_room;
  void *lines;               /* the list begins in its first whole line */
  bool sides;                /* set before the first run is told: fill the side columns of visits that have them */
};

void pw_runs_clear(struct pw_runs *runs);
/* Adds run number `number` of n items (PW_RING_ITEM). `name` is for errors. */
int pw_runs_add(struct pw_runs *runs, const char *name, uint64_t number, const uint64_t *items, size_t n,
                struct pw_error *err);
/* Takes runs with their data addresses from the front of n words. Stops before a word that is
 * no run, a run that was never told or is cut off, and one that *needs more room in the block than
 * there is (else *needs is 0); also once the limit is reached. Returns the words taken. */
size_t pw_runs_take(const struct pw_runs *runs, const uint64_t *words, size_t n, struct pw_visits *visits, uint32_t *needs);

/* The run at the front of n words, which a fault cut short at the instruction at `address`: what came before that
 * instruction, and its fetch. *needs is how pw_runs_take has it: then nothing was taken. */
void pw_runs_take_cut(const struct pw_runs *runs, const uint64_t *words, size_t n, uint64_t address, struct pw_visits *visits,
                      uint32_t *needs);

#endif
