/* Regions on the terminal. See system_regions.h. */
#include "system_regions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "say.h"
#include "system_report.h"

enum { MOST_SHOWN = 16 };

static uint64_t weight(const struct pw_system_region *r)
{
  return r->walks + r->minor_faults + r->major_faults;
}

static int by_weight(const void *a, const void *b)
{
  const struct pw_system_region *const *x = a, *const *y = b;
  if (weight(*x) != weight(*y)) return weight(*x) > weight(*y) ? -1 : 1;
  return *x < *y ? -1 : *x > *y; /* of one array: as they came */
}

/* The heaviest first. */
static const struct pw_system_region **sorted(const struct pw_system_result *r)
{
  const struct pw_system_region **list = heap_zero(r->n_regions + 1, sizeof(struct pw_system_region *));
  for (size_t i = 0; i < r->n_regions; i++) list[i] = &r->regions[i];
  qsort(list, r->n_regions, sizeof *list, by_weight);
  return list;
}

/* sort: [heap] */
static char *name_of(const struct pw_system_result *r, const struct pw_system_region *region)
{
  return heap_text("%s: %s", r->processes[region->process].name, region->name);
}

static void tell_rest(size_t n)
{
  if (n > MOST_SHOWN) printf("… and %zu regions of fewer; -o DIR writes all to regions.csv\n", n - MOST_SHOWN);
}

void system_regions_print(const struct pw_system_result *r)
{
  const struct pw_system_region **list = sorted(r);
  printf("\n%-*s %12s %12s %9s %7s %12s\n", SYSTEM_REGION_NAMES, "region", "page walks", "minor faults", "major", "2 MiB", "its own");
  for (size_t i = 0; i < r->n_regions && i < MOST_SHOWN; i++) {
    const struct pw_system_region *g = list[i];
    char *name = name_of(r, g), shown[SYSTEM_REGION_NAMES + 1], a[32], b[32], c[32], d[32], e[32];
    text_printable(shown, sizeof shown, name);
    human_count(a, sizeof a, g->walks);
    human_count(b, sizeof b, g->minor_faults);
    human_count(c, sizeof c, g->major_faults);
    human_count(d, sizeof d, g->thp_faults);
    human_bytes(e, sizeof e, g->own_bytes);
    printf("%-*s %12s %12s %9s %7s %12s\n", SYSTEM_REGION_NAMES + (int)(strlen(shown) - text_width(shown)), shown, a, b, c, d, e);
    free(name);
  }
  tell_rest(r->n_regions);
  free(list);
}

/* The same region there; none: it did nothing. */
static const struct pw_system_region *find(const struct pw_system_result *r, const struct pw_system_region *region)
{
  static const struct pw_system_region nothing = {0};
  for (size_t i = 0; i < r->n_regions; i++)
    if (r->regions[i].process == region->process && strcmp(r->regions[i].name, region->name) == 0) return &r->regions[i];
  return &nothing;
}

void system_regions_compare(const struct pw_system_config *base, const struct pw_system_result *was, const struct pw_system_config *config,
                            const struct pw_system_result *is)
{
  const struct pw_system_region **list = sorted(was);
  char what[60];
  snprintf(what, sizeof what, "Huge pages %s by region", pw_system_thp_name(config->thp));
  system_report_header(what, pw_system_thp_name(base->thp), "its own", SYSTEM_REGION_NAMES);
  for (size_t i = 0; i < was->n_regions && i < MOST_SHOWN; i++) {
    const struct pw_system_region *a = list[i], *b = find(is, a);
    const struct pw_system_sums before = {.walks = a->walks, .minor_faults = a->minor_faults}, after = {.walks = b->walks, .minor_faults = b->minor_faults};
    char *name = name_of(was, a);
    system_report_change(name, &before, &after, a->own_bytes, b->own_bytes, SYSTEM_REGION_NAMES);
    free(name);
  }
  tell_rest(was->n_regions);
  free(list);
}
