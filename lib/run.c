/* The block loop: one decode of a trace feeds every configuration.
 *
 * Configurations are grouped by page size, each group is an engine. Between events
 * the engines get stretches of visits; events change who runs and what is mapped. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "engine.h"
#include "memory/mappings.h"
#include "mmu/geometry.h"
#include "mmu/tlb.h"
#include "trace/trace.h"

struct run {
  struct pw_trace *trace;
  struct pw_run_options options;
  struct pw_engine **engines;
  unsigned *shifts;            /* page shift of each engine */
  size_t n_engines, engines_room, shifts_room;
  struct pw_engine_slot *slots; /* by configuration */
  uint32_t *engine_of;
  struct pw_mappings mappings;
  uint32_t process, n_processes;
  bool exited[PW_PROCESSES];
  struct pw_totals counted;
};

static void clear_run(struct run *r)
{
  for (size_t i = 0; i < r->n_engines; i++) pw_engine_destroy(r->engines[i]);
  pw_free(r->engines);
  pw_free(r->shifts);
  pw_free(r->slots);
  pw_free(r->engine_of);
  pw_mappings_clear(&r->mappings);
}

static int find_engine(struct run *r, unsigned page_shift, uint32_t *number, struct pw_error *err)
{
  for (size_t i = 0; i < r->n_engines; i++)
    if (r->shifts[i] == page_shift) {
      *number = (uint32_t)i;
      return 0;
    }
  size_t n = r->n_engines;
  if (pw_grow((void **)&r->engines, &r->engines_room, n + 1, sizeof *r->engines) ||
      pw_grow((void **)&r->shifts, &r->shifts_room, n + 1, sizeof *r->shifts))
    return pw_error_set(err, PW_ENOMEM, "memory ran out");
  int status = pw_engine_create(&r->engines[n], page_shift, &r->options, &r->mappings, err);
  if (status) return status;
  r->shifts[n] = page_shift;
  r->n_engines++;
  *number = (uint32_t)n;
  return 0;
}

static int plan_run(struct run *r, const struct pw_config *configs, size_t n, struct pw_error *err)
{
  r->slots = pw_malloc(n, sizeof *r->slots);
  r->engine_of = pw_malloc(n, sizeof *r->engine_of);
  if (!r->slots || !r->engine_of) return pw_error_set(err, PW_ENOMEM, "memory ran out");
  for (size_t i = 0; i < n; i++) {
    int status = pw_config_check(&configs[i], err);
    if (!status) status = find_engine(r, configs[i].page_shift, &r->engine_of[i], err);
    if (!status) status = pw_engine_add(r->engines[r->engine_of[i]], &configs[i], &r->slots[i], err);
    if (status) return status;
  }
  for (size_t i = 0; i < r->n_engines; i++)
    if (pw_engine_needs_counts(r->engines[i])) pw_trace_need_counts(r->trace);
  return 0;
}

static int interrupted(struct run *r, struct pw_error *err)
{
  if (!r->options.progress || !r->options.progress(r->options.progress_context, pw_trace_info(r->trace))) return 0;
  return pw_error_set(err, PW_EINTERRUPTED, "interrupted");
}

/* First pass for policies that look ahead. */
static int look_ahead(struct run *r, struct pw_error *err)
{
  bool needed = false;
  for (size_t i = 0; i < r->n_engines; i++) needed |= pw_engine_looks_ahead(r->engines[i]);
  if (!needed) return 0;
  int status = pw_trace_make_seekable(r->trace, r->options.progress, r->options.progress_context, err);
  if (status) return status;
  const struct pw_block *block;
  while ((status = pw_trace_next(r->trace, &block, err)) > 0) {
    for (size_t i = 0; i < r->n_engines; i++)
      if (pw_engine_looks_ahead(r->engines[i]) && (status = pw_engine_note(r->engines[i], block, err)) < 0) return status;
    if ((status = interrupted(r, err)) != 0) return status;
  }
  for (size_t i = 0; !status && i < r->n_engines; i++)
    if (pw_engine_looks_ahead(r->engines[i])) status = pw_engine_turn(r->engines[i], err);
  return status ? status : pw_trace_rewind(r->trace, err);
}

