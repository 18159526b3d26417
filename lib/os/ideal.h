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

struct pw_ideal;

int pw_ideal_create(struct pw_ideal **account, unsigned page_shift, const struct pw_run_options *options,
                      struct pw_error *err);
void pw_ideal_destroy(struct pw_ideal *account);

/* Where a geometry's numbers are. */
struct pw_ideal_slot {
  uint32_t tree, fit;
};
int pw_ideal_add(struct pw_ideal *account, const struct pw_geometry *geometry, struct pw_ideal_slot *slot,
                   struct pw_error *err);
/* Note from here on whether a page is touched in two ways: fetched, loaded or stored, by the kernel. */
void pw_ideal_watch_sharing(struct pw_ideal *account);
bool pw_ideal_shares(const struct pw_ideal *account);
/* Write down every change (pw_paged.changes), of the tables those of the first geometry. Before the first block. */
void pw_ideal_log(struct pw_ideal *account);

/* Takes a block in. What comes back is valid until the call after the next. */
int pw_ideal_block(struct pw_ideal *account, const struct pw_block *block, const struct pw_paged **numbered,
                     struct pw_error *err);
/* About, for the estimate of who plans: numbers, keys and the lowest tables of the pages. */
#define PW_IDEAL_PAGE_BYTES 25u

/* Fills table, resident and fault fields of a machine with unlimited memory. Too narrow a table
 * sets `unfit`, *unfit_page to a base page that did not fit, and *unfit_bits to the width that fits all. */
void pw_ideal_result(const struct pw_ideal *account, const struct pw_ideal_slot *slot, struct pw_result *result,
                       uint64_t *unfit_page, unsigned *unfit_bits);

/* What a finite memory of this page size meets. */
struct pw_touched {
  uint64_t arrivals;     /* first touches of pages, after the warm-up */
  uint64_t minor_faults; /* arrivals but for inherited pages, and copies */
  uint64_t peak_pages;   /* that were touched and present at a time */
};
void pw_ideal_touched(const struct pw_ideal *account, struct pw_touched *touched);

#endif
