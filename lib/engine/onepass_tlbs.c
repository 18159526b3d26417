/* The one-pass engine of TLBs over unlimited memory. See onepass_tlbs.h. */
#include "engine/onepass_tlbs.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "engine/stretch.h"
#include "mmu/hierarchy.h"
#include "sweep/family.h"
#include "sweep/stack.h"

#define WORDS (PW_LIST_MOST / 64)

/* A pair of first levels, and the second levels behind it. */
struct pair {
  struct pw_tlb_config first[2];     /* [0] DTLB, [1] ITLB; no entries: absent */
  const struct pw_emitter *missed[2]; /* NULL: absent, all pass */
  struct pw_family second;
};

/* What the streams of a chunk refer to. */
struct opener_stream {
  size_t n;
  uint32_t ref[PW_LIST_MOST];
};

struct pw_onepass_tlbs {
  struct pw_model model;
  struct pw_run_options options;
  bool all_touches, needs_counts;
  struct pw_family first[2];         /* [0] DTLBs, [1] ITLBs */
  struct pair *pairs;
  size_t n_pairs, pairs_room;
  struct pw_lists *lists;            /* only for all touches */
  uint32_t last[2];                  /* id that the stream's list ended with */
  struct opener_stream streams[2], merged;
  uint64_t all[2][WORDS];            /* positions of each stream, only for all touches */
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the TLBs; free some, or run smaller ones or fewer configurations");
}

static bool is_lru(const struct pw_tlb_config *c)
{
  return c->entries == 0 || c->policy == 0;
}

bool pw_onepass_tlbs_can(const struct pw_config *c)
{
  return is_lru(&c->itlb) && is_lru(&c->dtlb) && is_lru(&c->stlb);
}

bool pw_onepass_tlbs_wants_touches(const struct pw_config *c)
{
  return c->stlb.entries && (c->itlb.entries == 0 || c->dtlb.entries == 0);
}

static int feed_block(struct pw_model *model, const struct pw_paged *block, struct pw_error *err);

static void destroy(struct pw_model *model)
{
  struct pw_onepass_tlbs *t = (struct pw_onepass_tlbs *)model;
  for (int s = 0; s < 2; s++) pw_family_clear(&t->first[s]);
  for (size_t i = 0; i < t->n_pairs; i++) pw_family_clear(&t->pairs[i].second);
  pw_free(t->pairs);
  pw_free(t->lists);
  pw_free(t);
}

static const struct pw_model_class class = {feed_block, destroy};

int pw_onepass_tlbs_create(struct pw_onepass_tlbs **tlbs, const struct pw_run_options *options, bool all_touches,
                           struct pw_error *err)
{
  struct pw_onepass_tlbs *t = *tlbs = pw_calloc(1, sizeof *t);
  if (!t) return out_of_memory(err);
  t->model.class = &class;
  t->options = *options;
  t->all_touches = all_touches;
  t->last[0] = t->last[1] = PW_NO_ID;
  for (int s = 0; s < 2; s++) pw_family_init(&t->first[s]);
  if (!all_touches) return 0;
  t->lists = pw_malloc(1, sizeof *t->lists);
  if (t->lists) {
    pw_lists_init(t->lists, options->only);
    return 0;
  }
  destroy(&t->model);
  *tlbs = NULL;
  return out_of_memory(err);
}

static bool same(const struct pw_tlb_config *a, const struct pw_tlb_config *b)
{
  return a->entries == b->entries && (a->entries == 0 || a->ways == b->ways);
}

static int find_pair(struct pw_onepass_tlbs *t, const struct pw_config *c, uint32_t *number)
{
  /* from the last: configurations come in order, so that it mostly is the one */
  for (size_t i = t->n_pairs; i-- > 0;)
    if (same(&t->pairs[i].first[0], &c->dtlb) && same(&t->pairs[i].first[1], &c->itlb)) {
      *number = (uint32_t)i;
      return 0;
    }
  if (pw_grow((void **)&t->pairs, &t->pairs_room, t->n_pairs + 1, sizeof *t->pairs)) return -1;
  struct pair *pair = &t->pairs[t->n_pairs];
  *pair = (struct pair){.first = {c->dtlb, c->itlb}};
  pw_family_init(&pair->second);
  *number = (uint32_t)t->n_pairs++;
  for (int s = 0; s < 2; s++) {
    struct pw_emitter *emitter = NULL;
    const struct pw_tlb_config *tlb = &pair->first[s];
    if (tlb->entries && pw_family_emit(&t->first[s], tlb->entries, tlb->ways, &emitter)) return -1;
    pair->missed[s] = emitter;
  }
  return 0;
}

