/* From the machine options to configurations: every combination of their lists.
 *
 * The configurations of a plan borrow the geometries of the combination, so a
 * combination lives as long as the plan. */
#ifndef CMD_COMBINE_H
#define CMD_COMBINE_H

#include "settings.h"
#include "spec.h"

#define MOST_CONFIGURATIONS 1000000u

/* The machine options of one sweep (or sub-sweep), understood. */
struct combination {
  struct numbers numbers[PW_PARAMETERS_MOST]; /* of pages log2, of choices indices */
  struct tlb_specs tlbs[PW_PARAMETERS_MOST];  /* empty: from the machine */
  size_t n_geometries, room_geometries;
  struct pw_geometry *geometries;
  struct words machines;
};

/* Understands the machine settings; PW_EINVAL with the option named. */
int combination_parse(struct combination *combination, const struct settings *settings, struct pw_error *err);
/* How many combinations the lists give, before impossible and equal ones are left out. */
uint64_t combination_count(const struct combination *combination);
/* The first option with more than one value, without its dashes, or NULL. */
const char *combination_list(const struct combination *combination, uint64_t *n);
/* Says it when a memory policy was asked for and no combination limits the memory. */
void combinations_note_policy(const struct combination *combinations, size_t n);
/* Adds all combinations to the plan, in the order of the CSV rows. */
int combination_plan(const struct combination *combination, struct pw_plan *plan, struct pw_error *err);
void combination_clear(struct combination *combination);

#endif
