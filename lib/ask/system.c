/* Several programs on computers. engine/turns.h runs them. */
#include <stdlib.h>
#include <string.h>

#include "ask/asked.h"
#include "base/alloc.h"
#include "base/text.h"
#include "trace/kernel_text.h"

#define RECORDER "pagewalk record" /* the source of traces whose addresses are not the kernel's */
#define NO_THP_BELOW (UINT64_C(512) << 20) /* of managed memory, where Linux turns it off by itself */

void pw_system_config_default(struct pw_system_config *c, uint64_t memory_bytes)
{
  struct pw_config machine;
  pw_config_default(&machine);
  uint64_t percent = memory_bytes / 100;
  *c = (struct pw_system_config){.memory_bytes = memory_bytes, .quantum = 1000000, .asids = 6, .rate = 1000000000, .seed = 1,
                                 .kernel_bytes = percent > 1u << 20 ? percent : 1u << 20, .geometry = machine.geometry};
  c->swappiness = 60;
  c->watermark_scale = 10;
  c->page_cluster = 3;
  c->thp = memory_bytes - memory_bytes / 64 - c->kernel_bytes < NO_THP_BELOW ? PW_SYSTEM_THP_NEVER : PW_SYSTEM_THP_MADVISE;
  c->tlbs.itlb[0] = (struct pw_tlb_array){machine.itlb, PW_ALL_SIZES};
  c->tlbs.dtlb[0] = (struct pw_tlb_array){machine.dtlb, PW_ALL_SIZES};
  c->tlbs.stlb[0] = (struct pw_tlb_array){machine.stlb, PW_ALL_SIZES};
}

static int check(const struct pw_system_program *programs, size_t n, struct pw_system_case *const *cases, size_t n_cases,
                 const struct pw_system_options *options, struct pw_error *err)
{
  if ((n == 0 && !options->kernel_events) || n_cases == 0) return pw_error_set(err, PW_EINVAL, "a system needs a program and a computer");
  for (size_t i = 0; i < n_cases; i++) {
    const struct pw_system_config *c = cases[i]->config;
    if (c->quantum == 0 || c->rate == 0) return pw_error_set(err, PW_EINVAL, "quantum and rate are at least 1");
    if (c->asids > PW_ASIDS_ALL) return pw_error_set(err, PW_EINVAL, "at most %u address-space numbers", PW_ASIDS_ALL);
    if (c->plain && (c->hugetlb[0] || c->hugetlb[1]))
      return pw_error_set(err, PW_EINVAL, "plain faults know no huge pages that are set aside");
    if (c->quantum != cases[0]->config->quantum)
      return pw_error_set(err, PW_EINVAL, "computers with turns of different lengths cannot run together");
  }
  for (size_t i = 0; i < n; i++)
    if (programs[i].copies > 1 && strcmp(programs[i].trace, "-") == 0)
      return pw_error_set(err, PW_EINVAL, "standard input can be read once, so it has no copies");
  return 0;
}

/* ---- the programs, with their copies, in the order of the ring ---- */

static int by_start(const void *a, const void *b)
{
  const struct pw_asked_program *x = a, *y = b;
  if (x->program->start != y->program->start) return x->program->start < y->program->start ? -1 : 1;
  return x->place < y->place ? -1 : x->place > y->place;
}

/* One of the computers. */
struct answer {
  const struct pw_asked *asked;
  struct pw_system *system;
  struct pw_system_result *result;
  struct pw_system_sums before; /* at the end of the last window */
  size_t windows_room;
};

static int list_copies(struct pw_asked *a, const struct pw_system_program *programs, size_t n, struct pw_error *err)
{
  size_t total = 0;
  for (size_t i = 0; i < n; i++) total += programs[i].copies ? programs[i].copies : 1;
  a->copies = pw_calloc(total ? total : 1, sizeof *a->copies);
  if (!a->copies) return pw_error_set(err, PW_ENOMEM, "memory ran out for %zu programs", total);
  for (size_t i = 0; i < n; i++)
    for (unsigned k = 0; k < (programs[i].copies ? programs[i].copies : 1); k++, a->n++)
      a->copies[a->n] = (struct pw_asked_program){.program = &programs[i], .place = a->n, .number = programs[i].copies > 1 ? k + 1 : 0};
  a->room = a->n_given = a->n;
  qsort(a->copies, a->n, sizeof *a->copies, by_start);
  return 0;
}

