/* Gives each recorded mapping its native address. See relocate.h. */
#include "judge/relocate.h"

#include <string.h>

enum { TWO_MIB_PAGES = 512, SIMILAR_PAGES = 16 };
#define PROTECTION (PW_MAP_READ | PW_MAP_WRITE | PW_MAP_EXECUTE)
#define STACK_PAGES 65536u /* 256 MiB below the recorded stack's top are its own */

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the places of the recorded mappings");
}

static int set_place(struct pw_relocation *r, uint64_t start, uint64_t end, uint64_t shift, struct pw_error *err)
{
  return pw_places_set(&r->places, start, end, shift) ? out_of_memory(err) : 0;
}

/* ---- the start: what the kernel had mapped ---- */

static bool is_special(const struct pw_native_area *area)
{
  return strncmp(area->name, "[v", 2) == 0; /* vdso, vvar, vvar_vclock: not used, see native_run.c */
}

static int start_area(struct pw_relocation *r, const struct pw_native_area *a, struct pw_error *err)
{
  struct pw_mm_area area = {.start = a->start >> 12, .end = a->end >> 12, .flags = a->flags, .inode = a->inode,
                         .offset = a->offset >> 12, .file_pages = (a->file_bytes + 4095) >> 12};
  if (a->inode) area.flags |= PW_AREA_FILE;
  if (is_special(a)) area.flags |= PW_AREA_SPECIAL;
  if (!(a->flags & PW_MAP_STACK) && area.end > r->top) r->top = area.end;
  return pw_mm_map(&r->mm, &area, err);
}

int pw_relocation_init(struct pw_relocation *r, struct pw_native *native, struct pw_error *err)
{
  const struct pw_native_state *start = &native->start;
  *r = (struct pw_relocation){.native = native};
  int status = pw_mm_init(&r->mm, err);
  r->mm.reclaims_tables = native->reclaims_tables;
  for (size_t i = 0; i < start->n_areas && !status; i++) status = start_area(r, &start->areas[i], err);
  for (size_t i = 0; i < start->n_pages && !status; i++) {
    const struct pw_native_page *p = &start->pages[i];
    const struct pw_mm_area *area = pw_mm_area(&r->mm, p->page);
    bool special = area && area->flags & PW_AREA_SPECIAL;
    status = pw_mm_put(&r->mm, p->page, special ? PW_PTE_ZERO : p->own ? PW_PTE_OWN : PW_PTE_CACHE, err);
  }
  return status;
}

void pw_relocation_clear(struct pw_relocation *r)
{
  pw_mm_clear(&r->mm);
  pw_places_clear(&r->places);
}

/* The lowest address of a file at the start, natively; 0 when it is not mapped. */
static uint64_t native_start(const struct pw_native_state *start, uint64_t inode)
{
  for (size_t i = 0; i < start->n_areas; i++)
    if (inode && start->areas[i].inode == inode) return start->areas[i].start >> 12;
  return 0;
}

/* A start-up map: a file lies where the native one does, all parts of it shifted alike; what is
 * anonymous behind it is its bss. The stack was placed before. */
static int place_at_start(struct pw_relocation *r, const struct pw_event *map, struct pw_error *err)
{
  uint64_t start = map->a >> 12, end = (map->a + map->b + 4095) >> 12;
  const struct pw_native_state *native = &r->native->start;
  if (r->map_inode && r->map_inode != r->program_inode) {
    uint64_t first = native_start(native, r->map_inode);
    if (!first) return 0; /* the capture tool itself */
    r->program_inode = r->map_inode;
    r->program_shift = first - start;
  } else if (!r->map_inode && start != r->program_end) {
    return 0;
  }
  r->program_end = end;
  return set_place(r, start, end, r->program_shift, err);
}

int pw_relocation_stack(struct pw_relocation *r, uint64_t stack_pointer, struct pw_error *err)
{
  uint64_t recorded = stack_pointer >> 12, native = r->native->stack_pointer >> 12, above = 1;
  for (size_t i = 0; i < r->native->start.n_areas; i++) {
    const struct pw_native_area *a = &r->native->start.areas[i];
    if (a->flags & PW_MAP_STACK) above = (a->end >> 12) - native;
  }
  return set_place(r, recorded - STACK_PAGES, recorded + above, native - recorded, err);
}

/* ---- maps ---- */

