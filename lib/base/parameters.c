/* The table of machine parameters. See parameters.h. */
#include "base/parameters.h"

#include <string.h>

#define IN(field) .offset = offsetof(struct pw_config, field)

/* A TLB: its options, its three columns and what they are on the initial machine. */
#define TLB(option, field, words, bit, size, associativity, text) \
  .name = option, .kind = PW_PARAMETER_TLB, IN(field), .initial = size ":" associativity, .argument = "SPEC", .help = text, \
  .title = words, .part = bit, .columns = {{option "_entries", words " entries", size, NULL}, \
  {option "_ways", words " ways", associativity, NULL}, {option "_policy", words " replacement", "lru", NULL}}

static bool limits_memory(const struct pw_config *config)
{
  return config->memory_bytes != PW_UNLIMITED;
}

static const struct pw_parameter parameters[] = {
  {.name = "page-size", .kind = PW_PARAMETER_PAGE, IN(page_shift), .initial = "4K", .argument = "SIZE",
   .help = "page sizes: 4K,2M,1G (default 4K)", .title = "page size", .part = PW_PART_PAGE,
   .columns = {{"page_bytes", "page size", "4096", NULL}}},
  {.name = "table", .kind = PW_PARAMETER_TABLE, IN(geometry), .initial = "x86-64", .argument = "NAME",
   .help = "page tables: presets or index widths, such as\n'x86-64;arm-short;9,9,9,9+12:8' (default x86-64)",
   .title = "page table", .part = PW_PART_TABLE,
   .columns = {{"table", "page table", "x86-64", "4-level"}, {"levels", "levels walked", NULL, NULL}}},
  {.name = "levels", .kind = PW_PARAMETER_LEVELS, .initial = "", .argument = "N",
   .help = "page tables of N levels with 8-byte entries: 1..5\n(with --table: both sets)"},
  {.name = "va-bits", .kind = PW_PARAMETER_VA_BITS, .initial = "", .argument = "BITS",
   .help = "address bits for --levels (default 48; 57 for 5 levels)"},
  {.name = "machine", .kind = PW_PARAMETER_MACHINE, .initial = "", .argument = "NAME",
   .help = "the TLBs of a real processor (pagewalk list machines);\n--itlb, --dtlb and --stlb override it"},
  {TLB("itlb", itlb, "ITLB", PW_PART_ITLB, "64", "8", "code TLB, ENTRIES[:WAYS[:POLICY]] or none\n(default 64:8)")},
  {TLB("dtlb", dtlb, "DTLB", PW_PART_DTLB, "64", "4", "data TLB, likewise (default 64:4)")},
  {TLB("stlb", stlb, "STLB", PW_PART_STLB, "1536", "12", "second-level TLB, likewise (default 1536:12)")},
  {.name = "memory", .kind = PW_PARAMETER_MEMORY, IN(memory_bytes), .initial = "unlimited", .argument = "SIZE",
   .help = "memory for pages: 64M, or unlimited (default)", .title = "memory", .part = PW_PART_MEMORY,
   .columns = {{"memory_bytes", "memory", "unlimited", NULL}}},
  {.name = "memory-policy", .kind = PW_PARAMETER_CHOICE, IN(memory_policy), .initial = "lru", .argument = "NAME",
   .help = "page replacement: lru (default), fifo, clock, random, opt", .part = PW_PART_MEMORY, .applies = limits_memory,
   .list = PW_LIST_MEMORY_POLICIES, .columns = {{"memory_policy", "memory replacement", "lru", ""}}},
};

enum { N_PARAMETERS = sizeof parameters / sizeof *parameters };
_Static_assert(N_PARAMETERS <= PW_PARAMETERS_MOST, "PW_PARAMETERS_MOST is too small");

const struct pw_parameter *pw_parameter_entry(size_t index)
{
  return index < N_PARAMETERS ? &parameters[index] : NULL;
}

size_t pw_parameter_find(const char *name)
{
  size_t i = 0;
  while (i < N_PARAMETERS && strcmp(parameters[i].name, name) != 0) i++;
  return i < N_PARAMETERS ? i : PW_PARAMETERS_MOST;
}

uint64_t pw_config_number(const struct pw_config *config, const struct pw_parameter *p)
{
  const void *at = (const char *)config + p->offset;
  switch (p->kind) {
  case PW_PARAMETER_PAGE: return *(const unsigned *)at;
  case PW_PARAMETER_CHOICE: return (uint64_t)*(const int *)at;
  case PW_PARAMETER_MEMORY:
  case PW_PARAMETER_SIZE:
  case PW_PARAMETER_COUNT: return *(const uint64_t *)at;
  default: return 0;
  }
}

void pw_config_set_number(struct pw_config *config, const struct pw_parameter *p, uint64_t number)
{
  void *at = (char *)config + p->offset;
  if (p->kind == PW_PARAMETER_PAGE) *(unsigned *)at = (unsigned)number;
  else if (p->kind == PW_PARAMETER_CHOICE) *(int *)at = (int)number;
  else if (p->kind >= PW_PARAMETER_MEMORY) *(uint64_t *)at = number;
}

const struct pw_tlb_config *pw_config_tlb(const struct pw_config *config, const struct pw_parameter *p)
{
  return p->kind == PW_PARAMETER_TLB ? (const void *)((const char *)config + p->offset) : NULL;
}
