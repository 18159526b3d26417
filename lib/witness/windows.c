/* Windows of a time series. See windows.h. */
#include "witness/windows.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "engine/machine.h"
#include "space/spaces.h"

enum area { OTHER, HEAP, MMAP, AREAS };

struct pw_windows {
  struct pw_witness witness;
  const char *trace;             /* its name */
  struct pw_config config;
  enum pw_stream only;
  uint64_t every, start, end;    /* accesses; counting began at `start`, the window ends at `end` */
  uint64_t access;               /* run so far, of both streams and with the warm-up */
  bool ended;                    /* the window, with this stretch */
  struct pw_totals counted;
  uint64_t minor_faults, present_pages, table_bytes; /* present: frames of unlimited memory */
  struct pw_result before, last; /* counts where the window begins, and where the last one did */
  struct pw_window *windows;
  size_t n, room;                /* windows that have ended */
  bool open;                     /* and one more that has not, windows[n] */
  struct pw_spaces spaces;
  struct pages {
    uint64_t faults[AREAS], returned[AREAS];
  } pages, pages_before;
  uint8_t *area;                 /* by id: 1 + the area that its fault was in; 0 = none yet */
  size_t area_room;
  const struct pw_block *block;
  const uint64_t *key;           /* by id */
  bool failed;                   /* memory ran out for it */
};

