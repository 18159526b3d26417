/* Decompresses stored bytes, and takes nothing that is truncated or corrupt.
 *
 * libarchive reads xz, lzma, zstd, bzip2, lz4 and zip. Three things it lets pass
 * are refused here:
 *  - it inflates gzip without comparing the CRC, so that a flipped bit goes
 *    unnoticed: gzip is read with zlib, which compares CRC and length;
 *  - after the last whole bzip2, lz4 or lzma member it takes anything else for
 *    padding, also a damaged next member: every stored byte must have been used;
 *  - a zip read as a stream may lack its directory: zips are read by seeking, so
 *    not from a pipe, and must hold exactly one file.
 * Concatenated members continue each other, and skippable frames are skipped.
 * What no reader can notice: a file cut exactly between two members, and damage
 * in forms without checksum (lzma; zstd written with --no-check). */
#include "trace/decode.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"

#define INPUT_BYTES ((size_t)1 << 18)

static unsigned long long stored_at(const struct pw_decoder *decoder)
{
  return (unsigned long long)decoder->stored->at_bytes;
}

static int out_of_memory(const struct pw_decoder *decoder, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out while decompressing", decoder->stored->name);
}

static int damaged(const struct pw_decoder *decoder, const char *cause, struct pw_error *err)
{
  return pw_error_set(err, PW_EFORMAT,
                      "%s: the %s data are truncated or corrupt before stored byte %llu (%s); get the file again",
                      decoder->stored->name, decoder->name, stored_at(decoder), cause ? cause : "no cause given");
}

static int trailing(const struct pw_decoder *decoder, struct pw_error *err)
{
  return pw_error_set(err, PW_EFORMAT,
                      "%s: bytes that are no %s data follow the compressed trace; cut them off or get the file again",
                      decoder->stored->name, decoder->name);
}

/* ---- none ---- */

static int64_t plain_read(struct pw_decoder *decoder, unsigned char *to, size_t room, struct pw_error *err)
{
  return pw_stored_read(decoder->stored, to, room, err);
}

/* ---- gzip, by zlib ---- */

static int gzip_start(struct pw_decoder *decoder, struct pw_error *err)
{
  decoder->inflate = pw_calloc(1, sizeof *decoder->inflate);
  if (!decoder->inflate) return out_of_memory(decoder, err);
  if (inflateInit2(decoder->inflate, 15 + 16) != Z_OK) { /* 16: gzip wrapper only */
    pw_free(decoder->inflate);
    decoder->inflate = NULL;
    return out_of_memory(decoder, err);
  }
  return 0;
}

/* A member has ended: begins the next if there is more. 1, 0 at the end, or negative. */
static int gzip_next_member(struct pw_decoder *decoder, struct pw_error *err)
{
  z_stream *z = decoder->inflate;
  if (z->avail_in == 0) return 0;
  if (*z->next_in != 0x1f) return trailing(decoder, err);
  inflateReset(z);
  decoder->member_ended = false;
  return 1;
}

static int64_t gzip_read(struct pw_decoder *decoder, unsigned char *to, size_t room, struct pw_error *err)
{
  z_stream *z = decoder->inflate;
  z->next_out = to;
  z->avail_out = room > INT32_MAX ? INT32_MAX : (uInt)room;
  while (z->next_out == to) {
    if (z->avail_in == 0) {
      int64_t got = pw_stored_read(decoder->stored, decoder->input, INPUT_BYTES, err);
      if (got < 0) return got;
      z->next_in = decoder->input;
      z->avail_in = (uInt)got;
    }
    if (decoder->member_ended) {
      int more = gzip_next_member(decoder, err);
      if (more <= 0) return more;
    }
    if (z->avail_in == 0) return damaged(decoder, "it ends too early", err);
    int status = inflate(z, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) return out_of_memory(decoder, err);
    if (status == Z_STREAM_END) decoder->member_ended = true;
    else if (status != Z_OK) return damaged(decoder, z->msg, err);
  }
  return z->next_out - to;
}

/* ---- everything else, by libarchive ---- */

