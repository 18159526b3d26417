/* One computer as its processor sees it. See processor.h. */
#include "engine/processor.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "os/linux/audit.h"

#define AUDITED_MEMORY (UINT64_C(64) << 20) /* computers up to it are audited in debug builds, where larger ones would take for ever */
/* ---- beginning and end ---- */

enum { N_SEEN = 4096 };

/* Pages that were seen lately must be looked at again. */
static void forget_seen(struct pw_system *s, uint64_t start, uint64_t end)
{
  for (uint64_t page = start; page < end; page++) s->seen[page % N_SEEN].age = 0;
}

static void unseen(void *context, uint64_t page, bool huge)
{
  struct pw_system *s = context;
  s->shots++;
  forget_seen(s, page, page + (huge ? PW_HUGE_PAGES : 1));
}

static void shoot(void *context, uint32_t number, uint64_t start, uint64_t end)
{
  struct pw_system *s = context;
  s->shots++;
  if (end - start <= PW_HUGE_PAGES) forget_seen(s, start, end); /* of more, the memory grows older */
  if (s->config->asids == PW_ASIDS_OFF) {
    if (number == s->number) pw_sized_drop(&s->tlbs, 0, start, end);
  } else if (s->config->asids == PW_ASIDS_ALL) {
    pw_sized_drop(&s->tlbs, number, start, end);
  } else {
    for (unsigned i = 0; i < s->n_asids; i++)
      if (s->asids[i] == number + 1) pw_sized_drop(&s->tlbs, i, start, end);
  }
}

static void note_few(void *context, enum pw_system_event_kind kind, uint64_t freed)
{
  struct pw_system *s = context;
  const struct pw_process *asker = s->computer.asker;
  if (s->n_events == PW_SYSTEM_MOST_EVENTS || pw_grow((void **)&s->events, &s->events_room, s->n_events + 1, sizeof *s->events)) return;
  s->events[s->n_events++] = (struct pw_system_event){.kind = kind, .process = asker ? asker->number : UINT32_MAX, .access = s->clock, .freed_pages = freed,
                                                      .free_bytes = s->computer.frames.free << PW_BASE_SHIFT,
                                                      .swap_free_bytes = pw_swap_free(&s->computer.reclaim.swap) << PW_BASE_SHIFT};
}

static int audit(void *context, struct pw_error *err)
{
  const struct pw_system *s = context;
  return pw_audit(&s->computer, s->processes.list, s->processes.n, &s->kmem, err);
}

int pw_processor_audit(struct pw_system *s)
{
  return s->audits ? audit(s, s->err) : 0;
}

void pw_processor_watch(struct pw_system *s, size_t slot)
{
  s->slots[slot].program.after_event = s->audits ? audit : NULL;
  s->slots[slot].program.after_event_context = s;
}

static struct pw_reclaim_options reclaim_of(const struct pw_system_config *c)
{
  uint64_t pages = c->swap_bytes >> PW_BASE_SHIFT;
  return (struct pw_reclaim_options){.policy = c->reclaim, .swap_pages = pages ? pages - 1 : 0, /* the first is the header */
                                     .limit_pages = c->group_bytes ? c->group_bytes >> PW_BASE_SHIFT : UINT64_MAX,
                                     .swappiness = c->swappiness, .device = c->swap, .latency = c->swap_latency, .page_cluster = c->page_cluster, .stops = c->oom == PW_SYSTEM_OOM_STOP, .seed = c->seed};
}

