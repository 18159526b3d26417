/* One machine, simulated directly, with every count charged to an owner as it moves.
 *
 * It is a part like the models (engine/model.h) and uses theirs: a front of TLBs, a memory, the
 * account's log of changes. What it adds is whose doing it was. An owner is looked up when something
 * misses or faults, and once a page and block for the accesses.
 *
 * Who is charged (docs/models.md):
 *  - a miss, a walk, a fault: the owner at the touch that caused it. By function that is the function
 *    of the access that opened the visit, else what the touched page's last opener addressed;
 *  - an access: the region or object of its page. By symbol or function nobody, since a visit may span several;
 *  - a page in use, given back or written back: the owner that faulted it in last;
 *  - a page table: the owner of the page that made it; roots have an owner of their own.
 *
 * Invariant: the owners' counts add up to what pw_run counts for the same machine. */
#ifndef PW_CHARGES_H
#define PW_CHARGES_H

#include "witness/heat.h"
#include "witness/owners.h"
#include "space/spaces.h"
#include "engine/model.h"
#include "pagewalk.h"

struct pw_charges; /* a struct pw_model comes first in it */

/* `trace` is its name, for errors. */
int pw_charges_create(struct pw_charges **charges, const char *trace, const struct pw_config *config, enum pw_by by,
                      enum pw_heat_of heat, const struct pw_run_options *options, struct pw_error *err);

/* First pass, where the memory's policy looks ahead: note blocks, then turn. */
bool pw_charges_look_ahead(const struct pw_charges *charges);
int pw_charges_note(struct pw_charges *charges, const struct pw_paged *block, struct pw_error *err);
int pw_charges_turn(struct pw_charges *charges, struct pw_error *err);

const struct pw_owners *pw_charges_owners(const struct pw_charges *charges);
const struct pw_spaces *pw_charges_spaces(const struct pw_charges *charges);
const struct pw_heat *pw_charges_heat(const struct pw_charges *charges); /* or NULL */

#endif
