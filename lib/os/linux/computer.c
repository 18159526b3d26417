/* The frames, kernel objects and page cache of a computer. See computer.h. */
#include "os/linux/computer.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"

enum { FRAME_BYTES = 4096, STRUCT_PAGE_BYTES = 64, STACK_PAGES = 4, NODE_SHIFT = 6 };

/* ---- sizes ---- */

static uint64_t root_of(uint64_t n)
{
  uint64_t root = 0;
  for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
    if ((root + bit) * (root + bit) <= n) root += bit;
  return root;
}

/* The watermark min, in pages (init_per_zone_wmark_min, khugepaged's set_recommended_min_free_kbytes). */
static uint64_t least_free(uint64_t managed, enum pw_thp thp)
{
  uint64_t kib = pw_most(pw_least(root_of(16 * managed * 4), 262144), 128);
  uint64_t pages = kib / 4, recommended = pw_least(5632, managed / 20);
  return thp == PW_THP_NEVER ? pages : pw_most(pages, recommended);
}

static void watch_peaks(struct pw_computer *c)
{
  c->now.swap = c->reclaim.swap.used << PW_BASE_SHIFT;
  const uint64_t *now = &c->now.tables;
  uint64_t *peak = &c->peak.tables;
  for (size_t i = 0; i < sizeof c->now / sizeof *now; i++) peak[i] = pw_most(peak[i], now[i]);
}

static int set_tables(struct pw_computer *c, struct pw_error *err)
{
  const struct pw_geometry *g = c->options.geometry;
  for (unsigned level = 0; level < g->n_levels; level++) {
    uint64_t bytes = ((uint64_t)g->entry_bytes) << g->width_bits[g->n_levels - 1 - level];
    if (bytes > (uint64_t)FRAME_BYTES << (PW_ORDERS - 1))
      return pw_error_set(err, PW_EINVAL, "a table of %s has %" PRIu64 " bytes, and the largest block of frames 4 MiB; take a "
                          "geometry of more levels", g->name, bytes);
    c->table_bytes[level] = bytes;
    if (bytes >= FRAME_BYTES) continue;
    c->table_kinds[level] = (struct pw_slab_kind){.name = g->name, .object_bytes = (uint32_t)bytes, .pages = 1,
                                                  .objects = (uint32_t)(FRAME_BYTES / bytes), .type = PW_UNMOVABLE};
    pw_slab_init(&c->tables[level], &c->table_kinds[level]);
  }
  return 0;
}

/* [__setup_per_zone_wmarks]; who takes pages one by one needs none. */
static void set_watermarks(struct pw_computer *c)
{
  const struct pw_computer_options *o = &c->options;
  uint64_t min = o->min_free_bytes ? o->min_free_bytes / FRAME_BYTES : least_free(c->frames.managed, o->thp);
  uint64_t step = pw_most(min / 4, c->frames.managed * o->watermark_scale / 10000);
  if (o->reclaim.policy != PW_SYSTEM_RECLAIM_LINUX && o->reclaim.policy != PW_SYSTEM_RECLAIM_NONE) min = step = 0;
  c->frames.kept = min;
  c->low = min + step;
  c->high = min + 2 * step;
}