static uint64_t sum_of(uint64_t a, uint64_t b)
{
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* ---- pages and areas ---- */

/* The base page of a fault; the kernel's within the range of its event. */
static uint64_t fault_key(const struct pw_windows *s, uint32_t id, const struct pw_place *place)
{
  if (place->event == PW_BY_VISIT) return pw_opened_key(s->block, place->opener);
  uint64_t page = (s->key[id] & PW_PAGE_MASK) << (s->config.page_shift - PW_BASE_SHIFT);
  uint64_t first = s->block->events[place->event].a >> PW_BASE_SHIFT;
  return pw_key(pw_key_process(s->key[id]), page < first ? first : page);
}

static enum area area_of(const struct pw_windows *s, uint64_t key)
{
  struct pw_vma vma;
  if (!pw_spaces_at(&s->spaces, pw_key_process(key), key & PW_PAGE_MASK, &vma)) return OTHER;
  return vma.kind == PW_VMA_HEAP ? HEAP : vma.kind == PW_VMA_MMAP ? MMAP : OTHER;
}

static void changed(struct pw_witness *w, const struct pw_change *change, const struct pw_place *place)
{
  struct pw_windows *s = (struct pw_windows *)w;
  enum area area;
  switch (change->kind) {
    case PW_CHANGE_FAULT:
      area = area_of(s, fault_key(s, change->id, place));
      s->minor_faults++;
      s->pages.faults[area]++;
      s->area[change->id] = (uint8_t)(1 + area);
      return;
    case PW_CHANGE_ARRIVE:
    case PW_CHANGE_COPY:
      s->present_pages++;
      return;
    case PW_CHANGE_FORK:
    case PW_CHANGE_MOVE:
      s->area[change->id] = s->area[change->from];
      return;
    case PW_CHANGE_LEAVE:
      s->present_pages--;
      if (change->returned && s->area[change->id]) s->pages.returned[s->area[change->id] - 1]++;
      return;
    case PW_CHANGE_TABLE:
      s->table_bytes += change->bytes;
      return;
    case PW_CHANGE_TABLE_GONE:
      s->table_bytes -= change->bytes;
      return;
  }
}

static int event(struct pw_witness *w, const struct pw_event *e, struct pw_error *err)
{
  return pw_spaces_event(&((struct pw_windows *)w)->spaces, e, NULL, NULL, err);
}

/* ---- windows ---- */

/* Counts along, up to the end of the window. */
static uint32_t until(struct pw_witness *w, uint32_t from, uint32_t to)
{
  struct pw_windows *s = (struct pw_windows *)w;
  const struct pw_block *b = s->block;
  for (; from < to && s->access < s->end; from++) {
    s->counted.fetches += b->fetches[from];
    s->counted.loads += b->loads[from];
    s->counted.stores += b->stores[from];
    s->access += (uint64_t)b->fetches[from] + b->loads[from] + b->stores[from];
  }
  s->ended = s->access >= s->end;
  if (s->ended) s->end = sum_of(s->start + (s->access - s->start) / s->every * s->every, s->every);
  return from;
}

/* The counts now, as a run up to here would report them. */
static struct pw_result counts(const struct pw_windows *s, const struct pw_machine *machine)
{
  struct pw_result r = {.counted = s->counted};
  pw_machine_counts(machine, &r);
  if (s->only == PW_STREAM_FETCH) r.counted.loads = r.counted.stores = 0;
  if (s->only == PW_STREAM_DATA) r.counted.fetches = 0;
  r.minor_faults = s->minor_faults;
  return r;
}

/* What a series has of the counts `now`, since those before. */
static struct pw_result difference(const struct pw_result *now, const struct pw_result *before)
{
  const struct pw_count *c;
  struct pw_result window = {0};
  for (size_t i = 0; (c = pw_count_entry(i)); i++) {
    if (!c->window || c->of || c->unit == PW_COUNT_RATE) continue; /* the others follow from these */
    uint64_t value = pw_count_value(c, now) - (c->window == PW_WINDOW_DIFFERENCE ? pw_count_value(c, before) : 0);
    memcpy((char *)&window + c->offset, &value, sizeof value);
  }
  return window;
}

static struct pw_window_area read_area(const struct pw_windows *s, enum area area, uint64_t mapped_pages)
{
  return (struct pw_window_area){.bytes = mapped_pages << PW_BASE_SHIFT,
                                 .minor_faults = s->pages.faults[area] - s->pages_before.faults[area],
                                 .returned_bytes = (s->pages.returned[area] - s->pages_before.returned[area]) << s->config.page_shift};
}

/* The window up to here: at its end, and at the end of each block, in case that none follows. */
static void passed(struct pw_witness *w, const struct pw_machine *machine, uint32_t to)
{
  struct pw_windows *s = (struct pw_windows *)w;
  if (!s->ended && to < s->block->n_visits) return;
  if (pw_grow((void **)&s->windows, &s->room, s->n + 1, sizeof *s->windows)) {
    s->failed = true;
    return;
  }
  struct pw_result now = counts(s, machine);
  now.table_bytes = s->table_bytes; /* not the peaks */
  now.resident_bytes = (machine->memory ? machine->memory->used : s->present_pages) << s->config.page_shift;
  s->windows[s->n] = (struct pw_window){.access = s->access, .counts = difference(&now, &s->before),
                                        .heap = read_area(s, HEAP, s->spaces.pages[PW_VMA_HEAP]),
                                        .mmap = read_area(s, MMAP, s->spaces.pages[PW_VMA_MMAP])};
  s->open = !s->ended;
  if (s->open) return;
  s->n++;
  s->last = s->before;
  s->before = now;
  s->pages_before = s->pages;
}

/* Counting starts here. */
static void count(struct pw_witness *w)
{
  struct pw_windows *s = (struct pw_windows *)w;
  s->start = s->access;
  s->end = sum_of(s->access, s->every);
  s->counted = (struct pw_totals){0, 0, 0};
  s->minor_faults = 0;
  s->before = (struct pw_result){0};
  s->pages = s->pages_before = (struct pages){{0}, {0}};
  s->n = 0;
  s->open = false;
}

static int begin(struct pw_witness *w, const struct pw_paged *paged, const uint64_t *key, struct pw_error *err)
{
  struct pw_windows *s = (struct pw_windows *)w;
  size_t known = s->area_room;
  s->block = paged->block;
  s->key = key;
  if (pw_grow((void **)&s->area, &s->area_room, paged->n_ids, 1))
    return pw_error_set(err, PW_ENOMEM, "memory ran out for the time series");
  if (s->area_room > known) memset(s->area + known, 0, s->area_room - known);
  return 0;
}

static int end(struct pw_witness *w, struct pw_error *err)
{
  struct pw_windows *s = (struct pw_windows *)w;
  if (s->failed) return pw_error_set(err, PW_ENOMEM, "memory ran out for the time series; take longer windows");
  if (s->n + s->open <= PW_SERIES_MOST) return 0;
  return pw_error_set(err, PW_EINVAL,
                      "%s: windows of %" PRIu64 " accesses are more than %u, and the trace goes on; take longer windows",
                      s->trace, s->every, PW_SERIES_MOST);
}

static const struct pw_witness_class class = {.begin = begin, .until = until, .changed = changed, .event = event,
                                              .passed = passed,
                                              .count = count, .end = end};

/* ---- beginning and end ---- */

int pw_windows_create(struct pw_windows **windows, const char *trace, const struct pw_config *config, uint64_t every,
                      enum pw_stream only, struct pw_error *err)
{
  struct pw_windows *s = *windows = pw_calloc(1, sizeof *s);
  if (!s) return pw_error_set(err, PW_ENOMEM, "memory ran out for the time series");
  s->witness.class = &class;
  s->trace = trace;
  s->config = *config;
  s->only = only;
  s->every = s->end = every;
  if (pw_spaces_init(&s->spaces, PW_SPACES_COUNT) == 0) return 0;
  pw_windows_destroy(s);
  *windows = NULL;
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the time series");
}

void pw_windows_destroy(struct pw_windows *s)
{
  if (!s) return;
  pw_spaces_clear(&s->spaces);
  pw_free(s->windows);
  pw_free(s->area);
  pw_free(s);
}

int pw_windows_finish(struct pw_windows *s, struct pw_series *series, struct pw_error *err)
{
  if (s->n + s->open == 0) { /* no access at all, or none after the warm-up */
    if (pw_grow((void **)&s->windows, &s->room, 1, sizeof *s->windows))
      return pw_error_set(err, PW_ENOMEM, "memory ran out for the time series; take longer windows");
    s->windows[0] = (struct pw_window){.access = s->access, .heap = read_area(s, HEAP, 0), .mmap = read_area(s, MMAP, 0)};
    s->open = true;
  }
  series->n_windows = s->n + s->open;
  series->has_areas = s->spaces.known;
  series->windows = s->windows;
  s->windows = NULL;
  struct pw_window *last = &series->windows[series->n_windows - 1];
  struct pw_result total = series->total;
  total.table_bytes = last->counts.table_bytes;
  total.resident_bytes = last->counts.resident_bytes;
  last->counts = difference(&total, s->open ? &s->before : &s->last);
  return 0;
}
