/* The highest gap of a native address space. See gaps.h. */
#include "space/gaps.h"

#include <stdlib.h>

#include "base/alloc.h"

#define LOWEST 16 /* page that nothing is mapped below */

static int by_address(const void *a, const void *b)
{
  const struct pw_native_call *x = *(struct pw_native_call *const *)a, *y = *(struct pw_native_call *const *)b;
  if (x->address != y->address) return x->address < y->address ? -1 : 1;
  return (x > y) - (x < y);
}

static void set_end(struct pw_gaps *g, size_t leaf, uint64_t end)
{
  size_t i = g->leaves + leaf;
  g->ends[i] = end;
  while (i /= 2) g->ends[i] = g->ends[2 * i] > g->ends[2 * i + 1] ? g->ends[2 * i] : g->ends[2 * i + 1];
}

int pw_gaps_init(struct pw_gaps *g, struct pw_native_call *calls, size_t n)
{
  *g = (struct pw_gaps){.leaves = 1, .n_calls = n};
  while (g->leaves <= n) g->leaves *= 2;
  struct pw_native_call **order = pw_malloc(g->leaves, sizeof *order);
  g->ends = pw_calloc(2 * g->leaves, sizeof *g->ends);
  g->starts = pw_calloc(g->leaves, sizeof *g->starts);
  if (!order || !g->ends || !g->starts) {
    pw_free(order);
    return -1;
  }
  for (size_t i = 0; i < n; i++) order[i] = &calls[i];
  pw_sort(order, n, sizeof(struct pw_native_call *), by_address);
  for (size_t i = 0; i < n; i++) {
    order[i]->rank = i;
    g->starts[i] = order[i]->address >> PW_BASE_SHIFT;
    set_end(g, i, g->starts[i] + (order[i]->bytes >> PW_BASE_SHIFT));
  }
  pw_free(order);
  return 0;
}

void pw_gaps_clear(struct pw_gaps *g)
{
  pw_ranges_clear(&g->mapped);
  pw_free(g->ends);
  pw_free(g->starts);
  *g = (struct pw_gaps){0};
}

/* ---- what is free ---- */

uint64_t pw_gaps_lowest_mapped(const struct pw_gaps *g, uint64_t start, uint64_t end)
{
  struct pw_range range;
  return pw_ranges_next(&g->mapped, start, &range) && range.first < end ? range.first : end;
}

/* Of the calls that end behind `start`, the first in the order of addresses begins lowest. */
uint64_t pw_gaps_obstacle(const struct pw_gaps *g, uint64_t start, uint64_t end)
{
  uint64_t lowest = pw_gaps_lowest_mapped(g, start, end);
  size_t i = 1;
  if (g->ends[1] <= start) return lowest;
  while (i < g->leaves) i = g->ends[2 * i] > start ? 2 * i : 2 * i + 1;
  uint64_t reserved = g->starts[i - g->leaves];
  return reserved < lowest ? reserved : lowest;
}

/* The page behind the last obstacle below a free one. */
static uint64_t behind_obstacle(const struct pw_gaps *g, uint64_t page)
{
  struct pw_range range;
  uint64_t end = pw_ranges_before(&g->mapped, page, &range) ? range.last + 1 : 0;
  size_t low = 0, high = g->n_calls; /* of the calls in front of `low`, the one that ends last */
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (g->starts[middle] < page) low = middle + 1;
    else high = middle;
  }
  for (size_t i = g->leaves + low; i > 1; i /= 2)
    if (i % 2 && g->ends[i - 1] > end) end = g->ends[i - 1];
  return end;
}

void pw_gaps_freed(struct pw_gaps *g, uint64_t start, uint64_t end)
{
  if (start >= end) return;
  uint64_t high = end < g->top ? pw_gaps_obstacle(g, end, g->top) : g->top, low = behind_obstacle(g, start);
  for (struct pw_gap_search *s = g->searches; s < g->searches + PW_GAP_SEARCHES; s++)
    if (s->high < high && high - low >= s->pages) s->high = high;
}

int pw_gaps_take(struct pw_gaps *g, uint64_t start, uint64_t end)
{
  return start < end ? pw_ranges_join(&g->mapped, start, end - 1, 0) : 0;
}

int pw_gaps_give(struct pw_gaps *g, uint64_t start, uint64_t end)
{
  if (start >= end || pw_gaps_lowest_mapped(g, start, end) == end) return 0;
  if (pw_ranges_cut(&g->mapped, start, end - 1)) return -1;
  pw_gaps_freed(g, start, end);
  return 0;
}

void pw_gaps_use(struct pw_gaps *g, const struct pw_native_call *call)
{
  set_end(g, call->rank, 0);
}

/* ---- the search ---- */

/* Where a search may begin: what had no room for less has none for more. */
static uint64_t begin(const struct pw_gaps *g, uint64_t pages, uint64_t align)
{
  uint64_t high = g->top;
  for (const struct pw_gap_search *s = g->searches; s < g->searches + PW_GAP_SEARCHES; s++)
    if (s->pages && s->pages <= pages && s->align <= align && s->high < high) high = s->high;
  return high;
}

uint64_t pw_gaps_highest(struct pw_gaps *g, uint64_t pages, uint64_t align)
{
  uint64_t high = begin(g, pages, align), found = LOWEST;
  while (high > pages + LOWEST && found == LOWEST) {
    uint64_t start = (high - pages) / align * align, in_the_way = pw_gaps_obstacle(g, start, start + pages);
    if (in_the_way == start + pages) found = start;
    high = in_the_way;
    g->steps++;
  }
  struct pw_gap_search *search = &g->searches[(pages + pages / 512 + (align > 1)) % PW_GAP_SEARCHES];
  *search = (struct pw_gap_search){pages, align, found + pages};
  return found;
}