int pw_onepass_tlbs_add(struct pw_onepass_tlbs *t, const struct pw_config *c, uint32_t *pair, struct pw_error *err)
{
  *pair = PW_NO_PAIR;
  if (c->dtlb.entries && pw_family_add(&t->first[0], c->dtlb.entries, c->dtlb.ways)) return out_of_memory(err);
  if (c->itlb.entries && pw_family_add(&t->first[1], c->itlb.entries, c->itlb.ways)) return out_of_memory(err);
  if (c->stlb.entries == 0) return 0;
  if (find_pair(t, c, pair) || pw_family_add(&t->pairs[*pair].second, c->stlb.entries, c->stlb.ways)) return out_of_memory(err);
  /* only where two pages can push each other out does the number of alternations matter */
  t->needs_counts |= t->all_touches && c->stlb.ways == 1 && c->itlb.entries == 0 && c->dtlb.entries == 0;
  return 0;
}

int pw_onepass_tlbs_all_sizes(struct pw_onepass_tlbs *t, const struct pw_config *c, enum pw_curve_of of, uint32_t *pair,
                              struct pw_error *err)
{
  *pair = PW_NO_PAIR;
  if (of == PW_CURVE_STLB) {
    if (find_pair(t, c, pair) || pw_family_all_sizes(&t->pairs[*pair].second)) return out_of_memory(err);
    t->needs_counts |= t->all_touches && c->itlb.entries == 0 && c->dtlb.entries == 0;
    return 0;
  }
  return pw_family_all_sizes(&t->first[of == PW_CURVE_ITLB]) ? out_of_memory(err) : 0;
}

int pw_onepass_tlbs_seal(struct pw_onepass_tlbs *t, struct pw_error *err)
{
  bool failed = pw_family_seal(&t->first[0], 1) || pw_family_seal(&t->first[1], 1);
  for (size_t i = 0; !failed && i < t->n_pairs; i++) failed = pw_family_seal(&t->pairs[i].second, 1) != 0;
  return failed ? out_of_memory(err) : 0;
}

void pw_onepass_tlbs_explain(const struct pw_onepass_tlbs *t, struct pw_explained *e)
{
  static const char *const names[2] = {"DTLBs", "ITLBs"};
  struct pw_family_size size;
  size_t n = 0, seconds = 0;
  e->fixed_bytes += sizeof *t + (t->lists ? sizeof *t->lists : 0);
  for (int s = 0; s < 2; s++) {
    pw_family_measure(&t->first[s], &size);
    e->fixed_bytes += size.fixed_bytes;
    e->page_bytes += size.page_bytes;
    if (size.set_counts && n < sizeof e->what)
      n += (size_t)snprintf(e->what + n, sizeof e->what - n, "%s%s of %zu number%s of sets and up to %ju ways", n ? ", " : "",
                            names[s],
                            size.set_counts, size.set_counts == 1 ? "" : "s", (uintmax_t)size.most_ways);
  }
  for (size_t i = 0; i < t->n_pairs; i++) {
    pw_family_measure(&t->pairs[i].second, &size);
    e->fixed_bytes += size.fixed_bytes;
    e->page_bytes += size.page_bytes;
    seconds++;
  }
  if (seconds && n < sizeof e->what)
    n += (size_t)snprintf(e->what + n, sizeof e->what - n, "%ssecond levels behind %zu pair%s of first levels", n ? ", " : "",
                          seconds,
                          seconds == 1 ? "" : "s");
  if (n == 0) snprintf(e->what, sizeof e->what, "no TLB");
}

bool pw_onepass_tlbs_needs_counts(const struct pw_onepass_tlbs *t)
{
  return t->needs_counts;
}

/* Openers of visits [from, to) by stream; repeats of a larger page are left out. */
static void list_openers(struct pw_onepass_tlbs *t, const struct pw_paged *b, uint32_t from, uint32_t to)
{
  const uint16_t *page = b->block->page;
  const uint8_t *flags = b->block->flags;
  const uint32_t *ids = b->id;
  size_t n[2] = {0, 0};
  uint32_t last[2] = {t->last[0], t->last[1]};
  for (uint32_t i = from; i < to; i++) {
    unsigned s = flags[i] & PW_VISIT_CODE;
    uint32_t id = ids[page[i]];
    t->streams[s].ref[n[s]] = pw_ref(i - from, page[i]);
    n[s] += id != last[s];
    last[s] = id;
  }
  for (unsigned s = 0; s < 2; s++) {
    bool wanted = t->options.only == PW_STREAM_BOTH || (t->options.only == PW_STREAM_FETCH) == (s == 1);
    t->streams[s].n = wanted ? n[s] : 0;
    t->last[s] = last[s];
  }
}

static void list_touches(struct pw_onepass_tlbs *t, uint32_t from, uint32_t to)
{
  struct pw_lists *c = t->lists;
  pw_lists_touches(c, from, to);
  t->streams[0].n = t->streams[1].n = 0;
  memset(t->all, 0, sizeof t->all);
  for (size_t i = 0; i < c->n; i++) {
    struct opener_stream *stream = &t->streams[c->code[i]];
    stream->ref[stream->n++] = pw_ref((uint32_t)i, c->touch_page[i]);
    t->all[c->code[i]][i >> 6] |= UINT64_C(1) << (i & 63);
  }
}

