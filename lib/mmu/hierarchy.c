/* A front: TLB hierarchies that are fed by the same touches. See hierarchy.h. */
#include "mmu/hierarchy.h"

#include <string.h>

#include "base/alloc.h"

enum { SALT_ITLB = 1, SALT_DTLB, SALT_STLB };

struct first_level {
  struct pw_tlb_config config;  /* entries 0: absent, every touch passes on */
  struct pw_tlb tlb;
  struct pw_lookups misses;
  uint64_t n_misses;
};

struct second_level {
  struct pw_hierarchy config;
  size_t itlb, dtlb;            /* numbers of the first levels */
  struct pw_tlb tlb;
  uint64_t n_misses;
};

struct pw_hierarchies {
  uint64_t seed;
  struct first_level *first[2]; /* [0] DTLBs, [1] ITLBs */
  size_t n_first[2], first_room[2];
  struct second_level *second;
  size_t n_second, second_room;
  struct pw_lookups merged, missed;
  bool needs_all;
};

static int lookups_create(struct pw_lookups *list, size_t room)
{
  list->n = 0;
  list->key = pw_malloc(room, sizeof *list->key);
  list->at = pw_malloc(room, sizeof *list->at);
  return list->key && list->at ? 0 : -1;
}

static void lookups_free(struct pw_lookups *list)
{
  pw_free(list->key);
  pw_free(list->at);
}

int pw_hierarchies_create(struct pw_hierarchies **front, uint64_t seed, struct pw_error *err)
{
  struct pw_hierarchies *f = *front = pw_calloc(1, sizeof *f);
  if (f && lookups_create(&f->merged, 2 * PW_CHUNK_LOOKUPS) == 0 && lookups_create(&f->missed, 2 * PW_CHUNK_LOOKUPS) == 0) {
    f->seed = seed;
    return 0;
  }
  pw_hierarchies_destroy(f);
  *front = NULL;
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the TLBs");
}

void pw_hierarchies_destroy(struct pw_hierarchies *f)
{
  if (!f) return;
  for (int stream = 0; stream < 2; stream++) {
    for (size_t i = 0; i < f->n_first[stream]; i++) {
      pw_tlb_clear(&f->first[stream][i].tlb);
      lookups_free(&f->first[stream][i].misses);
    }
    pw_free(f->first[stream]);
  }
  for (size_t i = 0; i < f->n_second; i++) pw_tlb_clear(&f->second[i].tlb);
  pw_free(f->second);
  lookups_free(&f->merged);
  lookups_free(&f->missed);
  pw_free(f);
}

static bool same(const struct pw_tlb_config *a, const struct pw_tlb_config *b)
{
  return a->entries == b->entries && (a->entries == 0 || (a->ways == b->ways && a->policy == b->policy));
}

static int64_t add_first(struct pw_hierarchies *f, int stream, const struct pw_tlb_config *config)
{
  for (size_t i = 0; i < f->n_first[stream]; i++)
    if (same(&f->first[stream][i].config, config)) return (int64_t)i;
  size_t n = f->n_first[stream];
  if (pw_grow((void **)&f->first[stream], &f->first_room[stream], n + 1, sizeof **f->first)) return PW_ENOMEM;
  struct first_level *level = &f->first[stream][n];
  memset(level, 0, sizeof *level);
  level->config = *config;
  f->n_first[stream]++; /* from here on destroy frees it */
  if (config->entries == 0) return (int64_t)n;
  if (lookups_create(&level->misses, PW_CHUNK_LOOKUPS)) return PW_ENOMEM;
  return pw_tlb_init(&level->tlb, config, f->seed, stream ? SALT_ITLB : SALT_DTLB) ? PW_ENOMEM : (int64_t)n;
}

int64_t pw_hierarchies_add(struct pw_hierarchies *f, const struct pw_hierarchy *h, struct pw_error *err)
{
  for (size_t i = 0; i < f->n_second; i++) {
    const struct pw_hierarchy *c = &f->second[i].config;
    if (same(&c->itlb, &h->itlb) && same(&c->dtlb, &h->dtlb) && same(&c->stlb, &h->stlb)) return (int64_t)i;
  }
  int64_t itlb = add_first(f, 1, &h->itlb), dtlb = itlb < 0 ? itlb : add_first(f, 0, &h->dtlb);
  if (dtlb < 0 || pw_grow((void **)&f->second, &f->second_room, f->n_second + 1, sizeof *f->second))
    return pw_error_set(err, PW_ENOMEM, "memory ran out for the TLBs");
  struct second_level *level = &f->second[f->n_second];
  memset(level, 0, sizeof *level);
  level->config = *h;
  level->itlb = (size_t)itlb;
  level->dtlb = (size_t)dtlb;
  if (h->stlb.entries && pw_tlb_init(&level->tlb, &h->stlb, f->seed, SALT_STLB))
    return pw_error_set(err, PW_ENOMEM, "memory ran out for the TLBs");
  if (h->stlb.entries && (h->itlb.entries == 0 || h->dtlb.entries == 0)) f->needs_all = true;
  return (int64_t)f->n_second++;
}

