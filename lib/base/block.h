/* Small helpers on page keys and blocks, shared by the readers and the models. */
#ifndef PW_BLOCK_H
#define PW_BLOCK_H

#include "pagewalk.h"

#define PW_PAGE_MASK ((UINT64_C(1) << PW_PAGE_BITS) - 1)

static inline uint64_t pw_key(uint32_t process, uint64_t page)
{
  return (uint64_t)process << PW_PAGE_BITS | page;
}

static inline uint32_t pw_key_process(uint64_t key)
{
  return (uint32_t)(key >> PW_PAGE_BITS);
}

/* The key of the page of 2^(12 + shift) bytes around a base page. */
static inline uint64_t pw_key_shift(uint64_t key, unsigned shift)
{
  return (key & ~PW_PAGE_MASK) | (key & PW_PAGE_MASK) >> shift;
}

/* Touches that a visit's pattern replays, 1 … 4. */
static inline unsigned pw_visit_touches(uint8_t flags)
{
  return ((unsigned)flags >> PW_VISIT_TOUCHES_SHIFT & 3) + 1;
}

/* The pattern that stands for n touches: 1 … 4, longer ones end like 3 or 4. */
static inline unsigned pw_touches_replayed(unsigned n)
{
  return n <= 4 ? n : n % 2 ? 3 : 4;
}

/* Is it about b bytes from address a? */
static inline bool pw_event_is_range(uint32_t kind)
{
  return kind == PW_EVENT_MAP || kind == PW_EVENT_UNMAP || (kind >= PW_EVENT_PROTECT && kind <= PW_EVENT_KERNEL_WRITE) ||
         kind == PW_EVENT_SYMBOL || kind == PW_EVENT_ADVISE;
}

/* Does a range end at 2^64 at most? */
static inline bool pw_range_fits(uint64_t first, uint64_t bytes)
{
  return bytes == 0 || first + (bytes - 1) >= first;
}

/* Is it an access of the kernel? */
static inline bool pw_event_is_kernel(uint32_t kind)
{
  return kind == PW_EVENT_KERNEL_READ || kind == PW_EVENT_KERNEL_WRITE;
}

/* Does a reader of traces keep it? Forks stay with the switches, since they number processes. */
static inline bool pw_event_is_kept(const struct pw_trace_options *options, uint32_t kind)
{
  if (kind == PW_EVENT_THREAD || kind == PW_EVENT_PROCESS || kind == PW_EVENT_FORK || kind == PW_EVENT_MARK) return true;
  return pw_event_is_kernel(kind) ? !options->ignore_kernel : !options->ignore_events;
}

static inline uint64_t pw_totals_sum(const struct pw_totals *totals)
{
  return totals->fetches + totals->loads + totals->stores;
}

#endif
