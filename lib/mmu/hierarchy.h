/* A front: TLB hierarchies that are fed by the same touches.
 *
 * Hierarchies share their first levels: each different ITLB and DTLB runs once and
 * leaves a list of misses, each different (ITLB, DTLB, STLB) merges two such lists
 * and looks them up in its STLB. Levels neither include nor exclude one another, so
 * running them list by list gives what running them access by access gives. */
#ifndef PW_HIERARCHY_H
#define PW_HIERARCHY_H

#include "mmu/tlb.h"

/* Visits a chunk, and what a chunk can hold: four touches a visit, a victim each, and
 * two touches more for a visit that alternated longer. */
#define PW_CHUNK_VISITS 1024u
#define PW_CHUNK_TOUCHES (4 * PW_CHUNK_VISITS)
#define PW_CHUNK_LOOKUPS (2 * PW_CHUNK_TOUCHES + 2 * PW_CHUNK_VISITS)

struct pw_hierarchy {
  struct pw_tlb_config itlb, dtlb, stlb;
};

/* A visit that alternated beyond its pattern. The lists of those who ask for it then
 * hold one touch more of each page, and `touches` are those beyond these. */
struct pw_alternation {
  uint64_t key[2];   /* of the data page and the code page */
  uint32_t after;    /* number of the visit's last replayed touch in the chunk */
  uint32_t touches;
};

struct pw_hierarchies_input {
  struct pw_lookups code, data;     /* in order; both hold the invalidations */
  const struct pw_alternation *alternations;
  size_t n_alternations;
};

struct pw_hierarchies;

int pw_hierarchies_create(struct pw_hierarchies **front, uint64_t seed, struct pw_error *err);
void pw_hierarchies_destroy(struct pw_hierarchies *front);
/* Does this hierarchy need the alternations of visits? Behind exactly one first level a
 * second level sees one stream whole and of the other only misses, so that its order
 * settles one touch of each page later than memory does. In a 1-way second level,
 * besides, the two pages can push each other out. */
bool pw_hierarchy_alternates(const struct pw_hierarchy *hierarchy);
/* The number of this hierarchy in the front; equal ones share it. Negative on failure. */
int64_t pw_hierarchies_add(struct pw_hierarchies *front, const struct pw_hierarchy *hierarchy, struct pw_error *err);

/* Must the input hold every touch of the patterns (else the openers do)? */
bool pw_hierarchies_needs_all(const struct pw_hierarchies *front);
bool pw_hierarchies_is_idle(const struct pw_hierarchies *front); /* no TLB at all */

/* Hierarchy `to` of one front gets the entries and counts that `from` of another has; the two are equal. */
void pw_hierarchies_copy(struct pw_hierarchies *front, size_t to, const struct pw_hierarchies *other, size_t from);
uint64_t pw_hierarchies_bytes(const struct pw_hierarchies *front); /* about what it takes */

void pw_hierarchies_feed(struct pw_hierarchies *front, const struct pw_hierarchies_input *input);
/* What the last feed missed, of a front with one hierarchy: in its ITLB, DTLB and STLB, invalidations among
 * it. A level that is absent leaves nothing. */
void pw_hierarchies_missed(const struct pw_hierarchies *front, struct pw_lookups *itlb, struct pw_lookups *dtlb, struct pw_lookups *stlb);
/* Misses that an alternation was counted with beyond those: half for each of its pages. */
uint64_t pw_hierarchies_alternated(const struct pw_hierarchies *front, const struct pw_alternation *alternation);
void pw_hierarchies_drop_range(struct pw_hierarchies *front, uint64_t first_key, uint64_t last_key);
void pw_hierarchies_flush(struct pw_hierarchies *front);
void pw_hierarchies_reset_counts(struct pw_hierarchies *front);
/* Fills the TLB fields of a result (not walk_refs) from its `counted` accesses. */
void pw_hierarchies_result(const struct pw_hierarchies *front, size_t number, struct pw_result *result);
/* The same from the misses of each TLB that is there. */
void pw_hierarchy_result(const struct pw_hierarchy *hierarchy, uint64_t itlb_misses, uint64_t dtlb_misses,
                         uint64_t stlb_misses, struct pw_result *result);

#endif