int pw_computer_init(struct pw_computer *c, const struct pw_computer_options *options, struct pw_error *err)
{
  memset(c, 0, sizeof *c);
  c->options = *options;
  c->huge_zero = PW_NO_FRAME;
  for (unsigned i = 0; i < PW_SLABS; i++) pw_slab_init(&c->slabs[i], pw_slab_kind(i));
  if (options->geometry->offset_bits != PW_BASE_SHIFT)
    return pw_error_set(err, PW_EINVAL, "%s has no pages of 4 KiB, which Linux needs here", options->geometry->name);
  int status = set_tables(c, err);
  if (status) return status;
  uint64_t n = options->memory_bytes / FRAME_BYTES, of_pages = (n * STRUCT_PAGE_BYTES + FRAME_BYTES - 1) / FRAME_BYTES;
  uint64_t image = (options->kernel_bytes + FRAME_BYTES - 1) / FRAME_BYTES;
  if (options->memory_bytes < UINT64_C(4) << 20)
    return pw_error_set(err, PW_EINVAL, "a memory of %" PRIu64 " bytes is too small for a computer; take at least 4M",
                        options->memory_bytes);
  if (n > PW_MOST_FRAMES) return pw_error_set(err, PW_EINVAL, "a memory of more than a tebibyte cannot be simulated");
  if (image >= n - of_pages)
    return pw_error_set(err, PW_EINVAL, "the kernel alone takes %" PRIu64 " bytes, and the memory has %" PRIu64
                        "; take more memory or a smaller --kernel", (image + of_pages) * FRAME_BYTES, options->memory_bytes);
  c->now.kernel = (image + of_pages) * FRAME_BYTES;
  watch_peaks(c);
  status = pw_buddy_init(&c->frames, n, image + of_pages, err);
  c->kernel_itself = c->now.kernel;
  set_watermarks(c);
  pw_reclaim_init(c, &options->reclaim);
  return status;
}

void pw_computer_clear(struct pw_computer *c)
{
  for (unsigned i = 0; i < PW_SLABS; i++) pw_slab_clear(&c->slabs[i]);
  for (unsigned i = 0; i < PW_MAX_LEVELS; i++) pw_slab_clear(&c->tables[i]);
  pw_buddy_clear(&c->frames);
  for (size_t i = 1; i <= c->n_files; i++) pw_ranges_clear(&c->files[i].nodes);
  pw_intern_clear(&c->names);
  pw_free(c->files);
  pw_free(c->dirty);
  pw_pagemap_clear(&c->files_by_name);
  pw_pagemap_clear(&c->pages);
  pw_pagemap_clear(&c->nodes);
  pw_pagemap_clear(&c->shadows);
  pw_pagemap_clear(&c->swapped);
  pw_reclaim_clear(c);
  memset(c, 0, sizeof *c);
}

/* ---- the kernel's own ---- */

/* An object; the kernel's memory is told of a slab that comes or goes. */
static int take_from(struct pw_computer *c, struct pw_slab_cache *cache, uint64_t *bytes, uint32_t *object)
{
  const struct pw_frame_request slab = {.type = cache->kind->type, .order = pw_slab_order(cache->kind), .free_of_charge = bytes != NULL}; /* objects are charged */
  uint32_t frame;
  while (pw_slab_take(cache, object)) {
    int status = pw_frames_take(c, &slab, &frame);
    if (status) return status;
    bool came = !pw_slab_take(cache, object); /* from whoever was killed for the frame */
    if (!came && pw_slab_add(cache, frame)) status = PW_ENOMEM;
    if (came || status) {
      pw_buddy_give(&c->frames, frame, slab.order);
      return status;
    }
    c->now.kernel += (uint64_t)FRAME_BYTES << slab.order;
    if (bytes) *bytes += (uint64_t)FRAME_BYTES << slab.order;
    watch_peaks(c);
  }
  return 0;
}

static void give_to(struct pw_computer *c, struct pw_slab_cache *cache, uint64_t *bytes, uint32_t object)
{
  uint64_t slabs = cache->slabs_now, slab = (uint64_t)cache->kind->pages * FRAME_BYTES;
  pw_slab_give(cache, &c->frames, object);
  c->now.kernel -= (slabs - cache->slabs_now) * slab;
  if (bytes) *bytes -= (slabs - cache->slabs_now) * slab;
}

int pw_computer_take_from(struct pw_computer *c, struct pw_slab_cache *cache, uint32_t *object)
{
  return take_from(c, cache, &c->now.slabs, object);
}

void pw_computer_give_to(struct pw_computer *c, struct pw_slab_cache *cache, uint32_t object)
{
  give_to(c, cache, &c->now.slabs, object);
}

