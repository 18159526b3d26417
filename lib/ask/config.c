/* A configuration, by its parameters (base/parameters.c): its initial values, and whether it is possible. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parameters.h"
#include "mmu/geometry.h"
#include "mmu/tlb.h"

/* The first entries of the lists are initial: index 0, as in the zeros that a configuration begins with. */
static void set_initial(struct pw_config *config, const struct pw_parameter *p)
{
  void *at = (char *)config + p->offset;
  const struct pw_parameter_column *columns = p->columns;
  uint64_t number = columns->usual && strcmp(columns->usual, "unlimited") == 0 ? PW_UNLIMITED : columns->usual ? strtoull(columns->usual, NULL, 10) : 0;
  switch (p->kind) {
  case PW_PARAMETER_PAGE: config->page_shift = (unsigned)__builtin_ctzll(number); break;
  case PW_PARAMETER_TABLE: config->geometry = pw_geometry_default(); break;
  case PW_PARAMETER_TLB:
    *(struct pw_tlb_config *)at = (struct pw_tlb_config){(uint32_t)number, (uint32_t)strtoul(columns[1].usual, NULL, 10), 0};
    break;
  case PW_PARAMETER_MEMORY:
  case PW_PARAMETER_SIZE:
  case PW_PARAMETER_COUNT: memcpy(at, &number, sizeof number); break;
  default: break;
  }
}

void pw_config_default(struct pw_config *config)
{
  const struct pw_parameter *p;
  memset(config, 0, sizeof *config);
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++) set_initial(config, p);
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

static int check_page(const struct pw_config *c, struct pw_error *err)
{
  char page[32];
  if (c->page_shift < PW_BASE_SHIFT || c->page_shift > 40)
    return pw_error_set(err, PW_EINVAL, "pages of 2^%u bytes; traces are kept by pages of 4 KiB, so take 4K to 1T", c->page_shift);
  if (!c->geometry)
    return pw_error_set(err, PW_EINVAL, "the configuration has no page table; point its geometry to one, such as pw_geometry_parse gives");
  if (c->geometry->n_levels > PW_MAX_LEVELS || c->geometry->n_page_shifts > 4)
    return pw_error_set(err, PW_EINVAL, "the configuration's page table has %u levels and %u page sizes; at most %d and 4 are possible",
                        c->geometry->n_levels, c->geometry->n_page_shifts, PW_MAX_LEVELS);
  if (pw_geometry_walk_levels(c->geometry, c->page_shift) == 0)
    return pw_error_set(err, PW_EINVAL, "the table %s has no pages of %s; see pagewalk list tables", c->geometry->name,
                        size_word(page, sizeof page, UINT64_C(1) << c->page_shift));
  return 0;
}

static int check_memory(const struct pw_config *c, struct pw_error *err)
{
  char page[32], memory[32], least[32];
  if (c->memory_bytes == PW_UNLIMITED || c->memory_bytes >> c->page_shift >= 2) return 0;
  return pw_error_set(err, PW_EINVAL, "a memory of %s holds under two pages of %s; take at least %s",
                      size_word(memory, sizeof memory, c->memory_bytes), size_word(page, sizeof page, UINT64_C(1) << c->page_shift),
                      size_word(least, sizeof least, UINT64_C(2) << c->page_shift));
}

static int check_number(const struct pw_parameter *p, const void *at, struct pw_error *err)
{
  uint64_t number;
  memcpy(&number, at, sizeof number);
  if (number >= p->least && number <= p->most) return 0;
  return pw_error_set(err, PW_EINVAL, "%s is %" PRIu64 "; take %" PRIu64 " to %" PRIu64, p->title ? p->title : p->name, number, p->least,
                      p->most);
}

static int check_choice(const struct pw_parameter *p, const void *at, struct pw_error *err)
{
  struct pw_list_entry entry;
  int index;
  memcpy(&index, at, sizeof index);
  if (index >= 0 && pw_list_entry(p->list, (size_t)index, &entry)) return 0;
  return pw_error_set(err, PW_EINVAL, "%s has no choice number %d; take the index of a name that pagewalk list shows", p->name, index);
}

int pw_config_check(const struct pw_config *c, struct pw_error *err)
{
  const struct pw_parameter *p;
  int status = check_page(c, err);
  for (size_t i = 0; !status && (p = pw_parameter_entry(i)); i++) {
    const void *at = (const char *)c + p->offset;
    if (!pw_parameter_applies(p, c)) continue;
    if (p->kind == PW_PARAMETER_TLB) status = pw_tlb_config_check(at, p->title, err);
    if (p->kind == PW_PARAMETER_CHOICE) status = check_choice(p, at, err);
    if (p->kind == PW_PARAMETER_MEMORY) status = check_memory(c, err);
    if (p->kind == PW_PARAMETER_SIZE || p->kind == PW_PARAMETER_COUNT) status = check_number(p, at, err);
  }
  return status;
}
