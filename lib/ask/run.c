/* Results of configurations, and how they would be found. engine/passes.h runs them. */
#include <inttypes.h>

#include "base/alloc.h"
#include "engine/passes.h"
#include "mmu/geometry.h"
#include "trace/trace.h"

static int begin(struct pw_run *r, struct pw_trace *trace, const struct pw_config *configs, size_t n,
                 const struct pw_run_options *options, struct pw_error *err)
{
  int status = pw_run_begin(r, pw_trace_blocks(trace), options, err);
  for (size_t i = 0; !status && i < n; i++) status = pw_config_check(&configs[i], err);
  return status;
}

int pw_run(struct pw_trace *trace, const struct pw_config *configs, size_t n, const struct pw_run_options *options,
           struct pw_result *results, struct pw_error *err)
{
  struct pw_run r;
  int status = begin(&r, trace, configs, n, options, err);
  if (!status) status = pw_run_passes(&r, configs, n, err);
  if (!status) status = pw_run_report(&r, configs, n, results, err);
  pw_run_end(&r);
  return status;
}

int pw_explain(const struct pw_config *configs, size_t n, const struct pw_run_options *options, struct pw_explained **groups,
               size_t *n_groups, struct pw_error *err)
{
  struct pw_run r;
  *groups = NULL;
  int status = begin(&r, NULL, configs, n, options, err);
  if (!status) status = pw_lanes_plan(r.lanes, configs, n, err);
  if (!status) status = pw_lanes_explain(r.lanes, n, groups, n_groups, err);
  pw_run_end(&r);
  return status;
}

void pw_explained_free(struct pw_explained *groups)
{
  pw_free(groups);
}
