/* One computer that runs several programs in turns: the loop of `pagewalk system`.
 *
 * A turn is of one program: visits until they made `quantum` accesses. Programs stand in a ring in the order of their slots,
 * which is that of their starts. Each touch of a visit is translated in the tables of
 * its process, faults where they do not allow it, and then looks into the TLBs; what a fault or an event changes leaves
 * them. A pattern that alternates longer is followed as long as it misses.
 *
 * Cost: a touch that was seen lately and changes nothing costs a look at a small table and one lookup in a TLB. */
#ifndef PW_TURNS_H
#define PW_TURNS_H

#include "mmu/geometry.h"
#include "mmu/sized.h"
#include "os/linux/replay.h"

/* A program of the list, and what is known of it here. */
struct pw_system_slot {
  struct pw_program program;
  uint64_t start;
  uint64_t current[2]; /* its data and code page */
  bool over;
};

/* What the TLBs and the trace count; processes get the difference over the time that they run. */
struct pw_system_counters {
  struct pw_totals accesses;
  uint64_t misses[3], passed, walks, walk_refs;
};

struct pw_system {
  const struct pw_system_config *config;
  struct pw_computer computer;
  struct pw_sized tlbs;
  uint64_t high_bits, page_bits;    /* those that say an address is of the upper half, and those that a table looks at */
  struct pw_system_slot *slots;
  size_t n_slots;
  struct pw_processes processes;
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
    uint64_t page, age;
    uint32_t number;
    uint8_t wrote, size;
  } *seen;
  uint64_t every, next_window;
  uint64_t next_due, stretches;     /* when khugepaged or a window comes; stretches taken */
  int (*window)(void *context, struct pw_error *err); /* at the end of each; or NULL */
  bool (*stop)(void *context, const struct pw_trace_info *info);
  void *context;
};

/* Makes the computer; the slots' blocks and starts are set by the caller, who owns the traces. */
int pw_engine_system_begin(struct pw_system *system, const struct pw_system_config *config, size_t n_slots, struct pw_error *err);
int pw_engine_system_program(struct pw_system *system, size_t slot, struct pw_blocks blocks, uint64_t start, struct pw_error *err);
int pw_engine_system_run(struct pw_system *system, struct pw_error *err);
/* The counters of a process, with what it has counted since it was switched to. */
struct pw_system_counters pw_engine_system_counters(const struct pw_system *system, uint32_t process);
void pw_engine_system_clear(struct pw_system *system);

#endif
