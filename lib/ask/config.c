/* Configurations: the default, and what is wrong with one. */
#include <inttypes.h>

#include "mmu/geometry.h"
#include "mmu/tlb.h"
#include "pagewalk.h"

void pw_config_default(struct pw_config *config)
{
  *config = (struct pw_config){.page_shift = 12, .geometry = pw_geometry_default(), .itlb = {64, 8, 0}, .dtlb = {64, 4, 0},
                               .stlb = {1536, 12, 0}, .memory_bytes = PW_UNLIMITED};
}

/* Bytes as an option would be written: 16K, 2M, or the plain number. */
static const char *size_word(char *text, size_t n_text, uint64_t bytes)
{
  static const char units[] = " KMGT";
  unsigned unit = 0;
  for (; unit < 4 && bytes && bytes % 1024 == 0; unit++) bytes /= 1024;
  snprintf(text, n_text, "%" PRIu64 "%.*s", bytes, unit ? 1 : 0, &units[unit]);
  return text;
}

int pw_config_check(const struct pw_config *c, struct pw_error *err)
{
  char page[32], memory[32], least[32];
  if (c->page_shift < PW_BASE_SHIFT || c->page_shift > 40)
    return pw_error_set(err, PW_EINVAL, "pages of 2^%u bytes; traces are kept by pages of 4 KiB, so take 4K to 1T", c->page_shift);
  if (pw_geometry_walk_levels(c->geometry, c->page_shift) == 0)
    return pw_error_set(err, PW_EINVAL, "the table %s has no pages of %s; see pagewalk list tables", c->geometry->name,
                        size_word(page, sizeof page, UINT64_C(1) << c->page_shift));
  int status = pw_tlb_config_check(&c->itlb, "ITLB", err);
  if (!status) status = pw_tlb_config_check(&c->dtlb, "DTLB", err);
  if (!status) status = pw_tlb_config_check(&c->stlb, "STLB", err);
  if (status || c->memory_bytes == PW_UNLIMITED) return status;
  if (c->memory_bytes >> c->page_shift < 2)
    return pw_error_set(err, PW_EINVAL, "a memory of %s holds under two pages of %s; take at least %s",
                        size_word(memory, sizeof memory, c->memory_bytes), size_word(page, sizeof page, UINT64_C(1) << c->page_shift),
                        size_word(least, sizeof least, UINT64_C(2) << c->page_shift));
  return 0;
}
