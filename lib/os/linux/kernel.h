/* The kernel that `validate` holds against the running one: one process, and frames plenty.
 *
 * Takes what changes in the address space and the touches, all at native addresses, in their order.
 * What makes memory answer back (frames, reclaim, swap) has its place here and next to it. */
#ifndef PW_KERNEL_H
#define PW_KERNEL_H

#include "os/linux/mm.h"
#include "space/relocate.h"

struct pw_kernel {
  struct pw_mm mm;
};

int pw_kernel_init(struct pw_kernel *kernel, enum pw_thp thp, bool reclaims_tables, struct pw_error *err);
void pw_kernel_clear(struct pw_kernel *kernel);
/* 0, or PW_ENOMEM. */
int pw_kernel_touch(struct pw_kernel *kernel, uint64_t page, bool write, struct pw_error *err);
/* What a relocation tells its changes and touches to. */
struct pw_relocation_target pw_kernel_target(struct pw_kernel *kernel);

#endif
