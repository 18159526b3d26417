/* What Linux does by itself in the background: khugepaged. Who has a clock calls it. */
#ifndef PW_DAEMONS_H
#define PW_DAEMONS_H

#include "os/linux/replay.h"

enum { PW_KHUGEPAGED_SECONDS = 10 }; /* simulated, until it first looks */

struct pw_khugepaged {
  uint64_t next;        /* access at which it looks next */
  uint64_t at;          /* where it stopped: page, */
  uint32_t process;     /* of this process */
};

/* Looks at the next aligned ranges that may be huge, process by process by start, and joins those that it can; then it
 * sleeps, longer where there was no block. Sets next, at so many accesses a second. 0 or PW_ENOMEM. */
int pw_khugepaged_scan(struct pw_khugepaged *khugepaged, const struct pw_processes *processes, uint64_t rate, struct pw_error *err);

#endif
