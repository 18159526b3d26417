/* What comes from outside (names in traces, paths) must not command a terminal. */
#ifndef CMD_TERMINAL_H
#define CMD_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

/* How far a text's bytes are in a character; zero it at the start. */
struct printable {
  unsigned char lead, more;
};

/* The byte, or '?' for a control character, those that UTF-8 writes in two bytes too, and for what is no UTF-8. */
unsigned char printable_byte(struct printable *at, unsigned char byte);
/* Copies a text for people: control characters become "?", and what does not fit is cut. `out` may be `text`. */
void text_printable(char *out, size_t n_out, const char *text);
/* A stream that writes to this one, printable bytes and line ends alone, if it leads to a terminal; otherwise the
 * stream itself. The caller goes on with what it gets, and closes that alone; NULL when memory ran out. */
FILE *terminal_stream(FILE *stream);

#endif
