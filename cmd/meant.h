/* Which listed name someone meant who wrote another one. */
#ifndef CMD_MEANT_H
#define CMD_MEANT_H

#include "pagewalk.h"

/* The listed name nearest in spelling; failing that the one whose summary mentions `name` (belady: opt); or NULL. */
const char *nearest_entry(enum pw_list list, const char *name);

#endif
