/* The page cache of a computer: files, memory that processes share, and what is known of their pages that left. See computer.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "os/linux/computer.h"

enum { FRAME_BYTES = 4096, NODE_SHIFT = 6 };

static int make_file(struct pw_computer *c, struct pw_cached_file made, uint32_t *file)
{
  bool shared = made.name == PW_NO_TEXT;
  if (pw_grow((void **)&c->files, &c->files_room, c->n_files + 2, sizeof *c->files)) return PW_ENOMEM;
  if (c->n_files + 2 > 1u << 24) return PW_ENOMEM;
  const unsigned inode = shared ? PW_SLAB_SHMEM_INODE : PW_SLAB_INODE;
  int status = pw_computer_take_object(c, inode, &made.inode_object);
  if (status) return status;
  status = pw_computer_take_object(c, PW_SLAB_DENTRY, &made.dentry);
  if (!status) {
    status = pw_computer_take_object(c, PW_SLAB_FILP, &made.filp);
    if (status) pw_computer_give_object(c, PW_SLAB_DENTRY, made.dentry);
  }
  if (status) {
    pw_computer_give_object(c, inode, made.inode_object);
    return status;
  }
  *file = (uint32_t)++c->n_files;
  c->files[*file] = made;
  return 0;
}

int pw_computer_file(struct pw_computer *c, const char *name, size_t name_bytes, uint64_t inode, uint32_t *file)
{
  char text[4096 + 32];
  bool added;
  size_t n = (size_t)snprintf(text, sizeof text, "%" PRIx64 " ", inode);
  if (name_bytes > 4096) name_bytes = 4096;
  if (name_bytes) memcpy(text + n, name, name_bytes);
  uint32_t number = pw_intern(&c->names, text, n + name_bytes);
  if (number == PW_NO_TEXT || pw_pagemap_reserve(&c->files_by_name, 1)) return PW_ENOMEM;
  const uint32_t *known = pw_pagemap_find(&c->files_by_name, number);
  if (known) {
    *file = *known;
    return 0;
  }
  int status = make_file(c, (struct pw_cached_file){.name = number}, file);
  if (!status) pw_pagemap_insert(&c->files_by_name, number, *file, &added);
  return status;
}

int pw_computer_shared(struct pw_computer *c, uint32_t *file)
{
  return make_file(c, (struct pw_cached_file){.name = PW_NO_TEXT}, file);
}

bool pw_computer_is_shared(const struct pw_computer *c, uint32_t file)
{
  return c->files[file].name == PW_NO_TEXT;
}

void pw_computer_map_file(struct pw_computer *c, uint32_t file)
{
  if (file != PW_NO_FILE) c->files[file].areas++;
}

/* A page of shared memory that nobody can reach any more, in memory or in swap. */
static void forget_shared(struct pw_computer *c, uint64_t key)
{
  const uint32_t *frame = pw_pagemap_find(&c->pages, key), *slot = pw_pagemap_find(&c->swapped, key);
  if (frame) {
    struct pw_folio *f = pw_computer_folio(c, *frame);
    c->reclaim.uncharged -= !f->charged;
    pw_computer_forget_folio(c, f);
    c->now.file -= FRAME_BYTES;
    pw_pagemap_remove(&c->pages, key);
  }
  if (slot) {
    pw_computer_forget_slot(c, *slot);
    pw_pagemap_remove(&c->swapped, key);
  }
}

static void forget_node(struct pw_computer *c, uint32_t file, uint64_t node)
{
  for (uint64_t i = node << NODE_SHIFT; i < (node + 1) << NODE_SHIFT; i++) forget_shared(c, pw_file_key(file, i));
  pw_computer_give_object(c, PW_SLAB_RADIX, *pw_pagemap_find(&c->nodes, pw_file_key(file, node)));
  pw_pagemap_remove(&c->nodes, pw_file_key(file, node));
}

/* All pages of shared memory that nobody can reach any more. */
static void forget_file(struct pw_computer *c, uint32_t file)
{
  struct pw_cached_file *f = &c->files[file];
  struct pw_range nodes = {0};
  pw_hugetlb_forget_file(c, file);
  for (uint64_t at = 0; pw_ranges_next(&f->nodes, at, &nodes); at = nodes.last + 1)
    for (uint64_t node = nodes.first; node <= nodes.last; node++) forget_node(c, file, node);
  pw_ranges_clear(&f->nodes);
  pw_computer_give_object(c, PW_SLAB_SHMEM_INODE, f->inode_object);
  pw_computer_give_object(c, PW_SLAB_DENTRY, f->dentry);
  pw_computer_give_object(c, PW_SLAB_FILP, f->filp);
}

void pw_computer_unmap_file(struct pw_computer *c, uint32_t file)
{
  if (file == PW_NO_FILE || --c->files[file].areas || !pw_computer_is_shared(c, file)) return;
  forget_file(c, file);
}

uint32_t pw_computer_cached(const struct pw_computer *c, uint32_t file, uint64_t index)
{
  const uint32_t *frame = pw_pagemap_find(&c->pages, pw_file_key(file, index));
  return frame ? *frame : PW_NO_FRAME;
}

