/* The address-space layout that a trace's map events tell: areas, what they are, how much was touched. */
#ifndef CMD_LAYOUT_H
#define CMD_LAYOUT_H

#include <stdbool.h>

#include "pagewalk.h"
#include "pageset.h"

struct layout_space; /* of one process */

struct layout {
  struct layout_space *spaces; /* NULL until the first map event */
  char **names;                /* of files */
  size_t n_names, room_names;
  uint32_t process;            /* the current one */
  bool started;                /* visits were seen */
};

/* Takes the events of the trace's next block. */
void layout_take(struct layout *layout, const struct pw_block *block);
/* Prints to stdout one layout a process; nothing without map events. The sets are settled. `all`: every
 * area and every part of a file by itself. */
void layout_print(const struct layout *layout, const struct pageset *code, const struct pageset *data, bool all);
void layout_clear(struct layout *layout);

#endif
