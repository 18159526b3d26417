/* Whether a run is to stop. See halt.h. */
#include "engine/halt.h"

#include <time.h>

static long tenths(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* some nanoseconds, unlike the fine one */
  return (long)now.tv_sec * 10 + now.tv_nsec / 100000000;
}

void pw_halt_begin(struct pw_halt *h, bool (*ask)(void *context), void *context)
{
  h->ask = ask;
  h->context = context;
  h->asker = pthread_self();
  h->asked = tenths();
  atomic_init(&h->stopped, false);
}

bool pw_halted(struct pw_halt *h)
{
  if (atomic_load_explicit(&h->stopped, memory_order_relaxed)) return true;
  if (!pthread_equal(h->asker, pthread_self())) return false;
  long now = tenths();
  if (now == h->asked) return false;
  h->asked = now;
  if (h->ask(h->context)) atomic_store_explicit(&h->stopped, true, memory_order_relaxed);
  return atomic_load_explicit(&h->stopped, memory_order_relaxed);
}
