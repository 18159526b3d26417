/* A computer driven by a kernel's events. See kmem.h. */
#include "os/linux/kmem.h"

#include <string.h>

#include "base/alloc.h"

enum { LEAST_OBJECTS = 12, LARGEST_SLAB = 3 }; /* 4 (fls(processors) + 1), of two; slub_max_order */

void pw_kmem_shape(struct pw_slab_kind *k)
{
  uint64_t bytes = k->object_bytes, most = ((uint64_t)4096 << LARGEST_SLAB) / bytes, objects = pw_most(pw_least(LEAST_OBJECTS, most), 1);
  unsigned least = 0, order = LARGEST_SLAB + 1;
  while ((uint64_t)4096 << least < objects * bytes) least++;
  for (unsigned fraction = 16; fraction > 1 && order > LARGEST_SLAB; fraction /= 2)
    for (order = least; order <= LARGEST_SLAB && ((uint64_t)4096 << order) % bytes > ((uint64_t)4096 << order) / fraction;) order++;
  if (order > LARGEST_SLAB) order = least;
  k->pages = 1u << order;
  k->objects = (uint32_t)(((uint64_t)4096 << order) / bytes);
}

/* What the kernel gives back under pressure is grouped apart. */
static enum pw_migrate type_of(const char *name)
{
  static const char *const words[] = {"inode", "dentry", "radix_tree_node", "buffer_head"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strstr(name, words[i])) return PW_RECLAIMABLE;
  return PW_UNMOVABLE;
}

int pw_kmem_init(struct pw_kmem *k, struct pw_computer *computer, const struct pw_kernel_events *events, bool with_programs,
                 struct pw_error *err)
{
  *k = (struct pw_kmem){.computer = computer, .events = events, .with_programs = with_programs};
  k->caches = pw_calloc(events->n_names ? events->n_names : 1, sizeof *k->caches);
  return k->caches ? 0 : pw_mm_no_memory(err);
}

void pw_kmem_clear(struct pw_kmem *k)
{
  for (size_t i = 0; k->caches && i < k->events->n_names; i++) {
    if (k->caches[i]) pw_slab_clear(&k->caches[i]->cache);
    pw_free(k->caches[i]);
  }
  pw_free(k->caches);
  pw_pagemap_clear(&k->objects);
  pw_pagemap_clear(&k->blocks);
  pw_free(k->things);
  pw_free(k->spare);
  *k = (struct pw_kmem){0};
}

uint64_t pw_kmem_due(const struct pw_kmem *k, uint64_t rate)
{
  if (!k->events || k->next == k->events->n) return UINT64_MAX;
  uint64_t ns = k->events->list[k->next].at_ns, seconds = ns / 1000000000;
  if (seconds && rate > (UINT64_MAX >> 1) / seconds) return UINT64_MAX - 1;
  uint64_t whole = rate / 1000000000, part = rate % 1000000000; /* so that nothing overflows */
  ns %= 1000000000;
  return seconds * rate + ns * whole + ns * part / 1000000000;
}

/* ---- things that came ---- */

static int reserve(struct pw_kmem *k)
{
  return pw_pagemap_reserve(&k->objects, 1) || pw_pagemap_reserve(&k->blocks, 1) ||
                 pw_grow((void **)&k->things, &k->things_room, k->n_things + 1, sizeof *k->things) ||
                 pw_grow((void **)&k->spare, &k->spare_room, k->n_things + 1, sizeof *k->spare)
             ? PW_ENOMEM
             : 0;
}

static void keep(struct pw_kmem *k, struct pw_pagemap *map, uint64_t key, struct pw_kmem_thing thing)
{
  bool added;
  uint32_t number = k->n_spare ? k->spare[--k->n_spare] : (uint32_t)k->n_things++;
  k->things[number] = thing;
  *pw_pagemap_insert(map, key, number, &added) = number;
}

static bool forget(struct pw_kmem *k, struct pw_pagemap *map, uint64_t key, struct pw_kmem_thing *thing)
{
  const uint32_t *number = pw_pagemap_find(map, key);
  if (!number) return false;
  *thing = k->things[*number];
  k->spare[k->n_spare++] = *number;
  pw_pagemap_remove(map, key);
  return true;
}

/* ---- objects ---- */

static int cache_of(struct pw_kmem *k, const struct pw_kernel_event *e, struct pw_kmem_cache **cache)
{
  *cache = k->caches[e->cache];
  if (*cache) return 0;
  struct pw_kmem_cache *made = *cache = pw_calloc(1, sizeof *made);
  if (!made) return PW_ENOMEM;
  const char *name = k->events->names[e->cache];
  made->kind = (struct pw_slab_kind){.name = name, .object_bytes = e->bytes, .type = type_of(name)};
  pw_kmem_shape(&made->kind);
  pw_slab_init(&made->cache, &made->kind);
  k->caches[e->cache] = made;
  return 0;
}