static int configure(struct pw_system *s, const struct pw_system_config *c, size_t n_slots, const struct pw_kernel_events *events,
                     struct pw_error *err)
{
  const struct pw_computer_options options = {.memory_bytes = c->memory_bytes, .kernel_bytes = c->kernel_bytes,
                                              .thp = (enum pw_thp)c->thp, .plain = c->plain, .warm = !c->cold, .told = events,
                                              .geometry = c->geometry, .watermark_scale = c->watermark_scale,
                                              .min_free_bytes = c->min_free_bytes, .hugetlb_pages = {c->hugetlb[0], c->hugetlb[1]}, .reclaim = reclaim_of(c)};
  int status = pw_computer_init(&s->computer, &options, err);
  if (!status) status = pw_sized_init(&s->tlbs, &c->tlbs, c->seed, err);
  if (status) return status;
  s->takes_all = true;
  unsigned sizes = c->hugetlb[1] ? PW_PAGE_SIZES : PW_SIZE_1G; /* below this one there may be pages of each */
  for (unsigned i = 0; i < 2 * sizes; i++) s->takes_all &= s->tlbs.level[i % 2].of[i / 2] >= 0;
  unsigned bits = pw_geometry_va_bits(c->geometry) - PW_BASE_SHIFT;
  s->page_bits = (UINT64_C(1) << bits) - 1;
  if (c->geometry->sign_extended && bits < PW_PAGE_BITS) s->high_bits = PW_PAGE_MASK & ~(s->page_bits >> 1);
  s->n_asids = c->asids;
  if (events) status = pw_kmem_init(&s->kmem, &s->computer, events, n_slots > 0, err);
  if (status) return status;
  s->slots = pw_calloc(n_slots ? n_slots : 1, sizeof *s->slots);
  s->seen = pw_calloc(N_SEEN, sizeof *s->seen); /* no memory is of age 0 */
  s->asids = pw_calloc(c->asids + 1, sizeof *s->asids);
  s->computer.shoot = shoot;
  s->computer.few = note_few;
  s->computer.shoot_context = s;
  s->computer.clock = &s->clock;
  s->computer.reclaim.unseen = unseen;
  s->computer.reclaim.kill = pw_processor_kill;
  s->computer.reclaim.context = s;
  s->exact = c->reclaim == PW_SYSTEM_RECLAIM_LRU;
  s->usual = s->takes_all && !s->exact;
  if (!s->slots || !s->seen || !s->asids) return pw_error_set(err, PW_ENOMEM, "memory ran out for %zu programs", n_slots);
  for (size_t i = 0; !status && i < n_slots; i++) {
    status = pw_program_init(&s->slots[i].program, &s->computer, &s->processes, (uint32_t)i, err);
    pw_processor_watch(s, i);
  }
  return status;
}

void pw_processor_init(struct pw_system *s, const struct pw_system_config *c, size_t n_slots, const struct pw_kernel_events *events,
                       struct pw_error *err)
{
  s->config = c;
  s->number = UINT64_MAX;
  s->khugepaged.next = PW_KHUGEPAGED_SECONDS * c->rate;
  s->err = err;
  s->audits = c->audit;
#ifndef NDEBUG
  s->audits |= c->memory_bytes <= AUDITED_MEMORY;
#endif
  s->failed = configure(s, c, n_slots, events, err) != 0;
}

void pw_processor_clear(struct pw_system *s, size_t n_slots)
{
  for (size_t i = 0; s->slots && i < n_slots; i++) pw_program_clear(&s->slots[i].program);
  s->computer.shoot = NULL;
  s->computer.few = NULL;
  s->computer.reclaim.unseen = NULL;
  for (size_t i = 0; i < s->processes.n; i++) {
    struct pw_process *p = s->processes.list[i];
    if (p->mm.computer) pw_process_end(p);
    pw_free(p);
  }
  pw_free(s->processes.list);
  pw_free(s->processes.of);
  pw_kmem_clear(&s->kmem);
  pw_computer_clear(&s->computer);
  pw_sized_clear(&s->tlbs);
  pw_free(s->slots);
  pw_free(s->seen);
  pw_free(s->asids);
  pw_free(s->of);
  pw_free(s->candidates);
  pw_free(s->events);
  if (s->regions) pw_regions_clear(s->regions);
  pw_free(s->regions);
}

