/* Where and when: counts by address and time, in a grid that grows coarser as the trace grows longer.
 *
 * A row is 2^g pages, a column 2^t accesses. When rows or columns run out, neighbours are joined and
 * g or t goes up by one, so that memory stays as it is and the sum of all cells stays the count.
 *
 * Cost: a lookup a count; 2 MiB. */
#ifndef PW_HEAT_H
#define PW_HEAT_H

#include "base/pagemap.h"
#include "pagewalk.h"

#define PW_HEAT_ROWS 1024u
#define PW_HEAT_COLUMNS 256u

struct pw_heat {
  struct pw_pagemap rows;  /* page key >> row_shift -> row */
  uint64_t *keys;          /* [PW_HEAT_ROWS] by row */
  uint32_t *names;         /* [PW_HEAT_ROWS] text of the region that was seen there first */
  uint64_t *counts;        /* [PW_HEAT_ROWS][PW_HEAT_COLUMNS] */
  unsigned row_shift, column_shift;
};

int pw_heat_create(struct pw_heat **heat);
void pw_heat_destroy(struct pw_heat *heat);
void pw_heat_reset(struct pw_heat *heat); /* counts start at 0 */

/* n more on the base page of this key, when `when` accesses had been made, in the region of that name. */
void pw_heat_add(struct pw_heat *heat, uint64_t key, uint32_t name, uint64_t when, uint64_t n);

#endif
