/* Codes the columns of a block for a .pwt: docs/trace-format.md says how they look. */
#ifndef PW_PWT_ENCODE_H
#define PW_PWT_ENCODE_H

#include "trace/columns.h"
#include "trace/pwt.h"

struct pwt_kinds;

struct pwt_kinds *pwt_kinds_create(void); /* NULL when memory runs out */
void pwt_kinds_destroy(struct pwt_kinds *kinds);

/* Each writes behind `to` and returns where it ends. */

/* Finds the kinds of a block's visits and writes the low byte of each visit's: n_visits bytes. */
unsigned char *pwt_put_kinds(unsigned char *to, struct pwt_kinds *kinds, const struct pw_block *block);
/* The same of visits in rows, with their totals. */
unsigned char *pwt_put_kinds_of_rows(unsigned char *to, struct pwt_kinds *kinds, const struct pw_rows *rows,
                                     struct pw_totals *totals);
/* What those kinds are: PWT_MOST_KIND_BYTES for each at most, no more kinds than visits, and a byte a visit and 3. */
unsigned char *pwt_put_kind_table(unsigned char *to, const struct pwt_kinds *kinds, uint32_t n_visits);
/* 2 bytes a visit. */
unsigned char *pwt_put_pages(unsigned char *to, const struct pw_block *block);
/* 12 bytes a visit at most. */
unsigned char *pwt_put_sides(unsigned char *to, const struct pw_block *block);

#endif
