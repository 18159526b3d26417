/* Blocks with native addresses. See relayout.h. */
#include "space/relayout.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "space/places.h"

/* One process of the trace. */
struct process {
  struct pw_places places;
  uint64_t exec_at;      /* visits of the trace before the maps that exec makes */
  bool lives, mapped;    /* mapped: the first of those maps was seen */
};

/* What a child that has a trace of its own has. */
struct child {
  char *name;
  struct pw_places places;
};

struct pw_relayout {
  struct pw_blocks in;
  struct process *processes; /* by index */
  size_t n_processes, processes_room;
  uint32_t current;
  struct child *children;
  size_t n_children, children_room;
  const struct pw_block *block; /* of the trace */
  uint32_t visit, event;     /* the next of it */
  uint64_t passed;           /* visits of the blocks before */
  struct pw_block out;
  uint64_t *pages, *looked_up; /* by page of the block: its place, and at which cut it was looked up */
  size_t pages_room, looked_up_room;
  uint64_t cuts;
  struct pw_event *events;   /* of `out` */
  size_t n_events, events_room;
  uint64_t grown;            /* pages that the map before grew behind, in place; 0: it did not */
};

static int no_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the places of the recorded mappings");
}

/* ---- processes ---- */

static struct process *process_of(const struct pw_relayout *r, uint32_t index)
{
  return index < r->n_processes && r->processes[index].lives ? &r->processes[index] : NULL;
}

static void end_process(struct pw_relayout *r, uint32_t index)
{
  struct process *p = process_of(r, index);
  if (!p) return;
  pw_places_clear(&p->places);
  *p = (struct process){.lives = false};
}

static int reserve(struct pw_relayout *r, uint32_t index)
{
  size_t n = (size_t)index + 1;
  if (pw_grow((void **)&r->processes, &r->processes_room, n, sizeof *r->processes)) return -1;
  while (r->n_processes < n) r->processes[r->n_processes++] = (struct process){.lives = false};
  return 0;
}

/* Process `index`, for which room was reserved, with the places of another or with none. */
static int begin_process(struct pw_relayout *r, uint32_t index, const struct pw_places *from)
{
  struct process *p = &r->processes[index];
  end_process(r, index);
  *p = (struct process){.lives = true, .mapped = from != NULL, .exec_at = UINT64_MAX};
  return from ? pw_places_share(&p->places, from) : pw_places_init(&p->places);
}

static int fork_process(struct pw_relayout *r, uint32_t child)
{
  if (child == r->current || child >= PW_PROCESSES) return 0;
  if (reserve(r, child)) return -1;
  return begin_process(r, child, &r->processes[r->current].places);
}

static struct process *running(struct pw_relayout *r)
{
  if (!process_of(r, r->current) && (reserve(r, r->current) || begin_process(r, r->current, NULL))) return NULL;
  return &r->processes[r->current];
}

static int note_child(struct pw_relayout *r, const struct process *p, const struct pw_event *e)
{
  if (e->b || !e->text_bytes) return 0;
  if (pw_grow((void **)&r->children, &r->children_room, r->n_children + 1, sizeof *r->children)) return -1;
  struct child *child = &r->children[r->n_children];
  *child = (struct child){.name = NULL};
  child->name = pw_malloc(e->text_bytes + 1, 1);
  if (!child->name) return -1;
  memcpy(child->name, e->text, e->text_bytes);
  child->name[e->text_bytes] = 0;
  r->n_children++;
  return pw_places_share(&child->places, &p->places);
}

static void drop_child(struct pw_relayout *r, size_t i)
{
  pw_places_clear(&r->children[i].places);
  pw_free(r->children[i].name);
  r->children[i] = r->children[--r->n_children];
}

/* ---- events ---- */

static struct pw_event *emit(struct pw_relayout *r, const struct pw_event *e)
{
  if (pw_grow((void **)&r->events, &r->events_room, r->n_events + 1, sizeof *r->events)) return NULL;
  struct pw_event *to = &r->events[r->n_events++];
  *to = *e;
  to->at -= r->visit;
  return to;
}

static int emit_bytes(struct pw_relayout *r, const struct pw_event *e, uint64_t first, uint64_t last, uint64_t shift)
{
  struct pw_event *to = emit(r, e);
  if (!to) return -1;
  to->a = first + (shift << PW_BASE_SHIFT);
  to->b = last - first + 1;
  if (e->kind == PW_EVENT_MOVE) to->c = e->c + (first - e->a);
  return 0;
}