/* The first of the same size and file; if need be of another file, since temporary files differ. */
static struct pw_native_call *find_map(struct pw_relocation *r, uint64_t pages)
{
  struct pw_native_call *other = NULL, *calls = r->native->calls;
  while (r->first_call < r->native->n_calls && (calls[r->first_call].used || calls[r->first_call].fixed)) r->first_call++;
  for (size_t i = r->first_call; i < r->native->n_calls; i++) {
    struct pw_native_call *c = &calls[i];
    if (c->kind != PW_NATIVE_MAP || c->used || c->fixed || c->bytes >> 12 != pages || !c->inode != !r->map_inode) continue;
    if (c->inode && c->offset >> 12 != r->map_offset >> 12) continue;
    if (c->inode == r->map_inode) return c;
    if (!other) other = c;
  }
  return other;
}

static struct pw_native_call *find_move(struct pw_relocation *r, uint64_t from, uint64_t pages)
{
  for (size_t i = r->first_call; i < r->native->n_calls; i++) {
    struct pw_native_call *c = &r->native->calls[i];
    if (c->kind == PW_NATIVE_MOVE && !c->used && c->from >> 12 == from && c->bytes >> 12 == pages) return c;
  }
  return NULL;
}

/* Where the lowest of what stands in the way begins: an area, or a place that a native call that is
 * still to come needs. `end` if nothing does. */
static uint64_t obstacle(const struct pw_relocation *r, uint64_t start, uint64_t end)
{
  uint64_t lowest = pw_mm_lowest(&r->mm, start, end);
  for (size_t i = 0; i < r->native->n_calls; i++) {
    const struct pw_native_call *c = &r->native->calls[i];
    uint64_t from = c->address >> 12, to = from + (c->bytes >> 12);
    if (!c->used && from < end && to > start && from < lowest) lowest = from;
  }
  return lowest;
}

/* The highest gap, as the kernel looks for it; whole 2 MiB of anonymous memory are aligned. */
static uint64_t highest_gap(const struct pw_relocation *r, uint64_t pages)
{
  uint64_t align = !r->map_is_file && pages % TWO_MIB_PAGES == 0 ? TWO_MIB_PAGES : 1;
  for (uint64_t high = r->top; high > pages + 16;) {
    uint64_t start = (high - pages) / align * align, in_the_way = obstacle(r, start, start + pages);
    if (in_the_way == start + pages) return start;
    high = in_the_way;
  }
  return 16;
}

/* Maps whose sizes differ a little: ld.so allocates by the pathnames that the processor's kind adds. */
static struct pw_native_call *find_similar(struct pw_relocation *r, uint64_t pages)
{
  for (size_t i = r->next_call; i < r->native->n_calls; i++) {
    struct pw_native_call *c = &r->native->calls[i];
    uint64_t had = c->bytes >> 12;
    if (c->kind != PW_NATIVE_MAP || c->used || c->fixed) continue;
    return c->inode == r->map_inode && had <= pages + SIMILAR_PAGES && pages <= had + SIMILAR_PAGES ? c : NULL;
  }
  return NULL;
}

static uint64_t native_place(struct pw_relocation *r, uint64_t pages)
{
  struct pw_native_call *call = find_map(r, pages), *similar = call ? NULL : find_similar(r, pages);
  r->unplaced += !call;
  if (similar) call = similar;
  if (call) {
    call->used = true;
    if (call - r->native->calls >= (ptrdiff_t)r->next_call) r->next_call = (size_t)(call - r->native->calls) + 1;
    uint64_t end = (call->address + call->bytes) >> 12; /* mappings grow downwards: the end is what they share */
    bool free = similar ? obstacle(r, end - pages, end) == end : pw_mm_lowest(&r->mm, end - pages, end) == end;
    if (pages < end && free) return end - pages;
    r->unplaced += !similar;
  }
  return highest_gap(r, pages);
}

static uint64_t file_pages_of(const struct pw_relocation *r)
{
  for (size_t i = 0; i < r->native->n_calls; i++) {
    const struct pw_native_call *c = &r->native->calls[i];
    if (c->inode && c->inode == r->map_inode) return (c->file_bytes + 4095) >> 12;
  }
  return 0;
}

static int map_at(struct pw_relocation *r, uint64_t recorded, uint64_t pages, uint64_t native, struct pw_error *err)
{
  struct pw_mm_area area = {.start = native, .end = native + pages, .flags = (uint32_t)r->map.c & (PROTECTION | PW_MAP_SHARED),
                         .inode = r->map_inode, .offset = r->map_offset >> 12};
  if (r->map_is_file) {
    area.flags |= PW_AREA_FILE;
    area.file_pages = file_pages_of(r);
  }
  int status = set_place(r, recorded, recorded + pages, native - recorded, err);
  return status ? status : pw_mm_map(&r->mm, &area, err);
}

