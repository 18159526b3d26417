/* The charts of `pagewalk system -o`. */
#ifndef CMD_SYSTEM_CHARTS_H
#define CMD_SYSTEM_CHARTS_H

#include <stddef.h>

#include "system_spec.h"

/* From the tables in a folder into its charts/; which of them the configurations leave out is said. An exit code; *n were drawn. */
int system_charts_draw(const struct system_plan *plan, const char *folder, size_t *n);

#endif
