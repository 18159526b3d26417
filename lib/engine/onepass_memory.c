/* The one-pass engine of LRU memories of every size. See onepass_memory.h. */
#include "engine/onepass_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "engine/stretch.h"
#include "mmu/hierarchy.h"
#include "sweep/family.h"
#include "sweep/stack.h"
#include "engine/onepass_tlbs.h"

struct stream {
  size_t n;
  uint32_t ref[PW_LIST_MOST];
  uint32_t bucket[PW_LIST_MOST];
};

struct pw_onepass_memory {
  struct pw_model model;
  unsigned page_shift;
  struct pw_stack stack;
  bool joint;                    /* some configuration has TLBs */
  struct pw_family first[2];     /* [0] DTLBs, [1] ITLBs */
  uint32_t *frames;              /* the memory sizes that have TLBs before them; rising and distinct once sealed */
  size_t n_frames, frames_room;
  struct pw_lists lists;
  bool by_visits;                /* no list of touches is needed */
  uint32_t current[2];           /* frame of the data page and of the code page */
  uint32_t last[2];              /* frame of the stream's last touch */
  uint32_t depth[PW_LIST_MOST];
  struct stream streams[2];
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for models of all pages of the trace; free some, or run larger pages or "
                                      "fewer configurations");
}

bool pw_onepass_memory_can(const struct pw_config *c, bool *joint)
{
  *joint = c->itlb.entries || c->dtlb.entries;
  return c->memory_policy == 0 && c->stlb.entries == 0 && pw_onepass_tlbs_can(c);
}

static int feed_block(struct pw_model *model, const struct pw_paged *block, struct pw_error *err);

static void destroy(struct pw_model *model)
{
  struct pw_onepass_memory *s = (struct pw_onepass_memory *)model;
  pw_stack_clear(&s->stack);
  for (int i = 0; i < 2; i++) pw_family_clear(&s->first[i]);
  pw_free(s->frames);
  pw_free(s);
}

static const struct pw_model_class class = {feed_block, destroy};

int pw_onepass_memory_create(struct pw_onepass_memory **sizes, unsigned page_shift, const struct pw_run_options *options,
                             struct pw_error *err)
{
  struct pw_onepass_memory *s = *sizes = pw_calloc(1, sizeof *s);
  if (!s) return out_of_memory(err);
  s->model.class = &class;
  s->page_shift = page_shift;
  s->last[0] = s->last[1] = PW_NO_ID;
  s->by_visits = options->only == PW_STREAM_BOTH;
  pw_lists_init(&s->lists, options->only);
  pw_stack_init(&s->stack, true);
  for (int i = 0; i < 2; i++) pw_family_init(&s->first[i]);
  return 0;
}

/* More frames than 2^32-2 pages can fill are as good as these. */
static uint32_t frames_of(const struct pw_onepass_memory *s, const struct pw_config *c)
{
  uint64_t frames = c->memory_bytes >> s->page_shift;
  return frames < UINT32_MAX - 1 ? (uint32_t)frames : UINT32_MAX - 1;
}

int pw_onepass_memory_add(struct pw_onepass_memory *s, const struct pw_config *c, struct pw_error *err)
{
  if (c->itlb.entries == 0 && c->dtlb.entries == 0) return 0;
  s->joint = true;
  s->by_visits = false;
  if (c->dtlb.entries && pw_family_add(&s->first[0], c->dtlb.entries, c->dtlb.ways)) return out_of_memory(err);
  if (c->itlb.entries && pw_family_add(&s->first[1], c->itlb.entries, c->itlb.ways)) return out_of_memory(err);
  uint32_t frames = frames_of(s, c);
  if (s->n_frames && s->frames[s->n_frames - 1] == frames) return 0;
  if (pw_grow((void **)&s->frames, &s->frames_room, s->n_frames + 1, sizeof *s->frames)) return out_of_memory(err);
  s->frames[s->n_frames++] = frames;
  return 0;
}

static int compare_frames(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

int pw_onepass_memory_seal(struct pw_onepass_memory *s, struct pw_error *err)
{
  if (!s->joint) return 0;
  pw_sort(s->frames, s->n_frames, sizeof *s->frames, compare_frames);
  size_t n = 0;
  for (size_t i = 0; i < s->n_frames; i++)
    if (n == 0 || s->frames[i] != s->frames[n - 1]) s->frames[n++] = s->frames[i];
  s->n_frames = n;
  for (int i = 0; i < 2; i++)
    if (pw_family_seal(&s->first[i], (uint32_t)s->n_frames + 1)) return out_of_memory(err);
  return 0;
}

void pw_onepass_memory_explain(const struct pw_onepass_memory *s, bool watched, struct pw_explained *e)
{
  struct pw_family_size size[2];
  e->fixed_bytes += sizeof *s;
  e->page_bytes += PW_STACK_STORES_PAGE_BYTES;
  snprintf(e->what, sizeof e->what, "LRU memories of every size");
  if (!s->joint) return;
  e->unless_shared = watched;
  for (int i = 0; i < 2; i++) {
    pw_family_measure(&s->first[i], &size[i]);
    e->fixed_bytes += size[i].fixed_bytes;
  }
  snprintf(e->what, sizeof e->what, "%zu LRU memor%s behind DTLBs of %zu and ITLBs of %zu number%s of sets", s->n_frames,
           s->n_frames == 1 ? "y" : "ies", size[0].set_counts, size[1].set_counts, size[1].set_counts == 1 ? "" : "s");
}

/* The smallest memory that holds a page at this depth; n_frames when none does. */
static inline uint32_t bucket_of(const struct pw_onepass_memory *s, uint32_t depth)
{
  size_t low = 0, high = s->n_frames;
  if (depth <= s->frames[0]) return 0;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (s->frames[middle] < depth) low = middle + 1;
    else high = middle;
  }
  return (uint32_t)low;
}

