/* Machines of TLBs on the same touches. See hierarchy.h. */
#include "mmu/hierarchy.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"

/* The arrays of a machine; levels rise. A row's number seeds its random generator. */
static const struct row {
  bool serves[2];        /* data, code */
  unsigned level;
  size_t config, misses; /* where they are in a configuration and in a result */
} rows[PW_ARRAYS] = {
  [PW_ARRAY_ITLB] = {{false, true}, 1, offsetof(struct pw_config, itlb), offsetof(struct pw_result, itlb_misses)},
  [PW_ARRAY_DTLB] = {{true, false}, 1, offsetof(struct pw_config, dtlb), offsetof(struct pw_result, dtlb_misses)},
  [PW_ARRAY_STLB] = {{true, true}, 2, offsetof(struct pw_config, stlb), offsetof(struct pw_result, stlb_misses)},
};

#define ABSENT UINT32_MAX

struct array {
  const struct row *row;
  struct pw_tlb_config config;
  uint32_t before[2];       /* the array whose misses it eats, of each stream that it serves; ABSENT: all touches */
  struct pw_tlb tlb;
  struct pw_lookups misses; /* of a first level; what the last level misses is wanted by nobody for long */
  uint64_t n_misses;
};

struct machine {
  struct pw_config config;
  uint32_t array[PW_ARRAYS]; /* or ABSENT */
};

struct pw_hierarchies {
  uint64_t seed;
  struct array *arrays;      /* each after those before it */
  struct machine *machines;
  size_t n_arrays, arrays_room, n_machines, machines_room;
  struct pw_lookups merged, missed; /* of an array of a second level */
  bool needs_all;
};

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the TLBs");
}

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

int pw_hierarchies_create(struct pw_hierarchies **hierarchies, uint64_t seed, struct pw_error *err)
{
  struct pw_hierarchies *f = *hierarchies = pw_calloc(1, sizeof *f);
  if (f && lookups_create(&f->merged, 2 * PW_CHUNK_LOOKUPS) == 0 && lookups_create(&f->missed, 2 * PW_CHUNK_LOOKUPS) == 0) {
    f->seed = seed;
    return 0;
  }
  pw_hierarchies_destroy(f);
  *hierarchies = NULL;
  return out_of_memory(err);
}

void pw_hierarchies_destroy(struct pw_hierarchies *f)
{
  if (!f) return;
  for (size_t i = 0; i < f->n_arrays; i++) {
    pw_tlb_clear(&f->arrays[i].tlb);
    lookups_free(&f->arrays[i].misses);
  }
  pw_free(f->arrays);
  pw_free(f->machines);
  lookups_free(&f->merged);
  lookups_free(&f->missed);
  pw_free(f);
}

/* ---- the table ---- */

static const struct pw_tlb_config *config_of(const struct pw_config *c, const struct row *row)
{
  return (const struct pw_tlb_config *)(const void *)((const char *)c + row->config);
}

static bool is_same(const struct array *a, const struct array *b)
{
  return a->row == b->row && a->config.entries == b->config.entries && a->config.ways == b->config.ways &&
         a->config.policy == b->config.policy && a->before[0] == b->before[0] && a->before[1] == b->before[1];
}

/* The number of an array that is like this one, a new one if need be; ABSENT when memory runs out. */
static uint32_t add_array(struct pw_hierarchies *f, const struct array *like)
{
  for (size_t i = 0; i < f->n_arrays; i++)
    if (is_same(&f->arrays[i], like)) return (uint32_t)i;
  if (pw_grow((void **)&f->arrays, &f->arrays_room, f->n_arrays + 1, sizeof *f->arrays)) return ABSENT;
  struct array *a = &f->arrays[f->n_arrays++]; /* from here on destroy frees it */
  *a = *like;
  bool failed = a->row->level == 1 && lookups_create(&a->misses, PW_CHUNK_LOOKUPS);
  if (failed || pw_tlb_init(&a->tlb, &a->config, f->seed, (uint64_t)(a->row - rows) + 1)) return ABSENT;
  return (uint32_t)(a - f->arrays);
}

int64_t pw_hierarchies_add(struct pw_hierarchies *f, const struct pw_config *c, struct pw_error *err)
{
  struct machine m = {.config = *c};
  uint32_t last[2] = {ABSENT, ABSENT}; /* of each stream so far */
  for (int r = 0; r < PW_ARRAYS; r++) {
    struct array like = {.row = &rows[r], .config = *config_of(c, &rows[r]), .before = {ABSENT, ABSENT}};
    m.array[r] = ABSENT;
    if (like.config.entries == 0) continue;
    for (int s = 0; s < 2; s++)
      if (rows[r].serves[s]) like.before[s] = last[s];
    if ((m.array[r] = add_array(f, &like)) == ABSENT) return out_of_memory(err);
    for (int s = 0; s < 2; s++) {
      if (!rows[r].serves[s]) continue;
      f->needs_all |= rows[r].level > 1 && last[s] == ABSENT;
      last[s] = m.array[r];
    }
  }
  for (size_t i = 0; i < f->n_machines; i++)
    if (memcmp(f->machines[i].array, m.array, sizeof m.array) == 0) return (int64_t)i;
  if (pw_grow((void **)&f->machines, &f->machines_room, f->n_machines + 1, sizeof *f->machines)) return out_of_memory(err);
  f->machines[f->n_machines] = m;
  return (int64_t)f->n_machines++;
}

bool pw_hierarchies_needs_all(const struct pw_hierarchies *f)
{
  return f->needs_all;
}

