/* Runs gnuplot on a script, without a shell. */
#ifndef PW_GNUPLOT_H
#define PW_GNUPLOT_H

#include "pagewalk.h"

/* A script that is being written; it lives in memory. */
FILE *pw_gnuplot_script(struct pw_error *err);

/* Runs gnuplot on the script and puts what it draws into the file `path`, which
 * gets that name only when it is whole. Closes the script in any case. */
int pw_gnuplot_run(FILE *script, const char *path, struct pw_error *err);

#endif