int pw_asked_blocks(const struct pw_asked *a, struct pw_asked_program *program, struct pw_relayout *parent, const char *name,
                    struct pw_blocks *blocks, struct pw_error *err)
{
  const char *source = pw_trace_info(program->trace)->source;
  *blocks = pw_trace_blocks(program->trace);
  if (a->options->recorded || !source || strcmp(source, RECORDER) != 0) return 0;
  program->relayout = pw_relayout_new(*blocks, parent, name);
  if (!program->relayout) return pw_error_set(err, PW_ENOMEM, "memory ran out for the places of the recorded mappings");
  *blocks = pw_relayout_blocks(program->relayout);
  return 0;
}

void pw_asked_close(struct pw_asked *a, struct pw_asked_program *program)
{
  const struct pw_trace_info *info = pw_trace_info(program->trace);
  if (a->options->read && program->number <= 1 && info->complete) a->options->read(a->options->read_context, info);
  a->gone.fetches += info->totals.fetches;
  a->gone.loads += info->totals.loads;
  a->gone.stores += info->totals.stores;
  pw_relayout_free(program->relayout);
  pw_trace_close(program->trace);
  program->relayout = NULL;
  program->trace = NULL;
}

static int open_all(struct pw_asked *a, struct pw_error *err)
{
  struct pw_blocks blocks;
  struct pw_trace_options reading = a->options->reading;
  int status = 0;
  reading.counts = true;
  for (size_t i = 0; !status && i < a->n; i++) {
    status = pw_trace_open(&a->copies[i].trace, a->copies[i].program->trace, &reading, err);
    if (!status) status = pw_asked_blocks(a, &a->copies[i], NULL, NULL, &blocks, err);
    if (!status) pw_turns_feed(&a->turns, i, blocks, a->copies[i].program->start);
  }
  return status;
}

/* ---- what came of it ---- */

static void add_counters(struct pw_system_sums *to, const struct pw_system_config *c, const struct pw_system_counters *k)
{
  to->counted.fetches += k->accesses.fetches;
  to->counted.loads += k->accesses.loads;
  to->counted.stores += k->accesses.stores;
  to->itlb_misses += k->misses[0];
  to->dtlb_misses += k->misses[1];
  to->stlb_lookups += c->tlbs.stlb[0].tlb.entries ? k->passed : 0;
  to->stlb_misses += k->misses[2];
  to->walks += k->walks;
  to->walk_refs += k->walk_refs;
}

static void add_faults(struct pw_system_sums *to, const struct pw_mm_counts *k)
{
  to->minor_faults += k->anonymous_faults + k->file_faults + k->copy_faults - k->major_faults;
  to->major_faults += k->major_faults;
  to->swap_ins += k->swap_ins;
  to->swap_outs += k->swap_outs;
  to->refaults += k->refaults;
  to->swap_ra += k->swap_ra;
  to->swap_ra_hits += k->swap_ra_hits;
  to->activations += k->activations;
  to->thp_swap_outs += k->thp_swap_outs;
  to->copies += k->copies;
  to->thp_faults += k->thp_faults;
  to->thp_fallbacks += k->thp_fallbacks;
  to->thp_collapses += k->thp_collapses;
  to->thp_splits += k->thp_splits;
  to->hugetlb_faults += k->hugetlb_faults;
  to->hugetlb_fails += k->hugetlb_fails;
}

static struct pw_system_sums sums_of(const struct pw_system *s, uint32_t process)
{
  struct pw_system_sums sums = {0};
  struct pw_system_counters counters = pw_system_counters_of(s, process);
  add_counters(&sums, s->config, &counters);
  add_faults(&sums, &s->processes.list[process]->mm.counts);
  return sums;
}

static void add_sums(struct pw_system_sums *to, const struct pw_system_sums *sums)
{
  uint64_t *t = &to->counted.fetches;
  const uint64_t *s = &sums->counted.fetches;
  for (size_t i = 0; i < sizeof *to / sizeof *t; i++) t[i] += s[i];
}

static struct pw_system_sums sum_all(const struct pw_system *s)
{
  struct pw_system_sums all = {0};
  for (uint32_t i = 0; i < s->processes.n; i++) {
    struct pw_system_sums one = sums_of(s, i);
    add_sums(&all, &one);
  }
  return all;
}

enum { FITTING_FIRST = 1000, FITTING_MOST = 200 };

