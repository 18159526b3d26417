/* What leaves, moves, is touched by the kernel and inherited: the pages of one page size; docs/models.md, "Events". */
#include <stdlib.h>

#include "base/alloc.h"
#include "os/ideal_state.h"

struct pw_step *pw_ideal_add_step(struct pw_ideal_output *out, uint32_t at, enum pw_step_kind kind)
{
  struct pw_paged *n = &out->numbered;
  if (pw_grow((void **)&out->steps, &out->steps_room, n->n_steps + 1, sizeof *out->steps)) return NULL;
  struct pw_step *step = &out->steps[n->n_steps++];
  size_t first = kind == PW_STEP_TOUCH ? out->n_touched : out->n_left;
  *step = (struct pw_step){.at = at, .event = PW_BY_VISIT, .kind = kind, .first_key = 1, .first = first,
                           .first_gone = out->n_gone};
  return step;
}

static int put_left(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t id)
{
  if (pw_grow((void **)&out->left, &out->left_room, out->n_left + 1, sizeof *out->left)) return -1;
  out->left[out->n_left++] = (struct pw_left){a->pages.key[id], id};
  return 0;
}

/* The step holds all that left since it was added. */
static int end_leaving(struct pw_ideal_output *out, struct pw_step *step)
{
  step->n = out->n_left - step->first;
  step->n_gone = out->n_gone - step->first_gone;
  return 0;
}

/* The pages that lie wholly in base pages first … last. */
static struct pw_ideal_range whole_pages(const struct pw_ideal *a, uint64_t first, uint64_t last)
{
  uint64_t mask = (UINT64_C(1) << a->shift) - 1;
  struct pw_ideal_range r = {(first + mask) >> a->shift, (last + 1) >> a->shift};
  return r.high-- ? r : (struct pw_ideal_range){1, 0};
}

/* ---- pages that leave ---- */

struct departure {
  struct pw_ideal *account;
  struct pw_ideal_output *out;
  bool returns;
};

static int page_leaves(struct departure *d, uint64_t page, bool shared)
{
  struct pw_ideal *a = d->account;
  uint32_t id = pw_pages_find(&a->pages, pw_key(a->process, page));
  a->frames.steps++;
  if (id == PW_NO_PAGE_ID) return 0; /* inherited, and not touched */
  if (a->pages.touched[id]) {
    if (put_left(a, d->out, id) || (a->finite && !a->frames.all && pw_ideal_put_gone(d->out, id))) return -1;
    a->pages.touched[id] = false;
  }
  if (!shared) pw_ideal_log_leave(a, id, d->returns);
  return 0;
}

static int part_leaves(void *departure, const struct pw_present_part *part)
{
  for (uint64_t rest = part->own ? part->bits : 0; rest; rest &= rest - 1) {
    uint64_t page = part->first + (uint64_t)__builtin_ctzll(rest);
    if (page_leaves(departure, page, part->shared & rest & -rest)) return -1;
  }
  return 0;
}

/* The process has no page and no table but its root any more. */
static int all_leave(struct departure *d)
{
  struct pw_ideal *a = d->account;
  uint32_t before = a->frames.free;
  if (pw_present_leave(&a->frames, &a->present[a->process], part_leaves, d) || pw_ideal_put_all_gone(a, d->out, before))
    return -1;
  pw_tables_clear(a->tables, a->process);
  return 0;
}

static int range_leaves(struct departure *d, struct pw_ideal_range r, bool keep_tables)
{
  struct pw_ideal *a = d->account;
  struct pw_present *p = &a->present[a->process];
  struct pw_present_part part;
  int found;
  uint32_t before = a->frames.free;
  for (; (found = pw_present_cut(&a->frames, p, r.low, r.high, &part)) > 0; r.low = part.first + 64)
    if (part_leaves(d, &part) || pw_tables_remove(a->tables, p, a->process, &part, keep_tables)) return -1;
  return found ? found : pw_ideal_put_all_gone(a, d->out, before);
}

static struct pw_step *add_range_step(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, enum pw_step_kind kind,
                                      struct pw_ideal_range r)
{
  struct pw_step *step = pw_ideal_add_step(out, at, kind);
  if (!step || r.low > r.high) return step;
  step->first_key = pw_key(a->process, r.low);
  step->last_key = pw_key(a->process, r.high);
  return step;
}

/* Pages leave for good, or tables stay since the mapping does. */
static int leave(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, struct pw_ideal_range r,
                 struct pw_ideal_leaving how, bool unmapped)
{
  struct pw_step *step = add_range_step(a, out, at, PW_STEP_LEAVE, r);
  struct departure d = {a, out, how.returns};
  if (!step) return -1;
  if (r.low > r.high) return 0;
  bool all = unmapped && r.low == 0 && r.high == PW_PAGE_MASK >> a->shift && !a->logging;
  if (all ? all_leave(&d) : range_leaves(&d, r, how.keep_tables)) return -1;
  return end_leaving(out, step);
}

