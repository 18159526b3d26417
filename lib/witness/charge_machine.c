/* Who is charged for accesses, for the misses that a front leaves, and for what finite memory does. */
#include "witness/charges_state.h"

/* ---- accesses ---- */

/* Every access of an absent first level passes on, and walks where there is no second. */
static void heat_passed(struct pw_charges *c, unsigned stream, uint32_t visit, uint64_t n)
{
  const struct pw_config *m = &c->config;
  if (m->stlb.entries || (stream ? m->itlb : m->dtlb).entries) return;
  pw_charge_heat(c, PW_HEAT_WALKS, pw_charge_base_key(c, c->opener[stream]), c->when[visit - c->from], n);
}

void pw_charge_accesses(struct pw_charges *c, uint32_t from, uint32_t to)
{
  const struct pw_block *b = c->block;
  bool code = pw_lists_wants(&c->lists, 1), data = pw_lists_wants(&c->lists, 0);
  for (uint32_t i = from; i < to; i++) {
    uint32_t all = (uint32_t)b->fetches[i] + b->loads[i] + b->stores[i];
    unsigned stream = b->flags[i] & PW_VISIT_CODE;
    c->opener[stream] = i;
    c->when[i - from] = c->accesses;
    c->accesses += all;
    if (!c->by_page) continue;
    if (code && b->fetches[i]) {
      pw_charge_owned(c, pw_charge_owner_of_page(c, b->page[c->opener[1]]))->counts.counted.fetches += b->fetches[i];
      heat_passed(c, 1, i, b->fetches[i]);
    }
    if (data && b->loads[i] + b->stores[i]) {
      struct pw_totals *counted = &pw_charge_owned(c, pw_charge_owner_of_page(c, b->page[c->opener[0]]))->counts.counted;
      counted->loads += b->loads[i];
      counted->stores += b->stores[i];
      heat_passed(c, 0, i, (uint64_t)b->loads[i] + b->stores[i]);
    }
  }
}

/* ---- misses ---- */

/* Which touch a lookup belongs to: visit and opener. Behind a visit that alternated longer stands one more
 * touch of the page before the last, then of the last (pw_lists_lookups). */
static void place_of(const struct pw_charges *c, uint32_t at, uint32_t *visit, uint32_t *opener)
{
  if (!c->all_touches) {
    *visit = *opener = c->from + at;
    return;
  }
  uint32_t touch = at / 4 - (at % 4 == 1);
  *visit = c->touch_visit[touch];
  *opener = c->touch_opener[touch];
}

enum level { ITLB, DTLB, STLB };

static void charge_misses(struct pw_charges *c, const struct pw_lookups *missed, enum level level, bool walks)
{
  for (size_t i = 0; i < missed->n; i++) {
    if (missed->at[i] & PW_AT_INVALIDATE) continue;
    uint32_t visit, opener;
    place_of(c, missed->at[i], &visit, &opener);
    struct pw_result *counts = &pw_charge_owned(c, pw_charge_owner_of_touch(c, visit, opener))->counts;
    if (level == ITLB) counts->itlb_misses++;
    else if (level == DTLB) counts->dtlb_misses++;
    else counts->stlb_misses++;
    if (!c->heat) continue;
    if (level == DTLB) pw_charge_heat(c, PW_HEAT_DTLB, pw_charge_base_key(c, opener), c->when[visit - c->from], 1);
    if (walks) pw_charge_heat(c, PW_HEAT_WALKS, pw_charge_base_key(c, opener), c->when[visit - c->from], 1);
  }
}

/* Only where both first levels are absent, so by region or object. */
static void charge_alternations(struct pw_charges *c, const struct pw_hierarchies_input *in)
{
  for (size_t i = 0; i < in->n_alternations; i++) {
    const struct pw_alternation *a = &in->alternations[i];
    uint64_t half = pw_hierarchies_alternated(c->front, a) / 2;
    for (uint32_t touch = a->after - 1; half && touch <= a->after; touch++) {
      uint32_t visit = c->touch_visit[touch], opener = c->touch_opener[touch];
      pw_charge_owned(c, pw_charge_owner_of_touch(c, visit, opener))->counts.stlb_misses += half;
      if (c->heat) pw_charge_heat(c, PW_HEAT_WALKS, pw_charge_base_key(c, opener), c->when[visit - c->from], half);
    }
  }
}

void pw_charge_lookups(struct pw_charges *c, const struct pw_hierarchies_input *in)
{
  struct pw_lookups itlb, dtlb, stlb;
  bool second = c->config.stlb.entries > 0;
  pw_hierarchies_feed(c->front, in);
  pw_hierarchies_missed(c->front, &itlb, &dtlb, &stlb);
  charge_misses(c, &itlb, ITLB, !second);
  charge_misses(c, &dtlb, DTLB, !second);
  charge_misses(c, &stlb, STLB, second);
  charge_alternations(c, in);
}