/* Two windows each become one, which ends where the second did. */
static void join_windows(struct pw_system_result *r)
{
  for (size_t i = 0; 2 * i + 1 < r->n_windows; i++) {
    struct pw_system_sums both = r->windows[2 * i].sums;
    add_sums(&both, &r->windows[2 * i + 1].sums);
    r->windows[i] = r->windows[2 * i + 1];
    r->windows[i].sums = both;
  }
  r->n_windows /= 2;
}

/* How much of the heaps is mapped, and how much of that there: what lies between is what malloc has and nobody used. */
static void look_at_heaps(const struct pw_system *s, struct pw_system_window *w)
{
  for (uint32_t i = 0; i < s->processes.n; i++) {
    const struct pw_process_of *of = &s->processes.of[i];
    const struct pw_spaces *spaces = &s->slots[of->program].program.spaces;
    struct pw_vma vma;
    if (!s->processes.list[i]->lives) continue;
    for (uint64_t at = 0; pw_spaces_next(spaces, of->process, at, &vma); at = vma.last + 1) {
      if (vma.kind != PW_VMA_HEAP) continue;
      w->heap_bytes += (vma.last - vma.first + 1) << PW_BASE_SHIFT;
      w->heap_touched_bytes += pw_mm_present(&s->processes.list[i]->mm, vma.first, vma.last + 1) << PW_BASE_SHIFT;
    }
  }
}

static int end_window(void *context, struct pw_error *err)
{
  struct answer *a = context;
  struct pw_system_result *r = a->result;
  const struct pw_computer *c = &a->system->computer;
  if (pw_grow((void **)&r->windows, &a->windows_room, r->n_windows + 1, sizeof *r->windows))
    return pw_error_set(err, PW_ENOMEM, "memory ran out for the time series; take larger windows");
  struct pw_system_sums all = sum_all(a->system);
  struct pw_system_window *w = &r->windows[r->n_windows++];
  *w = (struct pw_system_window){.access = a->system->clock, .sums = all, .free_bytes = c->frames.free << PW_BASE_SHIFT,
                                 .table_bytes = c->now.tables, .slab_bytes = c->now.slabs, .kernel_bytes = c->now.kernel,
                                 .anon_bytes = c->now.anon, .file_bytes = c->now.file, .thp_bytes = c->now.thp,
                                 .swap_bytes = c->reclaim.swap.used << PW_BASE_SHIFT, .hugetlb_bytes = c->now.hugetlb};
  look_at_heaps(a->system, w);
  uint64_t *of = &w->sums.counted.fetches;
  const uint64_t *before = &a->before.counted.fetches;
  for (size_t i = 0; i < sizeof all / sizeof *of; i++) of[i] -= before[i];
  a->before = all;
  for (unsigned o = 0; o < PW_ORDERS; o++)
    for (unsigned t = 0; t < PW_MIGRATE_TYPES; t++) w->free_blocks[o][t] = c->frames.blocks_free[o][t];
  if (a->asked->options->every == PW_SYSTEM_EVERY_FITTING && r->n_windows == FITTING_MOST) {
    join_windows(r);
    a->system->every *= 2;
  }
  return 0;
}

/* sort + gzip x 3 */
static int name_programs(struct pw_system_result *r, const struct pw_system_program *programs, size_t n_programs, struct pw_error *err)
{
  struct pw_text text = {0};
  for (size_t i = 0; i < n_programs; i++) {
    size_t n;
    const char *name = pw_asked_name(programs[i].name, programs[i].trace, &n);
    pw_text_printf(&text, "%s%.*s", i ? " + " : "", (int)n, name);
    if (programs[i].copies > 1) pw_text_printf(&text, " x %u", programs[i].copies);
  }
  if (!n_programs) pw_text_add(&text, "kernel events");
  r->programs = text.failed ? NULL : pw_strdup(pw_text_get(&text));
  pw_text_clear(&text);
  return r->programs ? 0 : pw_error_set(err, PW_ENOMEM, "memory ran out for the names of the programs");
}

