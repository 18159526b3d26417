/* Errors: one sentence for a person, written by cold code only. */
#include <stdarg.h>
#include <stdio.h>

#include "pagewalk.h"

int pw_error_set(struct pw_error *err, enum pw_status status, const char *format, ...)
{
  if (!err) return status;
  err->status = status;
  va_list args;
  va_start(args, format);
  vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  /* A file name may hold anything; a terminal must not obey it. */
  for (char *c = err->text; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
  return status;
}
