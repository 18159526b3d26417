/* A time series of one configuration: what its account and its direct simulation noted down
 * at the end of each window, put side by side.
 *
 * Samples are counts from the beginning, so that a window is the difference of two and the
 * sums are right by themselves; the last window ends with the counts of the whole run, which
 * hold what events after the last access brought.
 *
 * Cost: the direct engine's, and some 360 bytes a window. */
#include <string.h>

#include "base/alloc.h"
#include "mmu/hierarchy.h"
#include "engine/passes.h"
#include "trace/trace.h"

/* The counts at the end of a window, as a run up to there would report them. */
static void read_counts(const struct pw_config *c, const struct pw_sample *a, const struct pw_direct_sample *d, struct pw_result *r)
{
  struct pw_hierarchy hierarchy = {c->itlb, c->dtlb, c->stlb};
  memset(r, 0, sizeof *r);
  r->counted = a->counted;
  r->minor_faults = a->minor_faults;
  pw_hierarchy_result(&hierarchy, d->itlb_misses, d->dtlb_misses, d->stlb_misses, r);
  if (c->memory_bytes == PW_UNLIMITED) return;
  r->major_faults = d->faults - a->arrivals;
  r->swap_outs = d->swap_outs;
}

static void leave_out(enum pw_stream only, struct pw_totals *counted)
{
  if (only == PW_STREAM_FETCH) counted->loads = counted->stores = 0;
  if (only == PW_STREAM_DATA) counted->fetches = 0;
}

static struct pw_window_area read_area(const struct pw_sample *now, const struct pw_sample *before, enum pw_area_kind area, unsigned page_shift)
{
  return (struct pw_window_area){.bytes = now->mapped_pages[area] << PW_BASE_SHIFT,
                                 .minor_faults = now->area_faults[area] - before->area_faults[area],
                                 .returned_bytes = (now->returned_pages[area] - before->returned_pages[area]) << page_shift};
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

static int read_windows(const struct pw_run *r, const struct pw_config *c, const struct pw_sampler *s,
                        const struct pw_direct_sample *direct, struct pw_series *series, struct pw_error *err)
{
  static const struct pw_sample nothing;
  static const struct pw_direct_sample none;
  struct pw_result before = {0}, now;
  size_t n = s->n + s->open, sampled = n;
  if (n == 0) n = 1; /* no access at all, or none after the warm-up */
  series->windows = pw_calloc(n, sizeof *series->windows);
  if (!series->windows) return pw_error_set(err, PW_ENOMEM, "memory ran out for the time series; take longer windows");
  series->n_windows = n;
  series->has_areas = s->spaces->known;
  for (size_t i = 0; i < n; i++) {
    const struct pw_sample *a = i < sampled ? &s->samples[i] : &s->now, *last = i ? &s->samples[i - 1] : &nothing;
    const struct pw_direct_sample *d = i < sampled ? &direct[i] : &none;
    if (i + 1 < n) {
      read_counts(c, a, d, &now);
      leave_out(r->options.only, &now.counted);
    } else {
      now = series->total;
    }
    struct pw_window *w = &series->windows[i];
    now.table_bytes = a->table_bytes; /* not the peaks */
    now.resident_bytes = (c->memory_bytes == PW_UNLIMITED ? a->present_pages : d->used_frames) << c->page_shift;
    *w = (struct pw_window){.access = a->access, .counts = difference(&now, &before)};
    w->heap = read_area(a, last, PW_AREA_HEAP, c->page_shift);
    w->mmap = read_area(a, last, PW_AREA_MMAP, c->page_shift);
    before = now;
  }
  return 0;
}

static int run(struct pw_run *r, const struct pw_config *c, uint64_t every, struct pw_series *series, struct pw_error *err)
{
  const struct pw_ideal_slot *pages;
  const struct pw_direct_slot *slot;
  if (every == 0) return pw_error_set(err, PW_EINVAL, "windows of 0 accesses; take 1 or more");
  int status = pw_config_check(c, err);
  if (!status) status = pw_lanes_plan(r->lanes, c, 1, err);
  if (status) return status;
  struct pw_ideal *account = pw_lanes_account(r->lanes, &pages);
  struct pw_direct *direct = pw_lanes_direct(r->lanes, &slot);
  if ((status = pw_ideal_sample(account, pages, every, r->blocks.info(r->blocks.trace)->path, err)) != 0) return status;
  pw_direct_sample(direct, slot);
  r->blocks.need_counts(r->blocks.trace);
  status = pw_run_pass(r, err);
  if (!status) status = pw_run_report(r, c, 1, &series->total, err);
  if (!status) status = pw_sampler_check(pw_ideal_sampler(account), err);
  if (status) return status < 0 ? status : PW_EINVAL;
  return read_windows(r, c, pw_ideal_sampler(account), pw_direct_samples(direct), series, err);
}

int pw_series_run(struct pw_trace *trace, const struct pw_config *config, uint64_t every, const struct pw_run_options *options,
                  struct pw_series *series, struct pw_error *err)
{
  struct pw_run r;
  struct pw_run_options direct = options ? *options : (struct pw_run_options){0};
  memset(series, 0, sizeof *series);
  direct.engine = PW_ENGINE_DIRECT;
  int status = pw_run_begin(&r, pw_trace_blocks(trace), &direct, err);
  if (!status) status = run(&r, config, every, series, err);
  pw_run_end(&r);
  if (status) pw_series_clear(series);
  return status;
}

void pw_series_clear(struct pw_series *s)
{
  pw_free(s->windows);
  memset(s, 0, sizeof *s);
}
