/* The loop over the stretches of a block, and lists of touches and lookups. See stretch.h. */
#include "engine/stretch.h"

#include <stddef.h>
#include <string.h>

#include "memory/future.h"

bool pw_stretch_next(struct pw_stretch *s)
{
  const struct pw_paged *b = s->paged;
  if (pw_stretch_halted(s)) return false;
  while (s->next < b->n_steps && !(s->kinds >> b->steps[s->next].kind & 1)) s->next++;
  const struct pw_step *step = s->next < b->n_steps ? &b->steps[s->next] : NULL;
  uint32_t end = step ? step->at : b->block->n_visits;
  bool cut = end - s->to > PW_CHUNK_VISITS;
  s->from = s->to;
  s->to = cut ? s->from + PW_CHUNK_VISITS : end;
  s->step = cut ? NULL : step;
  s->next += s->step != NULL;
  return s->from < s->to || s->step;
}

void pw_stretch_cut(struct pw_stretch *s, uint32_t to)
{
  if (to >= s->to) return;
  s->to = to;
  s->next -= s->step != NULL;
  s->step = NULL;
}

int pw_stretch_status(const struct pw_stretch *s, struct pw_error *err)
{
  bool stopped = s->halt && atomic_load_explicit(&s->halt->stopped, memory_order_relaxed);
  return stopped ? pw_error_set(err, PW_EINTERRUPTED, "interrupted") : 0;
}

void pw_lists_init(struct pw_lists *l, enum pw_stream only)
{
  memset(l, 0, offsetof(struct pw_lists, touch_key));
  l->only = only;
  l->victims = (struct pw_victims){0, l->victim_id, l->victim_at};
  pw_lists_forget(l);
}

void pw_lists_begin(struct pw_lists *l, const struct pw_paged *numbered)
{
  l->block = numbered->block;
  l->key = numbered->key;
  l->id = numbered->id;
  l->frame = numbered->frame;
  if (!numbered->remaps) return;
  memcpy(l->remapped, l->frame, numbered->block->n_pages * sizeof *l->remapped);
  l->frame = l->remapped;
}

void pw_lists_remap(struct pw_lists *l, const struct pw_step *s)
{
  l->remapped[s->index] = s->frame;
}

void pw_lists_forget(struct pw_lists *l)
{
  l->last[0] = l->last[1] = PW_NO_KEY;
}

/* Openers of visits [from, to) by stream; repeats of a larger page are left out. */
void pw_lists_openers(struct pw_lists *l, uint32_t from, uint32_t to, struct pw_hierarchies_input *in)
{
  const uint16_t *page = l->block->page;
  const uint8_t *flags = l->block->flags;
  size_t n[2] = {0, 0};
  uint64_t last[2] = {l->last[0], l->last[1]};
  for (uint32_t i = from; i < to; i++) {
    unsigned stream = flags[i] & PW_VISIT_CODE;
    uint64_t key = l->key[page[i]];
    l->list_key[stream][n[stream]] = key;
    l->list_at[stream][n[stream]] = i - from;
    n[stream] += key != last[stream];
    last[stream] = key;
  }
  l->last[0] = last[0];
  l->last[1] = last[1];
  in->of[0] = (struct pw_lookups){pw_lists_wants(l, 0) ? n[0] : 0, l->list_key[0], l->list_at[0]};
  in->of[1] = (struct pw_lookups){pw_lists_wants(l, 1) ? n[1] : 0, l->list_key[1], l->list_at[1]};
}

static inline void put_touch(struct pw_lists *l, uint32_t index, unsigned code, unsigned wrote)
{
  l->touch_key[l->n] = l->key[index];
  l->touch_frame[l->n] = l->frame[index];
  l->touch_page[l->n] = (uint16_t)index;
  l->code[l->n] = (uint8_t)code;
  l->wrote[l->n++] = (uint8_t)wrote;
}

/* Every touch of the patterns of visits [from, to), and who alternated longer, as far
 * as the block tells (it does when someone asked for counts). */
void pw_lists_touches(struct pw_lists *l, uint32_t from, uint32_t to)
{
  const uint16_t *touches = l->only == PW_STREAM_BOTH ? l->block->touches : NULL;
  l->n = l->n_alternations = l->victims.n = 0;
  l->event = PW_BY_VISIT;
  l->event_id = NULL;
  for (uint32_t i = from; i < to; i++) {
    uint8_t flags = l->block->flags[i];
    unsigned stream = flags & PW_VISIT_CODE, n = pw_visit_touches(flags);
    l->current[stream] = l->block->page[i];
    for (unsigned k = 0; k < n; k++) {
      unsigned of = k % 2 ? 1 - stream : stream; /* C O C O */
      if (!pw_lists_wants(l, of)) continue;
      uint32_t index = l->current[of];
      unsigned wrote = of ? 0 : flags & (k < 2 ? PW_VISIT_WROTE_1 : PW_VISIT_WROTE_2);
      put_touch(l, index, of, wrote != 0);
    }
    if (touches && touches[i] > n)
      l->alternations[l->n_alternations++] =
          (struct pw_alternation){.key = {l->key[l->current[0]], l->key[l->current[1]]},
                                  .after = (uint32_t)l->n - 1,
                                  .touches = touches[i] - n - 2}; /* the excess is even */
  }
}

