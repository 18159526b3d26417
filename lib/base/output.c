/* A file that gets its final name only when it is whole.
 *
 * The data goes to a file without a name in the same folder, is flushed and synced, and is
 * then linked to the final name, so that a crash, a full disk or a kill leaves nothing. Where the name
 * is taken, it is linked to "NAME.tmp-PID-N" and renamed; where the file system knows no files without
 * a name, it has this one from the start, and a kill may leave that. */
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
  bool named;       /* `temporary` exists */
  FILE *stream;
};

static atomic_uint serial;

static void output_free(struct pw_output *output)
{
  pw_free(output->path);
  pw_free(output->temporary);
  pw_free(output);
}

static void folder_of(char *folder, size_t n, const char *path)
{
  const char *slash = strrchr(path, '/');
  snprintf(folder, n, "%.*s", slash ? (int)(slash - path) + (slash == path) : 1, slash ? path : ".");
}

/* Syncs the folder of `path`, so that the new name survives a power cut. */
static void sync_folder(const char *path)
{
  char folder[4096];
  folder_of(folder, sizeof folder, path);
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd); /* best effort: some file systems refuse it on folders */
  close(fd);
}

/* The name under which an open file can be linked. */
static void open_name(char *name, size_t n, int fd)
{
  snprintf(name, n, "/proc/self/fd/%d", fd);
}

/* A file without a name, or else one with the temporary name. */
static int open_unfinished(struct pw_output *o)
{
  char folder[4096], name[64];
  folder_of(folder, sizeof folder, o->path);
  int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  open_name(name, sizeof name, fd);
  if (fd >= 0 && access(name, F_OK) == 0) return fd;
  if (fd >= 0) close(fd);
  fd = open(o->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  o->named = fd >= 0;
  return fd;
}

/* 0, or the cause. */
static int give_name(struct pw_output *o)
{
  char name[64];
  open_name(name, sizeof name, fileno(o->stream));
  if (!o->named && linkat(AT_FDCWD, name, AT_FDCWD, o->path, AT_SYMLINK_FOLLOW) == 0) return 0;
  if (!o->named && (errno != EEXIST || linkat(AT_FDCWD, name, AT_FDCWD, o->temporary, AT_SYMLINK_FOLLOW))) return errno;
  o->named = true;
  return rename(o->temporary, o->path) ? errno : 0;
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
  int fd = open_unfinished(o);
  if (fd >= 0) o->stream = fdopen(fd, "wb");
  if (!o->stream) {
    int cause = errno;
    if (fd >= 0) {
      close(fd);
      if (o->named) unlink(o->temporary);
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
  if (!cause) cause = give_name(output);
  if (fclose(output->stream) && !cause) cause = errno;
  int status = 0;
  if (cause) {
    if (output->named) unlink(output->temporary);
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
  if (output->named) unlink(output->temporary);
  output_free(output);
}
