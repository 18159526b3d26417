/* Rows: what each column of results.csv is, and when it does not apply.
 *
 * The table below is the contract of results.csv: its order is the order of
 * the columns, names are never changed, new columns go to the end. It knows
 * how to find a number in a configuration or a result; it knows nothing of
 * CSV, JSON or charts.
 *
 * Invariant: a rate whose denominator is 0 and anything about an absent TLB
 * is absent, so that no reader takes "nothing to count" for "no misses". */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/cells.h"

enum column_kind {
  TRACE, PAGE_BYTES, TABLE, LEVELS, TLB_ENTRIES, TLB_WAYS, TLB_POLICY, MEMORY_BYTES, MEMORY_POLICY,
  ACCESSES, COUNT, RATE, FAULT_RATE, ENGINE,
};

enum denominator { PER_ACCESS, PER_FETCH, PER_DATA, PER_STLB_LOOKUP, PER_TOUCHED_BYTE };

#define ALWAYS ((size_t)-1)

struct column {
  const char *name;
  enum column_kind kind;
  size_t tlb;   /* offset in pw_config of the TLB meant, or of the one without which the column is absent */
  size_t count; /* offset in pw_result of the count, or of the numerator */
  enum denominator over;
};

#define TLB(t) offsetof(struct pw_config, t)
#define IN(f) offsetof(struct pw_result, f)

static const struct column columns[] = {
  { "trace", TRACE, ALWAYS, 0, 0 },
  { "page_bytes", PAGE_BYTES, ALWAYS, 0, 0 },
  { "table", TABLE, ALWAYS, 0, 0 },
  { "levels", LEVELS, ALWAYS, 0, 0 },
  { "itlb_entries", TLB_ENTRIES, TLB(itlb), 0, 0 },
  { "itlb_ways", TLB_WAYS, TLB(itlb), 0, 0 },
  { "itlb_policy", TLB_POLICY, TLB(itlb), 0, 0 },
  { "dtlb_entries", TLB_ENTRIES, TLB(dtlb), 0, 0 },
  { "dtlb_ways", TLB_WAYS, TLB(dtlb), 0, 0 },
  { "dtlb_policy", TLB_POLICY, TLB(dtlb), 0, 0 },
  { "stlb_entries", TLB_ENTRIES, TLB(stlb), 0, 0 },
  { "stlb_ways", TLB_WAYS, TLB(stlb), 0, 0 },
  { "stlb_policy", TLB_POLICY, TLB(stlb), 0, 0 },
  { "memory_bytes", MEMORY_BYTES, ALWAYS, 0, 0 },
  { "memory_policy", MEMORY_POLICY, ALWAYS, 0, 0 },
  { "accesses", ACCESSES, ALWAYS, 0, 0 },
  { "fetches", COUNT, ALWAYS, IN(counted.fetches), 0 },
  { "loads", COUNT, ALWAYS, IN(counted.loads), 0 },
  { "stores", COUNT, ALWAYS, IN(counted.stores), 0 },
  { "itlb_misses", COUNT, TLB(itlb), IN(itlb_misses), 0 },
  { "dtlb_misses", COUNT, TLB(dtlb), IN(dtlb_misses), 0 },
  { "stlb_lookups", COUNT, TLB(stlb), IN(stlb_lookups), 0 },
  { "stlb_misses", COUNT, TLB(stlb), IN(stlb_misses), 0 },
  { "walks", COUNT, ALWAYS, IN(walks), 0 },
  { "walk_refs", COUNT, ALWAYS, IN(walk_refs), 0 },
  { "itlb_miss_rate", RATE, TLB(itlb), IN(itlb_misses), PER_FETCH },
  { "dtlb_miss_rate", RATE, TLB(dtlb), IN(dtlb_misses), PER_DATA },
  { "stlb_miss_rate", RATE, TLB(stlb), IN(stlb_misses), PER_STLB_LOOKUP },
  { "walk_rate", RATE, ALWAYS, IN(walks), PER_ACCESS },
  { "minor_faults", COUNT, ALWAYS, IN(minor_faults), 0 },
  { "major_faults", COUNT, ALWAYS, IN(major_faults), 0 },
  { "fault_rate", FAULT_RATE, ALWAYS, 0, PER_ACCESS },
  { "swap_outs", COUNT, ALWAYS, IN(swap_outs), 0 },
  { "resident_bytes", COUNT, ALWAYS, IN(resident_bytes), 0 },
  { "table_bytes", COUNT, ALWAYS, IN(table_bytes), 0 },
  { "table_overhead", RATE, ALWAYS, IN(table_bytes), PER_TOUCHED_BYTE },
  { "engine", ENGINE, ALWAYS, 0, 0 },
};

