/* Texts by number: each different text is kept once. Numbers rise from 0 in the order of first sight. */
#ifndef PW_INTERN_H
#define PW_INTERN_H

#include <stddef.h>
#include <stdint.h>

#define PW_NO_TEXT UINT32_MAX

struct pw_intern {
  char **texts;      /* [n], terminated */
  size_t n, room;
  uint32_t *slots;   /* [1 << bits] number, or PW_NO_TEXT; at least half are free */
  unsigned bits;
};

void pw_intern_clear(struct pw_intern *intern); /* frees */
/* The number of the first n_bytes of text; PW_NO_TEXT when memory runs out. */
uint32_t pw_intern(struct pw_intern *intern, const char *text, size_t n_bytes);

#endif
