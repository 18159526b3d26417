/* Where and when: a witness that counts walks, DTLB misses or faults by address and time, in a grid that
 * grows coarser as the trace grows longer.
 *
 * A row is 2^g pages, a column 2^t accesses. When rows or columns run out, neighbours are joined and
 * g or t goes up by one, so that memory stays as it is and the sum of all cells stays the count.
 * The time of a count is the number of accesses before its visit; the address is where the visit that
 * opened the page began it, of the kernel's faults where the page begins.
 *
 * Cost: a lookup a count; 2 MiB. */
#ifndef PW_HEAT_H
#define PW_HEAT_H

#include "base/pagemap.h"
#include "engine/witness.h"
#include "pagewalk.h"
#include "witness/who.h"

#define PW_HEAT_ROWS 1024u
#define PW_HEAT_COLUMNS 256u

struct pw_heat {
  struct pw_witness witness;
  enum pw_heat_of of;
  struct pw_config config;
  bool wants[2];           /* streams */
  struct pw_who *who;      /* names the regions (borrowed) */
  struct pw_pagemap rows;  /* page key >> row_shift -> row */
  uint64_t *keys;          /* [PW_HEAT_ROWS] by row */
  uint32_t *names;         /* [PW_HEAT_ROWS] text of the region that was seen there first */
  uint64_t *counts;        /* [PW_HEAT_ROWS][PW_HEAT_COLUMNS] */
  unsigned row_shift, column_shift;
  const uint64_t *key;     /* by id */
  const struct pw_block *block;
  uint64_t accesses;       /* run so far */
  uint32_t from, to, opener[2];   /* of the stretch; visits that opened the current pages */
  uint64_t when[PW_CHUNK_VISITS]; /* accesses before each of its visits */
};

/* `who` has to follow the events, as a witness after this one. NULL when memory runs out. */
struct pw_heat *pw_heat_create(enum pw_heat_of of, const struct pw_config *config, enum pw_stream only, struct pw_who *who);
void pw_heat_destroy(struct pw_heat *heat);

#endif
