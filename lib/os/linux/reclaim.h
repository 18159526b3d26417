/* Who leaves memory when frames run out: the lists of a computer, and what keeps its frames for it.
 *
 * `linux` is the two-list algorithm of mm/vmscan.c, mm/workingset.c and mm/swap.c (6.18, without lru_gen): active and inactive
 * lists of private memory and of files, scanned in batches, shared out by what each costs, with refaults that are
 * told from first touches by the age of the lists. The others take one page at a time from one list, and serve to compare.
 *
 * Frames come by pw_frames_take alone: it charges the group, wakes kswapd (which runs in no time), reclaims, and has a process
 * killed when nothing helps. See docs/system.md for each step and what it costs to leave it out. */
#ifndef PW_RECLAIM_H
#define PW_RECLAIM_H

#include "os/linux/buddy.h"
#include "os/linux/folio.h"
#include "os/linux/swap.h"
#include "os/linux/swapin.h"
#include "pagewalk.h"

struct pw_computer;

struct pw_reclaim_options {
  enum pw_system_reclaim policy;
  uint64_t swap_pages;      /* usable ones */
  uint64_t limit_pages;     /* of the group of all processes; UINT64_MAX: none */
  unsigned swappiness;      /* 0 … 200 */
  enum pw_system_swap device;
  uint64_t latency;         /* of a page that is written to a device that takes time, in accesses */
  unsigned page_cluster;    /* at most 2^this pages are read together */
  bool stops;               /* nobody is killed: the run ends */
  uint64_t seed;
};

/* The lists of those who are charged alike. Counts are pages. */
struct pw_lruvec {
  uint32_t head[PW_LISTS], tail[PW_LISTS];
  uint64_t pages[PW_LISTS];
  uint64_t age;             /* pages that left, or became active (nonresident_age) */
  uint64_t refaults[2], before[2]; /* that made pages active, of private memory and of files: so far, and when reclaim ended last */
  uint64_t cost[2];         /* of reclaiming private memory, and files */
};

enum { PW_LRU_BATCH = 31 };

struct pw_reclaim_counts {
  uint64_t direct_reclaims, kswapd_runs, scanned, swap_waits;
};

/* An entry that reclaim found accessed is not any more: whoever remembers it must look again. */
typedef void pw_unseen_fn(void *context, uint64_t page, bool huge);
/* Nothing can be reclaimed. 0: someone was killed, or PW_MM_KILLED: who asks is to die; PW_MM_NO_FRAME: nobody is left, or may be. */
typedef int pw_kill_fn(void *context, bool group);

struct pw_reclaim {
  struct pw_reclaim_options options;
  struct pw_folios folios;
  struct pw_swap swap;
  struct pw_lruvec lru[2];  /* of what is charged to nobody, and to the group */
  uint32_t batch[PW_LRU_BATCH]; /* new pages that wait to come to a list */
  unsigned n_batch;
  uint32_t *isolated;       /* taken from a list to be looked at */
  size_t isolated_room;
  uint32_t *deferred;       /* blocks of 2 MiB that may be mapped in part, in the order in which they became so */
  size_t n_deferred, n_holes, deferred_room; /* holes: of those that went */
  struct pw_writing *writing; /* pages that are being written, from first_writing on, in the order in which they began */
  size_t n_writing, first_writing, writing_room;
  uint32_t writes;          /* that began */
  struct pw_swap_ahead ahead; /* of a rotating device: slot that was read last */
  uint64_t charged_peak, kernel_peak; /* pages of the group at most, and of the kernel's alone */
  uint64_t uncharged;       /* pages of files that nobody is charged for */
  unsigned kswapd_failures;
  struct pw_reclaim_counts counts;
  uint64_t random;
  int status;               /* PW_ENOMEM: pagewalk's own memory ran out in the middle */
  pw_unseen_fn *unseen;     /* or NULL */
  pw_kill_fn *kill;         /* or NULL: nobody is */
  void *context;            /* of both */
};

void pw_reclaim_init(struct pw_computer *computer, const struct pw_reclaim_options *options);
void pw_reclaim_clear(struct pw_computer *computer);

/* What is done for a request when there is no room: all, up to killing someone; reclaim, and rather none than that anybody is killed,
 * and a block without global reclaim; or nothing. */
