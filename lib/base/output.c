/* A file that gets its final name only when it is whole.
 *
 * The data goes to a temporary name in the same folder ("NAME.tmp-PID-N"), is
 * flushed and synced, and is then renamed over the final name, so that a crash,
 * a full disk or a kill never leaves a partial file under the name that counts. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pagewalk.h"

struct pw_output {
  char *path;
  char *temporary;
  FILE *stream;
};

static atomic_uint serial;

static void output_free(struct pw_output *output)
{
  pw_free(output->path);
  pw_free(output->temporary);
  pw_free(output);
}

/* Syncs the folder of `path`, so that the new name survives a power cut. */
static void sync_folder(const char *path)
{
  const char *slash = strrchr(path, '/');
  char folder[4096] = ".";
  if (slash) snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
  if (slash == path) snprintf(folder, sizeof folder, "/");
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd); /* best effort: some file systems refuse it on folders */
  close(fd);
}

int pw_output_open(struct pw_output **output, const char *path, struct pw_error *err)
{
  *output = NULL;
  struct stat st;
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
    return pw_error_set(err, PW_EIO, "%s is a folder: name a file to write", path);
  if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
    return pw_error_set(err, PW_EIO, "%s is no ordinary file, and a rename would replace it: name a file to write", path);
  struct pw_output *o = pw_calloc(1, sizeof *o);
  size_t n = strlen(path) + 48;
  if (o) {
    o->path = pw_strdup(path);
    o->temporary = pw_malloc(n, 1);
  }
  if (!o || !o->path || !o->temporary) {
    if (o) output_free(o);
    return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  }
  snprintf(o->temporary, n, "%s.tmp-%ld-%u", path, (long)getpid(), atomic_fetch_add(&serial, 1));
  int fd = open(o->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd >= 0) o->stream = fdopen(fd, "wb");
  if (!o->stream) {
    int cause = errno;
    if (fd >= 0) {
      close(fd);
      unlink(o->temporary);
    }
    output_free(o);
    return pw_error_set(err, PW_EIO, "%s cannot be created: %s; name a folder that exists and can be written to",
                        path, strerror(cause));
  }
  *output = o;
  return 0;
}

FILE *pw_output_stream(struct pw_output *output)
{
  return output->stream;
}

/* A stream remembers that a write failed, not why: another one tells. */
static int failed_write(FILE *stream)
{
  errno = 0;
  off_t end = lseek(fileno(stream), 0, SEEK_END);
  return pwrite(fileno(stream), "", 1, end < 0 ? 0 : end) < 0 && errno ? errno : EIO;
}

int pw_output_commit(struct pw_output *output, struct pw_error *err)
{
  int cause = 0;
  errno = 0;
  if (fflush(output->stream)) cause = errno ? errno : EIO;
  if (!cause && ferror(output->stream)) cause = failed_write(output->stream);
  if (!cause && fsync(fileno(output->stream)) && errno != EINVAL && errno != EROFS) cause = errno;
  if (fclose(output->stream) && !cause) cause = errno;
  if (!cause && rename(output->temporary, output->path)) cause = errno;
  int status = 0;
  if (cause) {
    unlink(output->temporary);
    status = pw_error_set(err, PW_EIO, "%s cannot be written: %s; nothing was left behind", output->path,
                          strerror(cause));
  } else {
    sync_folder(output->path);
  }
  output_free(output);
  return status;
}

void pw_output_abandon(struct pw_output *output)
{
  if (!output) return;
  fclose(output->stream);
  unlink(output->temporary);
  output_free(output);
}
