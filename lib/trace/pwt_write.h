/* Writing .pwt to any stream: the half below pw_writer_create. */
#ifndef PW_PWT_WRITE_H
#define PW_PWT_WRITE_H

#include "trace/columns.h"

/* Like pw_writer_create, but onto a stream that the caller owns (a spool file):
 * finish writes the end and flushes, and neither closes nor renames. */
int pw_writer_create_stream(struct pw_writer **writer, FILE *stream, const char *name,
                            const struct pw_writer_options *options, struct pw_error *err);

/* Like pw_writer_add, for a block of pw_columns_number and its rows; fills its totals. */
int pw_writer_add_rows(struct pw_writer *writer, struct pw_block *block, const struct pw_rows *rows, struct pw_error *err);

/* Bytes given to the file so far. */
uint64_t pw_writer_bytes(const struct pw_writer *writer);

#endif