static void let_go_of_object(struct pw_kmem *k, const struct pw_kmem_thing *thing)
{
  if (thing->cache != PW_NO_CACHE) pw_computer_give_to(k->computer, &k->caches[thing->cache]->cache, thing->at);
}

static int take_object(struct pw_kmem *k, const struct pw_kernel_event *e)
{
  struct pw_kmem_thing before; /* one that comes where another is: that went unseen, such as those freed in bulk */
  if (forget(k, &k->objects, e->address, &before)) {
    let_go_of_object(k, &before);
    k->counts.unseen++;
  }
  struct pw_kmem_cache *cache;
  uint32_t slot;
  if (e->cache == PW_NO_CACHE || e->bytes > (4096u << LARGEST_SLAB)) { /* large: in frames of its own, which are told apart */
    keep(k, &k->objects, e->address, (struct pw_kmem_thing){PW_NO_CACHE, PW_NO_FRAME, 0});
    return 0;
  }
  int status = cache_of(k, e, &cache);
  if (!status) status = pw_computer_take_from(k->computer, &cache->cache, &slot);
  if (status) return status;
  keep(k, &k->objects, e->address, (struct pw_kmem_thing){e->cache, slot, 0});
  k->counts.objects_came++;
  return 0;
}

static void give_object(struct pw_kmem *k, const struct pw_kernel_event *e)
{
  struct pw_kmem_thing thing;
  if (!e->address) return; /* kfree(NULL) */
  if (!forget(k, &k->objects, e->address, &thing)) {
    k->counts.unmatched++;
    return;
  }
  let_go_of_object(k, &thing);
  k->counts.objects_went += thing.cache != PW_NO_CACHE;
}

/* ---- frames ---- */

/* Whose pages are not taken here, or NULL. */
static uint64_t *passed_over(struct pw_kmem *k, const struct pw_kernel_event *e)
{
  const unsigned slab = PW_GFP_NOWARN | PW_GFP_NORETRY | PW_GFP_COMP, table = PW_GFP_ZERO | PW_GFP_COMP | PW_GFP_ACCOUNT;
  if (e->migrate == PW_MOVABLE) return &k->counts.user_pages;
  if ((e->gfp & slab) == slab) return &k->counts.slab_pages;
  if (k->with_programs && e->order == 0 && (e->gfp & table) == table) return &k->counts.table_pages;
  return NULL;
}

static void let_go_of_block(struct pw_kmem *k, const struct pw_kmem_thing *thing)
{
  if (thing->at == PW_NO_FRAME) return;
  pw_computer_give_block(k->computer, thing->at, thing->order);
  k->counts.pages_went += UINT64_C(1) << thing->order;
}

static int take_block(struct pw_kmem *k, const struct pw_kernel_event *e)
{
  struct pw_kmem_thing before;
  if (forget(k, &k->blocks, e->address, &before)) {
    let_go_of_block(k, &before);
    k->counts.unseen++;
  }
  uint64_t *passed = passed_over(k, e);
  uint32_t frame = PW_NO_FRAME;
  if (passed) {
    *passed += UINT64_C(1) << e->order;
  } else {
    int status = pw_computer_take_block(k->computer, e->order, e->migrate == PW_RECLAIMABLE ? PW_RECLAIMABLE : PW_UNMOVABLE, &frame);
    if (status) return status;
    k->counts.pages_came += UINT64_C(1) << e->order;
  }
  keep(k, &k->blocks, e->address, (struct pw_kmem_thing){PW_NO_CACHE, frame, e->order});
  return 0;
}

static void give_block(struct pw_kmem *k, const struct pw_kernel_event *e)
{
  const uint32_t *number = pw_pagemap_find(&k->blocks, e->address);
  struct pw_kmem_thing thing;
  if (!number || k->things[*number].order != e->order) { /* it came before, or goes in parts */
    k->counts.unmatched++;
    return;
  }
  forget(k, &k->blocks, e->address, &thing);
  let_go_of_block(k, &thing);
}

int pw_kmem_step(struct pw_kmem *k, struct pw_error *err)
{
  const struct pw_kernel_event *e = &k->events->list[k->next++];
  int status = reserve(k);
  if (status) return pw_mm_status(status, err);
  switch (e->kind) {
    case PW_KERNEL_KMALLOC:
    case PW_KERNEL_CACHE_ALLOC: status = take_object(k, e); break;
    case PW_KERNEL_PAGE_ALLOC: status = take_block(k, e); break;
    case PW_KERNEL_PAGE_FREE: give_block(k, e); break;
    default: give_object(k, e);
  }
  return pw_mm_status(status, err);
}
