/* Where the recorded addresses lie natively. See places.h. */
#include "judge/places.h"

#include <string.h>

#include "base/alloc.h"

static size_t from(const struct pw_places *p, uint64_t page)
{
  size_t low = 0, high = p->n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (p->list[middle].end <= page)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void insert(struct pw_places *p, size_t at, struct pw_place place)
{
  memmove(&p->list[at + 1], &p->list[at], (p->n - at) * sizeof *p->list);
  p->list[at] = place;
  p->n++;
}

int pw_places_forget(struct pw_places *p, uint64_t start, uint64_t end)
{
  if (pw_grow((void **)&p->list, &p->room, p->n + 2, sizeof *p->list)) return -1;
  size_t i = from(p, start);
  if (i < p->n && p->list[i].start < start && p->list[i].end > end) { /* both ends of it stay */
    struct pw_place behind = p->list[i];
    behind.start = end;
    p->list[i].end = start;
    insert(p, i + 1, behind);
    return 0;
  }
  if (i < p->n && p->list[i].start < start) p->list[i++].end = start;
  size_t n = 0;
  while (i + n < p->n && p->list[i + n].end <= end) n++;
  memmove(&p->list[i], &p->list[i + n], (p->n - i - n) * sizeof *p->list);
  p->n -= n;
  if (i < p->n && p->list[i].start < end) p->list[i].start = end;
  return 0;
}

int pw_places_set(struct pw_places *p, uint64_t start, uint64_t end, uint64_t shift)
{
  if (start >= end) return 0;
  if (pw_places_forget(p, start, end) || pw_grow((void **)&p->list, &p->room, p->n + 1, sizeof *p->list)) return -1;
  insert(p, from(p, start), (struct pw_place){start, end, shift});
  return 0;
}

const struct pw_place *pw_places_from(const struct pw_places *p, uint64_t page)
{
  size_t i = from(p, page);
  return i < p->n ? &p->list[i] : NULL;
}

const struct pw_place *pw_places_at(struct pw_places *p, uint64_t page)
{
  if (p->last < p->n && page >= p->list[p->last].start && page < p->list[p->last].end) return &p->list[p->last];
  size_t i = from(p, page);
  if (i == p->n || p->list[i].start > page) return NULL;
  p->last = i;
  return &p->list[i];
}

void pw_places_clear(struct pw_places *p)
{
  pw_free(p->list);
  *p = (struct pw_places){0};
}
