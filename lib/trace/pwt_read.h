/* Reading .pwt from a source: the half of the trace layer that knows the container. */
#ifndef PW_PWT_READ_H
#define PW_PWT_READ_H

#include "pagewalk.h"
#include "trace/source.h"

struct pwt_reader;

/* Are these the first bytes of a .pwt, perhaps of a damaged or cut one? */
bool pwt_recognise(const unsigned char *bytes, size_t n);

/* Reads and checks the file header. `source` and `path` stay the caller's. */
int pwt_reader_create(struct pwt_reader **reader, struct pw_source *source, const char *path, struct pw_error *err);
void pwt_reader_destroy(struct pwt_reader *reader);
/* Lends the next block; 0 at a proper end. The count columns are decoded when
 * `counts` is set or the block holds a mark, the side columns when `sides` is set and it has them. */
int pwt_reader_next(struct pwt_reader *reader, bool counts, bool sides, const struct pw_block **block, struct pw_error *err);

/* Provenance, "" where absent: 0 source, 1 command, 2 date, 3 creator. */
const char *pwt_reader_text(const struct pwt_reader *reader, unsigned which);
/* Number of processes named so far, at least 1. */
uint32_t pwt_reader_processes(const struct pwt_reader *reader);

/* Threads that made visits so far, told apart by process; at least 1. */
uint32_t pwt_reader_threads(const struct pwt_reader *reader);

#endif
