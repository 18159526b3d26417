/* From a grid of lists to configurations: cross product, checks, duplicates.
 *
 * Rows come in the order of the CSV's columns from left to right, values in the
 * order given. Combinations that are impossible are left out and counted; a
 * configuration that is there already (64:64 and 64:full) appears once. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "pagewalk.h"

/* The TLB configurations of a list of specifications, in order. */
struct tlb_list {
  struct pw_tlb_config *configs;
  size_t n, room;
};

static int expand_tlbs(struct tlb_list *list, const struct pw_tlb_spec *specs, size_t n)
{
  for (size_t s = 0; s < n; s++)
    for (size_t e = 0; e < specs[s].n_entries; e++)
      for (size_t w = 0; w < specs[s].n_ways; w++)
        for (size_t p = 0; p < specs[s].n_policies; p++) {
          uint32_t entries = specs[s].entries[e], ways = specs[s].ways[w] ? specs[s].ways[w] : entries;
          if (pw_grow((void **)&list->configs, &list->room, list->n + 1, sizeof *list->configs)) return -1;
          struct pw_tlb_config config = {entries, ways, specs[s].policies[p]};
          if (entries == 0) config = (struct pw_tlb_config){0, 0, 0};
          list->configs[list->n++] = config;
        }
  return 0;
}

/* A table of the configurations in the plan, by what makes them equal. */
struct seen {
  uint32_t *slots; /* index + 1, 0 = free */
  size_t bits;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
  hash ^= value + 0x9E3779B97F4A7C15u + (hash << 6) + (hash >> 2);
  return hash * 0xBF58476D1CE4E5B9u;
}

static uint64_t hash_config(const struct pw_config *c)
{
  uint64_t h = mix(c->page_shift, c->memory_bytes);
  for (const char *p = c->geometry->name; *p; p++) h = mix(h, (unsigned char)*p);
  const struct pw_tlb_config *t[3] = {&c->itlb, &c->dtlb, &c->stlb};
  for (int i = 0; i < 3; i++) h = mix(mix(h, (uint64_t)t[i]->entries << 32 | t[i]->ways), (uint64_t)t[i]->policy);
  return mix(h, c->memory_bytes == PW_UNLIMITED ? 0 : (uint64_t)c->memory_policy + 1);
}

static bool same_tlb(const struct pw_tlb_config *a, const struct pw_tlb_config *b)
{
  return a->entries == b->entries && a->ways == b->ways && a->policy == b->policy;
}

static bool same_geometry(const struct pw_geometry *a, const struct pw_geometry *b)
{
  return a == b || (strcmp(a->name, b->name) == 0 && a->n_levels == b->n_levels &&
                    memcmp(a->width_bits, b->width_bits, sizeof a->width_bits) == 0);
}

static bool same_config(const struct pw_config *a, const struct pw_config *b)
{
  return a->page_shift == b->page_shift && same_geometry(a->geometry, b->geometry) && same_tlb(&a->itlb, &b->itlb) &&
         same_tlb(&a->dtlb, &b->dtlb) && same_tlb(&a->stlb, &b->stlb) && a->memory_bytes == b->memory_bytes &&
         (a->memory_bytes == PW_UNLIMITED || a->memory_policy == b->memory_policy);
}

/* The slot of an equal configuration, or the free one where it would go. */
static uint32_t *find_seen(const struct seen *seen, const struct pw_plan *plan, const struct pw_config *c)
{
  size_t mask = ((size_t)1 << seen->bits) - 1;
  /* the top bits: every field reaches them */
  for (size_t i = (size_t)(hash_config(c) >> (64 - seen->bits));; i = (i + 1) & mask) {
    uint32_t *slot = &seen->slots[i];
    if (*slot == 0 || same_config(&plan->configs[*slot - 1], c)) return slot;
  }
}

static int index_plan(struct seen *seen, const struct pw_plan *plan, size_t room)
{
  seen->bits = 4;
  while ((size_t)1 << seen->bits < 2 * room) seen->bits++;
  seen->slots = pw_calloc((size_t)1 << seen->bits, sizeof *seen->slots);
  if (!seen->slots) return -1;
  for (size_t i = 0; i < plan->n_configs; i++) *find_seen(seen, plan, &plan->configs[i]) = (uint32_t)i + 1;
  return 0;
}

