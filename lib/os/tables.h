/* Which page tables exist, for many geometries at once at one page size.
 *
 * A table that covers 2^s bytes exists while a page under it is present: that does not depend on the geometry, so that
 * one number of spans in use, for each s and process, serves every geometry that has a level with that span. A table
 * that nothing is under any more may stay, for what is mapped: these *empty* ones are kept by prefix. The root exists
 * with its process.
 *
 * Cost: nothing for a page beside another under the same lowest table; otherwise a look at the present pages for each
 * table that it makes or unmakes. A fork costs O(spans). */
#ifndef PW_TABLES_H
#define PW_TABLES_H

#include "base/block.h"
#include "os/present.h"
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
/* Room for what is known of so many processes, before anything is said of them: 0, or -1 when memory runs out. */
int pw_tables_reserve(struct pw_tables *tables, size_t n_processes);
/* A process appears (its root) or is gone. */
void pw_tables_add_process(struct pw_tables *tables);
void pw_tables_remove_process(struct pw_tables *tables);
/* Of the 64 pages around this one, those under the same lowest table. */
uint64_t pw_tables_lowest(const struct pw_tables *tables, uint64_t page);
/* A page of a process becomes present, and is not yet there. */
void pw_tables_add_page(struct pw_tables *tables, const struct pw_present *present, uint32_t process, uint64_t page);
/* Pages of a leaf are gone: 0, or -1 when memory runs out. With `keep`, tables stay until pw_tables_forget. */
int pw_tables_remove(struct pw_tables *tables, const struct pw_present *present, uint32_t process,
                     const struct pw_present_part *gone, bool keep);
/* Frees the empty tables over base pages first … last of a process whose span nothing maps. */
void pw_tables_forget(struct pw_tables *tables, uint32_t process, uint64_t first_page, uint64_t last_page,
                      pw_mapped_fn *mapped, void *context);
/* The child, which has none, has those that its parent's pages need. Nobody is told. */
void pw_tables_fork(struct pw_tables *tables, uint32_t parent, uint32_t child);
/* All but the root are gone. Nobody is told. */
void pw_tables_clear(struct pw_tables *tables, uint32_t process);
uint64_t pw_tables_peak_bytes(const struct pw_tables *tables, size_t geometry);

#endif
