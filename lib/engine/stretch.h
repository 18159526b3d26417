/* The stretches of a block, and what they hold as lists: what every model eats.
 *
 * A stretch is some visits and at most one step after them: visits end at a step and at the size of a
 * chunk. pw_stretch_next is the one loop over them. Steps of kinds that a model does not ask for do not cut.
 *
 * The lists are three views of the same visits. The openers by stream are all that split TLBs over
 * unlimited memory need. The touches are every touch of the patterns in order, which
 * is what memory and unified TLBs need. The lookups are the touches by stream, with
 * the pages that memory pushed out standing before the touch that did it.
 *
 * A touch is a key, a frame, its stream and whether it wrote. A size of its page and a processor have their
 * place beside these once pages of several sizes and several processors are modelled.
 *
 * Invariant: positions (`at`) rise along each list and mean the same in both streams. */
#ifndef PW_STRETCH_H
#define PW_STRETCH_H

#include "base/block.h"
#include "engine/model.h"
#include "engine/sharers.h"
#include "engine/witness.h"
#include "memory/memory.h"
#include "mmu/hierarchy.h"
#include "os/os.h"
#include "pagewalk.h"

struct pw_stretch {
  const struct pw_paged *paged;
  struct pw_halt *halt;       /* or NULL */
  unsigned kinds;             /* of steps that cut */
  uint32_t from, to;          /* visits; none where they are equal */
  const struct pw_step *step; /* what comes after them, or NULL */
  size_t next;                /* step */
};

#define PW_STEPS_ALL (~0u)

/* From the beginning of a block; `model` says whom to ask whether to stop. */
static inline struct pw_stretch pw_stretches(const struct pw_paged *paged, const struct pw_model *model, unsigned kinds)
{
  return (struct pw_stretch){.paged = paged, .halt = model->halt, .kinds = kinds};
}
/* False at the end of the block, or when the run is to stop. */
bool pw_stretch_next(struct pw_stretch *stretch);
/* Visits from `to` on, and the step, come with the next stretch. */
void pw_stretch_cut(struct pw_stretch *stretch, uint32_t to);
static inline bool pw_stretch_halted(const struct pw_stretch *stretch)
{
  return stretch->halt && pw_halted(stretch->halt);
}
/* After the last: 0, or PW_EINTERRUPTED when the run is to stop. */
int pw_stretch_status(const struct pw_stretch *stretch, struct pw_error *err);

struct pw_lists {
  enum pw_stream only;
  /* set at each block (pw_lists_begin) */
  const struct pw_block *block;
  const uint64_t *key;            /* by page index of the block, at the page size */
  const uint32_t *id, *frame;
  const struct pw_sharers *sharers; /* where there is a memory (borrowed) */
  /* where the last chunk ended */
  uint32_t current[2];            /* page index of the current data and code page */
  uint64_t last[2];               /* key that the openers' list of the stream ended with */
  size_t n, n_alternations;       /* touches, and visits that alternated longer than they show */
  uint32_t event;                 /* touches by this event; PW_BY_VISIT: of visits */
  const uint32_t *event_id;       /* the pages of the touches of a step; NULL: of visits */
  uint32_t opener[2];             /* visits that opened the current pages; only for who watches */
  struct pw_victims victims;      /* who was pushed out of the memory that took the touches last */
  /* from here on large arrays, which nobody clears: the touches, */
  uint64_t touch_key[PW_CHUNK_TOUCHES];
  uint32_t touch_frame[PW_CHUNK_TOUCHES];
  uint16_t touch_page[PW_CHUNK_TOUCHES]; /* index in the block */
  uint8_t wrote[PW_CHUNK_TOUCHES];
  uint8_t code[PW_CHUNK_TOUCHES];
  struct pw_alternation alternations[PW_CHUNK_VISITS];
  uint32_t touch_visit[PW_CHUNK_TOUCHES], touch_opener[PW_CHUNK_TOUCHES]; /* only for who watches (pw_lists_places) */
  uint32_t victim_id[PW_CHUNK_TOUCHES], victim_at[PW_CHUNK_TOUCHES];
  /* and room for the lists that are lent */
  uint64_t list_key[2][PW_CHUNK_LOOKUPS];
  uint32_t list_at[2][PW_CHUNK_LOOKUPS];
  uint32_t remapped[PW_BLOCK_VISITS]; /* `frame` of a block with REMAP steps */
};

void pw_lists_init(struct pw_lists *lists, enum pw_stream only);
void pw_lists_begin(struct pw_lists *lists, const struct pw_paged *paged);
void pw_lists_remap(struct pw_lists *lists, const struct pw_step *step);
/* TLB entries may have gone: an opener on the page of the one before counts again. */
void pw_lists_forget(struct pw_lists *lists);

static inline bool pw_lists_wants(const struct pw_lists *lists, unsigned stream)
{
  return lists->only == PW_STREAM_BOTH || (lists->only == PW_STREAM_FETCH) == (stream == 1);
}

/* Visits [from, to) of the block, at most PW_CHUNK_VISITS. Lists are lent until the
 * next call. */
void pw_lists_openers(struct pw_lists *lists, uint32_t from, uint32_t to, struct pw_hierarchies_input *in);
void pw_lists_touches(struct pw_lists *lists, uint32_t from, uint32_t to);
/* The touches as lookups, each victim before the touch that pushed it out. */
struct pw_lookups_from {
  size_t touch, victim, alternation;
};
/* From there, which is {0} at first, up to the next victim that several pages share: all these are to be dropped
 * before the lookups go on. True, and its frame, when there is one. */
bool pw_lists_lookups(struct pw_lists *lists, bool alternating, struct pw_lookups_from *from, struct pw_hierarchies_input *in,
                      uint32_t *shared);
/* Touches by no visit: the step's, of these pages. */
void pw_lists_aside(struct pw_lists *lists, const struct pw_step *step, const uint32_t *id);
/* Whose touches [from, to) are: after pw_lists_touches. */
void pw_lists_places(struct pw_lists *lists, uint32_t from, uint32_t to);

static inline struct pw_place pw_lists_place(const struct pw_lists *l, size_t touch)
{
  if (l->event != PW_BY_VISIT) return (struct pw_place){0, 0, l->event};
  return (struct pw_place){l->touch_visit[touch], l->touch_opener[touch], PW_BY_VISIT};
}

/* First pass of who looks ahead: notes the block's touches, the kernel's among them, and asks for
 * the next touch of each page that moves. The second pass reads the answers in the same order. */
struct pw_future;
int pw_lists_note(struct pw_lists *lists, const struct pw_paged *paged, struct pw_future *future, struct pw_error *err);

#endif
