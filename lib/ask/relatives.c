/* The programs of a system by name, and families of traces: a child's, and what a process goes on in. See asked.h. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask/asked.h"
#include "base/alloc.h"

enum { MOST_CHILDREN = 4096 };

/* ---- names ---- */

/* As it was given, or that of a trace's file; *n bytes of it. */
const char *pw_asked_name(const char *given, const char *trace, size_t *n)
{
  const char *slash = strrchr(trace, '/'), *name = given ? given : slash && slash[1] ? slash + 1 : trace;
  *n = strlen(name);
  if (!given && *n > 4 && strcmp(name + *n - 4, ".pwt") == 0) *n -= 4;
  return name;
}

static char *name_of(const struct pw_asked_program *copy)
{
  char text[4096];
  size_t n;
  const char *name = copy->program ? pw_asked_name(copy->program->name, copy->program->trace, &n) : pw_asked_name(NULL, copy->path, &n);
  if (copy->number) snprintf(text, sizeof text, "%.*s#%u", (int)n, name, copy->number);
  else snprintf(text, sizeof text, "%.*s", (int)n, name);
  return pw_strdup(text);
}

/* job.4711-2 (ls) */
static char *add_executed(char *name, const char *executed)
{
  const char *slash = strrchr(executed, '/'), *last = slash && slash[1] ? slash + 1 : executed;
  size_t n = strlen(name) + strlen(last) + 4;
  char *longer = pw_malloc(n, 1);
  if (longer) snprintf(longer, n, "%s (%s)", name, last);
  pw_free(name);
  return longer;
}

char *pw_asked_name_of(const struct pw_asked *a, const struct pw_system *s, uint32_t number)
{
  const struct pw_program *program = &s->slots[number].program;
  char *name = name_of(&a->copies[number]);
  bool became = name && a->copies[number].path && program->executed != PW_NO_TEXT; /* another, in a trace of its own */
  return became ? add_executed(name, program->texts.texts[program->executed]) : name;
}

/* ---- families ---- */

/* The file of that name in the folder of a trace. NULL: no memory. */
static char *beside(const char *trace, const char *name)
{
  const char *slash = strrchr(trace, '/');
  size_t folder = slash ? (size_t)(slash + 1 - trace) : 0, n = folder + strlen(name) + 1;
  char *path = pw_malloc(n, 1);
  if (path) snprintf(path, n, "%.*s%s", (int)folder, trace, name);
  return path;
}

static bool is_given(const struct pw_asked *a, const char *path)
{
  struct stat is, given;
  if (stat(path, &is)) return false;
  for (size_t i = 0; i < a->n_given; i++)
    if (stat(a->copies[i].program->trace, &given) == 0 && given.st_dev == is.st_dev && given.st_ino == is.st_ino) return true;
  return false;
}

static int check_relative(const struct pw_asked *a, const char *of, const char *name, const char *path, struct pw_error *err)
{
  if (strchr(name, '/')) return pw_error_set(err, PW_EFORMAT, "%s: the trace of a child is called %s, which is no name of a file", of, name);
  if (is_given(a, path))
    return pw_error_set(err, PW_EINVAL, "%s belongs to a process that %s starts, and joins by itself; leave it out", path, of);
  if (a->n - a->n_given >= MOST_CHILDREN) return pw_error_set(err, PW_EUNSUPPORTED, "%s starts more than %d processes", of, MOST_CHILDREN);
  return 0;
}

static int open_beside(struct pw_asked *a, size_t slot, const char *name, char *path, bool next, struct pw_blocks *blocks,
                       struct pw_error *err)
{
  struct pw_trace_options reading = a->options->reading;
  struct pw_trace *trace;
  reading.counts = true;
  if (pw_grow((void **)&a->copies, &a->room, a->n + 1, sizeof *a->copies))
    return pw_error_set(err, PW_ENOMEM, "memory ran out for the children of the programs");
  int status = pw_trace_open(&trace, path, &reading, err);
  if (status) return status;
  struct pw_asked_program *copy = &a->copies[next ? slot : a->n];
  if (!next) a->copies[a->n++] = (struct pw_asked_program){.number = a->copies[slot].number};
  else pw_asked_close(a, copy);
  pw_free(copy->path);
  copy->trace = trace;
  copy->path = NULL;
  status = pw_asked_blocks(a, copy, next ? NULL : a->copies[slot].relayout, name, blocks, err);
  if (status) return status;
  copy->path = path;
  return 1;
}

/* See turns.h: a child's trace, or what the process goes on in. */
int pw_asked_open(void *context, size_t slot, const char *name, bool next, struct pw_blocks *blocks, struct pw_error *err)
{
  struct pw_asked *a = context;
  const char *of = a->copies[slot].path ? a->copies[slot].path : a->copies[slot].program->trace;
  char *path = strcmp(of, "-") == 0 ? pw_strdup("") : beside(of, name);
  if (!path) return pw_error_set(err, PW_ENOMEM, "memory ran out for the children of the programs");
  int status = check_relative(a, of, name, path, err);
  if (!status && access(path, F_OK) == 0) status = open_beside(a, slot, name, path, next, blocks, err);
  if (status != 1) pw_free(path);
  return status;
}
