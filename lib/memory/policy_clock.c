/* CLOCK: frames in a circle, one reference bit each, a hand that clears as it passes.
 *
 * The bit is set on arrival and on every touch. The hand stops at the first frame
 * whose bit is clear; its page goes, and the hand moves on past the new one. */
#include "memory/memory.h"

static uint32_t advance(struct pw_memory *m)
{
  for (;;) {
    uint32_t frame = (uint32_t)m->hand;
    m->hand = m->hand + 1 == m->frames ? 0 : m->hand + 1;
    uint8_t *state = &m->state[m->frame[frame]];
    if (!(*state & PW_PAGE_REFERENCED)) return frame;
    *state &= (uint8_t)~PW_PAGE_REFERENCED;
  }
}

static void touch(struct pw_memory *m, const struct pw_page_touches *t, struct pw_victims *victims)
{
  for (size_t i = 0; i < t->n; i++) {
    uint32_t id = t->id[i], frame;
    if (m->state[id] & PW_PAGE_RESIDENT) {
      m->state[id] |= t->wrote[i] ? PW_PAGE_DIRTY | PW_PAGE_REFERENCED : PW_PAGE_REFERENCED;
      continue;
    }
    if (!pw_memory_free_frame(m, &frame)) {
      frame = advance(m);
      pw_memory_evict(m, m->frame[frame], (uint32_t)i, victims);
    }
    pw_memory_place(m, id, frame);
    pw_memory_arrive(m, id, t->wrote[i]);
  }
}

const struct pw_memory_policy pw_memory_clock = {"clock", "one reference bit, a hand that clears it", false, true, touch,
                                                 pw_memory_release};
