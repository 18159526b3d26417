/* Which known name someone meant who wrote another one. */
#ifndef CMD_NEAREST_H
#define CMD_NEAREST_H

#include "pagewalk.h"

/* Of `names` (ending with NULL) the one nearest to `name` in spelling, or NULL. */
const char *nearest_name(const char *const *names, const char *name);

/* The listed name nearest in spelling, swapped neighbours counting as one slip; failing
 * that the one whose summary mentions `name` (belady: opt); or NULL. */
const char *nearest_entry(enum pw_list list, const char *name);

#endif
