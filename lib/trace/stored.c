/* Reads stored bytes from a file, a pipe or memory, and says clearly why it cannot.
 *
 * Reads go straight into the caller's buffer; only the first few bytes, which
 * decide about format and compression, pass through a small buffer of ours. */
#include "trace/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define PEEK_BYTES 64

static int open_failed(const char *path, int cause, struct pw_error *err)
{
  switch (cause) {
  case ENOENT:
  case ENOTDIR:
    return pw_error_set(err, PW_EIO, "%s cannot be opened: there is no such file; check its spelling", path);
  case EACCES:
    return pw_error_set(err, PW_EIO, "%s cannot be opened: permission denied; make it readable for this user", path);
  default:
    return pw_error_set(err, PW_EIO, "%s cannot be opened: %s", path, strerror(cause));
  }
}

/* What kind of file it is decides whether its size is known and whether it can be read again. */
static int look_at(struct pw_stored *stored, bool standard_input, struct pw_error *err)
{
  struct stat info;
  if (fstat(stored->fd, &info) != 0) return open_failed(stored->name, errno, err);
  if (S_ISDIR(info.st_mode))
    return pw_error_set(err, PW_EIO, "%s is a folder: name a trace file in it", stored->name);
  stored->pipe = standard_input || !S_ISREG(info.st_mode);
  if (!stored->pipe) {
    stored->file_bytes = info.st_size > 0 ? (uint64_t)info.st_size : 0;
    (void)posix_fadvise(stored->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return 0;
}

int pw_stored_open(struct pw_stored *stored, const char *path, struct pw_error *err)
{
  bool standard_input = strcmp(path, "-") == 0;
  memset(stored, 0, sizeof *stored);
  stored->fd = -1;
  stored->name = pw_strdup(standard_input ? "standard input" : path);
  if (!stored->name) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  int status = 0;
  do {
    stored->fd = standard_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
  } while (stored->fd < 0 && errno == EINTR);
  if (stored->fd < 0) status = open_failed(stored->name, errno, err);
  if (status == 0) status = look_at(stored, standard_input, err);
  if (status != 0) pw_stored_close(stored);
  return status;
}

int pw_stored_open_memory(struct pw_stored *stored, const char *name, const void *data, size_t n_bytes,
                          struct pw_error *err)
{
  memset(stored, 0, sizeof *stored);
  stored->fd = -1;
  stored->memory = data;
  stored->file_bytes = n_bytes;
  stored->name = pw_strdup(name);
  if (!stored->name) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", name);
  return 0;
}

/* One read from the system or memory; 0 at the end and on failure (see cause). */
static size_t take(struct pw_stored *stored, unsigned char *to, size_t room)
{
  if (stored->ended || stored->cause != 0 || room == 0) return 0;
  size_t got = 0;
  if (stored->fd >= 0) {
    ssize_t n;
    do {
      n = read(stored->fd, to, room);
    } while (n < 0 && errno == EINTR);
    if (n < 0) stored->cause = errno;
    if (n > 0) got = (size_t)n;
  } else {
    uint64_t left = stored->file_bytes - stored->at_bytes;
    got = left < room ? (size_t)left : room;
    if (got > 0) memcpy(to, stored->memory + stored->at_bytes, got);
  }
  stored->at_bytes += got;
  if (got == 0 && stored->cause == 0) stored->ended = true;
  return got;
}

const unsigned char *pw_stored_peek(struct pw_stored *stored, size_t *n)
{
  size_t left = stored->head_n - stored->head_at;
  if (left < PEEK_BYTES) {
    memmove(stored->head, stored->head + stored->head_at, left);
    stored->head_at = 0;
    stored->head_n = left;
    size_t got = 1;
    while (stored->head_n < PEEK_BYTES && got > 0) {
      got = take(stored, stored->head + stored->head_n, sizeof stored->head - stored->head_n);
      stored->head_n += got;
    }
  }
  *n = stored->head_n - stored->head_at;
  return stored->head + stored->head_at;
}

int64_t pw_stored_read(struct pw_stored *stored, unsigned char *to, size_t room, struct pw_error *err)
{
  size_t left = stored->head_n - stored->head_at;
  if (left > 0) {
    if (left > room) left = room;
    memcpy(to, stored->head + stored->head_at, left);
    stored->head_at += left;
    return (int64_t)left;
  }
  size_t got = take(stored, to, room);
  if (got == 0 && stored->cause != 0)
    return pw_error_set(err, PW_EIO, "%s cannot be read at byte %llu: %s", stored->name,
                        (unsigned long long)stored->at_bytes, strerror(stored->cause));
  return (int64_t)got;
}

int pw_stored_seek(struct pw_stored *stored, uint64_t offset_bytes, struct pw_error *err)
{
  if (stored->pipe)
    return pw_error_set(err, PW_EUNSUPPORTED, "%s is a pipe and cannot be read twice: save it to a file first",
                        stored->name);
  if (stored->fd >= 0 && lseek(stored->fd, (off_t)offset_bytes, SEEK_SET) < 0)
    return pw_error_set(err, PW_EIO, "%s cannot be read from byte %llu: %s", stored->name,
                        (unsigned long long)offset_bytes, strerror(errno));
  stored->head_at = stored->head_n = 0;
  stored->at_bytes = offset_bytes < stored->file_bytes ? offset_bytes : stored->file_bytes;
  stored->ended = false;
  stored->cause = 0;
  return 0;
}

void pw_stored_close(struct pw_stored *stored)
{
  if (stored->fd >= 0) close(stored->fd);
  pw_free(stored->name);
  stored->fd = -1;
  stored->name = NULL;
}
