/* Hierarchies: machines of TLBs that are fed by the same touches.
 *
 * A machine is a table of arrays (hierarchy.c): each serves streams at a level, and stands behind the
 * arrays of the level before that serve the same. Lookups go in, misses come out: an array eats
 * the lists of those before it, or the touches themselves where none is there. Levels neither
 * include nor exclude one another, so running them list by list gives what running them access
 * by access gives. Equal arrays behind equal arrays are one, whatever machines they belong to.
 *
 * Adding an array: a row in hierarchy.c, with its place in a configuration and a result. */
#ifndef PW_HIERARCHY_H
#define PW_HIERARCHY_H

#include "mmu/tlb.h"

/* Visits a chunk, and what a chunk can hold: four touches a visit, a victim each, and
 * two touches more for a visit that alternated longer. */
#define PW_CHUNK_VISITS 1024u
#define PW_CHUNK_TOUCHES (4 * PW_CHUNK_VISITS)
#define PW_CHUNK_LOOKUPS (2 * PW_CHUNK_TOUCHES + 2 * PW_CHUNK_VISITS)

/* The rows of the table. */
enum pw_array { PW_ARRAY_ITLB, PW_ARRAY_DTLB, PW_ARRAY_STLB, PW_ARRAYS };

/* A visit that alternated beyond its pattern. The lists of those who ask for it then
 * hold one touch more of each page, and `touches` are those beyond these. */
struct pw_alternation {
  uint64_t key[2];   /* of the data page and the code page */
  uint32_t after;    /* number of the visit's last replayed touch in the chunk */
  uint32_t touches;
};

struct pw_hierarchies_input {
  struct pw_lookups of[2];          /* data, code, in order; both hold the invalidations */
  const struct pw_alternation *alternations;
  size_t n_alternations;
};

struct pw_hierarchies;

int pw_hierarchies_create(struct pw_hierarchies **hierarchies, uint64_t seed, struct pw_error *err);
void pw_hierarchies_destroy(struct pw_hierarchies *hierarchies);
/* Does this machine need the alternations of visits? Behind exactly one first level a
 * second level sees one stream whole and of the other only misses, so that its order
 * settles one touch of each page later than memory does. In a 1-way second level,
 * besides, the two pages can push each other out. */
bool pw_hierarchy_alternates(const struct pw_config *config);
/* The number of this configuration's TLBs among the hierarchies; equal ones share it. Negative on failure. */
int64_t pw_hierarchies_add(struct pw_hierarchies *hierarchies, const struct pw_config *config, struct pw_error *err);

/* Must the input hold every touch of the patterns (else the openers do)? */
bool pw_hierarchies_needs_all(const struct pw_hierarchies *hierarchies);
bool pw_hierarchies_is_idle(const struct pw_hierarchies *hierarchies); /* no TLB at all */

/* Machine `to` gets the entries and counts that `from` of other hierarchies has; the two are equal. */
void pw_hierarchies_copy(struct pw_hierarchies *hierarchies, size_t to, const struct pw_hierarchies *other, size_t from);
uint64_t pw_hierarchies_bytes(const struct pw_hierarchies *hierarchies); /* about what it takes */

void pw_hierarchies_feed(struct pw_hierarchies *hierarchies, const struct pw_hierarchies_input *input);
/* What the last feed missed in this array, where there is one machine: NULL where it is absent. Invalidations are among it. */
const struct pw_lookups *pw_hierarchies_missed(const struct pw_hierarchies *hierarchies, enum pw_array array);
/* Misses that an alternation was counted with beyond those: half for each of its pages. */
uint64_t pw_hierarchies_alternated(const struct pw_hierarchies *hierarchies, const struct pw_alternation *alternation);
void pw_hierarchies_drop_range(struct pw_hierarchies *hierarchies, uint64_t first_key, uint64_t last_key);
void pw_hierarchies_flush(struct pw_hierarchies *hierarchies);
void pw_hierarchies_reset_counts(struct pw_hierarchies *hierarchies);
/* Fills the TLB fields of a result (not walk_refs) from its `counted` accesses. */
void pw_hierarchies_result(const struct pw_hierarchies *hierarchies, size_t number, struct pw_result *result);
/* What follows of the misses of each array, which the result has: second-level lookups and walks. */
void pw_hierarchy_result(const struct pw_config *config, struct pw_result *result);

#endif