/* libarchive reads 4 bytes behind an lz4 frame before it sees that they are no
 * signature, so that 4 bytes of rubbish would count as used. An empty skippable
 * frame behind the input brings it out: it is used up only if all before it was. */
static const unsigned char lz4_guard[8] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};

static la_ssize_t feed(struct archive *archive, void *context, const void **bytes)
{
  struct pw_decoder *decoder = context;
  *bytes = decoder->input;
  int64_t got = pw_stored_read(decoder->stored, decoder->input, INPUT_BYTES, &decoder->failure);
  if (got < 0) archive_set_error(archive, EIO, "read failed");
  if (got == 0 && decoder->guard_bytes > 0 && !decoder->guarded) {
    decoder->guarded = true;
    memcpy(decoder->input, lz4_guard, sizeof lz4_guard);
    got = sizeof lz4_guard;
  }
  return got < 0 ? ARCHIVE_FATAL : (la_ssize_t)got;
}

static la_int64_t feed_seek(struct archive *archive, void *context, la_int64_t offset, int whence)
{
  struct pw_decoder *decoder = context;
  struct pw_stored *stored = decoder->stored;
  int64_t base = whence == SEEK_SET   ? 0
                 : whence == SEEK_CUR ? (int64_t)(stored->at_bytes - (stored->head_n - stored->head_at))
                                      : (int64_t)stored->file_bytes;
  int64_t to;
  if (__builtin_add_overflow(base, offset, &to) || to < 0 || (uint64_t)to > stored->file_bytes) {
    archive_set_error(archive, EINVAL, "it points outside the file");
    return ARCHIVE_FATAL;
  }
  return pw_stored_seek(stored, (uint64_t)to, &decoder->failure) < 0 ? ARCHIVE_FATAL : to;
}

/* The sentence for the last libarchive failure. */
static int archive_failed(struct pw_decoder *decoder, struct pw_error *err)
{
  if (decoder->failure.status != PW_OK)
    return pw_error_set(err, decoder->failure.status, "%s", decoder->failure.text);
  if (archive_errno(decoder->archive) == ENOMEM) return out_of_memory(decoder, err);
  return damaged(decoder, archive_error_string(decoder->archive), err);
}

/* Every stored byte must belong to the compressed data. */
static int check_used_up(struct pw_decoder *decoder, struct pw_error *err)
{
  uint64_t seen = decoder->stored->at_bytes - decoder->skipped_bytes + decoder->guard_bytes;
  int64_t more = pw_stored_read(decoder->stored, decoder->input, 1, err);
  if (more < 0) return (int)more;
  int64_t used = archive_filter_bytes(decoder->archive, -1);
  return more > 0 || used < 0 || (uint64_t)used != seen ? trailing(decoder, err) : 0;
}

/* A folder, or what systems put beside files: a Mac's forks and folder views. */
static bool is_beside(struct archive_entry *entry)
{
  const char *path = archive_entry_pathname(entry), *slash = path ? strrchr(path, '/') : NULL, *name = slash ? slash + 1 : path;
  if (archive_entry_filetype(entry) == AE_IFDIR) return true;
  return path && (strncmp(path, "__MACOSX/", 9) == 0 || strncmp(name, "._", 2) == 0 || strcmp(name, ".DS_Store") == 0);
}

/* The next entry that may be a trace. */
static int next_member(struct archive *a, struct archive_entry **entry)
{
  int status;
  do status = archive_read_next_header(a, entry);
  while (status == ARCHIVE_OK && is_beside(*entry));
  return status;
}

static int check_one_member(struct pw_decoder *decoder, struct pw_error *err)
{
  struct archive_entry *entry;
  int status = next_member(decoder->archive, &entry);
  if (status == ARCHIVE_EOF) return 0;
  if (status != ARCHIVE_OK) return archive_failed(decoder, err);
  return pw_error_set(err, PW_EUNSUPPORTED, "%s: the zip holds more than one file; unpack it and name one of them",
                      decoder->stored->name);
}

