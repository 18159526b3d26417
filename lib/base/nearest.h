/* Which known name someone meant who wrote another one. */
#ifndef PW_NEAREST_H
#define PW_NEAREST_H

#include "pagewalk.h"

/* Entry number `index` of a table; false past its end. Any index is safe. */
typedef bool pw_entry_fn(size_t index, struct pw_list_entry *entry);

/* Of the table's names the nearest in spelling, or NULL when none is near. */
const char *pw_nearest_entry(pw_entry_fn *entry, const char *name);

#endif
