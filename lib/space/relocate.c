/* Gives each recorded mapping its native address. See relocate.h. */
#include "space/relocate.h"

#include <string.h>

#include "space/roundup.h"

enum { TWO_MIB_PAGES = 512 };
#define PROTECTION (PW_MAP_READ | PW_MAP_WRITE | PW_MAP_EXECUTE)
#define STACK_PAGES 65536u /* 256 MiB below the recorded stack's top are its own */

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the places of the recorded mappings");
}

/* ---- places and changes ---- */

static int set_place(struct pw_relocation *r, uint64_t start, uint64_t end, uint64_t shift, struct pw_error *err)
{
  r->changes++;
  return start < end && pw_ranges_put(&r->places, start, end - 1, shift) ? out_of_memory(err) : 0;
}

static int forget_place(struct pw_relocation *r, uint64_t start, uint64_t end, struct pw_error *err)
{
  r->changes++;
  return start < end && pw_ranges_cut(&r->places, start, end - 1) ? out_of_memory(err) : 0;
}

static int tell(struct pw_relocation *r, const struct pw_native_change *change, struct pw_error *err)
{
  r->changes++;
  return r->to.change(r->to.context, change, err);
}

static int map_native(struct pw_relocation *r, const struct pw_native_vma *vma, struct pw_error *err)
{
  if (vma->start >= vma->end) return 0;
  if (pw_gaps_take(&r->gaps, vma->start, vma->end)) return out_of_memory(err);
  return tell(r, &(struct pw_native_change){.kind = PW_NATIVE_MAP, .vma = *vma}, err);
}

static int unmap_native(struct pw_relocation *r, uint64_t start, uint64_t end, struct pw_error *err)
{
  if (start >= end) return 0;
  if (pw_gaps_give(&r->gaps, start, end)) return out_of_memory(err);
  return tell(r, &(struct pw_native_change){.kind = PW_NATIVE_UNMAP, .vma = {.start = start, .end = end}}, err);
}

static void use(struct pw_relocation *r, struct pw_native_call *call)
{
  pw_counterparts_use(&r->counterparts, call);
  pw_gaps_use(&r->gaps, call);
}

/* ---- the start: what the kernel had mapped ---- */

/* The stacks begin where both pointers stand, and end natively with their area. */
static int place_stack(struct pw_relocation *r, uint64_t recorded, uint64_t native, struct pw_error *err)
{
  uint64_t above = 1;
  for (size_t i = 0; i < r->native->n_areas; i++)
    if (r->native->areas[i].vma.flags & PW_MAP_STACK) above = r->native->areas[i].vma.end - native;
  return set_place(r, recorded - STACK_PAGES, recorded + above, native - recorded, err);
}

int pw_relocation_init(struct pw_relocation *r, const struct pw_native_layout *native, uint64_t stack_pointer,
                       struct pw_relocation_target to, struct pw_error *err)
{
  *r = (struct pw_relocation){.native = native, .to = to};
  int status = pw_counterparts_init(&r->counterparts, native->calls, native->n_calls) ? out_of_memory(err) : 0;
  if (!status && pw_gaps_init(&r->gaps, native->calls, native->n_calls)) status = out_of_memory(err);
  for (size_t i = 0; i < native->n_areas && !status; i++) {
    const struct pw_native_vma *vma = &native->areas[i].vma;
    if (!(vma->flags & PW_MAP_STACK) && vma->end > r->gaps.top) r->gaps.top = vma->end;
    status = map_native(r, vma, err);
  }
  return status ? status : place_stack(r, stack_pointer >> 12, native->stack_pointer >> 12, err);
}

void pw_relocation_clear(struct pw_relocation *r)
{
  pw_counterparts_clear(&r->counterparts);
  pw_gaps_clear(&r->gaps);
  pw_ranges_clear(&r->places);
  pw_ranges_clear(&r->cuts);
}

/* The lowest address of a file at the start, natively; 0 when it is not mapped. */
static uint64_t native_start(const struct pw_native_layout *native, uint64_t inode)
{
  for (size_t i = 0; i < native->n_areas; i++)
    if (inode && native->areas[i].vma.inode == inode) return native->areas[i].vma.start;
  return 0;
}

/* A start-up map: a file lies where the native one does, all parts of it shifted alike; what is
 * anonymous behind it is its bss. The stack was placed before. */
