/* Pages, processes, mappings and tables of one page size. See account.h. */
#include "engine/account.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "memory/mappings.h"
#include "memory/pages.h"
#include "mmu/geometry.h"
#include "mmu/tables.h"

struct fit {
  const struct pw_geometry *geometry;
  unsigned bits;          /* that the widest address needs, once one did not fit; else 0 */
  uint64_t page;          /* a base page that did not fit */
};

/* What a block came to. Two of them take turns, so that models may still read the
 * last while the next is written. */
struct output {
  struct pw_numbered numbered;
  uint64_t key[PW_BLOCK_VISITS], new_key[PW_BLOCK_VISITS];
  uint32_t id[PW_BLOCK_VISITS];
  struct pw_step *steps;
  struct pw_left *left;
  struct pw_change *changes;
  size_t n_left, n_changes, steps_room, left_room, changes_room;
};

struct pw_account {
  unsigned page_shift, shift; /* shift: over base pages */
  struct pw_run_options options;
  struct pw_pages pages;
  struct pw_tables *tables;
  struct pw_mappings mappings;
  struct fit *fits;
  size_t n_fits, fits_room;
  uint32_t process, n_processes;
  bool exited[PW_PROCESSES];
  bool watching, shares;
  struct pw_sampler *sampler; /* of a time series, or NULL */
  uint32_t sampled_tree;
  uint8_t *streams;       /* by id, while watching: 1 = a data page, 2 = a code page */
  size_t streams_room;
  struct output *output[2];
  unsigned turn;
  bool logging, log_failed;
  struct pw_change cause; /* of what happens now: at, event, id */
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the pages of the trace; run fewer page sizes at a time");
}

static void log_change(struct pw_account *a, struct pw_change change)
{
  struct output *out = a->output[a->turn];
  if (pw_grow((void **)&out->changes, &out->changes_room, out->n_changes + 1, sizeof *out->changes)) {
    a->log_failed = true;
    return;
  }
  change.at = a->cause.at;
  change.event = a->cause.event;
  out->changes[out->n_changes++] = change;
}

static void log_page(struct pw_account *a, enum pw_change_kind kind, uint32_t id)
{
  if (a->logging) log_change(a, (struct pw_change){.kind = kind, .id = id});
}

static void log_table(void *context, unsigned span_bits, uint64_t prefix_key, uint64_t bytes, bool exists)
{
  struct pw_account *a = context;
  log_change(a, (struct pw_change){.kind = exists ? PW_CHANGE_TABLE : PW_CHANGE_TABLE_GONE, .id = a->cause.id,
                                   .span_bits = span_bits, .prefix = prefix_key, .bytes = bytes});
}

void pw_account_log(struct pw_account *a)
{
  a->logging = true;
  pw_tables_watch(a->tables, log_table, a);
}

static void add_process(struct pw_account *a, uint32_t process)
{
  if (a->exited[process]) pw_tables_add_process(a->tables);
  a->exited[process] = false;
  for (; a->n_processes <= process; a->n_processes++) pw_tables_add_process(a->tables);
}

int pw_account_create(struct pw_account **account, unsigned page_shift, const struct pw_run_options *options,
                      struct pw_error *err)
{
  struct pw_account *a = *account = pw_calloc(1, sizeof *a);
  if (!a) return out_of_memory(err);
  a->page_shift = page_shift;
  a->shift = page_shift - PW_BASE_SHIFT;
  a->options = *options;
  pw_pages_init(&a->pages);
  pw_mappings_init(&a->mappings);
  int status = pw_tables_create(&a->tables, page_shift, err);
  for (int i = 0; !status && i < 2; i++) {
    a->output[i] = pw_calloc(1, sizeof *a->output[i]);
    if (!a->output[i]) status = out_of_memory(err);
  }
  if (status) {
    pw_account_destroy(a);
    *account = NULL;
  }
  return status;
}

