/* Unnamed temporary files for what does not fit in memory. */
#ifndef PW_TEMPORARY_H
#define PW_TEMPORARY_H

#include "pagewalk.h"

/* Opens a file in $TMPDIR (else /tmp) that has no name and goes away when it is
 * closed, whatever happens to the process. NULL with an error. */
FILE *pw_temporary_file(struct pw_error *err);

#endif
