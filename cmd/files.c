/* Files that a user names: are two the same, and writing where the user said. */
#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "heap.h"
#include "say.h"

/* Do two paths, at least one of which names nothing yet, name one entry of one folder? */
static bool same_entry(const char *a, const char *b)
{
  const char *paths[] = {a, b}, *names[2];
  struct stat folders[2];
  for (int i = 0; i < 2; i++) {
    const char *slash = strrchr(paths[i], '/');
    names[i] = slash ? slash + 1 : paths[i];
    char *folder = heap_text("%.*s", slash ? (int)(slash - paths[i] + 1) : 1, slash ? paths[i] : ".");
    bool found = stat(folder, &folders[i]) == 0;
    free(folder);
    if (!found) return false;
  }
  return strcmp(names[0], names[1]) == 0 && folders[0].st_dev == folders[1].st_dev &&
         folders[0].st_ino == folders[1].st_ino;
}

bool files_same(const char *a, const char *b)
{
  struct stat x, y;
  if (strcmp(a, b) == 0) return true;
  if (strcmp(a, "-") == 0 || strcmp(b, "-") == 0) return false;
  if (stat(a, &x) != 0 || stat(b, &y) != 0) return same_entry(a, b);
  return S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool file_is_folder(const char *path)
{
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_exists(const char *path)
{
  struct stat st;
  return stat(path, &st) == 0;
}

uint64_t file_bytes(const char *path)
{
  struct stat st;
  bool known = strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
  return known ? (uint64_t)st.st_size : 0;
}

char *file_text(const char *path, size_t *n, struct pw_error *err)
{
  enum { MOST = 64 << 20 };
  FILE *in = fopen(path, "rbe");
  if (!in) {
    pw_error_set(err, PW_EIO, "%s cannot be opened: %s; %s", path, strerror(errno),
                 errno == ENOENT ? "check its name" : "check that it is a file you may read");
    return NULL;
  }
  char *text = NULL;
  size_t room = 0, got;
  *n = 0;
  do {
    text = heap_grow(text, &room, *n + 4097, 1);
    got = fread(text + *n, 1, 4096, in);
    *n += got;
  } while (got && *n <= MOST);
  text[*n] = '\0';
  bool failed = ferror(in) != 0;
  int cause = errno;
  fclose(in);
  if (!failed && *n <= MOST) return text;
  if (failed)
    pw_error_set(err, PW_EIO, "%s cannot be read: %s", path, strerror(cause));
  else
    pw_error_set(err, PW_EIO, "%s is over 64 MiB: it cannot be what it is taken for", path);
  free(text);
  return NULL;
}

int folder_make(const char *path, bool *is_new, struct pw_error *err)
{
  if (is_new) *is_new = false;
  if (mkdir(path, 0777) == 0) {
    if (is_new) *is_new = true;
    return 0;
  }
  int cause = errno;
  if (cause == EEXIST && file_is_folder(path)) return 0;
  if (cause == EEXIST)
    return pw_error_set(err, PW_EIO, "%s is a file; name a folder with -o", path);
  if (cause == ENOENT)
    return pw_error_set(err, PW_EIO, "the folder %s cannot be made: its parent does not exist; make that first", path);
  return pw_error_set(err, PW_EIO, "the folder %s cannot be made: %s; name one that can be written to with -o", path,
                      strerror(cause));
}

int sink_open(struct sink *sink, const char *path, struct pw_error *err)
{
  *sink = (struct sink){.path = path};
  struct stat st;
  if (strcmp(path, "-") == 0) {
    sink->stream = stdout;
    return 0;
  }
  if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
    FILE *device = fopen(path, "we"); /* renaming over a device would replace it */
    if (!device) return pw_error_set(err, PW_EIO, "%s cannot be opened: %s", path, strerror(errno));
    sink->stream = terminal_stream(device);
    if (sink->stream) return 0;
    fclose(device);
    return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  }
  if (pw_output_open(&sink->output, path, err)) return PW_EIO;
  sink->stream = pw_output_stream(sink->output);
  return 0;
}

int sink_close(struct sink *sink, struct pw_error *err)
{
  if (sink->output) return pw_output_commit(sink->output, err);
  if (sink->stream == stdout) return 0; /* stdout_finish checks it */
  bool failed = ferror(sink->stream) != 0;
  if (fclose(sink->stream) || failed)
    return pw_error_set(err, PW_EIO, "%s cannot be written: %s", sink->path, strerror(errno ? errno : EIO));
  return 0;
}

void sink_abandon(struct sink *sink)
{
  if (sink->output)
    pw_output_abandon(sink->output);
  else if (sink->stream && sink->stream != stdout)
    fclose(sink->stream);
}

int sink_write(const char *path, int (*write)(const void *context, FILE *out, struct pw_error *err), const void *context)
{
  struct sink sink;
  struct pw_error err = {0};
  int status = sink_open(&sink, path, &err);
  if (!status) {
    status = write(context, sink.stream, &err);
    if (status && sink.stream == stdout) return FAILED; /* stdout_finish says why */
    if (status)
      sink_abandon(&sink);
    else
      status = sink_close(&sink, &err);
  }
  if (status) say("%s", err.text);
  return status ? FAILED : DONE;
}

int stdout_finish(void)
{
  static bool finished;
  if (finished) return DONE;
  finished = true;
  bool failed = ferror(stdout) != 0;
  errno = 0;
  if (fclose(stdout)) failed = true;
  if (!failed) return DONE;
  if (errno != EPIPE) say("standard output cannot be written: %s", strerror(errno ? errno : EIO));
  return FAILED;
}
