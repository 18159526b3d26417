/* The visits of one block: in rows as they are gathered, and in columns as everyone reads them.
 *
 * Gathering is the narrow place, so a row holds what costs least to note: the key of a visit's page and not its
 * number, all its counts in one word. Numbers, order and columns come when the block is finished,
 * maybe in another thread (behind.h). */
#ifndef PW_COLUMNS_H
#define PW_COLUMNS_H

#include "pagewalk.h"

/* The counts of a visit in one word, 16 bits each: fetches, touches, loads, stores from the lowest. */
#define PW_TALLY_TOUCH (UINT64_C(1) << 16)
#define PW_TALLY_SHIFT(op) ((op) == PW_FETCH ? 0u : 16u + 16u * (op))
#define PW_TALLY(op) (UINT64_C(1) << PW_TALLY_SHIFT(op))
/* Of the first two touches? */
#define PW_TALLY_EARLY(tally) ((uint32_t)(tally) < 3u << 16)

/* How a visit was opened, and what it stored. */
enum {
  PW_HEAD_CODE = PW_VISIT_CODE,
  PW_HEAD_STORE_FIRST = 2,
  PW_HEAD_WROTE_1 = 4, /* in the data page's first touch */
  PW_HEAD_WROTE_2 = 8, /* later */
};

struct pw_rows {
  uint32_t n_visits, n_events;
  uint64_t *tallies;  /* [n_visits], and room for PW_BLOCK_VISITS + 1, each */
  uint64_t *keys;
  uint8_t *heads;
  uint16_t *offset;   /* side columns, or NULL */
  uint64_t *pc;
  struct pw_event *events; /* not ours */
};

/* False when memory runs out: then pw_rows_clear. */
bool pw_rows_init(struct pw_rows *rows, bool sides);
void pw_rows_clear(struct pw_rows *rows);

struct pw_columns;

struct pw_columns *pw_columns_create(void); /* NULL when memory runs out */
void pw_columns_destroy(struct pw_columns *columns);
/* The flag byte of a visit with that many touches. */
uint8_t pw_head_flags(unsigned head, unsigned touches);
/* All but flags, counts and totals: flags are the heads, which agree in PW_VISIT_CODE. For pw_writer_add_rows. */
void pw_columns_number(struct pw_columns *columns, const struct pw_rows *rows, struct pw_block *block);
/* *block is lent: it points into columns and rows. */
void pw_columns_finish(struct pw_columns *columns, const struct pw_rows *rows, struct pw_block *block);

#endif
