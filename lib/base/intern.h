/* Texts by number: each different text is kept once. Numbers rise from 0 in the order of first sight. */
#ifndef PW_INTERN_H
#define PW_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_NO_TEXT UINT32_MAX
#define PW_MOST_TEXT_BYTES ((size_t)1 << 28) /* of all texts, what finds them included */

struct pw_intern {
  char **texts;      /* [n], terminated */
  size_t n, room;
  uint32_t *slots;   /* [1 << bits] number, or PW_NO_TEXT; at least half are free */
  unsigned bits;
  uint64_t secret;   /* of the hashes, so that no trace can make texts that fall together; numbers do not depend on it */
  size_t bytes;      /* that they take */
  bool full;         /* a text was refused, since all together would take too much */
};

void pw_intern_clear(struct pw_intern *intern); /* frees */
/* The number of the first n_bytes of text; PW_NO_TEXT when memory runs out or it is full. */
uint32_t pw_intern(struct pw_intern *intern, const char *text, size_t n_bytes);

#endif
