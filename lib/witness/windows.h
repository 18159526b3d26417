/* Time series: a witness that writes down, window by window, what its machine counted and what is held.
 *
 * A window ends behind the first visit at which the accesses since counting began reach
 * the next multiple of its length. What fell in a window is the difference of the counts at
 * its end and at its beginning, so that the sums are right by themselves. The last window stands behind
 * the last visit, is moved along until the trace ends, and then gets what the whole run counted
 * more, which holds what events after the last access brought. Events between two visits belong
 * to the later window.
 *
 * Cost: the machine's, and a struct pw_window a window; twice that while they grow. */
#ifndef PW_WINDOWS_H
#define PW_WINDOWS_H

#include "engine/witness.h"
#include "pagewalk.h"

struct pw_windows; /* a struct pw_witness comes first in it */

/* `trace` is its name, for errors. */
int pw_windows_create(struct pw_windows **windows, const char *trace, const struct pw_config *config, uint64_t every,
                      enum pw_stream only, struct pw_error *err);
void pw_windows_destroy(struct pw_windows *windows);
/* After the run: fills the series' windows, whose total is there. */
int pw_windows_finish(struct pw_windows *windows, struct pw_series *series, struct pw_error *err);

#endif
