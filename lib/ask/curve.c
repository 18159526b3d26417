/* Curves: the stacks of the one-pass engines, read at every size.
 *
 * A curve is a model without a machine: the stack of a stream, of what misses both
 * first levels, or of all touches, in the lane of its page size. */
#include <string.h>

#include "base/alloc.h"
#include "mmu/tlb.h"
#include "engine/onepass_tlbs.h"
#include "engine/passes.h"
#include "sweep/stack.h"
#include "trace/trace.h"

struct plan {
  struct pw_run run;
  const struct pw_curve_config *configs;
  size_t n;
  struct pw_lane_curve *curves; /* [n] */
};

/* The first levels as a machine; the second level stands for those of the curve. */
static struct pw_config machine(const struct pw_curve_config *c)
{
  return (struct pw_config){.page_shift = c->page_shift, .itlb = c->itlb, .dtlb = c->dtlb, .stlb = {1, 1, 0},
                            .memory_bytes = PW_UNLIMITED};
}

static int check(const struct pw_curve_config *c, struct pw_error *err)
{
  if (c->page_shift < PW_BASE_SHIFT || c->page_shift > 40)
    return pw_error_set(err, PW_EINVAL, "pages of 2^%u bytes; traces are kept by pages of 4 KiB, so take 4K to 1T",
                        c->page_shift);
  if (c->of != PW_CURVE_STLB) return 0;
  struct pw_config m = machine(c);
  int status = pw_tlb_config_check(&c->itlb, "ITLB", err);
  if (!status) status = pw_tlb_config_check(&c->dtlb, "DTLB", err);
  if (!status && !pw_onepass_tlbs_can(&m))
    status = pw_error_set(err, PW_EINVAL, "a curve stands behind first levels of lru; take a sweep for others");
  return status;
}

static int plan(struct plan *p, struct pw_error *err)
{
  p->curves = pw_calloc(p->n, sizeof *p->curves);
  if (!p->curves) return pw_error_set(err, PW_ENOMEM, "memory ran out for the curves");
  int status = 0;
  for (size_t i = 0; !status && i < p->n; i++) {
    struct pw_config m = machine(&p->configs[i]);
    status = check(&p->configs[i], err);
    if (!status) status = pw_lanes_add_curve(p->run.lanes, &m, p->configs[i].of, &p->curves[i], err);
  }
  return status ? status : pw_lanes_seal(p->run.lanes, err);
}

/* The points at which a count changes; `other` misses are the same for every size. */
static int read_points(const struct pw_stack *stack, bool memory, uint64_t other, struct pw_curve *curve)
{
  size_t room = 0, n = 0;
  uint64_t least = memory ? 2 : 1, last = pw_stack_deepest(stack);
  for (uint64_t size = least; size <= last || size == least; size++) {
    struct pw_curve_point point = {size, pw_stack_misses(stack, size) + other, memory ? pw_stack_swap_outs(stack, size) : 0};
    const struct pw_curve_point *before = n ? &curve->points[n - 1] : NULL;
    if (before && before->misses == point.misses && before->swap_outs == point.swap_outs) continue;
    if (pw_grow((void **)&curve->points, &room, n + 1, sizeof *curve->points)) return -1;
    curve->points[n++] = point;
    curve->n_points = n;
  }
  return 0;
}

static uint64_t count_lookups(const struct plan *p, size_t i)
{
  const struct pw_curve_config *c = &p->configs[i];
  struct pw_result r = {.counted = p->run.counted};
  struct pw_config m = machine(c);
  uint64_t data = r.counted.loads + r.counted.stores;
  switch (c->of) {
    case PW_CURVE_DTLB: return data;
    case PW_CURVE_ITLB: return r.counted.fetches;
    case PW_CURVE_MEMORY: return data + r.counted.fetches;
    case PW_CURVE_STLB: break;
  }
  m.stlb.entries = 0; /* then every lookup of the second level is a walk */
  pw_lanes_first_levels(p->run.lanes, &p->curves[i], &m, &r);
  return r.walks;
}

static int read_curve(const struct plan *p, size_t i, struct pw_curve *curve)
{
  bool memory = p->configs[i].of == PW_CURVE_MEMORY;
  const struct pw_stack *stack = pw_lanes_stack(p->run.lanes, &p->curves[i]);
  uint64_t without = 0;
  /* a frame that is new without being touched is no fault: what a move brought parts to */
  if (memory) without = pw_lanes_minor_faults(p->run.lanes, &p->curves[i]) - pw_stack_misses(stack, UINT64_MAX);
  curve->lookups = count_lookups(p, i);
  return read_points(stack, memory, without, curve);
}

int pw_curve_run(struct pw_trace *trace, const struct pw_curve_config *configs, size_t n,
                 const struct pw_run_options *options, struct pw_curve *curves, struct pw_error *err)
{
  struct plan p = {.configs = configs, .n = n};
  memset(curves, 0, n * sizeof *curves);
  int status = pw_run_begin(&p.run, pw_trace_blocks(trace), options, err);
  if (!status) status = plan(&p, err);
  if (!status) status = pw_run_pass(&p.run, err);
  if (!status) pw_lanes_finish(p.run.lanes);
  for (size_t i = 0; !status && i < n; i++)
    if (read_curve(&p, i, &curves[i])) status = pw_error_set(err, PW_ENOMEM, "memory ran out for the curves");
  pw_run_end(&p.run);
  pw_free(p.curves);
  if (status) pw_curves_clear(curves, n);
  return status;
}

void pw_curves_clear(struct pw_curve *curves, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    pw_free(curves[i].points);
    curves[i] = (struct pw_curve){0};
  }
}
