/* Stored bytes: what a file, a pipe or memory holds before any decompression.
 *
 * Invariant: `at_bytes` counts every byte taken from the system, and the bytes
 * head[head_at … head_n) are those of them that nobody has read yet. */
#ifndef PW_STORED_H
#define PW_STORED_H

#include "pagewalk.h"

#define PW_STORED_HEAD_BYTES 4096

struct pw_stored {
  char *name;                  /* for errors */
  int fd;                      /* -1: memory */
  bool pipe;                   /* cannot go back */
  bool ended;
  int cause;                   /* errno of the read that failed, 0 = none */
  const unsigned char *memory;
  uint64_t at_bytes;
  uint64_t file_bytes;         /* 0 = unknown */
  size_t head_at, head_n;
  unsigned char head[PW_STORED_HEAD_BYTES];
};

/* `path` "-" is standard input. On failure there is nothing to close. */
int pw_stored_open(struct pw_stored *stored, const char *path, struct pw_error *err);
int pw_stored_open_memory(struct pw_stored *stored, const char *name, const void *data, size_t n_bytes,
                          struct pw_error *err);
/* The first unread bytes, at least 64 unless the input ends or fails before. */
const unsigned char *pw_stored_peek(struct pw_stored *stored, size_t *n);
/* Reads up to `room` bytes: how many (a pipe may give few), 0 at the end, or negative. */
int64_t pw_stored_read(struct pw_stored *stored, unsigned char *to, size_t room, struct pw_error *err);
/* Goes to a byte offset, at most file_bytes. PW_EUNSUPPORTED for a pipe. */
int pw_stored_seek(struct pw_stored *stored, uint64_t offset_bytes, struct pw_error *err);
void pw_stored_close(struct pw_stored *stored);

#endif
