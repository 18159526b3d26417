/* Three arrays and the functions that go through them, so that who misses is known.
 *
 * Each function touches every page of its array once a pass, in order, in a phase of its own. In a TLB
 * that replaces the least recently used page and has fewer ways than an array has pages in a set,
 * every touch misses. */
#include <stdlib.h>

enum { PAGE = 4096, PASSES = 50, WIDE_PAGES = 1024, MIDDLE_PAGES = 128, SMALL_PAGES = 8 };

_Alignas(4096) volatile char hot_wide[WIDE_PAGES * PAGE];
_Alignas(4096) static volatile char hot_middle[MIDDLE_PAGES * PAGE];
_Alignas(4096) static volatile char hot_small[SMALL_PAGES * PAGE] = {1};

__attribute__((noinline)) static void sweep_wide(void)
{
  for (int pass = 0; pass < PASSES; pass++)
    for (int page = 0; page < WIDE_PAGES; page++) hot_wide[page * PAGE + 64]++;
}

__attribute__((noinline)) static void sweep_middle(void)
{
  for (int pass = 0; pass < PASSES; pass++)
    for (int page = 0; page < MIDDLE_PAGES; page++) hot_middle[page * PAGE + 64]++;
}

__attribute__((noinline)) static void sweep_small(void)
{
  for (int pass = 0; pass < PASSES; pass++)
    for (int page = 0; page < SMALL_PAGES; page++) hot_small[page * PAGE + 64]++;
}

int main(void)
{
  sweep_wide();
  sweep_middle();
  sweep_small();
  return 0;
}
