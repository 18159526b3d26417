/* Page-table geometries beyond the public interface. */
#ifndef PW_GEOMETRY_H
#define PW_GEOMETRY_H

#include "pagewalk.h"

/* What a geometry is at one page size: its tables by level, from the root. */
struct pw_shape {
  unsigned n_levels;
  unsigned span_bits[PW_MAX_LEVELS];    /* a table of this level covers 2^span_bits bytes */
  uint64_t table_bytes[PW_MAX_LEVELS];  /* size of one table */
};

bool pw_geometry_entry(size_t index, struct pw_list_entry *entry);
const struct pw_geometry *pw_geometry_default(void); /* x86-64, the first preset */
unsigned pw_geometry_va_bits(const struct pw_geometry *geometry);
/* The size must be on offer (pw_geometry_walk_levels > 0). */
void pw_geometry_shape(const struct pw_geometry *geometry, unsigned page_shift, struct pw_shape *shape);
/* Does the address of this 4 KiB page fit the table's address width? */
bool pw_geometry_fits(const struct pw_geometry *geometry, uint64_t page);
/* The first width in bits that fits the page's address. */
unsigned pw_address_bits(uint64_t page, bool sign_extended);

#endif
