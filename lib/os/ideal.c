/* Pages, processes, mappings and tables of one page size. See ideal.h. */
#include <string.h>

#include "base/alloc.h"
#include "os/ideal_state.h"

int pw_ideal_out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM,
                      "memory ran out for the pages of the trace; free some, or run larger pages or a part of it (--limit)");
}

static void log_change(struct pw_ideal *a, struct pw_change change)
{
  struct pw_ideal_output *out = a->output[a->turn];
  if (pw_grow((void **)&out->changes, &out->changes_room, out->n_changes + 1, sizeof *out->changes)) {
    a->failed = true;
    return;
  }
  change.at = a->cause.at;
  change.event = a->cause.event;
  out->changes[out->n_changes++] = change;
}

void pw_ideal_log_page(struct pw_ideal *a, enum pw_change_kind kind, uint32_t id, uint32_t from)
{
  if (a->logging) log_change(a, (struct pw_change){.kind = kind, .id = id, .from = from});
  a->cause.id = id;
}

void pw_ideal_log_leave(struct pw_ideal *a, uint32_t id, bool returned)
{
  if (a->logging) log_change(a, (struct pw_change){.kind = PW_CHANGE_LEAVE, .id = id, .returned = returned});
  a->cause.id = id;
}

static void log_table(void *context, unsigned span_bits, uint64_t prefix_key, uint64_t bytes, bool exists)
{
  struct pw_ideal *a = context;
  log_change(a, (struct pw_change){.kind = exists ? PW_CHANGE_TABLE : PW_CHANGE_TABLE_GONE, .id = a->cause.id,
                                   .span_bits = span_bits, .prefix = prefix_key, .bytes = bytes});
}

static struct pw_ideal *ideal_of(struct pw_os *os)
{
  return (struct pw_ideal *)os;
}

void pw_ideal_log(struct pw_os *os)
{
  struct pw_ideal *a = ideal_of(os);
  a->logging = true;
  pw_tables_watch(a->tables, log_table, a);
}

static int take_block(struct pw_os *os, const struct pw_block *b, const struct pw_paged **numbered, struct pw_error *err);
static void give_result(const struct pw_os *os, const struct pw_os_slot *slot, struct pw_result *r, uint64_t *unfit_page,
                        unsigned *unfit_bits);
static void destroy(struct pw_os *os);
static const struct pw_os_class class = {take_block, give_result, destroy};

int pw_ideal_create(struct pw_os **os, unsigned page_shift, const struct pw_run_options *options, struct pw_error *err)
{
  struct pw_ideal *a = pw_calloc(1, sizeof *a);
  *os = a ? &a->os : NULL;
  if (!a) return pw_ideal_out_of_memory(err);
  a->os.class = &class;
  a->page_shift = page_shift;
  a->shift = page_shift - PW_BASE_SHIFT;
  a->options = *options;
  pw_pages_init(&a->pages);
  int status = pw_spaces_init(&a->spaces, 0) ? pw_ideal_out_of_memory(err) : pw_tables_create(&a->tables, page_shift, err);
  for (int i = 0; !status && i < 2; i++) {
    a->output[i] = pw_malloc(1, sizeof *a->output[i]);
    if (a->output[i]) memset(a->output[i], 0, offsetof(struct pw_ideal_output, key));
    if (!a->output[i]) status = pw_ideal_out_of_memory(err);
  }
  if (status) {
    destroy(*os);
    *os = NULL;
  }
  return status;
}

static void destroy(struct pw_os *os)
{
  struct pw_ideal *a = ideal_of(os);
  for (int i = 0; i < 2; i++) {
    if (!a->output[i]) continue;
    pw_free(a->output[i]->steps);
    pw_free(a->output[i]->left);
    pw_free(a->output[i]->gone);
    pw_free(a->output[i]->touched);
    pw_free(a->output[i]->touched_id);
    pw_free(a->output[i]->new_key);
    pw_free(a->output[i]->changes);
    pw_free(a->output[i]);
  }
  pw_pages_clear(&a->pages);
  for (size_t i = 0; i < a->present_room; i++) pw_present_clear(&a->frames, &a->present[i]);
  pw_frames_clear(&a->frames);
  pw_free(a->present);
  pw_free(a->alone);
  pw_free(a->frame_of);
  pw_free(a->lent);
  pw_spaces_clear(&a->spaces);
  pw_tables_destroy(a->tables);
  pw_free(a->fits);
  pw_free(a->streams);
  pw_free(a);
}

