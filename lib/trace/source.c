/* The window over a source's plain bytes: stored bytes → decoder → window.
 *
 * Plain files are read straight into the window, a megabyte at a time, so that
 * what costs is the kernel's copy. A failure is kept and told again on every
 * further fill: bytes after damage are never lent. */
#include "trace/source.h"

#include <string.h>

#include "base/alloc.h"
#include "trace/decode.h"

#define WINDOW_BYTES ((size_t)1 << 20)

struct pw_source {
  struct pw_stored stored;
  struct pw_decoder decoder;
  bool started, raw, ended;
  const char *compression;
  unsigned char *window;
  size_t capacity, begin, end; /* the window is window[begin … end) */
  uint64_t total_bytes;        /* plain bytes so far */
  struct pw_error failure;     /* PW_OK = none */
};

static struct pw_source *create(const char *path, struct pw_error *err)
{
  struct pw_source *source = pw_calloc(1, sizeof *source);
  if (source) {
    source->window = pw_malloc(WINDOW_BYTES, 1);
    source->capacity = WINDOW_BYTES;
    source->compression = "none";
  }
  if (!source || !source->window) {
    pw_free(source);
    pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
    return NULL;
  }
  return source;
}

static int hand_over(struct pw_source **out, struct pw_source *source, int status)
{
  if (status != 0) {
    pw_free(source->window);
    pw_free(source);
    source = NULL;
  }
  *out = source;
  return status;
}

int pw_source_open(struct pw_source **out, const char *path, struct pw_error *err)
{
  *out = NULL;
  struct pw_source *source = create(path, err);
  if (!source) return PW_ENOMEM;
  return hand_over(out, source, pw_stored_open(&source->stored, path, err));
}

int pw_source_open_memory(struct pw_source **out, const char *name, const void *data, size_t n_bytes,
                          struct pw_error *err)
{
  *out = NULL;
  struct pw_source *source = create(name, err);
  if (!source) return PW_ENOMEM;
  return hand_over(out, source, pw_stored_open_memory(&source->stored, name, data, n_bytes, err));
}

const unsigned char *pw_source_peek_stored(struct pw_source *source, size_t *n)
{
  return pw_stored_peek(&source->stored, n);
}

void pw_source_set_raw(struct pw_source *source)
{
  source->raw = true;
}

/* Moves what is left to the front and makes room for `want` bytes. */
static int make_room(struct pw_source *source, size_t want, struct pw_error *err)
{
  size_t n = source->end - source->begin;
  if (n > 0 && source->begin > 0) memmove(source->window, source->window + source->begin, n);
  source->begin = 0;
  source->end = n;
  if (want <= source->capacity) return 0;
  void *window = source->window;
  if (pw_grow(&window, &source->capacity, want, 1) != 0)
    return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", source->stored.name);
  source->window = window;
  return 0;
}

/* Reads until the window holds `want` bytes or the input ends. */
static int read_more(struct pw_source *source, size_t want, struct pw_error *err)
{
  int status = 0;
  if (!source->started) status = pw_decoder_start(&source->decoder, &source->stored, source->raw, err);
  if (status != 0) return status;
  source->started = true;
  source->compression = source->decoder.name;
  status = make_room(source, want, err);
  if (status != 0) return status;
  while (source->end < want && !source->ended) {
    int64_t got = pw_decoder_read(&source->decoder, source->window + source->end, source->capacity - source->end, err);
    if (got < 0) return (int)got;
    source->ended = got == 0;
    source->end += (size_t)got;
    source->total_bytes += (uint64_t)got;
  }
  if (source->ended && source->total_bytes == 0)
    return pw_error_set(err, PW_EFORMAT, "%s is empty: there is no trace in it", source->stored.name);
  return 0;
}

int pw_source_fill(struct pw_source *source, size_t want, const unsigned char **bytes, size_t *n, bool *last,
                   struct pw_error *err)
{
  if (want == 0) want = 1;
  if (source->failure.status == PW_OK && source->end - source->begin < want &&
      (!source->ended || source->total_bytes == 0))
    source->failure.status = read_more(source, want, &source->failure);
  if (source->failure.status != PW_OK)
    return pw_error_set(err, source->failure.status, "%s", source->failure.text);
  *bytes = source->window + source->begin;
  *n = source->end - source->begin;
  *last = source->ended;
  return 0;
}

void pw_source_consume(struct pw_source *source, size_t n)
{
  source->begin += n;
}

int pw_source_rewind(struct pw_source *source, struct pw_error *err)
{
  int status = pw_stored_seek(&source->stored, 0, err);
  if (status != 0) return status;
  if (source->started) pw_decoder_stop(&source->decoder);
  source->started = source->ended = false;
  source->begin = source->end = 0;
  source->total_bytes = 0;
  source->failure.status = PW_OK;
  return 0;
}

bool pw_source_is_pipe(const struct pw_source *source)
{
  return source->stored.pipe;
}

uint64_t pw_source_stored_bytes(const struct pw_source *source)
{
  return source->stored.at_bytes;
}

uint64_t pw_source_file_bytes(const struct pw_source *source)
{
  return source->stored.file_bytes;
}

const char *pw_source_compression(const struct pw_source *source)
{
  return source->compression;
}

void pw_source_close(struct pw_source *source)
{
  if (!source) return;
  if (source->started) pw_decoder_stop(&source->decoder);
  pw_stored_close(&source->stored);
  pw_free(source->window);
  pw_free(source);
}
