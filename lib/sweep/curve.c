/* Miss and fault curves: one list of pages per request, the most recent in front.
 *
 * Models LRU structures of every size at once: the place of a page in the list is the
 * least size at which its next touch hits. It is slow, takes no notice of unmapped
 * pages, and is exact otherwise.
 *
 * Invariant: a page stands in the list once; the pages before it are those touched
 * since its last touch. */
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "mmu/tlb.h"

#define CLEAN UINT64_MAX

struct entry {
  uint64_t key;
  uint64_t deepest; /* place since its last store, at most; CLEAN: not stored to */
};

struct list {
  struct pw_curve_config config;
  struct pw_tlb first[2];    /* data, code; before a second level */
  bool has_first[2];
  size_t n, room, n_counts, counts_room;
  struct entry *entries;
  uint64_t *hits;            /* [n_counts] by place, from 0 for the first */
  int64_t *swap_steps;       /* [n_counts + 1] change of the write-backs at size place + 1 */
  size_t swap_room;
  uint64_t cold, lookups;
};

static int create(struct list *l, const struct pw_curve_config *config, struct pw_error *err)
{
  *l = (struct list){.config = *config};
  if (config->of != PW_CURVE_STLB) return 0;
  const struct pw_tlb_config *tlbs[2] = {&config->dtlb, &config->itlb};
  static const char *const names[2] = {"DTLB", "ITLB"};
  for (int s = 0; s < 2; s++) {
    if (!tlbs[s]->entries) continue;
    if (pw_tlb_config_check(tlbs[s], names[s], err)) return PW_EINVAL;
    if (pw_tlb_init(&l->first[s], tlbs[s], 1, 0)) return pw_error_set(err, PW_ENOMEM, "memory ran out");
    l->has_first[s] = true;
  }
  return 0;
}

static void destroy(struct list *l)
{
  for (int s = 0; s < 2; s++)
    if (l->has_first[s]) pw_tlb_clear(&l->first[s]);
  pw_free(l->entries);
  pw_free(l->hits);
  pw_free(l->swap_steps);
}

/* Room for one page more in the list and the counts. */
static int make_room(struct list *l)
{
  if (pw_grow((void **)&l->entries, &l->room, l->n + 1, sizeof *l->entries) ||
      pw_grow((void **)&l->hits, &l->counts_room, l->n + 1, sizeof *l->hits) ||
      pw_grow((void **)&l->swap_steps, &l->swap_room, l->n + 2, sizeof *l->swap_steps))
    return -1;
  if (!l->n_counts) l->swap_steps[0] = 0;
  for (; l->n_counts < l->n + 1; l->n_counts++) l->hits[l->n_counts] = 0, l->swap_steps[l->n_counts + 1] = 0;
  return 0;
}

/* The memories of deepest … place - 1 frames wrote the page back. */
static void write_back(struct list *l, const struct entry *e, uint64_t place)
{
  if (e->deepest >= place) return;
  l->swap_steps[e->deepest - 1]++;
  l->swap_steps[place - 1]--;
}

static int touch(struct list *l, uint64_t key, bool wrote)
{
  size_t at = 0;
  while (at < l->n && l->entries[at].key != key) at++;
  struct entry e = {key, CLEAN};
  if (at == l->n) {
    if (make_room(l)) return -1;
    l->n++;
    l->cold++;
  } else {
    e = l->entries[at];
    l->hits[at]++;
    write_back(l, &e, at + 1);
    if (e.deepest < at + 1) e.deepest = at + 1;
  }
  if (wrote) e.deepest = 1;
  memmove(l->entries + 1, l->entries, at * sizeof *l->entries);
  l->entries[0] = e;
  return 0;
}

static bool first_level_hits(struct list *l, unsigned stream, uint64_t key)
{
  uint64_t keys[2] = {key, 0};
  uint32_t at[2] = {0};
  const struct pw_lookups in = {1, keys, at};
  struct pw_lookups out = {0, keys + 1, at + 1};
  if (!l->has_first[stream]) return false;
  return l->first[stream].policy->lookup(&l->first[stream], &in, &out) == 0;
}

static int see(struct list *l, unsigned stream, uint64_t key, bool wrote)
{
  switch (l->config.of) {
    case PW_CURVE_DTLB: return stream == 0 ? touch(l, key, false) : 0;
    case PW_CURVE_ITLB: return stream == 1 ? touch(l, key, false) : 0;
    case PW_CURVE_MEMORY: return touch(l, key, wrote);
    case PW_CURVE_STLB:
      if (first_level_hits(l, stream, key)) return 0;
      l->lookups += l->has_first[stream];
      return touch(l, key, false);
  }
  return 0;
}

/* Counting starts: what was evicted before is not counted. */
static void reset_counts(struct list *l)
{
  l->cold = l->lookups = 0;
  for (size_t i = 0; i < l->n_counts; i++) l->hits[i] = 0, l->swap_steps[i] = 0, l->swap_steps[i + 1] = 0;
  for (size_t i = 0; i < l->n; i++)
    if (l->entries[i].deepest < i + 1) l->entries[i].deepest = i + 1;
}

static void flush(struct list *l)
{
  if (l->config.of == PW_CURVE_MEMORY) return;
  l->n = 0;
  for (int s = 0; s < 2; s++)
    if (l->has_first[s]) pw_tlb_flush(&l->first[s]);
}

struct replay {
  struct list *lists;
  size_t n;
  bool no_asid;
  uint64_t process;
  struct pw_totals counted;
};

