/* Where the capture tool lies: next to the command in the build tree, or where it was installed. */
#include "toolfolder.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "heap.h"

#ifndef PW_LIBEXEC
#define PW_LIBEXEC "../libexec/pagewalk"
#endif

char *tool_folder(void)
{
  char self[PATH_MAX], *slash;
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  self[n < 0 ? 0 : n] = '\0';
  if ((slash = strrchr(self, '/'))) *slash = '\0';
  char *folder = heap_text("%s/capture", self);
  if (file_is_folder(folder)) return folder;
  free(folder);
  return heap_text("%s/%s", self, PW_LIBEXEC);
}