static int place_at_start(struct pw_relocation *r, const struct pw_event *map, struct pw_error *err)
{
  uint64_t start = map->a >> 12, end = (map->a + map->b + 4095) >> 12;
  if (r->map_inode && r->map_inode != r->program_inode) {
    uint64_t first = native_start(r->native, r->map_inode);
    if (!first) return 0; /* the capture tool itself */
    r->program_inode = r->map_inode;
    r->program_shift = first - start;
  } else if (!r->map_inode && start != r->program_end) {
    return 0;
  }
  r->program_end = end;
  return set_place(r, start, end, r->program_shift, err);
}

/* ---- maps ---- */

/* Where the kernel looks first; whole 2 MiB of anonymous memory are aligned. */
static uint64_t highest_gap(struct pw_relocation *r, uint64_t pages)
{
  return pw_gaps_highest(&r->gaps, pages, !r->map_is_file && pages % TWO_MIB_PAGES == 0 ? TWO_MIB_PAGES : 1);
}

static int native_place(struct pw_relocation *r, uint64_t pages, uint64_t *native, struct pw_error *err)
{
  struct pw_native_call *call = pw_counterparts_map(&r->counterparts, pages, r->map_inode, r->map_offset);
  bool similar = !call;
  r->unplaced += similar;
  if (similar) call = pw_counterparts_similar(&r->counterparts, pages, r->map_inode);
  if (call) {
    use(r, call);
    uint64_t end = (call->address + call->bytes) >> 12, start = end - pages; /* they grow downwards, so the end is shared */
    bool free = end == (similar ? pw_gaps_obstacle(&r->gaps, start, end) : pw_gaps_lowest_mapped(&r->gaps, start, end));
    if (pages >= end) free = false;
    pw_gaps_freed(&r->gaps, call->address >> 12, free ? start : end);
    bool note = free && !similar && call->cut;
    if (note && pw_ranges_put(&r->cuts, start, start, (uint64_t)(call - r->native->calls))) return out_of_memory(err);
    *native = start;
    if (free) return 0;
    r->unplaced += !similar;
  }
  *native = highest_gap(r, pages);
  return 0;
}

static int map_at(struct pw_relocation *r, uint64_t recorded, uint64_t pages, uint64_t native, struct pw_error *err)
{
  struct pw_native_vma area = {.start = native, .end = native + pages, .flags = (uint32_t)r->map.c & (PROTECTION | PW_MAP_SHARED),
                               .inode = r->map_inode, .offset = r->map_offset >> 12};
  if (r->map_is_file) {
    area.flags |= PW_AREA_FILE;
    area.file_pages = pw_counterparts_file_pages(&r->counterparts, r->map_inode);
  }
  int status = set_place(r, recorded, recorded + pages, native - recorded, err);
  return status ? status : map_native(r, &area, err);
}

/* mremap: what was recorded at `from` goes to the native target, and its old place goes. */
static int carry(struct pw_relocation *r, uint64_t from, uint64_t pages, uint64_t recorded, uint64_t all, uint64_t native,
                 struct pw_error *err)
{
  struct pw_range place;
  struct pw_native_vma vma = {.start = native, .end = native + all, .flags = PW_MAP_READ | PW_MAP_WRITE};
  struct pw_native_change move = {.kind = PW_NATIVE_MOVE, .vma = vma, .from_pages = pages};
  bool was = pw_ranges_at(&r->places, from, &place) && pw_gaps_is_mapped(&r->gaps, from + place.value);
  int status = 0;
  if (was) {
    move.from = from + place.value;
    if (pw_gaps_take(&r->gaps, native, native + all)) return out_of_memory(err);
    if (native != move.from && pw_gaps_give(&r->gaps, move.from, move.from + pages)) return out_of_memory(err);
    status = tell(r, &move, err);
  } else {
    status = map_native(r, &vma, err);
  }
  if (!status) status = forget_place(r, from, from + pages, err);
  return status ? status : set_place(r, recorded, recorded + all, native - recorded, err);
}

/* A map right behind an area may be mremap growing it where Valgrind had room and the kernel had
 * not: then the native call names that area. */