void pw_account_destroy(struct pw_account *a)
{
  if (!a) return;
  for (int i = 0; i < 2; i++) {
    if (!a->output[i]) continue;
    pw_free(a->output[i]->steps);
    pw_free(a->output[i]->left);
    pw_free(a->output[i]->changes);
    pw_free(a->output[i]);
  }
  pw_pages_clear(&a->pages);
  pw_mappings_clear(&a->mappings);
  pw_tables_destroy(a->tables);
  pw_free(a->fits);
  pw_free(a->streams);
  pw_sampler_destroy(a->sampler);
  pw_free(a);
}

static int find_fit(struct pw_account *a, const struct pw_geometry *g, uint32_t *number, struct pw_error *err)
{
  for (size_t i = 0; i < a->n_fits; i++)
    if (pw_geometry_va_bits(a->fits[i].geometry) == pw_geometry_va_bits(g) &&
        a->fits[i].geometry->sign_extended == g->sign_extended) {
      *number = (uint32_t)i;
      return 0;
    }
  if (pw_grow((void **)&a->fits, &a->fits_room, a->n_fits + 1, sizeof *a->fits)) return out_of_memory(err);
  a->fits[a->n_fits] = (struct fit){.geometry = g};
  *number = (uint32_t)a->n_fits++;
  return 0;
}

int pw_account_add(struct pw_account *a, const struct pw_geometry *g, struct pw_account_slot *slot, struct pw_error *err)
{
  int64_t tree = pw_tables_add_geometry(a->tables, g, err);
  if (tree < 0) return (int)tree;
  slot->tree = (uint32_t)tree;
  return find_fit(a, g, &slot->fit, err);
}

void pw_account_watch_sharing(struct pw_account *a)
{
  a->watching = a->options.only == PW_STREAM_BOTH;
}

bool pw_account_shares(const struct pw_account *a)
{
  return a->shares;
}

int pw_account_sample(struct pw_account *a, const struct pw_account_slot *slot, uint64_t every, const char *path,
                      struct pw_error *err)
{
  a->sampled_tree = slot->tree;
  return pw_sampler_create(&a->sampler, every, path, err);
}

const struct pw_sampler *pw_account_sampler(const struct pw_account *a)
{
  return a->sampler;
}

/* Keys and ids of the block's pages. */
static int number_pages(struct pw_account *a, struct output *out, const struct pw_block *b, struct pw_error *err)
{
  if (pw_pages_reserve(&a->pages, b->n_pages) || pw_tables_reserve(a->tables, b->n_pages)) return out_of_memory(err);
  size_t before = a->pages.n_ids;
  int status = a->sampler ? pw_sampler_check(a->sampler, err) : 0;
  if (status) return status;
  for (uint32_t i = 0; i < b->n_pages; i++) {
    uint64_t key = pw_key_shift(b->pages[i], a->shift);
    if (i + 16 < b->n_pages) /* its slot is fetched while the ones before are looked up */
      __builtin_prefetch(&a->pages.slots[pw_pages_home(&a->pages, pw_key_shift(b->pages[i + 16], a->shift))]);
    out->key[i] = key;
    out->id[i] = i && key == out->key[i - 1] ? out->id[i - 1] : pw_pages_id(&a->pages, key);
  }
  if (a->pages.n_ids > before) memcpy(out->new_key, a->pages.key + before, (a->pages.n_ids - before) * sizeof *out->new_key);
  out->numbered = (struct pw_numbered){.block = b, .key = out->key, .id = out->id,
                                       .n_ids = a->pages.n_ids, .new_key = out->new_key, .first_new = before};
  out->n_left = out->n_changes = 0;
  return 0;
}

int pw_account_number(struct pw_account *a, const struct pw_block *b, const struct pw_numbered **numbered, struct pw_error *err)
{
  struct output *out = a->output[a->turn ^= 1];
  *numbered = &out->numbered;
  return number_pages(a, out, b, err);
}

void pw_account_turn(struct pw_account *a)
{
  pw_pages_clear(&a->pages); /* the second pass gives the same ids again */
}

