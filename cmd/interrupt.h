/* Ctrl-C and its kin: the work is asked to stop at the next block, so that it can tidy up. */
#ifndef CMD_INTERRUPT_H
#define CMD_INTERRUPT_H

#include <stdbool.h>

/* From here on SIGINT, SIGTERM and SIGHUP only set a flag; a second one kills. */
void interrupt_catch(void);
void interrupt_catch_waits(void); /* and system calls that wait end with EINTR */
void interrupt_catch_all(void); /* nor does any further one kill: what is recorded must be finished */
unsigned interrupt_level(void); /* 0; 1: asked to stop; 2: by another Ctrl-C, at least 200 ms later */
bool interrupt_seen(void);
bool interrupt_stops(void *context); /* the same for who calls back */

#endif
