/* What the kernel does at a change and at a touch, and in which order. See kernel.h.
 *
 * A touch: translate it in the process's own tables; where that fails make room, then let the fault
 * take it. A fault never calls reclaim, so what it looks at cannot go away under it. */
#include "os/linux/kernel.h"

int pw_kernel_init(struct pw_kernel *k, enum pw_thp thp, bool reclaims_tables, struct pw_error *err)
{
  int status = pw_mm_init(&k->mm, err);
  k->mm.thp = thp;
  k->mm.reclaims_tables = reclaims_tables;
  return status;
}

void pw_kernel_clear(struct pw_kernel *k)
{
  pw_mm_clear(&k->mm);
}

static int change(void *context, const struct pw_native_change *c, struct pw_error *err)
{
  struct pw_mm *m = &((struct pw_kernel *)context)->mm;
  const struct pw_native_vma *vma = &c->vma;
  switch (c->kind) {
  case PW_NATIVE_MAP: return pw_mm_map(m, vma, err);
  case PW_NATIVE_MOVE: return pw_mm_move(m, c, err);
  case PW_NATIVE_UNMAP: return pw_mm_unmap(m, vma->start, vma->end, err);
  case PW_NATIVE_PROTECT: return pw_mm_protect(m, vma->start, vma->end, vma->flags, err);
  case PW_NATIVE_DISCARD: pw_mm_discard(m, vma->start, vma->end); return 0;
  case PW_NATIVE_FORK: pw_mm_fork(m); return 0;
  case PW_NATIVE_POPULATE:
    return pw_mm_populate(m, vma->start, vma->end,
                          vma->flags == PW_ADVICE_LOCK ? PW_POPULATE_BY_RIGHT : vma->flags == PW_ADVICE_POPULATE_WRITE ? PW_POPULATE_WRITE : PW_POPULATE_READ,
                          err);
  case PW_NATIVE_ADVISE:
    if (vma->start < vma->end) return pw_mm_set_flags(m, vma->start, vma->end, PW_AREA_HUGE | PW_AREA_NOHUGE, vma->flags, err);
    m->no_thp = vma->flags == PW_AREA_NOHUGE;
    return 0;
  }
  return 0;
}

/* Frames are plenty, so there is no room to make before the fault. */
int pw_kernel_touch(struct pw_kernel *k, uint64_t page, bool write, struct pw_error *err)
{
  return pw_mm_reaches(&k->mm, page, write) ? 0 : pw_mm_fault(&k->mm, page, write, err);
}

static int touch(void *context, uint64_t page, bool write, struct pw_error *err)
{
  return pw_kernel_touch(context, page, write, err);
}

static bool is_present(void *context, uint64_t start, uint64_t end)
{
  return pw_mm_present(&((struct pw_kernel *)context)->mm, start, end) > 0;
}

struct pw_relocation_target pw_kernel_target(struct pw_kernel *k)
{
  return (struct pw_relocation_target){k, change, touch, is_present};
}
