/* The frames and kernel objects of a computer. See computer.h; its page cache is in pagecache.c. */
#include "os/linux/computer.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"

enum { FRAME_BYTES = 4096, STRUCT_PAGE_BYTES = 64, STACK_PAGES = 4 };

/* ---- sizes ---- */

/* The watermark min, in pages (init_per_zone_wmark_min, khugepaged's set_recommended_min_free_kbytes). */
static uint64_t least_free(uint64_t managed, enum pw_thp thp)
{
  uint64_t kib = pw_most(pw_least(pw_root(16 * managed * 4), 262144), 128);
  uint64_t pages = kib / 4, recommended = pw_least(5632, managed / 20);
  return thp == PW_THP_NEVER ? pages : pw_most(pages, recommended);
}

void pw_computer_watch_peaks(struct pw_computer *c)
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
  pw_computer_watch_peaks(c);
  status = pw_buddy_init(&c->frames, n, image + of_pages, err);
  if (!status) status = pw_hugetlb_init(c, options->hugetlb_pages, err);
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
  pw_hugetlb_clear(&c->hugetlb);
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
    pw_computer_watch_peaks(c);
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
  int status = pw_frames_charge(c, (c->object_bytes + bytes + FRAME_BYTES - 1) / FRAME_BYTES - has, PW_EFFORT_ALL);
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
  pw_computer_watch_peaks(c);
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
  pw_computer_watch_peaks(c);
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
  pw_computer_watch_peaks(c);
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
int pw_computer_make_folio(struct pw_computer *c, uint32_t frame, unsigned order, struct pw_mm *mm, uint32_t *number)
{
  *number = pw_folio_make(&c->reclaim.folios, frame, order);
  if (*number == PW_NO_FOLIO) {
    pw_buddy_give(&c->frames, frame, order);
    return PW_ENOMEM;
  }
  struct pw_folio *f = &c->reclaim.folios.list[*number];
  f->of = mm;
  f->charged = c->options.reclaim.limit_pages != UINT64_MAX;
  for (uint32_t i = 0; order && i < 1u << order; i++) {
    c->frames.frames[frame + i].mark = 1;
    c->frames.frames[frame + i].order = 0; /* nobody stored to it */
  }
  c->frames.frames[frame].next = *number & PW_NO_FRAME;
  return 0;
}

void pw_computer_forget_folio(struct pw_computer *c, struct pw_folio *f)
{
  uint32_t number = (uint32_t)(f - c->reclaim.folios.list), frame = f->frame;
  unsigned order = f->order;
  pw_lru_remove(c, number);
  pw_block_forget(c, f);
  pw_folio_drop(&c->reclaim.folios, number);
  for (uint32_t i = 0; order && i < PW_HUGE_PAGES; i++) c->frames.frames[frame + i].mark = 0;
  pw_buddy_give(&c->frames, frame, order);
}

int pw_computer_take_private(struct pw_computer *c, unsigned order, enum pw_effort effort, struct pw_mm *mm, uint32_t *frame, uint32_t *number)
{
  int status = pw_frames_take(c, &(struct pw_frame_request){.type = PW_MOVABLE, .order = order, .effort = effort}, frame);
  if (!status) status = pw_computer_make_folio(c, *frame, order, mm, number);
  if (status) return status;
  c->now.anon += (uint64_t)FRAME_BYTES << order;
  pw_computer_watch_peaks(c);
  return 0;
}

void pw_computer_forget_private(struct pw_computer *c, uint32_t number)
{
  struct pw_folio *f = &c->reclaim.folios.list[number];
  c->now.anon -= (uint64_t)FRAME_BYTES << f->order;
  pw_computer_forget_folio(c, f);
}

int pw_computer_take_anon(struct pw_computer *c, unsigned order, enum pw_effort effort, struct pw_mm *mm, uint64_t page, uint32_t *frame)
{
  uint32_t number;
  int status = pw_computer_take_private(c, order, effort, mm, frame, &number);
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
  int status = pw_computer_take_private(c, 0, PW_EFFORT_ALL, mm, frame, &number);
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
    pw_computer_forget_folio(c, f);
    c->now.anon -= FRAME_BYTES;
  }
  pw_swap_give(&c->reclaim.swap, slot);
}

void pw_computer_pin(struct pw_computer *c, uint32_t frame, bool pinned)
{
  pw_computer_folio(c, frame)->pinned = pinned;
}

void pw_computer_soiled(struct pw_computer *c, uint32_t frame)
{
  pw_computer_folio(c, frame)->dirty = true;
}

void pw_computer_wrote(struct pw_computer *c, uint32_t frame)
{
  struct pw_folio *f = pw_computer_folio(c, frame);
  f->dirty = true;
  if (f->slot == PW_NO_SLOT || (!f->order && f->writing)) return; /* while it is written it stays in the swap cache */
  pw_swap_give(&c->reclaim.swap, f->slot);
  f->slot = PW_NO_SLOT;
}

int pw_computer_huge_zero(struct pw_computer *c, uint32_t *frame)
{
  if (c->huge_zero == PW_NO_FRAME) {
    const struct pw_frame_request block = {.type = PW_UNMOVABLE, .order = PW_HUGE_ORDER, .effort = PW_EFFORT_LIGHT, .free_of_charge = true};
    int status = pw_frames_take(c, &block, frame);
    if (status) return status;
    c->huge_zero = *frame;
    c->now.kernel += (uint64_t)FRAME_BYTES << PW_HUGE_ORDER;
    c->kernel_itself += (uint64_t)FRAME_BYTES << PW_HUGE_ORDER;
    pw_computer_watch_peaks(c);
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
  pw_computer_forget_folio(c, f);
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
  pw_computer_watch_peaks(c);
}