static int64_t unpack_read(struct pw_decoder *decoder, unsigned char *to, size_t room, struct pw_error *err)
{
  while (decoder->n_lent == 0) {
    const void *bytes = NULL;
    size_t n = 0;
    la_int64_t offset;
    int status = archive_read_data_block(decoder->archive, &bytes, &n, &offset);
    if (status == ARCHIVE_EOF) return decoder->zip ? check_one_member(decoder, err) : check_used_up(decoder, err);
    if (status != ARCHIVE_OK) return archive_failed(decoder, err);
    decoder->lent = bytes;
    decoder->n_lent = n;
  }
  size_t n = decoder->n_lent < room ? decoder->n_lent : room;
  memcpy(to, decoder->lent, n);
  decoder->lent += n;
  decoder->n_lent -= n;
  return (int64_t)n;
}

/* Nothing at all in the compressed form: the end, which the source refuses as empty. */
static int64_t nothing_read(struct pw_decoder *decoder, unsigned char *to, size_t room, struct pw_error *err)
{
  (void)decoder, (void)to, (void)room, (void)err;
  return 0;
}

static int archive_open(struct pw_decoder *decoder, int (*support)(struct archive *), struct pw_error *err)
{
  struct archive *a = decoder->archive = archive_read_new();
  if (!a) return out_of_memory(decoder, err);
  int status = support(a);
  if (decoder->zip) {
    if (decoder->stored->pipe)
      return pw_error_set(err, PW_EUNSUPPORTED,
                          "%s is a zip and comes through a pipe: save it to a file, or unpack it into the pipe "
                          "with funzip", decoder->stored->name);
    archive_read_set_seek_callback(a, feed_seek);
  } else {
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
  }
  if (status == ARCHIVE_OK) status = archive_read_open(a, decoder, NULL, feed, NULL);
  struct archive_entry *entry = NULL;
  if (status == ARCHIVE_OK) status = decoder->zip ? next_member(a, &entry) : archive_read_next_header(a, &entry);
  if (status != ARCHIVE_OK && status != ARCHIVE_EOF) return archive_failed(decoder, err);
  /* libarchive did not see the compression that the first bytes promise */
  if (archive_filter_count(a) != (decoder->zip ? 1 : 2)) return damaged(decoder, "its first bytes are damaged", err);
  if (status == ARCHIVE_EOF) decoder->read = nothing_read;
  else if (decoder->zip && archive_entry_filetype(entry) != AE_IFREG)
    return pw_error_set(err, PW_EUNSUPPORTED, "%s: the zip begins with something that is no file; unpack it and "
                        "name the trace", decoder->stored->name);
  return 0;
}

/* ---- which one ---- */

struct compression {
  const char *name;
  const char *magic;
  size_t n_magic;
  int (*support)(struct archive *); /* NULL: gzip, by zlib */
};

static const struct compression compressions[] = {
    {"gzip", "\x1f\x8b", 2, NULL},
    {"xz", "\xfd" "7zXZ", 6, archive_read_support_filter_xz},
    {"zstd", "\x28\xb5\x2f\xfd", 4, archive_read_support_filter_zstd},
    {"bzip2", "BZh", 3, archive_read_support_filter_bzip2},
    {"lz4", "\x04\x22\x4d\x18", 4, archive_read_support_filter_lz4},
    {"zip", "PK\x03\x04", 4, archive_read_support_format_zip_seekable},
    {"zip", "PK\x05\x06", 4, archive_read_support_format_zip_seekable},
    {"lzma", "\x5d\x00\x00", 3, archive_read_support_filter_lzma},
};

/* .lzma has no real magic: beyond its usual first byte, ask for a dictionary of
 * 2^k bytes and a length that is unknown or believable. */
static bool is_lzma(const unsigned char *head, size_t n)
{
  if (n < 13) return false;
  uint32_t dictionary = (uint32_t)head[1] | (uint32_t)head[2] << 8 | (uint32_t)head[3] << 16 | (uint32_t)head[4] << 24;
  if (dictionary < 4096 || (dictionary & (dictionary - 1)) != 0) return false;
  bool unknown = true;
  for (int i = 5; i < 13; i++) unknown = unknown && head[i] == 0xff;
  return unknown || (head[10] == 0 && head[11] == 0 && head[12] == 0);
}

