/* From the machine options to configurations: every combination of their lists. */
#include "combine.h"

#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "meant.h"
#include "say.h"

static int parse_sizes(struct numbers *numbers, const struct words *words, const struct spec_kind *kind,
                       struct pw_error *err)
{
  for (size_t i = 0; i < words->n; i++) {
    struct slice rest = {words->items[i], strlen(words->items[i])}, spec;
    while (slice_next(&rest, ';', &spec))
      if (spec_numbers(numbers, spec, kind, words->place, err)) return PW_EINVAL;
  }
  return 0;
}

static int parse_page_sizes(struct combination *c, const struct words *words, struct pw_error *err)
{
  static const struct spec_kind kind = {.unit = SPEC_BYTES, .least = 1 << PW_BASE_SHIFT, .most = (uint64_t)1 << 46};
  if (parse_sizes(&c->page_shifts, words, &kind, err)) return PW_EINVAL;
  for (size_t i = 0; i < c->page_shifts.n; i++) {
    uint64_t bytes = c->page_shifts.values[i];
    if (bytes & (bytes - 1))
      return pw_error_set(err, PW_EINVAL, "%s: a page size is a power of two such as 4K, 2M or 1G, not %ju",
                          words->place, (uintmax_t)bytes);
    c->page_shifts.values[i] = (uint64_t)__builtin_ctzll(bytes);
  }
  if (!c->page_shifts.n) numbers_add(&c->page_shifts, PW_BASE_SHIFT);
  return 0;
}

static struct pw_geometry *new_geometry(struct combination *c)
{
  c->geometries = heap_grow(c->geometries, &c->room_geometries, c->n_geometries + 1, sizeof *c->geometries);
  return &c->geometries[c->n_geometries++];
}

/* Puts the place of the option in front of the library's sentence. */
static int at_place(const char *place, struct pw_error *why, struct pw_error *err)
{
  return pw_error_set(err, why->status, "%s: %.900s", place, why->text);
}

/* True when the text is names with commas between, where a ';' belongs. */
static bool is_comma_list(const char *text)
{
  struct slice rest = {text, strlen(text)}, item;
  struct pw_list_entry entry;
  if (!strchr(text, ',')) return false;
  slice_next(&rest, ',', &item);
  for (size_t i = 0; pw_list_entry(PW_LIST_TABLES, i, &entry); i++)
    if (strlen(entry.name) == item.n && memcmp(entry.name, item.text, item.n) == 0) return true;
  return false;
}

static int parse_tables(struct combination *c, const struct words *words, struct pw_error *err)
{
  struct pw_error why;
  for (size_t i = 0; i < words->n; i++) {
    struct slice rest = {words->items[i], strlen(words->items[i])}, spec;
    while (slice_next(&rest, ';', &spec)) {
      char name[256];
      snprintf(name, sizeof name, "%.*s", (int)(spec.n > 255 ? 255 : spec.n), spec.text);
      if (is_comma_list(name))
        return pw_error_set(err, PW_EINVAL, "%s: tables are separated by ';', as in 'x86-64;sv39'", words->place);
      if (pw_geometry_parse(new_geometry(c), name, &why)) return at_place(words->place, &why, err);
    }
  }
  return 0;
}

static int parse_levels(struct combination *c, const struct settings *settings, struct pw_error *err)
{
  static const struct spec_kind levels_kind = {.unit = SPEC_PLAIN, .least = 1, .most = PW_MAX_LEVELS};
  static const struct spec_kind bits_kind = {.unit = SPEC_PLAIN, .least = 13, .most = 64};
  const struct words *levels = &settings->of[SET_LEVELS], *bits = &settings->of[SET_VA_BITS];
  struct numbers numbers = {0};
  struct pw_error why;
  uint64_t va_bits = 0;
  int status = 0;
  if (bits->n && !levels->n)
    return pw_error_set(err, PW_EINVAL, "%s only applies to --levels: give that too, or leave this out", bits->place);
  if (bits->n)
    status = spec_number(&va_bits, (struct slice){bits->items[0], strlen(bits->items[0])}, &bits_kind,
                         bits->place, err);
  if (!status) status = parse_sizes(&numbers, levels, &levels_kind, err);
  for (size_t i = 0; !status && i < numbers.n; i++)
    if (pw_geometry_levels(new_geometry(c), (unsigned)numbers.values[i], (unsigned)va_bits, &why))
      status = at_place(levels->place, &why, err);
  numbers_clear(&numbers);
  return status;
}

