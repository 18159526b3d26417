/* A trace as a program of a computer. See replay.h. */
#include "os/linux/replay.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "os/linux/writeback.h"

#define MOST_WAITING (1u << 22)

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the processes of the traces");
}

static int reserve(struct pw_program *p, uint32_t index)
{
  size_t n = (size_t)index + 1;
  struct pw_processes *all = p->all;
  if (pw_grow((void **)&p->numbers, &p->numbers_room, n, sizeof *p->numbers)) return -1;
  while (p->n_numbers < n) p->numbers[p->n_numbers++] = 0;
  return pw_grow((void **)&all->list, &all->room, all->n + 1, sizeof *all->list) ||
                 pw_grow((void **)&all->of, &all->of_room, all->n + 1, sizeof *all->of)
             ? -1
             : 0;
}

int pw_program_init(struct pw_program *p, struct pw_computer *computer, struct pw_processes *all, uint32_t number,
                    struct pw_error *err)
{
  memset(p, 0, sizeof *p);
  p->computer = computer;
  p->all = all;
  p->number = number;
  p->next = p->executed = PW_NO_TEXT;
  return pw_spaces_init(&p->spaces, 0) ? out_of_memory(err) : 0;
}

int pw_program_join(struct pw_program *p, struct pw_computer *computer, struct pw_processes *all, uint32_t number, uint32_t child,
                    struct pw_error *err)
{
  int status = pw_program_init(p, computer, all, number, err);
  if (status) return status;
  if (reserve(p, 0)) return out_of_memory(err);
  p->numbers[0] = all->list[child]->killed ? PW_KILLED : child + 1;
  all->of[child].program = number;
  p->joins = p->began = true;
  return 0;
}

void pw_program_clear(struct pw_program *p)
{
  pw_spaces_clear(&p->spaces);
  pw_intern_clear(&p->texts);
  pw_free(p->born);
  pw_free(p->numbers);
}

/* ---- processes ---- */

static struct pw_process *process_of(struct pw_program *p, uint32_t index)
{
  return index < p->n_numbers && p->numbers[index] && p->numbers[index] != PW_KILLED ? p->all->list[p->numbers[index] - 1] : NULL;
}

static void note_beginning(const struct pw_program *p, struct pw_process *made, const struct pw_process *parent)
{
  made->killed = !made->lives;
  made->began = p->computer->clock ? *p->computer->clock : 0;
  if (parent) return;
  made->adj = p->adj;
  made->oom_adj = p->oom_adj;
  made->nice = p->nice;
}

/* Process `index` of the trace begins: of a parent, or by itself. */
static int begin(struct pw_program *p, uint32_t index, struct pw_process *parent, struct pw_error *err)
{
  if (reserve(p, index)) return out_of_memory(err);
  struct pw_processes *all = p->all;
  struct pw_process *made = pw_calloc(1, sizeof *made);
  if (!made) return out_of_memory(err);
  all->list[all->n] = made;
  all->of[all->n++] = (struct pw_process_of){.program = p->number, .process = index};
  p->numbers[index] = (uint32_t)all->n;
  p->computer->asker = parent; /* one that begins by itself asks for nobody who lives */
  uint32_t number = (uint32_t)all->n - 1;
  int status = parent ? pw_process_fork(made, parent, number, err) : pw_process_begin(made, p->computer, number, err);
  if (status == PW_MM_KILLED) p->numbers[index] = PW_KILLED; /* its parent was, in the middle of the fork */
  note_beginning(p, made, parent);
  return status;
}

void pw_program_kill(struct pw_program *p, uint32_t index)
{
  struct pw_process *process = process_of(p, index);
  if (!process) return;
  process->killed = true;
  pw_process_end(process);
  p->numbers[index] = PW_KILLED;
  if (p->maps && p->mapped.process == index) p->maps = false;
}

static void end(struct pw_program *p, uint32_t index, bool exited)
{
  struct pw_process *process = process_of(p, index);
  if (!process) return;
  p->all->of[p->numbers[index] - 1].exited = exited;
  pw_process_end(process);
  p->numbers[index] = 0;
}

