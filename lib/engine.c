/* The direct engine at one page size. See engine.h. */
#include "engine.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "chunk.h"
#include "memory/future.h"
#include "memory/memory.h"
#include "mmu/front.h"
#include "mmu/geometry.h"
#include "mmu/tables.h"

struct fit {
  const struct pw_geometry *geometry;
  unsigned bits;          /* that the widest address needs, once one did not fit; else 0 */
  uint64_t page;          /* a base page that did not fit */
};

/* TLBs over one memory: [0] the usual ones, [1] those that need the alternations of
 * visits. They are apart so that no machine's numbers depend on its neighbours'. */
struct fronts {
  struct pw_front *of[2];
};

struct unit {             /* one finite memory and the TLBs over it */
  uint64_t frames;
  int policy;
  struct pw_memory *memory;
  struct fronts fronts;
};

struct pw_engine {
  unsigned page_shift, shift; /* shift: over base pages */
  struct pw_run_options options;
  const struct pw_mappings *mappings;
  struct pw_pages pages;
  struct pw_tables *tables;
  struct fit *fits;
  size_t n_fits, fits_room;
  struct fronts fronts;   /* over unlimited memory */
  struct unit *units;
  size_t n_units, units_room;
  struct pw_future *future;

  bool eventful;
  struct pw_chunk chunk;
  uint64_t next[PW_CHUNK_TOUCHES];
  uint32_t victim_id[PW_CHUNK_TOUCHES], victim_at[PW_CHUNK_TOUCHES];
};

static int create_fronts(struct fronts *fronts, uint64_t seed, struct pw_error *err)
{
  int status = pw_front_create(&fronts->of[0], seed, err);
  return status ? status : pw_front_create(&fronts->of[1], seed, err);
}

static void destroy_fronts(struct fronts *fronts)
{
  pw_front_destroy(fronts->of[0]);
  pw_front_destroy(fronts->of[1]);
}

static void drop_range(struct fronts *fronts, uint64_t first_key, uint64_t last_key)
{
  for (int i = 0; i < 2; i++) pw_front_drop_range(fronts->of[i], first_key, last_key);
}

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the models; sweep fewer configurations at a time");
}

int pw_engine_create(struct pw_engine **engine, unsigned page_shift, const struct pw_run_options *options,
                     const struct pw_mappings *mappings, struct pw_error *err)
{
  struct pw_engine *e = *engine = pw_calloc(1, sizeof *e);
  if (!e) return out_of_memory(err);
  e->page_shift = page_shift;
  e->shift = page_shift - PW_BASE_SHIFT;
  e->options = *options;
  e->mappings = mappings;
  pw_chunk_init(&e->chunk, options->only);
  pw_pages_init(&e->pages);
  int status = pw_tables_create(&e->tables, page_shift, err);
  if (!status) status = create_fronts(&e->fronts, options->seed, err);
  if (status) {
    pw_engine_destroy(e);
    *engine = NULL;
  }
  return status;
}

void pw_engine_destroy(struct pw_engine *e)
{
  if (!e) return;
  for (size_t i = 0; i < e->n_units; i++) {
    pw_memory_destroy(e->units[i].memory);
    destroy_fronts(&e->units[i].fronts);
  }
  pw_free(e->units);
  pw_free(e->fits);
  pw_pages_clear(&e->pages);
  pw_tables_destroy(e->tables);
  destroy_fronts(&e->fronts);
  pw_future_destroy(e->future);
  pw_free(e);
}

static int find_unit(struct pw_engine *e, const struct pw_config *c, uint32_t *number, struct pw_error *err)
{
  uint64_t frames = c->memory_bytes >> e->page_shift;
  for (size_t i = 0; i < e->n_units; i++)
    if (e->units[i].frames == frames && e->units[i].policy == c->memory_policy) {
      *number = (uint32_t)i;
      return 0;
    }
  if (pw_grow((void **)&e->units, &e->units_room, e->n_units + 1, sizeof *e->units)) return out_of_memory(err);
  struct unit *u = &e->units[e->n_units];
  *u = (struct unit){.frames = frames, .policy = c->memory_policy};
  *number = (uint32_t)e->n_units++;
  int status = pw_memory_create(&u->memory, c->memory_policy, frames, e->options.seed, err);
  if (!status) status = create_fronts(&u->fronts, e->options.seed, err);
  if (!status && u->memory->policy->looks_ahead && !e->future) status = pw_future_create(&e->future, err);
  return status;
}

