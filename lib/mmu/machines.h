/* Machine presets, for the lists. */
#ifndef PW_MACHINES_H
#define PW_MACHINES_H

#include "pagewalk.h"

bool pw_machine_entry(size_t index, struct pw_list_entry *entry);

#endif
