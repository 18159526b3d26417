/* Dirty pages of files are written back: they are read-only wherever they are mapped, until they are written again. */
#ifndef PW_WRITEBACK_H
#define PW_WRITEBACK_H

#include "os/linux/process.h"

enum { PW_DIRTY_SECONDS = 30 }; /* simulated, until a dirty page is written back */

/* The page that has been dirty for longest, of a list that is not empty; it may have been written back since. */
void pw_write_back(struct pw_computer *computer, struct pw_process *const *processes, size_t n);
/* What the pages [start, end) of a memory map shared, of files. */
void pw_write_back_range(struct pw_computer *computer, struct pw_process *const *processes, size_t n, const struct pw_mm *mm, uint64_t start,
                         uint64_t end);

#endif