static int find_fit(struct pw_engine *e, const struct pw_geometry *g, uint32_t *number, struct pw_error *err)
{
  for (size_t i = 0; i < e->n_fits; i++)
    if (pw_geometry_va_bits(e->fits[i].geometry) == pw_geometry_va_bits(g) &&
        e->fits[i].geometry->sign_extended == g->sign_extended) {
      *number = (uint32_t)i;
      return 0;
    }
  if (pw_grow((void **)&e->fits, &e->fits_room, e->n_fits + 1, sizeof *e->fits)) return out_of_memory(err);
  e->fits[e->n_fits] = (struct fit){.geometry = g};
  *number = (uint32_t)e->n_fits++;
  return 0;
}

int pw_engine_add(struct pw_engine *e, const struct pw_config *c, struct pw_engine_slot *slot, struct pw_error *err)
{
  int64_t tree = pw_tables_add_geometry(e->tables, c->geometry, err);
  if (tree < 0) return (int)tree;
  slot->tree = (uint32_t)tree;
  int status = find_fit(e, c->geometry, &slot->fit, err);
  slot->memory = UINT32_MAX;
  if (!status && c->memory_bytes != PW_UNLIMITED) status = find_unit(e, c, &slot->memory, err);
  if (status) return status;
  struct pw_hierarchy hierarchy = {c->itlb, c->dtlb, c->stlb};
  struct fronts *fronts = slot->memory == UINT32_MAX ? &e->fronts : &e->units[slot->memory].fronts;
  slot->alternating = pw_hierarchy_alternates(&hierarchy);
  int64_t number = pw_front_add(fronts->of[slot->alternating], &hierarchy, err);
  if (number < 0) return (int)number;
  slot->number = (uint32_t)number;
  return 0;
}

bool pw_engine_looks_ahead(const struct pw_engine *e)
{
  return e->future != NULL;
}

bool pw_engine_needs_counts(const struct pw_engine *e)
{
  bool needs = !pw_front_is_idle(e->fronts.of[1]);
  for (size_t i = 0; i < e->n_units; i++) needs |= !pw_front_is_idle(e->units[i].fronts.of[1]);
  return needs;
}

/* Keys and ids of the block's pages; room for all that the block can add. */
static int number_pages(struct pw_engine *e, const struct pw_block *b, struct pw_error *err)
{
  if (pw_pages_reserve(&e->pages, b->n_pages) || pw_tables_reserve(e->tables, b->n_pages)) return out_of_memory(err);
  for (uint32_t i = 0; i < b->n_pages; i++) {
    uint64_t key = pw_key_shift(b->pages[i], e->shift);
    e->chunk.key[i] = key;
    e->chunk.id[i] = i && key == e->chunk.key[i - 1] ? e->chunk.id[i - 1] : pw_pages_id(&e->pages, key);
  }
  e->chunk.block = b;
  return 0;
}

/* The page of index i is touched: it may arrive. */
static inline void arrive(struct pw_engine *e, uint32_t i)
{
  if (!pw_pages_touch(&e->pages, e->chunk.id[i])) return;
  pw_tables_add_page(e->tables, e->chunk.key[i]);
  uint64_t page = e->chunk.block->pages[i] & PW_PAGE_MASK;
  for (size_t f = 0; f < e->n_fits; f++) {
    struct fit *fit = &e->fits[f];
    if (pw_geometry_fits(fit->geometry, page)) continue;
    if (fit->bits == 0) fit->page = page;
    /* only a table that sign-extends can hold an address of the upper half */
    unsigned bits = pw_address_bits(page, fit->geometry->sign_extended || page >> (PW_PAGE_BITS - 1));
    if (bits > fit->bits) fit->bits = bits;
  }
}