/* What an event says of a range, of each place of it that is mapped; of what lies between too, if that is to stay. */
static int emit_range(struct pw_relayout *r, const struct pw_places *p, const struct pw_event *e, bool rest)
{
  struct pw_range at;
  if (e->b == 0 || !pw_range_fits(e->a, e->b)) return emit(r, e) ? 0 : -1;
  uint64_t next = e->a, end = e->a + (e->b - 1);
  while (pw_ranges_next(&p->live, next >> PW_BASE_SHIFT, &at) && at.first << PW_BASE_SHIFT <= end) {
    uint64_t first = at.first << PW_BASE_SHIFT, last = at.last << PW_BASE_SHIFT | 4095;
    if (first > next && rest && emit_bytes(r, e, next, first - 1, 0)) return -1;
    if (first < next) first = next;
    if (last > end) last = end;
    if (emit_bytes(r, e, first, last, at.value)) return -1;
    if (last == end) return 0;
    next = last + 1;
  }
  return rest ? emit_bytes(r, e, next, end, 0) : 0;
}

static bool goes_with_maps(const struct pw_event *e)
{
  return e->kind == PW_EVENT_BACKING || e->kind == PW_EVENT_SYMBOL;
}

static bool same_text(const struct pw_event *a, const struct pw_event *b)
{
  return a->text_bytes == b->text_bytes && memcmp(a->text, b->text, a->text_bytes) == 0;
}

static uint64_t end_of(const struct pw_event *map)
{
  return map->b && pw_range_fits(map->a, map->b) ? ((map->a + (map->b - 1)) >> PW_BASE_SHIFT) + 1 : map->a >> PW_BASE_SHIFT;
}

/* The map of the same file before this one in the block, which nothing but maps of it is between. */
static bool is_first_of(const struct pw_block *b, uint32_t number)
{
  const struct pw_event *map = &b->events[number];
  for (uint32_t i = number; i-- > 0;) {
    const struct pw_event *e = &b->events[i];
    if (goes_with_maps(e)) continue;
    return e->kind != PW_EVENT_MAP || e->at != map->at || !same_text(e, map);
  }
  return true;
}

/* A map that exec makes, of a file or of the memory behind it. */
static bool image_of(const struct pw_relayout *r, const struct process *p, uint32_t number, struct pw_image *image)
{
  const struct pw_block *b = r->block;
  const struct pw_event *map = &b->events[number];
  if (p->places.running || p->places.keeps || p->exec_at != r->passed + map->at || map->c & PW_MAP_STACK) return false;
  *image = (struct pw_image){.end = end_of(map)};
  if (!map->text_bytes || map->text[0] == '[') return !map->text_bytes && p->places.images && map->a >> PW_BASE_SHIFT == p->places.image_end;
  image->begins = is_first_of(b, number);
  for (uint32_t i = number + 1; image->begins && i < b->n_events && b->events[i].at == map->at; i++) {
    const struct pw_event *e = &b->events[i];
    if (goes_with_maps(e)) continue;
    bool more = e->kind == PW_EVENT_MAP && (same_text(e, map) || (!e->text_bytes && e->a >> PW_BASE_SHIFT == image->end));
    if (!more) break;
    if (end_of(e) > image->end) image->end = end_of(e);
  }
  return true;
}

/* The move into this map, if that is what comes next. */
static const struct pw_event *move_into(const struct pw_block *b, uint32_t number)
{
  const struct pw_event *map = &b->events[number];
  for (uint32_t i = number + 1; i < b->n_events; i++) {
    const struct pw_event *e = &b->events[i];
    if (goes_with_maps(e)) continue;
    return e->kind == PW_EVENT_MOVE && e->c == map->a && e->b && pw_range_fits(e->a, e->b) ? e : NULL;
  }
  return NULL;
}

/* What lies where a map comes goes. */
static int make_way(struct pw_relayout *r, struct process *p, const struct pw_event *map)
{
  struct pw_event unmap = {.at = map->at, .kind = PW_EVENT_UNMAP, .a = map->a, .b = map->b};
  struct pw_range at;
  uint64_t start = map->a >> PW_BASE_SHIFT, end = end_of(map);
  if (start >= end || !pw_ranges_next(&p->places.live, start, &at) || at.first >= end) return 0;
  return emit_range(r, &p->places, &unmap, false) || pw_places_unmap(&p->places, start, end, false) ? -1 : 0;
}

