/* Unnamed temporary files: O_TMPFILE, or a name that is removed at once. */
#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

FILE *pw_temporary_file(struct pw_error *err)
{
  const char *folder = getenv("TMPDIR");
  if (!folder || !*folder) folder = "/tmp";
  int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/pagewalk-XXXXXX", folder);
    if (n > 0 && (size_t)n < sizeof path) fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) unlink(path);
  }
  FILE *file = fd >= 0 ? fdopen(fd, "w+b") : NULL;
  if (file) return file;
  pw_error_set(err, PW_EIO, "%s: no temporary file can be made there: %s; set TMPDIR to a folder with room", folder,
               strerror(errno));
  if (fd >= 0) close(fd);
  return NULL;
}
