/* Pages of several processes in one frame: what a fork leaves, until someone stores.
 *
 * It models who uses a frame, for counting frames and copies. It does not know what is
 * in memory, nor mappings that are shared for good.
 *
 * Invariant: users[f] is the number of pages (by id) whose frame is f; a page without a
 * number has its frame for itself. */
#ifndef PW_SHARING_H
#define PW_SHARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pages that may share at a time, so that no trace of a few forks takes all memory. */
#define PW_MOST_SHARING ((size_t)1 << 22)

struct pw_sharing {
  uint32_t *frame;  /* by id: the frame's number from 1, or 0 */
  uint32_t *users;  /* by frame; of a free number, the next free one */
  size_t n_ids, frame_room, n_frames, users_room;
  size_t n;         /* pages that have a number */
  uint32_t free;    /* the first free number, or 0 */
};

void pw_sharing_clear(struct pw_sharing *sharing); /* frees; zeroed is empty */
/* The child's page uses the frame of its parent's: 0, or -1 when memory runs out. */
int pw_sharing_inherit(struct pw_sharing *sharing, uint32_t parent_id, uint32_t child_id);
/* The page uses its frame no longer: is there another that does? */
bool pw_sharing_part(struct pw_sharing *sharing, uint32_t id);
/* What is known of a page is known of another from here on: 0, or -1 when memory runs out. */
int pw_sharing_move(struct pw_sharing *sharing, uint32_t from, uint32_t to);

#endif
