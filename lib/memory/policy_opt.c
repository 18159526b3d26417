/* OPT (Belady, IBM Systems Journal 5(2), 1966): the page used farthest ahead goes.
 *
 * Resident pages stand in a binary heap, the farthest next use on top; of pages
 * that are never used again the one of the lowest page key is on top, of one key the one
 * that came first. A touch moves a page from "now" to its next use, so it can only rise.
 * `frame` is the heap, `a` a page's place in it. */
#include "memory/memory.h"

/* Must page x leave before page y? */
static bool before(const struct pw_memory *m, uint32_t x, uint32_t y)
{
  if (m->next_use[x] != m->next_use[y]) return m->next_use[x] > m->next_use[y];
  return m->key[x] != m->key[y] ? m->key[x] < m->key[y] : m->born[x] < m->born[y];
}

static void rise(struct pw_memory *m, uint32_t place, uint32_t id)
{
  while (place > 0) {
    uint32_t parent = (place - 1) / 2, other = m->frame[parent];
    if (!before(m, id, other)) break;
    pw_memory_place(m, other, place);
    place = parent;
  }
  pw_memory_place(m, id, place);
}

/* Fills the place with `id`, which may belong lower. */
static void sink(struct pw_memory *m, uint32_t place, uint32_t id)
{
  for (;;) {
    uint64_t child = 2 * (uint64_t)place + 1;
    if (child >= m->used) break;
    if (child + 1 < m->used && before(m, m->frame[child + 1], m->frame[child])) child++;
    if (!before(m, m->frame[child], id)) break;
    pw_memory_place(m, m->frame[child], place);
    place = (uint32_t)child;
  }
  pw_memory_place(m, id, place);
}

static void touch(struct pw_memory *m, const struct pw_page_touches *t, struct pw_victims *victims)
{
  for (size_t i = 0; i < t->n; i++) {
    uint32_t id = t->id[i];
    bool resident = m->state[id] & PW_PAGE_RESIDENT;
    if (!m->state[id]) m->born[id] = m->n_born++;
    m->next_use[id] = t->next[i];
    if (resident) {
      m->state[id] |= t->wrote[i] ? PW_PAGE_DIRTY : 0;
      rise(m, m->a[id], id);
    } else if (m->used < m->frames) {
      pw_memory_use_frame(m);
      pw_memory_arrive(m, id, t->wrote[i]);
      rise(m, (uint32_t)m->used - 1, id);
    } else {
      pw_memory_evict(m, m->frame[0], (uint32_t)i, victims);
      pw_memory_arrive(m, id, t->wrote[i]);
      sink(m, 0, id);
    }
  }
}

/* The last page of the heap takes the place of the one that leaves. */
static void drop(struct pw_memory *m, uint32_t id)
{
  uint32_t place = m->a[id], last = m->frame[m->used - 1];
  m->used--;
  if (last != id) {
    sink(m, place, last);
    rise(m, m->a[last], last);
  }
  m->used++; /* pw_memory_drop takes it off */
}

const struct pw_memory_policy pw_memory_opt = {"opt", "Belady's optimum: the page used farthest ahead goes", true, true, touch,
                                               drop};