static int take_map(struct pw_relayout *r, struct process *p, uint32_t number)
{
  const struct pw_event *map = &r->block->events[number], *move = move_into(r->block, number);
  struct pw_image image;
  uint64_t native;
  bool grew = false;
  if (!p->mapped) p->exec_at = r->passed + map->at;
  p->mapped = true;
  bool of_exec = image_of(r, p, number, &image);
  if (make_way(r, p, map)) return -1;
  uint64_t had = move ? end_of(move) - (move->a >> PW_BASE_SHIFT) : 0;
  int status = move ? pw_places_move(&p->places, map, move->a >> PW_BASE_SHIFT, had, &native, &grew)
                    : pw_places_map(&p->places, map, of_exec ? &image : NULL, &native);
  struct pw_event *to = status ? NULL : emit(r, map);
  if (!to) return -1;
  to->a = (native << PW_BASE_SHIFT) + (grew ? 0 : map->a % 4096);
  r->grown = grew ? had : 0;
  if (grew) to->b -= had << PW_BASE_SHIFT;
  return 0;
}

static int take_move(struct pw_relayout *r, struct process *p, const struct pw_event *move)
{
  struct pw_event moved = *move;
  if (r->grown) { /* natively nothing moved */
    r->grown = 0;
    return 0;
  }
  moved.c = (pw_places_page(&p->places, move->c >> PW_BASE_SHIFT) << PW_BASE_SHIFT) + move->c % 4096;
  if (emit_range(r, &p->places, &moved, false)) return -1;
  uint64_t from = move->a >> PW_BASE_SHIFT, end = end_of(move), to = move->c >> PW_BASE_SHIFT, behind = to + (end - from);
  uint64_t below = end < to ? end : to, above = from > behind ? from : behind; /* but for what the target takes of it */
  if (from < below && pw_places_unmap(&p->places, from, below, true)) return -1;
  return above < end ? pw_places_unmap(&p->places, above, end, true) : 0;
}

/* Advice, after what it says of where its memory would have been. */
static int take_advice(struct pw_relayout *r, struct process *p, const struct pw_event *e)
{
  if (e->c == PW_ADVICE_HUGEPAGE && e->b && pw_range_fits(e->a, e->b) && pw_places_align(&p->places, e->a >> PW_BASE_SHIFT, end_of(e))) return -1;
  return emit_range(r, &p->places, e, false);
}

static void touch_range(struct pw_places *p, const struct pw_event *e)
{
  if (!e->b || !pw_range_fits(e->a, e->b)) return;
  uint64_t first = e->a >> PW_BASE_SHIFT;
  pw_places_touch(p, first < p->fresh && end_of(e) > p->fresh ? p->fresh : first);
}

static int take_event(struct pw_relayout *r, uint32_t number)
{
  const struct pw_event *e = &r->block->events[number];
  struct process *p = running(r);
  struct pw_event *to;
  if (!p) return -1;
  switch (e->kind) {
    case PW_EVENT_SYMBOL: return 0;
    case PW_EVENT_MAP: return take_map(r, p, number);
    case PW_EVENT_MOVE: return take_move(r, p, e);
    case PW_EVENT_BACKING:
      to = emit(r, e);
      if (to) to->a += r->grown << PW_BASE_SHIFT;
      return to ? 0 : -1;
    case PW_EVENT_UNMAP: return emit_range(r, &p->places, e, false) || pw_places_unmap(&p->places, e->a >> PW_BASE_SHIFT, end_of(e), false) ? -1 : 0;
    case PW_EVENT_PROTECT:
    case PW_EVENT_DISCARD: return emit_range(r, &p->places, e, false);
    case PW_EVENT_ADVISE: return take_advice(r, p, e);
    case PW_EVENT_KERNEL_READ:
    case PW_EVENT_KERNEL_WRITE:
      touch_range(&p->places, e);
      return emit_range(r, &p->places, e, true);
    case PW_EVENT_PROCESS: r->current = (uint32_t)e->b; break;
    case PW_EVENT_CHILD:
      if (note_child(r, p, e)) return -1;
      break;
    case PW_EVENT_FORK:
      if (fork_process(r, (uint32_t)e->b)) return -1;
      break;
    case PW_EVENT_EXEC:
      if (begin_process(r, r->current, NULL)) return -1;
      break;
    case PW_EVENT_EXIT: end_process(r, r->current); break;
    default: break;
  }
  return emit(r, e) ? 0 : -1;
}

/* May a visit's page have another place behind it than before? */
static bool places_change(const struct pw_event *e)
{
  uint32_t kind = e->kind;
  if (kind == PW_EVENT_ADVISE) return e->c == PW_ADVICE_HUGEPAGE;
  return kind == PW_EVENT_MAP || kind == PW_EVENT_MOVE || kind == PW_EVENT_FORK || kind == PW_EVENT_EXEC || kind == PW_EVENT_EXIT;
}

/* ---- blocks ---- */

