/* Slab caches: what the kernel keeps of processes, mappings and files, as objects of one size each.
 *
 * A cache takes blocks of frames (slabs) from the buddy allocator and gives objects out of them: from the oldest slab that
 * has room; a slab without objects is given back at once. Objects and pages of a slab are those of a running kernel
 * (Linux 6.18, x86-64, SLUB). Not modelled: per-CPU slabs, empty slabs that are kept, colouring, red zones.
 *
 * Cost: an object O(log n) of the slabs of its cache, 24 bytes a slab. */
#ifndef PW_SLAB_H
#define PW_SLAB_H

#include "os/linux/buddy.h"

enum pw_slab_name {
  PW_SLAB_TASK, PW_SLAB_MM, PW_SLAB_SIGNAL, PW_SLAB_SIGHAND, PW_SLAB_FILES, PW_SLAB_VMA, PW_SLAB_ANON_VMA,
  PW_SLAB_ANON_CHAIN, PW_SLAB_PID, PW_SLAB_MAPLE, PW_SLAB_FILP, PW_SLAB_DENTRY, PW_SLAB_INODE, PW_SLAB_EXT4_INODE,
  PW_SLAB_SHMEM_INODE, PW_SLAB_RADIX, PW_SLAB_KMALLOC, /* the first of them; by size */
  PW_SLABS = PW_SLAB_KMALLOC + 13,
};

struct pw_slab_kind {
  const char *name, *summary;
  uint32_t object_bytes, objects, pages; /* of a slab */
  enum pw_migrate type;
  bool charged; /* a group is charged for its objects (SLAB_ACCOUNT) */
};

/* NULL past the end. */
const struct pw_slab_kind *pw_slab_kind(size_t index);
bool pw_slab_entry(size_t index, struct pw_list_entry *entry);

struct pw_slab_cache {
  const struct pw_slab_kind *kind;
  struct pw_slab {
    uint32_t frame, used; /* frame: of its first page, PW_NO_FRAME for none */
    uint64_t age;         /* number of its making */
    bool waits;           /* it is in `roomy` */
  } *slabs;
  size_t n_slots, slots_room;
  uint32_t *spare;        /* slots without a slab */
  size_t n_spare, spare_room;
  struct pw_slab_age {
    uint64_t age;
    uint32_t slot;
  } *roomy;               /* a heap by age of slabs that had room; those that have none any more, or are gone, fall out at the top */
  size_t n_roomy, roomy_room;
  uint64_t made, slabs_now, slabs_peak, objects, objects_peak;
};

void pw_slab_init(struct pw_slab_cache *cache, const struct pw_slab_kind *kind);
void pw_slab_clear(struct pw_slab_cache *cache); /* frees what finds the frames, not these */
/* An object's slab, for pw_slab_give. Returns 0; 1: no slab has room, and one more is to be added. */
int pw_slab_take(struct pw_slab_cache *cache, uint32_t *slot);
/* A slab more, of the block of frames that begins there. 0 or PW_ENOMEM. */
int pw_slab_add(struct pw_slab_cache *cache, uint32_t frame);
unsigned pw_slab_order(const struct pw_slab_kind *kind);
void pw_slab_give(struct pw_slab_cache *cache, struct pw_buddy *frames, uint32_t slot);

#endif