/* The page of index i is touched: it may arrive. */
static inline void arrive(struct pw_account *a, const struct output *out, uint32_t i)
{
  if (!pw_pages_touch(&a->pages, out->id[i])) return;
  a->cause.id = out->id[i];
  log_page(a, PW_CHANGE_ARRIVE, out->id[i]);
  log_page(a, PW_CHANGE_FAULT, out->id[i]);
  pw_tables_add_page(a->tables, out->key[i]);
  if (a->sampler) pw_sampler_arrive(a->sampler, out->id[i], out->numbered.block->pages[i]);
  uint64_t page = out->numbered.block->pages[i] & PW_PAGE_MASK;
  for (size_t f = 0; f < a->n_fits; f++) {
    struct fit *fit = &a->fits[f];
    if (pw_geometry_fits(fit->geometry, page)) continue;
    if (fit->bits == 0) fit->page = page;
    /* only a table that sign-extends can hold an address of the upper half */
    unsigned bits = pw_address_bits(page, fit->geometry->sign_extended || page >> (PW_PAGE_BITS - 1));
    if (bits > fit->bits) fit->bits = bits;
  }
}

static void arrive_between(struct pw_account *a, const struct output *out, uint32_t from, uint32_t to)
{
  const struct pw_block *b = out->numbered.block;
  for (uint32_t i = from; i < to; i++) {
    bool code = b->flags[i] & PW_VISIT_CODE;
    a->cause.at = i;
    if (a->options.only == PW_STREAM_BOTH || (a->options.only == PW_STREAM_FETCH) == code) arrive(a, out, b->page[i]);
  }
}

/* Is a page of this block touched by both streams? Openers tell: no page is touched that none opened. */
static int note_streams(struct pw_account *a, const struct output *out, struct pw_error *err)
{
  const struct pw_block *b = out->numbered.block;
  size_t room = a->streams_room;
  if (pw_grow((void **)&a->streams, &a->streams_room, a->pages.n_ids, 1)) return out_of_memory(err);
  if (a->streams_room > room) memset(a->streams + room, 0, a->streams_room - room);
  uint8_t seen[2] = {1, 2}, both = 0;
  for (uint32_t i = 0; i < b->n_visits; i++) {
    uint8_t *streams = &a->streams[out->id[b->page[i]]];
    *streams |= seen[b->flags[i] & PW_VISIT_CODE];
    both |= *streams == 3;
  }
  a->shares |= both;
  return 0;
}

static struct pw_step *add_step(struct output *out, uint32_t at, enum pw_step_kind kind)
{
  struct pw_numbered *n = &out->numbered;
  if (pw_grow((void **)&out->steps, &out->steps_room, n->n_steps + 1, sizeof *out->steps)) return NULL;
  struct pw_step *step = &out->steps[n->n_steps++];
  *step = (struct pw_step){.at = at, .kind = kind, .first_key = 1, .first = out->n_left};
  return step;
}

static int page_leaves(struct pw_account *a, struct output *out, uint32_t id)
{
  if (!a->pages.present[id]) return 0;
  if (pw_grow((void **)&out->left, &out->left_room, out->n_left + 1, sizeof *out->left)) return -1;
  out->left[out->n_left++] = (struct pw_left){a->pages.key[id], id};
  pw_pages_leave(&a->pages, id);
  log_page(a, PW_CHANGE_LEAVE, id);
  pw_tables_remove_page(a->tables, a->pages.key[id], a->mappings.known);
  return 0;
}

/* Does a page at the edge of an unmapped range stay, since something else of it is mapped? */
static bool stays(const struct pw_account *a, uint64_t page, uint64_t first, uint64_t last)
{
  uint64_t low = page << a->shift, high = low + (UINT64_C(1) << a->shift) - 1;
  if (a->mappings.known) return pw_mappings_intersect(&a->mappings, a->process, low, high);
  return low < first || high > last;
}

static bool mapped(void *context, uint32_t process, uint64_t first, uint64_t last)
{
  return pw_mappings_intersect(context, process, first, last);
}