static int take_processes(struct answer *a, struct pw_error *err)
{
  const struct pw_system *s = a->system;
  struct pw_system_result *r = a->result;
  r->processes = pw_calloc(s->processes.n ? s->processes.n : 1, sizeof *r->processes);
  if (!r->processes) return pw_error_set(err, PW_ENOMEM, "memory ran out for the rows of the processes");
  for (uint32_t i = 0; i < s->processes.n; i++) {
    const struct pw_process *p = s->processes.list[i];
    const struct pw_process_of *of = &s->processes.of[i];
    struct pw_system_process *to = &r->processes[r->n_processes++];
    *to = (struct pw_system_process){.name = pw_asked_name_of(a->asked, s, of->program), .program = of->program, .process = of->process,
                                     .sums = sums_of(s, i), .resident_bytes = p->mm.counts.peak << PW_BASE_SHIFT,
                                     .table_bytes = p->mm.counts.table_bytes_peak,
                                     .thp_bytes = p->mm.counts.huge_peak << (PW_BASE_SHIFT + PW_HUGE_ORDER), .hugetlb_bytes = p->mm.counts.hugetlb_peak << PW_BASE_SHIFT, .exited = of->exited,
                                     .killed = p->killed, .bus = p->bus, .bus_at = p->bus_at, .swap_bytes = p->mm.counts.swapped_peak << PW_BASE_SHIFT,
                                     .waited = a->asked->turns.slots[of->program].waited};
    if (!to->name) return pw_error_set(err, PW_ENOMEM, "memory ran out for the rows of the processes");
  }
  return 0;
}

static int add_slab(struct pw_system_result *r, const struct pw_slab_cache *c)
{
  const struct pw_slab_kind *k = c->kind;
  char *name = pw_strdup(k->name);
  if (!name) return -1;
  r->slabs[r->n_slabs++] = (struct pw_system_slab){name, k->object_bytes, c->objects, c->slabs_now, (c->slabs_now * k->pages) << PW_BASE_SHIFT,
                                                   c->objects_peak, c->slabs_peak};
  return 0;
}

/* Those of the model, or those that a kernel's events tell of. */
static int take_slabs(struct answer *a, struct pw_error *err)
{
  struct pw_system_result *r = a->result;
  const struct pw_kmem *k = &a->system->kmem;
  size_t n = k->events ? k->events->n_names : PW_SLABS;
  int status = 0;
  r->slabs = pw_calloc(n ? n : 1, sizeof *r->slabs);
  for (size_t i = 0; r->slabs && !status && i < n; i++) {
    const struct pw_slab_cache *c = !k->events ? &a->system->computer.slabs[i] : k->caches[i] ? &k->caches[i]->cache : NULL;
    if (c) status = add_slab(r, c);
  }
  return r->slabs && !status ? 0 : pw_error_set(err, PW_ENOMEM, "memory ran out for the rows of the slabs");
}

static int take_regions(struct answer *a, struct pw_error *err)
{
  const struct pw_regions *from = a->system->regions;
  struct pw_system_result *r = a->result;
  if (!from) return 0;
  r->regions = pw_calloc(from->n + 1, sizeof *r->regions);
  for (size_t i = 0; r->regions && !from->failed && i < from->n; i++) {
    r->regions[i] = from->rows[i];
    r->regions[i].name = pw_strdup(from->texts.texts[from->text[i]]);
    r->n_regions++;
    if (!r->regions[i].name) break;
  }
  bool whole = r->regions && r->n_regions == from->n && (!from->n || r->regions[from->n - 1].name);
  return whole ? 0 : pw_error_set(err, PW_ENOMEM, "memory ran out for the rows of the regions");
}

static int take_candidates(struct answer *a, struct pw_error *err)
{
  const struct pw_system *s = a->system;
  size_t n = s->n_candidates;
  a->result->candidates = pw_calloc(n ? n : 1, sizeof *a->result->candidates);
  if (!a->result->candidates) return pw_error_set(err, PW_ENOMEM, "memory ran out for the rows of the kills");
  if (n) memcpy(a->result->candidates, s->candidates, n * sizeof *s->candidates);
  a->result->n_candidates = n;
  a->result->events = pw_calloc(s->n_events + 1, sizeof *a->result->events);
  if (!a->result->events) return pw_error_set(err, PW_ENOMEM, "memory ran out for the rows of what was done about few frames");
  if (s->n_events) memcpy(a->result->events, s->events, s->n_events * sizeof *s->events);
  a->result->n_events = s->n_events;
  return 0;
}

