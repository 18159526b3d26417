/* Memory of the command: a request that cannot be met ends the program with a sentence. */
#include "heap.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "say.h"

static _Noreturn void ran_out(void)
{
  say("memory ran out; free some and run again, of several traces fewer at a time (--jobs)");
  exit(FAILED);
}

void *heap_zero(size_t n, size_t size_bytes)
{
  void *room = calloc(n ? n : 1, size_bytes);
  if (!room) ran_out();
  return room;
}

void *heap_grow(void *old, size_t *n, size_t need, size_t size_bytes)
{
  if (need <= *n) return old;
  size_t more = *n > SIZE_MAX / 2 ? need : *n * 2;
  if (more < need) more = need;
  if (more < 8) more = 8;
  size_t bytes;
  if (__builtin_mul_overflow(more, size_bytes, &bytes)) ran_out();
  void *room = realloc(old, bytes);
  if (!room) ran_out();
  *n = more;
  return room;
}

char *heap_text(const char *format, ...)
{
  char *text = NULL;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  if (n < 0) ran_out();
  return text;
}
