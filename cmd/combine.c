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

static int parse_page_sizes(struct numbers *sizes, const struct words *words, struct pw_error *err)
{
  static const struct spec_kind kind = {.unit = SPEC_BYTES, .least = 1 << PW_BASE_SHIFT, .most = (uint64_t)1 << 46};
  if (parse_sizes(sizes, words, &kind, err)) return PW_EINVAL;
  for (size_t i = 0; i < sizes->n; i++) {
    uint64_t bytes = sizes->values[i];
    if (bytes & (bytes - 1))
      return pw_error_set(err, PW_EINVAL, "%s: a page size is a power of two such as 4K, 2M or 1G, not %ju",
                          words->place, (uintmax_t)bytes);
    sizes->values[i] = (uint64_t)__builtin_ctzll(bytes);
  }
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
  const struct words *levels = &settings->of[setting_of_kind(PW_PARAMETER_LEVELS)];
  const struct words *bits = &settings->of[setting_of_kind(PW_PARAMETER_VA_BITS)];
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

static int parse_choices(struct numbers *choices, const struct pw_parameter *p, const struct words *words, struct pw_error *err)
{
  for (size_t i = 0; i < words->n; i++) {
    struct slice rest = {words->items[i], strlen(words->items[i])}, spec;
    while (slice_next(&rest, ';', &spec))
      if (spec_policies(choices, spec, p->list, words->place, err)) return PW_EINVAL;
  }
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

/* Numbers that the library checks too: memory against the page size, others against their row. */
static struct spec_kind number_kind(const struct pw_parameter *p)
{
  struct spec_kind kind = {.unit = p->kind == PW_PARAMETER_COUNT ? SPEC_PLAIN : SPEC_BYTES, .least = p->least, .most = p->most};
  if (p->kind == PW_PARAMETER_MEMORY)
    kind = (struct spec_kind){SPEC_BYTES, .least = 1, .most = UINT64_MAX - 1, .word = "unlimited", .word_value = PW_UNLIMITED};
  return kind;
}

static int parse_parameter(struct combination *c, size_t number, const struct settings *settings, const struct words *words,
                           struct pw_error *err)
{
  const struct pw_parameter *p = pw_parameter_entry(number);
  struct spec_kind kind = number_kind(p);
  switch (p->kind) {
  case PW_PARAMETER_PAGE: return parse_page_sizes(&c->numbers[number], words, err);
  case PW_PARAMETER_TABLE: return parse_tables(c, words, err);
  case PW_PARAMETER_LEVELS: return parse_levels(c, settings, err);
  case PW_PARAMETER_MACHINE: return parse_machines(c, words, err);
  case PW_PARAMETER_TLB: return spec_tlbs(&c->tlbs[number], words, err);
  case PW_PARAMETER_MEMORY:
  case PW_PARAMETER_SIZE:
  case PW_PARAMETER_COUNT: return parse_sizes(&c->numbers[number], words, &kind, err);
  case PW_PARAMETER_CHOICE: return parse_choices(&c->numbers[number], p, words, err);
  case PW_PARAMETER_VA_BITS: break; /* with the levels */
  }
  return 0;
}

/* Has the parameter nothing of its own, nor from an option that sets it too? */
static bool is_unset(const struct combination *c, size_t number, const struct pw_parameter *p)
{
  if (p->kind == PW_PARAMETER_TABLE) return c->n_geometries == 0;
  if (p->kind == PW_PARAMETER_TLB) return c->tlbs[number].n == 0 && c->machines.n == 0;
  return *p->initial && c->numbers[number].n == 0;
}

int combination_parse(struct combination *c, const struct settings *settings, struct pw_error *err)
{
  const struct pw_parameter *p;
  *c = (struct combination){0};
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++)
    if (parse_parameter(c, i, settings, &settings->of[i], err)) return PW_EINVAL;
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++) {
    if (!is_unset(c, i, p)) continue;
    struct words initial = {0};
    words_add(&initial, p->initial);
    int status = parse_parameter(c, i, settings, &initial, err);
    words_clear(&initial);
    if (status) return status;
  }
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

/* How many values a parameter has. */
static uint64_t count_values(const struct combination *c, size_t number)
{
  switch (pw_parameter_entry(number)->kind) {
  case PW_PARAMETER_TABLE: return c->n_geometries;
  case PW_PARAMETER_MACHINE: return c->machines.n ? c->machines.n : 1;
  case PW_PARAMETER_TLB: return count_tlbs(&c->tlbs[number]);
  case PW_PARAMETER_LEVELS:
  case PW_PARAMETER_VA_BITS: return 1;
  default: return c->numbers[number].n;
  }
}

uint64_t combination_count(const struct combination *c)
{
  uint64_t n = 1;
  for (size_t i = 0; pw_parameter_entry(i); i++) n = multiply(n, count_values(c, i));
  return n;
}

const char *combination_list(const struct combination *c, uint64_t *n)
{
  const struct pw_parameter *p;
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++)
    if ((*n = count_values(c, i)) > 1) return p->kind == PW_PARAMETER_TABLE ? "table with --levels" : p->name;
  return NULL;
}