bool pw_computer_is_out(const struct pw_computer *c, uint32_t file, uint64_t index)
{
  return pw_pagemap_find(&c->swapped, pw_file_key(file, index)) != NULL;
}

/* The kernel object that 64 pages of a file need. */
static int need_node(struct pw_computer *c, uint32_t file, uint64_t node)
{
  uint32_t object;
  bool added;
  if (pw_pagemap_find(&c->nodes, pw_file_key(file, node))) return 0;
  int status = pw_computer_take_object(c, PW_SLAB_RADIX, &object);
  if (status) return status;
  if (pw_ranges_join(&c->files[file].nodes, node, node, 0)) {
    pw_computer_give_object(c, PW_SLAB_RADIX, object);
    return PW_ENOMEM;
  }
  pw_pagemap_insert(&c->nodes, pw_file_key(file, node), object, &added);
  return 0;
}

/* What is known of a page that was here before: it is told apart from one that comes first. */
static void come_back(struct pw_computer *c, uint32_t number)
{
  struct pw_folio *f = &c->reclaim.folios.list[number];
  const uint32_t *shadow = pw_pagemap_find(&c->shadows, f->key), *slot = pw_pagemap_find(&c->swapped, f->key);
  if (shadow) {
    pw_lru_refault(c, number, *shadow);
    pw_pagemap_remove(&c->shadows, f->key);
  }
  if (!slot) return;
  pw_lru_refault(c, number, c->reclaim.swap.slots[*slot].shadow);
  pw_swap_give(&c->reclaim.swap, *slot);
  pw_pagemap_remove(&c->swapped, f->key);
}

/* Nobody is charged for what is there before it is asked for (mm is NULL). */
int pw_computer_cache(struct pw_computer *c, uint32_t file, uint64_t index, struct pw_mm *mm, bool light, uint32_t *frame)
{
  bool added;
  uint32_t number;
  uint64_t key = pw_file_key(file, index);
  if (pw_pagemap_reserve(&c->pages, 1) || pw_pagemap_reserve(&c->nodes, 1)) return PW_ENOMEM;
  int status = pw_frames_take(c, &(struct pw_frame_request){.type = PW_MOVABLE, .effort = light ? PW_EFFORT_LIGHT : PW_EFFORT_ALL, .free_of_charge = !mm}, frame);
  if (status) return status;
  status = need_node(c, file, index >> NODE_SHIFT);
  if (status) {
    pw_buddy_give(&c->frames, *frame, 0);
    return status;
  }
  status = pw_computer_make_folio(c, *frame, 0, mm, &number);
  if (status) return status;
  struct pw_folio *f = &c->reclaim.folios.list[number];
  f->key = key;
  f->charged &= mm != NULL;
  f->dirty = pw_computer_is_shared(c, file);
  come_back(c, number);
  pw_pagemap_insert(&c->pages, key, *frame, &added);
  c->files[file].end = pw_most(c->files[file].end, index + 1);
  c->now.file += FRAME_BYTES;
  c->reclaim.uncharged += !f->charged;
  pw_lru_add(c, number);
  pw_computer_watch_peaks(c);
  return 0;
}

int pw_computer_dirty(struct pw_computer *c, uint32_t file, uint64_t index, uint32_t frame)
{
  struct pw_folio *f = pw_computer_folio(c, frame);
  if (!c->clock || f->dirty || pw_computer_is_shared(c, file)) return 0;
  if (c->cleaned == c->n_dirty) c->cleaned = c->n_dirty = 0;
  if (pw_grow((void **)&c->dirty, &c->dirty_room, c->n_dirty + 1, sizeof *c->dirty)) return PW_ENOMEM;
  f->dirty = true;
  f->slot = c->dirtied++;
  c->dirty[c->n_dirty++] = (struct pw_dirty){*c->clock, index, file, f->slot};
  return 0;
}

const struct pw_dirty *pw_computer_clean(struct pw_computer *c)
{
  const struct pw_dirty *d = &c->dirty[c->cleaned++];
  uint32_t frame = pw_computer_cached(c, d->file, d->index);
  struct pw_folio *f = frame == PW_NO_FRAME ? NULL : pw_computer_folio(c, frame);
  if (!f || !f->dirty || f->slot != d->number) return NULL;
  f->dirty = false;
  c->writebacks++;
  return d;
}

bool pw_computer_clean_page(struct pw_computer *c, uint32_t file, uint64_t index)
{
  uint32_t frame = pw_computer_cached(c, file, index);
  struct pw_folio *f = frame == PW_NO_FRAME ? NULL : pw_computer_folio(c, frame);
  if (!f || !f->dirty) return false;
  f->dirty = false;
  c->writebacks++;
  return true;
}

int pw_computer_warm(struct pw_computer *c, uint32_t file, uint64_t index, uint64_t pages)
{
  uint32_t frame;
  int status = 0;
  struct pw_cached_file *f = &c->files[file];
  f->end = pw_most(f->end, index + pages);
  for (uint64_t i = index; c->options.warm && !status && i < index + pages; i++) {
    if (c->frames.free <= c->high) break;
    if (pw_computer_cached(c, file, i) == PW_NO_FRAME) status = pw_computer_cache(c, file, i, NULL, true, &frame);
  }
  return status == PW_MM_NO_FRAME ? 0 : status;
}
