/* The words given for one option, before anyone has understood them. */
#include "words.h"

#include <stdlib.h>

#include "heap.h"

void words_add(struct words *words, const char *item)
{
  words->items = heap_grow(words->items, &words->room, words->n + 1, sizeof *words->items);
  words->items[words->n++] = item;
}

void words_clear(struct words *words)
{
  free(words->items);
  *words = (struct words){0};
}