static int find_fit(struct pw_ideal *a, const struct pw_geometry *g, uint32_t *number, struct pw_error *err)
{
  for (size_t i = 0; i < a->n_fits; i++)
    if (pw_geometry_va_bits(a->fits[i].geometry) == pw_geometry_va_bits(g) &&
        a->fits[i].geometry->sign_extended == g->sign_extended) {
      *number = (uint32_t)i;
      return 0;
    }
  if (pw_grow((void **)&a->fits, &a->fits_room, a->n_fits + 1, sizeof *a->fits)) return pw_ideal_out_of_memory(err);
  a->fits[a->n_fits] = (struct pw_ideal_fit){.geometry = g};
  *number = (uint32_t)a->n_fits++;
  return 0;
}

int pw_ideal_add(struct pw_os *os, const struct pw_geometry *g, struct pw_os_slot *slot, struct pw_error *err)
{
  struct pw_ideal *a = ideal_of(os);
  int64_t tree = pw_tables_add_geometry(a->tables, g, err);
  if (tree < 0) return (int)tree;
  slot->tree = (uint32_t)tree;
  return find_fit(a, g, &slot->fit, err);
}

void pw_ideal_lend_frames(struct pw_os *os)
{
  ideal_of(os)->finite = true;
}

void pw_ideal_watch_sharing(struct pw_os *os)
{
  struct pw_ideal *a = ideal_of(os);
  a->watching = a->options.only != PW_STREAM_FETCH;
}

bool pw_ideal_shares(const struct pw_os *os)
{
  return ((const struct pw_ideal *)os)->shares;
}

uint64_t pw_ideal_steps(const struct pw_os *os)
{
  return ((const struct pw_ideal *)os)->frames.steps;
}

/* Keys and ids of the block's pages. */
static int number_pages(struct pw_ideal *a, struct pw_ideal_output *out, const struct pw_block *b, struct pw_error *err)
{
  if (pw_pages_reserve(&a->pages, b->n_pages)) return pw_ideal_out_of_memory(err);
  out->numbered = (struct pw_paged){.block = b, .key = out->key, .id = out->id, .first_new = a->pages.n_ids};
  for (uint32_t i = 0; i < b->n_pages; i++) {
    uint64_t key = pw_key_shift(b->pages[i], a->shift);
    if (i + 16 < b->n_pages) /* its slot is fetched while the ones before are looked up */
      __builtin_prefetch(&a->pages.slots[pw_pages_home(&a->pages, pw_key_shift(b->pages[i + 16], a->shift))]);
    out->key[i] = key;
    out->id[i] = i && key == out->key[i - 1] ? out->id[i - 1] : pw_pages_id(&a->pages, key);
  }
  out->n_left = out->n_gone = out->n_touched = out->n_changes = 0;
  if (a->finite && pw_grow((void **)&a->lent, &a->lent_room, b->n_pages, sizeof *a->lent)) return pw_ideal_out_of_memory(err);
  if (a->frames.all) memset(a->lent, 0xff, b->n_pages * sizeof *a->lent);
  return 0;
}

/* The keys of the ids that are new: the pages may grow while models still read these. */
static int tell_new_keys(const struct pw_ideal *a, struct pw_ideal_output *out, struct pw_error *err)
{
  struct pw_paged *n = &out->numbered;
  size_t before = n->first_new, new = a->pages.n_ids - before;
  if (pw_grow((void **)&out->new_key, &out->new_room, new, sizeof *out->new_key)) return pw_ideal_out_of_memory(err);
  if (new) memcpy(out->new_key, a->pages.key + before, new * sizeof *out->new_key);
  n->n_ids = a->pages.n_ids;
  n->new_key = out->new_key;
  n->steps = out->steps;
  n->left = out->left;
  n->gone = out->gone;
  n->touched = out->touched;
  n->touched_id = out->touched_id;
  n->numbered = a->frames.all;
  n->frame = n->numbered ? out->frame : out->id;
  n->n_frames = n->numbered ? a->frames.n_numbers : n->n_ids;
  n->changes = out->changes;
  n->n_changes = out->n_changes;
  return a->failed ? pw_ideal_out_of_memory(err) : 0;
}