/* A process that exited has no root until its index is named again. */
static void add_process(struct run *r, uint32_t process)
{
  if (r->exited[process])
    for (size_t i = 0; i < r->n_engines; i++) pw_engine_add_process(r->engines[i]);
  r->exited[process] = false;
  for (; r->n_processes <= process; r->n_processes++)
    for (size_t i = 0; i < r->n_engines; i++) pw_engine_add_process(r->engines[i]);
}

static int unmap(struct run *r, uint64_t first, uint64_t last, struct pw_error *err)
{
  if (r->mappings.known && pw_mappings_remove(&r->mappings, r->process, first, last))
    return pw_error_set(err, PW_ENOMEM, "memory ran out");
  for (size_t i = 0; i < r->n_engines; i++) pw_engine_unmap(r->engines[i], r->process, first, last);
  return 0;
}

/* As in the kernel, a range that reaches into a page maps or unmaps all of it. */
static int handle_event(struct run *r, const struct pw_event *e, struct pw_error *err)
{
  uint64_t first = e->a >> PW_BASE_SHIFT, last = (e->a + e->b - 1) >> PW_BASE_SHIFT;
  switch (e->kind) {
    case PW_EVENT_PROCESS:
      add_process(r, (uint32_t)e->b);
      if (r->options.no_asid && r->process != e->b)
        for (size_t i = 0; i < r->n_engines; i++) pw_engine_flush(r->engines[i]);
      r->process = (uint32_t)e->b;
      return 0;
    case PW_EVENT_FORK:
      add_process(r, (uint32_t)e->b);
      return 0;
    case PW_EVENT_MAP:
      if (e->b && pw_mappings_add(&r->mappings, r->process, first, last))
        return pw_error_set(err, PW_ENOMEM, "memory ran out");
      return 0;
    case PW_EVENT_UNMAP:
      return e->b ? unmap(r, first, last, err) : 0;
    case PW_EVENT_EXIT:
      for (size_t i = 0; i < r->n_engines && !r->exited[r->process]; i++) pw_engine_remove_process(r->engines[i]);
      r->exited[r->process] = true;
      return unmap(r, 0, PW_PAGE_MASK, err);
    case PW_EVENT_EXEC:
      return unmap(r, 0, PW_PAGE_MASK, err);
    case PW_EVENT_MARK:
      for (size_t i = 0; i < r->n_engines; i++) pw_engine_reset_counts(r->engines[i]);
      return 0;
    default:
      return 0;
  }
}

/* Does the block hold events that make pages leave or counting start? */
static bool is_eventful(const struct pw_block *b)
{
  for (uint32_t i = 0; i < b->n_events; i++)
    if (b->events[i].kind != PW_EVENT_THREAD && b->events[i].kind != PW_EVENT_PROCESS && b->events[i].kind != PW_EVENT_MAP)
      return true;
  return false;
}

static void count_block(struct run *r, const struct pw_block *b)
{
  const struct pw_event *mark = NULL;
  for (uint32_t i = 0; i < b->n_events; i++)
    if (b->events[i].kind == PW_EVENT_MARK) mark = &b->events[i];
  if (!mark) {
    r->counted.fetches += b->totals.fetches;
    r->counted.loads += b->totals.loads;
    r->counted.stores += b->totals.stores;
    return;
  }
  r->counted = (struct pw_totals){0, 0, 0};
  for (uint32_t i = mark->at; i < b->n_visits; i++) {
    r->counted.fetches += b->fetches[i];
    r->counted.loads += b->loads[i];
    r->counted.stores += b->stores[i];
  }
}

static int feed(struct run *r, uint32_t from, uint32_t to, struct pw_error *err)
{
  int status = 0;
  for (size_t i = 0; !status && i < r->n_engines; i++) status = pw_engine_feed(r->engines[i], from, to, err);
  return status;
}

