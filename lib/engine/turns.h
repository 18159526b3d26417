/* Programs that run in turns, on one computer or on several that are alike in whose turn it is: the loop of `pagewalk system`.
 *
 * A turn is of one program: visits until they made `quantum` accesses. Programs stand in a ring in the order of their slots,
 * which is that of their starts; a child with a trace of its own comes to the end of the ring, and what a process executes
 * takes its place. No turn depends on what a computer does, so that one reading of the traces serves all
 * computers: each takes the same stretch of visits in its turn. Each touch of a visit is translated in the tables of
 * its process, faults where they do not allow it, and then looks into the TLBs; what a fault or an event changes leaves
 * them. A pattern that alternates longer is followed as long as it misses.
 *
 * Cost: a touch that was seen lately and changes nothing costs a look at a small table and one lookup in a TLB. */
#ifndef PW_TURNS_H
#define PW_TURNS_H

#include "mmu/geometry.h"
#include "mmu/sized.h"
#include "os/linux/kmem.h"
#include "os/linux/replay.h"

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
  uint64_t next_scan, scanned_at;   /* khugepaged: when, and the place it stopped: process, page */
  uint32_t scanned_process;
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
  bool audits;                      /* after each event and each fault: os/linux/audit.h */
};

struct pw_turns {
  struct pw_system *systems;
  size_t n_systems;
  struct pw_turns_slot {
    struct pw_feed feed;
    uint64_t start;
    bool over, waited;              /* waited: nothing ran any more, and the clock jumped to its start */
  } *slots;
  size_t n_slots, slots_room;
  const struct pw_kernel_events *events; /* for all computers, borrowed; or NULL */
  uint64_t quantum, clock, stretches;
  bool (*stop)(void *context, const struct pw_trace_info *info);
  /* The blocks of the trace of that name beside a slot's own, for the slot after the last (or, next, for that slot again): 1; 0: there
   * is no such file; or a status. */
  int (*open)(void *context, size_t slot, const char *name, bool next, struct pw_blocks *blocks, struct pw_error *err);
  void *context;
};

/* Makes so many computers without a configuration, and slots for so many programs; events are set by the caller then. */
int pw_turns_begin(struct pw_turns *turns, size_t n_systems, size_t n_slots, uint64_t quantum, struct pw_error *err);
/* A program that has blocks. */
void pw_turns_feed(struct pw_turns *turns, size_t slot, struct pw_blocks blocks, uint64_t start);
/* Makes the computer; a failure is written to err, which is borrowed, and it takes no part. */
void pw_turns_configure(struct pw_turns *turns, size_t number, const struct pw_system_config *config, struct pw_error *err);
/* 0, or what all failed of, which is in *err; computers may have failed by themselves too. */
int pw_turns_run(struct pw_turns *turns, struct pw_error *err);
/* The counters of a process, with what it has counted since it was switched to. */
struct pw_system_counters pw_system_counters_of(const struct pw_system *system, uint32_t process);
void pw_turns_clear(struct pw_turns *turns);

#endif
