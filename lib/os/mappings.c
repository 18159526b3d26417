/* What is mapped, by process. See mappings.h. */
#include "os/mappings.h"

#include <string.h>

#include "base/alloc.h"

void pw_mappings_init(struct pw_mappings *m)
{
  memset(m, 0, sizeof *m);
}

void pw_mappings_clear(struct pw_mappings *m)
{
  for (size_t i = 0; i < m->n_processes; i++) pw_free(m->processes[i].intervals);
  pw_free(m->processes);
  pw_mappings_init(m);
}

/* First interval that ends at or after `page`. */
static size_t find(const struct pw_interval_list *list, uint64_t page)
{
  size_t low = 0, high = list->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (list->intervals[middle].last < page) low = middle + 1;
    else high = middle;
  }
  return low;
}

static struct pw_interval_list *list_of(struct pw_mappings *m, uint32_t process)
{
  size_t n = (size_t)process + 1;
  if (pw_grow((void **)&m->processes, &m->processes_room, n, sizeof *m->processes)) return NULL;
  while (m->n_processes < n) m->processes[m->n_processes++] = (struct pw_interval_list){0};
  return &m->processes[process];
}

/* Replaces intervals [from, to) by the n given ones. */
static int replace(struct pw_interval_list *list, size_t from, size_t to, const struct pw_interval *with, size_t n)
{
  if (pw_grow((void **)&list->intervals, &list->room, list->n + n, sizeof *list->intervals)) return -1;
  if (list->n > to)
    memmove(list->intervals + from + n, list->intervals + to, (list->n - to) * sizeof *list->intervals);
  if (n) memcpy(list->intervals + from, with, n * sizeof *with);
  list->n = list->n - (to - from) + n;
  return 0;
}

int pw_mappings_add(struct pw_mappings *m, uint32_t process, uint64_t first, uint64_t last)
{
  struct pw_interval_list *list = list_of(m, process);
  if (!list) return -1;
  m->known = true;
  struct pw_interval whole = {first, last};
  size_t from = find(list, first ? first - 1 : 0), to = from; /* one that ends right before merges too */
  for (; to < list->n && list->intervals[to].first <= (last == UINT64_MAX ? last : last + 1); to++) {
    if (list->intervals[to].first < whole.first) whole.first = list->intervals[to].first;
    if (list->intervals[to].last > whole.last) whole.last = list->intervals[to].last;
  }
  return replace(list, from, to, &whole, 1);
}

int pw_mappings_remove(struct pw_mappings *m, uint32_t process, uint64_t first, uint64_t last)
{
  struct pw_interval_list *list = list_of(m, process);
  if (!list) return -1;
  size_t from = find(list, first), to = from, n = 0;
  struct pw_interval rest[2];
  for (; to < list->n && list->intervals[to].first <= last; to++) {
    if (list->intervals[to].first < first) rest[n++] = (struct pw_interval){list->intervals[to].first, first - 1};
    if (list->intervals[to].last > last) rest[n++] = (struct pw_interval){last + 1, list->intervals[to].last};
  }
  return replace(list, from, to, rest, n);
}

int pw_mappings_inherit(struct pw_mappings *m, uint32_t parent, uint32_t child)
{
  if (parent >= m->n_processes || parent == child) return 0;
  struct pw_interval_list *to = list_of(m, child);
  if (!to) return -1;
  const struct pw_interval_list *from = &m->processes[parent];
  to->n = 0;
  return replace(to, 0, 0, from->intervals, from->n);
}

bool pw_mappings_intersect(const struct pw_mappings *m, uint32_t process, uint64_t first, uint64_t last)
{
  if (process >= m->n_processes) return false;
  const struct pw_interval_list *list = &m->processes[process];
  size_t i = find(list, first);
  return i < list->n && list->intervals[i].first <= last;
}
