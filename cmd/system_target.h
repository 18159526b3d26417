/* Of the configurations of `pagewalk system` the one with the least memory that keeps a rate of major faults. */
#ifndef CMD_SYSTEM_TARGET_H
#define CMD_SYSTEM_TARGET_H

#include <stdbool.h>

#include "pagewalk.h"
#include "system_spec.h"
#include "target.h"

/* What a comparison of configurations lets differ, as bits; all else that a list may vary must be the same. */
enum { SYSTEM_MEMORY = 1, SYSTEM_GROUP_LIMIT = 2, SYSTEM_THP = 4, SYSTEM_RECLAIM = 8 };
bool system_alike_but(const struct pw_system_config *a, const struct pw_system_config *b, unsigned varied);

/* A sentence for each set of configurations that differ in size alone: on standard output (summary), or as a remark. text: the target as given. */
void system_target_tell(const struct system_plan *plan, const struct pw_system_case *cases, const struct target *target, const char *text, bool summary);

#endif
