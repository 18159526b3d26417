/* Write-back. See writeback.h. The rules are those of mm/page-writeback.c and mm/msync.c. */
#include "os/linux/writeback.h"

static void protect(struct pw_process *const *processes, size_t n, uint32_t file, uint64_t index)
{
  for (size_t i = 0; i < n; i++)
    if (processes[i]->lives) pw_mm_clean(&processes[i]->mm, file, index);
}

void pw_write_back(struct pw_computer *c, struct pw_process *const *processes, size_t n)
{
  const struct pw_dirty *d = pw_computer_clean(c);
  if (d) protect(processes, n, d->file, d->index);
}

/* Page by page, or by the list of dirty ones where that is shorter. */
static void write_file(struct pw_computer *c, struct pw_process *const *processes, size_t n, uint32_t file, uint64_t first, uint64_t last)
{
  uint64_t listed = c->n_dirty - c->cleaned, pages = last - first + 1;
  for (uint64_t i = 0; i < pw_least(listed, pages); i++) {
    const struct pw_dirty *d = &c->dirty[c->cleaned + i];
    uint64_t index = pages <= listed ? first + i : d->index;
    bool meant = pages <= listed || (d->file == file && index >= first && index <= last);
    if (meant && pw_computer_clean_page(c, file, index)) protect(processes, n, file, index);
  }
}

void pw_write_back_range(struct pw_computer *c, struct pw_process *const *processes, size_t n, const struct pw_mm *m, uint64_t start,
                         uint64_t end)
{
  struct pw_range area;
  for (uint64_t at = start; c->clock && at < end && pw_ranges_next(&m->areas, at, &area) && area.first < end; at = area.last + 1) {
    const struct pw_mm_kind *k = &m->vmas[area.value].kind;
    bool of_file = k->flags & PW_AREA_FILE && k->flags & PW_MAP_SHARED && k->file != PW_NO_FILE;
    if (of_file) write_file(c, processes, n, k->file, pw_most(at, area.first) + k->shift, pw_least(end - 1, area.last) + k->shift);
  }
}