static struct pw_value text_value(const char *text)
{
  return (struct pw_value){ .kind = PW_VALUE_TEXT, .text = text };
}

static struct pw_value count_value(uint64_t count)
{
  return (struct pw_value){ .kind = PW_VALUE_COUNT, .count = count };
}

static struct pw_value rate_value(uint64_t count, uint64_t over)
{
  if (over == 0) return (struct pw_value){ .kind = PW_VALUE_ABSENT };
  return (struct pw_value){ .kind = PW_VALUE_RATE, .rate = (double)count / (double)over };
}

static struct pw_value policy_value(enum pw_list list, int policy)
{
  struct pw_list_entry entry;
  if (policy < 0 || !pw_list_entry(list, (size_t)policy, &entry))
    return (struct pw_value){ .kind = PW_VALUE_ABSENT };
  return text_value(entry.name);
}

static uint64_t total(const struct pw_totals *t)
{
  return t->fetches + t->loads + t->stores;
}

static uint64_t denominator(enum denominator over, const struct pw_result *r)
{
  switch (over) {
  case PER_ACCESS: return total(&r->counted);
  case PER_FETCH: return r->counted.fetches;
  case PER_DATA: return r->counted.loads + r->counted.stores;
  case PER_STLB_LOOKUP: return r->stlb_lookups;
  case PER_TOUCHED_BYTE: return r->touched_bytes;
  }
  return 0;
}

static struct pw_value config_value(const struct column *c, const struct pw_config *config,
                                    const struct pw_tlb_config *tlb)
{
  const struct pw_value absent = { .kind = PW_VALUE_ABSENT };
  switch (c->kind) {
  case PAGE_BYTES: return count_value(UINT64_C(1) << config->page_shift);
  case TABLE: return text_value(config->geometry->name);
  case LEVELS: return count_value(pw_geometry_walk_levels(config->geometry, config->page_shift));
  case TLB_ENTRIES: return count_value(tlb->entries);
  case TLB_WAYS: return count_value(tlb->entries ? tlb->ways : 0);
  case TLB_POLICY: return tlb->entries ? policy_value(PW_LIST_TLB_POLICIES, tlb->policy) : absent;
  case MEMORY_BYTES:
    return config->memory_bytes == PW_UNLIMITED ? text_value("unlimited") : count_value(config->memory_bytes);
  case MEMORY_POLICY:
    return config->memory_bytes == PW_UNLIMITED ? absent
                                                : policy_value(PW_LIST_MEMORY_POLICIES, config->memory_policy);
  default: return absent;
  }
}

struct pw_value pw_row_value(size_t column, const char *trace, const struct pw_config *config,
                             const struct pw_result *result)
{
  const struct column *c = &columns[column];
  const struct pw_tlb_config *tlb =
      c->tlb == ALWAYS ? NULL : (const void *)((const char *)config + c->tlb);
  bool applies = !tlb || tlb->entries > 0;
  uint64_t count = 0;
  memcpy(&count, (const char *)result + c->count, sizeof count);
  switch (c->kind) {
  case TRACE: return text_value(trace);
  case ACCESSES: return count_value(total(&result->counted));
  case COUNT: return applies ? count_value(count) : (struct pw_value){ .kind = PW_VALUE_ABSENT };
  case RATE: return rate_value(count, applies ? denominator(c->over, result) : 0);
  case FAULT_RATE: return rate_value(result->minor_faults + result->major_faults, denominator(c->over, result));
  case ENGINE: return text_value(result->one_pass ? "one-pass" : "direct");
  default: return config_value(c, config, tlb);
  }
}

const char *pw_value_text(const struct pw_value *value, char number[PW_VALUE_BYTES])
{
  number[0] = 0;
  if (value->kind == PW_VALUE_TEXT) return value->text;
  if (value->kind == PW_VALUE_COUNT) snprintf(number, PW_VALUE_BYTES, "%" PRIu64, value->count);
  if (value->kind == PW_VALUE_RATE) snprintf(number, PW_VALUE_BYTES, "%.9g", value->rate);
  return number;
}

const char *pw_row_column(size_t column)
{
  return column < sizeof columns / sizeof columns[0] ? columns[column].name : NULL;
}

void pw_row_text(char *text, size_t n_text, size_t column, const struct pw_config *config,
                 const struct pw_result *result)
{
  char number[PW_VALUE_BYTES];
  struct pw_value value = { .kind = PW_VALUE_ABSENT };
  if (pw_row_column(column)) value = pw_row_value(column, "", config, result);
  snprintf(text, n_text, "%s", pw_value_text(&value, number));
}