int pw_ideal_leave(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, struct pw_ideal_range r,
                   struct pw_ideal_leaving how)
{
  return leave(a, out, at, r, how, true);
}

/* The pages leave and their tables stay, as the mapping does. */
int pw_ideal_discard(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, uint64_t first, uint64_t last)
{
  a->emptied = true;
  return leave(a, out, at, whole_pages(a, first, last), (struct pw_ideal_leaving){true, true}, false);
}

/* ---- pages that move ---- */

/* The page is at another address now: what is known of it goes there. */
static int page_moves(struct pw_ideal *a, struct pw_ideal_output *out, uint64_t page, uint64_t to)
{
  struct pw_present *p = &a->present[a->process];
  uint32_t id = pw_pages_find(&a->pages, pw_key(a->process, page));
  if (id != PW_NO_PAGE_ID) { /* else it is inherited, and not touched */
    if (pw_pages_reserve(&a->pages, 1)) return -1;
    uint32_t to_id = pw_pages_id(&a->pages, pw_key(a->process, to));
    if (a->pages.touched[id] && put_left(a, out, id)) return -1;
    a->pages.touched[to_id] = a->pages.touched[id];
    a->pages.touched[id] = false;
    pw_ideal_log_page(a, PW_CHANGE_MOVE, to_id, id);
  }
  uint32_t there = pw_pages_find(&a->pages, pw_key(a->process, to));
  if (there < a->alone_room) a->alone[there] = 0; /* that was another frame */
  pw_tables_add_page(a->tables, p, a->process, to);
  if (pw_present_move(&a->frames, p, page, to)) return -1;
  if (a->frames.all && there != PW_NO_PAGE_ID) pw_ideal_put_frame(a, there);
  pw_ideal_check_fit(a, to << a->shift);
  struct pw_present_part gone = {.first = page & ~UINT64_C(63), .bits = UINT64_C(1) << (page & 63)};
  return pw_tables_remove(a->tables, p, a->process, &gone, true);
}

/* The page is present from here on, like the one that it is a part of. */
static int page_comes(struct pw_ideal *a, uint64_t page, uint64_t from)
{
  struct pw_present *p = &a->present[a->process];
  if (pw_present_has(p, page)) return 0;
  if (pw_pages_reserve(&a->pages, 1)) return -1;
  uint32_t id = pw_pages_id(&a->pages, pw_key(a->process, page));
  if (a->logging) {
    pw_ideal_log_page(a, PW_CHANGE_FORK, id, pw_pages_find(&a->pages, pw_key(a->process, from)));
    pw_ideal_log_page(a, PW_CHANGE_ARRIVE, id, 0);
  }
  pw_tables_add_page(a->tables, p, a->process, page);
  uint64_t *there = pw_present_own(&a->frames, p, page);
  if (!there || pw_present_take(&a->frames, there, page)) return -1;
  if (a->frames.all) pw_ideal_put_frame(a, id);
  pw_ideal_touch_frame(a, id, false);
  pw_ideal_check_fit(a, page << a->shift);
  return 0;
}

/* To another place within pages: as in the kernel, which moves small pages, each page that a part of one comes to is
 * there; the frames are others. */
static int parts_move(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, uint64_t first, uint64_t last, uint64_t to)
{
  struct pw_ideal_range whole = whole_pages(a, first, last);
  struct departure d = {a, out, false};
  size_t step = out->numbered.n_steps;
  const struct pw_present *p = &a->present[a->process];
  uint64_t end = (last >> a->shift) + pw_present_has(p, last >> a->shift); /* a part may come to the last one of all */
  if (!add_range_step(a, out, at, PW_STEP_LEAVE, whole)) return -1;
  for (uint64_t from = first >> a->shift, page; pw_present_next(p, from, &page) && page < end; from = page + 1) {
    uint64_t low = page << a->shift, high = low + (UINT64_C(1) << a->shift) - 1;
    if (low >= first && high <= last && range_leaves(&d, (struct pw_ideal_range){page, page}, true)) return -1;
    low = ((low < first ? first : low) - first + to) >> a->shift;
    high = ((high > last ? last : high) - first + to) >> a->shift;
    for (; low <= high; low++)
      if (page_comes(a, low, page)) return -1;
  }
  return end_leaving(out, &out->steps[step]);
}