void pw_ideal_check_fit(struct pw_ideal *a, uint64_t page)
{
  for (size_t f = 0; f < a->n_fits; f++) {
    struct pw_ideal_fit *fit = &a->fits[f];
    if (pw_geometry_fits(fit->geometry, page)) continue;
    if (fit->bits == 0) fit->page = page;
    /* only a table that sign-extends can hold an address of the upper half */
    unsigned bits = pw_address_bits(page, fit->geometry->sign_extended || page >> (PW_PAGE_BITS - 1));
    if (bits > fit->bits) fit->bits = bits;
  }
}

void pw_ideal_arrive(struct pw_ideal *a, uint32_t id, uint64_t key, uint64_t base_page)
{
  uint32_t process = pw_key_process(key);
  uint64_t page = key & PW_PAGE_MASK, bit = UINT64_C(1) << (page & 63);
  struct pw_present *p = &a->present[process];
  uint64_t *there = pw_present_own(&a->frames, p, page);
  if (!there) {
    a->failed = true;
    return;
  }
  a->pages.touched[id] = true;
  if (!(*there & bit)) { /* else it is inherited */
    a->minor_faults++;
    pw_ideal_log_page(a, PW_CHANGE_ARRIVE, id, 0);
    pw_ideal_log_page(a, PW_CHANGE_FAULT, id, 0);
    if (!(*there & pw_tables_lowest(a->tables, page))) pw_tables_add_page(a->tables, p, process, page);
    a->failed |= pw_present_take(&a->frames, there, page) != 0;
    pw_ideal_check_fit(a, base_page);
  }
  if (a->frames.all && !a->failed) pw_ideal_put_frame(a, id);
}

/* A frame of its own, for which the shared one is read. */
static void copy(struct pw_ideal *a, uint32_t id, struct pw_present *p)
{
  pw_ideal_touch_frame(a, id, false);
  if (pw_present_part_with(&a->frames, p, a->pages.key[id] & PW_PAGE_MASK)) a->failed = true;
  else if (a->frames.all) pw_ideal_put_frame(a, id);
  a->minor_faults++;
  pw_ideal_log_page(a, PW_CHANGE_COPY, id, 0);
  pw_ideal_log_page(a, PW_CHANGE_FAULT, id, 0);
}

/* What it finds out is true until the process forks. */
bool pw_ideal_store(struct pw_ideal *a, uint32_t id)
{
  struct pw_present *p = &a->present[pw_key_process(a->pages.key[id])];
  size_t room = a->alone_room;
  if (!a->frames.shared || (id < room && a->alone[id] == p->age)) return false;
  bool shares = pw_present_shares(&a->frames, p, a->pages.key[id] & PW_PAGE_MASK);
  if (shares) copy(a, id, p);
  if (pw_grow((void **)&a->alone, &a->alone_room, a->pages.n_ids, sizeof *a->alone)) {
    a->failed = true;
    return shares;
  }
  if (a->alone_room > room) memset(a->alone + room, 0, (a->alone_room - room) * sizeof *a->alone);
  a->alone[id] = p->age;
  return shares;
}

static uint64_t base_page(const struct pw_block *b, uint32_t index)
{
  return b->pages[index] & PW_PAGE_MASK;
}

/* The page of index i is touched: it may arrive. */
static inline void arrive(struct pw_ideal *a, const struct pw_ideal_output *out, uint32_t i)
{
  pw_ideal_touch(a, out->id[i], out->key[i], base_page(out->numbered.block, i));
}

/* Visits [from, to). The pages of a visit are the last that its streams opened. */
static void arrive_between(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t from, uint32_t to)
{
  const struct pw_block *b = out->numbered.block;
  bool lends = a->frames.all, stores = a->frames.shared != 0 && a->options.only != PW_STREAM_FETCH;
  uint32_t current[2] = {b->n_pages, b->n_pages}; /* none */
  for (uint32_t i = from; i < to && !a->failed; i++) {
    unsigned code = b->flags[i] & PW_VISIT_CODE;
    a->cause.at = i;
    current[code] = b->page[i];
    bool stored = stores && b->flags[i] & (PW_VISIT_WROTE_1 | PW_VISIT_WROTE_2) && current[0] < b->n_pages;
    if (a->options.only == PW_STREAM_BOTH || (a->options.only == PW_STREAM_FETCH) == code) arrive(a, out, b->page[i]);
    if (lends) pw_ideal_lend_frame(a, out, b->page[i], false);
    bool copied = stored && pw_ideal_store(a, out->id[current[0]]);
    for (int s = 0; lends && copied && s < 2; s++) /* one page may be both */
      if (current[s] < b->n_pages) pw_ideal_lend_frame(a, out, current[s], true);
  }
}