static int leave_range(struct pw_account *a, struct output *out, struct pw_step *step)
{
  uint64_t n = step->last_key - step->first_key;
  if (n < a->pages.n_ids) {
    for (uint64_t key = step->first_key; key <= step->last_key; key++) {
      uint32_t id = pw_pages_find(&a->pages, key);
      if (id != PW_NO_PAGE_ID && page_leaves(a, out, id)) return -1;
    }
  } else {
    for (size_t id = 0; id < a->pages.n_ids; id++)
      if (a->pages.key[id] >= step->first_key && a->pages.key[id] <= step->last_key && page_leaves(a, out, (uint32_t)id)) return -1;
  }
  step->n = out->n_left - step->first;
  return 0;
}

/* Base pages first … last of the running process go. */
static int unmap(struct pw_account *a, struct output *out, uint32_t at, uint64_t first, uint64_t last)
{
  if (a->mappings.known && pw_mappings_remove(&a->mappings, a->process, first, last)) return -1;
  uint64_t low = first >> a->shift, high = last >> a->shift;
  bool low_stays = stays(a, low, first, last), high_stays = stays(a, high, first, last);
  low += low_stays;
  if (high_stays && high-- == 0) high = 0, low = 1;
  struct pw_step *step = add_step(out, at, PW_STEP_LEAVE);
  if (!step) return -1;
  if (low <= high) {
    step->first_key = pw_key(a->process, low);
    step->last_key = pw_key(a->process, high);
    if (leave_range(a, out, step)) return -1;
  }
  if (a->mappings.known) pw_tables_forget(a->tables, a->process, first, last, mapped, &a->mappings);
  return 0;
}

/* As in the kernel, a range that reaches into a page maps or unmaps all of it. */
static int handle_event(struct pw_account *a, struct output *out, const struct pw_event *e)
{
  uint64_t first = e->a >> PW_BASE_SHIFT, last = (e->a + e->b - 1) >> PW_BASE_SHIFT;
  switch (e->kind) {
    case PW_EVENT_PROCESS: {
      add_process(a, (uint32_t)e->b);
      bool flush = a->options.no_asid && a->process != e->b;
      a->process = (uint32_t)e->b;
      return flush && !add_step(out, e->at, PW_STEP_FLUSH) ? -1 : 0;
    }
    case PW_EVENT_FORK:
      add_process(a, (uint32_t)e->b);
      return 0;
    case PW_EVENT_MAP:
      return e->b ? pw_mappings_add(&a->mappings, a->process, first, last) : 0;
    case PW_EVENT_UNMAP:
      return e->b ? unmap(a, out, e->at, first, last) : 0;
    case PW_EVENT_EXIT:
      if (!a->exited[a->process]) pw_tables_remove_process(a->tables);
      a->exited[a->process] = true;
      return unmap(a, out, e->at, 0, PW_PAGE_MASK);
    case PW_EVENT_EXEC:
      return unmap(a, out, e->at, 0, PW_PAGE_MASK);
    case PW_EVENT_MARK:
      a->pages.n_arrivals = 0;
      return add_step(out, e->at, PW_STEP_COUNT) ? 0 : -1;
    default:
      return 0;
  }
}

/* The same, and what a time series is to know of it. */
static int take_event(struct pw_account *a, struct output *out, const struct pw_event *e)
{
  size_t left = out->n_left;
  if (handle_event(a, out, e)) return -1;
  if (!a->sampler) return 0;
  if (e->kind == PW_EVENT_MARK) pw_sampler_mark(a->sampler);
  bool returned = e->kind == PW_EVENT_UNMAP || e->kind == PW_EVENT_DISCARD;
  for (; left < out->n_left; left++) {
    uint64_t key = out->left[left].key;
    pw_sampler_leave(a->sampler, out->left[left].id, pw_key(pw_key_process(key), (key & PW_PAGE_MASK) << a->shift), returned);
  }
  return pw_sampler_event(a->sampler, a->process, e);
}