static int report(struct answer *a, struct pw_error *err)
{
  struct pw_system_result *r = a->result;
  const struct pw_system *s = a->system;
  const struct pw_computer *c = &s->computer;
  r->sums = sum_all(s);
  r->table_bytes = c->peak.tables;
  r->slab_bytes = c->peak.slabs;
  r->kernel_bytes = c->peak.kernel;
  r->anon_bytes = c->peak.anon;
  r->file_bytes = c->peak.file;
  r->thp_bytes = c->peak.thp;
  r->swap_bytes = c->peak.swap;
  r->hugetlb_bytes = c->peak.hugetlb;
  r->oom_kills = s->kills;
  r->direct_reclaims = c->reclaim.counts.direct_reclaims;
  r->kswapd_runs = c->reclaim.counts.kswapd_runs;
  r->scanned = c->reclaim.counts.scanned;
  r->swap_waits = c->reclaim.counts.swap_waits;
  r->group_peak_bytes = c->reclaim.charged_peak << PW_BASE_SHIFT;
  r->group_kernel_bytes = c->reclaim.kernel_peak << PW_BASE_SHIFT;
  r->managed_bytes = c->frames.managed << PW_BASE_SHIFT;
  r->watermarks[0] = c->frames.kept;
  r->watermarks[1] = c->low;
  r->watermarks[2] = c->high;
  r->context_switches = s->switches;
  r->asid_flushes = s->asid_flushes;
  r->writebacks = c->writebacks;
  r->frag_index_9 = pw_buddy_fragmentation(&c->frames, 9);
  r->kernel = s->kmem.counts;
  r->unusable_9 = pw_buddy_unusable(&c->frames, 9);
  int status = take_processes(a, err);
  if (!status) status = take_candidates(a, err);
  if (!status) status = take_regions(a, err);
  return status ? status : take_slabs(a, err);
}

/* How far all traces are together. */
static bool stop(void *context, const struct pw_trace_info *info)
{
  const struct pw_asked *a = context;
  struct pw_trace_info all = *info;
  if (!a->options->progress) return false;
  all.stored_bytes = 0;
  all.totals = a->gone;
  for (size_t i = 0; i < a->n; i++) {
    if (!a->copies[i].trace) continue;
    const struct pw_trace_info *one = pw_trace_info(a->copies[i].trace);
    all.stored_bytes += one->stored_bytes;
    all.totals.fetches += one->totals.fetches;
    all.totals.loads += one->totals.loads;
    all.totals.stores += one->totals.stores;
  }
  return a->options->progress(a->options->progress_context, &all);
}

/* What one computer says, or of what it failed. */
static void answer(struct answer *a, struct pw_error *err)
{
  const struct pw_system *s = a->system;
  int status = 0;
  if (a->asked->options->every && s->clock + s->every > s->next_window) status = end_window(a, err);
  if (!status) report(a, err);
}

/* What a program's owner says of how dear it is. */
static void adjust_programs(const struct pw_asked *a, struct pw_system *s)
{
  for (size_t i = 0; i < a->n; i++) {
    const struct pw_system_program *given = a->copies[i].program;
    struct pw_program *p = &s->slots[i].program;
    p->adj = given->oom_adj ? pw_oom_adj_to_score(given->oom_adj) : given->oom_score_adj;
    p->oom_adj = given->oom_adj ? given->oom_adj : pw_oom_score_to_adj(given->oom_score_adj);
    p->nice = given->nice;
  }
}

/* Who is told so far hears of it behind the regions. */
static int watch_regions(struct pw_system *s, struct pw_error *err)
{
  s->regions = pw_calloc(1, sizeof *s->regions);
  if (!s->regions) return pw_error_set(err, PW_ENOMEM, "memory ran out for the regions");
  s->regions->then = s->computer.tell;
  s->regions->then_context = s->computer.tell_context;
  s->computer.tell = pw_regions_told;
  s->computer.tell_context = s;
  return 0;
}

