/* What an account notes down for a time series: where windows end, and its numbers there.
 *
 * A window ends behind the first visit at which the accesses since counting began reach
 * the next multiple of its length. Samples hold counts from the beginning; what fell in
 * a window is the difference of two. The last sample stands behind the last visit and is
 * moved along until the trace ends. Events between two visits belong to the later window.
 *
 * Invariant: samples depend on the blocks alone, and each has its step in the numbered
 * block, at which the models note down theirs. */
#ifndef PW_SAMPLER_H
#define PW_SAMPLER_H

#include "space/spaces.h"
#include "pagewalk.h"

/* Heap, anonymous mappings, and what is neither or not mapped. */
enum pw_area_kind { PW_AREA_OTHER, PW_AREA_HEAP, PW_AREA_MMAP, PW_AREAS };

struct pw_sample {
  uint64_t access;               /* run so far, of both streams and with the warm-up */
  struct pw_totals counted;
  uint64_t arrivals, minor_faults, present_pages, table_bytes; /* present: frames of unlimited memory */
  uint64_t mapped_pages[PW_AREAS], area_faults[PW_AREAS], returned_pages[PW_AREAS]; /* mapped: base pages */
};

struct pw_sampler {
  const char *path;              /* of the trace, for errors (borrowed) */
  uint64_t every, start, next;   /* accesses; counting began at `start`, the window ends at `next` */
  struct pw_sample now;          /* its faults, pages and tables are those of the last sample */
  struct pw_sample *samples;
  size_t n, room;                /* windows that have ended */
  bool open;                     /* and one more that has not, samples[n] */
  const struct pw_spaces *spaces; /* the account's (borrowed) */
  uint8_t *area;                 /* by id: 1 + the area that its fault was in; 0 = none yet */
  size_t area_room;
  bool failed;                   /* memory ran out for it */
};

int pw_sampler_create(struct pw_sampler **sampler, uint64_t every, const char *path, const struct pw_spaces *spaces,
                      struct pw_error *err);
void pw_sampler_destroy(struct pw_sampler *sampler);

/* Goes over visits [from, to) of a block with counts, up to the end of the window: where it
 * got to, and whether the window has ended there. */
uint32_t pw_sampler_go(struct pw_sampler *sampler, const struct pw_block *block, uint32_t from, uint32_t to, bool *ended);
/* Notes `now` down as the sample of the window, for good if it has ended: its number, or -1. */
int64_t pw_sampler_note(struct pw_sampler *sampler, bool ended);
/* Counting starts here. */
void pw_sampler_mark(struct pw_sampler *sampler);

/* Before each block: is all well, and are there not too many windows by now? */
int pw_sampler_check(const struct pw_sampler *sampler, struct pw_error *err);
/* A minor fault brings a page in use, or copies it, on the base page of this key. */
void pw_sampler_arrive(struct pw_sampler *sampler, uint32_t id, uint64_t base_page_key);
/* A page came without a fault, by a fork or a move. */
void pw_sampler_inherit(struct pw_sampler *sampler, uint32_t from, uint32_t to);
void pw_sampler_move(struct pw_sampler *sampler, uint32_t from, uint32_t to);
/* A page is gone: back to the system by the program's will, or otherwise. */
void pw_sampler_leave(struct pw_sampler *sampler, uint32_t id, bool returned);

#endif
