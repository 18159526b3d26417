/* A configuration, by its parameters (base/parameters.c): its initial values, and whether it is possible. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parameters.h"
#include "mmu/geometry.h"
#include "mmu/tlb.h"

/* The initial value is in the table as the cells of a row. */
static void set_initial(struct pw_config *config, const struct pw_parameter *p)
{
  const char *usual = p->columns[0].usual;
  uint64_t number = usual ? strtoull(usual, NULL, 10) : 0;
  struct pw_list_entry entry;
  if (p->kind == PW_PARAMETER_TABLE) config->geometry = pw_geometry_default();
  if (p->kind == PW_PARAMETER_TLB)
    *(struct pw_tlb_config *)(void *)((char *)config + p->offset) =
        (struct pw_tlb_config){(uint32_t)number, (uint32_t)strtoul(p->columns[1].usual, NULL, 10), 0};
  if (p->kind == PW_PARAMETER_PAGE) number = (uint64_t)__builtin_ctzll(number);
  if (p->kind == PW_PARAMETER_MEMORY && strcmp(usual, "unlimited") == 0) number = PW_UNLIMITED;
  while (p->kind == PW_PARAMETER_CHOICE && pw_list_entry(p->list, number, &entry) && strcmp(entry.name, usual) != 0) number++;
  pw_config_set_number(config, p, number);
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
    return pw_error_set(err, PW_EINVAL, "pages of 2^%u bytes; traces are kept by pages of 4 KiB, so take 4K to 1T",
                        c->page_shift);
  if (!c->geometry)
    return pw_error_set(err, PW_EINVAL, "the configuration has no page table; point its geometry to one, such as "
                        "pw_geometry_parse gives");
  if (c->geometry->n_levels > PW_MAX_LEVELS || c->geometry->n_page_shifts > 4)
    return pw_error_set(err, PW_EINVAL, "the configuration's page table has %u levels and %u page sizes; at most %d and 4 are "
                        "possible", c->geometry->n_levels, c->geometry->n_page_shifts, PW_MAX_LEVELS);
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
                      size_word(memory, sizeof memory, c->memory_bytes),
                      size_word(page, sizeof page, UINT64_C(1) << c->page_shift),
                      size_word(least, sizeof least, UINT64_C(2) << c->page_shift));
}

static int check_number(const struct pw_parameter *p, uint64_t number, struct pw_error *err)
{
  struct pw_list_entry entry;
  bool choice = p->kind == PW_PARAMETER_CHOICE;
  if (choice ? pw_list_entry(p->list, number, &entry) : number >= p->least && number <= p->most) return 0;
  if (choice)
    return pw_error_set(err, PW_EINVAL, "%s has no choice number %d; take the index of a name that pagewalk list shows", p->name,
                        (int)number);
  return pw_error_set(err, PW_EINVAL, "the %s is %" PRIu64 "; take %" PRIu64 " to %" PRIu64, p->name, number, p->least, p->most);
}

int pw_config_check(const struct pw_config *c, struct pw_error *err)
{
  const struct pw_parameter *p;
  int status = check_page(c, err);
  for (size_t i = 0; !status && (p = pw_parameter_entry(i)); i++) {
    if (!pw_parameter_applies(p, c)) continue;
    if (p->kind == PW_PARAMETER_TLB) status = pw_tlb_config_check(pw_config_tlb(c, p), p->title, err);
    if (p->kind == PW_PARAMETER_MEMORY) status = check_memory(c, err);
    if (p->kind >= PW_PARAMETER_SIZE) status = check_number(p, pw_config_number(c, p), err);
  }
  return status;
}
