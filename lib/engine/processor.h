/* One computer as its processor sees it: which process runs, its touches, TLBs with address-space numbers, and what comes at
 * a time (khugepaged, write-back, a kernel's events, windows).
 *
 * Each touch of a visit is translated in the tables of its process, faults where they do not allow it, and then looks into the
 * TLBs; what a fault or an event changes leaves them. A pattern that alternates longer is followed as long as it misses.
 *
 * Cost: a touch that was seen lately and changes nothing costs a look at a small table and one lookup in a TLB. */
#ifndef PW_PROCESSOR_H
#define PW_PROCESSOR_H

#include "engine/regions.h"
#include "mmu/geometry.h"
#include "mmu/sized.h"
#include "os/linux/daemons.h"
#include "os/linux/kmem.h"
#include "os/linux/oom.h"
#include "os/linux/writeback.h"

/* What the TLBs and the trace count; processes get the difference over the time that they run. */
struct pw_system_counters {
  struct pw_totals accesses;
  uint64_t misses[3], passed, walks, walk_refs;
};

/* One of the computers, with what it counts. */
struct pw_system {
  const struct pw_system_config *config;
  struct pw_computer computer;
  struct pw_sized tlbs;
  bool takes_all;                   /* each first level takes 4 KiB and 2 MiB */
  uint64_t high_bits, page_bits;    /* those that say an address is of the upper half, and those that a table looks at */
  struct pw_system_slot {
    struct pw_program program;
    uint64_t current[2];            /* its data and code page */
  } *slots;
  struct pw_processes processes;
  struct pw_kmem kmem;              /* of a kernel's events, if there are any */
  struct pw_system_counters *of;    /* by process */
  size_t of_room;
  struct pw_system_counters counters, since; /* since the process that runs began to */
  uint64_t clock;                   /* accesses of all, with the time that nobody ran */
  struct pw_khugepaged khugepaged;
  uint32_t running;                 /* process + 1; 0: none yet */
  uint64_t switches, asid_flushes;
  uint32_t tag;                     /* of who runs */
  uint32_t *asids;                  /* address space + 1 by slot */
  unsigned n_asids, next_asid;
  uint64_t number;                  /* address space that `tag` is of */
  struct pw_system_seen {
    uint64_t age;                   /* of the process's memory, which no other has */
    uint64_t what;                  /* page, its size, and whether it may be written */
    uint32_t at[2];                 /* in the DTLB and ITLB, if it is there still */
  } *seen;
  uint64_t every, next_window;
  uint64_t next_due;                /* when khugepaged or a window comes */
  int (*window)(void *context, struct pw_error *err); /* at the end of each; or NULL */
  void *context;
  struct pw_error *err;             /* what went wrong; the others go on without it */
  bool failed;
  bool together;                    /* with others, which a kill would part it from: its turns would be other ones */
  bool parted;                      /* it failed of that: it is to run by itself */
  bool usual;                       /* takes_all, and not exact */
  uint64_t shots;                   /* times that pages left the TLBs, or their accessed bits were taken away */
  bool exact;                       /* each touch counts: who was used last leaves last */
  struct pw_system_candidate *candidates; /* of the kills */
  size_t n_candidates, candidates_room;
  struct pw_system_event *events;   /* what was done about few frames, the first of it */
  size_t n_events, events_room;
  uint32_t kills;
  uint64_t group_peak;              /* pages */
  struct pw_regions *regions;       /* owned; or NULL: nobody asked for them */
  bool audits;                      /* after each event and each fault: os/linux/audit.h */
};

/* Makes the computer, for so many programs; a failure is written to err, which is borrowed, and it takes no part then. */
void pw_processor_init(struct pw_system *system, const struct pw_system_config *config, size_t n_slots,
                       const struct pw_kernel_events *events, struct pw_error *err);
void pw_processor_clear(struct pw_system *system, size_t n_slots);
/* The program of a slot is audited after its events, if the computer is. */
void pw_processor_watch(struct pw_system *system, size_t slot);
/* 0, or PW_EINVAL when it is audited and at odds with itself. */
int pw_processor_audit(struct pw_system *system);
/* It takes no further part unless the status is 0. */
void pw_processor_note(struct pw_system *system, int status);
/* kill.c: for pw_reclaim.kill; the context is the computer. It chooses by the scores of all, notes them, and ends who it is. */
int pw_processor_kill(void *context, bool group);
/* When next something comes at a time. */
void pw_processor_set_due(struct pw_system *system);
/* Takes visits of a slot up to the next event or the end of the block, of the process that runs, as far as the turn goes to
 * access `end`; the events before are done. The number of the first that it did not take. */
uint32_t pw_processor_stretch(struct pw_system *system, size_t slot, const struct pw_feed *feed, uint64_t end);
/* All programs are over: the kernel's events that are left, each at its time. */
void pw_processor_end_events(struct pw_system *system);
/* The counters of a process, with what it has counted since it was switched to. */
struct pw_system_counters pw_system_counters_of(const struct pw_system *system, uint32_t process);

#endif
