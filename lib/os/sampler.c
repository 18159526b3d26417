/* What an account notes down for a time series. See sampler.h. */
#include "os/sampler.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"

int pw_sampler_create(struct pw_sampler **sampler, uint64_t every, const char *path, const struct pw_spaces *spaces,
                      struct pw_error *err)
{
  struct pw_sampler *s = *sampler = pw_calloc(1, sizeof *s);
  if (!s) return pw_error_set(err, PW_ENOMEM, "memory ran out for the time series");
  s->path = path;
  s->every = every;
  s->spaces = spaces;
  pw_sampler_mark(s);
  return 0;
}

void pw_sampler_destroy(struct pw_sampler *s)
{
  if (!s) return;
  pw_free(s->samples);
  pw_free(s->area);
  pw_free(s);
}

static uint64_t sum_of(uint64_t a, uint64_t b)
{
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint32_t pw_sampler_go(struct pw_sampler *s, const struct pw_block *b, uint32_t from, uint32_t to, bool *ended)
{
  struct pw_totals *t = &s->now.counted;
  uint64_t access = s->now.access;
  while (from < to && access < s->next) {
    t->fetches += b->fetches[from];
    t->loads += b->loads[from];
    t->stores += b->stores[from];
    access += (uint64_t)b->fetches[from] + b->loads[from] + b->stores[from];
    from++;
  }
  s->now.access = access;
  *ended = access >= s->next;
  if (*ended) s->next = sum_of(s->start + (access - s->start) / s->every * s->every, s->every);
  return from;
}

int64_t pw_sampler_note(struct pw_sampler *s, bool ended)
{
  if (pw_grow((void **)&s->samples, &s->room, s->n + 1, sizeof *s->samples)) return -1;
  s->samples[s->n] = s->now;
  s->open = !ended;
  if (!ended) return (int64_t)s->n;
  return (int64_t)s->n++;
}

void pw_sampler_mark(struct pw_sampler *s)
{
  uint64_t access = s->now.access;
  s->now = (struct pw_sample){.access = access};
  s->start = access;
  s->next = sum_of(access, s->every);
  s->n = 0;
  s->open = false;
}

int pw_sampler_check(const struct pw_sampler *s, struct pw_error *err)
{
  if (s->failed) return pw_error_set(err, PW_ENOMEM, "memory ran out for the time series");
  if (s->n + s->open <= PW_SERIES_MOST) return 0;
  return pw_error_set(err, PW_EINVAL, "%s: windows of %" PRIu64 " accesses are more than %u, and the trace goes on; take longer windows",
                      s->path, s->every, PW_SERIES_MOST);
}

static enum pw_area_kind area_of(const struct pw_sampler *s, uint64_t key)
{
  struct pw_vma vma;
  if (!pw_spaces_at(s->spaces, pw_key_process(key), key & PW_PAGE_MASK, &vma)) return PW_AREA_OTHER;
  return vma.kind == PW_VMA_HEAP ? PW_AREA_HEAP : vma.kind == PW_VMA_MMAP ? PW_AREA_MMAP : PW_AREA_OTHER;
}

static int reserve(struct pw_sampler *s, uint32_t id)
{
  size_t room = s->area_room;
  if (pw_grow((void **)&s->area, &s->area_room, (size_t)id + 1, 1)) {
    s->failed = true;
    return -1;
  }
  if (s->area_room > room) memset(s->area + room, 0, s->area_room - room);
  return 0;
}

void pw_sampler_arrive(struct pw_sampler *s, uint32_t id, uint64_t key)
{
  enum pw_area_kind area = area_of(s, key);
  s->now.area_faults[area]++;
  if (reserve(s, id)) return;
  s->area[id] = (uint8_t)(1 + area);
}

/* The area that is known of a page goes over to another. */
static void hand_over(struct pw_sampler *s, uint32_t from, uint32_t to)
{
  uint8_t area = from < s->area_room ? s->area[from] : 0;
  if (reserve(s, to)) return;
  s->area[to] = area;
}

void pw_sampler_inherit(struct pw_sampler *s, uint32_t from, uint32_t to)
{
  hand_over(s, from, to);
}

void pw_sampler_move(struct pw_sampler *s, uint32_t from, uint32_t to)
{
  hand_over(s, from, to);
  if (from < s->area_room) s->area[from] = 0;
}

void pw_sampler_leave(struct pw_sampler *s, uint32_t id, bool returned)
{
  unsigned known = id < s->area_room ? s->area[id] : 0;
  if (!known) return;
  if (returned) s->now.returned_pages[known - 1]++;
  s->area[id] = 0;
}