int pw_ideal_reserve_streams(struct pw_ideal *a)
{
  size_t room = a->streams_room;
  if (pw_grow((void **)&a->streams, &a->streams_room, a->pages.n_ids, 1)) return -1;
  if (a->streams_room > room) memset(a->streams + room, 0, a->streams_room - room);
  return 0;
}

/* Is a page of this block touched by both streams? Openers tell: no page is touched that none opened. */
static int note_streams(struct pw_ideal *a, const struct pw_ideal_output *out, struct pw_error *err)
{
  const struct pw_block *b = out->numbered.block;
  const uint8_t seen[2] = {1, a->options.only == PW_STREAM_BOTH ? 2 : 0};
  if (pw_ideal_reserve_streams(a)) return pw_ideal_out_of_memory(err);
  uint8_t several = 0;
  for (uint32_t i = 0; i < b->n_visits; i++) {
    uint8_t *streams = &a->streams[out->id[b->page[i]]];
    *streams |= seen[b->flags[i] & PW_VISIT_CODE];
    several |= *streams & (*streams - 1);
  }
  a->shares |= several != 0;
  return 0;
}

/* Does the block hold events at which it matters which pages were touched before? */
static bool is_eventful(const struct pw_block *b)
{
  for (uint32_t i = 0; i < b->n_events; i++)
    if (b->events[i].kind == PW_EVENT_MARK || pw_spaces_moves_pages(b->events[i].kind)) return true;
  return false;
}

/* An event, its steps marked as its own. */
static int take_event(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t number, struct pw_error *err)
{
  const struct pw_event *e = &out->numbered.block->events[number];
  size_t before = out->numbered.n_steps;
  a->cause = (struct pw_change){.at = e->at, .event = number};
  int status = pw_ideal_event(a, out, e, err);
  a->cause.event = PW_BY_VISIT;
  for (; before < out->numbered.n_steps; before++) out->steps[before].event = number;
  return status;
}

static int take_block(struct pw_os *os, const struct pw_block *b, const struct pw_paged **numbered, struct pw_error *err)
{
  struct pw_ideal *a = ideal_of(os);
  struct pw_ideal_output *out = a->output[a->turn ^= 1];
  int status = number_pages(a, out, b, err);
  a->cause = (struct pw_change){.event = PW_BY_VISIT};
  /* visits may be of a process that a later event of the block names first */
  if (!status && pw_ideal_reserve_processes(a, b->n_pages ? pw_key_process(b->pages[b->n_pages - 1]) + 1 : 1))
    status = pw_ideal_out_of_memory(err);
  if (!status && a->n_processes == 0) pw_ideal_add_process(a, 0);
  if (!status && a->watching && !a->shares) status = note_streams(a, out, err);
  /* which pages are touched is all that matters, unless some leave in between */
  bool by_visit = is_eventful(b) || a->options.only != PW_STREAM_BOTH || a->frames.shared != 0 || a->frames.all || a->logging;
  for (uint32_t i = 0; !status && !by_visit && i < b->n_pages; i++) arrive(a, out, i);
  uint32_t from = 0;
  for (uint32_t i = 0; !status && i <= b->n_events; i++) {
    uint32_t to = i < b->n_events ? b->events[i].at : b->n_visits;
    if (by_visit) arrive_between(a, out, from, to);
    if (i < b->n_events) status = take_event(a, out, i, err);
    from = to;
  }
  *numbered = &out->numbered;
  return status ? status : tell_new_keys(a, out, err);
}

static void give_result(const struct pw_os *os, const struct pw_os_slot *slot, struct pw_result *r, uint64_t *unfit_page,
                        unsigned *unfit_bits)
{
  const struct pw_ideal *a = (const struct pw_ideal *)os;
  r->minor_faults = a->minor_faults;
  r->resident_bytes = r->touched_bytes = a->frames.peak << a->page_shift;
  r->table_bytes = pw_tables_peak_bytes(a->tables, slot->tree);
  *unfit_page = a->fits[slot->fit].page;
  *unfit_bits = a->fits[slot->fit].bits;
  r->unfit = *unfit_bits > 0;
}

uint64_t pw_ideal_minor_faults(const struct pw_os *os)
{
  return ((const struct pw_ideal *)os)->minor_faults;
}
