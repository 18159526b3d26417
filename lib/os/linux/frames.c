/* Frames for those who ask, and what is done when there are few. See reclaim.h; the loops are those of mm/page_alloc.c and
 * mm/memcontrol.c. */
#include "os/linux/computer.h"

#include "base/alloc.h"
#include "base/random.h"

enum { RETRIES = 16, BLOCK_TRIES = RETRIES + 2, CLUSTER = 32 };

void pw_reclaim_init(struct pw_computer *c, const struct pw_reclaim_options *options)
{
  struct pw_reclaim *r = &c->reclaim;
  *r = (struct pw_reclaim){.options = *options, .random = pw_random_seed(options->seed, 17)};
  r->swap.n = options->swap_pages;
  for (int v = 0; v < 2; v++)
    for (int list = 0; list < PW_LISTS; list++) r->lru[v].head[list] = r->lru[v].tail[list] = PW_NO_FOLIO;
}

void pw_reclaim_clear(struct pw_computer *c)
{
  struct pw_reclaim *r = &c->reclaim;
  pw_folios_clear(&r->folios);
  pw_swap_clear(&r->swap);
  pw_free(r->isolated);
  pw_free(r->deferred);
  pw_free(r->writing);
  *r = (struct pw_reclaim){.n_batch = 0};
}

static bool is_linux(const struct pw_computer *c)
{
  return c->reclaim.options.policy == PW_SYSTEM_RECLAIM_LINUX;
}

/* Frees so many pages, or one where pages leave one by one. */
static uint64_t reclaim(struct pw_computer *c, uint64_t pages, enum pw_reclaimer who)
{
  if (c->reclaim.options.policy == PW_SYSTEM_RECLAIM_NONE) return 0;
  return is_linux(c) ? pw_two_lists_reclaim(c, pages > CLUSTER ? pages : CLUSTER, who) : pw_one_list_reclaim(c, who == PW_RECLAIM_GROUP);
}

static int kill_one(struct pw_computer *c, bool group)
{
  struct pw_reclaim *r = &c->reclaim;
  return r->options.stops || !r->kill ? PW_MM_NO_FRAME : r->kill(r->context, group);
}

/* ---- the group ---- */

/* Of the kernel: page tables, stacks, and objects by their bytes. */
static uint64_t charged_kernel(const struct pw_computer *c)
{
  return (c->now.kernel - c->kernel_itself - c->now.slabs + c->object_bytes + 4095) >> PW_BASE_SHIFT;
}

uint64_t pw_frames_charged(const struct pw_computer *c)
{
  return ((c->now.anon + c->now.file) >> PW_BASE_SHIFT) - c->reclaim.uncharged + charged_kernel(c);
}

static void note_peak(struct pw_computer *c, uint64_t pages)
{
  struct pw_reclaim *r = &c->reclaim;
  r->charged_peak = pw_most(r->charged_peak, pw_frames_charged(c) + pages);
  r->kernel_peak = pw_most(r->kernel_peak, charged_kernel(c));
}

/* Goes who would rather have none without? A page at the first try that frees nothing; a block after the first try, one more when what processors keep
 * for themselves is given back, and 16 retries, whatever they freed. */
static bool gives_up(const struct pw_computer *c, uint64_t pages, uint64_t freed, unsigned *tries)
{
  return pages == 1 || !is_linux(c) ? !freed : ++*tries == BLOCK_TRIES;
}

int pw_frames_charge(struct pw_computer *c, uint64_t pages, enum pw_effort effort)
{
  struct pw_reclaim *r = &c->reclaim;
  unsigned failures = 0, tries = 0;
  while (pages && pw_frames_charged(c) + pages > r->options.limit_pages) {
    if (effort == PW_EFFORT_NONE) return PW_MM_NO_FRAME;
    uint64_t freed = reclaim(c, pages, PW_RECLAIM_GROUP);
    if (r->status) return r->status;
    if (pw_frames_charged(c) + pages <= r->options.limit_pages) break;
    if (effort == PW_EFFORT_LIGHT) {
      if (gives_up(c, pages, freed, &tries)) return PW_MM_NO_FRAME;
      continue;
    }
    if (freed) failures = 0;
    else if (++failures == RETRIES) {
      int status = kill_one(c, true);
      if (status) return status;
      failures = 0;
    }
  }
  if (r->options.limit_pages != UINT64_MAX) note_peak(c, pages);
  return 0;
}

/* ---- the computer ---- */

static void run_kswapd(struct pw_computer *c)
{
  struct pw_reclaim *r = &c->reclaim;
  uint64_t freed, all = 0;
  r->counts.kswapd_runs++;
  do {
    freed = reclaim(c, CLUSTER, PW_RECLAIM_KSWAPD);
    all += freed;
  } while (freed && !r->status && c->frames.free <= c->high);
  r->kswapd_failures = all ? 0 : r->kswapd_failures + 1;
  if (c->few) c->few(c->shoot_context, PW_SYSTEM_KSWAPD, all);
}

/* No frame was to be had. 0: try again. */
static int make_room(struct pw_computer *c, unsigned order, bool light, unsigned *failures)
{
  struct pw_reclaim *r = &c->reclaim;
  if (is_linux(c) && r->kswapd_failures < RETRIES) {
    run_kswapd(c);
    return r->status;
  }
  if (is_linux(c)) r->counts.direct_reclaims++;
  uint64_t freed = reclaim(c, UINT64_C(1) << order, PW_RECLAIM_DIRECT);
  if (c->few && is_linux(c)) c->few(c->shoot_context, PW_SYSTEM_DIRECT_RECLAIM, freed);
  if (r->status) return r->status;
  if (freed) {
    *failures = 0;
    r->kswapd_failures = 0;
    return 0;
  }
  if (light) return PW_MM_NO_FRAME;
  if (++*failures < RETRIES && is_linux(c)) return 0;
  *failures = 0;
  return kill_one(c, false);
}

int pw_frames_take(struct pw_computer *c, const struct pw_frame_request *q, uint32_t *frame)
{
  struct pw_reclaim *r = &c->reclaim;
  uint64_t pages = UINT64_C(1) << q->order;
  bool light = q->effort != PW_EFFORT_ALL, block = light && q->order == PW_HUGE_ORDER;
  unsigned failures = 0;
  int status = q->free_of_charge ? 0 : pw_frames_charge(c, pages, q->effort);
  if (status) return status;
  if (is_linux(c) && !block && c->frames.free <= c->low + pages - 1 && r->kswapd_failures < RETRIES) run_kswapd(c);
  while (!r->status && (*frame = pw_buddy_take(&c->frames, q->order, q->type)) == PW_NO_FRAME) {
    if (block) return PW_MM_NO_FRAME;
    status = make_room(c, q->order, light, &failures);
    if (status) return status;
  }
  return r->status;
}
