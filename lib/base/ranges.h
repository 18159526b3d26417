/* A map from disjoint ranges of numbers (pages, addresses) to values, copied on write.
 *
 * A treap with counted references: two maps share what neither has changed since
 * pw_ranges_share. A range costs 48 bytes, once for all who share it. Put, cut, join
 * and the lookups visit O(log n) nodes (+ k for k ranges that give way and nobody shares), for ranges in
 * an order made against the map O(log² n), both expected over priorities that no trace knows; nothing
 * recurses. Maps that share nodes belong to one thread: the references are plain integers.
 * Everywhere first <= last, both included; UINT64_MAX is a place like any other. */
#ifndef PW_RANGES_H
#define PW_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_range {
  uint64_t first, last, value;
};

struct pw_ranges { /* zeroed = empty */
  struct pw_ranges_node *root;
  uint64_t steps;  /* nodes that changes visited or copied so far; lookups are not counted */
  uint64_t made;   /* ranges made so far; with `random`, where the nodes' priorities come from */
  uint64_t random; /* 0 = start from the addresses of this process; tests that count steps set another number */
};

/* The range has the value; what lay there gives way, and neighbours that are cut keep
 * theirs. 0, or -1 when memory runs out (nothing changed). The same for cut and join. */
int pw_ranges_put(struct pw_ranges *r, uint64_t first, uint64_t last, uint64_t value);
/* Nothing is there afterwards. */
int pw_ranges_cut(struct pw_ranges *r, uint64_t first, uint64_t last);
/* Puts, and makes one range with those of the same value that it touches or overlaps. */
int pw_ranges_join(struct pw_ranges *r, uint64_t first, uint64_t last, uint64_t value);

/* `to` loses what it had and has what `from` has; neither sees the other's later changes. O(1), cannot fail. */
void pw_ranges_share(struct pw_ranges *to, const struct pw_ranges *from);
/* Empties the map and frees what nobody else has; `steps`, `made` and `random` stay. */
void pw_ranges_clear(struct pw_ranges *r);

/* The range that the place lies in. */
bool pw_ranges_at(const struct pw_ranges *r, uint64_t place, struct pw_range *found);
/* The first range that ends at or after `from`. */
bool pw_ranges_next(const struct pw_ranges *r, uint64_t from, struct pw_range *found);
/* The last range that begins at or before `place`. */
bool pw_ranges_before(const struct pw_ranges *r, uint64_t place, struct pw_range *found);

#endif
