/* Names of the traces of one recording. See imagenames.h. */
#include "record/imagenames.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* OUT.pwt -> OUT.PID.pwt, and OUT.PID-2.pwt for what the same process becomes. NULL: no memory. */
static char *path_of(const struct pw_image_names *n, pid_t pid, size_t number)
{
  const char *out = n->output, *slash = strrchr(out, '/'), *dot = strrchr(slash ? slash : out, '.');
  size_t stem = dot && strcmp(dot, ".pwt") == 0 ? (size_t)(dot - out) : strlen(out), room = strlen(out) + 64;
  char *path = pw_malloc(room, 1);
  if (!path) return NULL;
  if (number == 1) snprintf(path, room, "%.*s.%ld.pwt", (int)stem, out, (long)pid);
  else snprintf(path, room, "%.*s.%ld-%zu.pwt", (int)stem, out, (long)pid, number);
  return path;
}

size_t pw_image_names_count(const struct pw_image_names *n, pid_t pid)
{
  size_t same = 0;
  for (size_t i = 0; i < n->n_named; i++) same += n->named[i].pid == pid;
  return same;
}

char *pw_image_names_new(struct pw_image_names *n, pid_t pid, bool forked)
{
  if (pw_grow((void **)&n->named, &n->named_room, n->n_named + 1, sizeof *n->named)) return NULL;
  char *path = path_of(n, pid, pw_image_names_count(n, pid) + 1);
  if (!path) return NULL;
  bool told = false;
  for (size_t i = 0; forked && i < n->n_promised && !told; i++) {
    told = n->promised[i] == pid;
    if (told) n->promised[i] = n->promised[--n->n_promised];
  }
  n->named[n->n_named++] = (struct pw_named_image){pid, forked, told};
  return path;
}

/* The number of a child's image among those of its process: it may have connected already, and even be another program by now. */
static size_t number_of_child(struct pw_image_names *n, pid_t pid)
{
  size_t same = 0;
  for (size_t i = 0; i < n->n_named; i++) {
    same += n->named[i].pid == pid;
    if (n->named[i].pid != pid || !n->named[i].forked || n->named[i].told) continue;
    n->named[i].told = true;
    return same;
  }
  if (!pw_grow((void **)&n->promised, &n->promised_room, n->n_promised + 1, sizeof *n->promised)) n->promised[n->n_promised++] = pid;
  return same + 1;
}

const char *pw_image_names_relative(void *names, uint64_t pid, const uint64_t *after)
{
  struct pw_image_names *n = names;
  pw_free(n->relative);
  n->relative = NULL;
  n->relative = path_of(n, (pid_t)pid, after ? (size_t)*after + 1 : number_of_child(n, (pid_t)pid));
  if (!n->relative) return "";
  const char *slash = strrchr(n->relative, '/');
  return slash ? slash + 1 : n->relative;
}

void pw_image_names_clear(struct pw_image_names *n)
{
  pw_free(n->named);
  pw_free(n->promised);
  pw_free(n->relative);
}
