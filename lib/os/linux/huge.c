/* 2 MiB at a time: transparent huge pages. See mm.h.
 *
 * The rules are those of mm/huge_memory.c and mm/khugepaged.c (Linux 6.18). What is not modelled: compaction, and huge
 * pages of files and of shared memory. */
#include "os/linux/computer.h"

enum { MOST_SHARED = 256, MOST_SWAPPED = 64 };

static uint64_t first_of(uint64_t page)
{
  return page & ~(uint64_t)(PW_HUGE_PAGES - 1);
}

/* Anonymous memory whose aligned 2 MiB lie in one area that may have huge pages. */
bool pw_mm_may_be_huge(const struct pw_mm *m, uint64_t page, const struct pw_range *area)
{
  const struct pw_mm_kind *k = &m->vmas[area->value].kind;
  uint64_t first = first_of(page);
  if (m->thp == PW_THP_NEVER || m->no_thp || !m->tables.huge) return false;
  if (k->flags & (PW_AREA_FILE | PW_AREA_SPECIAL | PW_MAP_SHARED | PW_AREA_NOHUGE | PW_MAP_HUGETLB)) return false;
  if (m->thp == PW_THP_MADVISE && !(k->flags & PW_AREA_HUGE)) return false;
  return area->first <= first && area->last >= first + PW_HUGE_PAGES - 1;
}

/* ---- blocks; who is alone has enough of them, and counts none ---- */

/* Room is made for memory that was advised to have huge pages alone: "madvise" as the kernel's setting of defrag. */
static int take_block(struct pw_mm *m, uint64_t page, const struct pw_mm_vma *vma, bool zero, uint32_t *frame)
{
  enum pw_effort effort = vma->kind.flags & PW_AREA_HUGE ? PW_EFFORT_LIGHT : PW_EFFORT_NONE;
  *frame = 0;
  if (!m->computer) return 0;
  return zero ? pw_computer_huge_zero(m->computer, frame) : pw_computer_take_anon(m->computer, PW_HUGE_ORDER, effort, m, first_of(page), frame);
}

/* A 2 MiB mapping comes (1) or goes (-1): of a block, or of the zero page. */
static void count_mapping(struct pw_mm *m, bool zero, uint32_t frame, int change)
{
  if (!zero) m->counts.huge += (uint64_t)(int64_t)change;
  if (!m->computer) return;
  if (zero) m->computer->zero_maps += (uint64_t)(int64_t)change;
  else pw_computer_count_huge(m->computer, frame, change);
}

static bool is_alone(const struct pw_mm *m, uint32_t frame)
{
  return !m->computer || pw_computer_holders(m->computer, frame) == PW_HUGE_PAGES;
}

/* ---- */

static int put_huge(struct pw_mm *m, uint64_t first, enum pw_pte state, uint32_t frame)
{
  bool pins = m->computer && state != PW_PTE_ZERO; /* the table that is set aside may need room */
  if (pins) pw_computer_pin(m->computer, frame, true);
  int status = pw_ptables_map_huge(&m->tables, first, pw_pte_make(state, frame));
  if (pins) pw_computer_pin(m->computer, frame, false);
  if (status) return status;
  count_mapping(m, state == PW_PTE_ZERO, frame, 1);
  m->counts.own += state == PW_PTE_ZERO ? 0 : PW_HUGE_PAGES;
  return 0;
}

static void fall_back(struct pw_mm *m)
{
  m->counts.thp_fallbacks++;
  if (m->computer && m->computer->few) m->computer->few(m->computer->shoot_context, PW_SYSTEM_THP_FALLBACK, 0);
}

/* A first touch. Not done: there is a leaf table already, or no block to be had. */
int pw_mm_fault_huge(struct pw_mm *m, uint64_t page, struct pw_mm_vma *vma, bool write, bool *done, struct pw_error *err)
{
  struct pw_ptables_at at = pw_ptables_find(&m->tables, page);
  uint32_t frame;
  if (at.ptes || at.huge) return 0;
  int status = pw_mm_need_anon(m, vma, err);
  if (status) return status;
  status = take_block(m, page, vma, !write, &frame);
  if (status == PW_MM_NO_FRAME) {
    fall_back(m);
    return 0;
  }
  if (status) return pw_mm_status(status, err);
  status = put_huge(m, first_of(page), write ? PW_PTE_OWN : PW_PTE_ZERO, frame);
  if (status && write && m->computer) pw_computer_unmap(m->computer, frame, PW_HUGE_PAGES);
  if (status) return pw_mm_status(status, err);
  m->counts.anonymous_faults++;
  m->counts.thp_faults += write;
  m->counts.brought += write ? PW_HUGE_PAGES : 0;
  *done = true;
  return 0;
}

/* A write to 2 MiB that are there to be read. Not done: they are base pages now. */
int pw_mm_write_huge(struct pw_mm *m, uint64_t page, struct pw_mm_vma *vma, struct pw_huge *huge, bool *done, struct pw_error *err)
{
  uint32_t frame = pw_pte_frame(huge->pte);
  if (pw_pte_state(huge->pte) == PW_PTE_FORKED && is_alone(m, frame)) {
    pw_pte_let_write(&huge->pte, PW_PTE_OWN);
    m->counts.copy_faults++;
    *done = true;
    return 0;
  }
  if (pw_pte_state(huge->pte) == PW_PTE_ZERO) {
    int status = pw_mm_need_anon(m, vma, err);
    if (status) return status;
    status = take_block(m, page, vma, false, &frame);
    if (!status) {
      huge->pte = pw_pte_make(PW_PTE_OWN, frame);
      count_mapping(m, true, 0, -1);
      count_mapping(m, false, frame, 1);
      m->counts.own += PW_HUGE_PAGES;
      m->counts.brought += PW_HUGE_PAGES;
      m->counts.copy_faults++;
      m->counts.thp_faults++;
      *done = true;
      return 0;
    }
    if (status != PW_MM_NO_FRAME) return pw_mm_status(status, err);
    fall_back(m);
  }
  pw_mm_split_huge(m, page);
  return 0;
}

