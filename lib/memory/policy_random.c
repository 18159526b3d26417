/* Random replacement, seeded: any frame. Defined on the touches of visits. */
#include "base/random.h"
#include "memory/memory.h"

static void touch(struct pw_memory *m, const struct pw_page_touches *t, struct pw_victims *victims)
{
  for (size_t i = 0; i < t->n; i++) {
    uint32_t id = t->id[i], frame;
    if (m->state[id] & PW_PAGE_RESIDENT) {
      m->state[id] |= t->wrote[i] ? PW_PAGE_DIRTY : 0;
      continue;
    }
    if (!pw_memory_free_frame(m, &frame)) {
      frame = pw_random_below(&m->random, (uint32_t)m->frames); /* all frames are in use, so they fit 32 bits */
      pw_memory_evict(m, m->frame[frame], (uint32_t)i, victims);
    }
    pw_memory_place(m, id, frame);
    pw_memory_arrive(m, id, t->wrote[i]);
  }
}

const struct pw_memory_policy pw_memory_random = {"random", "any page, seeded by --seed", false, true, touch, pw_memory_release};