static void add_config(struct pw_plan *plan, struct seen *seen, struct pw_config *c)
{
  if (c->memory_bytes == PW_UNLIMITED) c->memory_policy = 0;
  struct pw_error why;
  if (pw_config_check(c, &why)) {
    if (plan->n_left_out++ == 0) plan->first_left_out = why;
    return;
  }
  uint32_t *slot = find_seen(seen, plan, c);
  if (*slot) return;
  plan->configs[plan->n_configs] = *c;
  *slot = (uint32_t)++plan->n_configs;
}

static void cross(struct pw_plan *plan, struct seen *seen, const struct pw_grid *g, const struct tlb_list tlbs[3])
{
  struct pw_config c = {0};
  for (size_t a = 0; a < g->n_page_shifts; a++)
    for (size_t b = 0; b < g->n_geometries; b++)
      for (size_t i = 0; i < tlbs[0].n; i++)
        for (size_t d = 0; d < tlbs[1].n; d++)
          for (size_t s = 0; s < tlbs[2].n; s++)
            for (size_t m = 0; m < g->n_memories; m++)
              for (size_t p = 0; p < g->n_policies; p++) {
                c.page_shift = g->page_shifts[a];
                c.geometry = &g->geometries[b];
                c.itlb = tlbs[0].configs[i];
                c.dtlb = tlbs[1].configs[d];
                c.stlb = tlbs[2].configs[s];
                c.memory_bytes = g->memories[m];
                c.memory_policy = g->policies[p];
                add_config(plan, seen, &c);
              }
}

/* How many combinations the grid has, saturated. */
static size_t count(const struct pw_grid *g, const struct tlb_list tlbs[3])
{
  size_t factors[7] = {g->n_page_shifts, g->n_geometries, tlbs[0].n, tlbs[1].n, tlbs[2].n, g->n_memories, g->n_policies};
  size_t n = 1;
  for (int i = 0; i < 7; i++)
    if (__builtin_mul_overflow(n, factors[i], &n)) return SIZE_MAX;
  return n;
}

/* Two tables of one name would make rows that nobody can tell apart. */
static int check_names(const struct pw_plan *plan, const struct pw_grid *grid, struct pw_error *err)
{
  const struct pw_geometry *last = NULL;
  for (size_t i = 0; i < plan->n_configs; i++) {
    const struct pw_geometry *there = plan->configs[i].geometry;
    if (there == last) continue; /* runs of rows share one */
    last = there;
    for (size_t g = 0; g < grid->n_geometries; g++)
      if (strcmp(there->name, grid->geometries[g].name) == 0 && !same_geometry(there, &grid->geometries[g]))
        return pw_error_set(err, PW_EINVAL, "two different tables are both named %s; give one of them by its widths, such as --table 27,9+12:8",
                            there->name);
  }
  return 0;
}

int pw_plan_add(struct pw_plan *plan, const struct pw_grid *grid, size_t max_configs, struct pw_error *err)
{
  struct tlb_list tlbs[3] = {{0}};
  struct seen seen = {0};
  int status = check_names(plan, grid, err);
  if (status) return status;
  bool ok = expand_tlbs(&tlbs[0], grid->itlbs, grid->n_itlbs) == 0 && expand_tlbs(&tlbs[1], grid->dtlbs, grid->n_dtlbs) == 0 &&
            expand_tlbs(&tlbs[2], grid->stlbs, grid->n_stlbs) == 0;
  size_t n = count(grid, tlbs), room;
  if (!ok) {
    status = PW_ENOMEM;
  } else if (__builtin_add_overflow(plan->n_configs, n, &room) || room > max_configs) {
    status = pw_error_set(err, PW_EINVAL, "the sweep asks for %zu combinations, and at most %zu are possible; shorten a list", n,
                          max_configs);
  } else {
    struct pw_config *larger = pw_realloc(plan->configs, room, sizeof *larger);
    if (larger) plan->configs = larger;
    if (!larger || index_plan(&seen, plan, room)) status = PW_ENOMEM;
    else cross(plan, &seen, grid, tlbs);
  }
  if (status == PW_ENOMEM) pw_error_set(err, PW_ENOMEM, "memory ran out for %zu configurations", n);
  for (int i = 0; i < 3; i++) pw_free(tlbs[i].configs);
  pw_free(seen.slots);
  return status;
}

void pw_plan_clear(struct pw_plan *plan)
{
  pw_free(plan->configs);
  memset(plan, 0, sizeof *plan);
}