int pw_computer_take_object(struct pw_computer *c, unsigned slab, uint32_t *object)
{
  const struct pw_slab_kind *kind = pw_slab_kind(slab);
  uint64_t bytes = kind->charged ? kind->object_bytes : 0, has = (c->object_bytes + FRAME_BYTES - 1) / FRAME_BYTES;
  *object = 0;
  if (c->options.told) return 0;
  int status = pw_frames_charge(c, (c->object_bytes + bytes + FRAME_BYTES - 1) / FRAME_BYTES - has, false);
  if (!status) status = pw_computer_take_from(c, &c->slabs[slab], object);
  c->object_bytes += status ? 0 : bytes;
  return status;
}

void pw_computer_give_object(struct pw_computer *c, unsigned slab, uint32_t object)
{
  if (c->options.told) return;
  c->object_bytes -= pw_slab_kind(slab)->charged ? pw_slab_kind(slab)->object_bytes : 0;
  pw_computer_give_to(c, &c->slabs[slab], object);
}

int pw_computer_take_block(struct pw_computer *c, unsigned order, enum pw_migrate type, uint32_t *frame)
{
  int status = pw_frames_take(c, &(struct pw_frame_request){.type = type, .order = order, .free_of_charge = true}, frame);
  if (status) return status;
  c->now.kernel += (uint64_t)FRAME_BYTES << order;
  c->kernel_itself += (uint64_t)FRAME_BYTES << order;
  watch_peaks(c);
  return 0;
}

void pw_computer_give_block(struct pw_computer *c, uint32_t frame, unsigned order)
{
  pw_buddy_give(&c->frames, frame, order);
  c->now.kernel -= (uint64_t)FRAME_BYTES << order;
  c->kernel_itself -= (uint64_t)FRAME_BYTES << order;
}

int pw_computer_take_stack(struct pw_computer *c, uint32_t frames[4])
{
  for (int i = 0; !c->options.told && i < STACK_PAGES; i++) {
    int status = pw_frames_take(c, &(struct pw_frame_request){.type = PW_UNMOVABLE}, &frames[i]);
    if (status) {
      for (; i > 0; i--) {
        pw_buddy_give(&c->frames, frames[i - 1], 0);
        c->now.kernel -= FRAME_BYTES;
      }
      return status;
    }
    c->now.kernel += FRAME_BYTES;
  }
  watch_peaks(c);
  return 0;
}

void pw_computer_give_stack(struct pw_computer *c, const uint32_t frames[4])
{
  if (c->options.told) return;
  for (int i = 0; i < STACK_PAGES; i++) pw_buddy_give(&c->frames, frames[i], 0);
  c->now.kernel -= STACK_PAGES * FRAME_BYTES;
}

static unsigned order_of(uint64_t bytes)
{
  unsigned order = 0;
  while ((uint64_t)FRAME_BYTES << order < bytes) order++;
  return order;
}

static int take_table(void *context, unsigned level, uint32_t *frame)
{
  struct pw_computer *c = context;
  uint64_t bytes = c->table_bytes[level];
  if (bytes < FRAME_BYTES) {
    int status = take_from(c, &c->tables[level], NULL, frame);
    if (status) return status;
  } else {
    int status = pw_frames_take(c, &(struct pw_frame_request){.type = PW_UNMOVABLE, .order = order_of(bytes)}, frame);
    if (status) return status;
    c->now.kernel += (uint64_t)FRAME_BYTES << order_of(bytes);
  }
  c->now.tables += bytes;
  watch_peaks(c);
  return 0;
}

static void give_table(void *context, unsigned level, uint32_t frame)
{
  struct pw_computer *c = context;
  uint64_t bytes = c->table_bytes[level];
  c->now.tables -= bytes;
  if (bytes < FRAME_BYTES) {
    give_to(c, &c->tables[level], NULL, frame);
  } else {
    pw_buddy_give(&c->frames, frame, order_of(bytes));
    c->now.kernel -= (uint64_t)FRAME_BYTES << order_of(bytes);
  }
}

