/* Errors: one sentence for a person, written by cold code only. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pagewalk.h"

int pw_error_set(struct pw_error *err, enum pw_status status, const char *format, ...)
{
  if (!err) return status;
  err->status = status;
  va_list args;
  va_start(args, format);
  static const char cut[] = "…";
  int n = vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  size_t end = sizeof err->text - sizeof cut;
  if (n >= (int)sizeof err->text) {
    while (((unsigned char)err->text[end] & 0xc0) == 0x80 && end) end--;
    memcpy(err->text + end, cut, sizeof cut);
  }
  /* A file name may hold anything; a terminal must not obey it. */
  for (char *c = err->text; *c; c++) {
    unsigned char byte = (unsigned char)*c, next = (unsigned char)c[1];
    if (byte < 0x20 || byte == 0x7f) *c = '?';
    if (byte == 0xc2 && next >= 0x80 && next < 0xa0) c[0] = c[1] = '?'; /* U+0080 to U+009F */
  }
  return status;
}
