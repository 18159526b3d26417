/* Validates: one program under the running kernel and under the model of it.
 *
 * Algorithm: the program is recorded, then run natively (lib/judge/native_run.h), then the recording
 * is replayed at the native addresses (lib/space/relocate.h) in a model of Linux's memory
 * (lib/os/linux/kernel.h). The recording goes first, so that the native run finds the page cache warm. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/block.h"
#include "record/program.h"
#include "judge/drain.h"
#include "judge/native_run.h"
#include "ask/environment.h"
#include "os/linux/kernel.h"
#include "space/relocate.h"

/* ---- the replay ---- */

enum { N_DONE = 4096 };

struct replay {
  struct pw_relocation relocation;
  struct pw_kernel kernel;
  uint64_t data_page;    /* of the last visit to a data page */
  uint64_t done[N_DONE]; /* page << 1 | written, of touches that change nothing any more until a change does */
  uint64_t changes;      /* that `done` knows of */
};

static uint64_t strays(const struct replay *p)
{
  return p->relocation.strays + p->kernel.mm.counts.strays;
}

static int touch_new(struct replay *p, uint64_t page, bool write, struct pw_error *err)
{
  uint64_t before = strays(p);
  int status = pw_relocation_touch(&p->relocation, page, write, err);
  if (strays(p) == before) p->done[page % N_DONE] = page << 1 | write;
  return status;
}

static inline int touch(struct replay *p, uint64_t page, bool write, struct pw_error *err)
{
  return (p->done[page % N_DONE] | !write) == (page << 1 | 1) ? 0 : touch_new(p, page, write, err);
}

/* Which touches of a visit can fault: the one that opened it, and the first store to its data page. */
static int take_visit(struct replay *p, uint64_t page, uint8_t flags, struct pw_error *err)
{
  bool wrote = flags & (PW_VISIT_WROTE_1 | PW_VISIT_WROTE_2), code = flags & PW_VISIT_CODE;
  if (!code) p->data_page = page;
  int status = touch(p, page, !code && flags & PW_VISIT_STORE_FIRST, err);
  if (!status && wrote) status = touch(p, p->data_page, true, err);
  return status;
}

static int take_block(struct replay *p, const struct pw_block *block, struct pw_error *err)
{
  uint32_t n_events = 0;
  int status = 0;
  for (uint32_t i = 0; i <= block->n_visits && !status; i++) {
    for (; n_events < block->n_events && block->events[n_events].at == i && !status && !p->relocation.over; n_events++)
      status = pw_relocation_event(&p->relocation, &block->events[n_events], err);
    if (status || i == block->n_visits || p->relocation.over) break;
    if (p->relocation.map_pending) status = pw_relocation_settle(&p->relocation, err);
    if (p->changes != p->relocation.changes) memset(p->done, 0, sizeof p->done);
    p->changes = p->relocation.changes;
    if (!status) status = take_visit(p, block->pages[block->page[i]] & PW_PAGE_MASK, block->flags[i], err);
  }
  return status;
}

static int replay(struct replay *p, struct pw_trace *trace, const struct pw_validate_options *options, struct pw_error *err)
{
  const struct pw_block *block;
  int status;
  while ((status = pw_trace_next(trace, &block, err)) > 0 && !p->relocation.over) {
    struct pw_record_info info = {.totals = pw_trace_info(trace)->totals};
    status = take_block(p, block, err);
    if (status) return status;
    if (options->progress && options->progress(options->progress_context, &info))
      return pw_error_set(err, PW_EINTERRUPTED, "interrupted");
  }
  return status < 0 ? status : 0;
}

/* Pages that were there before the first instruction. */
static int put_pages(struct pw_kernel *kernel, const struct pw_native_state *start, struct pw_error *err)
{
  int status = 0;
  for (size_t i = 0; i < start->n_pages && !status; i++)
    status = pw_mm_put(&kernel->mm, start->pages[i].page, start->pages[i].own, err);
  return status;
}

/* ---- the comparison ---- */

static int compare_areas(struct pw_validation *v, const struct pw_native_state *end, const struct pw_mm *mm, struct pw_error *err)
{
  v->areas = pw_calloc(end->n_areas ? end->n_areas : 1, sizeof *v->areas);
  if (!v->areas) return pw_error_set(err, PW_ENOMEM, "memory ran out for the areas of the program; free some and run again");
  for (size_t i = 0; i < end->n_areas; i++) {
    const struct pw_native_area *a = &end->areas[i];
    const uint64_t first = a->vma.start, behind = a->vma.end;
    struct pw_validated_area *to = &v->areas[v->n_areas++];
    *to = (struct pw_validated_area){.start = first << 12, .end = behind << 12, .pages = {a->present, pw_mm_present(mm, first, behind)}};
    size_t n = strlen(a->name);
    snprintf(to->name, sizeof to->name, "%s%s", n < sizeof to->name ? "" : "...",
             n < sizeof to->name ? a->name : a->name + n - 60);
  }
  return 0;
}

