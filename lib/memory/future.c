/* The future of a touch sequence, by way of two temporary files. See future.h. */
#include "memory/future.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/temporary.h"
#include "memory/memory.h"

#define CHUNK ((size_t)1 << 16)

struct pw_future {
  FILE *ids, *answers;
  uint64_t n;
};

static int failed(const char *what, struct pw_error *err)
{
  return pw_error_set(err, PW_EIO, "the temporary file for opt cannot be %s: %s; set TMPDIR to a folder with more room", what,
                      strerror(errno ? errno : EIO));
}

int pw_future_create(struct pw_future **future, struct pw_error *err)
{
  struct pw_future *f = *future = pw_calloc(1, sizeof *f);
  if (!f) return pw_error_set(err, PW_ENOMEM, "memory ran out for the accesses to come, which policy opt needs; free some, or "
                                              "run a part of the trace (--limit)");
  f->ids = pw_temporary_file(err);
  if (f->ids) f->answers = pw_temporary_file(err);
  if (f->answers) return 0;
  pw_future_destroy(f);
  *future = NULL;
  return PW_EIO;
}

void pw_future_destroy(struct pw_future *f)
{
  if (!f) return;
  if (f->ids) fclose(f->ids);
  if (f->answers) fclose(f->answers);
  pw_free(f);
}

int pw_future_note(struct pw_future *f, const uint32_t *id, size_t n, struct pw_error *err)
{
  errno = 0;
  if (fwrite(id, sizeof *id, n, f->ids) != n) return failed("written", err);
  f->n += n;
  return 0;
}

/* Answers for touches [first, first + n), given what lies after them in `last`. */
static int answer_chunk(struct pw_future *f, uint64_t first, size_t n, uint32_t *id, uint64_t *next, uint64_t *last,
                        struct pw_error *err)
{
  errno = 0;
  if (fseeko(f->ids, (off_t)(first * sizeof *id), SEEK_SET) || fread(id, sizeof *id, n, f->ids) != n)
    return failed("read", err);
  for (size_t i = n; i-- > 0;) {
    uint64_t *known = &last[id[i] & ~PW_FUTURE_ENDS];
    next[i] = *known;
    *known = id[i] & PW_FUTURE_ENDS ? PW_NEVER : first + i;
  }
  if (fseeko(f->answers, (off_t)(first * sizeof *next), SEEK_SET) || fwrite(next, sizeof *next, n, f->answers) != n)
    return failed("written", err);
  return 0;
}

int pw_future_turn(struct pw_future *f, size_t n_ids, struct pw_error *err)
{
  uint64_t *last = pw_malloc(n_ids, sizeof *last), *next = pw_malloc(CHUNK, sizeof *next);
  uint32_t *id = pw_malloc(CHUNK, sizeof *id);
  int status = 0;
  if (!last || !next || !id) status = pw_error_set(err, PW_ENOMEM, "memory ran out for the accesses to come, which policy opt "
                                                                   "needs; free some, or run a part of the trace (--limit)");
  for (size_t i = 0; !status && i < n_ids; i++) last[i] = PW_NEVER;
  errno = 0;
  if (!status && fflush(f->ids)) status = failed("written", err);
  for (uint64_t end = f->n; !status && end > 0;) {
    size_t n = end % CHUNK ? (size_t)(end % CHUNK) : CHUNK;
    end -= n;
    status = answer_chunk(f, end, n, id, next, last, err);
  }
  if (!status && (fflush(f->answers) || fseeko(f->answers, 0, SEEK_SET))) status = failed("read", err);
  pw_free(last);
  pw_free(next);
  pw_free(id);
  return status;
}

int pw_future_read(struct pw_future *f, uint64_t *next, size_t n, struct pw_error *err)
{
  errno = 0;
  return fread(next, sizeof *next, n, f->answers) == n ? 0 : failed("read", err);
}
