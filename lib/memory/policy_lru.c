/* LRU, exact: a list of resident pages, the most recently touched at the head. */
#include "memory/memory.h"

static void touch(struct pw_memory *m, const struct pw_page_touches *t, struct pw_victims *victims)
{
  for (size_t i = 0; i < t->n; i++) {
    uint32_t id = t->id[i];
    if (!(m->state[id] & PW_PAGE_RESIDENT)) {
      pw_memory_admit(m, id, t->wrote[i], i, victims);
      continue;
    }
    m->state[id] |= t->wrote[i] ? PW_PAGE_DIRTY : 0;
    if (id == m->head) continue;
    pw_memory_unlink(m, id);
    pw_memory_push(m, id);
  }
}

const struct pw_memory_policy pw_memory_lru = {"lru", "least recently used, exact", false, false, touch, pw_memory_unlink};
