/* Decoders: plain bytes out of stored bytes. The first stored bytes choose the decoder. */
#ifndef PW_DECODE_H
#define PW_DECODE_H

#include "trace/stored.h"

struct archive;
struct pw_decoder;
struct z_stream_s;

struct pw_decoder {
  const char *name;             /* "none", "gzip", … */
  struct pw_stored *stored;     /* borrowed */
  int64_t (*read)(struct pw_decoder *decoder, unsigned char *to, size_t room, struct pw_error *err);
  unsigned char *input;         /* stored bytes on their way into a decompressor */
  struct z_stream_s *inflate;
  bool member_ended;            /* gzip: between two members */
  uint64_t skipped_bytes;       /* in skippable frames at the front */
  uint64_t guard_bytes;         /* lz4: put behind the input, see decode.c */
  bool guarded;                 /* they were handed out */
  struct archive *archive;
  bool zip;
  const unsigned char *lent;    /* by libarchive, until its next call */
  size_t n_lent;
  struct pw_error failure;      /* of a stored read inside a callback; PW_OK = none */
};

/* Looks at the stored bytes (none yet read) and makes ready. `raw`: do not
 * decompress. On failure there is nothing to stop. */
int pw_decoder_start(struct pw_decoder *decoder, struct pw_stored *stored, bool raw, struct pw_error *err);
/* Up to `room` plain bytes: how many, 0 at the end (all checks of the compressed
 * form passed), or negative; after a failure only pw_decoder_stop is allowed. */
int64_t pw_decoder_read(struct pw_decoder *decoder, unsigned char *to, size_t room, struct pw_error *err);
void pw_decoder_stop(struct pw_decoder *decoder);

#endif