/* ---- who runs ---- */

static struct pw_system_counters now(const struct pw_system *s)
{
  struct pw_system_counters c = s->counters;
  for (int i = 0; i < 3; i++) c.misses[i] = s->tlbs.level[i].misses;
  c.passed = s->tlbs.passed;
  return c;
}

static void add(struct pw_system_counters *to, const struct pw_system_counters *now, const struct pw_system_counters *since)
{
  uint64_t *t = &to->accesses.fetches;
  const uint64_t *n = &now->accesses.fetches, *s = &since->accesses.fetches;
  for (size_t i = 0; i < sizeof *to / sizeof *t; i++) t[i] += n[i] - s[i];
}

struct pw_system_counters pw_system_counters_of(const struct pw_system *s, uint32_t process)
{
  struct pw_system_counters c = {0}, at = now(s);
  if (process < s->of_room) c = s->of[process];
  if (s->running == process + 1) add(&c, &at, &s->since);
  return c;
}

/* The address space has a tag afterwards; one that had it before loses all that the TLBs hold of it. */
static int choose_asid(struct pw_system *s, uint32_t number, struct pw_error *err)
{
  s->number = number;
  if (s->config->asids == PW_ASIDS_ALL) {
    if (number >= PW_ASIDS_ALL)
      return pw_error_set(err, PW_EUNSUPPORTED, "more than %u address spaces; take a number of them for --asid", PW_ASIDS_ALL);
    s->tag = number;
    return 0;
  }
  if (s->config->asids == PW_ASIDS_OFF) {
    pw_sized_drop_tag(&s->tlbs, 0);
    return 0;
  }
  for (s->tag = 0; s->tag < s->n_asids; s->tag++)
    if (s->asids[s->tag] == number + 1) return 0;
  s->tag = s->next_asid;
  s->next_asid = (s->next_asid + 1) % s->n_asids;
  s->asid_flushes += s->asids[s->tag] != 0;
  s->asids[s->tag] = number + 1;
  pw_sized_drop_tag(&s->tlbs, s->tag);
  return 0;
}

/* Process `next` runs from here on. */
static int switch_to(struct pw_system *s, uint32_t next, struct pw_error *err)
{
  struct pw_system_counters at = now(s);
  uint32_t number = s->processes.list[next]->mm.number;
  if (s->running == next + 1 && number == s->number) return 0;
  size_t room = s->of_room;
  if (pw_grow((void **)&s->of, &s->of_room, s->processes.n, sizeof *s->of)) return pw_mm_no_memory(err);
  if (s->of_room > room) memset(s->of + room, 0, (s->of_room - room) * sizeof *s->of);
  if (s->running != next + 1) {
    if (s->running) add(&s->of[s->running - 1], &at, &s->since);
    s->switches += s->running != 0;
    s->asid_flushes += s->running && s->config->asids == PW_ASIDS_OFF;
    s->since = at;
    s->running = next + 1;
  }
  return choose_asid(s, number, err);
}

/* ---- touches ---- */

static int unfit(const struct pw_system *s, uint64_t page, struct pw_error *err)
{
  return pw_error_set(err, PW_EINVAL, "the address 0x%" PRIx64 " does not fit the table %s; take one of more bits, such as x86-64-5level",
                      page << PW_BASE_SHIFT, s->config->geometry->name);
}

static inline void look_up(struct pw_system *s, unsigned code, uint64_t page, enum pw_page_size size, uint32_t *at)
{
  if (pw_sized_look_up(&s->tlbs, code, s->tag, page, size, at)) return;
  s->counters.walks++;
  s->counters.walk_refs += s->config->geometry->n_levels - size;
  if (s->regions) pw_regions_walk(s, page, s->config->geometry->n_levels - size);
}

