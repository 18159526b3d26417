/* The words given for one option, before anyone has understood them.
 *
 * They come from the command line or from a sweep file; `place` says which, so that an
 * error names it. The texts are borrowed from there. */
#ifndef CMD_WORDS_H
#define CMD_WORDS_H

#include <stddef.h>

struct words {
  size_t n;
  size_t room;
  const char **items;
  char place[256]; /* "--dtlb", "sweep.yaml, line 3, dtlb" */
};

void words_add(struct words *words, const char *item);
void words_clear(struct words *words);

#endif
