/* What there is: one view of every table in the code, for help and completion. */
#include <string.h>

#include "memory/memory.h"
#include "mmu/geometry.h"
#include "mmu/presets.h"
#include "mmu/tlb.h"
#include "pagewalk.h"
#include "report/charts.h"
#include "trace/format.h"

static bool format_entry(size_t index, struct pw_list_entry *entry)
{
  if (index == 0) {
    *entry = (struct pw_list_entry){"pwt", "pagewalk's native traces"};
    return true;
  }
  const struct pw_format *format = pw_formats[index - 1];
  if (format) *entry = (struct pw_list_entry){format->name, format->summary};
  return format != NULL;
}

bool pw_list_entry(enum pw_list list, size_t index, struct pw_list_entry *entry)
{
  size_t before = 0;
  struct pw_list_entry skipped;
  switch (list) {
    case PW_LIST_FORMATS:
      /* the table ends with NULL: walk up to the entry, so that any index is safe */
      while (before < index && format_entry(before, &skipped)) before++;
      return before == index && format_entry(index, entry);
    case PW_LIST_TABLES:
      return pw_geometry_entry(index, entry);
    case PW_LIST_TLB_POLICIES: {
      const struct pw_tlb_policy *policy = index < 1000 ? pw_tlb_policy((int)index) : NULL;
      if (policy) *entry = (struct pw_list_entry){policy->name, policy->summary};
      return policy != NULL;
    }
    case PW_LIST_MEMORY_POLICIES: {
      const struct pw_memory_policy *policy = index < 1000 ? pw_memory_policy((int)index) : NULL;
      if (policy) *entry = (struct pw_list_entry){policy->name, policy->summary};
      return policy != NULL;
    }
    case PW_LIST_MACHINES:
      return pw_machine_entry(index, entry);
    case PW_LIST_CHARTS:
      if (index >= pw_chart_count) return false;
      *entry = (struct pw_list_entry){pw_chart_table[index].name, pw_chart_table[index].summary};
      return true;
  }
  return false;
}

/* Edit distance (insert, delete, replace), bounded by the lengths it is used for. */
static size_t distance(const char *a, const char *b)
{
  size_t row[64], n = strlen(b);
  if (n >= 64) return SIZE_MAX;
  for (size_t j = 0; j <= n; j++) row[j] = j;
  for (size_t i = 1; a[i - 1]; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= n; j++) {
      size_t best = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[n];
}

const char *pw_list_nearest(enum pw_list list, const char *name)
{
  const char *nearest = NULL;
  size_t best = strlen(name) < 4 ? 2 : 3; /* farther is no likeness */
  struct pw_list_entry entry;
  for (size_t i = 0; strlen(name) < 64 && pw_list_entry(list, i, &entry); i++) {
    size_t d = distance(name, entry.name);
    if (d < best) {
      best = d;
      nearest = entry.name;
    }
  }
  return nearest;
}

void pw_config_default(struct pw_config *config)
{
  *config = (struct pw_config){.page_shift = 12, .geometry = pw_geometry_default(), .itlb = {64, 8, 0}, .dtlb = {64, 4, 0},
                               .stlb = {1536, 12, 0}, .memory_bytes = PW_UNLIMITED};
}
