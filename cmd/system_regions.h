/* What `pagewalk system --by region` tells on the terminal. */
#ifndef CMD_SYSTEM_REGIONS_H
#define CMD_SYSTEM_REGIONS_H

#include "pagewalk.h"

/* Of one configuration: the regions with most walks and faults. */
void system_regions_print(const struct pw_system_result *result);
/* What huge pages change in them: of two configurations that differ in them alone. */
void system_regions_compare(const struct pw_system_config *base, const struct pw_system_result *was, const struct pw_system_config *config,
                            const struct pw_system_result *is);

#endif
