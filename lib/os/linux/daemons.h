/* What Linux does by itself in the background: khugepaged, and the write-back of dirty pages. Who has a clock calls them. */
#ifndef PW_DAEMONS_H
#define PW_DAEMONS_H

#include "os/linux/replay.h"

enum { PW_KHUGEPAGED_SECONDS = 10, PW_DIRTY_SECONDS = 30 }; /* simulated: until it first looks; until a dirty page is written back */

struct pw_khugepaged {
  uint64_t next;        /* access at which it looks next */
  uint64_t at;          /* where it stopped: page, */
  uint32_t process;     /* of this process */
};

/* Looks at the next aligned ranges that may be huge, process by process by start, and joins those that it can; then it
 * sleeps, longer where there was no block. Sets next, at so many accesses a second. 0 or PW_ENOMEM. */
int pw_khugepaged_scan(struct pw_khugepaged *khugepaged, const struct pw_processes *processes, uint64_t rate, struct pw_error *err);
/* The page that has been dirty for longest is written back: write-protected wherever it is mapped. One is listed; it may have been
 * written since. */
void pw_write_back(struct pw_computer *computer, const struct pw_processes *processes);

#endif
