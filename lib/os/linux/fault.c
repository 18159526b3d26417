/* Faults: what a touch of a page that is not there, or may not be written, does. See mm.h.
 *
 * The rules are those of mm/memory.c (handle_mm_fault, fault-around) and mm/filemap.c. A fault takes, in this order, the
 * tables above, then a block of 2 MiB (huge.c), or the leaf table, the area's anon_vma and a frame. */
#include "os/linux/computer.h"

enum { READ_AROUND = 32 };

/* A fault that is taken. */
struct fault {
  struct pw_mm *m;
  struct pw_computer *computer; /* or NULL */
  struct pw_mm_vma *vma;        /* or NULL: nothing is known to be mapped there */
  struct pw_range area;
  uint64_t page;
  bool write;
  uint32_t *ptes;
  struct pw_error *err;
};

static uint64_t leaf_of(const struct fault *f)
{
  return pw_ptables_leaf(&f->m->tables);
}

static bool is_file(const struct fault *f)
{
  return f->vma && f->vma->kind.flags & PW_AREA_FILE;
}

static bool is_shared(const struct fault *f)
{
  return f->vma && f->vma->kind.flags & PW_MAP_SHARED;
}

static uint64_t file_index(const struct fault *f, uint64_t page)
{
  return page + f->vma->kind.shift;
}

/* A stack grows to a page below it, if nothing else is there first. */
static int grow_stack(struct fault *f, bool *grown)
{
  struct pw_native_vma area;
  struct pw_range next;
  *grown = pw_ranges_next(&f->m->areas, f->page, &next) && f->m->vmas[next.value].kind.flags & PW_MAP_STACK;
  if (!*grown) return 0;
  area = pw_mm_area_of(f->m, &next);
  return pw_mm_grow_down(f->m, &area, f->page, f->err);
}

/* ---- pages come ---- */

/* A frame of the process's own: cleared, or filled from `source`, which stays in memory meanwhile. */
static int put_own(struct fault *f, uint32_t *pte, bool copied, uint32_t source)
{
  uint32_t frame = 0;
  bool pins = copied && f->computer;
  if (pins) pw_computer_pin(f->computer, source, true);
  int status = pw_mm_need_anon(f->m, f->vma, f->err);
  if (!status && f->computer) status = pw_computer_take_anon(f->computer, 0, PW_EFFORT_ALL, f->m, f->page, &frame);
  if (pins) pw_computer_pin(f->computer, source, false);
  if (status) return status;
  pw_mm_forget_page(f->m, pte); /* a copy is made before the old page is let go */
  *pte = pw_pte_make(PW_PTE_OWN, frame);
  f->m->counts.own++;
  f->m->counts.brought++;
  f->m->counts.copies += copied;
  return 0;
}

/* Pages around are read with the one that is needed, if there is room. */
static int read_around(struct fault *f, uint64_t index, uint64_t from, uint64_t to, uint32_t *frame)
{
  uint32_t file = f->vma->kind.file, other;
  bool pinned = false;
  int status = 0;
  for (uint64_t i = from; !status && i < to; i++) {
    if (pw_computer_cached(f->computer, file, i) != PW_NO_FRAME) continue;
    status = pw_computer_cache(f->computer, file, i, f->m, i != index, i == index ? frame : &other);
    if (status == PW_MM_NO_FRAME && i != index) status = 0;
    if (status || i != index) continue;
    pw_computer_pin(f->computer, *frame, true);
    pinned = true;
  }
  if (pinned) pw_computer_pin(f->computer, *frame, false);
  return status;
}

/* The page of the file is in the cache afterwards: it was, or it is read, with those around it. */
static int need_cached(struct fault *f, uint32_t *frame, bool *was)
{
  uint32_t file = f->vma->kind.file;
  uint64_t index = file_index(f, f->page), end = f->computer->files[file].end;
  *frame = pw_computer_cached(f->computer, file, index);
  *was = *frame != PW_NO_FRAME;
  if (*was) return 0;
  bool memory = pw_computer_is_shared(f->computer, file);
  f->m->counts.swap_ins += memory && pw_computer_is_out(f->computer, file, index);
  uint64_t from = index < READ_AROUND / 2 ? 0 : index - READ_AROUND / 2, to = pw_least(from + READ_AROUND, pw_most(end, index + 1));
  return pw_mm_status(read_around(f, index, memory ? index : from, memory ? index + 1 : to, frame), f->err);
}

/* A read of a file maps what is around it: 16 pages from a multiple of 16 in the table, or from
 * the start of the area where that comes later, up to the end of the area, the table and the file; of the page cache
 * what is there. */