/* When the page that is dirty for longest is written back. */
static uint64_t dirty_due(const struct pw_system *s)
{
  const struct pw_computer *c = &s->computer;
  return c->cleaned == c->n_dirty ? UINT64_MAX : c->dirty[c->cleaned].at + PW_DIRTY_SECONDS * s->config->rate;
}

/* A fault may have made a page dirty. */
static void watch_dirty(struct pw_system *s)
{
  uint64_t due = dirty_due(s);
  if (due < s->next_due) s->next_due = due;
}

/* How large the page is, after the fault that it may take; *faulted tells. */
static int translate(struct pw_system *s, struct pw_mm *m, uint64_t page, bool write, unsigned *pages, bool *faulted,
                     struct pw_error *err)
{
  *pages = pw_mm_touch(m, page, write);
  *faulted = *pages == 0;
  if (*faulted) {
    uint64_t faults = pw_mm_faults(m);
    int status = pw_mm_fault(m, page, write, err);
    if (status) return status;
    *faulted = pw_mm_faults(m) != faults; /* some writes are none */
    watch_dirty(s);
    *pages = pw_mm_touch(m, page, write);
    if (!*pages) *pages = pw_mm_touch(m, page, false); /* a write that the mapping forbids */
  }
  if (*pages && s->exact) pw_mm_used(m, page);
  return *pages ? 0 : unfit(s, page, err);
}

/* Of an address of the upper half, as the tables number it. */
static inline uint64_t page_of(const struct pw_system *s, uint64_t key)
{
  uint64_t page = key & PW_PAGE_MASK;
  return s->high_bits && (page & s->high_bits) == s->high_bits ? page & s->page_bits : page;
}

/* What was seen of a page, below its number: may it be written, and from SIZE_SHIFT on its enum pw_page_size. */
enum { SEEN_WRITE = 1, SIZE_SHIFT = 1, SEEN_BITS = 3 };

static inline enum pw_page_size size_of(unsigned pages)
{
  return pages > PW_HUGE_PAGES ? PW_SIZE_1G : pages > 1 ? PW_SIZE_2M : PW_SIZE_4K;
}

static inline struct pw_system_seen *seen_at(const struct pw_system *s, uint64_t page)
{
  return &s->seen[page % N_SEEN];
}

static inline bool seen(const struct pw_system_seen *e, const struct pw_mm *m, uint64_t page, bool write)
{
  return e->age == m->age && e->what >> SEEN_BITS == page && (e->what & SEEN_WRITE) >= write;
}

static inline enum pw_page_size size_seen(const struct pw_system_seen *e)
{
  return (enum pw_page_size)(e->what >> SIZE_SHIFT & 3);
}

static void note_seen(struct pw_system_seen *e, const struct pw_mm *m, uint64_t page, bool write, unsigned pages)
{
  *e = (struct pw_system_seen){m->age, page << SEEN_BITS | (uint64_t)size_of(pages) << SIZE_SHIFT | (write ? SEEN_WRITE : 0), {0, 0}};
}

static int touch_new(struct pw_system *s, struct pw_mm *m, unsigned code, uint64_t page, bool write, struct pw_error *err)
{
  struct pw_system_seen *e = seen_at(s, page);
  unsigned pages;
  bool faulted;
  int status = translate(s, m, page, write, &pages, &faulted, err);
  if (status) return status;
  note_seen(e, m, page, write, pages);
  look_up(s, code, page, size_seen(e), &e->at[code]);
  return 0;
}

static inline __attribute__((always_inline)) int touch(struct pw_system *s, struct pw_mm *m, unsigned code, uint64_t page, bool write, struct pw_error *err)
{
  struct pw_system_seen *e = seen_at(s, page);
  if (s->exact || !seen(e, m, page, write)) return touch_new(s, m, code, page, write, err);
  look_up(s, code, page, size_seen(e), &e->at[code]);
  return 0;
}

