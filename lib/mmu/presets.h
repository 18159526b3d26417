/* Machine presets, for the lists. */
#ifndef PW_PRESETS_H
#define PW_PRESETS_H

#include "pagewalk.h"

bool pw_machine_entry(size_t index, struct pw_list_entry *entry);

#endif
