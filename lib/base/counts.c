/* What there is to count: one table of the columns of numbers (struct pw_count in pagewalk.h says what a row holds),
 * and the names of what counts are shared out by.
 *
 * Names are never changed, and the order of the rows is the order of results.csv's columns, which is a contract: a new
 * row goes to the end and has a higher `since` than those before it. */
#include <string.h>

#include "base/block.h"
#include "base/parameters.h"

#define IN(field) .offset = offsetof(struct pw_result, field)
#define ALL_NAMES(words) .title = words, .line = words, .course = words, .share = words

/* What counts depend on: all parts but these, so that a part that is added is one of them. */
#define ALL_BUT(...) .parts = PW_PART_ALL & ~(unsigned)(__VA_ARGS__)
#define BUT_TLBS(other) ALL_BUT(PW_PART_ITLB | PW_PART_DTLB | PW_PART_STLB | (other))

/* Functions of a result, and of a configuration. */
#define FROM(name, value) static uint64_t name(const struct pw_result *r) { return value; }
#define WHERE(name, condition) static bool name(const struct pw_config *c) { return condition; }

FROM(accesses, pw_totals_sum(&r->counted))
FROM(fetches, r->counted.fetches)
FROM(data, r->counted.loads + r->counted.stores)
FROM(lookups, r->stlb_lookups)
FROM(faults, r->minor_faults + r->major_faults)
FROM(touched, r->touched_bytes)

WHERE(no_itlb, c->itlb.entries == 0)
WHERE(no_dtlb, c->dtlb.entries == 0)
WHERE(no_stlb, c->stlb.entries == 0)

static const char *engine(const struct pw_result *r)
{
  return r->one_pass ? "one-pass" : "direct";
}

#define ACCESSES .group = PW_GROUP_ACCESSES, .window = PW_WINDOW_DIFFERENCE, .parts = PW_PART_PAGE
#define SUMMED .window = PW_WINDOW_DIFFERENCE, .owned = PW_OWNED_SUMMED
#define RATE(field, by) .unit = PW_COUNT_RATE, IN(field), .over = by
#define ITLB .group = PW_GROUP_TRANSLATION, .absent = no_itlb, ALL_BUT(PW_PART_TABLE | PW_PART_DTLB | PW_PART_STLB)
#define DTLB .group = PW_GROUP_TRANSLATION, .absent = no_dtlb, ALL_BUT(PW_PART_TABLE | PW_PART_ITLB | PW_PART_STLB)
#define STLB .group = PW_GROUP_TRANSLATION, .absent = no_stlb, ALL_BUT(PW_PART_TABLE)
#define WALKS .group = PW_GROUP_TRANSLATION, ALL_BUT(PW_PART_TABLE)
#define MEMORY .group = PW_GROUP_MEMORY, BUT_TLBS(PW_PART_TABLE)
#define TABLES .group = PW_GROUP_TABLES, BUT_TLBS(PW_PART_MEMORY)

