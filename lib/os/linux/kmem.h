/* Frames and slab caches of a computer, driven by what a kernel did with its own (base/kernelevent.h).
 *
 * Objects go to caches of their names, whose slabs have the size that the kernel would choose (calculate_order in mm/slub.c,
 * for two processors); blocks of frames are asked for as the kernel did. Passed over and counted are movable pages, which
 * are of processes and files and not the kernel's own; pages of slabs, since caches here ask for theirs; with programs, page tables,
 * since processes have theirs; and what goes that never came. */
#ifndef PW_KMEM_H
#define PW_KMEM_H

#include "base/kernelevent.h"
#include "os/linux/computer.h"

struct pw_kmem_cache {
  struct pw_slab_kind kind; /* its name is borrowed from the events */
  struct pw_slab_cache cache;
};

struct pw_kmem {
  struct pw_computer *computer;
  const struct pw_kernel_events *events; /* borrowed */
  size_t next;                    /* of the list */
  bool with_programs;
  struct pw_kmem_cache **caches;  /* by number of name; NULL: nothing came yet */
  struct pw_pagemap objects;      /* address -> number of `things` */
  struct pw_pagemap blocks;       /* number of the frame, of the kernel's -> number of `things` */
  struct pw_kmem_thing {
    uint32_t cache, at;           /* object: its cache and slot; block: PW_NO_CACHE and its frame, or PW_NO_FRAME: passed over */
    unsigned order;
  } *things;
  size_t n_things, things_room;
  uint32_t *spare;                /* numbers of things without one */
  size_t n_spare, spare_room;
  struct pw_system_kernel_counts counts;
};

int pw_kmem_init(struct pw_kmem *kmem, struct pw_computer *computer, const struct pw_kernel_events *events, bool with_programs,
                 struct pw_error *err);
void pw_kmem_clear(struct pw_kmem *kmem);
/* When the next event comes, in accesses at so many a second; UINT64_MAX: there is none. */
uint64_t pw_kmem_due(const struct pw_kmem *kmem, uint64_t rate);
/* Does the next event: 0, PW_MM_NO_FRAME, or PW_ENOMEM. */
int pw_kmem_step(struct pw_kmem *kmem, struct pw_error *err);
/* Objects and pages of a slab that the kernel would choose for objects of so many bytes. */
void pw_kmem_shape(struct pw_slab_kind *kind);

#endif
