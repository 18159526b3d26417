/* Which pages each process has, and in whose frames: radix trees that a fork shares, copied on write.
 *
 * A leaf is 64 pages, a branch 64 nodes below it, both hold only what is there; the height is what the highest
 * page needs. A process that changes something has copies of the nodes on the way to it; what two processes reach
 * by one node they have in the same frames. Where a copied leaf and its original go apart, their frames are
 * numbered, and the pages in each counted; on demand (pw_frames_number) all are from then on.
 *
 * Cost: a fork O(1), a page O(height), at most 8; a leaf takes some 40 bytes, 320 once its frames are numbered.
 *
 * Invariants: a node has pages below it. It is alone in a frame who reaches its page by nodes that nothing else
 * points to, and whose frame has no number or one user. `shared` is the sum of pointers to nodes, and of users of
 * numbered frames, beyond the first of each. */
#ifndef PW_PRESENT_H
#define PW_PRESENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All frames of unlimited memory. Zeroed is empty. */
struct pw_frames {
  bool all;            /* every frame has a number */
  uint32_t *users;     /* by number, from 1: pages in it; of a free number, the next free one */
  size_t n_numbers, room;
  uint32_t free;       /* the first free number, or 0 */
  uint32_t marks;      /* given out so far */
  uint64_t n, peak;    /* in use */
  uint64_t shared;     /* 0: no two processes have a frame in common */
  uint64_t steps;      /* nodes and pages visited by changes so far */
  struct pw_present_leaves *leaves;
  struct pw_present_node *spare; /* of these */
};

/* The pages of a process. Zeroed is empty. */
struct pw_present {
  struct pw_present_node *root;
  unsigned levels;     /* of branches */
  uint32_t mark;       /* of this process from its fork on, unlike any other's */
  uint32_t age;        /* another from each fork on: what it has alone, it has until then */
};

/* What went, or would: pages `bits` of the 64 from `first` on. */
struct pw_present_part {
  uint64_t first, bits;
  uint64_t shared;     /* of these, those whose frames others still use */
  bool own;            /* the process itself may have touched some; else it inherited them all */
};
typedef int pw_present_fn(void *context, const struct pw_present_part *part);

void pw_frames_clear(struct pw_frames *frames); /* frees; the trees first */
/* All frames get numbers from here on, while none has one: those in use 1 to n by pw_present_number, and the other
 * numbers up to n are free. 0, or -1 when memory runs out. */
int pw_frames_number(struct pw_frames *frames, size_t n);
void pw_frames_free(struct pw_frames *frames, uint32_t number);

bool pw_present_has(const struct pw_present *p, uint64_t page);
/* The first page there from `page` on. */
bool pw_present_next(const struct pw_present *p, uint64_t page, uint64_t *found);

/* The pages of the 64 around this one that are there, in a leaf of its own, which may be new and empty: put something
 * in. NULL when memory runs out. */
uint64_t *pw_present_own(struct pw_frames *frames, struct pw_present *p, uint64_t page);
/* A page comes into the leaf, in a frame that was not in use: 0, or -1 when memory runs out. */
int pw_present_take(struct pw_frames *frames, uint64_t *own, uint64_t page);
/* The number of its frame, where all have one. */
uint32_t pw_present_frame(const struct pw_present *p, uint64_t page);
/* Its frame gets this number: 0, or -1 when memory runs out. */
int pw_present_number(struct pw_frames *frames, struct pw_present *p, uint64_t page, uint32_t number);
/* Is the page there, in a frame that others use too? */
bool pw_present_shares(const struct pw_frames *frames, const struct pw_present *p, uint64_t page);
/* It has another frame for itself then: 0, or -1 when memory runs out. */
int pw_present_part_with(struct pw_frames *frames, struct pw_present *p, uint64_t page);
/* Takes the next pages of first … last, of one leaf, away: 1, 0 if there are none, -1 when memory runs out. */
int pw_present_cut(struct pw_frames *frames, struct pw_present *p, uint64_t first, uint64_t last, struct pw_present_part *part);
/* Takes all away, after it has told of those that are its own; not 0 from `each` ends it with that. */
int pw_present_leave(struct pw_frames *frames, struct pw_present *p, pw_present_fn *each, void *context);
void pw_present_clear(struct pw_frames *frames, struct pw_present *p);

/* The child, which has nothing, has what its parent has, or gets it page by page by pw_present_inherit. */
void pw_present_fork(struct pw_frames *frames, struct pw_present *parent, struct pw_present *child, bool share);
/* A page that is there goes to a place, of any process, where none is: 0, or -1 when memory runs out. */
int pw_present_move(struct pw_frames *frames, struct pw_present *p, uint64_t page, uint64_t to);
/* The same page comes to the child, which has it not, in the same frame. */
int pw_present_inherit(struct pw_frames *frames, struct pw_present *parent, struct pw_present *child, uint64_t page);

#endif
