/* Pages of several processes in one frame. See sharing.h. */
#include "os/sharing.h"

#include <string.h>

#include "base/alloc.h"

void pw_sharing_clear(struct pw_sharing *s)
{
  pw_free(s->frame);
  pw_free(s->users);
  memset(s, 0, sizeof *s);
}

static int reserve(struct pw_sharing *s, uint32_t id)
{
  size_t n = (size_t)id + 1;
  if (n <= s->n_ids) return 0;
  if (pw_grow((void **)&s->frame, &s->frame_room, n, sizeof *s->frame)) return -1;
  memset(s->frame + s->n_ids, 0, (n - s->n_ids) * sizeof *s->frame);
  s->n_ids = n;
  return 0;
}

/* A number for the frame that one page has used by itself. */
static int number_frame(struct pw_sharing *s, uint32_t id)
{
  uint32_t frame = s->free;
  if (!frame) {
    size_t n = s->n_frames ? s->n_frames : 1; /* 0 is no number */
    if (pw_grow((void **)&s->users, &s->users_room, n + 1, sizeof *s->users)) return -1;
    frame = (uint32_t)n;
    s->n_frames = n + 1;
  } else {
    s->free = s->users[frame];
  }
  s->users[frame] = 1;
  s->frame[id] = frame;
  s->n++;
  return 0;
}

int pw_sharing_inherit(struct pw_sharing *s, uint32_t parent_id, uint32_t child_id)
{
  if (reserve(s, parent_id > child_id ? parent_id : child_id)) return -1;
  if (!s->frame[parent_id] && number_frame(s, parent_id)) return -1;
  s->frame[child_id] = s->frame[parent_id];
  s->users[s->frame[child_id]]++;
  s->n++;
  return 0;
}

bool pw_sharing_part(struct pw_sharing *s, uint32_t id)
{
  uint32_t frame = id < s->n_ids ? s->frame[id] : 0;
  if (!frame) return false;
  s->frame[id] = 0;
  s->n--;
  if (--s->users[frame]) return true;
  s->users[frame] = s->free;
  s->free = frame;
  return false;
}

int pw_sharing_move(struct pw_sharing *s, uint32_t from, uint32_t to)
{
  uint32_t frame = from < s->n_ids ? s->frame[from] : 0;
  if (!frame) return 0;
  if (reserve(s, to)) return -1;
  s->frame[from] = 0;
  s->frame[to] = frame;
  return 0;
}
