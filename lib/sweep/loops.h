/* The hot loops of the one-pass engines, built twice: with AVX2 and portable.
 *
 * Everything rests on one operation, a *rotation*: in an array of page ids, most
 * recently used first, find an id, move it to the front and everything before it down
 * by one. Its old position is its LRU rank; if it was not there, the last id falls off.
 * With AVX2 eight ids are compared and moved at a time.
 *
 * The two builds give the same numbers, which a test checks; pw_loops() picks. */
#ifndef PW_LOOPS_H
#define PW_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_NO_ID UINT32_MAX
#define PW_LANES 8u      /* arrays are whole vectors of so many ids */
#define PW_LIST_MOST 4096u /* entries of a list at most */

/* References in order: the page's index in its block, and the position in the chunk << 16. */
struct pw_refs {
  size_t n;
  const uint32_t *ref;
  const uint32_t *id;   /* by page index */
  const uint64_t *key;  /* by page index: page key at the page size, which chooses the set */
};

static inline uint32_t pw_ref(uint32_t at, uint32_t page)
{
  return at << 16 | page;
}

/* Who missed a TLB of so many ways, as a bit for each position of the chunk. */
struct pw_emitter {
  uint32_t ways;
  uint64_t bits[PW_LIST_MOST / 64];
};

/* One number of sets; see family.h. */
struct pw_level {
  uint64_t sets;
  uint32_t vectors;     /* of PW_LANES ids a set */
  bool power_of_two;
  uint32_t *slots;      /* [sets][vectors * PW_LANES] ids, most recent first; PW_NO_ID = invalid */
  uint8_t *holes;       /* [sets] an id was taken out, and the place may not be filled yet */
  uint64_t *hits;       /* [vectors * PW_LANES + 1][buckets] by rank; the last are misses */
  uint64_t *stops;      /* [buckets] most recent here and in no coarser set */
  struct pw_emitter **emitters; /* borrowed */
  size_t n_emitters;
};

struct pw_chain {
  struct pw_level *levels; /* from few sets to many, each number divides the next */
  size_t n_levels, room;
  uint32_t buckets;
  bool holey;           /* some set has holes */
};

/* Visits [from, to) of a block, as an LRU memory sees them. */
struct pw_visit_range {
  const uint8_t *flags;
  const uint16_t *page;
  const uint32_t *id;   /* by page index */
  uint32_t from, to;
  uint32_t *current;    /* [2] id of the data page and of the code page */
};

/* An LRU stack; see stack.h. */
struct pw_stack {
  uint32_t top[64];
  uint32_t first, second; /* ids of top[0] and top[1] when they are known, the other way round */
  bool swapped;           /* … when this is set */
  bool top_holes;
  uint64_t top_hits[64]; /* by depth - 1 */
  uint64_t cold;

  size_t n_ids;         /* ids that there is room for */
  uint32_t *slot_of;    /* by id: its slot below the top, or PW_NO_ID */
  size_t slot_room;
  uint64_t *bits;       /* by slot: occupied by a page or a hole */
  uint32_t *counts;     /* Fenwick tree over groups of 512 slots */
  uint32_t n_slots, next, base, occupied; /* slots under `base` were flushed */
  uint32_t *holes;      /* slots that are holes: a heap, the largest first */
  size_t n_holes, holes_room;
  uint64_t *deep_hits;  /* by depth - 65 */
  size_t deep_room;

  bool writes;          /* count write-backs */
  uint32_t *since;      /* by id: largest depth since its last store; 0 = clean */
  uint64_t *change;     /* by size: write-backs of that size minus those of the size below */
  size_t since_room, change_room;
};

struct pw_loops {
  const char *name;
  /* Looks the references up in all levels. */
  void (*chain)(struct pw_chain *chain, const struct pw_refs *list);
  /* Likewise, counting by a bucket of each reference too. */
  void (*chain_by)(struct pw_chain *chain, const struct pw_refs *list, const uint32_t *bucket);
  /* Counts the depth of each reference. */
  void (*stack)(struct pw_stack *stack, const struct pw_refs *refs);
  /* Likewise with stores; `depth`, unless NULL, gets the depths (UINT32_MAX = first touch). */
  void (*memory)(struct pw_stack *stack, const uint32_t *id, const uint8_t *wrote, size_t n, uint32_t *depth);
  /* The same from visits, for memories of two frames and more: depths 1 and 2 are not counted. */
  void (*visits)(struct pw_stack *stack, const struct pw_visit_range *visits);
};

extern const struct pw_loops pw_loops_portable, pw_loops_avx2;

/* The faster one that this processor can run. */
const struct pw_loops *pw_loops(void);
/* For tests: take the portable one from here on. */
void pw_loops_force_portable(bool force);

/* Occupied slots up to and including `slot`. */
static inline uint32_t pw_stack_prefix(const struct pw_stack *s, uint32_t slot)
{
  uint32_t group = slot >> 9, n = 0;
  for (uint32_t g = group; g > 0; g &= g - 1) n += s->counts[g];
  for (uint32_t w = group << 3; w < slot >> 6; w++) n += (uint32_t)__builtin_popcountll(s->bits[w]);
  return n + (uint32_t)__builtin_popcountll(s->bits[slot >> 6] & (~UINT64_C(0) >> (63 - (slot & 63))));
}

/* The heap of holes gets one more (there is room). */
static inline void pw_stack_push_hole(struct pw_stack *s, uint32_t slot)
{
  size_t i = s->n_holes++;
  for (; i > 0 && s->holes[(i - 1) / 2] < slot; i = (i - 1) / 2) s->holes[i] = s->holes[(i - 1) / 2];
  s->holes[i] = slot;
}

#endif
