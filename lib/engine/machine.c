/* One memory and the TLBs over it. See machine.h. */
#include "engine/machine.h"

int pw_machine_init(struct pw_machine *m, int policy, uint64_t frames, uint64_t seed, struct pw_error *err)
{
  int status = frames ? pw_memory_create(&m->memory, policy, frames, seed, err) : 0;
  m->every_touch = frames > 0;
  for (int which = 0; !status && which < 2; which++) status = pw_hierarchies_create(&m->tlbs[which], seed, err);
  return status;
}

void pw_machine_clear(struct pw_machine *m)
{
  pw_memory_destroy(m->memory);
  for (int which = 0; which < 2; which++) pw_hierarchies_destroy(m->tlbs[which]);
}

bool pw_machine_needs_touches(const struct pw_machine *m)
{
  return m->every_touch || pw_hierarchies_needs_all(m->tlbs[0]) || !pw_hierarchies_is_idle(m->tlbs[1]);
}

/* ---- memory ---- */

/* The page that a touch of the list is of. */
static uint32_t page_of(const struct pw_lists *l, size_t touch)
{
  return l->event_id ? l->event_id[touch] : l->id[l->touch_page[touch]];
}

/* One touch at a time, since it matters which faulted and who went. */
static void touch_singly(struct pw_machine *m, struct pw_lists *l, const struct pw_page_touches *touches)
{
  struct pw_memory *memory = m->memory;
  for (size_t i = 0; i < touches->n; i++) {
    const struct pw_page_touches one = {1, touches->id + i, touches->wrote + i, touches->next ? touches->next + i : NULL};
    bool resident = memory->state[*one.id] & PW_PAGE_RESIDENT;
    uint64_t written = memory->swap_outs, major = memory->major_faults;
    size_t before = l->victims.n;
    memory->policy->touch(memory, &one, &l->victims);
    if (l->victims.n > before) {
      l->victims.at[before] = (uint32_t)i;
      PW_TELL(m->watch, evicted, l->victims.id[before], memory->swap_outs > written);
    }
    if (resident) continue;
    struct pw_place place = pw_lists_place(l, i);
    PW_TELL(m->watch, faulted, *one.id, page_of(l, i), memory->major_faults > major, &place);
  }
}

void pw_machine_touch(struct pw_machine *m, struct pw_lists *l, const struct pw_page_touches *touches)
{
  l->victims.n = 0;
  if (m->watch && m->watch->faults) touch_singly(m, l, touches);
  else m->memory->policy->touch(m->memory, touches, &l->victims);
}

/* ---- TLBs ---- */

/* Whose a lookup was. Behind a visit that alternated longer stands one more touch of the page before the last, then
 * of the last. */
static struct pw_place place_of(const struct pw_lists *l, uint32_t at, bool openers, uint32_t from)
{
  return openers ? (struct pw_place){from + at, from + at, PW_BY_VISIT} : pw_lists_place(l, at / 4 - (at % 4 == 1));
}

static void tell_misses(const struct pw_watch *watch, const struct pw_hierarchies *tlbs, const struct pw_lists *l,
                        const struct pw_hierarchies_input *in, bool openers, uint32_t from)
{
  for (int array = 0; array < PW_ARRAYS; array++) {
    const struct pw_lookups *missed = pw_hierarchies_missed(tlbs, (enum pw_array)array);
    for (size_t i = 0; missed && i < missed->n; i++) {
      if (missed->at[i] & PW_AT_INVALIDATE) continue;
      struct pw_place place = place_of(l, missed->at[i], openers, from);
      PW_TELL(watch, missed, (enum pw_array)array, &place, 1);
    }
  }
  for (size_t i = 0; i < in->n_alternations; i++) {
    const struct pw_alternation *a = &in->alternations[i];
    uint64_t half = pw_hierarchies_alternated(tlbs, a) / 2;
    for (uint32_t touch = a->after - 1; half && touch <= a->after; touch++) {
      struct pw_place place = pw_lists_place(l, touch);
      PW_TELL(watch, missed, PW_ARRAY_STLB, &place, half);
    }
  }
}

