/* Finite memory: which pages have a frame, under a replacement policy.
 *
 * What it models: frames, one global replacement over code and data, dirty pages,
 * faults, write-backs. What it does not: time, read-ahead, page cache, zones.
 * A page is here what would stand in one frame of unlimited memory, by its number (os.h): processes that share it
 * have one page. Minor faults are the same for every memory, so that a memory only
 * counts major faults: touches of a page that it had to push out.
 *
 * Invariant: never more pages resident than frames; a page's frame is free again
 * at once when it is unmapped.
 *
 * Adding a policy: write policy_NAME.c with a `const struct pw_memory_policy
 * pw_memory_NAME`, declare it below, add it to the table in memory.c. */
#ifndef PW_MEMORY_H
#define PW_MEMORY_H

#include "base/block.h"

#define PW_NO_PAGE UINT32_MAX

/* Touches in order; `next` is set only for a policy that looks ahead. */
struct pw_page_touches {
  size_t n;
  const uint32_t *id;
  const uint8_t *wrote;
  const uint64_t *next;   /* number of the page's next touch, or PW_NEVER where it goes before */
};
#define PW_NEVER UINT64_MAX

/* Who left: the page `id` went when touch number `at` of the list came. */
struct pw_victims {
  size_t n;
  uint32_t *id;
  uint32_t *at;
};

struct pw_memory {
  const struct pw_memory_policy *policy;
  uint64_t frames, used, peak_used;
  uint64_t major_faults, swap_outs;
  const uint64_t *key;    /* by id: of the page that was first in it (borrowed; may move at a reserve) */
  uint8_t *state;         /* by id: PW_PAGE_… */
  uint32_t *a, *b;        /* by id: the policy's */
  uint64_t *next_use, *born; /* by id, only for a policy that looks ahead; born: pages that had come before it first did */
  uint64_t n_born;
  size_t room;            /* ids that the arrays by id can hold */
  uint32_t *frame;        /* by frame: the page in it (policies with frames in place) */
  size_t frame_room;
  uint32_t head, tail;    /* of the list of resident pages (list policies) */
  uint64_t hand;          /* clock */
  uint32_t lowest_free;   /* no frame below it is free */
  uint64_t random;
};

/* OUT: it was pushed out and is not resident. */
enum { PW_PAGE_RESIDENT = 1, PW_PAGE_DIRTY = 2, PW_PAGE_REFERENCED = 4, PW_PAGE_OUT = 8 };

struct pw_memory_policy {
  const char *name, *summary;
  bool looks_ahead;       /* needs pw_page_touches.next */
  bool in_frames;         /* uses `frame`: pages sit in frames in place */
  /* Touches in order; victims are appended (room for one a touch). */
  void (*touch)(struct pw_memory *memory, const struct pw_page_touches *touches, struct pw_victims *victims);
  /* The resident page leaves without a write-back. */
  void (*drop)(struct pw_memory *memory, uint32_t id);
};

extern const struct pw_memory_policy pw_memory_lru, pw_memory_fifo, pw_memory_clock, pw_memory_random, pw_memory_opt;

const struct pw_memory_policy *pw_memory_policy(int index); /* NULL past the end */

int pw_memory_create(struct pw_memory **memory, int policy, uint64_t frames, uint64_t seed, struct pw_error *err);
void pw_memory_destroy(struct pw_memory *memory);
/* Room for ids below n_ids; `key` as above. */
int pw_memory_reserve(struct pw_memory *memory, const uint64_t *key, size_t n_ids);
/* Bytes that it keeps for each page ever seen. */
uint64_t pw_memory_page_bytes(const struct pw_memory *memory);
/* A page leaves that nobody has any more. */
void pw_memory_drop(struct pw_memory *memory, uint32_t id);

/* What every policy does when a page arrives, goes or is touched. */
static inline void pw_memory_arrive(struct pw_memory *m, uint32_t id, uint8_t wrote)
{
  m->major_faults += m->state[id] / PW_PAGE_OUT;
  m->state[id] = (uint8_t)(PW_PAGE_RESIDENT | PW_PAGE_REFERENCED | (wrote ? PW_PAGE_DIRTY : 0));
}

static inline void pw_memory_evict(struct pw_memory *m, uint32_t id, uint32_t at, struct pw_victims *victims)
{
  m->swap_outs += m->state[id] & PW_PAGE_DIRTY ? 1 : 0;
  m->state[id] = PW_PAGE_OUT;
  victims->id[victims->n] = id;
  victims->at[victims->n++] = at;
}

static inline void pw_memory_use_frame(struct pw_memory *m)
{
  if (++m->used > m->peak_used) m->peak_used = m->used;
}

/* The list of resident pages, newest at the head; a = towards the head, b = towards the tail. */
void pw_memory_unlink(struct pw_memory *memory, uint32_t id);
void pw_memory_push(struct pw_memory *memory, uint32_t id);

/* A page arrives at the head of the list; if no frame is free the tail goes. */
static inline void pw_memory_admit(struct pw_memory *m, uint32_t id, uint8_t wrote, size_t at, struct pw_victims *victims)
{
  if (m->used == m->frames) {
    uint32_t victim = m->tail;
    pw_memory_unlink(m, victim);
    pw_memory_evict(m, victim, (uint32_t)at, victims);
  } else {
    pw_memory_use_frame(m);
  }
  pw_memory_arrive(m, id, wrote);
  pw_memory_push(m, id);
}

/* Frames in place: the lowest free frame, if there is one, so that the order in which
 * the pages of an unmapped range leave does not matter. Frame numbers by id stand in `a`. */
bool pw_memory_free_frame(struct pw_memory *memory, uint32_t *frame);
void pw_memory_place(struct pw_memory *memory, uint32_t id, uint32_t frame);
void pw_memory_release(struct pw_memory *memory, uint32_t id);

#endif