/* The same walk over the patterns. */
void pw_lists_places(struct pw_lists *l, uint32_t from, uint32_t to)
{
  size_t n = 0;
  for (uint32_t i = from; i < to; i++) {
    uint8_t flags = l->block->flags[i];
    unsigned stream = flags & PW_VISIT_CODE;
    l->opener[stream] = i;
    for (unsigned k = 0; k < pw_visit_touches(flags); k++) {
      unsigned of = k % 2 ? 1 - stream : stream;
      if (!pw_lists_wants(l, of)) continue;
      l->touch_visit[n] = i;
      l->touch_opener[n++] = l->opener[of];
    }
  }
}

/* A copy is whose the store is: of the data page that was opened last, by this visit or before. */
void pw_lists_aside(struct pw_lists *l, const struct pw_step *s, const uint32_t *id)
{
  l->event = s->event;
  l->event_id = id;
  if (s->event != PW_BY_VISIT) return;
  l->touch_visit[0] = s->at;
  l->touch_opener[0] = l->block->flags[s->at] & PW_VISIT_CODE ? l->opener[0] : s->at;
}

/* The touches by stream, each victim before the touch that pushed it out, and one more
 * touch of each page after a visit that alternated longer. Memory has settled by then,
 * but not each second level: see pw_hierarchy_alternates. */
bool pw_lists_lookups(struct pw_lists *l, bool alternating, struct pw_lookups_from *from, struct pw_hierarchies_input *in,
                      uint32_t *shared)
{
  const struct pw_victims *victims = &l->victims;
  struct pw_lookups *list = in->of;
  for (unsigned s = 0; s < 2; s++) list[s] = (struct pw_lookups){0, l->list_key[s], l->list_at[s]};
  in->alternations = l->alternations + from->alternation;
  in->n_alternations = 0;
  size_t v = from->victim, a = from->alternation, n = alternating ? l->n_alternations : 0;
  for (size_t i = from->touch; i < l->n; i++) {
    uint32_t at = (uint32_t)i * 4;
    for (; v < victims->n && victims->at[v] == i; v++) {
      uint32_t id = pw_sharers_next(l->sharers, victims->id[v], PW_NO_SHARER);
      if (id == PW_NO_SHARER) continue; /* its pages were never touched, or not since they moved */
      if (pw_sharers_several(l->sharers, victims->id[v])) {
        *shared = victims->id[v];
        in->n_alternations = a - from->alternation;
        *from = (struct pw_lookups_from){i, v + 1, a};
        return true;
      }
      pw_lookups_put(&list[1], l->sharers->key_of[id], at | PW_AT_INVALIDATE);
      pw_lookups_put(&list[0], l->sharers->key_of[id], at | PW_AT_INVALIDATE);
    }
    unsigned last = l->code[i];
    pw_lookups_put(&list[last], l->touch_key[i], at);
    if (a < n && l->alternations[a].after == i) {
      pw_lookups_put(&list[1 - last], l->alternations[a].key[1 - last], at + 1);
      pw_lookups_put(&list[last], l->alternations[a].key[last], at + 2);
      a++;
    }
  }
  in->n_alternations = a - from->alternation;
  return false;
}

static int note_step(struct pw_lists *l, const struct pw_step *s, const struct pw_paged *b, struct pw_future *future,
                     struct pw_error *err)
{
  int status = 0;
  if (s->kind == PW_STEP_REMAP) pw_lists_remap(l, s);
  if (s->kind == PW_STEP_TOUCH) status = pw_future_note(future, b->touched + s->first, s->n, err);
  for (size_t k = 0; !status && s->kind == PW_STEP_LEAVE && k < s->n_gone; k++) {
    uint32_t ends = b->gone[s->first_gone + k] | PW_FUTURE_ENDS;
    status = pw_future_note(future, &ends, 1, err);
  }
  return status;
}

int pw_lists_note(struct pw_lists *l, const struct pw_paged *b, struct pw_future *future, struct pw_error *err)
{
  struct pw_stretch s = {.paged = b, .kinds = 1u << PW_STEP_TOUCH | 1u << PW_STEP_REMAP | 1u << PW_STEP_LEAVE};
  int status = 0;
  pw_lists_begin(l, b);
  while (!status && pw_stretch_next(&s)) {
    pw_lists_touches(l, s.from, s.to);
    status = pw_future_note(future, l->touch_frame, l->n, err);
    if (!status && s.step) status = note_step(l, s.step, b, future, err);
  }
  return status;
}
