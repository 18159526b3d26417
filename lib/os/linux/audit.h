/* A computer that is looked over: does everything in it have one owner, and do all counts agree with what is there?
 *
 * Cost: all frames, tables and pages of all processes, each time. */
#ifndef PW_AUDIT_H
#define PW_AUDIT_H

#include "os/linux/kmem.h"
#include "os/linux/process.h"

/* 0; PW_ENOMEM; or PW_EINVAL with a sentence that says what is at odds, which is a defect of the model. */
/* kmem: what else takes frames, or NULL. */
int pw_audit(const struct pw_computer *computer, struct pw_process *const *processes, size_t n, const struct pw_kmem *kmem,
             struct pw_error *err);

#endif
