/* What huge pages could save at most, and would waste: every page of 2 MiB. */
#ifndef CMD_SYSTEM_ALL_H
#define CMD_SYSTEM_ALL_H

#include "pagewalk.h"
#include "system_spec.h"

/* Each program by itself under `run` with pages of 2 MiB, against a configuration without huge pages, on the terminal. Programs whose
 * children have traces of their own, and standard input, are left out. */
void system_all_tell(const struct system_plan *plan, const struct pw_system_config *base, const struct pw_system_result *was,
                     const struct pw_trace_options *reading);

#endif