/* A store to a page that the same touch has looked up: only a fault sends it to the TLBs again. */
static int store(struct pw_system *s, struct pw_mm *m, uint64_t page, struct pw_error *err)
{
  struct pw_system_seen *e = seen_at(s, page);
  unsigned pages;
  bool faulted;
  if (!s->exact && seen(e, m, page, true)) return 0;
  int status = translate(s, m, page, true, &pages, &faulted, err);
  if (status) return status;
  note_seen(e, m, page, true, pages);
  if (faulted) look_up(s, 0, page, size_seen(e), &e->at[0]);
  return 0;
}

/* Pages that alternate further: they hit for ever once both have. */
static int alternate(struct pw_system *s, struct pw_mm *m, unsigned code, const uint64_t page[2], unsigned from, unsigned to,
                     struct pw_error *err)
{
  int status = 0;
  for (unsigned k = from; !status && k < to; k += 2) {
    uint64_t passed = s->tlbs.passed;
    for (unsigned i = k; !status && i < k + 2; i++) status = touch(s, m, i % 2 ? !code : code, page[i % 2], false, err);
    if (s->tlbs.passed == passed && !s->exact) break;
  }
  return status;
}

/* Accesses of a visit behind its touches: they hit, unless the first level takes no pages of that size, if there is one; then
 * each asks the second, which has the page; or walks. */
static void pass_on(struct pw_system *s, const struct pw_mm *m, const struct pw_block *b, uint32_t i, const uint64_t current[2],
                    const uint64_t looked_up[2])
{
  for (unsigned code = 0; code < 2; code++) {
    struct pw_sized_level *first = &s->tlbs.level[code ? 0 : 1], *second = &s->tlbs.level[2];
    uint64_t accesses = code ? b->fetches[i] : (uint64_t)b->loads[i] + b->stores[i], done = s->tlbs.lookups[code] - looked_up[code];
    if (accesses <= done) continue;
    uint64_t more = accesses - done;
    enum pw_page_size size = size_of(pw_mm_reaches(m, current[code], false));
    if (first->of[size] >= 0) continue;
    s->tlbs.passed += more;
    if (first->n) first->misses += more;
    if (second->of[size] >= 0) continue;
    if (second->n) second->misses += more;
    s->counters.walks += more;
    s->counters.walk_refs += more * (s->config->geometry->n_levels - size);
    for (uint64_t k = 0; s->regions && k < more; k++) pw_regions_walk(s, current[code], s->config->geometry->n_levels - size);
  }
}

/* The third and fourth: the same pages again. */
static int take_more(struct pw_system *s, struct pw_mm *m, uint8_t flags, const uint64_t page[2], unsigned n, struct pw_error *err)
{
  unsigned code = flags & PW_VISIT_CODE;
  int status = 0;
  for (unsigned k = 2; !status && k < n; k++) {
    unsigned is_code = k % 2 ? !code : code;
    status = touch(s, m, is_code, page[k % 2], !is_code && flags & PW_VISIT_WROTE_2, err);
  }
  return status;
}

/* The first two, or the only one: of a data page and a code page in either order. */
static inline __attribute__((always_inline)) int take_pair(struct pw_system *s, struct pw_mm *m, uint8_t flags, const uint64_t current[2],
                                                           struct pw_error *err)
{
  bool code = flags & PW_VISIT_CODE, both = flags & PW_VISIT_TOUCHES, wrote = flags & PW_VISIT_WROTE_1;
  bool loads_first = wrote && !code && !(flags & PW_VISIT_STORE_FIRST);
  int status = code ? touch(s, m, 1, current[1], false, err) : 0;
  if (!status && (both || !code)) status = touch(s, m, 0, current[0], wrote && !loads_first, err);
  if (!status && loads_first) status = store(s, m, current[0], err);
  return !status && both && !code ? touch(s, m, 1, current[1], false, err) : status;
}

/* Both pages were touched, and each is the last that its first level was asked for: to touch them again changes nothing, unless
 * something left since, or the second touch of the data page stores and the first did not. */
