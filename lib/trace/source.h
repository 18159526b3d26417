/* Sources: plain bytes from a file, a pipe or memory, whatever the compression.
 *
 * Invariant: the window is contiguous and holds every byte that was read and
 * not yet consumed. libarchive does the decompression (gzip, xz, zstd, bzip2,
 * lz4, also a one-member zip); a native .pwt file is read raw. */
#ifndef PW_SOURCE_H
#define PW_SOURCE_H

#include "pagewalk.h"

struct pw_source;

/* `path` "-" is standard input. */
int pw_source_open(struct pw_source **source, const char *path, struct pw_error *err);
int pw_source_open_memory(struct pw_source **source, const char *name, const void *data, size_t n_bytes,
                          struct pw_error *err);
/* The first *stored* bytes (before decompression), at most *n of them (>= 64 when the
 * input has them): lets the trace layer recognise a .pwt. Call before the first fill. */
const unsigned char *pw_source_peek_stored(struct pw_source *source, size_t *n);
/* From here on, stored bytes are lent as they are. Call before the first fill. */
void pw_source_set_raw(struct pw_source *source);
/* Makes the window hold at least `want` bytes, unless the input ends before.
 * *bytes and *n give the window, *last is set when nothing follows it. Returns 0,
 * or negative (truncated or corrupt compressed data, read error; the sentence
 * names the file, and the byte offset where known). */
int pw_source_fill(struct pw_source *source, size_t want, const unsigned char **bytes, size_t *n, bool *last,
                   struct pw_error *err);
/* Drops the first n bytes of the window. */
void pw_source_consume(struct pw_source *source, size_t n);
/* Starts again at the front; PW_EUNSUPPORTED for a pipe. */
int pw_source_rewind(struct pw_source *source, struct pw_error *err);
bool pw_source_is_pipe(const struct pw_source *source);
uint64_t pw_source_stored_bytes(const struct pw_source *source); /* read so far */
uint64_t pw_source_file_bytes(const struct pw_source *source);   /* 0 = unknown */
const char *pw_source_compression(const struct pw_source *source); /* "none", "zstd", … */
void pw_source_close(struct pw_source *source);

#endif