static int map_around(struct fault *f, enum pw_pte state)
{
  uint64_t in_table = f->page % leaf_of(f), in_area = f->page - f->area.first, around = f->m->around_pages;
  uint64_t from = pw_most(in_table - in_table % around, in_table - pw_least(in_table, in_area));
  uint64_t to = pw_least(pw_least(from + around, leaf_of(f)), in_table + (f->area.last + 1 - f->page));
  uint64_t in_file = file_index(f, f->page), file_pages = f->vma->kind.file_pages;
  if (file_pages) to = pw_least(to, in_table + pw_most(file_pages, in_file + 1) - in_file);
  for (uint64_t i = from; i < to; i++) {
    uint32_t frame = 0;
    if (pw_pte_state(f->ptes[i]) != PW_PTE_NONE) continue;
    if (f->computer) frame = pw_computer_cached(f->computer, f->vma->kind.file, in_file - in_table + i);
    if (frame == PW_NO_FRAME) continue;
    if (f->computer && pw_computer_map(f->computer, frame, 1, f->m, f->page - in_table + i)) return pw_mm_no_memory(f->err);
    f->ptes[i] = pw_pte_make(state, frame);
    f->m->counts.cached++;
    f->m->counts.around += i != in_table;
  }
  return 0;
}

/* A page that lives in the page cache: of a file, or of memory that is shared. */
static int touch_cached(struct fault *f, uint32_t *pte)
{
  bool shared = is_shared(f), memory = shared && !is_file(f), was = true, writable = f->vma->kind.flags & PW_MAP_WRITE;
  uint32_t frame = 0;
  uint64_t swap_ins = f->m->counts.swap_ins;
  int status = f->computer ? need_cached(f, &frame, &was) : 0;
  if (status) return status;
  f->m->counts.major_faults += !was && (!memory || f->m->counts.swap_ins != swap_ins);
  if (f->write && !shared) return put_own(f, pte, true, frame);
  enum pw_pte state = memory ? (writable ? PW_PTE_CACHE_WRITE : PW_PTE_CACHE) : f->write ? PW_PTE_CACHE_WRITE : PW_PTE_CACHE;
  if (!f->write && (!memory || f->computer)) return map_around(f, state);
  status = f->write && f->computer ? pw_computer_dirty(f->computer, f->vma->kind.file, file_index(f, f->page), frame) : 0;
  if (status) return pw_mm_status(status, f->err);
  if (f->computer && pw_computer_map(f->computer, frame, 1, f->m, f->page)) return pw_mm_no_memory(f->err);
  *pte = pw_pte_make(state, frame);
  f->m->counts.cached++;
  return 0;
}

static int first_touch(struct fault *f)
{
  uint32_t *pte = &f->ptes[f->page % leaf_of(f)];
  if (is_file(f)) f->m->counts.file_faults++;
  else f->m->counts.anonymous_faults++;
  if (f->computer && f->computer->options.plain) return put_own(f, pte, false, 0);
  if (f->vma && f->vma->kind.flags & PW_AREA_SPECIAL) {
    *pte = PW_PTE_ZERO; /* there, and not resident */
    return 0;
  }
  if (is_shared(f) || is_file(f)) return touch_cached(f, pte);
  if (f->write) return put_own(f, pte, false, 0);
  *pte = PW_PTE_ZERO;
  return pw_mm_need_anon(f->m, f->computer ? f->vma : NULL, f->err);
}

/* Has nobody else the page, in memory or in swap? A block of 2 MiB must be mapped by this process alone. */
static bool is_alone(const struct fault *f, uint32_t frame)
{
  uint32_t holders = pw_computer_holders(f->computer, frame), mine = 0;
  if (!pw_computer_in_block(f->computer, frame)) return holders == 1 && !pw_computer_in_swap(f->computer, frame);
  uint64_t first = f->page - frame % PW_HUGE_PAGES;
  for (uint64_t i = 0; i < PW_HUGE_PAGES; i++) {
    struct pw_ptables_at at = pw_ptables_find(&f->m->tables, first + i);
    if (at.huge) return false; /* of another place of the process */
    uint32_t pte = at.ptes ? at.ptes[(first + i) % leaf_of(f)] : 0;
    mine += pw_pte_is_own(pte) && pw_pte_frame(pte) == frame - frame % PW_HUGE_PAGES + i;
  }
  return holders == mine;
}