int pw_engine_begin(struct pw_engine *e, const struct pw_block *b, bool eventful, struct pw_error *err)
{
  int status = number_pages(e, b, err);
  if (status) return status;
  for (size_t i = 0; i < e->n_units; i++)
    if (pw_memory_reserve(e->units[i].memory, &e->pages, e->pages.n_ids)) return out_of_memory(err);
  /* which pages are touched is all that matters, unless some leave in between */
  e->eventful = eventful || e->options.only != PW_STREAM_BOTH;
  for (uint32_t i = 0; !e->eventful && i < b->n_pages; i++) arrive(e, i);
  return 0;
}

/* Feeds the fronts that want every touch: `which` 0 the usual one, 1 the alternating. */
static void feed_all(struct pw_engine *e, struct fronts *fronts, int which, const struct pw_victims *victims)
{
  struct pw_front_input in;
  if (pw_front_is_idle(fronts->of[which])) return;
  pw_chunk_lookups(&e->chunk, victims, e->pages.key, which == 1, &in);
  pw_front_feed(fronts->of[which], &in);
}

static int feed_units(struct pw_engine *e, struct pw_error *err)
{
  struct pw_page_touches touches = {e->chunk.n, e->chunk.touch_id, e->chunk.wrote, NULL};
  if (e->future) {
    int status = pw_future_read(e->future, e->next, touches.n, err);
    if (status) return status;
    touches.next = e->next;
  }
  for (size_t i = 0; i < e->n_units; i++) {
    struct unit *u = &e->units[i];
    struct pw_victims victims = {0, e->victim_id, e->victim_at};
    u->memory->policy->touch(u->memory, &touches, &victims);
    for (int which = 0; which < 2; which++) feed_all(e, &u->fronts, which, &victims);
  }
  return 0;
}

static int feed_chunk(struct pw_engine *e, uint32_t from, uint32_t to, struct pw_error *err)
{
  for (uint32_t i = from; e->eventful && i < to; i++)
    if (pw_chunk_wants(&e->chunk, e->chunk.block->flags[i] & PW_VISIT_CODE)) arrive(e, e->chunk.block->page[i]);
  bool all = pw_front_needs_all(e->fronts.of[0]), alternating = !pw_front_is_idle(e->fronts.of[1]);
  if (!all && !pw_front_is_idle(e->fronts.of[0])) {
    struct pw_front_input in = {0};
    pw_chunk_openers(&e->chunk, from, to, &in);
    pw_front_feed(e->fronts.of[0], &in);
  }
  if (!all && !alternating && e->n_units == 0) return 0;
  pw_chunk_touches(&e->chunk, from, to);
  struct pw_victims none = {0};
  if (all) feed_all(e, &e->fronts, 0, &none);
  if (alternating) feed_all(e, &e->fronts, 1, &none);
  return feed_units(e, err);
}

int pw_engine_feed(struct pw_engine *e, uint32_t from, uint32_t to, struct pw_error *err)
{
  for (int status; from < to;) {
    uint32_t end = to - from > PW_CHUNK_VISITS ? from + PW_CHUNK_VISITS : to;
    if ((status = feed_chunk(e, from, end, err)) != 0) return status;
    from = end;
  }
  return 0;
}

int pw_engine_note(struct pw_engine *e, const struct pw_block *b, struct pw_error *err)
{
  int status = number_pages(e, b, err);
  for (uint32_t from = 0; !status && from < b->n_visits; from += PW_CHUNK_VISITS) {
    uint32_t left = b->n_visits - from;
    pw_chunk_touches(&e->chunk, from, from + (left < PW_CHUNK_VISITS ? left : PW_CHUNK_VISITS));
    status = pw_future_note(e->future, e->chunk.touch_id, e->chunk.n, err);
  }
  return status;
}

int pw_engine_turn(struct pw_engine *e, struct pw_error *err)
{
  int status = pw_future_turn(e->future, e->pages.n_ids, err);
  pw_pages_clear(&e->pages); /* the second pass gives the same ids again */
  return status;
}

void pw_engine_add_process(struct pw_engine *e)
{
  pw_tables_add_process(e->tables);
}

void pw_engine_remove_process(struct pw_engine *e)
{
  pw_tables_remove_process(e->tables);
}