/* The process that runs: one that nobody began begins here. */
static int need_process(struct pw_program *p, struct pw_process **process, struct pw_error *err)
{
  int status = 0;
  if (!process_of(p, p->current)) status = begin(p, p->current, NULL, err);
  *process = process_of(p, p->current);
  p->computer->asker = *process;
  return status;
}

/* ---- what events change ---- */

/* Which file of the computer a mapping is of. */
static int file_of(struct pw_program *p, const struct pw_vma *v, uint32_t *file)
{
  const char *name = p->spaces.texts.texts[v->object];
  *file = PW_NO_FILE;
  if (p->computer->options.plain) return 0;
  if (v->kind == PW_VMA_FILE) return pw_computer_file(p->computer, name, strlen(name), v->inode, file);
  return v->rights & PW_MAP_SHARED ? pw_computer_shared(p->computer, file) : 0;
}

static struct pw_native_vma area_of(const struct pw_vma *v)
{
  struct pw_native_vma area = {.start = v->first, .end = v->last + 1, .flags = v->rights};
  if (v->kind == PW_VMA_FILE) { /* a .bss is named by its file, and is memory like another */
    area.flags |= PW_AREA_FILE;
    area.inode = v->inode;
    area.offset = v->offset;
  }
  if (v->kind == PW_VMA_MMAP) area.flags |= v->hugetlb;
  if (v->kind == PW_VMA_SPECIAL) area.flags |= PW_AREA_SPECIAL;
  if (v->kind == PW_VMA_STACK || v->grows) area.flags |= PW_MAP_STACK;
  return area;
}

/* Of huge pages set aside; where there are too few, of small ones, as programs do that are told so. */
static int map_pool(struct pw_mm *mm, struct pw_native_vma *area, uint32_t file, struct pw_error *err)
{
  uint64_t start = area->start, end = area->end;
  int status = end > mm->tables.end ? 0 : pw_mm_unmap(mm, start, end, err); /* what it had is free to be reserved */
  bool pooled = !status && pw_mm_reserve_pool(mm, area, file);
  mm->counts.hugetlb_fails += !status && !pooled;
  if (pooled && !(area->flags & PW_MAP_SHARED)) area->flags |= PW_AREA_RESERVED;
  if (!status) status = pw_mm_map_file(mm, area, file, err);
  if (!pooled) return status;
  mm->has_pool = true;
  if (!status) return pw_mm_keep_reserved(mm, area, err);
  pw_mm_cancel_pool(mm, area, file); /* it was killed before the area was there */
  return status;
}

/* The last map, now that its file is known or known not to come. */
static int settle(struct pw_program *p, struct pw_error *err)
{
  struct pw_process *process = p->maps ? process_of(p, p->mapped.process) : NULL;
  uint32_t file;
  p->maps = false;
  if (!process) return 0;
  struct pw_native_vma area = area_of(&p->mapped.vma);
  if (area.flags & PW_AREA_FILE && (area.offset >> 40 || (p->mapped.last - p->mapped.first) >> 39))
    return pw_error_set(err, PW_EUNSUPPORTED, "a file is mapped at an offset of more than 4 PiB, which no file has");
  area.start = p->mapped.first;
  area.end = p->mapped.last + 1;
  int status = file_of(p, &p->mapped.vma, &file);
  if (status) return pw_mm_status(status, err);
  if (p->computer->options.plain) { /* pages stay under a map, as in `run` */
    status = pw_mm_cut_areas(&process->mm, area.start, area.end, err);
    return status || area.end > process->mm.tables.end ? status : pw_mm_put_area(&process->mm, &area, file, err);
  }
  status = area.flags & PW_MAP_HUGETLB ? map_pool(&process->mm, &area, file, err) : pw_mm_map_file(&process->mm, &area, file, err);
  if (!status && area.flags & PW_AREA_FILE) status = pw_computer_warm(p->computer, file, area.offset, area.end - area.start);
  return pw_mm_status(status, err);
}

