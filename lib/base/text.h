/* Texts that grow: for whatever has no bound of its own, such as words that come from a file.
 *
 * Invariant: the text is whole, or `failed` is set and stays so until pw_text_clear: builders add
 * without looking, and whoever takes the text looks once. */
#ifndef PW_TEXT_H
#define PW_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct pw_text {
  char *chars;  /* terminated; NULL while empty */
  size_t n, room;
  bool failed;  /* memory ran out */
};

void pw_text_clear(struct pw_text *text); /* frees */
void pw_text_add(struct pw_text *text, const char *more);
void pw_text_printf(struct pw_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pw_text_vprintf(struct pw_text *text, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* "" while there is nothing. */
static inline const char *pw_text_get(const struct pw_text *text)
{
  return text->n ? text->chars : "";
}

/* Leaves at most n bytes (at least 3), between two characters; what was cut off shows as "…". */
void pw_text_cut(struct pw_text *text, size_t n);
/* Copies into a place of a fixed size (at least 4 bytes), cut in the same way. */
void pw_text_fit(char *to, size_t room, const char *from);

#endif