bool pw_hierarchies_needs_all(const struct pw_hierarchies *f)
{
  return f->needs_all;
}

bool pw_hierarchy_alternates(const struct pw_hierarchy *h)
{
  bool no_itlb = h->itlb.entries == 0, no_dtlb = h->dtlb.entries == 0;
  return h->stlb.entries && (no_itlb != no_dtlb || (no_itlb && h->stlb.ways == 1));
}

bool pw_hierarchies_is_idle(const struct pw_hierarchies *f)
{
  for (size_t i = 0; i < f->n_second; i++)
    if (f->second[i].config.itlb.entries || f->second[i].config.dtlb.entries || f->second[i].config.stlb.entries) return false;
  return true;
}

static void copy_tlb(struct pw_tlb *to, const struct pw_tlb *from)
{
  size_t entries = (size_t)to->sets * to->ways;
  if (!to->keys) return;
  memcpy(to->keys, from->keys, entries * sizeof *to->keys);
  memcpy(to->bits, from->bits, entries * sizeof *to->bits);
  to->random = from->random;
}

void pw_hierarchies_copy(struct pw_hierarchies *f, size_t to, const struct pw_hierarchies *other, size_t from)
{
  struct second_level *a = &f->second[to];
  const struct second_level *b = &other->second[from];
  const size_t first[2][2] = {{a->dtlb, b->dtlb}, {a->itlb, b->itlb}};
  copy_tlb(&a->tlb, &b->tlb);
  a->n_misses = b->n_misses;
  for (int stream = 0; stream < 2; stream++) {
    struct first_level *x = &f->first[stream][first[stream][0]];
    const struct first_level *y = &other->first[stream][first[stream][1]];
    copy_tlb(&x->tlb, &y->tlb);
    x->n_misses = y->n_misses;
  }
}

uint64_t pw_hierarchies_bytes(const struct pw_hierarchies *f)
{
  const uint64_t entry = sizeof *f->merged.key + sizeof *f->merged.at, way = sizeof(uint64_t) + 1;
  uint64_t bytes = 4 * PW_CHUNK_LOOKUPS * entry;
  for (int stream = 0; stream < 2; stream++)
    for (size_t i = 0; i < f->n_first[stream]; i++)
      bytes += PW_CHUNK_LOOKUPS * entry + f->first[stream][i].config.entries * way;
  for (size_t i = 0; i < f->n_second; i++) bytes += f->second[i].config.stlb.entries * way;
  return bytes;
}

/* Both lists are in order of `at`; at one `at` there is one lookup and any number
 * of invalidations before it, which may come twice without harm. */
static void merge(const struct pw_lookups *a, const struct pw_lookups *b, struct pw_lookups *out)
{
  size_t i = 0, j = 0;
  out->n = 0;
  while (i < a->n && j < b->n) {
    uint32_t at_a = a->at[i] & ~PW_AT_INVALIDATE, at_b = b->at[j] & ~PW_AT_INVALIDATE;
    bool take_a = at_a != at_b ? at_a < at_b : (a->at[i] & PW_AT_INVALIDATE) != 0;
    if (take_a) {
      pw_lookups_put(out, a->key[i], a->at[i]);
      i++;
    } else {
      pw_lookups_put(out, b->key[j], b->at[j]);
      j++;
    }
  }
  for (; i < a->n; i++) pw_lookups_put(out, a->key[i], a->at[i]);
  for (; j < b->n; j++) pw_lookups_put(out, b->key[j], b->at[j]);
}

/* With both first levels absent, every further alternation in one set misses. */
static uint64_t alternated(const struct pw_hierarchies *f, const struct second_level *level, const struct pw_alternation *a)
{
  if (level->config.stlb.ways != 1 || f->first[1][level->itlb].config.entries || f->first[0][level->dtlb].config.entries) return 0;
  bool together = a->key[0] != a->key[1] && pw_tlb_set(&level->tlb, a->key[0]) == pw_tlb_set(&level->tlb, a->key[1]);
  return together ? a->touches : 0;
}

