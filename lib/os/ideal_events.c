/* What changes of address spaces mean to the pages and tables of one page size; docs/models.md, "Events". */
#include "os/ideal_state.h"

#include <string.h>

#include "base/alloc.h"

/* Does a page at the edge of an unmapped range stay, since something else of it is mapped? */
static bool stays(const struct pw_ideal *a, uint64_t page, uint64_t first, uint64_t last)
{
  uint64_t low = page << a->shift, high = low + (UINT64_C(1) << a->shift) - 1;
  if (a->spaces.known) return pw_spaces_mapped(&a->spaces, a->process, low, high);
  return low < first || high > last;
}

static bool mapped(void *context, uint32_t process, uint64_t first, uint64_t last)
{
  const struct pw_spaces *spaces = context;
  return spaces->known && pw_spaces_mapped(spaces, process, first, last);
}

/* Base pages first … last of the running process go. */
static int unmap(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, uint64_t first, uint64_t last, bool returns)
{
  struct pw_ideal_range r = {first >> a->shift, last >> a->shift};
  bool low_stays = stays(a, r.low, first, last), high_stays = stays(a, r.high, first, last);
  r.low += low_stays;
  if (high_stays && r.high-- == 0) r = (struct pw_ideal_range){1, 0};
  if (pw_ideal_leave(a, out, at, r, (struct pw_ideal_leaving){a->spaces.known, returns})) return -1;
  if (a->spaces.known || a->emptied) pw_tables_forget(a->tables, a->process, first, last, mapped, &a->spaces);
  return 0;
}

/* ---- processes ---- */

int pw_ideal_reserve_processes(struct pw_ideal *a, size_t n)
{
  size_t room = a->present_room;
  if (n <= room) return 0;
  if (pw_tables_reserve(a->tables, n) || pw_grow((void **)&a->present, &a->present_room, n, sizeof *a->present)) return -1;
  memset(a->present + room, 0, (a->present_room - room) * sizeof *a->present);
  return 0;
}

void pw_ideal_add_process(struct pw_ideal *a, uint32_t process)
{
  if (a->exited[process]) pw_tables_add_process(a->tables);
  a->exited[process] = false;
  for (; a->n_processes <= process; a->n_processes++) pw_tables_add_process(a->tables);
}

static int start_child(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t child)
{
  if (pw_ideal_reserve_processes(a, (size_t)child + 1)) return -1;
  pw_ideal_add_process(a, child);
  return pw_ideal_inherit(a, out, child);
}

static int switch_process(struct pw_ideal *a, struct pw_ideal_output *out, const struct pw_event *e)
{
  if (pw_ideal_reserve_processes(a, (size_t)e->b + 1)) return -1;
  pw_ideal_add_process(a, (uint32_t)e->b);
  bool flush = a->options.no_asid && a->process != e->b;
  a->process = (uint32_t)e->b;
  return flush && !pw_ideal_add_step(out, e->at, PW_STEP_FLUSH) ? -1 : 0;
}

static void end_process(struct pw_ideal *a)
{
  if (!a->exited[a->process]) pw_tables_remove_process(a->tables);
  a->exited[a->process] = true;
}

/* ---- all of them ---- */

struct taking {
  struct pw_ideal *account;
  struct pw_ideal_output *out;
  uint32_t at;
};

static int take_change(void *context, const struct pw_space_change *c, struct pw_error *err)
{
  struct taking *t = context;
  struct pw_ideal *a = t->account;
  int failed = 0;
  switch (c->kind) {
    case PW_SPACE_UNMAPPED: failed = unmap(a, t->out, t->at, c->first, c->last, true); break;
    case PW_SPACE_DISCARDED: failed = pw_ideal_discard(a, t->out, t->at, c->first, c->last); break;
    case PW_SPACE_MOVED: failed = pw_ideal_move(a, t->out, t->at, c->first, c->last, c->to); break;
    case PW_SPACE_FORKED: failed = start_child(a, t->out, (uint32_t)c->to); break;
    case PW_SPACE_ENDED: end_process(a); /* fall through */
    case PW_SPACE_EMPTIED: failed = unmap(a, t->out, t->at, c->first, c->last, false); break;
    case PW_SPACE_MAPPED: /* brings no page in and removes none */
    case PW_SPACE_BACKED:
    case PW_SPACE_ADVISED:
    case PW_SPACE_PROTECTED: break;
  }
  return failed ? pw_ideal_out_of_memory(err) : 0;
}

/* The kernel's touches: as for all ranges, one that reaches into a page means all of it. */
static int kernel_touches(struct pw_ideal *a, const struct pw_event *e)
{
  if (!pw_event_is_kernel(e->kind) || e->b == 0) return 0;
  uint64_t first = e->a >> PW_BASE_SHIFT, last = (e->a + e->b - 1) >> PW_BASE_SHIFT;
  return pw_ideal_kernel(a, first, last, e->kind == PW_EVENT_KERNEL_WRITE);
}

static int count_from_here(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at)
{
  a->minor_faults = 0;
  return pw_ideal_add_step(out, at, PW_STEP_COUNT) ? 0 : -1;
}

int pw_ideal_event(struct pw_ideal *a, struct pw_ideal_output *out, const struct pw_event *e, struct pw_error *err)
{
  struct taking t = {a, out, e->at};
  int failed = 0;
  switch (e->kind) {
    case PW_EVENT_PROCESS: failed = switch_process(a, out, e); break;
    case PW_EVENT_MARK: failed = count_from_here(a, out, e->at); break;
    default: failed = kernel_touches(a, e);
  }
  return failed ? pw_ideal_out_of_memory(err) : pw_spaces_event(&a->spaces, e, take_change, &t, err);
}
