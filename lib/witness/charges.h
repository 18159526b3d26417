/* Attribution: a witness that charges every count of its machine to an owner as it moves.
 *
 * An owner is looked up when something misses or faults, and once a page and block for the accesses.
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

#include "engine/witness.h"
#include "witness/who.h"
#include "pagewalk.h"

struct pw_charges; /* a struct pw_witness comes first in it */

/* `trace` is its name, for errors. */
int pw_charges_create(struct pw_charges **charges, const char *trace, const struct pw_config *config, enum pw_by by,
                      enum pw_stream only, struct pw_error *err);
void pw_charges_destroy(struct pw_charges *charges);

struct pw_who *pw_charges_who(struct pw_charges *charges);

#endif