static void feed_second(struct pw_hierarchies *f, struct second_level *level, const struct pw_hierarchies_input *in)
{
  const struct first_level *itlb = &f->first[1][level->itlb], *dtlb = &f->first[0][level->dtlb];
  const struct pw_lookups *code = itlb->config.entries ? &itlb->misses : &in->code;
  const struct pw_lookups *data = dtlb->config.entries ? &dtlb->misses : &in->data;
  merge(code, data, &f->merged);
  f->missed.n = 0;
  level->n_misses += level->tlb.policy->lookup(&level->tlb, &f->merged, &f->missed);
  for (size_t i = 0; i < in->n_alternations; i++) level->n_misses += alternated(f, level, &in->alternations[i]);
}

void pw_hierarchies_missed(const struct pw_hierarchies *f, struct pw_lookups *itlb, struct pw_lookups *dtlb, struct pw_lookups *stlb)
{
  const struct second_level *level = &f->second[0];
  const struct pw_lookups none = {0};
  *itlb = level->config.itlb.entries ? f->first[1][level->itlb].misses : none;
  *dtlb = level->config.dtlb.entries ? f->first[0][level->dtlb].misses : none;
  *stlb = level->config.stlb.entries ? f->missed : none;
}

uint64_t pw_hierarchies_alternated(const struct pw_hierarchies *f, const struct pw_alternation *a)
{
  return f->second[0].config.stlb.entries ? alternated(f, &f->second[0], a) : 0;
}

void pw_hierarchies_feed(struct pw_hierarchies *f, const struct pw_hierarchies_input *in)
{
  for (int stream = 0; stream < 2; stream++) {
    const struct pw_lookups *list = stream ? &in->code : &in->data;
    for (size_t i = 0; i < f->n_first[stream]; i++) {
      struct first_level *level = &f->first[stream][i];
      if (level->config.entries == 0) continue;
      level->misses.n = 0;
      level->n_misses += level->tlb.policy->lookup(&level->tlb, list, &level->misses);
    }
  }
  for (size_t i = 0; i < f->n_second; i++)
    if (f->second[i].config.stlb.entries) feed_second(f, &f->second[i], in);
}

void pw_hierarchies_drop_range(struct pw_hierarchies *f, uint64_t first_key, uint64_t last_key)
{
  for (int stream = 0; stream < 2; stream++)
    for (size_t i = 0; i < f->n_first[stream]; i++)
      pw_tlb_drop_range(&f->first[stream][i].tlb, first_key, last_key);
  for (size_t i = 0; i < f->n_second; i++) pw_tlb_drop_range(&f->second[i].tlb, first_key, last_key);
}

void pw_hierarchies_flush(struct pw_hierarchies *f)
{
  for (int stream = 0; stream < 2; stream++)
    for (size_t i = 0; i < f->n_first[stream]; i++) pw_tlb_flush(&f->first[stream][i].tlb);
  for (size_t i = 0; i < f->n_second; i++) pw_tlb_flush(&f->second[i].tlb);
}

void pw_hierarchies_reset_counts(struct pw_hierarchies *f)
{
  for (int stream = 0; stream < 2; stream++)
    for (size_t i = 0; i < f->n_first[stream]; i++) f->first[stream][i].n_misses = 0;
  for (size_t i = 0; i < f->n_second; i++) f->second[i].n_misses = 0;
}

void pw_hierarchy_result(const struct pw_hierarchy *h, uint64_t itlb_misses, uint64_t dtlb_misses, uint64_t stlb_misses,
                         struct pw_result *r)
{
  r->itlb_misses = itlb_misses;
  r->dtlb_misses = dtlb_misses;
  /* an absent first level passes every access on */
  uint64_t passed = (h->itlb.entries ? itlb_misses : r->counted.fetches) +
                    (h->dtlb.entries ? dtlb_misses : r->counted.loads + r->counted.stores);
  bool stlb = h->stlb.entries != 0;
  r->stlb_lookups = stlb ? passed : 0;
  r->stlb_misses = stlb ? stlb_misses : 0;
  r->walks = stlb ? stlb_misses : passed;
}

void pw_hierarchies_result(const struct pw_hierarchies *f, size_t number, struct pw_result *r)
{
  const struct second_level *level = &f->second[number];
  pw_hierarchy_result(&level->config, f->first[1][level->itlb].n_misses, f->first[0][level->dtlb].n_misses, level->n_misses, r);
}
