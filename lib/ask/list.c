/* What there is: one view of every table in the code, for help and completion. */
#include "base/nearest.h"
#include "memory/memory.h"
#include "mmu/geometry.h"
#include "mmu/presets.h"
#include "mmu/tlb.h"
#include "os/linux/slab.h"
#include "report/charts.h"
#include "trace/format.h"

static bool tlb_policy_entry(size_t index, struct pw_list_entry *entry)
{
  const struct pw_tlb_policy *policy = index < 1000 ? pw_tlb_policy((int)index) : NULL;
  if (policy) *entry = (struct pw_list_entry){policy->name, policy->summary};
  return policy != NULL;
}

static bool memory_policy_entry(size_t index, struct pw_list_entry *entry)
{
  const struct pw_memory_policy *policy = index < 1000 ? pw_memory_policy((int)index) : NULL;
  if (policy) *entry = (struct pw_list_entry){policy->name, policy->summary};
  return policy != NULL;
}

static bool chart_entry(size_t index, struct pw_list_entry *entry)
{
  if (index < pw_chart_count) *entry = (struct pw_list_entry){pw_chart_table[index].name, pw_chart_table[index].summary};
  return index < pw_chart_count;
}

static pw_entry_fn *const entries[] = {
  [PW_LIST_FORMATS] = pw_format_entry,      [PW_LIST_TABLES] = pw_geometry_entry,
  [PW_LIST_TLB_POLICIES] = tlb_policy_entry, [PW_LIST_MEMORY_POLICIES] = memory_policy_entry,
  [PW_LIST_MACHINES] = pw_machine_entry,    [PW_LIST_CHARTS] = chart_entry,
  [PW_LIST_SLABS] = pw_slab_entry,
};

bool pw_list_entry(enum pw_list list, size_t index, struct pw_list_entry *entry)
{
  return (size_t)list < sizeof entries / sizeof *entries && entries[list](index, entry);
}

const char *pw_list_nearest(enum pw_list list, const char *name)
{
  return (size_t)list < sizeof entries / sizeof *entries ? pw_nearest_entry(entries[list], name) : NULL;
}