static int parse_machines(struct combination *c, const struct words *words, struct pw_error *err)
{
  struct pw_list_entry entry;
  for (size_t i = 0; i < words->n; i++) {
    struct slice rest = {words->items[i], strlen(words->items[i])}, spec, item;
    while (slice_next(&rest, ';', &spec))
      while (slice_next(&spec, ',', &item)) {
        bool found = false;
        for (size_t m = 0; !found && pw_list_entry(PW_LIST_MACHINES, m, &entry); m++)
          found = strlen(entry.name) == item.n && memcmp(entry.name, item.text, item.n) == 0;
        if (found) {
          words_add(&c->machines, entry.name);
          continue;
        }
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(item.n > 63 ? 63 : item.n), item.text);
        const char *near = nearest_entry(PW_LIST_MACHINES, name);
        return pw_error_set(err, PW_EINVAL, "%s: there is no machine '%s'; %s%s%s", words->place, name,
                            near ? "did you mean " : "pagewalk list machines shows them", near ? near : "",
                            near ? "?" : "");
      }
  }
  return 0;
}

static int parse_policies(struct combination *c, const struct words *words, struct pw_error *err)
{
  for (size_t i = 0; i < words->n; i++) {
    struct slice rest = {words->items[i], strlen(words->items[i])}, spec;
    while (slice_next(&rest, ';', &spec))
      if (spec_policies(&c->policies, spec, PW_LIST_MEMORY_POLICIES, words->place, err)) return PW_EINVAL;
  }
  if (!c->policies.n) numbers_add(&c->policies, (uint64_t)pw_memory_policy_find("lru"));
  return 0;
}

/* One TLB as a specification of one value. */
static void add_one_tlb(struct tlb_specs *specs, const struct pw_tlb_config *tlb)
{
  struct numbers entries = {0}, ways = {0}, policies = {0};
  numbers_add(&entries, tlb->entries);
  numbers_add(&ways, tlb->ways);
  numbers_add(&policies, (uint64_t)tlb->policy);
  tlb_specs_add(specs, &entries, &ways, &policies);
  numbers_clear(&entries);
  numbers_clear(&ways);
  numbers_clear(&policies);
}

static int parse_tlbs(struct combination *c, const struct settings *settings, struct pw_error *err)
{
  if (spec_tlbs(&c->itlbs, &settings->of[SET_ITLB], err) || spec_tlbs(&c->dtlbs, &settings->of[SET_DTLB], err) ||
      spec_tlbs(&c->stlbs, &settings->of[SET_STLB], err))
    return PW_EINVAL;
  if (c->machines.n) return 0;
  struct pw_config config;
  pw_config_default(&config);
  if (!c->itlbs.n) add_one_tlb(&c->itlbs, &config.itlb);
  if (!c->dtlbs.n) add_one_tlb(&c->dtlbs, &config.dtlb);
  if (!c->stlbs.n) add_one_tlb(&c->stlbs, &config.stlb);
  return 0;
}