static int fetch(struct pw_relayout *r, struct pw_error *err)
{
  if (r->block) r->passed += r->block->n_visits;
  r->block = NULL;
  int status = r->in.next(r->in.trace, &r->block, err);
  if (status <= 0) return status;
  r->visit = r->event = 0;
  size_t room = r->looked_up_room;
  if (pw_grow((void **)&r->pages, &r->pages_room, r->block->n_pages, sizeof *r->pages) ||
      pw_grow((void **)&r->looked_up, &r->looked_up_room, r->block->n_pages, sizeof *r->looked_up))
    return no_memory(err);
  if (r->looked_up_room > room) memset(r->looked_up + room, 0, (r->looked_up_room - room) * sizeof *r->looked_up);
  return 1;
}

/* Visits from r->visit up to `to`, and the events that were taken. */
static void lend(struct pw_relayout *r, uint32_t to)
{
  const struct pw_block *b = r->block;
  uint32_t from = r->visit;
  r->cuts++;
  for (uint32_t i = from; i < to; i++) {
    uint16_t k = b->page[i];
    if (r->looked_up[k] == r->cuts) continue;
    r->looked_up[k] = r->cuts;
    struct process *p = process_of(r, pw_key_process(b->pages[k]));
    if (p) p->places.keeps = false;
    if (p) pw_places_touch(&p->places, b->pages[k] & PW_PAGE_MASK);
    r->pages[k] = p ? pw_key(pw_key_process(b->pages[k]), pw_places_page(&p->places, b->pages[k] & PW_PAGE_MASK) & PW_PAGE_MASK) : b->pages[k];
  }
  r->out = (struct pw_block){.n_visits = to - from, .n_pages = b->n_pages, .n_events = (uint32_t)r->n_events, .pages = r->pages,
                             .page = b->page + from, .flags = b->flags + from, .events = r->events};
  if (b->offset) {
    r->out.offset = b->offset + from;
    r->out.pc = b->pc + from;
  }
  if (b->fetches) {
    r->out.fetches = b->fetches + from;
    r->out.loads = b->loads + from;
    r->out.stores = b->stores + from;
    r->out.touches = b->touches + from;
  }
  for (uint32_t i = from; b->fetches && i < to; i++) {
    r->out.totals.fetches += b->fetches[i];
    r->out.totals.loads += b->loads[i];
    r->out.totals.stores += b->stores[i];
  }
  r->visit = to;
}

static int next_block(struct pw_trace *context, const struct pw_block **block, struct pw_error *err)
{
  struct pw_relayout *r = (struct pw_relayout *)(void *)context;
  while (!r->block || (r->visit == r->block->n_visits && r->event == r->block->n_events)) {
    int status = fetch(r, err);
    if (status <= 0) return status;
  }
  const struct pw_block *b = r->block;
  r->n_events = 0;
  for (; r->event < b->n_events && (b->events[r->event].at == r->visit || !places_change(&b->events[r->event])); r->event++)
    if (take_event(r, r->event)) return no_memory(err);
  lend(r, r->event < b->n_events ? b->events[r->event].at : b->n_visits);
  *block = &r->out;
  return 1;
}

static const struct pw_trace_info *info(const struct pw_trace *context)
{
  const struct pw_relayout *r = (const struct pw_relayout *)(const void *)context;
  return r->in.info(r->in.trace);
}

static void need_counts(struct pw_trace *context)
{
  struct pw_relayout *r = (struct pw_relayout *)(void *)context;
  r->in.need_counts(r->in.trace);
}

struct pw_blocks pw_relayout_blocks(struct pw_relayout *r)
{
  return (struct pw_blocks){.trace = (struct pw_trace *)(void *)r, .next = next_block, .info = info, .need_counts = need_counts};
}

struct pw_relayout *pw_relayout_new(struct pw_blocks blocks, struct pw_relayout *parent, const char *name)
{
  struct pw_relayout *r = pw_calloc(1, sizeof *r);
  if (!r) return NULL;
  r->in = blocks;
  for (size_t i = 0; parent && i < parent->n_children; i++) {
    if (strcmp(parent->children[i].name, name) != 0) continue;
    if (reserve(r, 0) || begin_process(r, 0, &parent->children[i].places)) {
      pw_relayout_free(r);
      return NULL;
    }
    r->processes[0].places.keeps = true;
    drop_child(parent, i);
    break;
  }
  return r;
}

void pw_relayout_free(struct pw_relayout *r)
{
  if (!r) return;
  for (size_t i = 0; i < r->n_processes; i++) end_process(r, (uint32_t)i);
  while (r->n_children) drop_child(r, r->n_children - 1);
  pw_free(r->processes);
  pw_free(r->children);
  pw_free(r->pages);
  pw_free(r->looked_up);
  pw_free(r->events);
  pw_free(r);
}