/* Each page that is in the frame leaves the TLBs. */
static void drop_frame(struct pw_hierarchies *tlbs, const struct pw_sharers *s, uint32_t frame)
{
  for (uint32_t id = PW_NO_SHARER; (id = pw_sharers_next(s, frame, id)) != PW_NO_SHARER;)
    pw_hierarchies_drop_range(tlbs, s->key_of[id], s->key_of[id]);
}

void pw_machine_look_up(struct pw_machine *m, struct pw_lists *l, uint32_t from, uint32_t to)
{
  for (int which = 0; which < 2; which++) {
    struct pw_hierarchies_input in = {0};
    if (pw_hierarchies_is_idle(m->tlbs[which])) continue;
    bool openers = which == 0 && !m->every_touch && !pw_hierarchies_needs_all(m->tlbs[0]), more = false;
    struct pw_lookups_from next = {0};
    uint32_t shared;
    do {
      if (openers) pw_lists_openers(l, from, to, &in);
      else more = pw_lists_lookups(l, which == 1, &next, &in, &shared);
      pw_hierarchies_feed(m->tlbs[which], &in);
      if (m->watch && m->watch->misses) tell_misses(m->watch, m->tlbs[which], l, &in, openers, from);
      if (more) drop_frame(m->tlbs[which], l->sharers, shared);
    } while (more);
  }
}

static void drop_range(struct pw_machine *m, uint64_t first_key, uint64_t last_key)
{
  for (int which = 0; which < 2; which++) pw_hierarchies_drop_range(m->tlbs[which], first_key, last_key);
}

void pw_machine_drop_victims(struct pw_machine *m, const struct pw_lists *l)
{
  for (size_t i = 0; i < l->victims.n; i++)
    for (int which = 0; which < 2; which++) drop_frame(m->tlbs[which], l->sharers, l->victims.id[i]);
}

/* ---- what happens between visits ---- */

/* A TLB holds none but touched pages: a few are looked up, so that a range of nothing costs nothing. */
static void leave(struct pw_machine *m, const struct pw_step *s, const struct pw_paged *b)
{
  const struct pw_left *left = b->left + s->first;
  for (size_t i = 0; m->memory && i < s->n_gone; i++) pw_memory_drop(m->memory, b->gone[s->first_gone + i]);
  if (s->n > 8) drop_range(m, s->first_key, s->last_key);
  else for (size_t i = 0; i < s->n; i++) drop_range(m, left[i].key, left[i].key);
}

void pw_machine_step(struct pw_machine *m, const struct pw_step *s, const struct pw_paged *b)
{
  switch (s->kind) {
    case PW_STEP_LEAVE:
      leave(m, s, b);
      break;
    case PW_STEP_FLUSH:
      for (int which = 0; which < 2; which++) pw_hierarchies_flush(m->tlbs[which]);
      break;
    case PW_STEP_COUNT:
      for (int which = 0; which < 2; which++) pw_hierarchies_reset_counts(m->tlbs[which]);
      if (m->memory) m->memory->major_faults = m->memory->swap_outs = 0;
      for (struct pw_witness *w = m->watch ? m->watch->first : NULL; w; w = w->next)
        if (w->class->count) w->class->count(w);
      break;
    default:
      break;
  }
}

/* ---- what came of it ---- */

void pw_machine_result(const struct pw_machine *m, unsigned which, size_t number, struct pw_result *r)
{
  pw_hierarchies_result(m->tlbs[which], number, r);
  if (!m->memory) return;
  r->major_faults = m->memory->major_faults;
  r->swap_outs = m->memory->swap_outs;
}

void pw_machine_counts(const struct pw_machine *m, struct pw_result *r)
{
  pw_machine_result(m, pw_hierarchies_is_idle(m->tlbs[1]) ? 0 : 1, 0, r);
}