static const struct pw_count counts[] = {
  {.name = "accesses", .title = "accesses", .line = "accesses", .share = "accesses", .of = accesses, ACCESSES,
   .owned = PW_OWNED_SHOWN},
  {.name = "fetches", .title = "fetches", .line = "fetches", IN(counted.fetches), ACCESSES, .owned = PW_OWNED_SUMMED},
  {.name = "loads", .title = "loads", .line = "loads", IN(counted.loads), ACCESSES, .owned = PW_OWNED_SUMMED},
  {.name = "stores", .title = "stores", .line = "stores", IN(counted.stores), ACCESSES, .owned = PW_OWNED_SUMMED},
  {.name = "itlb_misses", ALL_NAMES("ITLB misses"), IN(itlb_misses), ITLB, SUMMED},
  {.name = "dtlb_misses", ALL_NAMES("DTLB misses"), IN(dtlb_misses), DTLB, SUMMED},
  {.name = "stlb_lookups", .title = "STLB lookups", .line = "STLB lookups", IN(stlb_lookups), STLB, SUMMED},
  {.name = "stlb_misses", .title = "STLB misses", .line = "STLB misses", IN(stlb_misses), STLB, SUMMED},
  {.name = "walks", .title = "page walks", .line = "page walks", .course = "page walks", .share = "walks", IN(walks),
   WALKS, SUMMED},
  {.name = "walk_refs", .title = "page-table reads by walks", .line = "table entries read", IN(walk_refs),
   .group = PW_GROUP_TRANSLATION, ALL_BUT(0), .owned = PW_OWNED_SUMMED},
  {.name = "itlb_miss_rate", .title = "ITLB misses per fetch", .line = "ITLB miss rate", RATE(itlb_misses, fetches), ITLB,
   .owned = PW_OWNED_SHOWN},
  {.name = "dtlb_miss_rate", .title = "DTLB misses per load or store", .line = "DTLB miss rate", RATE(dtlb_misses, data), DTLB,
   .owned = PW_OWNED_SHOWN},
  {.name = "stlb_miss_rate", .title = "STLB misses per lookup", .line = "STLB miss rate", RATE(stlb_misses, lookups), STLB,
   .owned = PW_OWNED_SHOWN},
  {.name = "walk_rate", .title = "page walks per access", .line = "walks per access", RATE(walks, accesses), WALKS,
   .owned = PW_OWNED_SHOWN},
  {.name = "minor_faults", ALL_NAMES("minor faults"), IN(minor_faults), MEMORY, SUMMED},
  {.name = "major_faults", ALL_NAMES("major faults"), IN(major_faults), MEMORY, SUMMED, .limited = true},
  {.name = "fault_rate", .title = "page faults per access", .line = "faults per access", RATE(major_faults, accesses),
   .of = faults,
   MEMORY, .owned = PW_OWNED_SHOWN},
  {.name = "swap_outs", .title = "swap-outs", .line = "pages written back", .course = "written back", IN(swap_outs),
   MEMORY, SUMMED, .limited = true},
  {.name = "resident_bytes", .title = "peak resident memory", .line = "peak resident", .unit = PW_COUNT_BYTES,
   IN(resident_bytes), MEMORY},
  {.name = "touched_bytes", .share = "touched", .unit = PW_COUNT_BYTES, IN(touched_bytes), MEMORY, .elsewhere = true,
   .owned = PW_OWNED_SUMMED},
  {.name = "table_bytes", .title = "peak page-table memory", .line = "peak size", .share = "tables", .unit = PW_COUNT_BYTES,
   IN(table_bytes), TABLES, .owned = PW_OWNED_SUMMED},
  {.name = "table_overhead", .title = "page-table bytes per touched byte", .line = "of touched bytes",
   RATE(table_bytes, touched), TABLES},
  {.name = "engine", .title = "engine", .unit = PW_COUNT_WORD, .word = engine},
  {.name = "table_bytes", .course = "page tables", .unit = PW_COUNT_BYTES, IN(table_bytes), TABLES, .elsewhere = true,
   .window = PW_WINDOW_LEVEL},
  {.name = "resident_bytes", .course = "resident", .unit = PW_COUNT_BYTES, IN(resident_bytes), MEMORY, .elsewhere = true,
   .window = PW_WINDOW_LEVEL},
};

const struct pw_count *pw_count_entry(size_t index)
{
  return index < sizeof counts / sizeof *counts ? &counts[index] : NULL;
}

uint64_t pw_count_value(const struct pw_count *count, const struct pw_result *result)
{
  uint64_t value;
  if (count->of) return count->of(result);
  memcpy(&value, (const char *)result + count->offset, sizeof value);
  return value;
}

static const char *const by_names[] = {"region", "object", "symbol", "function"};
static const char *const heat_names[] = {"none", "walks", "dtlb", "faults"};

const char *pw_by_name(enum pw_by by)
{
  return (size_t)by < sizeof by_names / sizeof *by_names ? by_names[by] : NULL;
}

int pw_by_find(const char *name)
{
  for (int i = 0; pw_by_name((enum pw_by)i); i++)
    if (strcmp(pw_by_name((enum pw_by)i), name) == 0) return i;
  return -1;
}

const char *pw_heat_name(enum pw_heat_of of)
{
  return (size_t)of < sizeof heat_names / sizeof *heat_names ? heat_names[of] : NULL;
}
