/* From a grid of lists to configurations: cross product, checks, duplicates.
 *
 * Rows come in the order of the parameters (base/parameters.c), which is that of the CSV's columns from left to right,
 * values in the order given. Combinations that are impossible are left out and counted; a
 * configuration that is there already (64:64 and 64:full) appears once. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parameters.h"

/* Values by parameter; those of TLBs are struct pw_tlb_config. */
struct lists {
  struct pw_grid_list of[PW_PARAMETERS_MOST];
  struct pw_tlb_config *tlbs[PW_PARAMETERS_MOST]; /* to be freed */
};

static int expand_tlbs(struct lists *lists, size_t parameter, const struct pw_grid_list *from)
{
  const struct pw_tlb_spec *specs = from->values;
  struct pw_tlb_config **configs = &lists->tlbs[parameter];
  size_t n = 0, room = 0;
  for (size_t s = 0; s < from->n; s++)
    for (size_t e = 0; e < specs[s].n_entries; e++)
      for (size_t w = 0; w < specs[s].n_ways; w++)
        for (size_t p = 0; p < specs[s].n_policies; p++) {
          uint32_t entries = specs[s].entries[e], ways = specs[s].ways[w] ? specs[s].ways[w] : entries;
          if (pw_grow((void **)configs, &room, n + 1, sizeof **configs)) return -1;
          (*configs)[n] = (struct pw_tlb_config){0, 0, 0};
          if (entries) (*configs)[n] = (struct pw_tlb_config){entries, ways, specs[s].policies[p]};
          n++;
        }
  lists->of[parameter] = (struct pw_grid_list){n, *configs};
  return 0;
}

static int expand(struct lists *lists, const struct pw_grid *grid)
{
  const struct pw_parameter *p;
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++) {
    lists->of[i] = grid->of[i];
    if (p->kind == PW_PARAMETER_TLB && expand_tlbs(lists, i, &grid->of[i])) return -1;
  }
  return 0;
}

static void set_value(struct pw_config *config, const struct pw_parameter *p, const void *values, size_t index)
{
  if (p->kind == PW_PARAMETER_TABLE) config->geometry = (const struct pw_geometry *)values + index;
  else if (p->kind == PW_PARAMETER_TLB)
    memcpy((char *)config + p->offset, (const struct pw_tlb_config *)values + index, sizeof(struct pw_tlb_config));
  else pw_config_set_number(config, p, ((const uint64_t *)values)[index]);
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
  const struct pw_parameter *p;
  const struct pw_tlb_config *t;
  uint64_t h = 0;
  for (const char *name = c->geometry->name; *name; name++) h = mix(h, (unsigned char)*name);
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++)
    if ((t = pw_config_tlb(c, p))) h = mix(mix(h, (uint64_t)t->entries << 32 | t->ways), (uint64_t)t->policy);
    else h = mix(h, pw_config_number(c, p));
  return h;
}

static bool same_geometry(const struct pw_geometry *a, const struct pw_geometry *b)
{
  return a == b || (strcmp(a->name, b->name) == 0 && a->n_levels == b->n_levels &&
                    memcmp(a->width_bits, b->width_bits, sizeof a->width_bits) == 0);
}

static bool same_config(const struct pw_config *a, const struct pw_config *b)
{
  const struct pw_parameter *p;
  const struct pw_tlb_config *t;
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++) {
    if ((t = pw_config_tlb(a, p)) && memcmp(t, pw_config_tlb(b, p), sizeof *t) != 0) return false;
    if (pw_config_number(a, p) != pw_config_number(b, p)) return false;
  }
  return same_geometry(a->geometry, b->geometry);
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

/* What does not apply makes no difference, and is 0. */
static void add_config(struct pw_plan *plan, struct seen *seen, struct pw_config config)
{
  const struct pw_parameter *p;
  struct pw_error why;
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++)
    if (!pw_parameter_applies(p, &config)) pw_config_set_number(&config, p, 0);
  if (pw_config_check(&config, &why)) {
    if (plan->n_left_out++ == 0) plan->first_left_out = why;
    return;
  }
  uint32_t *slot = find_seen(seen, plan, &config);
  if (*slot) return;
  plan->configs[plan->n_configs] = config;
  *slot = (uint32_t)++plan->n_configs;
}

/* Every combination of the parameters from number `parameter` on. */
static void cross(struct pw_plan *plan, struct seen *seen, const struct lists *lists, size_t parameter, struct pw_config *config)
{
  const struct pw_parameter *p = pw_parameter_entry(parameter);
  if (!p) add_config(plan, seen, *config);
  else if (lists->of[parameter].n == 0) cross(plan, seen, lists, parameter + 1, config);
  else
    for (size_t i = 0; i < lists->of[parameter].n; i++) {
      set_value(config, p, lists->of[parameter].values, i);
      cross(plan, seen, lists, parameter + 1, config);
    }
}

/* How many combinations there are, saturated. */
static size_t count(const struct lists *lists)
{
  size_t n = 1;
  for (size_t i = 0; pw_parameter_entry(i); i++)
    if (lists->of[i].n && __builtin_mul_overflow(n, lists->of[i].n, &n)) return SIZE_MAX;
  return n;
}

/* Two tables of one name would make rows that nobody can tell apart. */
static int check_names(const struct pw_plan *plan, const struct pw_grid *grid, struct pw_error *err)
{
  const struct pw_geometry *last = NULL;
  const struct pw_grid_list *tables = &grid->of[pw_parameter_find("table")];
  const struct pw_geometry *geometries = tables->values;
  for (size_t i = 0; i < plan->n_configs; i++) {
    const struct pw_geometry *there = plan->configs[i].geometry;
    if (there == last) continue; /* runs of rows share one */
    last = there;
    for (size_t g = 0; g < tables->n; g++)
      if (strcmp(there->name, geometries[g].name) == 0 && !same_geometry(there, &geometries[g]))
        return pw_error_set(err, PW_EINVAL,
                            "two different tables are both named %s; give one of them by its widths, such as --table 27,9+12:8",
                            there->name);
  }
  return 0;
}

int pw_plan_add(struct pw_plan *plan, const struct pw_grid *grid, size_t max_configs, struct pw_error *err)
{
  struct lists lists = {0};
  struct seen seen = {0};
  struct pw_config config;
  int status = check_names(plan, grid, err);
  if (status) return status;
  bool ok = expand(&lists, grid) == 0;
  size_t n = count(&lists), room;
  if (!ok) {
    status = PW_ENOMEM;
  } else if (__builtin_add_overflow(plan->n_configs, n, &room) || room > max_configs) {
    status = pw_error_set(err, PW_EINVAL, "the sweep asks for %zu combinations, and at most %zu are possible; shorten a list", n,
                          max_configs);
  } else {
    struct pw_config *larger = pw_realloc(plan->configs, room, sizeof *larger);
    if (larger) plan->configs = larger;
    pw_config_default(&config);
    if (!larger || index_plan(&seen, plan, room)) status = PW_ENOMEM;
    else cross(plan, &seen, &lists, 0, &config);
  }
  if (status == PW_ENOMEM) pw_error_set(err, PW_ENOMEM, "memory ran out for %zu configurations", n);
  for (size_t i = 0; i < PW_PARAMETERS_MOST; i++) pw_free(lists.tlbs[i]);
  pw_free(seen.slots);
  return status;
}

void pw_plan_clear(struct pw_plan *plan)
{
  pw_free(plan->configs);
  memset(plan, 0, sizeof *plan);
}
