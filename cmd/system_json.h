/* The tables of `pagewalk system` as JSON. */
#ifndef CMD_SYSTEM_JSON_H
#define CMD_SYSTEM_JSON_H

#include <stdio.h>

#include "pagewalk.h"

/* Adds the rows of one configuration to those that were written before, as objects; *n counts them. `names` are the columns, as the header
 * line of the table has them. 0 or a status. */
int system_json_rows(FILE *out, enum pw_system_table table, const struct pw_system_config *config, const struct pw_system_result *result,
                     size_t *n, struct pw_error *err);

#endif
