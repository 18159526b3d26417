/* What `pagewalk system` tells people on the terminal. */
#ifndef CMD_SYSTEM_REPORT_H
#define CMD_SYSTEM_REPORT_H

#include <stdbool.h>

#include "pagewalk.h"

enum { SYSTEM_NAMES = 20, SYSTEM_REGION_NAMES = 40 }; /* columns of a process's name, and of a region's */

/* One configuration; `more`: an empty line before it. */
void system_report_print(const struct pw_system_config *config, const struct pw_system_result *result, bool more);

/* What huge pages change, process by process: of two configurations that differ in them alone. */
void system_report_compare(const struct pw_system_config *base, const struct pw_system_result *was, const struct pw_system_config *config,
                           const struct pw_system_result *is);

/* The parts of such a comparison: its first lines (what, against what, what the bytes are, columns of the names), and one line. */
void system_report_header(const char *what, const char *against, const char *bytes, int width);
void system_report_change(const char *name, const struct pw_system_sums *was, const struct pw_system_sums *is, uint64_t bytes_were,
                          uint64_t bytes, int width);

#endif