static int grow_in_place(struct pw_relocation *r, uint64_t start, uint64_t pages, bool *done, struct pw_error *err)
{
  struct pw_range place;
  *done = start && pw_ranges_at(&r->places, start - 1, &place) && pw_gaps_is_mapped(&r->gaps, start - 1 + place.value);
  if (!*done) return 0;
  uint64_t had = start - place.first;
  struct pw_native_call *call = pw_counterparts_move(&r->counterparts, place.first + place.value, had + pages);
  *done = call && call->from_bytes >> 12 == had;
  if (!*done) return 0;
  use(r, call);
  return carry(r, place.first, had, place.first, had + pages, call->address >> 12, err);
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
  struct pw_range place;
  uint64_t from = move->a >> 12;
  struct pw_native_call *call =
      pw_ranges_at(&r->places, from, &place) ? pw_counterparts_move(&r->counterparts, from + place.value, pages) : NULL;
  if (call) use(r, call);
  r->unplaced += !call && !fixed;
  uint64_t native = fixed ? fixed : call ? call->address >> 12 : highest_gap(r, pages);
  if (call && fixed) pw_gaps_freed(&r->gaps, call->address >> 12, (call->address + call->bytes) >> 12);
  return carry(r, from, move->b >> 12, start, pages, native, err);
}

/* The map that was pending, now that its backing is known or known not to come. `move` is the
 * event that follows, if it moves pages into the map. */
static int place_map(struct pw_relocation *r, const struct pw_event *move, struct pw_error *err)
{
  const struct pw_event *map = &r->map;
  uint64_t start = map->a >> 12, pages = ((map->a + map->b + 4095) >> 12) - start, native = 0;
  struct pw_range place;
  r->map_pending = false;
  bool heap = map->text_bytes == 6 && memcmp(map->text, "[heap]", 6) == 0, grown = false;
  if (heap) return place_heap(r, start, pages, err);
  if (!r->running) return place_at_start(r, map, err);
  if (map->c & PW_MAP_STACK) return 0; /* the native stack grows by itself */
  bool fixed = map->c & PW_MAP_FIXED;
  uint64_t there = pw_ranges_at(&r->places, start, &place) ? start + place.value : start;
  if (move) return place_move(r, move, start, pages, fixed ? there : 0, err);
  if (fixed) return map_at(r, start, pages, there, err);
  int status = grow_in_place(r, start, pages, &grown, err);
  if (!grown && !status) status = native_place(r, pages, &native, err);
  return grown || status ? status : map_at(r, start, pages, native, err);
}

int pw_relocation_settle(struct pw_relocation *r, struct pw_error *err)
{
  r->running = true;
  return r->map_pending ? place_map(r, NULL, err) : 0;
}

/* ---- ranges ---- */

/* The first cut into a mapping that was made too large to be aligned: what was cut off in front differs,
 * since the address does, and what is kept lies behind the native cut. */
static int align_cut(struct pw_relocation *r, uint64_t start, uint64_t end, struct pw_error *err)
{
  struct pw_range place, cut;
  if (!pw_ranges_at(&r->places, start, &place) || end > place.last + 1 || end - start == place.last + 1 - place.first) return 0;
  uint64_t first = place.first, pages = place.last + 1 - first, native = first + place.value;
  struct pw_native_call *call = pw_ranges_at(&r->cuts, native, &cut) ? &r->native->calls[cut.value] : NULL;
  if (!call || !call->cut || call->bytes >> 12 != pages) return 0;
  call->cut = false;
  uint64_t front = start == first ? end - start : 0, native_front = call->front >> 12;
  uint64_t more = front > native_front ? front : native_front;
  if (front == native_front || r->to.present(r->to.context, native, native + pages)) return 0;
  int status = forget_place(r, first, first + pages, err);
  if (!status) status = set_place(r, first + front, first + front + pages - more, native + native_front - first - front, err);
  if (!status) status = unmap_native(r, native, native + native_front, err);
  return status ? status : unmap_native(r, native + native_front + pages - more, native + pages, err);
}

/* Memory that nothing has touched is advised to have huge pages: see roundup.h. */
static int align_advised(struct pw_relocation *r, uint64_t start, uint64_t end, struct pw_error *err)
{
  struct pw_range place, parts[2];
  if (!pw_ranges_at(&r->places, start, &place)) return 0;
  uint64_t pages = place.last + 1 - place.first, native = place.first + place.value;
  if (!pw_round_up(place.first, pages, native, start, end, parts) || r->to.present(r->to.context, native, native + pages)) return 0;
  int status = 0;
  for (int i = 0; i < 2 && !status; i++) status = set_place(r, parts[i].first, parts[i].last + 1, parts[i].value, err);
  return status;
}