/* A write to a page that is there to be read; *silent: it was no fault. */
static int write_present(struct fault *f, bool *silent)
{
  uint32_t *pte = &f->ptes[f->page % leaf_of(f)];
  enum pw_pte state = pw_pte_state(*pte);
  if (state == PW_PTE_CLEAN) {
    pw_pte_let_write(pte, PW_PTE_OWN);
    pw_computer_soiled(f->computer, pw_pte_frame(*pte));
    *silent = true;
    return 0;
  }
  bool alone = f->computer && state == PW_PTE_FORKED && is_alone(f, pw_pte_frame(*pte));
  *silent = alone && f->computer->options.plain;
  f->m->counts.copy_faults += !*silent;
  if (is_shared(f) && state == PW_PTE_CACHE) {
    int status = f->computer ? pw_computer_dirty(f->computer, f->vma->kind.file, file_index(f, f->page), pw_pte_frame(*pte)) : 0;
    if (status) return pw_mm_status(status, f->err);
    pw_pte_let_write(pte, PW_PTE_CACHE_WRITE);
    return 0;
  }
  if (alone || (!f->computer && state == PW_PTE_FORKED)) {
    pw_pte_let_write(pte, PW_PTE_OWN);
    if (f->computer) pw_computer_wrote(f->computer, pw_pte_frame(*pte));
    return 0;
  }
  return put_own(f, pte, state != PW_PTE_ZERO, pw_pte_frame(*pte));
}

static struct pw_swap_ahead *ahead_of(const struct fault *f)
{
  return f->vma ? &f->vma->ahead : &f->m->ahead;
}

static const struct pw_range everywhere = {.first = 0, .last = UINT64_MAX - 1};

/* A page that was swapped out comes back: as it was, if swap has it for this entry alone; else it stays in the swap cache, which
 * others may find it in. */
static int bring_back(struct fault *f, uint32_t *pte, uint32_t *frame)
{
  struct pw_swap *swap = &f->computer->reclaim.swap;
  uint32_t slot = pw_pte_frame(*pte), folio = swap->slots[slot].folio;
  bool cached = true, slow = pw_swap_is_slow(f->computer), exclusive = slow && *pte & PW_PTE_EXCLUSIVE;
  if (folio != PW_NO_FOLIO) {
    *frame = f->computer->reclaim.folios.list[folio].frame;
    pw_swap_hit(f->computer, f->m, ahead_of(f), f->page, folio);
  } else {
    int status = slow ? pw_swap_read(f->computer, f->m, f->vma ? &f->area : &everywhere, ahead_of(f), f->page, f->ptes, slot, frame)
                      : pw_computer_swap_in(f->computer, slot, f->m, f->page, frame, &cached);
    if (status) return pw_mm_status(status, f->err);
    f->m->counts.major_faults++;
    f->m->counts.swap_ins += !slow;
  }
  if (cached && pw_computer_map(f->computer, *frame, 1, f->m, f->page)) return pw_mm_no_memory(f->err);
  swap->slots[slot].users -= cached;
  f->m->counts.swapped--;
  f->m->counts.own++;
  *pte = pw_pte_make(!cached ? PW_PTE_OWN : exclusive ? PW_PTE_CLEAN : PW_PTE_FORKED, *frame);
  return 0;
}

static int swap_in(struct fault *f)
{
  uint32_t *pte = &f->ptes[f->page % leaf_of(f)], frame;
  struct pw_swap *swap = &f->computer->reclaim.swap;
  f->m->counts.anonymous_faults++;
  int status = bring_back(f, pte, &frame);
  if (status || pw_pte_state(*pte) == PW_PTE_OWN) return status;
  bool alone = is_alone(f, frame);
  if (f->write && !alone) return put_own(f, pte, true, frame);
  if (!alone || (!f->write && 2 * swap->used < swap->n)) return 0;
  pw_pte_set_state(pte, PW_PTE_OWN); /* it is written, or swap is half full, where nothing is kept for nothing */
  pw_computer_wrote(f->computer, frame);
  return 0;
}

static int touch_2m(struct fault *f, bool *done)
{
  if (f->vma && pw_mm_may_be_huge(f->m, f->page, &f->area)) {
    int status = pw_mm_fault_huge(f->m, f->page, f->vma, f->write, done, f->err);
    if (status || *done) return status;
  }
  struct pw_huge *huge = pw_ptables_find(&f->m->tables, f->page).huge;
  return huge ? pw_mm_write_huge(f->m, f->page, f->vma, huge, done, f->err) : 0;
}

static void tell(const struct fault *f, const struct pw_mm_counts *before, bool huge)
{
  const struct pw_mm_counts *now = &f->m->counts;
  f->computer->tell(f->computer->tell_context,
                    &(struct pw_told){.what = PW_TOLD_FAULT, .mm = f->m, .page = f->page, .write = f->write, .huge = huge,
                                      .major = now->major_faults > before->major_faults, .fallback = now->thp_fallbacks > before->thp_fallbacks,
                                      .swap = now->swap_ins > before->swap_ins,
                                      .copies = now->copies - before->copies, .around = now->around - before->around, .own = now->brought - before->brought});
}

/* The process is killed instead of going on: it did not come to this. */
static void forget_fault(struct pw_mm *m, const struct pw_mm_counts *before)
{
  m->counts.anonymous_faults = before->anonymous_faults;
  m->counts.file_faults = before->file_faults;
  m->counts.copy_faults = before->copy_faults;
  m->counts.major_faults = before->major_faults;
  m->counts.swap_ins = before->swap_ins;
  m->counts.thp_fallbacks = before->thp_fallbacks;
}

