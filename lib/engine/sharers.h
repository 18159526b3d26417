/* Which pages are in each frame, as far as a model has met them: whose TLB entries go when a frame is pushed out.
 *
 * While frames have no numbers of their own (os.h) each is its page's, and nothing is kept. From then on the pages of
 * a frame are a list through arrays by page. A page stands in it from its first touch there; who never touched it has no entry.
 *
 * Cost: O(1) a page that comes to a frame or leaves it. Memory: 12 bytes a page and 12 a frame. */
#ifndef PW_SHARERS_H
#define PW_SHARERS_H

#include "os/os.h"

struct pw_sharers {
  bool numbered;
  const uint64_t *key_of; /* by id (borrowed) */
  /* once frames have numbers */
  struct pw_sharer {
    uint32_t frame, before, next; /* pages of the frame, or PW_NO_SHARER */
  } *of;                  /* by id */
  uint32_t *first;        /* by frame: a page in it, or PW_NO_SHARER */
  uint64_t *key;          /* by frame: of the page that was first in it, or PW_NO_KEY */
  size_t n_ids, n_frames, of_room, first_room, key_room;
};

#define PW_NO_SHARER UINT32_MAX

void pw_sharers_clear(struct pw_sharers *sharers); /* frees; zeroed is empty */
/* A block begins, and the keys by id of all its pages: 0, or -1 when memory runs out. */
int pw_sharers_begin(struct pw_sharers *sharers, const struct pw_paged *paged, const uint64_t *key_of);
/* Keys by frame, of the page that was first in each. */
static inline const uint64_t *pw_sharers_keys(const struct pw_sharers *s)
{
  return s->numbered ? s->key : s->key_of;
}

void pw_sharers_join(struct pw_sharers *sharers, uint32_t id, uint32_t frame);
/* The page is touched in this frame. */
static inline void pw_sharers_touch(struct pw_sharers *s, uint32_t id, uint32_t frame)
{
  if (s->numbered && s->of[id].frame != frame) pw_sharers_join(s, id, frame);
}
/* A LEAVE step. */
void pw_sharers_leave(struct pw_sharers *sharers, const struct pw_step *step, const struct pw_paged *paged);

/* The pages of a frame, one after the other: first the one after PW_NO_SHARER; PW_NO_SHARER after the last. */
static inline uint32_t pw_sharers_next(const struct pw_sharers *s, uint32_t frame, uint32_t id)
{
  if (s->numbered) return id == PW_NO_SHARER ? s->first[frame] : s->of[id].next;
  return id == PW_NO_SHARER ? frame : PW_NO_SHARER;
}
static inline bool pw_sharers_several(const struct pw_sharers *s, uint32_t frame)
{
  return s->numbered && s->first[frame] != PW_NO_SHARER && s->of[s->first[frame]].next != PW_NO_SHARER;
}

#endif