int combination_parse(struct combination *c, const struct settings *settings, struct pw_error *err)
{
  static const struct spec_kind memory_kind = {.unit = SPEC_BYTES, .least = 1, .most = UINT64_MAX - 1,
                                               .word = "unlimited", .word_value = PW_UNLIMITED};
  *c = (struct combination){0};
  if (parse_page_sizes(c, &settings->of[SET_PAGE_SIZE], err) || parse_tables(c, &settings->of[SET_TABLE], err) ||
      parse_levels(c, settings, err) || parse_machines(c, &settings->of[SET_MACHINE], err) ||
      parse_tlbs(c, settings, err) || parse_policies(c, &settings->of[SET_MEMORY_POLICY], err) ||
      parse_sizes(&c->memories, &settings->of[SET_MEMORY], &memory_kind, err))
    return PW_EINVAL;
  if (!c->n_geometries && pw_geometry_parse(new_geometry(c), setting_default(SET_TABLE), err)) return PW_EINVAL;
  if (!c->memories.n) numbers_add(&c->memories, PW_UNLIMITED);
  return 0;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t count_tlbs(const struct tlb_specs *specs)
{
  uint64_t n = 0, sum;
  for (size_t i = 0; i < specs->n; i++) {
    uint64_t one = multiply(multiply(specs->items[i].n_entries, specs->items[i].n_ways), specs->items[i].n_policies);
    n = __builtin_add_overflow(n, one, &sum) ? UINT64_MAX : sum;
  }
  return n ? n : 1; /* from the machine */
}

uint64_t combination_count(const struct combination *c)
{
  uint64_t n = multiply(c->page_shifts.n, c->n_geometries);
  if (c->machines.n) n = multiply(n, c->machines.n);
  n = multiply(multiply(multiply(n, count_tlbs(&c->itlbs)), count_tlbs(&c->dtlbs)), count_tlbs(&c->stlbs));
  return multiply(multiply(n, c->memories.n), c->policies.n);
}

const char *combination_list(const struct combination *c, uint64_t *n)
{
  const struct { const char *name; uint64_t n; } lists[] = {
      {"--page-size", c->page_shifts.n},     {c->n_geometries > 1 ? "--table with --levels" : "", c->n_geometries},
      {"--machine", c->machines.n},          {"--itlb", count_tlbs(&c->itlbs)},
      {"--dtlb", count_tlbs(&c->dtlbs)},     {"--stlb", count_tlbs(&c->stlbs)},
      {"--memory", c->memories.n},           {"--memory-policy", c->policies.n}};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    if (lists[i].n > 1) {
      *n = lists[i].n;
      return lists[i].name;
    }
  return NULL;
}

void combinations_note_policy(const struct combination *combinations, size_t n)
{
  bool asked = false;
  for (size_t i = 0; i < n; i++) {
    const struct combination *c = &combinations[i];
    for (size_t j = 0; j < c->memories.n; j++)
      if (c->memories.values[j] != PW_UNLIMITED) return;
    for (size_t j = 0; j < c->policies.n; j++) asked |= (int)c->policies.values[j] != pw_memory_policy_find("lru");
  }
  if (asked) say_note("--memory-policy has no effect without --memory: memory is unlimited, so no page has to go");
}

/* A machine is three TLBs that belong together, and they depend on the page size:
 * one grid for each page size, geometry and machine keeps the order of the rows. */
static int plan_machine(const struct combination *c, size_t page, size_t geometry, const char *machine,
                        struct pw_grid grid, struct pw_plan *plan, struct pw_error *err)
{
  struct pw_config config;
  struct pw_error why;
  unsigned shift = (unsigned)c->page_shifts.values[page];
  pw_config_default(&config);
  config.page_shift = shift;
  if (pw_machine_find(&config, machine, &why)) {
    if (plan->n_left_out++ == 0) plan->first_left_out = why;
    return 0;
  }
  struct tlb_specs itlb = {0}, dtlb = {0}, stlb = {0};
  add_one_tlb(&itlb, &config.itlb);
  add_one_tlb(&dtlb, &config.dtlb);
  add_one_tlb(&stlb, &config.stlb);
  grid.n_page_shifts = grid.n_geometries = 1;
  grid.page_shifts = &shift;
  grid.geometries = &c->geometries[geometry];
  if (!c->itlbs.n) grid.itlbs = itlb.items, grid.n_itlbs = 1;
  if (!c->dtlbs.n) grid.dtlbs = dtlb.items, grid.n_dtlbs = 1;
  if (!c->stlbs.n) grid.stlbs = stlb.items, grid.n_stlbs = 1;
  int status = pw_plan_add(plan, &grid, MOST_CONFIGURATIONS, err);
  tlb_specs_clear(&itlb);
  tlb_specs_clear(&dtlb);
  tlb_specs_clear(&stlb);
  return status;
}

int combination_plan(const struct combination *c, struct pw_plan *plan, struct pw_error *err)
{
  unsigned *shifts = heap_zero(c->page_shifts.n, sizeof *shifts);
  int *policies = heap_zero(c->policies.n, sizeof *policies);
  for (size_t i = 0; i < c->page_shifts.n; i++) shifts[i] = (unsigned)c->page_shifts.values[i];
  for (size_t i = 0; i < c->policies.n; i++) policies[i] = (int)c->policies.values[i];
  struct pw_grid grid = {
      .n_page_shifts = c->page_shifts.n, .n_geometries = c->n_geometries, .n_itlbs = c->itlbs.n,
      .n_dtlbs = c->dtlbs.n, .n_stlbs = c->stlbs.n, .n_memories = c->memories.n, .n_policies = c->policies.n,
      .page_shifts = shifts, .geometries = c->geometries, .itlbs = c->itlbs.items, .dtlbs = c->dtlbs.items,
      .stlbs = c->stlbs.items, .memories = c->memories.values, .policies = policies};
  int status = 0;
  if (!c->machines.n) status = pw_plan_add(plan, &grid, MOST_CONFIGURATIONS, err);
  for (size_t p = 0; c->machines.n && p < c->page_shifts.n; p++)
    for (size_t g = 0; g < c->n_geometries; g++)
      for (size_t m = 0; !status && m < c->machines.n; m++)
        status = plan_machine(c, p, g, c->machines.items[m], grid, plan, err);
  free(shifts);
  free(policies);
  return status;
}

void combination_clear(struct combination *c)
{
  numbers_clear(&c->page_shifts);
  numbers_clear(&c->memories);
  numbers_clear(&c->policies);
  words_clear(&c->machines);
  tlb_specs_clear(&c->itlbs);
  tlb_specs_clear(&c->dtlbs);
  tlb_specs_clear(&c->stlbs);
  free(c->geometries);
  *c = (struct combination){0};
}
