/* Numbers for page keys: growth, the cold half. */
#include "memory/pages.h"

#include <string.h>

#include "base/alloc.h"

void pw_pages_init(struct pw_pages *pages)
{
  memset(pages, 0, sizeof *pages);
}

void pw_pages_clear(struct pw_pages *pages)
{
  pw_pagemap_clear(&pages->ids);
  pw_free(pages->key);
  pw_free(pages->present);
  pw_pages_init(pages);
}

int pw_pages_reserve(struct pw_pages *pages, size_t more)
{
  if (pages->n_ids + more >= PW_NO_VALUE) return -1;
  if (pw_pagemap_reserve(&pages->ids, more)) return -1;
  if (pw_grow((void **)&pages->key, &pages->key_room, pages->n_ids + more, sizeof *pages->key)) return -1;
  return pw_grow((void **)&pages->present, &pages->present_room, pages->n_ids + more, 1);
}
