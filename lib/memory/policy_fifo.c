/* FIFO: a list of resident pages in the order of arrival; hits change nothing. */
#include "memory/memory.h"

static void touch(struct pw_memory *m, const struct pw_page_touches *t, struct pw_victims *victims)
{
  for (size_t i = 0; i < t->n; i++) {
    uint32_t id = t->id[i];
    if (m->state[id] & PW_PAGE_RESIDENT)
      m->state[id] |= t->wrote[i] ? PW_PAGE_DIRTY : 0;
    else
      pw_memory_admit(m, id, t->wrote[i], i, victims);
  }
}

const struct pw_memory_policy pw_memory_fifo = {"fifo", "first in, first out", false, false, touch, pw_memory_unlink};