static const struct compression *find_compression(const unsigned char *head, size_t n)
{
  for (size_t i = 0; i < sizeof compressions / sizeof *compressions; i++) {
    const struct compression *c = &compressions[i];
    if (n < c->n_magic || memcmp(head, c->magic, c->n_magic) != 0) continue;
    if (c->support == archive_read_support_filter_lzma && !is_lzma(head, n)) continue;
    if (c->support == archive_read_support_filter_bzip2 && n > 3 && (head[3] < '1' || head[3] > '9')) continue;
    return c;
  }
  return NULL;
}

/* Zstd and lz4 share the form of skippable frames; which of the two it is shows
 * only behind them, and libarchive guesses. So those at the front are dropped. */
static int drop_skippable(struct pw_decoder *decoder, struct pw_error *err)
{
  for (;;) {
    size_t n;
    const unsigned char *head = pw_stored_peek(decoder->stored, &n);
    if (n < 4 || (head[0] & 0xf0) != 0x50 || head[1] != 0x2a || head[2] != 0x4d || head[3] != 0x18) return 0;
    decoder->name = "zstd";
    if (n < 8) return damaged(decoder, "it ends in a skippable frame", err);
    uint64_t left = 8 + ((uint64_t)head[4] | (uint64_t)head[5] << 8 | (uint64_t)head[6] << 16 | (uint64_t)head[7] << 24);
    while (left > 0) {
      int64_t got = pw_stored_read(decoder->stored, decoder->input, left < INPUT_BYTES ? (size_t)left : INPUT_BYTES, err);
      if (got < 0) return (int)got;
      if (got == 0) return damaged(decoder, "it ends in a skippable frame", err);
      left -= (uint64_t)got;
      decoder->skipped_bytes += (uint64_t)got;
    }
  }
}

static int start_by_magic(struct pw_decoder *decoder, struct pw_error *err)
{
  decoder->input = pw_malloc(INPUT_BYTES, 1);
  if (!decoder->input) return out_of_memory(decoder, err);
  int status = drop_skippable(decoder, err);
  if (status != 0) return status;
  size_t n;
  const unsigned char *head = pw_stored_peek(decoder->stored, &n);
  const struct compression *c = find_compression(head, n);
  if (!c && decoder->skipped_bytes > 0)
    return n == 0 ? 0 : damaged(decoder, "no compressed frame follows its skippable ones", err);
  if (!c) return 0;
  decoder->name = c->name;
  decoder->read = c->support ? unpack_read : gzip_read;
  decoder->zip = c->support == archive_read_support_format_zip_seekable;
  decoder->guard_bytes = c->support == archive_read_support_filter_lz4 ? sizeof lz4_guard : 0;
  return c->support ? archive_open(decoder, c->support, err) : gzip_start(decoder, err);
}

int pw_decoder_start(struct pw_decoder *decoder, struct pw_stored *stored, bool raw, struct pw_error *err)
{
  memset(decoder, 0, sizeof *decoder);
  decoder->name = "none";
  decoder->stored = stored;
  decoder->read = plain_read;
  if (raw) return 0;
  int status = start_by_magic(decoder, err);
  if (status != 0) pw_decoder_stop(decoder);
  return status;
}

int64_t pw_decoder_read(struct pw_decoder *decoder, unsigned char *to, size_t room, struct pw_error *err)
{
  return decoder->read(decoder, to, room, err);
}

void pw_decoder_stop(struct pw_decoder *decoder)
{
  if (decoder->inflate) inflateEnd(decoder->inflate);
  if (decoder->archive) archive_read_free(decoder->archive);
  pw_free(decoder->inflate);
  pw_free(decoder->input);
  decoder->inflate = NULL;
  decoder->archive = NULL;
  decoder->input = NULL;
}
