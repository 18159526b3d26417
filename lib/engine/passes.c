/* From plans to results: the passes over the blocks, and what was counted. See passes.h. */
#include "engine/passes.h"

#include <inttypes.h>
#include <string.h>

#include "engine/pipeline.h"
#include "mmu/geometry.h"

int pw_run_begin(struct pw_run *r, struct pw_blocks blocks, const struct pw_run_options *options, struct pw_error *err)
{
  *r = (struct pw_run){.blocks = blocks};
  if (options) r->options = *options;
  return pw_lanes_create(&r->lanes, &r->options, err);
}

void pw_run_end(struct pw_run *r)
{
  pw_lanes_destroy(r->lanes);
}

static bool ask(void *context)
{
  struct pw_run *r = context;
  return r->options.progress && r->options.progress(r->options.progress_context, &r->shown);
}

/* Between blocks. */
static int interrupted(struct pw_run *r, struct pw_error *err)
{
  r->shown = *r->blocks.info(r->blocks.trace);
  return ask(r) ? pw_error_set(err, PW_EINTERRUPTED, "interrupted") : 0;
}

/* First pass for policies that look ahead. */
static int look_ahead(struct pw_run *r, struct pw_error *err)
{
  const struct pw_block *block;
  int status;
  while ((status = r->blocks.next(r->blocks.trace, &block, err)) > 0) {
    if ((status = pw_lanes_note(r->lanes, block, err)) != 0) return status;
    if ((status = interrupted(r, err)) != 0) return status;
  }
  if (!status) status = pw_lanes_turn(r->lanes, err);
  return status ? status : r->blocks.rewind(r->blocks.trace, err);
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
  if (pw_lanes_forbid_sharing(r->lanes)) return PW_RUN_AGAIN;
  return interrupted(r, err);
}

int pw_run_pass(struct pw_run *r, struct pw_error *err)
{
  int status = 0;
  if (pw_lanes_need_counts(r->lanes)) r->blocks.need_counts(r->blocks.trace);
  if (pw_lanes_read_again(r->lanes))
    status = r->blocks.make_seekable(r->blocks.trace, r->options.progress, r->options.progress_context, err);
  if (!status && pw_lanes_look_ahead(r->lanes)) status = look_ahead(r, err);
  if (status) return status;
  struct pw_pipeline pipeline = {.blocks = &r->blocks, .jobs = r->options.jobs, .ask = ask, .after = after_block, .context = r};
  pw_lanes_fill(r->lanes, &pipeline);
  r->shown = *r->blocks.info(r->blocks.trace);
  r->counted = (struct pw_totals){0, 0, 0};
  status = pw_pipeline_run(&pipeline, err);
  if (r->options.only == PW_STREAM_FETCH) r->counted.loads = r->counted.stores = 0;
  if (r->options.only == PW_STREAM_DATA) r->counted.fetches = 0;
  return status;
}

int pw_run_passes(struct pw_run *r, const struct pw_config *configs, size_t n, struct pw_error *err)
{
  for (;;) {
    int status = pw_lanes_plan(r->lanes, configs, n, err);
    if (!status) status = pw_run_pass(r, err);
    if (status != PW_RUN_AGAIN) return status;
    if ((status = r->blocks.rewind(r->blocks.trace, err)) != 0) return status;
  }
}

static int unfit_sentence(const struct pw_run *r, const struct pw_config *c, uint64_t page, unsigned bits, struct pw_error *err)
{
  return pw_error_set(err, PW_EINVAL,
                      "%s: the address 0x%" PRIx64 "000 does not fit the table %s, which covers %u bits; the trace needs one of "
                                                   "at least %u bits",
                      r->blocks.info(r->blocks.trace)->path, page, c->geometry->name, pw_geometry_va_bits(c->geometry), bits);
}

int pw_run_report(struct pw_run *r, const struct pw_config *configs, size_t n, struct pw_result *results, struct pw_error *err)
{
  int unfit = 0;
  pw_lanes_finish(r->lanes);
  for (size_t i = 0; i < n; i++) {
    uint64_t page;
    unsigned bits;
    memset(&results[i], 0, sizeof results[i]);
    results[i].counted = r->counted;
    pw_lanes_result(r->lanes, &configs[i], i, &results[i], &page, &bits);
    if (results[i].unfit && unfit++ == 0) unfit_sentence(r, &configs[i], page, bits, err);
  }
  return unfit;
}
