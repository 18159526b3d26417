/* Which page tables exist, for many geometries at once at one page size.
 *
 * A table that covers 2^s bytes exists while something under it is touched (until
 * no mapping intersects its span, where mappings are known). That does not depend
 * on the geometry, so one set of prefixes a span serves every geometry that has a
 * level with that span. The root exists with its process.
 *
 * Cost: one map lookup for a page under an existing lowest table; nothing for a
 * page that was touched before. */
#ifndef PW_TABLES_H
#define PW_TABLES_H

#include "base/block.h"
#include "base/pagemap.h"
#include "pagewalk.h"

struct pw_tables;

/* Is anything of the base pages first … last of a process mapped? */
typedef bool pw_mapped_fn(void *context, uint32_t process, uint64_t first_page, uint64_t last_page);

/* A table of the first geometry exists from now on, or no longer. span_bits is 64 for a root. */
typedef void pw_tables_fn(void *context, unsigned span_bits, uint64_t prefix_key, uint64_t bytes, bool exists);

int pw_tables_create(struct pw_tables **tables, unsigned page_shift, struct pw_error *err);
void pw_tables_destroy(struct pw_tables *tables);
/* The number of this geometry; negative on failure. Before the first page. */
int64_t pw_tables_add_geometry(struct pw_tables *tables, const struct pw_geometry *geometry, struct pw_error *err);
/* Tells of each table of the first geometry. */
void pw_tables_watch(struct pw_tables *tables, pw_tables_fn *tell, void *context);
int pw_tables_reserve(struct pw_tables *tables, size_t more_pages);
/* A process appears (its root) or is gone. */
void pw_tables_add_process(struct pw_tables *tables);
void pw_tables_remove_process(struct pw_tables *tables);
/* A page, by its key at the page size, is touched for the first time, or leaves.
 * With `keep`, tables stay until pw_tables_forget. */
void pw_tables_add_page(struct pw_tables *tables, uint64_t key);
void pw_tables_remove_page(struct pw_tables *tables, uint64_t key, bool keep);
/* Frees the tables over base pages first … last of a process whose span nothing maps
 * and under which no page is in use. */
void pw_tables_forget(struct pw_tables *tables, uint32_t process, uint64_t first_page, uint64_t last_page,
                      pw_mapped_fn *mapped, void *context);
uint64_t pw_tables_bytes(const struct pw_tables *tables, size_t geometry); /* now */
uint64_t pw_tables_peak_bytes(const struct pw_tables *tables, size_t geometry);

#endif