/* The touches of one visit; `current` are the page indices of the data and the code page. */
static int replay_visit(struct replay *r, const struct pw_block *b, uint32_t visit, uint16_t current[2])
{
  uint8_t flags = b->flags[visit];
  unsigned c = flags & PW_VISIT_CODE;
  current[c] = b->page[visit];
  for (unsigned k = 0; k < pw_visit_touches(flags); k++) {
    unsigned of = k % 2 ? 1 - c : c;
    bool wrote = !of && (flags & (k < 2 ? PW_VISIT_WROTE_1 : PW_VISIT_WROTE_2));
    for (size_t i = 0; i < r->n; i++) {
      uint64_t key = pw_key_shift(b->pages[current[of]], r->lists[i].config.page_shift - PW_BASE_SHIFT);
      if (see(&r->lists[i], of, key, wrote)) return -1;
    }
  }
  return 0;
}

static void handle_event(struct replay *r, const struct pw_block *b, const struct pw_event *e)
{
  if (e->kind == PW_EVENT_PROCESS) {
    for (size_t i = 0; r->no_asid && r->process != e->b && i < r->n; i++) flush(&r->lists[i]);
    r->process = e->b;
  } else if (e->kind == PW_EVENT_MARK) {
    for (size_t i = 0; i < r->n; i++) reset_counts(&r->lists[i]);
    r->counted = b->totals;
    for (uint32_t v = 0; v < e->at; v++) {
      r->counted.fetches -= b->fetches[v];
      r->counted.loads -= b->loads[v];
      r->counted.stores -= b->stores[v];
    }
  }
}

static int replay_block(struct replay *r, const struct pw_block *b)
{
  uint16_t current[2] = {0, 0};
  uint32_t event = 0;
  r->counted.fetches += b->totals.fetches;
  r->counted.loads += b->totals.loads;
  r->counted.stores += b->totals.stores;
  for (uint32_t v = 0; v <= b->n_visits; v++) {
    for (; event < b->n_events && b->events[event].at == v; event++) handle_event(r, b, &b->events[event]);
    if (v < b->n_visits && replay_visit(r, b, v, current)) return -1;
  }
  return 0;
}

static uint64_t count_lookups(const struct list *l, const struct pw_totals *counted)
{
  uint64_t data = counted->loads + counted->stores;
  switch (l->config.of) {
    case PW_CURVE_DTLB: return data;
    case PW_CURVE_ITLB: return counted->fetches;
    case PW_CURVE_MEMORY: return data + counted->fetches;
    case PW_CURVE_STLB: break;
  }
  return l->lookups + (l->has_first[0] ? 0 : data) + (l->has_first[1] ? 0 : counted->fetches);
}

static int make_curve(struct list *l, const struct pw_totals *counted, struct pw_curve *curve)
{
  bool memory = l->config.of == PW_CURVE_MEMORY;
  size_t room = 0, n = 0, least = memory ? 2 : 1;
  for (size_t i = 0; memory && i < l->n; i++) write_back(l, &l->entries[i], i + 1);
  uint64_t misses = l->cold;
  int64_t swap_outs = 0;
  for (size_t i = 0; i < l->n_counts; i++) misses += l->hits[i];
  for (size_t size = 1; size <= l->n_counts || size <= least; size++) {
    if (size <= l->n_counts) {
      misses -= l->hits[size - 1];
      if (memory) swap_outs += l->swap_steps[size - 1];
    }
    if (size < least) continue;
    const struct pw_curve_point *last = n ? &curve->points[n - 1] : NULL;
    if (last && last->misses == misses && last->swap_outs == (uint64_t)swap_outs) continue;
    if (pw_grow((void **)&curve->points, &room, n + 1, sizeof *curve->points)) return -1;
    curve->points[n++] = (struct pw_curve_point){size, misses, (uint64_t)swap_outs};
    curve->n_points = n;
  }
  curve->lookups = count_lookups(l, counted);
  return 0;
}

static int replay(struct replay *r, struct pw_trace *trace, const struct pw_run_options *options, struct pw_error *err)
{
  const struct pw_block *block;
  int status;
  while ((status = pw_trace_next(trace, &block, err)) > 0) {
    if (replay_block(r, block)) return pw_error_set(err, PW_ENOMEM, "memory ran out");
    if (options->progress && options->progress(options->progress_context, pw_trace_info(trace)))
      return pw_error_set(err, PW_EINTERRUPTED, "interrupted");
  }
  return status;
}

int pw_curve_run(struct pw_trace *trace, const struct pw_curve_config *configs, size_t n,
                 const struct pw_run_options *options, struct pw_curve *curves, struct pw_error *err)
{
  struct pw_run_options none = {0};
  if (!options) options = &none;
  struct replay r = {.lists = pw_calloc(n, sizeof *r.lists), .no_asid = options->no_asid};
  int status = r.lists ? 0 : pw_error_set(err, PW_ENOMEM, "memory ran out");
  memset(curves, 0, n * sizeof *curves);
  for (; !status && r.n < n; r.n++) status = create(&r.lists[r.n], &configs[r.n], err);
  if (!status) status = replay(&r, trace, options, err);
  for (size_t i = 0; !status && i < n; i++)
    if (make_curve(&r.lists[i], &r.counted, &curves[i])) status = pw_error_set(err, PW_ENOMEM, "memory ran out");
  for (size_t i = 0; i < r.n; i++) destroy(&r.lists[i]);
  pw_free(r.lists);
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
