/* A time series of one configuration: a direct run, watched window by window (witness/windows.h). */
#include <string.h>

#include "base/alloc.h"
#include "engine/passes.h"
#include "trace/trace.h"
#include "witness/windows.h"

static int run(struct pw_run *r, const struct pw_config *c, struct pw_windows *windows, struct pw_series *series,
               struct pw_error *err)
{
  int status = pw_lanes_plan(r->lanes, c, 1, err);
  if (!status) status = pw_lanes_watch(r->lanes, c, (struct pw_witness *)windows, false, err);
  if (!status) status = pw_run_pass(r, err);
  if (!status) status = pw_run_report(r, c, 1, &series->total, err);
  if (status) return status < 0 ? status : PW_EINVAL;
  return pw_windows_finish(windows, series, err);
}

int pw_series_run(struct pw_trace *trace, const struct pw_config *config, uint64_t every, const struct pw_run_options *options,
                  struct pw_series *series, struct pw_error *err)
{
  struct pw_run r;
  struct pw_run_options direct = options ? *options : (struct pw_run_options){0};
  struct pw_windows *windows = NULL;
  memset(series, 0, sizeof *series);
  direct.engine = PW_ENGINE_DIRECT;
  int status = pw_run_begin(&r, pw_trace_blocks(trace), &direct, err);
  if (!status && every == 0) status = pw_error_set(err, PW_EINVAL, "windows of 0 accesses; take 1 or more");
  if (!status) status = pw_config_check(config, err);
  if (!status) status = pw_windows_create(&windows, pw_trace_info(trace)->path, config, every, direct.only, err);
  if (!status) status = run(&r, config, windows, series, err);
  pw_run_end(&r);
  pw_windows_destroy(windows);
  if (status) pw_series_clear(series);
  return status;
}

void pw_series_clear(struct pw_series *s)
{
  pw_free(s->windows);
  memset(s, 0, sizeof *s);
}