/* ---- memory ---- */

/* Whose are the chunk's touches: the same walk over the patterns as pw_lists_touches. */
void pw_charge_place_touches(struct pw_charges *c, uint32_t from, uint32_t to)
{
  size_t n = 0;
  for (uint32_t i = from; i < to; i++) {
    uint8_t flags = c->block->flags[i];
    unsigned stream = flags & PW_VISIT_CODE;
    c->toucher[stream] = i;
    for (unsigned k = 0; k < pw_visit_touches(flags); k++) {
      unsigned of = k % 2 ? 1 - stream : stream;
      if (!pw_lists_wants(&c->lists, of)) continue;
      c->touch_visit[n] = i;
      c->touch_opener[n++] = c->toucher[of];
    }
  }
}

/* One touch: does the page come in? *victim is who goes for it, or PW_NO_PAGE. */
static bool touch_page(struct pw_charges *c, uint32_t id, uint8_t wrote, const uint64_t *next, uint32_t *victim)
{
  struct pw_memory *m = c->memory;
  bool resident = m->state[id] & PW_PAGE_RESIDENT;
  uint64_t written = m->swap_outs;
  uint32_t at;
  struct pw_victims one = {0, victim, &at};
  const struct pw_page_touches touch = {1, &id, &wrote, c->future ? next : NULL};
  *victim = PW_NO_PAGE;
  m->policy->touch(m, &touch, &one);
  if (m->swap_outs > written) pw_charge_owned(c, c->faulted[*victim])->counts.swap_outs++;
  return !resident;
}

/* The page came in for this owner, by a fault unless it is fresh. */
static void charge_arrival(struct pw_charges *c, uint32_t id, uint32_t owner, uint64_t key, uint64_t when)
{
  c->faulted[id] = owner;
  if (!c->fresh[id]) {
    pw_charge_owned(c, owner)->counts.major_faults++;
    pw_charge_heat(c, PW_HEAT_FAULTS, key, when, 1);
  }
  c->fresh[id] = 0;
}

/* One touch at a time, since it matters which faulted. */
void pw_charge_memory(struct pw_charges *c, struct pw_victims *victims)
{
  for (size_t i = 0; i < c->lists.n; i++) {
    uint32_t id = c->lists.touch_id[i], victim;
    if (!touch_page(c, id, c->lists.wrote[i], &c->next[i], &victim)) continue;
    if (victim != PW_NO_PAGE) {
      victims->id[victims->n] = victim;
      victims->at[victims->n++] = (uint32_t)i;
    }
    uint32_t visit = c->touch_visit[i], opener = c->touch_opener[i];
    charge_arrival(c, id, pw_charge_owner_of_touch(c, visit, opener), pw_charge_base_key(c, opener), c->heat ? c->when[visit - c->from] : 0);
  }
}

/* The kernel's touches reach memory alone; who goes for them leaves the TLBs. */
int pw_charge_kernel(struct pw_charges *c, const struct pw_step *s, struct pw_error *err)
{
  const struct pw_event *e = &c->block->events[s->event];
  for (size_t k = 0; c->memory && k < s->n; k++) {
    uint32_t id = c->numbered->touched[s->first + k], victim;
    int status = c->future ? pw_future_read(c->future, c->next, 1, err) : 0;
    if (status) return status;
    if (!touch_page(c, id, s->wrote, c->next, &victim)) continue;
    if (victim != PW_NO_PAGE) pw_hierarchies_drop_range(c->front, c->key[victim], c->key[victim]);
    charge_arrival(c, id, pw_charge_owner_of_event(c, e, id), pw_charge_first_base_key(c, id), c->accesses);
  }
  return 0;
}

/* Pages leave the TLBs, and memory too unless they go on there as others. */
int pw_charge_leave(struct pw_charges *c, const struct pw_step *s, struct pw_error *err)
{
  pw_lists_forget(&c->lists);
  if (s->first_key > s->last_key) return 0;
  for (size_t k = 0; c->memory && k < s->n; k++) {
    const struct pw_left *left = &c->numbered->left[s->first + k];
    uint64_t next = PW_NEVER;
    bool moves = s->kind == PW_STEP_MOVE;
    int status = moves && c->future ? pw_future_read(c->future, &next, 1, err) : 0;
    if (status) return status;
    if (moves) pw_memory_move(c->memory, left->id, left->to, next);
    else pw_memory_drop(c->memory, left->id);
  }
  pw_hierarchies_drop_range(c->front, s->first_key, s->last_key);
  return 0;
}