/* The mapping is of base pages afterwards; the block stays one until its last page goes. */
void pw_mm_split_huge(struct pw_mm *m, uint64_t page)
{
  struct pw_huge *huge = pw_ptables_find(&m->tables, page).huge;
  uint32_t pte = huge->pte, frame = pw_pte_frame(pte);
  uint32_t *ptes = pw_ptables_split(&m->tables, page);
  bool zero = pw_pte_state(pte) == PW_PTE_ZERO;
  for (uint32_t i = 0; i < PW_HUGE_PAGES; i++) ptes[i] = zero ? (uint32_t)PW_PTE_ZERO : pte + (i << PW_PTE_BITS);
  m->counts.thp_splits++;
  count_mapping(m, zero, frame, -1);
  if (m->computer && m->computer->tell)
    m->computer->tell(m->computer->tell_context, &(struct pw_told){.what = PW_TOLD_SPLIT, .mm = m, .page = first_of(page)});
  pw_mm_shot(m, first_of(page), first_of(page) + PW_HUGE_PAGES);
}

void pw_mm_unmap_huge(struct pw_mm *m, uint64_t page, struct pw_huge *huge)
{
  uint32_t frame = pw_pte_frame(huge->pte);
  bool zero = pw_pte_state(huge->pte) == PW_PTE_ZERO;
  pw_ptables_unmap_huge(&m->tables, page);
  count_mapping(m, zero, frame, -1);
  if (zero) return;
  m->counts.own -= PW_HUGE_PAGES;
  if (m->computer) pw_computer_unmap(m->computer, frame, PW_HUGE_PAGES);
}

bool pw_mm_move_huge(struct pw_mm *m, uint64_t page, uint64_t to, int *status)
{
  struct pw_ptables_at there = pw_ptables_find(&m->tables, to);
  struct pw_huge *huge = pw_ptables_find(&m->tables, page).huge;
  uint32_t frame = pw_pte_frame(huge->pte);
  bool pins = m->computer && pw_pte_state(huge->pte) != PW_PTE_ZERO;
  if (to % PW_HUGE_PAGES || there.ptes || there.huge) return false;
  if (pins) pw_computer_pin(m->computer, frame, true);
  *status = pw_ptables_map_huge(&m->tables, to, huge->pte);
  if (pins) pw_computer_pin(m->computer, frame, false);
  if (*status) return false;
  pw_ptables_unmap_huge(&m->tables, page);
  if (pins) *status = pw_computer_moved(m->computer, frame, m, to);
  return true;
}

/* ---- khugepaged ---- */

/* What stands in a leaf table that may become 2 MiB. */
struct census {
  uint32_t present, shared, swapped;
};

static struct census take_census(const struct pw_mm *m, const uint32_t *ptes)
{
  struct census n = {0};
  for (uint32_t i = 0; ptes && i < PW_HUGE_PAGES; i++) {
    uint32_t frame = pw_pte_frame(ptes[i]);
    bool own = pw_pte_is_own(ptes[i]);
    n.present += own;
    n.swapped += pw_pte_state(ptes[i]) == PW_PTE_SWAP;
    n.shared += own && pw_computer_holders(m->computer, frame) > 1 && !pw_computer_in_block(m->computer, frame);
  }
  return n;
}

/* Base pages become a block. Not done: nothing is there, too much is shared or in swap, or there is no block. */
int pw_mm_collapse(struct pw_mm *m, uint64_t page, bool *done, struct pw_error *err)
{
  uint64_t first = first_of(page);
  uint32_t *ptes = pw_ptables_find(&m->tables, first).ptes, frame;
  struct census n = take_census(m, ptes);
  *done = false;
  if (!n.present || n.shared > MOST_SHARED || n.swapped > MOST_SWAPPED) return 0;
  int status = pw_computer_take_anon(m->computer, PW_HUGE_ORDER, PW_EFFORT_LIGHT, m, first, &frame);
  if (status) return pw_mm_status(status, err);
  n = take_census(m, ptes); /* making room may have taken some away */
  for (uint32_t i = 0; i < PW_HUGE_PAGES; i++) {
    bool zeros = !pw_pte_is_own(ptes[i]) || !pw_computer_was_stored(m->computer, pw_pte_frame(ptes[i]));
    if (!zeros || pw_pte_state(ptes[i]) == PW_PTE_SWAP) pw_computer_stored(m->computer, frame + i);
    pw_mm_forget_page(m, &ptes[i]);
  }
  status = pw_ptables_collapse(&m->tables, first, pw_pte_make(PW_PTE_OWN, frame));
  if (status) {
    pw_computer_unmap(m->computer, frame, PW_HUGE_PAGES);
    return pw_mm_status(status, err);
  }
  count_mapping(m, false, frame, 1);
  m->counts.own += PW_HUGE_PAGES;
  m->counts.copies += n.present;
  m->counts.brought += PW_HUGE_PAGES - n.present - n.swapped;
  m->counts.swap_ins += n.swapped;
  m->counts.thp_collapses++;
  pw_mm_note(m);
  if (m->computer->tell)
    m->computer->tell(m->computer->tell_context, &(struct pw_told){.what = PW_TOLD_COLLAPSE, .mm = m, .page = first, .copies = n.present,
                                                                       .own = PW_HUGE_PAGES - n.present - n.swapped});
  pw_mm_shot(m, first, first + PW_HUGE_PAGES);
  *done = true;
  return 0;
}