struct pw_table_frames pw_computer_table_frames(struct pw_computer *c)
{
  return (struct pw_table_frames){c, take_table, give_table};
}

/* ---- private frames ---- */

/* A frame that was taken gets its folio, of who brought it. */
static int make_folio(struct pw_computer *c, uint32_t frame, unsigned order, struct pw_mm *mm, uint32_t *number)
{
  *number = pw_folio_make(&c->reclaim.folios, frame, order);
  if (*number == PW_NO_FOLIO) {
    pw_buddy_give(&c->frames, frame, order);
    return PW_ENOMEM;
  }
  struct pw_folio *f = &c->reclaim.folios.list[*number];
  f->of = mm;
  f->charged = c->options.reclaim.limit_pages != UINT64_MAX;
  for (uint32_t i = 0; order && i < 1u << order; i++) c->frames.frames[frame + i].mark = 1;
  c->frames.frames[frame].next = *number & PW_NO_FRAME;
  return 0;
}

static void forget_folio(struct pw_computer *c, struct pw_folio *f)
{
  uint32_t number = (uint32_t)(f - c->reclaim.folios.list), frame = f->frame;
  unsigned order = f->order;
  pw_lru_remove(c, number);
  pw_block_forget(c, f);
  pw_folio_drop(&c->reclaim.folios, number);
  for (uint32_t i = 0; order && i < PW_HUGE_PAGES; i++) c->frames.frames[frame + i].mark = 0;
  pw_buddy_give(&c->frames, frame, order);
}

static int take_private(struct pw_computer *c, unsigned order, struct pw_mm *mm, uint32_t *frame, uint32_t *number)
{
  int status = pw_frames_take(c, &(struct pw_frame_request){.type = PW_MOVABLE, .order = order, .light = order > 0}, frame);
  if (!status) status = make_folio(c, *frame, order, mm, number);
  if (status) return status;
  c->now.anon += (uint64_t)FRAME_BYTES << order;
  watch_peaks(c);
  return 0;
}

int pw_computer_take_anon(struct pw_computer *c, unsigned order, struct pw_mm *mm, uint64_t page, uint32_t *frame)
{
  uint32_t number;
  int status = take_private(c, order, mm, frame, &number);
  if (status) return status;
  struct pw_folio *f = &c->reclaim.folios.list[number];
  f->dirty = true;
  pw_folio_map(f, mm, page, 1u << order); /* the first, which needs no memory */
  pw_lru_add(c, number);
  return 0;
}

int pw_computer_swap_in(struct pw_computer *c, uint32_t slot, struct pw_mm *mm, uint64_t page, uint32_t *frame, bool *cached)
{
  uint32_t number;
  int status = take_private(c, 0, mm, frame, &number);
  if (status) return status;
  struct pw_slot *s = &c->reclaim.swap.slots[slot];
  struct pw_folio *f = &c->reclaim.folios.list[number];
  pw_lru_refault(c, number, s->shadow);
  *cached = s->users > 1;
  if (*cached) {
    f->slot = slot;
    s->folio = number;
  } else {
    f->dirty = true;
    pw_folio_map(f, mm, page, 1);
    pw_swap_give(&c->reclaim.swap, slot);
  }
  pw_lru_add(c, number);
  return 0;
}

void pw_computer_forget_slot(struct pw_computer *c, uint32_t slot)
{
  struct pw_slot *s = &c->reclaim.swap.slots[slot];
  if (--s->users) return;
  struct pw_folio *f = s->folio == PW_NO_FOLIO ? NULL : &c->reclaim.folios.list[s->folio];
  if (f && f->holders) return; /* it goes with the page, or when that is written */
  if (f) {
    forget_folio(c, f);
    c->now.anon -= FRAME_BYTES;
  }
  pw_swap_give(&c->reclaim.swap, slot);
}

void pw_computer_pin(struct pw_computer *c, uint32_t frame, bool pinned)
{
  pw_computer_folio(c, frame)->pinned = pinned;
}

