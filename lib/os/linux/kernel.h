/* The kernel that `validate` holds against the running one: one process, and frames plenty.
 *
 * Takes what changes in the address space and the touches, all at native addresses, in their order.
 * What makes memory answer back (frames, reclaim, swap) has its place here and next to it. */
#ifndef PW_KERNEL_H
#define PW_KERNEL_H

#include "os/linux/mm.h"

struct pw_kernel {
  struct pw_mm mm;
};

int pw_kernel_init(struct pw_kernel *kernel, bool reclaims_tables, struct pw_error *err);
void pw_kernel_clear(struct pw_kernel *kernel);
/* 0, or PW_ENOMEM, as below. */
int pw_kernel_change(struct pw_kernel *kernel, const struct pw_native_change *change, struct pw_error *err);
int pw_kernel_serve(struct pw_kernel *kernel, uint64_t page, bool write, struct pw_error *err);

static inline int pw_kernel_touch(struct pw_kernel *kernel, uint64_t page, bool write, struct pw_error *err)
{
  return pw_mm_reaches(&kernel->mm, page, write) ? 0 : pw_kernel_serve(kernel, page, write, err);
}

#endif