static inline bool settled(const struct pw_system *s, const struct pw_mm *m, uint8_t flags, unsigned n, uint64_t data, uint64_t shots)
{
  bool stores = flags & PW_VISIT_WROTE_2 && n > (flags & PW_VISIT_CODE ? 3u : 2u);
  return s->usual && s->shots == shots && (!stores || seen(seen_at(s, data), m, data, true));
}

/* One visit; `current` are the data and code page of the program before it. */
static int take_visit(struct pw_system *s, struct pw_mm *m, const struct pw_block *b, uint32_t i, uint64_t current[2],
                      struct pw_error *err)
{
  uint8_t flags = b->flags[i];
  unsigned code = flags & PW_VISIT_CODE, n = pw_visit_touches(flags);
  current[code] = page_of(s, b->pages[b->page[i]]);
  const uint64_t page[2] = {current[code], current[!code]}, shots = s->shots;
  const uint64_t looked_up[2] = {s->tlbs.lookups[0], s->tlbs.lookups[1]};
  int status = take_pair(s, m, flags, current, err);
  if (!status && n > 2 && !settled(s, m, flags, n, current[0], shots)) {
    status = take_more(s, m, flags, page, n, err);
    if (!status && b->touches[i] > n) status = alternate(s, m, code, page, n, b->touches[i], err);
  }
  if (!status && !s->takes_all) pass_on(s, m, b, i, current, looked_up);
  if (status == PW_MM_KILLED || status == PW_MM_BUS) return status; /* it does not count */
  s->counters.accesses.fetches += b->fetches[i];
  s->counters.accesses.loads += b->loads[i];
  s->counters.accesses.stores += b->stores[i];
  return status;
}

/* ---- what comes at a time ---- */

/* Whose resident memory is most, for the sentence that ends a run without frames. */
static int no_frame(const struct pw_system *s, struct pw_error *err)
{
  const struct pw_computer *c = &s->computer;
  uint64_t most = 0, living = 0;
  uint32_t who = 0;
  for (uint32_t i = 0; i < s->processes.n; i++) {
    const struct pw_mm_counts *counts = &s->processes.list[i]->mm.counts;
    if (!s->processes.list[i]->lives) continue;
    living++;
    if (counts->own + counts->cached <= most) continue;
    most = counts->own + counts->cached;
    who = i;
  }
  return pw_error_set(err, PW_EUNSUPPORTED, "no page frame is left at access %" PRIu64 ": the kernel has %" PRIu64 " KiB (%" PRIu64
                      " of tables), %" PRIu64 " processes %" PRIu64 " KiB, files %" PRIu64 "; most, %" PRIu64 " KiB, has process %"
                      PRIu32 " of program %" PRIu32 ", and %s; take more --memory, or --swap",
                      s->clock, c->now.kernel >> 10, c->now.tables >> 10, living, c->now.anon >> 10, c->now.file >> 10, most << 2,
                      s->processes.n ? s->processes.of[who].process : 0, s->processes.n ? s->processes.of[who].program : 0,
                      s->config->oom == PW_SYSTEM_OOM_STOP ? "nobody is to be killed" : "there is nobody whom to kill");
}

static uint64_t khugepaged_due(const struct pw_system *s)
{
  return s->config->thp == PW_SYSTEM_THP_NEVER || s->config->plain ? UINT64_MAX : s->khugepaged.next;
}

void pw_processor_set_due(struct pw_system *s)
{
  s->next_due = khugepaged_due(s);
  if (s->every && s->next_window < s->next_due) s->next_due = s->next_window;
  uint64_t dirty = dirty_due(s);
  if (dirty < s->next_due) s->next_due = dirty;
  uint64_t event = pw_kmem_due(&s->kmem, s->config->rate);
  if (event < s->next_due) s->next_due = event;
}

