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

/* One touch at a time, since it matters which faulted and who went. */
static void touch_singly(struct pw_machine *m, struct pw_lists *l, const struct pw_page_touches *touches)
{
  struct pw_memory *memory = m->memory;
  for (size_t i = 0; i < touches->n; i++) {
    const struct pw_page_touches one = {1, touches->id + i, touches->wrote + i, touches->next ? touches->next + i : NULL};
    bool resident = memory->state[*one.id] & PW_PAGE_RESIDENT;
    uint64_t written = memory->swap_outs;
    size_t before = l->victims.n;
    memory->policy->touch(memory, &one, &l->victims);
    if (l->victims.n > before) {
      l->victims.at[before] = (uint32_t)i;
      PW_TELL(m->watch, evicted, l->victims.id[before], memory->swap_outs > written);
    }
    if (resident) continue;
    struct pw_place place = pw_lists_place(l, i);
    pw_watch_faulted(m->watch, *one.id, &place);
  }
}

void pw_machine_touch(struct pw_machine *m, struct pw_lists *l, const struct pw_page_touches *touches)
{
  l->victims.n = 0;
  if (m->watch && m->watch->faults) {
    touch_singly(m, l, touches);
    return;
  }
  m->memory->policy->touch(m->memory, touches, &l->victims);
  for (size_t i = 0; m->watch && m->watch->n_fresh && i < touches->n; i++) pw_watch_arrives(m->watch, touches->id[i]);
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

void pw_machine_look_up(struct pw_machine *m, struct pw_lists *l, uint32_t from, uint32_t to)
{
  for (int which = 0; which < 2; which++) {
    struct pw_hierarchies_input in = {0};
    if (pw_hierarchies_is_idle(m->tlbs[which])) continue;
    bool openers = which == 0 && !m->every_touch && !pw_hierarchies_needs_all(m->tlbs[0]);
    if (openers) pw_lists_openers(l, from, to, &in);
    else pw_lists_lookups(l, which == 1, &in);
    pw_hierarchies_feed(m->tlbs[which], &in);
    if (m->watch && m->watch->misses) tell_misses(m->watch, m->tlbs[which], l, &in, openers, from);
  }
}

static void drop_range(struct pw_machine *m, uint64_t first_key, uint64_t last_key)
{
  for (int which = 0; which < 2; which++) pw_hierarchies_drop_range(m->tlbs[which], first_key, last_key);
}

void pw_machine_drop_victims(struct pw_machine *m, const struct pw_lists *l)
{
  for (size_t i = 0; i < l->victims.n; i++) drop_range(m, l->key_of[l->victims.id[i]], l->key_of[l->victims.id[i]]);
}

/* ---- what happens between visits ---- */

/* Pages leave the TLBs, and memory too unless they go on there as others. A TLB holds none but touched pages: a few
 * are looked up, so that a range of nothing costs nothing. */
static void leave(struct pw_machine *m, const struct pw_step *s, const struct pw_left *left, const uint64_t *next)
{
  if (s->first_key > s->last_key) return;
  for (size_t i = 0; m->memory && i < s->n; i++) {
    if (s->kind == PW_STEP_MOVE) pw_memory_move(m->memory, left[i].id, left[i].to, next ? next[i] : PW_NEVER);
    else pw_memory_drop(m->memory, left[i].id);
  }
  if (s->n > 8) drop_range(m, s->first_key, s->last_key);
  else for (size_t i = 0; i < s->n; i++) drop_range(m, left[i].key, left[i].key);
}

void pw_machine_step(struct pw_machine *m, const struct pw_step *s, const struct pw_left *left, const uint64_t *next)
{
  switch (s->kind) {
    case PW_STEP_LEAVE:
    case PW_STEP_MOVE:
      leave(m, s, left, next);
      break;
    case PW_STEP_FLUSH:
      for (int which = 0; which < 2; which++) pw_hierarchies_flush(m->tlbs[which]);
      break;
    case PW_STEP_COUNT:
      for (int which = 0; which < 2; which++) pw_hierarchies_reset_counts(m->tlbs[which]);
      if (m->memory) m->memory->faults = m->memory->swap_outs = 0;
      if (m->watch) m->watch->arrivals = 0;
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
  r->major_faults = m->memory->faults;
  r->swap_outs = m->memory->swap_outs;
}

void pw_machine_counts(const struct pw_machine *m, struct pw_result *r)
{
  pw_machine_result(m, pw_hierarchies_is_idle(m->tlbs[1]) ? 0 : 1, 0, r);
  r->major_faults -= m->watch->arrivals;
}
