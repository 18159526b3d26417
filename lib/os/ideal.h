/* The account of one page size: which pages are in use, and what tables that takes.
 *
 * It numbers the pages of each block, follows processes and mappings, counts minor
 * faults, resident pages and page tables (which no TLB and no memory changes), and
 * writes down for the models what the events mean (os.h).
 *
 * Invariant: the same blocks give the same numbers, whoever else runs. */
#ifndef PW_IDEAL_H
#define PW_IDEAL_H

#include "os/os.h"
#include "pagewalk.h"

/* What follows is for those that pw_ideal_create makes. */
int pw_ideal_create(struct pw_os **os, unsigned page_shift, const struct pw_run_options *options, struct pw_error *err);
int pw_ideal_add(struct pw_os *os, const struct pw_geometry *geometry, struct pw_os_slot *slot, struct pw_error *err);
/* Note from here on whether a page is touched in two ways: fetched, loaded or stored, by the kernel. That processes share
 * frames is noted in any case. */
void pw_ideal_watch_sharing(struct pw_os *os);
bool pw_ideal_shares(const struct pw_os *os);
/* Lend finite memories the numbers of frames. Before the first block. */
void pw_ideal_lend_frames(struct pw_os *os);
/* Write down every change (pw_paged.changes), of the tables those of the first geometry. Before the first block. */
void pw_ideal_log(struct pw_os *os);
/* Nodes and pages that changes of pages have visited so far. */
uint64_t pw_ideal_steps(const struct pw_os *os);
/* About, for the estimate of who plans: numbers, keys and the lowest tables of the pages. */
#define PW_IDEAL_PAGE_BYTES 25u

/* Minor faults so far, after the warm-up: the same for every memory. */
uint64_t pw_ideal_minor_faults(const struct pw_os *os);

#endif
