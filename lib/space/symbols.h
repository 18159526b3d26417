/* Symbols of one kind in one address space: which of them an address belongs to.
 *
 * Of several that cover an address the innermost has it: the one that starts last, then the shorter,
 * then the one named first. Lookups go to an array of stretches that do not overlap, which is made
 * anew when it is asked after a change: symbols come with a mapping and go with it, seldom one by one.
 * Tables are shared by the processes of a fork until one changes (references are counted). */
#ifndef PW_SYMBOLS_H
#define PW_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_space_symbol {
  uint64_t first, last;  /* addresses, both included; not the last of all */
  uint32_t name, object; /* texts */
  uint32_t order;
};

struct pw_symbol_stretch {
  uint64_t first, last;
  uint32_t name, object;
};

struct pw_symbols {
  unsigned references;
  struct pw_space_symbol *items;      /* by first address, then the longer, then the later */
  size_t n, room;
  struct pw_symbol_stretch *stretches; /* in rising order, not overlapping */
  size_t n_stretches, stretches_room;
  bool sorted, flat;
  uint32_t next_order;
};

/* A table that is this space's own: makes one, or a copy of one that others have too. NULL: memory ran out. */
struct pw_symbols *pw_symbols_own(struct pw_symbols **symbols);
void pw_symbols_release(struct pw_symbols *symbols);

int pw_symbols_add(struct pw_symbols **symbols, const struct pw_space_symbol *symbol);
/* Those whose first byte lies in first … last go. */
int pw_symbols_remove(struct pw_symbols **symbols, uint64_t first, uint64_t last);
/* *found is NULL where no symbol is. -1 when memory ran out. */
int pw_symbols_find(struct pw_symbols *symbols, uint64_t address, const struct pw_symbol_stretch **found);

#endif