/* mremap: the pages that were at `from` go to the native target, and their old place goes. */
static int carry(struct pw_relocation *r, uint64_t from, uint64_t pages, uint64_t recorded, uint64_t all, uint64_t native,
                 struct pw_error *err)
{
  const struct pw_place *place = pw_places_at(&r->places, from);
  uint64_t old = place ? from + place->shift : 0;
  const struct pw_mm_area *was = place ? pw_mm_area(&r->mm, old) : NULL;
  struct pw_mm_area area = was ? *was : (struct pw_mm_area){.flags = PW_MAP_READ | PW_MAP_WRITE};
  if (was) area.offset += old - was->start;
  uint64_t kept = was && native == old ? pages : 0; /* in place: what is there stays */
  area.offset += kept;
  area.start = native + kept;
  area.end = native + all;
  int status = pw_mm_map(&r->mm, &area, err);
  if (!status && was && native != old) {
    status = pw_mm_move(&r->mm, old, pages < all ? pages : all, native, err);
    if (!status) status = pw_mm_unmap(&r->mm, old, old + pages, err);
  }
  if (!status && pw_places_forget(&r->places, from, from + pages)) status = out_of_memory(err);
  return status ? status : set_place(r, recorded, recorded + all, native - recorded, err);
}

/* A map right behind an area may be mremap growing it where Valgrind had room and the kernel had
 * not: then the native call names that area. */
static int grow_in_place(struct pw_relocation *r, uint64_t start, uint64_t pages, bool *done, struct pw_error *err)
{
  const struct pw_place *place = start ? pw_places_at(&r->places, start - 1) : NULL;
  const struct pw_mm_area *area = place ? pw_mm_area(&r->mm, start - 1 + place->shift) : NULL;
  uint64_t old = place ? place->start + place->shift : 0, had = place ? start - place->start : 0;
  struct pw_native_call *call = area ? find_move(r, old, had + pages) : NULL;
  *done = call && call->from_bytes >> 12 == had;
  if (!*done) return 0;
  call->used = true;
  return carry(r, place->start, had, place->start, had + pages, call->address >> 12, err);
}

static int place_heap(struct pw_relocation *r, uint64_t start, uint64_t pages, struct pw_error *err)
{
  if (!r->heap_known) r->heap_shift = (r->native->heap >> 12) - start;
  r->heap_known = true;
  return map_at(r, start, pages, start + r->heap_shift, err);
}

/* A map that the event behind it moves pages into: mremap, to `fixed` or (0) wherever the kernel put it. */
static int place_move(struct pw_relocation *r, const struct pw_event *move, uint64_t start, uint64_t pages, uint64_t fixed,
                      struct pw_error *err)
{
  uint64_t from = move->a >> 12;
  const struct pw_place *place = pw_places_at(&r->places, from);
  struct pw_native_call *call = place ? find_move(r, from + place->shift, pages) : NULL;
  if (call) call->used = true;
  r->unplaced += !call && !fixed;
  uint64_t native = fixed ? fixed : call ? call->address >> 12 : highest_gap(r, pages);
  return carry(r, from, move->b >> 12, start, pages, native, err);
}

/* The map that was pending, now that its backing is known or known not to come. `move` is the
 * event that follows, if it moves pages into the map. */
static int place_map(struct pw_relocation *r, const struct pw_event *move, struct pw_error *err)
{
  const struct pw_event *map = &r->map;
  uint64_t start = map->a >> 12, pages = ((map->a + map->b + 4095) >> 12) - start;
  r->map_pending = false;
  bool heap = map->text_bytes == 6 && memcmp(map->text, "[heap]", 6) == 0;
  if (heap) return place_heap(r, start, pages, err);
  if (!r->running) return place_at_start(r, map, err);
  if (map->c & PW_MAP_STACK) return 0; /* the model's stack grows by itself */
  const struct pw_place *place = pw_places_at(&r->places, start);
  bool fixed = map->c & PW_MAP_FIXED;
  uint64_t there = place ? start + place->shift : start;
  if (move) return place_move(r, move, start, pages, fixed ? there : 0, err);
  if (fixed) return map_at(r, start, pages, there, err);
  bool grown = false;
  int status = grow_in_place(r, start, pages, &grown, err);
  return grown || status ? status : map_at(r, start, pages, native_place(r, pages), err);
}

int pw_relocation_settle(struct pw_relocation *r, struct pw_error *err)
{
  r->running = true;
  return r->map_pending ? place_map(r, NULL, err) : 0;
}