static int take_entry(struct fault *f, bool *silent)
{
  switch (pw_pte_state(f->ptes[f->page % leaf_of(f)])) {
    case PW_PTE_NONE: return first_touch(f);
    case PW_PTE_SWAP: return swap_in(f);
    default: return write_present(f, silent);
  }
}

int pw_mm_fault(struct pw_mm *m, uint64_t page, bool write, struct pw_error *err)
{
  struct fault f = {.m = m, .computer = m->computer, .page = page, .write = write, .err = err};
  bool inside = page < m->tables.end, silent = false, done = false;
  const struct pw_mm_counts before = m->counts;
  bool mapped = inside && pw_ranges_at(&m->areas, page, &f.area);
  int status = mapped || !inside ? 0 : grow_stack(&f, &mapped);
  if (status) return status;
  if (mapped) pw_ranges_at(&m->areas, page, &f.area);
  if (mapped) f.vma = &m->vmas[f.area.value];
  m->counts.strays += !mapped;
  if (!inside || (!mapped && !m->computer)) return 0;
  m->unknown |= !mapped;
  if (mapped && f.vma->kind.flags & PW_AREA_POOL) status = pw_mm_fault_pool(m, page, f.vma, write, &done, err);
  uint64_t span = done ? pw_hugetlb_span(f.vma->kind.flags) : PW_HUGE_PAGES;
  if (!status && !done) status = pw_mm_status(pw_ptables_make_above(&m->tables, page, 0, NULL), err);
  if (!status && !done && m->thp != PW_THP_NEVER && m->tables.huge) status = touch_2m(&f, &done);
  if (!status && !done && (f.ptes = pw_mm_make_table(m, page, &status, err)) != NULL)
    status = take_entry(&f, &silent);
  if (status == PW_MM_KILLED || status == PW_MM_BUS) forget_fault(m, &before);
  pw_mm_note(m);
  if (!status && !silent && m->computer && m->computer->tell) tell(&f, &before, done);
  if (!status && !silent && m->computer && !m->computer->options.plain)
    pw_mm_shot(m, done ? page & ~(span - 1) : page, done ? (page | (span - 1)) + 1 : page + 1);
  return pw_mm_status(status, err);
}

int pw_mm_access(struct pw_mm *m, uint64_t page, bool write, struct pw_error *err)
{
  bool there = pw_mm_touch(m, page, write);
  int status = there ? 0 : pw_mm_fault(m, page, write, err);
  if (!status && !there) pw_mm_touch(m, page, write);
  bool counts = !status && m->computer && m->computer->options.reclaim.policy == PW_SYSTEM_RECLAIM_LRU;
  if (counts && page < m->tables.end) pw_mm_used(m, page);
  return status;
}

int pw_mm_populate(struct pw_mm *m, uint64_t start, uint64_t end, enum pw_populate how, struct pw_error *err)
{
  struct pw_range area;
  int status = 0;
  for (uint64_t at = start; !status && at < end && pw_ranges_next(&m->areas, at, &area) && area.first < end; at = area.last + 1) {
    uint32_t flags = m->vmas[area.value].kind.flags;
    bool write = how == PW_POPULATE_WRITE || (how == PW_POPULATE_BY_RIGHT && flags & PW_MAP_WRITE && !(flags & PW_MAP_SHARED));
    if (flags & PW_AREA_SPECIAL || !(flags & (write ? PW_MAP_WRITE : PW_MAP_READ))) continue;
    for (uint64_t page = pw_most(at, area.first), last = pw_least(end - 1, area.last); !status && page <= last; page++)
      status = pw_mm_access(m, page, write, err);
  }
  return status == PW_MM_BUS ? 0 : status; /* the system call fails */
}

void pw_mm_clean(struct pw_mm *m, uint32_t file, uint64_t index)
{
  struct pw_range area;
  for (uint64_t at = 0; pw_ranges_next(&m->areas, at, &area); at = area.last + 1) {
    const struct pw_mm_kind *k = &m->vmas[area.value].kind;
    uint64_t page = index - k->shift;
    if (k->file != file || !(k->flags & PW_MAP_SHARED) || page < area.first || page > area.last) continue;
    struct pw_ptables_at leaf = pw_ptables_find(&m->tables, page);
    uint32_t *pte = leaf.ptes ? &leaf.ptes[page % pw_ptables_leaf(&m->tables)] : NULL;
    if (!pte || pw_pte_state(*pte) != PW_PTE_CACHE_WRITE) continue;
    pw_pte_set_state(pte, PW_PTE_CACHE);
    pw_mm_shot(m, page, page + 1);
  }
}