void pw_engine_flush(struct pw_engine *e)
{
  pw_chunk_forget(&e->chunk);
  for (int which = 0; which < 2; which++) {
    pw_front_flush(e->fronts.of[which]);
    for (size_t i = 0; i < e->n_units; i++) pw_front_flush(e->units[i].fronts.of[which]);
  }
}

static void page_leaves(struct pw_engine *e, uint32_t id)
{
  if (!e->pages.present[id]) return;
  pw_pages_leave(&e->pages, id);
  pw_tables_remove_page(e->tables, e->pages.key[id], e->mappings->known);
  for (size_t i = 0; i < e->n_units; i++) pw_memory_drop(e->units[i].memory, id);
}

/* Does a page at the edge of an unmapped range stay, since something else of it is mapped? */
static bool stays(const struct pw_engine *e, uint32_t process, uint64_t page, uint64_t first, uint64_t last)
{
  uint64_t low = page << e->shift, high = low + (UINT64_C(1) << e->shift) - 1;
  if (e->mappings->known) return pw_mappings_intersect(e->mappings, process, low, high);
  return low < first || high > last;
}

static bool mapped(void *context, uint32_t process, uint64_t first, uint64_t last)
{
  return pw_mappings_intersect(context, process, first, last);
}

void pw_engine_unmap(struct pw_engine *e, uint32_t process, uint64_t first, uint64_t last)
{
  uint64_t low = first >> e->shift, high = last >> e->shift;
  bool low_stays = stays(e, process, low, first, last), high_stays = stays(e, process, high, first, last);
  low += low_stays;
  if (high_stays && high-- == 0) high = 0, low = 1;
  pw_chunk_forget(&e->chunk);
  if (low <= high) {
    uint64_t low_key = pw_key(process, low), high_key = pw_key(process, high);
    if (high - low < e->pages.n_ids) {
      for (uint64_t key = low_key; key <= high_key; key++) {
        const uint32_t *id = pw_pagemap_find(&e->pages.ids, key);
        if (id) page_leaves(e, *id);
      }
    } else {
      for (size_t id = 0; id < e->pages.n_ids; id++)
        if (e->pages.key[id] >= low_key && e->pages.key[id] <= high_key) page_leaves(e, (uint32_t)id);
    }
    drop_range(&e->fronts, low_key, high_key);
    for (size_t i = 0; i < e->n_units; i++) drop_range(&e->units[i].fronts, low_key, high_key);
  }
  if (e->mappings->known) pw_tables_forget(e->tables, process, first, last, mapped, (void *)(uintptr_t)e->mappings);
}

void pw_engine_reset_counts(struct pw_engine *e)
{
  e->pages.n_arrivals = 0;
  for (size_t i = 0; i < e->n_units; i++) e->units[i].memory->faults = e->units[i].memory->swap_outs = 0;
  for (int which = 0; which < 2; which++) {
    pw_front_reset_counts(e->fronts.of[which]);
    for (size_t i = 0; i < e->n_units; i++) pw_front_reset_counts(e->units[i].fronts.of[which]);
  }
}

void pw_engine_result(const struct pw_engine *e, const struct pw_engine_slot *slot, const struct pw_config *c,
                      struct pw_result *r, uint64_t *unfit_page, unsigned *unfit_bits)
{
  const struct unit *u = slot->memory == UINT32_MAX ? NULL : &e->units[slot->memory];
  const struct fronts *fronts = u ? &u->fronts : &e->fronts;
  pw_front_result(fronts->of[slot->alternating], slot->number, &r->counted, r);
  r->walk_refs = r->walks * pw_geometry_walk_levels(c->geometry, e->page_shift);
  r->minor_faults = e->pages.n_arrivals;
  r->major_faults = u ? u->memory->faults - e->pages.n_arrivals : 0;
  r->swap_outs = u ? u->memory->swap_outs : 0;
  r->resident_bytes = (u ? u->memory->peak_used : e->pages.peak_present) << e->page_shift;
  r->touched_bytes = e->pages.peak_present << e->page_shift;
  r->table_bytes = pw_tables_peak_bytes(e->tables, slot->tree);
  *unfit_page = e->fits[slot->fit].page;
  *unfit_bits = e->fits[slot->fit].bits;
  r->unfit = *unfit_bits > 0;
}
