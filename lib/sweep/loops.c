/* Which build of the hot loops this processor can run. See loops.h. */
#include "sweep/loops.h"

#include <stdatomic.h>

static atomic_bool portable;

const struct pw_loops *pw_loops(void)
{
#if defined(__x86_64__) || defined(__i386__)
  if (!atomic_load(&portable) && pw_loops_avx2.chain && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
    return &pw_loops_avx2;
#endif
  return &pw_loops_portable;
}

void pw_loops_force_portable(bool force)
{
  atomic_store(&portable, force);
}