static int run_block(struct run *r, const struct pw_block *b, struct pw_error *err)
{
  bool eventful = is_eventful(b);
  int status = 0;
  for (size_t i = 0; !status && i < r->n_engines; i++) status = pw_engine_begin(r->engines[i], b, eventful, err);
  uint32_t from = 0;
  for (uint32_t i = 0; !status && i < b->n_events; i++) {
    status = feed(r, from, b->events[i].at, err);
    from = b->events[i].at;
    if (!status) status = handle_event(r, &b->events[i], err);
  }
  if (!status) status = feed(r, from, b->n_visits, err);
  count_block(r, b);
  return status;
}

static int unfit_sentence(const struct run *r, const struct pw_config *c, uint64_t page, unsigned bits, struct pw_error *err)
{
  return pw_error_set(err, PW_EINVAL,
                      "%s: the address 0x%" PRIx64 "000 does not fit the table %s, which covers %u bits; the trace needs one of at least %u bits",
                      pw_trace_info(r->trace)->path, page, c->geometry->name, pw_geometry_va_bits(c->geometry), bits);
}

/* Fills the results; the number of configurations whose table is too narrow. */
static int report(struct run *r, const struct pw_config *configs, size_t n, struct pw_result *results, struct pw_error *err)
{
  if (r->options.only == PW_STREAM_FETCH) r->counted.loads = r->counted.stores = 0;
  if (r->options.only == PW_STREAM_DATA) r->counted.fetches = 0;
  int unfit = 0;
  for (size_t i = 0; i < n; i++) {
    uint64_t page;
    unsigned bits;
    memset(&results[i], 0, sizeof results[i]);
    results[i].counted = r->counted;
    pw_engine_result(r->engines[r->engine_of[i]], &r->slots[i], &configs[i], &results[i], &page, &bits);
    if (results[i].unfit && unfit++ == 0) unfit_sentence(r, &configs[i], page, bits, err);
  }
  return unfit;
}

int pw_run(struct pw_trace *trace, const struct pw_config *configs, size_t n, const struct pw_run_options *options,
           struct pw_result *results, struct pw_error *err)
{
  struct run r = {.trace = trace};
  if (options) r.options = *options;
  pw_mappings_init(&r.mappings);
  int status = plan_run(&r, configs, n, err);
  if (!status) status = look_ahead(&r, err);
  if (!status) add_process(&r, 0);
  const struct pw_block *block;
  while (!status && (status = pw_trace_next(trace, &block, err)) > 0) {
    status = run_block(&r, block, err);
    if (!status) status = interrupted(&r, err);
  }
  if (!status) status = report(&r, configs, n, results, err);
  clear_run(&r);
  return status;
}

int pw_config_check(const struct pw_config *c, struct pw_error *err)
{
  if (c->page_shift < PW_BASE_SHIFT || c->page_shift > 40)
    return pw_error_set(err, PW_EINVAL, "pages of 2^%u bytes; traces are kept by pages of 4 KiB, so take 4K to 1T", c->page_shift);
  if (pw_geometry_walk_levels(c->geometry, c->page_shift) == 0)
    return pw_error_set(err, PW_EINVAL, "the table %s has no pages of %" PRIu64 " bytes; see pagewalk list tables",
                        c->geometry->name, UINT64_C(1) << c->page_shift);
  int status = pw_tlb_config_check(&c->itlb, "ITLB", err);
  if (!status) status = pw_tlb_config_check(&c->dtlb, "DTLB", err);
  if (!status) status = pw_tlb_config_check(&c->stlb, "STLB", err);
  if (status || c->memory_bytes == PW_UNLIMITED) return status;
  if (c->memory_bytes >> c->page_shift < 2)
    return pw_error_set(err, PW_EINVAL, "a memory of %" PRIu64 " bytes holds under two pages of %" PRIu64 " bytes; take at least %" PRIu64,
                        c->memory_bytes, UINT64_C(1) << c->page_shift, UINT64_C(2) << c->page_shift);
  return 0;
}
