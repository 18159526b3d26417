/* The future of a touch sequence: for each touch, the number of the next touch of
 * the same page. Written by a first pass, read along with the second.
 *
 * Method: the ids of all touches are spooled to an unnamed temporary file, read
 * backwards once with the last position of each page at hand, and the answers
 * spooled to a second one. Memory is 8 bytes a page and two buffers, whatever the
 * length of the trace; the files take 12 bytes a touch. */
#ifndef PW_FUTURE_H
#define PW_FUTURE_H

#include "pagewalk.h"

struct pw_future;

int pw_future_create(struct pw_future **future, struct pw_error *err);
void pw_future_destroy(struct pw_future *future);
/* First pass: the next n touches. An id with PW_FUTURE_ENDS is no touch: the page goes, and what is touched by its
 * number from there on is another. It is answered all the same. */
#define PW_FUTURE_ENDS UINT32_C(0x80000000)
int pw_future_note(struct pw_future *future, const uint32_t *id, size_t n, struct pw_error *err);
/* Between the passes: n_ids is the number of pages there are. */
int pw_future_turn(struct pw_future *future, size_t n_ids, struct pw_error *err);
/* Second pass: the answers for the next n touches. */
int pw_future_read(struct pw_future *future, uint64_t *next, size_t n, struct pw_error *err);

#endif