static void take_measured(struct pw_validation *v, const struct pw_native *native)
{
  const struct pw_native_state *end = &native->end;
  v->table_bytes.measured = end->table_bytes;
  v->resident_bytes.measured = native->peak_bytes;
  v->minor_faults.measured = end->minor_faults;
  v->own_bytes.measured = end->own_bytes;
  v->huge_bytes.measured = end->huge_bytes;
  v->cached_bytes.measured = end->file_bytes + end->shared_bytes;
  v->start_faults = native->start.minor_faults;
  v->start_bytes = native->start.resident_bytes;
  v->major_faults = end->major_faults - native->start.major_faults;
  v->kernel_peak_bytes = end->peak_bytes;
  v->threads = native->threads;
  v->forks = native->forks;
  v->populated = native->populated;
  v->kept_moves = native->kept_moves;
  v->shared_maps = native->shared_maps;
  v->null_writes = native->null_writes;
  v->pages_known = end->pages_known;
  v->became_another = native->became_another;
  v->exit_status = native->exit_status;
  v->signal = native->signal;
}

static void take_predicted(struct pw_validation *v, const struct replay *p)
{
  const struct pw_mm *mm = &p->kernel.mm;
  const struct pw_mm_counts *c = &mm->counts;
  v->table_bytes.predicted = pw_mm_tables(mm) << PW_BASE_SHIFT;
  v->resident_bytes.predicted = c->peak << PW_BASE_SHIFT;
  v->minor_faults.predicted = v->start_faults + pw_mm_faults(mm);
  v->huge_bytes.predicted = c->huge << (PW_BASE_SHIFT + PW_HUGE_ORDER);
  v->thp_faults = c->thp_faults;
  v->thp_splits = c->thp_splits;
  v->own_bytes.predicted = c->own << PW_BASE_SHIFT;
  v->cached_bytes.predicted = c->cached << PW_BASE_SHIFT;
  v->anonymous_faults = c->anonymous_faults;
  v->file_faults = c->file_faults;
  v->copy_faults = c->copy_faults;
  v->around_pages = c->around;
  memcpy(v->tables, mm->tables.n, sizeof v->tables);
  v->maps = p->relocation.maps;
  v->unplaced_maps = p->relocation.unplaced;
  v->strays = strays(p);
}

static int replay_all(struct pw_validation *v, struct pw_native *native, const struct pw_validate_options *options,
                      enum pw_thp thp, uint64_t stack_pointer, struct pw_error *err)
{
  struct pw_trace_options reading = {0};
  struct pw_trace *trace = NULL;
  struct replay p = {0};
  struct pw_native_layout layout = {.areas = native->start.areas, .n_areas = native->start.n_areas, .calls = native->calls,
                                    .n_calls = native->n_calls, .stack_pointer = native->stack_pointer, .heap = native->heap};
  int status = pw_trace_open(&trace, options->trace, &reading, err);
  if (!status) status = pw_kernel_init(&p.kernel, thp, native->reclaims_tables, err);
  if (!status) status = pw_relocation_init(&p.relocation, &layout, stack_pointer, pw_kernel_target(&p.kernel), err);
  if (!status) status = put_pages(&p.kernel, &native->start, err);
  if (!status) status = replay(&p, trace, options, err);
  if (!status) take_measured(v, native);
  if (!status) take_predicted(v, &p);
  if (!status) status = compare_areas(v, &native->end, &p.kernel.mm, err);
  pw_relocation_clear(&p.relocation);
  pw_kernel_clear(&p.kernel);
  if (trace) pw_trace_close(trace);
  return status;
}

/* ---- the native run ---- */

struct stopper {
  const struct pw_validate_options *options;
  struct pw_record_info info;
};

static bool stop(void *context)
{
  struct stopper *s = context;
  return s->options->progress && s->options->progress(s->options->progress_context, &s->info);
}

/* Where the recorded program's stack pointer stood: its first access to data is a push right below, or a pop. */
static int find_stack(uint64_t *stack_pointer, const char *path, struct pw_error *err)
{
  struct pw_trace_options reading = {.sides = true};
  struct pw_trace *trace;
  const struct pw_block *block;
  int status = pw_trace_open(&trace, path, &reading, err);
  if (status) return status;
  *stack_pointer = 0;
  while (!*stack_pointer && (status = pw_trace_next(trace, &block, err)) > 0)
    for (uint32_t i = 0; i < block->n_visits && !*stack_pointer; i++)
      if (!(block->flags[i] & PW_VISIT_CODE) && block->offset)
        *stack_pointer = (((block->pages[block->page[i]] & PW_PAGE_MASK) << PW_BASE_SHIFT | block->offset[i]) + 15) & ~UINT64_C(15);
  pw_trace_close(trace);
  if (status >= 0 && !*stack_pointer) return pw_error_set(err, PW_EFORMAT, "%s: no access to data was recorded", path);
  return status < 0 ? status : 0;
}