/* ---- ranges ---- */

/* The native call that made a place, if it was cut and the recorded mapping has not been yet. */
static struct pw_native_call *find_cut(const struct pw_relocation *r, uint64_t native, uint64_t pages)
{
  for (size_t i = r->next_call; i-- > 0;) {
    struct pw_native_call *c = &r->native->calls[i];
    if (c->used && c->cut && c->address >> 12 == native && c->bytes >> 12 == pages) return c;
  }
  return NULL;
}

/* The first cut into a mapping that was made too large to be aligned: what was cut off in front differs,
 * since the address does, and what is kept lies behind the native cut. */
static int align_cut(struct pw_relocation *r, uint64_t start, uint64_t end, struct pw_error *err)
{
  const struct pw_place *place = pw_places_at(&r->places, start);
  if (!place || end > place->end || end - start == place->end - place->start) return 0;
  uint64_t first = place->start, pages = place->end - first, native = first + place->shift;
  struct pw_native_call *call = find_cut(r, native, pages);
  if (!call) return 0;
  call->cut = false;
  uint64_t front = start == first ? end - start : 0, native_front = call->front >> 12;
  uint64_t more = front > native_front ? front : native_front;
  if (front == native_front || pw_mm_present(&r->mm, native, native + pages)) return 0;
  int status = pw_places_forget(&r->places, first, first + pages) ? out_of_memory(err) : 0;
  if (!status) status = set_place(r, first + front, first + front + pages - more, native + native_front - first - front, err);
  if (!status) status = pw_mm_unmap(&r->mm, native, native + native_front, err);
  return status ? status : pw_mm_unmap(&r->mm, native + native_front + pages - more, native + pages, err);
}

/* Does to the native places of a recorded range what the event says. */
static int do_to_range(struct pw_relocation *r, const struct pw_event *event, struct pw_error *err)
{
  uint64_t page = event->a >> 12, end = (event->a + event->b + 4095) >> 12;
  int status = event->kind == PW_EVENT_UNMAP ? align_cut(r, page, end, err) : 0;
  for (const struct pw_place *p; page < end && !status && (p = pw_places_from(&r->places, page)) && p->start < end; page = p->end) {
    uint64_t from = p->start > page ? p->start : page, to = p->end < end ? p->end : end;
    if (event->kind == PW_EVENT_UNMAP)
      status = pw_mm_unmap(&r->mm, from + p->shift, to + p->shift, err);
    else if (event->kind == PW_EVENT_PROTECT)
      status = pw_mm_protect(&r->mm, from + p->shift, to + p->shift, (uint32_t)event->c, err);
    else
      pw_mm_discard(&r->mm, from + p->shift, to + p->shift);
  }
  return status;
}

static int kernel_touches(struct pw_relocation *r, const struct pw_event *event, struct pw_error *err)
{
  uint64_t last = event->b ? (event->a + event->b - 1) >> 12 : 0;
  int status = 0;
  for (uint64_t page = event->a >> 12; event->b && page <= last && !status; page++)
    status = pw_relocation_touch(r, page, event->kind == PW_EVENT_KERNEL_WRITE, err);
  return status;
}

static void take_map(struct pw_relocation *r, const struct pw_event *event)
{
  r->map = *event;
  r->map_pending = true;
  r->map_inode = r->map_offset = 0;
  r->map_is_file = event->text_bytes && event->text[0] != '[';
}

int pw_relocation_event(struct pw_relocation *r, const struct pw_event *event, struct pw_error *err)
{
  int status = 0;
  if (event->kind == PW_EVENT_BACKING) {
    r->map_inode = event->b;
    r->map_offset = event->a;
    return 0;
  }
  bool moves = r->map_pending && event->kind == PW_EVENT_MOVE && event->c == r->map.a;
  if (r->map_pending) status = place_map(r, moves ? event : NULL, err);
  if (status) return status;
  switch (event->kind) {
  case PW_EVENT_MAP: take_map(r, event); return 0;
  case PW_EVENT_UNMAP:
  case PW_EVENT_PROTECT:
  case PW_EVENT_DISCARD: return do_to_range(r, event, err);
  case PW_EVENT_KERNEL_READ:
  case PW_EVENT_KERNEL_WRITE: return kernel_touches(r, event, err);
  case PW_EVENT_THREAD: r->running = true; return 0;
  case PW_EVENT_FORK: pw_mm_fork(&r->mm); return 0;
  case PW_EVENT_EXEC:
  case PW_EVENT_EXIT: r->over = true; return 0;
  default: return 0;
  }
}
