/* Which build of the hot loops this processor can run. See kernel.h. */
#include "sweep/kernel.h"

#include <stdatomic.h>

static atomic_bool portable;

const struct pw_kernel *pw_kernel(void)
{
#if defined(__x86_64__) || defined(__i386__)
  if (!atomic_load(&portable) && pw_kernel_avx2.chain && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
    return &pw_kernel_avx2;
#endif
  return &pw_kernel_portable;
}

void pw_kernel_force_portable(bool force)
{
  atomic_store(&portable, force);
}
