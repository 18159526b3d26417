/* From configurations to results: the passes over the trace, the rows.
 *
 * engine/lanes.h says which model answers what; engine/pipeline.h runs the blocks. */
#include "engine/passes.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/pipeline.h"
#include "mmu/geometry.h"
#include "mmu/tlb.h"
#include "trace/trace.h"

static int interrupted(struct pw_run *r, struct pw_error *err)
{
  if (!r->options.progress || !r->options.progress(r->options.progress_context, pw_trace_info(r->trace))) return 0;
  return pw_error_set(err, PW_EINTERRUPTED, "interrupted");
}

/* First pass for policies that look ahead. */
static int look_ahead(struct pw_run *r, struct pw_error *err)
{
  const struct pw_block *block;
  int status;
  while ((status = pw_trace_next(r->trace, &block, err)) > 0) {
    if ((status = pw_lanes_note(&r->lanes, block, err)) != 0) return status;
    if ((status = interrupted(r, err)) != 0) return status;
  }
  if (!status) status = pw_lanes_turn(&r->lanes, err);
  return status ? status : pw_trace_rewind(r->trace, err);
}

static void count_block(struct pw_run *r, const struct pw_block *b)
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

static int after_block(void *context, const struct pw_block *block, struct pw_error *err)
{
  struct pw_run *r = context;
  count_block(r, block);
  if (pw_lanes_forbid_sharing(&r->lanes)) return PW_RUN_AGAIN;
  return interrupted(r, err);
}

int pw_run_pass(struct pw_run *r, struct pw_error *err)
{
  struct pw_lanes *l = &r->lanes;
  int status = 0;
  if (pw_lanes_need_counts(l)) pw_trace_need_counts(r->trace);
  if (pw_lanes_read_again(l))
    status = pw_trace_make_seekable(r->trace, r->options.progress, r->options.progress_context, err);
  if (!status && pw_lanes_look_ahead(l)) status = look_ahead(r, err);
  if (status) return status;
  struct pw_pipeline pipeline = {.trace = r->trace, .accounts = l->accounts, .n_accounts = l->n_lanes, .parts = l->parts,
                                 .account_of = l->account_of, .n_parts = l->n_parts,
                                 .jobs = r->options.jobs, .after = after_block, .context = r};
  r->counted = (struct pw_totals){0, 0, 0};
  status = pw_pipeline_run(&pipeline, err);
  if (r->options.only == PW_STREAM_FETCH) r->counted.loads = r->counted.stores = 0;
  if (r->options.only == PW_STREAM_DATA) r->counted.fetches = 0;
  return status;
}

static int unfit_sentence(const struct pw_run *r, const struct pw_config *c, uint64_t page, unsigned bits, struct pw_error *err)
{
  return pw_error_set(err, PW_EINVAL,
                      "%s: the address 0x%" PRIx64 "000 does not fit the table %s, which covers %u bits; the trace needs one of at least %u bits",
                      pw_trace_info(r->trace)->path, page, c->geometry->name, pw_geometry_va_bits(c->geometry), bits);
}

int pw_run_report(struct pw_run *r, const struct pw_config *configs, size_t n, struct pw_result *results, struct pw_error *err)
{
  int unfit = 0;
  pw_lanes_finish(&r->lanes);
  for (size_t i = 0; i < n; i++) {
    uint64_t page;
    unsigned bits;
    memset(&results[i], 0, sizeof results[i]);
    results[i].counted = r->counted;
    pw_lanes_result(&r->lanes, &configs[i], i, &results[i], &page, &bits);
    if (results[i].unfit && unfit++ == 0) unfit_sentence(r, &configs[i], page, bits, err);
  }
  return unfit;
}

/* Passes until one comes to the end: each page size is sent back at most once. */
static int run_passes(struct pw_run *r, const struct pw_config *configs, size_t n, struct pw_error *err)
{
  for (;;) {
    int status = pw_lanes_plan(&r->lanes, configs, n, &r->options, err);
    if (!status) status = pw_run_pass(r, err);
    if (status == PW_RUN_AGAIN) status = pw_trace_rewind(r->trace, err);
    else return status;
    if (status) return status;
  }
}

int pw_run(struct pw_trace *trace, const struct pw_config *configs, size_t n, const struct pw_run_options *options,
           struct pw_result *results, struct pw_error *err)
{
  struct pw_run r = {.trace = trace};
  int status = 0;
  if (options) r.options = *options;
  for (size_t i = 0; !status && i < n; i++) status = pw_config_check(&configs[i], err);
  if (!status) status = run_passes(&r, configs, n, err);
  if (!status) status = pw_run_report(&r, configs, n, results, err);
  pw_lanes_clear(&r.lanes);
  return status;
}

int pw_explain(const struct pw_config *configs, size_t n, const struct pw_run_options *options, struct pw_explained **groups,
               size_t *n_groups, struct pw_error *err)
{
  struct pw_run r = {0};
  int status = 0;
  *groups = NULL;
  if (options) r.options = *options;
  for (size_t i = 0; !status && i < n; i++) status = pw_config_check(&configs[i], err);
  if (!status) status = pw_lanes_plan(&r.lanes, configs, n, &r.options, err);
  if (!status) {
    *groups = pw_calloc(r.lanes.n_lanes * PW_MODELS, sizeof **groups);
    if (*groups) *n_groups = pw_lanes_explain(&r.lanes, n, *groups);
    else status = pw_error_set(err, PW_ENOMEM, "memory ran out");
  }
  pw_lanes_clear(&r.lanes);
  return status;
}

void pw_explained_free(struct pw_explained *groups)
{
  pw_free(groups);
}
