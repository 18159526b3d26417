/* The address-space layout that a trace's map events tell: areas, what they are, how much was touched. */
#ifndef CMD_LAYOUT_H
#define CMD_LAYOUT_H

#include <stdbool.h>

#include "pagewalk.h"
#include "pageset.h"

/* Prints to stdout one layout a process; nothing without map events. The sets are settled. `all`: every
 * area and every part of a file by itself. */
void layout_print(const struct pw_layout *layout, const struct pageset *code, const struct pageset *data, bool all);

#endif
