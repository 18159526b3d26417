/* A chunk of visits as lists: what fronts and memories eat.
 *
 * Three views of the same visits. The openers by stream are all that split TLBs over
 * unlimited memory need. The touches are every touch of the patterns in order, which
 * is what memory and unified TLBs need. The lookups are the touches by stream, with
 * the pages that memory pushed out standing before the touch that did it.
 *
 * Invariant: positions (`at`) rise along each list and mean the same in both streams. */
#ifndef PW_CHUNK_H
#define PW_CHUNK_H

#include "base/block.h"
#include "memory/memory.h"
#include "mmu/hierarchy.h"
#include "os/os.h"
#include "pagewalk.h"

struct pw_future;

struct pw_chunk {
  enum pw_stream only;
  /* set at each block (pw_chunk_begin) */
  const struct pw_block *block;
  const uint64_t *key;            /* by page index of the block, at the page size */
  const uint32_t *id;
  /* where the last chunk ended */
  uint32_t current[2];            /* page index of the current data and code page */
  uint64_t last[2];               /* key that the openers' list of the stream ended with */
  /* the touches */
  size_t n;
  uint64_t touch_key[PW_CHUNK_TOUCHES];
  uint32_t touch_id[PW_CHUNK_TOUCHES];
  uint16_t touch_page[PW_CHUNK_TOUCHES]; /* index in the block */
  uint8_t wrote[PW_CHUNK_TOUCHES];
  uint8_t code[PW_CHUNK_TOUCHES];
  struct pw_alternation alternations[PW_CHUNK_VISITS];
  size_t n_alternations;
  /* room for the lists that are lent */
  uint64_t list_key[2][PW_CHUNK_LOOKUPS];
  uint32_t list_at[2][PW_CHUNK_LOOKUPS];
};

void pw_chunk_init(struct pw_chunk *chunk, enum pw_stream only);
void pw_chunk_begin(struct pw_chunk *chunk, const struct pw_paged *numbered);
/* TLB entries may have gone: an opener on the page of the one before counts again. */
void pw_chunk_forget(struct pw_chunk *chunk);

static inline bool pw_chunk_wants(const struct pw_chunk *chunk, unsigned stream)
{
  return chunk->only == PW_STREAM_BOTH || (chunk->only == PW_STREAM_FETCH) == (stream == 1);
}

/* Visits [from, to) of the block, at most PW_CHUNK_VISITS. Lists are lent until the
 * next call. key_of gives the keys of the victims by id. */
void pw_chunk_openers(struct pw_chunk *chunk, uint32_t from, uint32_t to, struct pw_hierarchies_input *in);
void pw_chunk_touches(struct pw_chunk *chunk, uint32_t from, uint32_t to);
void pw_chunk_lookups(struct pw_chunk *chunk, const struct pw_victims *victims, const uint64_t *key_of, bool alternating,
                      struct pw_hierarchies_input *in);

/* First pass of who looks ahead: notes the block's touches, the kernel's among them, and asks for
 * the next touch of each page that moves. The second pass reads the answers in the same order. */
int pw_chunk_note(struct pw_chunk *chunk, const struct pw_paged *numbered, struct pw_future *future, struct pw_error *err);

#endif