static int advise(struct pw_program *p, struct pw_mm *mm, const struct pw_space_change *c, struct pw_error *err)
{
  bool whole = c->first > c->last;
  if (!whole && c->to == PW_ADVICE_SYNC) pw_write_back_range(p->computer, p->all->list, p->all->n, mm, c->first, c->last + 1);
  if (whole) mm->no_thp = c->to == PW_ADVICE_THP_OFF ? true : c->to == PW_ADVICE_THP_ON ? false : mm->no_thp;
  if (!whole && c->to == PW_ADVICE_POPULATE_READ) return pw_mm_populate(mm, c->first, c->last + 1, PW_POPULATE_READ, err);
  if (!whole && c->to == PW_ADVICE_POPULATE_WRITE) return pw_mm_populate(mm, c->first, c->last + 1, PW_POPULATE_WRITE, err);
  if (!whole && c->to == PW_ADVICE_LOCK) return pw_mm_populate(mm, c->first, c->last + 1, PW_POPULATE_BY_RIGHT, err);
  if (whole || (c->to != PW_ADVICE_HUGEPAGE && c->to != PW_ADVICE_NOHUGEPAGE)) return 0;
  return pw_mm_set_flags(mm, c->first, c->last + 1, PW_AREA_HUGE | PW_AREA_NOHUGE,
                         c->to == PW_ADVICE_HUGEPAGE ? PW_AREA_HUGE : PW_AREA_NOHUGE, err);
}

static int take_change(void *context, const struct pw_space_change *c, struct pw_error *err)
{
  struct pw_program *p = context;
  struct pw_process *process;
  int status = need_process(p, &process, err);
  if (status) return status;
  struct pw_mm *mm = &process->mm;
  uint64_t start = c->first, stop = c->last + 1;
  switch (c->kind) {
    case PW_SPACE_MAPPED:
      p->mapped = *c;
      p->mapped.vma.first = c->first; /* one that joined another begins before */
      p->maps = true;
      return 0;
    case PW_SPACE_BACKED: return 0;
    case PW_SPACE_ADVISED: return advise(p, mm, c, err);
    case PW_SPACE_UNMAPPED: return pw_mm_unmap(mm, start, stop, err);
    case PW_SPACE_DISCARDED: pw_mm_discard(mm, start, stop); return 0;
    case PW_SPACE_PROTECTED: return pw_mm_protect(mm, start, stop, (uint32_t)c->to, err);
    case PW_SPACE_MOVED: return pw_mm_carry(mm, start, stop - start, c->to, err);
    case PW_SPACE_FORKED: return begin(p, (uint32_t)c->to, process, err);
    case PW_SPACE_EMPTIED: pw_mm_renew(mm); return 0;
    case PW_SPACE_ENDED: end(p, p->current, true); return 0;
  }
  return 0;
}

/* A buffer of the program that the kernel read or wrote: faults as the program's own, and no TLB. */
static int kernel_touches(struct pw_program *p, const struct pw_event *e, struct pw_error *err)
{
  struct pw_process *process;
  int status = need_process(p, &process, err);
  uint64_t last = e->b ? (e->a + e->b - 1) >> PW_BASE_SHIFT : 0;
  bool write = e->kind == PW_EVENT_KERNEL_WRITE;
  for (uint64_t page = e->a >> PW_BASE_SHIFT; !status && e->b && page <= last; page++)
    status = pw_mm_access(&process->mm, page, write, err);
  return status == PW_MM_BUS ? 0 : status; /* the system call fails */
}

