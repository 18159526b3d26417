/* Linux in the background. See daemons.h. The rules are those of mm/khugepaged.c. */
#include "os/linux/daemons.h"

enum { RANGES = 8, SLEEP_SECONDS = 60 };

/* The next ranges of one process, from a page on. */
static int scan_process(struct pw_khugepaged *k, struct pw_mm *m, unsigned *left, bool *starved, struct pw_error *err)
{
  struct pw_range area;
  int status = 0;
  while (!status && *left && !*starved && pw_ranges_next(&m->areas, k->at, &area)) {
    uint64_t first = pw_most(area.first, k->at);
    first = (first + PW_HUGE_PAGES - 1) & ~(uint64_t)(PW_HUGE_PAGES - 1);
    k->at = area.last + 1;
    if (first > area.last || area.last - first < PW_HUGE_PAGES - 1 || !pw_mm_may_be_huge(m, first, &area)) continue;
    k->at = first + PW_HUGE_PAGES;
    --*left;
    bool done;
    status = pw_mm_collapse(m, first, &done, err);
    *starved = status == PW_MM_NO_FRAME;
    if (*starved) status = 0;
  }
  return status;
}

int pw_khugepaged_scan(struct pw_khugepaged *k, const struct pw_processes *processes, uint64_t rate, struct pw_error *err)
{
  unsigned left = RANGES;
  bool starved = false;
  int status = 0;
  size_t n = processes->n;
  for (size_t visited = 0; !status && n && left && !starved && visited <= n; visited++) {
    struct pw_process *p = processes->list[k->process % n];
    if (p->lives) status = scan_process(k, &p->mm, &left, &starved, err);
    if (!left || starved) break;
    k->process = (uint32_t)((k->process + 1) % n);
    k->at = 0;
  }
  k->next += (starved ? SLEEP_SECONDS : PW_KHUGEPAGED_SECONDS) * rate;
  return status;
}
