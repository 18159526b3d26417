/* What leaves, moves, is touched by the kernel and inherited: the pages of one page size; docs/models.md, "Events". */
#include "base/alloc.h"
#include "os/ideal_state.h"

struct pw_step *pw_ideal_add_step(struct pw_ideal_output *out, uint32_t at, enum pw_step_kind kind)
{
  struct pw_paged *n = &out->numbered;
  if (pw_grow((void **)&out->steps, &out->steps_room, n->n_steps + 1, sizeof *out->steps)) return NULL;
  struct pw_step *step = &out->steps[n->n_steps++];
  *step = (struct pw_step){.at = at, .kind = kind, .first_key = 1, .first = kind == PW_STEP_KERNEL ? out->n_touched : out->n_left};
  return step;
}

static int put_left(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t id, uint32_t to)
{
  if (pw_grow((void **)&out->left, &out->left_room, out->n_left + 1, sizeof *out->left)) return -1;
  out->left[out->n_left++] = (struct pw_left){a->pages.key[id], id, to};
  return 0;
}

/* Room for new pages, their tables and what is known of them. */
static int reserve(struct pw_ideal *a, size_t n)
{
  return pw_pages_reserve(&a->pages, n) || pw_tables_reserve(a->tables, n) ? -1 : 0;
}

/* ---- pages of a range ---- */

/* The pages that lie wholly in base pages first … last. */
static struct pw_ideal_range whole_pages(const struct pw_ideal *a, uint64_t first, uint64_t last)
{
  uint64_t mask = (UINT64_C(1) << a->shift) - 1;
  struct pw_ideal_range r = {(first + mask) >> a->shift, (last + 1) >> a->shift};
  return r.high-- ? r : (struct pw_ideal_range){1, 0};
}

typedef int page_fn(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t id, void *context);

/* Calls `each` for the pages of the running process in the range that are present now. */
static int for_present(struct pw_ideal *a, struct pw_ideal_output *out, struct pw_ideal_range r, page_fn *each, void *context)
{
  if (r.low > r.high) return 0;
  uint64_t first = pw_key(a->process, r.low), last = pw_key(a->process, r.high);
  size_t n_ids = a->pages.n_ids;
  if (last - first < n_ids) {
    for (uint64_t key = first; key <= last; key++) {
      uint32_t id = pw_pages_find(&a->pages, key);
      if (id != PW_NO_PAGE_ID && a->pages.present[id] && each(a, out, id, context)) return -1;
    }
    return 0;
  }
  for (uint32_t id = 0; id < n_ids; id++) {
    uint64_t key = a->pages.key[id];
    if (key >= first && key <= last && a->pages.present[id] && each(a, out, id, context)) return -1;
  }
  return 0;
}

/* ---- pages that leave ---- */

static int page_leaves(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t id, void *context)
{
  const struct pw_ideal_leaving *how = context;
  uint64_t key = a->pages.key[id];
  bool shared = pw_sharing_part(&a->sharing, id);
  if (a->pages.present[id] == PW_PAGE_PRESENT && put_left(a, out, id, 0)) return -1;
  pw_pages_leave(&a->pages, id, shared);
  if (!shared) pw_ideal_log_leave(a, id, how->returns);
  pw_tables_remove_page(a->tables, key, how->keep_tables);
  if (a->sampler) pw_sampler_leave(a->sampler, id, how->returns && !shared);
  return 0;
}

int pw_ideal_leave(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, struct pw_ideal_range r,
                   struct pw_ideal_leaving how)
{
  struct pw_step *step = pw_ideal_add_step(out, at, PW_STEP_LEAVE);
  if (!step) return -1;
  if (r.low <= r.high) {
    step->first_key = pw_key(a->process, r.low);
    step->last_key = pw_key(a->process, r.high);
  }
  if (for_present(a, out, r, page_leaves, &how)) return -1;
  step->n = out->n_left - step->first;
  return 0;
}

/* The pages leave and their tables stay, as the mapping does. */
int pw_ideal_discard(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, uint64_t first, uint64_t last)
{
  a->emptied = true;
  return pw_ideal_leave(a, out, at, whole_pages(a, first, last), (struct pw_ideal_leaving){true, true});
}

/* ---- pages that move ---- */

