/* Page-table geometries: presets, explicit widths, `--levels N`.
 *
 * A geometry is a list of index widths from the root and a page offset. A larger
 * page ends the walk early: levels that index only bits inside the page vanish,
 * one that straddles its size is trimmed. Adding a preset is one row below. */
#include "mmu/geometry.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

#define MAX_WIDTH 45 /* bits that one level may index */

/* The tables of one level, of all processes together, are to take at most 2^MAX_TOTAL
 * bytes, so that no sum overflows: there are at most 2^12 processes and 2^32 pages. */
#define MAX_TOTAL 60

static const struct {
  const char *summary;
  struct pw_geometry geometry;
} presets[] = {
    {"4 levels, 48 bits: 4K 2M 1G pages", {"x86-64", 4, {9, 9, 9, 9}, 12, 8, true, 3, {12, 21, 30}}},
    {"5 levels, 57 bits: 4K 2M 1G pages", {"x86-64-la57", 5, {9, 9, 9, 9, 9}, 12, 8, true, 3, {12, 21, 30}}},
    {"2 levels, 32 bits: 4K 4M pages", {"x86-32", 2, {10, 10}, 12, 4, false, 2, {12, 22}}},
    {"3 levels, 32 bits, 8-byte entries: 4K 2M pages", {"x86-pae", 3, {2, 9, 9}, 12, 8, false, 2, {12, 21}}},
    {"Linux's two-level view of the short descriptors: 4K 1M pages", {"arm-short", 2, {12, 8}, 12, 4, false, 2, {12, 20}}},
    {"4 levels, 48 bits: 4K 2M 1G pages", {"arm64-4k", 4, {9, 9, 9, 9}, 12, 8, true, 3, {12, 21, 30}}},
    {"4 levels, 48 bits: 16K 32M pages", {"arm64-16k", 4, {1, 11, 11, 11}, 14, 8, true, 2, {14, 25}}},
    {"3 levels, 48 bits: 64K 512M pages", {"arm64-64k", 3, {6, 13, 13}, 16, 8, true, 2, {16, 29}}},
    {"RISC-V, 2 levels, 32 bits: 4K 4M pages", {"sv32", 2, {10, 10}, 12, 4, false, 2, {12, 22}}},
    {"RISC-V, 3 levels, 39 bits: 4K 2M 1G pages", {"sv39", 3, {9, 9, 9}, 12, 8, true, 3, {12, 21, 30}}},
    {"RISC-V, 4 levels, 48 bits: 4K 2M 1G pages", {"sv48", 4, {9, 9, 9, 9}, 12, 8, true, 3, {12, 21, 30}}},
    {"RISC-V, 5 levels, 57 bits: 4K 2M 1G pages", {"sv57", 5, {9, 9, 9, 9, 9}, 12, 8, true, 3, {12, 21, 30}}},
};

#define N_PRESETS (sizeof presets / sizeof *presets)

bool pw_geometry_entry(size_t index, struct pw_list_entry *entry)
{
  if (index >= N_PRESETS) return false;
  *entry = (struct pw_list_entry){presets[index].geometry.name, presets[index].summary};
  return true;
}

const struct pw_geometry *pw_geometry_default(void)
{
  return &presets[0].geometry;
}

unsigned pw_geometry_va_bits(const struct pw_geometry *geometry)
{
  unsigned bits = geometry->offset_bits;
  for (unsigned i = 0; i < geometry->n_levels; i++) bits += geometry->width_bits[i];
  return bits;
}

static int check_widths(const struct pw_geometry *g, struct pw_error *err)
{
  if (pw_geometry_va_bits(g) > 64)
    return pw_error_set(err, PW_EINVAL, "the table %s covers %u address bits; at most 64 are possible", g->name,
                        pw_geometry_va_bits(g));
  for (unsigned i = 0; i < g->n_levels; i++)
    if (g->width_bits[i] < 1 || g->width_bits[i] > MAX_WIDTH)
      return pw_error_set(err, PW_EINVAL, "a level of the table %s indexes %u bits; take 1 to %d", g->name, g->width_bits[i],
                          MAX_WIDTH);
  for (unsigned i = 0, above = 12; i < g->n_levels; above += g->width_bits[i++]) {
    unsigned tables = above < 32 ? above : 32, entry = (unsigned)__builtin_ctz(g->entry_bytes);
    if (tables + g->width_bits[i] + entry > MAX_TOTAL)
      return pw_error_set(err, PW_EINVAL, "the level of %u bits in the table %s could take over 2^%d bytes; split it into two",
                          g->width_bits[i], g->name, MAX_TOTAL);
  }
  return 0;
}

/* A whole number up to 99 at *text; moves past it. */
static bool number(const char **text, unsigned *value)
{
  if (!isdigit((unsigned char)**text)) return false;
  *value = 0;
  for (; isdigit((unsigned char)**text); (*text)++) {
    *value = *value * 10 + (unsigned)(**text - '0');
    if (*value > 99) return false;
  }
  return true;
}

