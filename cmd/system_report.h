/* What `pagewalk system` tells people on the terminal. */
#ifndef CMD_SYSTEM_REPORT_H
#define CMD_SYSTEM_REPORT_H

#include <stdbool.h>

#include "pagewalk.h"

/* One configuration; `more`: an empty line before it. */
void system_report_print(const struct pw_system_config *config, const struct pw_system_result *result, bool more);

/* What huge pages change, process by process: of two configurations that differ in them alone. */
void system_report_compare(const struct pw_system_config *base, const struct pw_system_result *was, const struct pw_system_config *config,
                           const struct pw_system_result *is);

#endif