static int take_sample(struct pw_account *a, struct output *out, uint32_t at, bool ended)
{
  struct pw_sample *now = &a->sampler->now;
  now->minor_faults = a->pages.n_arrivals;
  now->present_pages = a->pages.n_present;
  now->table_bytes = pw_tables_bytes(a->tables, a->sampled_tree);
  for (int area = 0; area < PW_AREAS; area++) now->mapped_pages[area] = a->sampler->areas.pages[area];
  int64_t number = pw_sampler_note(a->sampler, ended);
  struct pw_step *step = number < 0 ? NULL : add_step(out, at, PW_STEP_SAMPLE);
  if (step) step->first = (size_t)number;
  return step ? 0 : -1;
}

/* Visits [from, to); of a time series, with a sample behind each that ends a window and behind the block's last. */
static int take_visits(struct pw_account *a, struct output *out, uint32_t from, uint32_t to)
{
  const struct pw_block *b = out->numbered.block;
  if (!a->sampler) arrive_between(a, out, from, to);
  while (a->sampler && from < to) {
    bool ended;
    uint32_t end = pw_sampler_go(a->sampler, b, from, to, &ended);
    arrive_between(a, out, from, end);
    from = end;
    if ((ended || end == b->n_visits) && take_sample(a, out, end, ended)) return -1;
  }
  return 0;
}

/* Does the block hold events that make pages leave or counting start? */
static bool is_eventful(const struct pw_block *b)
{
  for (uint32_t i = 0; i < b->n_events; i++)
    if (b->events[i].kind != PW_EVENT_THREAD && b->events[i].kind != PW_EVENT_PROCESS && b->events[i].kind != PW_EVENT_MAP)
      return true;
  return false;
}

int pw_account_block(struct pw_account *a, const struct pw_block *b, const struct pw_numbered **numbered, struct pw_error *err)
{
  struct output *out = a->output[a->turn ^= 1];
  int status = number_pages(a, out, b, err);
  a->cause = (struct pw_change){.event = PW_BY_VISIT};
  if (a->n_processes == 0) add_process(a, 0);
  if (!status && a->watching && !a->shares) status = note_streams(a, out, err);
  if (status) return status;
  /* which pages are touched is all that matters, unless some leave in between */
  bool by_visit = is_eventful(b) || a->options.only != PW_STREAM_BOTH || a->logging || a->sampler;
  for (uint32_t i = 0; !by_visit && i < b->n_pages; i++) arrive(a, out, i);
  uint32_t from = 0;
  for (uint32_t i = 0; i < b->n_events; i++) {
    if (by_visit && take_visits(a, out, from, b->events[i].at)) return out_of_memory(err);
    from = b->events[i].at;
    size_t before = out->numbered.n_steps;
    a->cause = (struct pw_change){.at = from, .event = i};
    if (take_event(a, out, &b->events[i])) return out_of_memory(err);
    a->cause.event = PW_BY_VISIT;
    for (; before < out->numbered.n_steps; before++) out->steps[before].event = i;
  }
  if (by_visit && take_visits(a, out, from, b->n_visits)) return out_of_memory(err);
  out->numbered.steps = out->steps;
  out->numbered.left = out->left;
  out->numbered.changes = out->changes;
  out->numbered.n_changes = out->n_changes;
  if (a->log_failed) return out_of_memory(err);
  *numbered = &out->numbered;
  return 0;
}

void pw_account_result(const struct pw_account *a, const struct pw_account_slot *slot, struct pw_result *r,
                       uint64_t *unfit_page, unsigned *unfit_bits)
{
  r->minor_faults = a->pages.n_arrivals;
  r->resident_bytes = r->touched_bytes = a->pages.peak_present << a->page_shift;
  r->table_bytes = pw_tables_peak_bytes(a->tables, slot->tree);
  *unfit_page = a->fits[slot->fit].page;
  *unfit_bits = a->fits[slot->fit].bits;
  r->unfit = *unfit_bits > 0;
}
