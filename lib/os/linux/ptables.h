/* Page tables as Linux keeps them on x86-64: four levels of 512 entries, a byte for each page.
 *
 * Invariant: a table is there from the first page made under it until it is pruned or dropped;
 * n[0], n[1], n[2] count the tables of pages (PTE), of those (PMD) and of those (PUD). The root
 * (PGD) is not counted, as the kernel does not. Pages are numbers of 4 KiB pages below 2^36. */
#ifndef PW_PTABLES_H
#define PW_PTABLES_H

#include <stddef.h>
#include <stdint.h>

enum { PW_PTABLE_ENTRIES = 512, PW_PTABLE_LEVELS = 3 };

struct pw_ptable; /* of any level but the last */

struct pw_ptables {
  struct pw_ptable *root;
  uint64_t n[PW_PTABLE_LEVELS];
};

int pw_ptables_init(struct pw_ptables *tables); /* -1 when memory runs out */
void pw_ptables_clear(struct pw_ptables *tables);

/* The 512 bytes around a page, or NULL. */
uint8_t *pw_ptables_find(const struct pw_ptables *tables, uint64_t page);
/* The same, made if need be; NULL when memory runs out. */
uint8_t *pw_ptables_make(struct pw_ptables *tables, uint64_t page);
/* The first table at or behind *page, which is moved there; NULL when there is none before `end`. */
uint8_t *pw_ptables_next(const struct pw_ptables *tables, uint64_t *page, uint64_t end);
/* Frees the tables under [start, end) that lie wholly within [floor, ceiling). */
void pw_ptables_prune(struct pw_ptables *tables, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling);

#endif