void combinations_note_policy(const struct combination *combinations, size_t n)
{
  bool asked = false;
  size_t memory = pw_parameter_find("memory"), policy = pw_parameter_find("memory-policy");
  for (size_t i = 0; i < n; i++) {
    const struct numbers *memories = &combinations[i].numbers[memory], *policies = &combinations[i].numbers[policy];
    for (size_t j = 0; j < memories->n; j++)
      if (memories->values[j] != PW_UNLIMITED) return;
    for (size_t j = 0; j < policies->n; j++) asked |= (int)policies->values[j] != pw_memory_policy_find("lru");
  }
  if (asked) say_note("--memory-policy has no effect without --memory: memory is unlimited, so no page has to go");
}

/* A machine is TLBs that belong together, and they depend on the page size:
 * one grid for each page size, geometry and machine keeps the order of the rows. */
static int plan_machine(const struct combination *c, uint64_t shift, const struct pw_geometry *geometry, const char *machine,
                        struct pw_grid grid, struct pw_plan *plan, struct pw_error *err)
{
  const struct pw_parameter *p;
  struct pw_config config;
  struct pw_error why;
  struct tlb_specs tlbs[PW_PARAMETERS_MOST] = {{0}};
  pw_config_default(&config);
  config.page_shift = (unsigned)shift;
  if (pw_machine_find(&config, machine, &why)) {
    if (plan->n_left_out++ == 0) plan->first_left_out = why;
    return 0;
  }
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++) {
    if (p->kind == PW_PARAMETER_PAGE) grid.of[i] = (struct pw_grid_list){1, &shift};
    if (p->kind == PW_PARAMETER_TABLE) grid.of[i] = (struct pw_grid_list){1, geometry};
    if (p->kind != PW_PARAMETER_TLB || c->tlbs[i].n) continue;
    add_one_tlb(&tlbs[i], pw_config_tlb(&config, p));
    grid.of[i] = (struct pw_grid_list){1, tlbs[i].items};
  }
  int status = pw_plan_add(plan, &grid, MOST_CONFIGURATIONS, err);
  for (size_t i = 0; i < PW_PARAMETERS_MOST; i++) tlb_specs_clear(&tlbs[i]);
  return status;
}

int combination_plan(const struct combination *c, struct pw_plan *plan, struct pw_error *err)
{
  const struct pw_parameter *p;
  const struct numbers *pages = &c->numbers[setting_of_kind(PW_PARAMETER_PAGE)];
  struct pw_grid grid = {0};
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++) {
    if (p->kind == PW_PARAMETER_TABLE) grid.of[i] = (struct pw_grid_list){c->n_geometries, c->geometries};
    else if (p->kind == PW_PARAMETER_TLB) grid.of[i] = (struct pw_grid_list){c->tlbs[i].n, c->tlbs[i].items};
    else grid.of[i] = (struct pw_grid_list){c->numbers[i].n, c->numbers[i].values};
  }
  int status = 0;
  if (!c->machines.n) status = pw_plan_add(plan, &grid, MOST_CONFIGURATIONS, err);
  for (size_t s = 0; c->machines.n && s < pages->n; s++)
    for (size_t g = 0; g < c->n_geometries; g++)
      for (size_t m = 0; !status && m < c->machines.n; m++)
        status = plan_machine(c, pages->values[s], &c->geometries[g], c->machines.items[m], grid, plan, err);
  return status;
}

void combination_clear(struct combination *c)
{
  for (size_t i = 0; i < PW_PARAMETERS_MOST; i++) {
    numbers_clear(&c->numbers[i]);
    tlb_specs_clear(&c->tlbs[i]);
  }
  words_clear(&c->machines);
  free(c->geometries);
  *c = (struct combination){0};
}