static int after_visit(struct pw_system *s, struct pw_error *err)
{
  int status = 0;
  while (!status && pw_kmem_due(&s->kmem, s->config->rate) <= s->clock) {
    status = pw_kmem_step(&s->kmem, err);
    if (!status && s->audits) status = audit(s, err);
  }
  while (!status && dirty_due(s) <= s->clock) pw_write_back(&s->computer, s->processes.list, s->processes.n);
  if (!status && s->clock >= khugepaged_due(s)) {
    status = pw_khugepaged_scan(&s->khugepaged, &s->processes, s->config->rate, err);
    if (!status && s->audits) status = audit(s, err);
  }
  while (!status && s->every && s->clock >= s->next_window) {
    status = s->window(s->context, err);
    s->next_window += s->every;
  }
  pw_processor_set_due(s);
  return status;
}

/* The system takes no further part, if so. */
void pw_processor_note(struct pw_system *s, int status)
{
  if (status == PW_MM_NO_FRAME && !s->parted) status = no_frame(s, s->err);
  if (status == PW_MM_KILLED) status = pw_error_set(s->err, PW_EINTERNAL, "a process was to be killed, and nobody did it: a defect of pagewalk");
  s->failed = status != 0;
}

/* The process that runs ends of it; the others' turns are other ones then, as after a kill. */
static int bus_error(struct pw_system *s)
{
  struct pw_process *p = s->processes.list[s->running - 1];
  s->parted = s->together;
  if (s->parted) return PW_MM_NO_FRAME;
  p->bus = true;
  p->bus_at = s->clock;
  return PW_MM_KILLED;
}

/* One computer, for which the events before are done, takes visits up to the next event or the end of the block, of the process that
 * runs, as far as the turn goes: number of the first that it did not take. */
uint32_t pw_processor_stretch(struct pw_system *s, size_t slot, const struct pw_feed *f, uint64_t end)
{
  struct pw_system_slot *own = &s->slots[slot];
  const struct pw_block *b = f->block;
  uint32_t visit = f->visit, event = f->event;
  while (event < b->n_events && b->events[event].at <= visit) event++;
  uint32_t until = event < b->n_events ? b->events[event].at : b->n_visits;
  if (pw_program_skips(&own->program)) return until; /* at no cost */
  int status = switch_to(s, pw_program_running(&own->program), s->err);
  watch_dirty(s);
  struct pw_mm *m = status ? NULL : &s->processes.list[s->running - 1]->mm;
  if (!status) s->computer.asker = s->processes.list[s->running - 1];
  while (!status && visit < until && s->clock < end) {
    uint32_t i = visit++;
    uint64_t faults = s->audits ? pw_mm_faults(m) : 0;
    status = take_visit(s, m, b, i, own->current, s->err);
    if (status == PW_MM_BUS) status = bus_error(s);
    if (status == PW_MM_KILLED) {
      pw_program_kill(&own->program, own->program.current);
      status = s->audits ? audit(s, s->err) : 0;
      visit = until;
      break;
    }
    if (s->audits && !status && pw_mm_faults(m) != faults) status = audit(s, s->err);
    s->clock += (uint64_t)b->fetches[i] + b->loads[i] + b->stores[i];
    if (!status && s->clock >= s->next_due) status = after_visit(s, s->err);
  }
  pw_processor_note(s, status);
  return visit;
}

/* The kernel's events that are left when all programs are over: each at its time. */
void pw_processor_end_events(struct pw_system *s)
{
  uint64_t due;
  int status = 0;
  while (!status && (due = pw_kmem_due(&s->kmem, s->config->rate)) != UINT64_MAX) {
    while (!status && s->every && s->next_window <= due) {
      s->clock = s->next_window;
      status = s->window(s->context, s->err);
      s->next_window += s->every;
    }
    s->clock = due;
    if (!status) status = pw_kmem_step(&s->kmem, s->err);
    if (!status && s->audits) status = audit(s, s->err);
  }
  pw_processor_note(s, status);
}

