/* Symbols of one kind in one address space: which of them an address belongs to.
 *
 * Of several that cover an address the innermost has it: the one that starts last, then the shorter,
 * then the one named first. A treap with counted references, as base/ranges, but its intervals overlap:
 * they stand in order, outer before inner, and each node knows how far its subtree reaches. So the
 * innermost at an address is the last in order that begins before it and reaches it.
 *
 * Cost: 56 bytes a symbol, once for all who share it; adding, removing and looking up visit
 * O(log n) nodes (and those removed), expected over priorities that a trace cannot know. */
#ifndef PW_SYMBOLS_H
#define PW_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_space_symbol {
  uint64_t first, last;  /* addresses, both included */
  uint32_t name, object; /* texts */
};

struct pw_symbols { /* zeroed = empty */
  struct pw_symbol_node *root;
  uint64_t steps;  /* nodes that changes visited or copied so far */
  uint64_t random; /* where the nodes' priorities come from; 0 = start from the addresses of this process */
};

/* 0, or -1 when memory runs out (nothing changed). One of the same first and last byte, named before, stays. */
int pw_symbols_add(struct pw_symbols *symbols, const struct pw_space_symbol *symbol);
/* Those whose first byte lies in first … last go: 0, or -1 when memory runs out (nothing changed). */
int pw_symbols_remove(struct pw_symbols *symbols, uint64_t first, uint64_t last);
/* `to` loses what it had and has what `from` has; neither sees the other's later changes. O(1). */
void pw_symbols_share(struct pw_symbols *to, const struct pw_symbols *from);
void pw_symbols_clear(struct pw_symbols *symbols); /* empties; frees what nobody else has */
/* The symbol at an address, or NULL; valid until the next change. */
const struct pw_space_symbol *pw_symbols_at(const struct pw_symbols *symbols, uint64_t address);

#endif
