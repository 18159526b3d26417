/* Telling the witnesses of a machine, in the order in which it happened. See witness.h. */
#include "engine/witness.h"

void pw_watch_init(struct pw_watch *watch, struct pw_witness *witnesses)
{
  watch->first = witnesses;
  for (const struct pw_witness *w = witnesses; w; w = w->next) {
    watch->faults |= w->class->faulted || w->class->evicted;
    watch->misses |= w->class->missed != NULL;
  }
}

int pw_watch_begin(struct pw_watch *watch, const struct pw_paged *paged, const uint64_t *key, struct pw_error *err)
{
  int status = 0;
  watch->paged = paged;
  watch->change = watch->event = 0;
  for (struct pw_witness *w = watch->first; w && !status; w = w->next)
    if (w->class->begin) status = w->class->begin(w, paged, key, err);
  return status;
}

/* Where the page of a change was opened: of an arrival by the visit itself, of a copy (a store to a shared
 * page) by who opened its data page. A fault follows what it is the fault of. */
static struct pw_place place_of(struct pw_watch *watch, const struct pw_change *change)
{
  const uint8_t *flags = watch->paged->block->flags;
  uint32_t opener = change->at;
  if (change->event != PW_BY_VISIT) return (struct pw_place){0, 0, change->event};
  while (change->kind == PW_CHANGE_COPY && opener > 0 && flags[opener] & PW_VISIT_CODE) opener--;
  if (change->kind != PW_CHANGE_FAULT) watch->faulter = opener;
  return (struct pw_place){change->at, watch->faulter, PW_BY_VISIT};
}

/* The first process is there without an event. */
static bool is_first_root(const struct pw_change *change)
{
  return change->event == PW_BY_VISIT && change->kind == PW_CHANGE_TABLE && change->span_bits == 64;
}

/* The next changes: those of visits below `to`, or of the event. */
static void tell_changes(struct pw_watch *watch, uint32_t to, uint32_t event)
{
  for (; watch->change < watch->paged->n_changes; watch->change++) {
    const struct pw_change *change = &watch->paged->changes[watch->change];
    bool now = change->event == event && (event != PW_BY_VISIT || change->at < to);
    if (!now && !is_first_root(change)) return;
    struct pw_place place = place_of(watch, change);
    PW_TELL(watch, changed, change, &place);
  }
}

/* Events whose steps are over: those up to visit `at` and before event number `limit`. */
static int tell_events(struct pw_watch *watch, uint32_t at, uint32_t limit, struct pw_error *err)
{
  const struct pw_block *b = watch->paged->block;
  int status = 0;
  for (; !status && watch->event < b->n_events && watch->event < limit && b->events[watch->event].at <= at; watch->event++) {
    tell_changes(watch, 0, (uint32_t)watch->event);
    for (struct pw_witness *w = watch->first; w && !status; w = w->next)
      if (w->class->event) status = w->class->event(w, &b->events[watch->event], err);
  }
  return status;
}

/* Stretches end at events too, so that whoever follows these is told in order. */
uint32_t pw_watch_until(const struct pw_watch *watch, uint32_t from, uint32_t to)
{
  const struct pw_block *b = watch->paged->block;
  for (size_t i = watch->event; i < b->n_events && b->events[i].at < to; i++)
    if (b->events[i].at > from) to = b->events[i].at;
  for (struct pw_witness *w = watch->first; w; w = w->next)
    if (w->class->until) to = w->class->until(w, from, to);
  return to;
}

int pw_watch_visits(struct pw_watch *watch, uint32_t from, uint32_t to, struct pw_error *err)
{
  int status = tell_events(watch, from, UINT32_MAX, err);
  if (status) return status;
  PW_TELL(watch, visits, from, to);
  tell_changes(watch, to, PW_BY_VISIT);
  return 0;
}

int pw_watch_step(struct pw_watch *watch, const struct pw_step *step, struct pw_error *err)
{
  bool by_visit = step->event == PW_BY_VISIT;
  int status = tell_events(watch, by_visit ? step->at : UINT32_MAX, step->event, err);
  if (!status && !by_visit) tell_changes(watch, 0, step->event);
  return status;
}

int pw_watch_end(struct pw_watch *watch, struct pw_error *err)
{
  int status = tell_events(watch, UINT32_MAX, UINT32_MAX, err);
  for (struct pw_witness *w = watch->first; w && !status; w = w->next)
    if (w->class->end) status = w->class->end(w, err);
  return status;
}