/* What missed in either first level, in order. */
static void feed_pair(struct pw_onepass_tlbs *t, struct pair *pair, const struct pw_paged *b, uint32_t from)
{
  const uint64_t *bits[2];
  for (int s = 0; s < 2; s++) bits[s] = pair->missed[s] ? pair->missed[s]->bits : t->all[s];
  size_t n = 0, words = t->all_touches ? WORDS : PW_CHUNK_VISITS / 64;
  for (size_t w = 0; w < words; w++)
    for (uint64_t left = bits[0][w] | bits[1][w]; left; left &= left - 1) {
      uint32_t at = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(left);
      t->merged.ref[n++] = pw_ref(at, t->all_touches ? t->lists->touch_page[at] : b->block->page[from + at]);
    }
  struct pw_refs list = {n, t->merged.ref, b->id, b->key};
  pw_family_feed(&pair->second, &list, NULL);
  bool unified = !pair->missed[0] && !pair->missed[1];
  for (size_t i = 0; unified && i < t->lists->n_alternations; i++) /* two of which the lists of other models hold */
    pw_family_alternate(&pair->second, t->lists->alternations[i].key, t->lists->alternations[i].touches + 2);
}

static void feed_chunk(struct pw_onepass_tlbs *t, const struct pw_paged *b, uint32_t from, uint32_t to)
{
  if (t->all_touches) list_touches(t, from, to);
  else list_openers(t, b, from, to);
  for (int s = 0; s < 2; s++) {
    struct pw_refs list = {t->streams[s].n, t->streams[s].ref, b->id, b->key};
    pw_family_feed(&t->first[s], &list, NULL);
  }
  for (size_t i = 0; i < t->n_pairs; i++) feed_pair(t, &t->pairs[i], b, from);
}

static int reserve(struct pw_onepass_tlbs *t, const struct pw_paged *b)
{
  if (pw_family_reserve(&t->first[0], b->n_ids) || pw_family_reserve(&t->first[1], b->n_ids)) return -1;
  for (size_t i = 0; i < t->n_pairs; i++)
    if (pw_family_reserve(&t->pairs[i].second, b->n_ids)) return -1;
  return 0;
}

void pw_step_family(struct pw_family *f, const struct pw_step *step, const struct pw_paged *b)
{
  const struct pw_left *left = b->left + step->first;
  if (step->kind == PW_STEP_COUNT) pw_family_reset_counts(f);
  if (step->kind == PW_STEP_FLUSH) pw_family_flush(f);
  for (size_t i = 0; step->kind == PW_STEP_LEAVE && i < step->n; i++) pw_family_leave(f, left[i].id, left[i].key);
}

static void take_step(struct pw_onepass_tlbs *t, const struct pw_step *step, const struct pw_paged *b)
{
  if (step->kind != PW_STEP_COUNT) t->last[0] = t->last[1] = PW_NO_ID;
  for (int s = 0; s < 2; s++) pw_step_family(&t->first[s], step, b);
  for (size_t k = 0; k < t->n_pairs; k++) pw_step_family(&t->pairs[k].second, step, b);
}

static int feed_block(struct pw_model *model, const struct pw_paged *b, struct pw_error *err)
{
  struct pw_onepass_tlbs *t = (struct pw_onepass_tlbs *)model;
  if (reserve(t, b)) return out_of_memory(err);
  if (t->lists) pw_lists_begin(t->lists, b);
  struct pw_stretch s = pw_stretches(b, model, ~(1u << PW_STEP_TOUCH | 1u << PW_STEP_REMAP)); /* which no TLB sees */
  while (pw_stretch_next(&s)) {
    if (s.from < s.to) feed_chunk(t, b, s.from, s.to);
    if (s.step) take_step(t, s.step, b);
  }
  return pw_stretch_status(&s, err);
}

void pw_onepass_tlbs_finish(struct pw_onepass_tlbs *t)
{
  for (int s = 0; s < 2; s++) pw_family_finish(&t->first[s]);
  for (size_t i = 0; i < t->n_pairs; i++) pw_family_finish(&t->pairs[i].second);
}

void pw_onepass_tlbs_result(const struct pw_onepass_tlbs *t, const struct pw_config *c, uint32_t pair, struct pw_result *r)
{
  r->itlb_misses = c->itlb.entries ? pw_family_misses(&t->first[1], c->itlb.entries, c->itlb.ways, 0) : 0;
  r->dtlb_misses = c->dtlb.entries ? pw_family_misses(&t->first[0], c->dtlb.entries, c->dtlb.ways, 0) : 0;
  r->stlb_misses = c->stlb.entries ? pw_family_misses(&t->pairs[pair].second, c->stlb.entries, c->stlb.ways, 0) : 0;
  pw_hierarchy_result(c, r);
}

const struct pw_stack *pw_onepass_tlbs_stack(const struct pw_onepass_tlbs *t, enum pw_curve_of of, uint32_t pair)
{
  return pair == PW_NO_PAIR ? t->first[of == PW_CURVE_ITLB].stack : t->pairs[pair].second.stack;
}