/* Does to the native places of a recorded range what the event says. */
static int do_to_range(struct pw_relocation *r, const struct pw_event *event, enum pw_native_kind kind, struct pw_error *err)
{
  uint64_t page = event->a >> 12, end = (event->a + event->b + 4095) >> 12;
  int status = kind == PW_NATIVE_UNMAP ? align_cut(r, page, end, err) : 0;
  struct pw_range p;
  for (; page < end && !status && pw_ranges_next(&r->places, page, &p) && p.first < end; page = p.last + 1) {
    uint64_t from = (p.first > page ? p.first : page) + p.value, to = (p.last < end ? p.last + 1 : end) + p.value;
    struct pw_native_change change = {.kind = kind, .vma = {.start = from, .end = to, .flags = (uint32_t)event->c}};
    status = kind == PW_NATIVE_UNMAP ? unmap_native(r, from, to, err) : tell(r, &change, err);
  }
  return status;
}

static int advise(struct pw_relocation *r, const struct pw_event *event, struct pw_error *err)
{
  struct pw_event flags = *event;
  bool on = event->c == PW_ADVICE_HUGEPAGE || event->c == PW_ADVICE_THP_ON, off = event->c == PW_ADVICE_NOHUGEPAGE || event->c == PW_ADVICE_THP_OFF;
  bool populates = event->c == PW_ADVICE_POPULATE_READ || event->c == PW_ADVICE_POPULATE_WRITE || event->c == PW_ADVICE_LOCK;
  if (populates) return do_to_range(r, event, PW_NATIVE_POPULATE, err);
  if (!on && !off) return 0;
  flags.c = on ? PW_AREA_HUGE : PW_AREA_NOHUGE;
  int status = event->c == PW_ADVICE_HUGEPAGE ? align_advised(r, event->a >> 12, (event->a + event->b + 4095) >> 12, err) : 0;
  if (status) return status;
  if (event->c == PW_ADVICE_HUGEPAGE || event->c == PW_ADVICE_NOHUGEPAGE) return do_to_range(r, &flags, PW_NATIVE_ADVISE, err);
  return tell(r, &(struct pw_native_change){.kind = PW_NATIVE_ADVISE, .vma = {.flags = (uint32_t)flags.c}}, err);
}

bool pw_relocation_page(const struct pw_relocation *r, uint64_t page, uint64_t *native)
{
  struct pw_range place;
  if (!pw_ranges_at(&r->places, page, &place)) return false;
  *native = page + place.value;
  return true;
}

int pw_relocation_touch(struct pw_relocation *r, uint64_t page, bool write, struct pw_error *err)
{
  uint64_t native;
  if (pw_relocation_page(r, page, &native)) return r->to.touch(r->to.context, native, write, err);
  r->strays++;
  return 0;
}

static int kernel_touches(struct pw_relocation *r, const struct pw_event *event, struct pw_error *err)
{
  uint64_t last = event->b ? (event->a + event->b - 1) >> 12 : 0;
  int status = 0;
  for (uint64_t page = event->a >> 12; event->b && page <= last && !status; page++)
    status = pw_relocation_touch(r, page, event->kind == PW_EVENT_KERNEL_WRITE, err);
  return status;
}

/* ---- events ---- */

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
  case PW_EVENT_MAP:
    r->maps += r->running;
    take_map(r, event);
    return 0;
  case PW_EVENT_UNMAP: return do_to_range(r, event, PW_NATIVE_UNMAP, err);
  case PW_EVENT_PROTECT: return do_to_range(r, event, PW_NATIVE_PROTECT, err);
  case PW_EVENT_DISCARD: return do_to_range(r, event, PW_NATIVE_DISCARD, err);
  case PW_EVENT_ADVISE: return advise(r, event, err);
  case PW_EVENT_KERNEL_READ:
  case PW_EVENT_KERNEL_WRITE: return kernel_touches(r, event, err);
  case PW_EVENT_THREAD: r->running = true; return 0;
  case PW_EVENT_CHILD:
    if (event->b) return 0; /* the exec comes next */
    __attribute__((fallthrough));
  case PW_EVENT_FORK: return tell(r, &(struct pw_native_change){.kind = PW_NATIVE_FORK}, err);
  case PW_EVENT_EXEC:
  case PW_EVENT_EXIT: r->over = true; return 0;
  default: return 0;
  }
}