/* Runs it so that its stack begins as far into a page as the recorded one's: Valgrind's environment
 * and auxiliary vector have another size, so the native environment is padded. */
static int run_native(struct pw_native *native, const char *path, char *const argv[], struct pw_native_options *how,
                      bool malloc_asks, uint64_t stack_pointer, struct pw_error *err)
{
  size_t padding = 0;
  for (int attempt = 0; attempt < 5; attempt++) {
    struct pw_environment environment;
    int status = pw_environment_make(&environment, malloc_asks, padding, err);
    if (status) return status;
    how->environment = environment.list;
    how->only_start = true;
    pw_native_clear(native);
    status = pw_native_run(native, path, argv, how, err);
    uint64_t off = (native->stack_pointer - stack_pointer) & 4095;
    bool last = off == 0 || attempt == 4;
    if (!status && last) {
      how->only_start = false;
      pw_native_clear(native);
      status = pw_native_run(native, path, argv, how, err);
    }
    pw_environment_clear(&environment);
    if (status || last) return status;
    padding = padding + off > 4096 + 64 ? padding + off - 4096 : padding + off;
  }
  return 0;
}

/* ---- the whole ---- */

static int record(char *const argv[], const struct pw_validate_options *options, bool malloc_asks, struct pw_validation *v,
                  struct pw_error *err)
{
  const struct pw_record_options how = {.output = options->trace, .tool_folder = options->tool_folder, .sides = true,
                                        .writer = {.level = 1, .source = "pagewalk validate"}, .progress = options->progress,
                                        .progress_context = options->progress_context};
  return pw_environment_record(argv, how, malloc_asks, &v->recorded, err);
}

/* What the model is to do, and whether malloc is to ask: the system says what can be had. */
static int choose_thp(enum pw_thp *thp, bool *malloc_asks, enum pw_system_thp asked, struct pw_error *err)
{
  char mode[16];
  *thp = (enum pw_thp)asked;
  *malloc_asks = false;
  if (asked == PW_SYSTEM_THP_NEVER) return 0;
  pw_native_thp_mode(mode);
  if (!mode[0] || strcmp(mode, "never") == 0)
    return pw_error_set(err, PW_EUNSUPPORTED, "this system has no huge pages to compare with: transparent_hugepage/enabled says %s",
                        mode[0] ? mode : "nothing");
  bool always = strcmp(mode, "always") == 0;
  if (asked == PW_SYSTEM_THP_MADVISE && always)
    return pw_error_set(err, PW_EUNSUPPORTED, "this system gives huge pages to all programs (transparent_hugepage/enabled says always), so "
                                              "that none can be run with those alone that it asks for; take --thp always");
  if (asked == PW_SYSTEM_THP_ALWAYS && !always) {
    *thp = PW_THP_MADVISE;
    *malloc_asks = true;
  }
  return 0;
}

int pw_validate(char *const argv[], const struct pw_validate_options *options, struct pw_validation *v, struct pw_error *err)
{
  char path[4096];
  uint64_t stack_pointer = 0;
  bool malloc_asks = false;
  enum pw_thp thp = PW_THP_NEVER;
  struct pw_native native = {0};
  struct pw_drain drain = {0};
  *v = (struct pw_validation){0};
  int status = pw_program_find(path, sizeof path, argv[0], err);
  if (!status) status = choose_thp(&thp, &malloc_asks, options->thp, err);
  v->malloc_asks = malloc_asks;
  if (!status) status = record(argv, options, malloc_asks, v, err);
  if (!status) status = find_stack(&stack_pointer, options->trace, err);
  struct stopper stopper = {options, v->recorded};
  if (!status && stop(&stopper))
    status = pw_error_set(err, PW_EINTERRUPTED, "interrupted"); /* it may have ended the program at once */
  if (!status) status = pw_drain_start(&drain, options->show_output, err);
  struct pw_native_options how = {.output = drain.output, .thp = thp != PW_THP_NEVER, .stop = stop, .context = &stopper};
  if (!status) status = run_native(&native, path, argv, &how, malloc_asks, stack_pointer, err);
  pw_drain_end(&drain);
  if (!status && stop(&stopper)) status = pw_error_set(err, PW_EINTERRUPTED, "interrupted"); /* Ctrl-C reached the program too */
  if (!status) status = replay_all(v, &native, options, thp, stack_pointer, err);
  pw_native_clear(&native);
  return status;
}

void pw_validation_clear(struct pw_validation *v)
{
  pw_free(v->areas);
  v->areas = NULL;
  v->n_areas = 0;
}
