/* Recordings: one program image's ring, emptied into one .pwt.
 *
 * Invariant: the file gets its final name only when it is whole; whatever was
 * read from the ring up to a limit, a failure or the end of the program stands in it. */
#ifndef PW_IMAGE_H
#define PW_IMAGE_H

#include "pagewalk.h"

struct pw_recording;
struct pw_ring_namer;
struct pw_ring_family;

struct pw_recording_options {
  struct pw_trace_options trace;    /* skip, limit */
  struct pw_writer_options writer;
  uint64_t size_limit_bytes;        /* 0 = none */
};

/* Makes a ring and the trace. `path` and options are copied as far as they are needed. */
int pw_recording_create(struct pw_recording **recording, const char *path, const struct pw_recording_options *options,
                        struct pw_error *err);
/* Who names what is mapped (ring_events.h); copied. */
void pw_recording_name(struct pw_recording *recording, const struct pw_ring_namer *namer);
/* Its process, its number among the images of that, and who knows the traces of children (ring_events.h); copied. */
void pw_recording_relate(struct pw_recording *recording, uint64_t pid, uint64_t number, const struct pw_ring_family *family);
int pw_recording_symbol(struct pw_recording *recording, uint64_t address, uint64_t bytes, uint32_t kind, const char *name,
                        size_t name_bytes, struct pw_error *err);
/* The ring's descriptor, for the program; stays ours. */
int pw_recording_ring(const struct pw_recording *recording);
/* Empties one block: 1, or 0 when none was full. */
int pw_recording_step(struct pw_recording *recording, struct pw_error *err);
/* Tells the program that we go to sleep until it wakes us; false when a block came meanwhile. */
bool pw_recording_sleep(struct pw_recording *recording);
/* The program drops everything from here on. */
void pw_recording_stop(struct pw_recording *recording);
/* Reads what is left, also from the block that was being filled; then it is known how the program
 * says that it ended, if it could. Status as that of pw_recording_finish, which does the same if it was not done. */
int pw_recording_drain(struct pw_recording *recording, struct pw_error *err);
bool pw_recording_has_end(const struct pw_recording *recording);
void pw_recording_end(struct pw_recording *recording, uint64_t exit_status, uint64_t signal);
/* It became a program that cannot be recorded. */
bool pw_recording_goes_on_unrecorded(const struct pw_recording *recording);
/* Reads what is left, also from the block that was being filled, and names the file; a recording
 * without any access leaves none. On PW_EFORMAT the file has what came before the damage. */
int pw_recording_finish(struct pw_recording *recording, struct pw_error *err);
void pw_recording_destroy(struct pw_recording *recording);

const char *pw_recording_path(const struct pw_recording *recording);
struct pw_totals pw_recording_totals(const struct pw_recording *recording);
uint64_t pw_recording_visits(const struct pw_recording *recording);
uint64_t pw_recording_stored_bytes(const struct pw_recording *recording);
bool pw_recording_limited(const struct pw_recording *recording); /* a limit ended it */

#endif