/* The touches of each stream that some TLB may miss: not those on the page that the
 * stream touched last, while every memory holds it. */
static void list_streams(struct pw_onepass_memory *s)
{
  const struct pw_lists *c = &s->lists;
  s->streams[0].n = s->streams[1].n = 0;
  for (size_t i = 0; i < c->n; i++) {
    struct stream *stream = &s->streams[c->code[i]];
    uint32_t id = c->touch_frame[i];
    bool trivial = s->depth[i] <= s->frames[0] && id == s->last[c->code[i]];
    s->last[c->code[i]] = id;
    if (trivial) continue;
    stream->ref[stream->n] = pw_ref((uint32_t)i, c->touch_page[i]);
    stream->bucket[stream->n++] = bucket_of(s, s->depth[i]);
  }
}

static void feed_chunk(struct pw_onepass_memory *s, uint32_t from, uint32_t to)
{
  if (s->by_visits) {
    const struct pw_lists *c = &s->lists;
    struct pw_visit_range visits = {c->block->flags, c->block->page, c->frame, from, to, s->current};
    pw_stack_feed_visits(&s->stack, &visits);
    return;
  }
  pw_lists_touches(&s->lists, from, to);
  pw_stack_feed_stores(&s->stack, s->lists.touch_frame, s->lists.wrote, s->lists.n, s->joint ? s->depth : NULL);
  if (!s->joint) return;
  list_streams(s);
  for (int i = 0; i < 2; i++) {
    const struct stream *stream = &s->streams[i];
    struct pw_refs list = {stream->n, stream->ref, s->lists.id, s->lists.key};
    pw_family_feed(&s->first[i], &list, stream->bucket);
  }
}

static void touch_aside(struct pw_onepass_memory *s, const struct pw_step *step, const uint32_t *touched)
{
  for (size_t from = 0, n; from < step->n; from += n) {
    n = step->n - from < PW_LIST_MOST ? step->n - from : PW_LIST_MOST;
    memset(s->lists.wrote, step->wrote, n);
    pw_stack_feed_stores(&s->stack, touched + from, s->lists.wrote, n, NULL);
  }
}

/* A page that is copied may be current; any other is opened next. */
static void remap(struct pw_onepass_memory *s, const struct pw_step *step)
{
  for (int i = 0; i < 2 && step->wrote; i++)
    if (s->current[i] == s->lists.frame[step->index]) s->current[i] = step->frame;
  pw_lists_remap(&s->lists, step);
}

/* Memory knows no flushes: only TLBs are emptied. */
static void step_memory(struct pw_onepass_memory *s, const struct pw_step *step, const struct pw_paged *b)
{
  switch (step->kind) {
    case PW_STEP_LEAVE:
      for (size_t i = 0; i < step->n_gone; i++) pw_stack_leave(&s->stack, b->gone[step->first_gone + i]);
      break;
    case PW_STEP_REMAP:
      remap(s, step);
      break;
    case PW_STEP_TOUCH:
      touch_aside(s, step, b->touched + step->first);
      break;
    case PW_STEP_FLUSH:
      break;
    case PW_STEP_COUNT:
      pw_stack_reset_counts(&s->stack);
      break;
  }
}

static void take_step(struct pw_onepass_memory *s, const struct pw_step *step, const struct pw_paged *b)
{
  step_memory(s, step, b);
  if (step->kind != PW_STEP_COUNT) s->last[0] = s->last[1] = PW_NO_ID;
  for (int f = 0; s->joint && f < 2; f++) pw_step_family(&s->first[f], step, b);
}

static int feed_block(struct pw_model *model, const struct pw_paged *b, struct pw_error *err)
{
  struct pw_onepass_memory *s = (struct pw_onepass_memory *)model;
  if (pw_stack_reserve(&s->stack, b->n_frames)) return out_of_memory(err);
  pw_lists_begin(&s->lists, b);
  struct pw_stretch stretch = pw_stretches(b, model, PW_STEPS_ALL);
  while (pw_stretch_next(&stretch)) {
    feed_chunk(s, stretch.from, stretch.to);
    if (stretch.step) take_step(s, stretch.step, b);
  }
  return pw_stretch_status(&stretch, err);
}

void pw_onepass_memory_finish(struct pw_onepass_memory *s)
{
  pw_stack_finish(&s->stack);
  for (int i = 0; s->joint && i < 2; i++) pw_family_finish(&s->first[i]);
}

void pw_onepass_memory_result(const struct pw_onepass_memory *s, const struct pw_config *c, struct pw_result *r)
{
  uint32_t frames = frames_of(s, c);
  uint32_t bucket = c->itlb.entries || c->dtlb.entries ? bucket_of(s, frames) : 0;
  r->itlb_misses = c->itlb.entries ? pw_family_misses(&s->first[1], c->itlb.entries, c->itlb.ways, bucket) : 0;
  r->dtlb_misses = c->dtlb.entries ? pw_family_misses(&s->first[0], c->dtlb.entries, c->dtlb.ways, bucket) : 0;
  pw_hierarchy_result(c, r);
  r->major_faults = pw_stack_misses(&s->stack, frames) - pw_stack_misses(&s->stack, UINT64_MAX);
  r->swap_outs = pw_stack_swap_outs(&s->stack, frames);
  /* memory is full once more frames are in use than it has, and else holds them all */
  if (r->resident_bytes >> s->page_shift > frames) r->resident_bytes = (uint64_t)frames << s->page_shift;
}

const struct pw_stack *pw_onepass_memory_stack(const struct pw_onepass_memory *s)
{
  return &s->stack;
}
