/* Owners and what is charged to them.
 *
 * Two sums have a peak whose moment the owners' parts are wanted of: bytes touched and bytes of page
 * tables. Each new peak begins an age; a share that changes after it keeps what it was at the peak.
 * So a change costs the same however many owners there are.
 *
 * Invariant: the shares at the peak add up to the peak. */
#ifndef PW_OWNERS_H
#define PW_OWNERS_H

#include "base/pagemap.h"
#include "pagewalk.h"

struct pw_share {
  uint64_t now, kept, age;
};

struct pw_peak {
  uint64_t now, highest, age;
};

struct pw_owned {
  uint32_t name, object;  /* texts */
  struct pw_result counts; /* without the two below */
  uint64_t returned_pages;
  struct pw_share touched_pages, table_bytes;
};

struct pw_owners {
  struct pw_owned *items;
  size_t n, room;
  struct pw_pagemap by_name; /* name and object -> number */
  struct pw_peak touched_pages, table_bytes;
};

#define PW_NO_OWNER UINT32_MAX

void pw_owners_clear(struct pw_owners *owners); /* frees */
/* The owner of this name in this object, a new one if need be; PW_NO_OWNER when memory ran out. */
uint32_t pw_owners_number(struct pw_owners *owners, uint32_t name, uint32_t object);
void pw_owners_reset_counts(struct pw_owners *owners); /* but not the peaks */

static inline void pw_share_keep(const struct pw_peak *peak, struct pw_share *share)
{
  if (share->age == peak->age) return;
  share->kept = share->now;
  share->age = peak->age;
}

static inline void pw_share_add(struct pw_peak *peak, struct pw_share *share, uint64_t more)
{
  pw_share_keep(peak, share);
  share->now += more;
  peak->now += more;
  if (peak->now <= peak->highest) return;
  peak->highest = peak->now;
  peak->age++;
}

static inline void pw_share_take(struct pw_peak *peak, struct pw_share *share, uint64_t less)
{
  pw_share_keep(peak, share);
  share->now -= less;
  peak->now -= less;
}

static inline uint64_t pw_share_at_peak(const struct pw_peak *peak, const struct pw_share *share)
{
  return share->age == peak->age ? share->kept : share->now;
}

#endif