/* A child with a trace of its own, or (e->b) where this process goes on. */
static int take_child(struct pw_program *p, const struct pw_event *e, struct pw_error *err)
{
  struct pw_process *process, *made;
  uint32_t text = pw_intern(&p->texts, e->text ? e->text : "", e->text_bytes);
  int status = need_process(p, &process, err);
  if (status) return status;
  if (text == PW_NO_TEXT || pw_grow((void **)&p->born, &p->born_room, p->n_born + 1, sizeof *p->born)) return out_of_memory(err);
  if (e->b) {
    p->next = text;
    return 0;
  }
  if (reserve(p, 0) || !(made = pw_calloc(1, sizeof *made))) return out_of_memory(err);
  struct pw_processes *all = p->all;
  all->list[all->n] = made;
  all->of[all->n] = (struct pw_process_of){.program = p->number};
  p->born[p->n_born++] = (struct pw_born){(uint32_t)all->n++, text};
  status = pw_process_fork(made, process, (uint32_t)all->n - 1, err);
  note_beginning(p, made, process);
  return status;
}

/* A process that was killed does nothing; its children never come to be. */
static int skip_change(void *context, const struct pw_space_change *c, struct pw_error *err)
{
  struct pw_program *p = context;
  uint32_t child = (uint32_t)c->to;
  if (c->kind != PW_SPACE_FORKED) return 0;
  if (reserve(p, child)) return out_of_memory(err);
  if (!p->numbers[child]) p->numbers[child] = PW_KILLED;
  return 0;
}

static int do_event(struct pw_program *p, const struct pw_event *e, struct pw_error *err)
{
  struct pw_process *process;
  int status = 0;
  if (pw_program_skips(p) && e->kind != PW_EVENT_PROCESS) return pw_spaces_event(&p->spaces, e, skip_change, p, err);
  /* the file of the map before, or else that map */
  if (e->kind == PW_EVENT_BACKING) {
    status = pw_spaces_event(&p->spaces, e, NULL, NULL, err);
    struct pw_vma vma;
    if (!status && p->maps && pw_spaces_at(&p->spaces, p->mapped.process, p->mapped.first, &vma)) {
      uint64_t before = p->mapped.first - vma.first; /* pages of it that a neighbour has */
      p->mapped.vma = vma;
      p->mapped.vma.offset += vma.inode ? before : 0;
    }
    return status ? status : settle(p, err);
  }
  status = settle(p, err);
  if (status) return status;
  if (p->joins) return pw_spaces_event(&p->spaces, e, NULL, NULL, err); /* the fork gave it all that */
  if (e->kind == PW_EVENT_CHILD) return take_child(p, e, err);
  if (e->kind == PW_EVENT_EXEC && e->text_bytes && (p->executed = pw_intern(&p->texts, e->text, e->text_bytes)) == PW_NO_TEXT) return out_of_memory(err);
  if (e->kind == PW_EVENT_PROCESS) {
    p->current = (uint32_t)e->b;
  } else if (e->kind == PW_EVENT_THREAD_START || e->kind == PW_EVENT_THREAD_END) {
    status = need_process(p, &process, err);
    bool first = e->kind == PW_EVENT_THREAD_START && e->b == 0; /* nobody started it: the process has it already */
    if (!status && e->kind == PW_EVENT_THREAD_START && !first) status = pw_process_start_thread(process, e->a, err);
    if (!status && e->kind == PW_EVENT_THREAD_END) pw_process_end_thread(process, e->a);
    return status;
  } else if (pw_event_is_kernel(e->kind)) {
    return kernel_touches(p, e, err);
  }
  return pw_spaces_event(&p->spaces, e, take_change, p, err);
}

static int take_event(struct pw_program *p, const struct pw_event *e, struct pw_error *err)
{
  int status = do_event(p, e, err);
  if (status == PW_MM_KILLED) {
    pw_program_kill(p, p->current);
    status = 0;
  }
  return status || !p->after_event ? status : p->after_event(p->after_event_context, err);
}

const char *pw_program_region(struct pw_program *p, uint32_t process, uint64_t page)
{
  struct pw_vma vma;
  if (!pw_spaces_at(&p->spaces, process, page, &vma)) return "[unknown]";
  uint32_t text = pw_vma_region(&p->spaces, &vma);
  return text == PW_NO_TEXT ? NULL : p->spaces.texts.texts[text];
}

/* ---- visits ---- */

