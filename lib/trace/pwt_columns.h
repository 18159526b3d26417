/* Decodes the columns of a .pwt block. False = the columns make no sense. */
#ifndef PW_PWT_COLUMNS_H
#define PW_PWT_COLUMNS_H

#include "trace/pwt.h"

/* `flags` is the start of the core columns (3 bytes a visit are there). Fills
 * page[n_visits]; `used` is scratch of PW_BLOCK_VISITS bytes. */
bool pwt_decode_pages(const struct pwt_block_header *h, const unsigned char *flags, const unsigned char *low, uint16_t *page,
                      unsigned char *used);
/* Fills pages[n_pages] from the cursor and moves it on. */
bool pwt_decode_dictionary(const struct pwt_block_header *h, struct pwt_cursor *c, uint64_t *pages);
/* Fills four columns of PW_BLOCK_VISITS (fetches, loads, stores, touches) from the
 * plain counts group, whose size is in the header. */
bool pwt_decode_counts(const struct pwt_block_header *h, const unsigned char *plain, const unsigned char *flags,
                       uint16_t *counts);
/* Could counts in columns of that size add up to the totals of the header? */
bool pwt_totals_fit_columns(const struct pwt_block_header *h);

/* The kinds of a block's visits, of a file with PWT_KINDS. */
struct pwt_kind_table {
  uint32_t n;
  uint8_t flags[PW_BLOCK_VISITS];   /* by kind */
  uint16_t counts[PW_BLOCK_VISITS][4]; /* fetches, loads, stores, touches */
  uint16_t number[PW_BLOCK_VISITS]; /* by visit */
};

/* Fills the table from the first column of the core group and the plain counts group, and flags[n_visits] from that. */
bool pwt_decode_kinds(const struct pwt_block_header *h, const unsigned char *low, const unsigned char *plain,
                      struct pwt_kind_table *table, uint8_t *flags);
/* Could visits of these kinds add up to the totals of the header? Looks at the kinds alone. */
bool pwt_totals_fit_kinds(const struct pwt_block_header *h, const struct pwt_kind_table *table);
/* Fills the four columns of counts; false when they are not the totals of the header. */
bool pwt_spread_counts(const struct pwt_block_header *h, const struct pwt_kind_table *table, uint16_t *counts);
/* Fills offset[n_visits] and pc[n_visits] from the plain side group; page[] and pages[] are decoded. */
bool pwt_decode_sides(const struct pwt_block_header *h, const unsigned char *plain, const struct pw_block *block,
                      uint16_t *offset,
                      uint64_t *pc);

#endif
