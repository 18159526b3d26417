/* Gives a recording the names of what its program maps. */
#ifndef PW_NAMING_H
#define PW_NAMING_H

#include "record/namer.h"
#include "record/image.h"

struct pw_naming;

/* Both are borrowed; the recording calls back until it is destroyed, which comes first. */
int pw_naming_create(struct pw_naming **naming, struct pw_objects *objects, struct pw_recording *recording, struct pw_error *err);
void pw_naming_destroy(struct pw_naming *naming);

#endif