void pw_feed_init(struct pw_feed *f, struct pw_blocks blocks)
{
  *f = (struct pw_feed){.blocks = blocks};
}

void pw_feed_clear(struct pw_feed *f)
{
  pw_intern_clear(&f->texts);
  pw_free(f->waiting);
}

/* The events that are left of a block outlive it. */
static int keep_events(struct pw_feed *f, struct pw_error *err)
{
  const struct pw_block *b = f->block;
  size_t n = b ? b->n_events - f->event : 0;
  if (f->n_waiting + n > MOST_WAITING)
    return pw_error_set(err, PW_EUNSUPPORTED, "more than %u events without an access between them, which no program makes", MOST_WAITING);
  if (pw_grow((void **)&f->waiting, &f->waiting_room, f->n_waiting + n, sizeof *f->waiting)) return out_of_memory(err);
  for (; b && f->event < b->n_events; f->event++) {
    struct pw_event *e = &f->waiting[f->n_waiting++];
    *e = b->events[f->event];
    if (!e->text_bytes) continue;
    uint32_t text = pw_intern(&f->texts, e->text, e->text_bytes);
    if (text == PW_NO_TEXT) return out_of_memory(err);
    e->text = f->texts.texts[text];
  }
  return 0;
}

int pw_feed_peek(struct pw_feed *f, struct pw_error *err)
{
  while (!f->ended && (!f->block || f->visit == f->block->n_visits)) {
    int status = keep_events(f, err);
    if (status) return status;
    f->block = NULL;
    f->visit = f->event = 0;
    status = f->blocks.next(f->blocks.trace, &f->block, err);
    if (status < 0) return status;
    f->ended = status == 0;
    if (f->ended) f->block = NULL;
  }
  return !f->ended;
}

void pw_feed_pass(struct pw_feed *f)
{
  f->n_waiting = 0;
  while (f->block && f->event < f->block->n_events && f->block->events[f->event].at <= f->visit) f->event++;
}

static int take_waiting(struct pw_program *p, const struct pw_feed *f, struct pw_error *err)
{
  int status = 0;
  for (size_t i = 0; !status && i < f->n_waiting; i++) status = take_event(p, &f->waiting[i], err);
  return status;
}

/* No event follows that says of what file the last map is. */
static int settle_last(struct pw_program *p, struct pw_error *err)
{
  int status = settle(p, err);
  if (status != PW_MM_KILLED) return status;
  pw_program_kill(p, p->current);
  return 0;
}

int pw_program_prepare(struct pw_program *p, const struct pw_feed *f, struct pw_error *err)
{
  struct pw_process *process;
  const struct pw_block *b = f->block;
  int status = 0;
  if (!p->began) status = need_process(p, &process, err); /* it takes its kernel objects as it arrives */
  p->began = true;
  if (!status) status = take_waiting(p, f, err);
  for (uint32_t i = f->event; !status && i < b->n_events && b->events[i].at <= f->visit; i++) status = take_event(p, &b->events[i], err);
  if (!status && p->maps) status = settle_last(p, err);
  p->joins = false;
  return status || pw_program_skips(p) ? status : need_process(p, &process, err);
}

int pw_program_finish(struct pw_program *p, const struct pw_feed *f, const char **next, struct pw_error *err)
{
  struct pw_process *process;
  int status = p->began ? 0 : need_process(p, &process, err);
  p->began = true;
  p->next = PW_NO_TEXT;
  if (!status) status = take_waiting(p, f, err);
  if (!status) status = settle_last(p, err);
  *next = p->next == PW_NO_TEXT ? NULL : p->texts.texts[p->next];
  return status;
}

int pw_program_go_on(struct pw_program *p, struct pw_error *err)
{
  pw_spaces_clear(&p->spaces);
  p->maps = false;
  p->current = 0;
  return pw_spaces_init(&p->spaces, 0) ? out_of_memory(err) : 0;
}

void pw_program_end(struct pw_program *p)
{
  for (uint32_t i = 0; i < p->n_numbers; i++) end(p, i, false);
}
