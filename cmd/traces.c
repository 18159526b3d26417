/* The traces that a user names: standard input at most once, outputs never among them. */
#include "traces.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "heap.h"
#include "say.h"

struct identity {
  dev_t device;
  ino_t inode;
  size_t at;
};

static int by_identity(const void *a, const void *b)
{
  const struct identity *x = a, *y = b;
  if (x->device != y->device) return x->device < y->device ? -1 : 1;
  if (x->inode != y->inode) return x->inode < y->inode ? -1 : 1;
  return x->at < y->at ? -1 : x->at > y->at;
}

static int check_each_once(const struct words *traces)
{
  struct identity *ids = heap_zero(traces->n, sizeof *ids);
  size_t n = 0;
  int code = 0;
  for (size_t i = 0; i < traces->n; i++) {
    struct stat st;
    bool file = strcmp(traces->items[i], "-") != 0 && stat(traces->items[i], &st) == 0 && S_ISREG(st.st_mode);
    if (file) ids[n++] = (struct identity){st.st_dev, st.st_ino, i};
  }
  qsort(ids, n, sizeof *ids, by_identity);
  for (size_t i = 1; !code && i < n; i++)
    if (ids[i].device == ids[i - 1].device && ids[i].inode == ids[i - 1].inode) {
      const char *a = traces->items[ids[i - 1].at], *b = traces->items[ids[i].at];
      code = strcmp(a, b) == 0 ? say_usage("the trace %s is given twice; give it once", a)
                               : say_usage("%s and %s are the same trace; give it once", a, b);
    }
  free(ids);
  return code;
}

int traces_check(const struct words *traces, const char *command, int each_once)
{
  size_t pipes = 0;
  if (!traces->n) return say_usage("%s needs a trace; pagewalk help %s shows how", command, command);
  for (size_t i = 0; i < traces->n; i++) {
    if (!*traces->items[i]) return say_usage("a trace has an empty name; leave it out");
    pipes += strcmp(traces->items[i], "-") == 0;
  }
  if (pipes > 1) return say_usage("standard input (-) can be read once, not %zu times", pipes);
  return each_once ? check_each_once(traces) : 0;
}

int traces_check_output(const struct words *traces, const char *option, const char *output)
{
  for (size_t i = 0; output && i < traces->n; i++)
    if (strcmp(output, "-") != 0 && files_same(output, traces->items[i]))
      return say_usage("%s %s would overwrite the trace %s; name another file", option, output, traces->items[i]);
  return 0;
}
