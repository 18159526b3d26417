/* Texts that grow. See text.h. */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define MORE "…"
enum { MORE_BYTES = sizeof MORE - 1 };

void pw_text_clear(struct pw_text *text)
{
  pw_free(text->chars);
  *text = (struct pw_text){0};
}

void pw_text_vprintf(struct pw_text *text, const char *format, va_list args)
{
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, again);
  va_end(again);
  if (n < 0 || text->failed || pw_grow((void **)&text->chars, &text->room, text->n + (size_t)n + 1, 1)) {
    text->failed = true;
    return;
  }
  vsnprintf(text->chars + text->n, (size_t)n + 1, format, args);
  text->n += (size_t)n;
}

void pw_text_printf(struct pw_text *text, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  pw_text_vprintf(text, format, args);
  va_end(args);
}

void pw_text_add(struct pw_text *text, const char *more)
{
  pw_text_printf(text, "%s", more);
}

/* Where a text may end that has room for n bytes: not within a character. */
static size_t end_within(const char *text, size_t n)
{
  while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
  return n;
}

void pw_text_cut(struct pw_text *text, size_t n)
{
  if (text->n <= n) return;
  text->n = end_within(text->chars, n - MORE_BYTES);
  memcpy(text->chars + text->n, MORE, MORE_BYTES + 1);
  text->n += MORE_BYTES;
}

void pw_text_fit(char *to, size_t room, const char *from)
{
  size_t n = strlen(from);
  bool fits = n < room;
  if (!fits) n = end_within(from, room - 1 - MORE_BYTES);
  memmove(to, from, n);
  memcpy(to + n, fits ? "" : MORE, fits ? 1 : MORE_BYTES + 1);
}