bool pw_hierarchies_is_idle(const struct pw_hierarchies *f)
{
  return f->n_arrays == 0;
}

bool pw_hierarchy_alternates(const struct pw_config *c)
{
  bool no_itlb = c->itlb.entries == 0, no_dtlb = c->dtlb.entries == 0;
  return c->stlb.entries && (no_itlb != no_dtlb || (no_itlb && c->stlb.ways == 1));
}

void pw_hierarchies_copy(struct pw_hierarchies *f, size_t to, const struct pw_hierarchies *other, size_t from)
{
  for (int r = 0; r < PW_ARRAYS; r++) {
    if (f->machines[to].array[r] == ABSENT) continue;
    struct array *a = &f->arrays[f->machines[to].array[r]];
    const struct array *b = &other->arrays[other->machines[from].array[r]];
    size_t entries = (size_t)a->tlb.sets * a->tlb.ways;
    memcpy(a->tlb.keys, b->tlb.keys, entries * sizeof *a->tlb.keys);
    memcpy(a->tlb.bits, b->tlb.bits, entries * sizeof *a->tlb.bits);
    a->tlb.random = b->tlb.random;
    a->n_misses = b->n_misses;
  }
}

uint64_t pw_hierarchies_bytes(const struct pw_hierarchies *f)
{
  const uint64_t lookup = sizeof *f->merged.key + sizeof *f->merged.at, way = sizeof(uint64_t) + 1;
  uint64_t bytes = 4 * PW_CHUNK_LOOKUPS * lookup;
  for (size_t i = 0; i < f->n_arrays; i++)
    bytes += (f->arrays[i].row->level == 1 ? PW_CHUNK_LOOKUPS * lookup : 0) + f->arrays[i].config.entries * way;
  return bytes;
}

/* ---- lookups in, misses out ---- */

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

/* With nothing before it, every further alternation in one set misses. */
static uint64_t alternated(const struct array *a, const struct pw_alternation *alternation)
{
  const uint64_t *key = alternation->key;
  if (a->config.ways != 1 || a->before[0] != ABSENT || a->before[1] != ABSENT) return 0;
  return key[0] != key[1] && pw_tlb_set(&a->tlb, key[0]) == pw_tlb_set(&a->tlb, key[1]) ? alternation->touches : 0;
}

/* What an array eats. */
static const struct pw_lookups *input_of(struct pw_hierarchies *f, const struct array *a, const struct pw_hierarchies_input *in)
{
  const struct pw_lookups *of[2];
  for (int s = 0; s < 2; s++) of[s] = a->before[s] == ABSENT ? &in->of[s] : &f->arrays[a->before[s]].misses;
  if (!a->row->serves[0] || !a->row->serves[1]) return of[a->row->serves[1]];
  merge(of[1], of[0], &f->merged);
  return &f->merged;
}

void pw_hierarchies_feed(struct pw_hierarchies *f, const struct pw_hierarchies_input *in)
{
  for (size_t i = 0; i < f->n_arrays; i++) {
    struct array *a = &f->arrays[i];
    struct pw_lookups *misses = a->row->level == 1 ? &a->misses : &f->missed;
    misses->n = 0;
    a->n_misses += a->tlb.policy->lookup(&a->tlb, input_of(f, a, in), misses);
    for (size_t k = 0; a->row->level > 1 && k < in->n_alternations; k++) a->n_misses += alternated(a, &in->alternations[k]);
  }
}

const struct pw_lookups *pw_hierarchies_missed(const struct pw_hierarchies *f, enum pw_array array)
{
  uint32_t number = f->machines[0].array[array];
  return number == ABSENT ? NULL : rows[array].level == 1 ? &f->arrays[number].misses : &f->missed;
}

uint64_t pw_hierarchies_alternated(const struct pw_hierarchies *f, const struct pw_alternation *a)
{
  uint32_t number = f->machines[0].array[PW_ARRAY_STLB];
  return number == ABSENT ? 0 : alternated(&f->arrays[number], a);
}

void pw_hierarchies_drop_range(struct pw_hierarchies *f, uint64_t first_key, uint64_t last_key)
{
  for (size_t i = 0; i < f->n_arrays; i++) pw_tlb_drop_range(&f->arrays[i].tlb, first_key, last_key);
}

void pw_hierarchies_flush(struct pw_hierarchies *f)
{
  for (size_t i = 0; i < f->n_arrays; i++) pw_tlb_flush(&f->arrays[i].tlb);
}

void pw_hierarchies_reset_counts(struct pw_hierarchies *f)
{
  for (size_t i = 0; i < f->n_arrays; i++) f->arrays[i].n_misses = 0;
}

/* ---- what came of it ---- */

void pw_hierarchy_result(const struct pw_config *c, struct pw_result *r)
{
  /* an absent first level passes every access on */
  uint64_t passed = (c->itlb.entries ? r->itlb_misses : r->counted.fetches) +
                    (c->dtlb.entries ? r->dtlb_misses : r->counted.loads + r->counted.stores);
  r->stlb_lookups = c->stlb.entries ? passed : 0;
  r->walks = c->stlb.entries ? r->stlb_misses : passed;
}

void pw_hierarchies_result(const struct pw_hierarchies *f, size_t number, struct pw_result *r)
{
  const struct machine *m = &f->machines[number];
  for (int i = 0; i < PW_ARRAYS; i++)
    *(uint64_t *)(void *)((char *)r + rows[i].misses) = m->array[i] == ABSENT ? 0 : f->arrays[m->array[i]].n_misses;
  pw_hierarchy_result(&m->config, r);
}
