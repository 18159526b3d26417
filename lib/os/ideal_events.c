/* What events mean to the pages, mappings and tables of one page size; docs/models.md, "Events". */
#include "os/ideal_state.h"

/* Does a page at the edge of an unmapped range stay, since something else of it is mapped? */
static bool stays(const struct pw_ideal *a, uint64_t page, uint64_t first, uint64_t last)
{
  uint64_t low = page << a->shift, high = low + (UINT64_C(1) << a->shift) - 1;
  if (a->mappings.known) return pw_mappings_intersect(&a->mappings, a->process, low, high);
  return low < first || high > last;
}

static bool mapped(void *context, uint32_t process, uint64_t first, uint64_t last)
{
  const struct pw_mappings *mappings = context;
  return mappings->known && pw_mappings_intersect(mappings, process, first, last);
}

/* Base pages first … last of the running process go. */
static int unmap(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, uint64_t first, uint64_t last, bool returns)
{
  if (a->mappings.known && pw_mappings_remove(&a->mappings, a->process, first, last)) return -1;
  struct pw_ideal_range r = {first >> a->shift, last >> a->shift};
  bool low_stays = stays(a, r.low, first, last), high_stays = stays(a, r.high, first, last);
  r.low += low_stays;
  if (high_stays && r.high-- == 0) r = (struct pw_ideal_range){1, 0};
  if (pw_ideal_leave(a, out, at, r, (struct pw_ideal_leaving){a->mappings.known, returns})) return -1;
  if (a->mappings.known || a->emptied) pw_tables_forget(a->tables, a->process, first, last, mapped, &a->mappings);
  return 0;
}

/* ---- processes ---- */

void pw_ideal_add_process(struct pw_ideal *a, uint32_t process)
{
  if (a->exited[process]) pw_tables_add_process(a->tables);
  a->exited[process] = false;
  for (; a->n_processes <= process; a->n_processes++) pw_tables_add_process(a->tables);
}

static int start_child(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t child, struct pw_error *err)
{
  bool living = child < a->n_processes && !a->exited[child];
  pw_ideal_add_process(a, child);
  if (living) return 0;
  if (!pw_mappings_inherit(&a->mappings, a->process, child) && !pw_ideal_inherit(a, out, child)) return 0;
  if (a->sharing.n < PW_MOST_SHARING) return pw_ideal_out_of_memory(err);
  return pw_error_set(err, PW_EUNSUPPORTED, "forks make processes of the trace share over %zu pages; end it earlier with --limit",
                      PW_MOST_SHARING);
}

/* ---- all of them ---- */

static int switch_process(struct pw_ideal *a, struct pw_ideal_output *out, const struct pw_event *e)
{
  pw_ideal_add_process(a, (uint32_t)e->b);
  bool flush = a->options.no_asid && a->process != e->b;
  a->process = (uint32_t)e->b;
  return flush && !pw_ideal_add_step(out, e->at, PW_STEP_FLUSH) ? -1 : 0;
}

static int leave_process(struct pw_ideal *a, struct pw_ideal_output *out, const struct pw_event *e)
{
  if (e->kind == PW_EVENT_EXIT) {
    if (!a->exited[a->process]) pw_tables_remove_process(a->tables);
    a->exited[a->process] = true;
  }
  return unmap(a, out, e->at, 0, PW_PAGE_MASK, false);
}

/* As in the kernel, a range that reaches into a page means all of it. */
static int take_range(struct pw_ideal *a, struct pw_ideal_output *out, const struct pw_event *e)
{
  if (e->b == 0) return 0;
  uint64_t first = e->a >> PW_BASE_SHIFT, last = (e->a + e->b - 1) >> PW_BASE_SHIFT;
  switch (e->kind) {
    case PW_EVENT_MAP: return pw_mappings_add(&a->mappings, a->process, first, last);
    case PW_EVENT_UNMAP: return unmap(a, out, e->at, first, last, true);
    case PW_EVENT_DISCARD: return pw_ideal_discard(a, out, e->at, first, last);
    case PW_EVENT_MOVE: return pw_ideal_move(a, out, e->at, first, last, e->c >> PW_BASE_SHIFT);
    case PW_EVENT_KERNEL_READ:
    case PW_EVENT_KERNEL_WRITE: return pw_ideal_kernel(a, out, e->at, first, last, e->kind == PW_EVENT_KERNEL_WRITE);
    default: return 0;
  }
}

int pw_ideal_event(struct pw_ideal *a, struct pw_ideal_output *out, const struct pw_event *e, struct pw_error *err)
{
  uint32_t process = a->process;
  int failed = 0, status = 0;
  switch (e->kind) {
    case PW_EVENT_FORK: status = start_child(a, out, (uint32_t)e->b, err); break;
    case PW_EVENT_PROCESS: failed = switch_process(a, out, e); break;
    case PW_EVENT_EXIT:
    case PW_EVENT_EXEC: failed = leave_process(a, out, e); break;
    case PW_EVENT_MARK:
      a->pages.n_arrivals = a->pages.n_minor = 0;
      if (a->sampler) pw_sampler_mark(a->sampler);
      failed = !pw_ideal_add_step(out, e->at, PW_STEP_COUNT);
      break;
    default: failed = take_range(a, out, e);
  }
  if (!status && !failed && a->sampler) failed = pw_sampler_event(a->sampler, process, e);
  return failed ? pw_ideal_out_of_memory(err) : status;
}
