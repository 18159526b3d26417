/* Where memory lies whose address a program rounds up.
 *
 * A program that maps more than it needs and rounds the address up to 2 MiB comes to a distance from where the mapping begins that
 * depends on the address, and so to another one in a recording than natively. When it advises huge pages there (madvise) before it
 * touches any, the pages of the mapping are turned round: those from the rounded address on lie at the native address rounded up, and
 * what was before them lies behind them, so that each still has a place in the mapping. */
#ifndef PW_ROUNDUP_H
#define PW_ROUNDUP_H

#include "base/ranges.h"

/* Recorded pages from `first` on, so many, are mapped from `native` on, and from `start` up to `end` they are advised. Their places as two ranges, each
 * with what is to be added to a recorded page (modulo 2^64); false: they stay where they are. */
bool pw_round_up(uint64_t first, uint64_t pages, uint64_t native, uint64_t start, uint64_t end, struct pw_range parts[2]);

#endif
