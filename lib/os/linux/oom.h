/* Whom the kernel kills when nothing can be reclaimed: the scores of mm/oom_kill.c, of now and of Linux 2.6. */
#ifndef PW_OOM_H
#define PW_OOM_H

#include "os/linux/process.h"

enum { PW_OOM_NEVER = -1000 }; /* the adjustment of who is never killed */

/* What the processor knows of a process. */
struct pw_oom_facts {
  uint64_t accesses;   /* that it made */
  uint64_t now, rate;  /* accesses of all so far, and of a second */
};

/* Pages: resident, in swap and of tables but the root, and what its adjustment adds, of `total` pages that there are. INT64_MIN: it is
 * never killed. */
int64_t pw_oom_points(const struct pw_process *process, uint64_t total);
/* /proc/PID/oom_score. */
uint64_t pw_oom_score(int64_t points, uint64_t total);
/* By the rule of Linux 2.6: memory, and half of each child's, by the roots of processor time and of age. INT64_MIN as above. */
int64_t pw_oom_classic(const struct pw_process *process, struct pw_process *const *all, size_t n, const struct pw_oom_facts *facts);
/* Pages that the computer has, or its group, with usable swap. */
uint64_t pw_oom_total(const struct pw_computer *computer, bool group);
/* oom_adj of Linux 2.6, -17 to 15, as an adjustment of now; and back. */
int pw_oom_adj_to_score(int oom_adj);
int pw_oom_score_to_adj(int score_adj);

#endif