/* "9,9,9,9+12:8": widths from the root, page offset, bytes an entry. */
static bool parse_widths(struct pw_geometry *g, const char *text)
{
  do {
    if (g->n_levels == PW_MAX_LEVELS || !number(&text, &g->width_bits[g->n_levels++])) return false;
  } while (*text == ',' && text++);
  if (*text++ != '+' || !number(&text, &g->offset_bits)) return false;
  if (*text++ != ':' || !number(&text, &g->entry_bytes)) return false;
  return *text == '\0';
}

int pw_geometry_parse(struct pw_geometry *g, const char *text, struct pw_error *err)
{
  for (size_t i = 0; i < N_PRESETS; i++)
    if (strcmp(text, presets[i].geometry.name) == 0) {
      *g = presets[i].geometry;
      return 0;
    }
  memset(g, 0, sizeof *g);
  if (!isdigit((unsigned char)*text) || strlen(text) >= sizeof g->name || !parse_widths(g, text)) {
    const char *near = pw_nearest_entry(pw_geometry_entry, text);
    return pw_error_set(err, PW_EINVAL, "%s is no page table%s%s; take a name of pagewalk list tables, or widths such as "
                                        "9,9,9,9+12:8 (at most %d levels)",
                        text, near ? "; did you mean " : "", near ? near : "", PW_MAX_LEVELS);
  }
  memcpy(g->name, text, strlen(text) + 1);
  if (g->entry_bytes < 1 || g->entry_bytes > 64 || (g->entry_bytes & (g->entry_bytes - 1)))
    return pw_error_set(err, PW_EINVAL, "an entry of %u bytes in the table %s; take 1, 2, 4, 8, 16, 32 or 64", g->entry_bytes,
                        text);
  if (g->offset_bits < 1 || g->offset_bits > 52)
    return pw_error_set(err, PW_EINVAL, "a page offset of %u bits in the table %s; take 1 to 52", g->offset_bits, text);
  g->sign_extended = true; /* as every 64-bit table; under 64 bits both halves fit */
  if (pw_geometry_va_bits(g) <= 32) g->sign_extended = false;
  return check_widths(g, err);
}

int pw_geometry_levels(struct pw_geometry *g, unsigned n_levels, unsigned va_bits, struct pw_error *err)
{
  memset(g, 0, sizeof *g);
  if (n_levels < 1 || n_levels > 5)
    return pw_error_set(err, PW_EINVAL, "%u levels; take 1 to 5, or spell out the widths with --table", n_levels);
  if (va_bits == 0) va_bits = n_levels == 5 ? 57 : 48;
  unsigned below = 12 + 9 * (n_levels - 1);
  unsigned most = below + MAX_WIDTH < 64 ? below + MAX_WIDTH : 64;
  if (va_bits > most || va_bits < below + 1)
    return pw_error_set(err, PW_EINVAL, "%u levels cannot cover %u address bits; take %u to %u", n_levels, va_bits, below + 1,
                        most);
  snprintf(g->name, sizeof g->name, "%u-level", n_levels);
  g->n_levels = n_levels;
  g->width_bits[0] = va_bits - below;
  for (unsigned i = 1; i < n_levels; i++) g->width_bits[i] = 9;
  g->offset_bits = 12;
  g->entry_bytes = 8;
  g->sign_extended = va_bits > 32;
  return check_widths(g, err);
}

unsigned pw_geometry_walk_levels(const struct pw_geometry *g, unsigned page_shift)
{
  bool offered = g->n_page_shifts == 0 && page_shift >= g->offset_bits;
  for (unsigned i = 0; i < g->n_page_shifts; i++) offered |= g->page_shift[i] == page_shift;
  if (!offered || page_shift >= pw_geometry_va_bits(g)) return 0;
  unsigned levels = 0, low = pw_geometry_va_bits(g);
  while (levels < g->n_levels && low > page_shift) low -= g->width_bits[levels++];
  return levels;
}

void pw_geometry_shape(const struct pw_geometry *g, unsigned page_shift, struct pw_shape *shape)
{
  unsigned high = pw_geometry_va_bits(g);
  shape->n_levels = pw_geometry_walk_levels(g, page_shift);
  for (unsigned i = 0; i < shape->n_levels; i++) {
    unsigned low = high - g->width_bits[i];
    if (low < page_shift) low = page_shift;
    shape->span_bits[i] = high;
    shape->table_bytes[i] = (UINT64_C(1) << (high - low)) * g->entry_bytes;
    high = low;
  }
}

bool pw_geometry_fits(const struct pw_geometry *g, uint64_t page)
{
  unsigned bits = pw_geometry_va_bits(g);
  if (bits >= 64) return true;
  uint64_t address = page << PW_BASE_SHIFT;
  if (!g->sign_extended) return address >> bits == 0;
  int64_t top = (int64_t)address >> (bits - 1);
  return top == 0 || top == -1;
}

unsigned pw_address_bits(uint64_t page, bool sign_extended)
{
  uint64_t address = page << PW_BASE_SHIFT;
  if (sign_extended && (address >> 63)) address = ~address;
  unsigned bits = address ? 64 - (unsigned)__builtin_clzll(address) : 1;
  return sign_extended && bits < 64 ? bits + 1 : bits;
}
