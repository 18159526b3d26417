/* The pages of each frame. See sharers.h. */
#include "engine/sharers.h"

#include "base/alloc.h"
#include "base/block.h"
#include "base/pagemap.h"

void pw_sharers_clear(struct pw_sharers *s)
{
  pw_free(s->of);
  pw_free(s->first);
  pw_free(s->key);
}

static int grow(struct pw_sharers *s, size_t n_ids, size_t n_frames)
{
  if (pw_grow((void **)&s->of, &s->of_room, n_ids, sizeof *s->of) ||
      pw_grow((void **)&s->first, &s->first_room, n_frames, sizeof *s->first) ||
      pw_grow((void **)&s->key, &s->key_room, n_frames, sizeof *s->key))
    return -1;
  for (; s->n_ids < n_ids; s->n_ids++) s->of[s->n_ids].frame = PW_NO_SHARER;
  for (; s->n_frames < n_frames; s->n_frames++) {
    s->first[s->n_frames] = PW_NO_SHARER;
    s->key[s->n_frames] = PW_NO_KEY;
  }
  return 0;
}

int pw_sharers_begin(struct pw_sharers *s, const struct pw_paged *paged, const uint64_t *key_of)
{
  s->key_of = key_of;
  if (!paged->numbered) return 0;
  if (grow(s, paged->n_ids, paged->n_frames)) return -1;
  /* what was touched so far is in the frame of its own number */
  for (uint32_t id = 0; !s->numbered && id < paged->first_new; id++) pw_sharers_join(s, id, id);
  s->numbered = true;
  return 0;
}

static void part(struct pw_sharers *s, uint32_t id)
{
  struct pw_sharer *page = &s->of[id];
  if (page->frame == PW_NO_SHARER) return;
  if (page->before == PW_NO_SHARER) s->first[page->frame] = page->next;
  else s->of[page->before].next = page->next;
  if (page->next != PW_NO_SHARER) s->of[page->next].before = page->before;
  page->frame = PW_NO_SHARER;
}

void pw_sharers_join(struct pw_sharers *s, uint32_t id, uint32_t frame)
{
  part(s, id);
  uint32_t next = s->first[frame];
  s->of[id] = (struct pw_sharer){frame, PW_NO_SHARER, next};
  if (next != PW_NO_SHARER) s->of[next].before = id;
  s->first[frame] = id;
  if (s->key[frame] == PW_NO_KEY) s->key[frame] = s->key_of[id];
}

void pw_sharers_leave(struct pw_sharers *s, const struct pw_step *step, const struct pw_paged *paged)
{
  if (!s->numbered) return;
  for (size_t i = 0; i < step->n; i++) part(s, paged->left[step->first + i].id);
  for (size_t i = 0; i < step->n_gone; i++) {
    uint32_t frame = paged->gone[step->first_gone + i];
    s->key[frame] = PW_NO_KEY;
    while (s->first[frame] != PW_NO_SHARER) part(s, s->first[frame]);
  }
}
