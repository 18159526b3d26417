/* Numbers for page keys: growth, the cold half. */
#include "os/pages.h"

#include <string.h>

#include "base/alloc.h"

void pw_pages_init(struct pw_pages *pages)
{
  memset(pages, 0, sizeof *pages);
}

void pw_pages_clear(struct pw_pages *pages)
{
  pw_free(pages->slots);
  pw_free(pages->key);
  pw_free(pages->touched);
  pw_pages_init(pages);
}

/* The old slots go first: the keys are enough to fill the new ones. */
static int grow_slots(struct pw_pages *pages, unsigned bits)
{
  uint32_t *slots = pw_realloc(pages->slots, (size_t)1 << bits, sizeof *slots);
  if (!slots) return -1;
  memset(slots, 0xff, sizeof *slots << bits);
  pages->slots = slots;
  pages->bits = bits;
  pages->secret = pw_hash_secret();
  for (size_t id = 0; id < pages->n_ids; id++) *pw_pages_slot(pages, pages->key[id]) = (uint32_t)id;
  return 0;
}

int pw_pages_reserve(struct pw_pages *pages, size_t more)
{
  size_t n = pages->n_ids + more;
  unsigned bits = pages->bits ? pages->bits : 6;
  if (n > PW_MOST_PAGES) return -1;
  if (pw_grow((void **)&pages->key, &pages->key_room, n, sizeof *pages->key) ||
      pw_grow((void **)&pages->touched, &pages->touched_room, n, sizeof *pages->touched))
    return -1;
  while (((size_t)1 << bits) / 2 < n) bits++;
  return bits == pages->bits ? 0 : grow_slots(pages, bits);
}
