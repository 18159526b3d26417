/* Owners by name. See owners.h. */
#include "witness/owners.h"

#include <string.h>

#include "base/alloc.h"

void pw_owners_clear(struct pw_owners *o)
{
  pw_free(o->items);
  pw_pagemap_clear(&o->by_name);
  memset(o, 0, sizeof *o);
}

uint32_t pw_owners_number(struct pw_owners *o, uint32_t name, uint32_t object)
{
  uint64_t key = (uint64_t)object << 32 | name;
  const uint32_t *there = pw_pagemap_find(&o->by_name, key);
  if (there) return *there;
  bool added;
  if (pw_grow((void **)&o->items, &o->room, o->n + 1, sizeof *o->items) || pw_pagemap_reserve(&o->by_name, 1)) return PW_NO_OWNER;
  if (o->n == 0) o->touched_pages.age = o->table_bytes.age = 1; /* a new share has none */
  pw_pagemap_insert(&o->by_name, key, (uint32_t)o->n, &added);
  o->items[o->n] = (struct pw_owned){.name = name, .object = object};
  return (uint32_t)o->n++;
}

void pw_owners_reset_counts(struct pw_owners *o)
{
  for (size_t i = 0; i < o->n; i++) {
    memset(&o->items[i].counts, 0, sizeof o->items[i].counts);
    o->items[i].returned_pages = 0;
  }
}