void pw_computer_wrote(struct pw_computer *c, uint32_t frame)
{
  struct pw_folio *f = pw_computer_folio(c, frame);
  f->dirty = true;
  if (f->slot == PW_NO_SLOT) return;
  pw_swap_give(&c->reclaim.swap, f->slot);
  f->slot = PW_NO_SLOT;
}

int pw_computer_huge_zero(struct pw_computer *c, uint32_t *frame)
{
  if (c->huge_zero == PW_NO_FRAME) {
    const struct pw_frame_request block = {.type = PW_UNMOVABLE, .order = PW_HUGE_ORDER, .light = true, .free_of_charge = true};
    int status = pw_frames_take(c, &block, frame);
    if (status) return status;
    c->huge_zero = *frame;
    c->now.kernel += (uint64_t)FRAME_BYTES << PW_HUGE_ORDER;
    c->kernel_itself += (uint64_t)FRAME_BYTES << PW_HUGE_ORDER;
    watch_peaks(c);
  }
  *frame = c->huge_zero;
  return 0;
}

static uint64_t base_of(const struct pw_folio *f, uint32_t frame, uint64_t page)
{
  return page - (frame - f->frame);
}

int pw_computer_map(struct pw_computer *c, uint32_t frame, unsigned n, struct pw_mm *mm, uint64_t page)
{
  struct pw_folio *f = pw_computer_folio(c, frame);
  return pw_folio_map(f, mm, base_of(f, frame, page), n);
}

int pw_computer_moved(struct pw_computer *c, uint32_t frame, struct pw_mm *mm, uint64_t page)
{
  struct pw_folio *f = pw_computer_folio(c, frame);
  return pw_folio_moved(f, mm, base_of(f, frame, page));
}

void pw_computer_unmap(struct pw_computer *c, uint32_t frame, unsigned n)
{
  struct pw_folio *f = pw_computer_folio(c, frame);
  f->holders -= n;
  if (f->key != PW_PRIVATE) return; /* it stays in the cache */
  if (f->holders && f->order && n == 1) pw_block_defer(c, (uint32_t)(f - c->reclaim.folios.list));
  if (f->holders) return;
  if (f->slot != PW_NO_SLOT) {
    if (c->reclaim.swap.slots[f->slot].users) return; /* it stays in the swap cache */
    pw_swap_give(&c->reclaim.swap, f->slot);
  }
  c->now.anon -= (uint64_t)FRAME_BYTES << f->order;
  forget_folio(c, f);
}

uint32_t pw_computer_holders(const struct pw_computer *c, uint32_t frame)
{
  return pw_computer_folio(c, frame)->holders;
}

uint32_t pw_computer_in_swap(const struct pw_computer *c, uint32_t frame)
{
  uint32_t slot = pw_computer_folio(c, frame)->slot;
  return slot == PW_NO_SLOT ? 0 : c->reclaim.swap.slots[slot].users;
}

void pw_computer_count_huge(struct pw_computer *c, uint32_t frame, int change)
{
  struct pw_frame *f = &c->frames.frames[frame];
  bool was = f->prev > 0;
  f->prev = (uint64_t)((int64_t)f->prev + change) & PW_NO_FRAME;
  bool is = f->prev > 0;
  c->now.thp += is && !was ? (uint64_t)FRAME_BYTES << PW_HUGE_ORDER : 0;
  c->now.thp -= was && !is ? (uint64_t)FRAME_BYTES << PW_HUGE_ORDER : 0;
  watch_peaks(c);
}

/* ---- files ---- */

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
    forget_folio(c, f);
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
  int status = pw_frames_take(c, &(struct pw_frame_request){.type = PW_MOVABLE, .light = light, .free_of_charge = !mm}, frame);
  if (status) return status;
  status = need_node(c, file, index >> NODE_SHIFT);
  if (status) {
    pw_buddy_give(&c->frames, *frame, 0);
    return status;
  }
  status = make_folio(c, *frame, 0, mm, &number);
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
  watch_peaks(c);
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