/* Base pages first … last move to where base page `to` is the first. */
int pw_ideal_move(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t at, uint64_t first, uint64_t last, uint64_t to)
{
  uint64_t distance = to - first, mask = (UINT64_C(1) << a->shift) - 1;
  struct pw_ideal_range r = whole_pages(a, first, last), there = whole_pages(a, to, to + (last - first));
  bool apart = distance & mask;
  if (!apart && r.low > r.high) return 0; /* no page moves */
  uint64_t page;
  bool any = pw_present_next(&a->present[a->process], first >> a->shift, &page) && page <= last >> a->shift;
  if (any && pw_ideal_number_frames(a, out)) return -1;
  if (leave(a, out, at, there, (struct pw_ideal_leaving){true, false}, false)) return -1;
  a->emptied = true;
  if (apart) return parts_move(a, out, at, first, last, to);
  distance = (uint64_t)((int64_t)distance >> a->shift);
  struct pw_step *step = add_range_step(a, out, at, PW_STEP_LEAVE, r);
  if (!step) return -1;
  for (; pw_present_next(&a->present[a->process], r.low, &page) && page <= r.high; r.low = page + 1)
    if (page_moves(a, out, page, page + distance)) return -1;
  return end_leaving(out, step);
}

/* ---- the kernel's touches ---- */

int pw_ideal_kernel(struct pw_ideal *a, uint64_t first, uint64_t last, bool wrote)
{
  if (a->options.only == PW_STREAM_FETCH) return 0;
  struct pw_ideal_range r = {first >> a->shift, last >> a->shift};
  if (pw_pages_reserve(&a->pages, (size_t)(r.high - r.low) + 1)) return -1;
  for (uint64_t page = r.low; page <= r.high; page++) {
    uint64_t key = pw_key(a->process, page), base = page << a->shift < first ? first : page << a->shift;
    uint32_t id = pw_pages_id(&a->pages, key);
    pw_ideal_touch(a, id, key, base);
    if (wrote) pw_ideal_store(a, id);
    pw_ideal_touch_frame(a, id, wrote);
  }
  return 0;
}

/* ---- forks ---- */

static int page_is_inherited(struct pw_ideal *a, uint32_t child, uint32_t id)
{
  uint64_t page = a->pages.key[id] & PW_PAGE_MASK;
  if (pw_pages_reserve(&a->pages, 1)) return -1;
  uint32_t child_id = pw_pages_id(&a->pages, pw_key(child, page));
  pw_ideal_log_page(a, PW_CHANGE_FORK, child_id, id);
  pw_tables_add_page(a->tables, &a->present[child], child, page);
  return pw_present_inherit(&a->frames, &a->present[a->process], &a->present[child], page);
}

static int compare_ids(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* One page after the other, in the order in which they were first seen: whose a table is depends on it. */
static int tell_inherited(struct pw_ideal *a, uint32_t child)
{
  struct pw_present *p = &a->present[a->process];
  uint32_t *ids = NULL;
  size_t n = 0, room = 0;
  int status = 0;
  for (uint64_t from = 0, page; !status && pw_present_next(p, from, &page); from = page + 1) {
    status = pw_grow((void **)&ids, &room, n + 1, sizeof *ids);
    if (!status) ids[n++] = pw_pages_find(&a->pages, pw_key(a->process, page));
  }
  pw_sort(ids, n, sizeof *ids, compare_ids);
  for (size_t i = 0; !status && i < n; i++) status = page_is_inherited(a, child, ids[i]);
  pw_free(ids);
  return status;
}

static bool nothing_is_mapped(void *context, uint32_t process, uint64_t first, uint64_t last)
{
  (void)context, (void)process, (void)first, (void)last;
  return false;
}

/* What an exited process touched afterwards goes when a fork names it, and the tables that it left empty. */
static int begin_anew(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t child)
{
  struct pw_ideal_range all = {0, PW_PAGE_MASK >> a->shift};
  uint32_t parent = a->process;
  a->process = child;
  int status = a->present[child].root ? leave(a, out, a->cause.at, all, (struct pw_ideal_leaving){false, false}, true) : 0;
  a->process = parent;
  pw_tables_forget(a->tables, child, 0, PW_PAGE_MASK, nothing_is_mapped, NULL);
  return status;
}

int pw_ideal_inherit(struct pw_ideal *a, struct pw_ideal_output *out, uint32_t child)
{
  struct pw_present *parent = &a->present[a->process], *p = &a->present[child];
  if (child == a->process) return 0;
  if (begin_anew(a, out, child) || (parent->root && pw_ideal_number_frames(a, out))) return -1;
  a->shares |= parent->root != NULL;
  pw_present_fork(&a->frames, parent, p, !a->logging);
  if (a->logging) return tell_inherited(a, child);
  pw_tables_fork(a->tables, a->process, child);
  return 0;
}