/* The page is at another address now: what is known of it goes there. */
static int page_moves(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t id, void *distance)
{
  if (reserve(a, 1)) return -1;
  uint64_t key = a->pages.key[id], page = ((key & PW_PAGE_MASK) + *(const uint64_t *)distance) & PW_PAGE_MASK;
  uint64_t new_key = pw_key(a->process, page);
  uint32_t to = pw_pages_id(&a->pages, new_key);
  if (pw_sharing_move(&a->sharing, id, to)) return -1;
  if (a->pages.present[id] == PW_PAGE_PRESENT && put_left(a, out, id, to)) return -1;
  a->pages.present[to] = a->pages.present[id];
  a->pages.present[id] = PW_PAGE_ABSENT;
  pw_ideal_log_page(a, PW_CHANGE_MOVE, to, id);
  if (a->sampler) pw_sampler_move(a->sampler, id, to);
  pw_tables_remove_page(a->tables, key, true);
  pw_tables_add_page(a->tables, new_key);
  pw_ideal_check_fit(a, (new_key & PW_PAGE_MASK) << a->shift);
  return 0;
}

/* Base pages first … last move to where base page `to` is the first. */
int pw_ideal_move(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, uint64_t first, uint64_t last, uint64_t to)
{
  uint64_t distance = to - first, mask = (UINT64_C(1) << a->shift) - 1;
  struct pw_ideal_range r = whole_pages(a, first, last);
  if ((distance & mask) || r.low > r.high) return 0; /* no pages can move like this */
  distance = (uint64_t)((int64_t)distance >> a->shift);
  struct pw_ideal_range there = {r.low + distance, r.high + distance};
  if (pw_ideal_leave(a, out, at, there, (struct pw_ideal_leaving){true, false})) return -1;
  a->emptied = true;
  struct pw_step *step = pw_ideal_add_step(out, at, PW_STEP_MOVE);
  if (!step) return -1;
  step->first_key = pw_key(a->process, r.low);
  step->last_key = pw_key(a->process, r.high);
  if (for_present(a, out, r, page_moves, &distance)) return -1;
  step->n = out->n_left - step->first;
  return 0;
}

/* ---- the kernel's touches ---- */

int pw_ideal_kernel(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, uint64_t first, uint64_t last, bool wrote)
{
  if (a->options.only == PW_STREAM_FETCH) return 0;
  struct pw_ideal_range r = {first >> a->shift, last >> a->shift};
  size_t n = (size_t)(r.high - r.low) + 1;
  if (reserve(a, n) || pw_grow((void **)&out->touched, &out->touched_room, out->n_touched + n, sizeof *out->touched)) return -1;
  struct pw_step *step = pw_ideal_add_step(out, at, PW_STEP_KERNEL);
  if (!step) return -1;
  step->wrote = wrote;
  step->n = n;
  for (uint64_t page = r.low; page <= r.high; page++) {
    uint64_t key = pw_key(a->process, page), base = page << a->shift < first ? first : page << a->shift;
    uint32_t id = pw_pages_id(&a->pages, key);
    out->touched[out->n_touched++] = id;
    pw_ideal_touch(a, id, key, base);
    if (wrote) pw_ideal_store(a, id, base);
  }
  if (!a->watching || a->shares) return 0;
  if (pw_ideal_reserve_streams(a)) return -1;
  for (size_t i = 0; i < n; i++) pw_ideal_note_stream(a, out->touched[step->first + i], 4);
  return 0;
}

/* ---- forks ---- */

static int page_is_inherited(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t id, void *child)
{
  (void)out;
  if (reserve(a, 1)) return -1;
  uint64_t key = pw_key(*(const uint32_t *)child, a->pages.key[id] & PW_PAGE_MASK);
  uint32_t child_id = pw_pages_id(&a->pages, key);
  if (a->pages.present[child_id]) return 0; /* a process that exited and went on */
  if (a->sharing.n >= PW_MOST_SHARING || pw_sharing_inherit(&a->sharing, id, child_id)) return -1;
  a->pages.present[child_id] = PW_PAGE_INHERITED;
  pw_ideal_log_page(a, PW_CHANGE_FORK, child_id, id);
  if (a->sampler) pw_sampler_inherit(a->sampler, id, child_id);
  pw_tables_add_page(a->tables, key);
  return 0;
}

int pw_ideal_inherit(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t child)
{
  struct pw_ideal_range all = {0, PW_PAGE_MASK >> a->shift};
  return for_present(a, out, all, page_is_inherited, &child);
}
