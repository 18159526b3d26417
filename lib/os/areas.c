/* Heap and anonymous mappings, by process. See areas.h. */
#include "os/areas.h"

#include <string.h>

#include "base/alloc.h"

void pw_areas_clear(struct pw_areas *a)
{
  for (size_t i = 0; i < a->n_processes; i++) pw_free(a->processes[i].intervals);
  pw_free(a->processes);
  memset(a, 0, sizeof *a);
}

static struct pw_area_list *list_of(struct pw_areas *a, uint32_t process)
{
  size_t n = (size_t)process + 1;
  if (pw_grow((void **)&a->processes, &a->processes_room, n, sizeof *a->processes)) return NULL;
  while (a->n_processes < n) a->processes[a->n_processes++] = (struct pw_area_list){0};
  return &a->processes[process];
}

/* First interval that ends at or after `page`. */
static size_t find(const struct pw_area_list *list, uint64_t page)
{
  size_t low = 0, high = list->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (list->intervals[middle].last < page) low = middle + 1;
    else high = middle;
  }
  return low;
}

static uint64_t pages_of(const struct pw_area_interval *i)
{
  return i->last - i->first + 1;
}

/* What of the intervals lies in the range makes way for `with`, if it is not NULL. */
static int replace(struct pw_areas *a, struct pw_area_list *list, uint64_t first, uint64_t last, const struct pw_area_interval *with)
{
  size_t from = find(list, first), to = from, n = 0;
  struct pw_area_interval made[3], high = {0};
  bool above = false;
  if (pw_grow((void **)&list->intervals, &list->room, list->n + 2, sizeof *list->intervals)) return -1;
  for (; to < list->n && list->intervals[to].first <= last; to++) {
    struct pw_area_interval old = list->intervals[to];
    a->pages[old.area] -= pages_of(&old);
    if (old.first < first) made[n++] = (struct pw_area_interval){old.first, first - 1, old.area};
    above = old.last > last;
    if (above) high = (struct pw_area_interval){last + 1, old.last, old.area};
  }
  if (with) made[n++] = *with;
  if (above) made[n++] = high;
  for (size_t i = 0; i < n; i++) a->pages[made[i].area] += pages_of(&made[i]);
  if (list->n > to) memmove(list->intervals + from + n, list->intervals + to, (list->n - to) * sizeof *list->intervals);
  if (n) memcpy(list->intervals + from, made, n * sizeof *made);
  list->n = list->n - (to - from) + n;
  return 0;
}

static bool is_named(const struct pw_event *e, const char *name)
{
  return e->text_bytes == strlen(name) && memcmp(e->text, name, e->text_bytes) == 0;
}

int pw_areas_map(struct pw_areas *a, uint32_t process, const struct pw_event *e)
{
  struct pw_area_list *list = list_of(a, process);
  if (!list) return -1;
  a->known = true;
  uint64_t first = e->a >> PW_BASE_SHIFT, last = (e->a + e->b - 1) >> PW_BASE_SHIFT;
  bool named = e->text && e->text_bytes, writable = (e->c & 7) == (PW_MAP_READ | PW_MAP_WRITE);
  bool file = named && e->text[0] != '[', bss = !named && writable && first == list->data_end;
  list->data_end = file && writable ? last + 1 : 0;
  struct pw_area_interval whole = {first, last, PW_AREA_OTHER};
  if (named && is_named(e, "[heap]")) whole.area = PW_AREA_HEAP;
  if (!named && !bss && !(e->c & PW_MAP_STACK)) whole.area = PW_AREA_MMAP;
  return replace(a, list, first, last, whole.area == PW_AREA_OTHER ? NULL : &whole);
}

int pw_areas_unmap(struct pw_areas *a, uint32_t process, uint64_t first, uint64_t last)
{
  struct pw_area_list *list = list_of(a, process);
  return list ? replace(a, list, first, last, NULL) : -1;
}

int pw_areas_fork(struct pw_areas *a, uint32_t parent, uint32_t child)
{
  if (!list_of(a, parent) || !list_of(a, child) || parent == child) return parent == child ? 0 : -1;
  const struct pw_area_list *from = &a->processes[parent];
  for (size_t i = 0; i < from->n; i++)
    if (replace(a, &a->processes[child], from->intervals[i].first, from->intervals[i].last, &from->intervals[i])) return -1;
  return 0;
}

enum pw_area_kind pw_areas_find(const struct pw_areas *a, uint32_t process, uint64_t page)
{
  if (process >= a->n_processes) return PW_AREA_OTHER;
  const struct pw_area_list *list = &a->processes[process];
  size_t i = find(list, page);
  return i < list->n && list->intervals[i].first <= page ? list->intervals[i].area : PW_AREA_OTHER;
}