static int run(struct pw_asked *a, struct answer *answers, const struct pw_system_program *programs, size_t n,
               struct pw_system_case *const *cases, size_t n_cases, struct pw_error *err)
{
  int status = list_copies(a, programs, n, err);
  if (!status) status = pw_turns_begin(&a->turns, n_cases, a->n, cases[0]->config->quantum, err);
  if (!status && a->options->kernel_events) {
    status = pw_kernel_events_read(&a->events, a->options->kernel_events, err);
    a->turns.events = &a->events;
  }
  a->turns.stop = stop;
  a->turns.open = pw_asked_open;
  a->turns.context = a;
  if (!status) status = open_all(a, err);
  for (size_t i = 0; !status && i < n_cases; i++) {
    struct pw_system *s = &a->turns.systems[i];
    answers[i] = (struct answer){.asked = a, .system = s, .result = &cases[i]->result};
    status = name_programs(&cases[i]->result, programs, n, err);
    s->every = a->options->every == PW_SYSTEM_EVERY_FITTING ? FITTING_FIRST : a->options->every;
    s->window = end_window;
    s->context = &answers[i];
    if (!status) pw_turns_configure(&a->turns, i, cases[i]->config, &cases[i]->error);
    if (!status && !s->failed) adjust_programs(a, s);
    if (!i && a->options->tell) {
      s->computer.tell = pw_asked_tell;
      s->computer.tell_context = a;
    }
    if (!status && a->options->by_region && !s->failed) status = watch_regions(s, err);
  }
  if (!status) status = pw_turns_run(&a->turns, err);
  for (size_t i = 0; !status && i < n_cases; i++)
    if (!a->turns.systems[i].failed) answer(&answers[i], &cases[i]->error);
  return status;
}

/* Those that were parted from the others are so marked. */
static int run_together(const struct pw_system_program *programs, size_t n, struct pw_system_case *const *cases, size_t n_cases,
                        const struct pw_system_options *options, bool *parted, uint64_t *told)
{
  struct pw_asked a = {.options = options, .told_before = *told};
  struct pw_error why = {0};
  for (size_t i = 0; i < n_cases; i++) {
    cases[i]->result = (struct pw_system_result){0};
    cases[i]->error = (struct pw_error){0};
  }
  int status = check(programs, n, cases, n_cases, options, &why);
  struct answer *answers = status ? NULL : pw_calloc(n_cases, sizeof *answers);
  if (!status && !answers) status = pw_error_set(&why, PW_ENOMEM, "memory ran out for the system");
  if (!status) status = run(&a, answers, programs, n, cases, n_cases, &why);
  for (size_t i = 0; a.turns.systems && i < n_cases; i++) parted[i] = a.turns.systems[i].parted && !why.status;
  *told = a.told;
  pw_turns_clear(&a.turns);
  pw_kernel_events_clear(&a.events);
  for (size_t i = 0; i < a.n; i++) {
    if (a.copies[i].trace) pw_asked_close(&a, &a.copies[i]);
    pw_relayout_free(a.copies[i].relayout);
    pw_free(a.copies[i].path);
  }
  pw_free(a.copies);
  pw_free(answers);
  for (size_t i = 0; i < n_cases; i++) { /* what all failed of */
    if (why.status && !cases[i]->error.status) cases[i]->error = why;
    if (!status && !parted[i]) status = cases[i]->error.status;
  }
  return status;
}

int pw_system_run(const struct pw_system_program *programs, size_t n, struct pw_system_case *const *cases, size_t n_cases,
                  const struct pw_system_options *options)
{
  bool *parted = pw_calloc(n_cases + 1, sizeof *parted), alone;
  uint64_t told = 0;
  if (!parted) {
    for (size_t i = 0; i < n_cases; i++) {
      cases[i]->result = (struct pw_system_result){0};
      pw_error_set(&cases[i]->error, PW_ENOMEM, "memory ran out for the system");
    }
    return PW_ENOMEM;
  }
  int status = run_together(programs, n, cases, n_cases, options, parted, &told);
  for (size_t i = 0; i < n_cases; i++) {
    struct pw_system_options own = *options;
    if (!parted[i]) continue;
    if (i) own.tell = 0;
    pw_system_clear(&cases[i]->result);
    int of_one = run_together(programs, n, &cases[i], 1, &own, &alone, &told);
    if (!status) status = of_one;
  }
  pw_free(parted);
  return status;
}

void pw_system_clear(struct pw_system_result *r)
{
  for (size_t i = 0; i < r->n_processes; i++) pw_free(r->processes[i].name);
  pw_free(r->programs);
  pw_free(r->processes);
  for (size_t i = 0; i < r->n_slabs; i++) pw_free(r->slabs[i].name);
  pw_free(r->slabs);
  pw_free(r->candidates);
  pw_free(r->events);
  for (size_t i = 0; i < r->n_regions; i++) pw_free(r->regions[i].name);
  pw_free(r->regions);
  pw_free(r->windows);
  *r = (struct pw_system_result){0};
}