enum pw_effort { PW_EFFORT_ALL, PW_EFFORT_LIGHT, PW_EFFORT_NONE };

/* How a request is made. */
struct pw_frame_request {
  enum pw_migrate type;
  unsigned order;
  enum pw_effort effort;
  bool free_of_charge;
};

/* The first frame of a block. 0, PW_MM_NO_FRAME, PW_MM_KILLED or PW_ENOMEM. */
int pw_frames_take(struct pw_computer *computer, const struct pw_frame_request *request, uint32_t *frame);
/* The group is charged for so many pages more. */
int pw_frames_charge(struct pw_computer *computer, uint64_t pages, enum pw_effort effort);
/* Pages that the group has. */
uint64_t pw_frames_charged(const struct pw_computer *computer);

/* A new folio waits for its list; as one that comes back, with what was known when it left. */
void pw_lru_add(struct pw_computer *computer, uint32_t folio);
void pw_lru_refault(struct pw_computer *computer, uint32_t folio, uint32_t shadow);
/* It is on no list any more. */
void pw_lru_remove(struct pw_computer *computer, uint32_t folio);
/* It was used: of `lru` alone. */
void pw_lru_use(struct pw_computer *computer, uint32_t folio);
/* The pages that wait come to their lists. */
void pw_lru_drain(struct pw_computer *computer);
void pw_list_put(struct pw_computer *computer, uint32_t folio, enum pw_lru_list list, bool head);
void pw_list_take(struct pw_computer *computer, uint32_t folio);
struct pw_lruvec *pw_lruvec_of(struct pw_computer *computer, uint32_t folio);
enum pw_lru_list pw_list_of(const struct pw_computer *computer, uint32_t folio);

/* twolists.c: pages freed by one attempt to free so many; of the group, of all by kswapd, or of all by who needs them. */
enum pw_reclaimer { PW_RECLAIM_GROUP, PW_RECLAIM_KSWAPD, PW_RECLAIM_DIRECT };
uint64_t pw_two_lists_reclaim(struct pw_computer *computer, uint64_t pages, enum pw_reclaimer who);

/* One page of one list, or none: fifo, lru, clock, random. */
uint64_t pw_one_list_reclaim(struct pw_computer *computer, bool group);
/* Reclaiming pages of private memory (or of files) of these lists was that expensive. */
void pw_lru_note_cost(struct pw_lruvec *lruvec, bool file, uint64_t cost);

/* evict.c: it leaves memory, and is on no list; or is being written, in the swap cache, where that takes time. Private memory needs a slot
 * of swap, a block 512 of them: it stays where there is none. *written: pages more that went to a device. */
enum pw_evicted { PW_EVICT_STAYS, PW_EVICT_WRITTEN, PW_EVICT_GONE };
enum pw_evicted pw_evict(struct pw_computer *computer, uint32_t folio, uint64_t *written);
/* What is known of a page that leaves: the age of its lists, which ages by its pages, and whether it was of the working set. */
uint32_t pw_shadow_make(struct pw_computer *computer, uint32_t folio);
/* Is it in swap, or backed by it? */
bool pw_is_swapped(const struct pw_computer *computer, const struct pw_folio *folio);
/* How many entries were accessed since they were asked last, and whether one was of executable memory. */
unsigned pw_references(struct pw_computer *computer, uint32_t folio, bool *executable);


/* blocks.c: a block of 2 MiB that cannot leave as one: a part of it is not mapped, or swap has no 512 slots in a row. */
bool pw_must_split(const struct pw_computer *computer, uint32_t folio);
/* Its pages are folios of their own; those that are mapped are put `to`, on no list, and counted in *n; those that are not are
 * free. 0 or PW_ENOMEM, which is noted. */
int pw_block_split(struct pw_computer *computer, uint32_t folio, uint32_t *to, size_t *n, uint64_t *freed);
/* Some page of a block is mapped by nobody, perhaps: it is split before reclaim begins. */
void pw_block_defer(struct pw_computer *computer, uint32_t folio);
void pw_block_forget(struct pw_computer *computer, struct pw_folio *folio); /* it goes */
/* No 2 MiB map it as one any more. */
void pw_block_split_mappings(struct pw_computer *computer, uint32_t folio);
/* All those that wait: pages freed. */
uint64_t pw_split_deferred(struct pw_computer *computer);

#endif
