/* Validates: one program under the running kernel and under the model of it.
 *
 * Algorithm: the program is recorded, then run natively (lib/validate/native.h), then the recording
 * is replayed at the native addresses in a model of Linux's memory (lib/validate/linuxmm.h). The
 * recording goes first, so that the native run finds the page cache warm. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/program.h"
#include "validate/relocate.h"

/* Valgrind's processor is an Intel one with AVX2 and no more. glibc chooses its string functions,
 * how it saves registers and where ld.so looks for libraries by the processor's features, so it is
 * told to do without those that differ, and without restartable sequences, in both runs. */
#define TUNABLES "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512CD,-AVX512DQ,-ERMS,-FSRM,-XSAVEC,-MOVBE,-LZCNT:glibc.pthread.rseq=0"

/* ---- the replay ---- */

struct replay {
  struct pw_relocation relocation;
  uint64_t data_page;  /* of the last visit to a data page */
  bool stack_placed;
  uint64_t maps;
};

/* The first access to data is to the top of the stack. */
static int place_stack(struct replay *p, uint64_t page, struct pw_error *err)
{
  p->stack_placed = true;
  return pw_relocation_stack(&p->relocation, page, err);
}

/* Which touches of a visit can fault: the one that opened it, and the first store to its data page. */
static int take_visit(struct replay *p, uint64_t page, uint8_t flags, struct pw_error *err)
{
  bool wrote = flags & (PW_VISIT_WROTE_1 | PW_VISIT_WROTE_2), code = flags & PW_VISIT_CODE;
  int status = 0;
  if (!code) p->data_page = page;
  if (!code && !p->stack_placed) status = place_stack(p, page, err);
  if (!status) status = pw_relocation_touch(&p->relocation, page, !code && flags & PW_VISIT_STORE_FIRST, err);
  if (!status && wrote) status = pw_relocation_touch(&p->relocation, p->data_page, true, err);
  return status;
}

static int take_block(struct replay *p, const struct pw_block *block, struct pw_error *err)
{
  uint32_t n_events = 0;
  int status = 0;
  for (uint32_t i = 0; i <= block->n_visits && !status; i++) {
    for (; n_events < block->n_events && block->events[n_events].at == i && !status && !p->relocation.over; n_events++) {
      p->maps += block->events[n_events].kind == PW_EVENT_MAP && p->relocation.running;
      status = pw_relocation_event(&p->relocation, &block->events[n_events], err);
    }
    if (status || i == block->n_visits || p->relocation.over) break;
    if (p->relocation.map_pending) status = pw_relocation_settle(&p->relocation, err);
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
    if (options->progress && options->progress(options->progress_context, &info)) return pw_error_set(err, PW_EINTERRUPTED, "interrupted");
  }
  return status < 0 ? status : 0;
}

/* ---- the comparison ---- */

static int compare_areas(struct pw_validation *v, const struct pw_native_state *end, const struct pw_mm *mm, struct pw_error *err)
{
  v->areas = pw_calloc(end->n_areas ? end->n_areas : 1, sizeof *v->areas);
  if (!v->areas) return pw_error_set(err, PW_ENOMEM, "memory ran out");
  for (size_t i = 0; i < end->n_areas; i++) {
    const struct pw_native_area *a = &end->areas[i];
    struct pw_validated_area *to = &v->areas[v->n_areas++];
    *to = (struct pw_validated_area){.start = a->start, .end = a->end,
                                     .pages = {a->present, pw_mm_present(mm, a->start >> 12, a->end >> 12)}};
    size_t n = strlen(a->name);
    snprintf(to->name, sizeof to->name, "%s%s", n < sizeof to->name ? "" : "...", n < sizeof to->name ? a->name : a->name + n - 60);
    if (strncmp(a->name, "[v", 2) == 0) v->special_pages += a->present;
  }
  return 0;
}

static int compare(struct pw_validation *v, const struct pw_native *native, const struct replay *p, struct pw_error *err)
{
  const struct pw_mm *mm = &p->relocation.mm;
  const struct pw_mm_counts *c = &mm->counts;
  const struct pw_native_state *end = &native->end;
  v->table_bytes = (struct pw_validated){end->table_bytes, pw_mm_tables(mm) << PW_BASE_SHIFT};
  v->resident_bytes = (struct pw_validated){end->peak_bytes, c->peak << PW_BASE_SHIFT};
  v->minor_faults = (struct pw_validated){end->minor_faults, native->start.minor_faults + pw_mm_faults(mm)};
  v->own_bytes = (struct pw_validated){end->own_bytes, c->own << PW_BASE_SHIFT};
  v->cached_bytes = (struct pw_validated){end->file_bytes + end->shared_bytes, c->cached << PW_BASE_SHIFT};
  v->start_faults = native->start.minor_faults;
  v->start_bytes = native->start.resident_bytes;
  v->major_faults = end->major_faults - native->start.major_faults;
  v->anonymous_faults = c->anonymous_faults;
  v->file_faults = c->file_faults;
  v->copy_faults = c->copy_faults;
  v->around_pages = c->around;
  v->maps = p->maps;
  v->unplaced_maps = p->relocation.unplaced;
  v->strays = c->strays;
  if (getenv("PWDBG")) { struct pw_mm *w = (struct pw_mm *)(uintptr_t)mm;
    for (size_t i = 0; i < end->n_areas; i++) { const struct pw_native_area *a = &end->areas[i]; if (a->present == pw_mm_present(mm, a->start>>12, a->end>>12)) continue;
      for (uint64_t pg = a->start>>12; pg < a->end>>12; pg++) { bool in=false; for (size_t k=0;k<end->n_pages;k++) if (end->pages[k].page==pg) in=true; bool have = pw_mm_present(w,pg,pg+1); if (in != have) { fprintf(stderr, "%lx area %lx %s: measured %d predicted %d;", pg<<12, a->start, a->name, in, have); for (size_t k=0;k<p->relocation.places.n;k++) { const struct pw_place*q=&p->relocation.places.list[k]; if (pg-q->shift>=q->start&&pg-q->shift<q->end) fprintf(stderr," rec %lx (from %lx)", (pg-q->shift)<<12, q->start<<12);} fputs("\n",stderr);} } } }
  v->threads = native->threads;
  v->pages_known = end->pages_known;
  v->became_another = native->became_another;
  v->exit_status = native->exit_status;
  v->signal = native->signal;
  return compare_areas(v, end, mm, err);
}

static int replay_all(struct pw_validation *v, struct pw_native *native, const struct pw_validate_options *options, struct pw_error *err)
{
  struct pw_trace_options reading = {0};
  struct pw_trace *trace = NULL;
  struct replay p = {0};
  int status = pw_trace_open(&trace, options->trace, &reading, err);
  if (!status) status = pw_relocation_init(&p.relocation, native, err);
  if (!status) status = replay(&p, trace, options, err);
  if (!status) status = compare(v, native, &p, err);
  pw_relocation_clear(&p.relocation);
  if (trace) pw_trace_close(trace);
  return status;
}

/* ---- the whole ---- */

struct stopper {
  const struct pw_validate_options *options;
  struct pw_record_info info;
};

static bool stop(void *context)
{
  struct stopper *s = context;
  return s->options->progress && s->options->progress(s->options->progress_context, &s->info);
}

/* Our environment with glibc's tunables; *tunables holds their text. NULL when memory runs out. */
static char **environment_with(char **tunables)
{
  const char *old = getenv("GLIBC_TUNABLES");
  size_t n = 0, to = 0, room = (old ? strlen(old) : 0) + sizeof TUNABLES + 32;
  while (environ[n]) n++;
  char **all = pw_calloc(n + 2, sizeof *all);
  *tunables = pw_malloc(room, 1);
  if (all && *tunables) {
    snprintf(*tunables, room, "GLIBC_TUNABLES=%s%s%s", old ? old : "", old ? ":" : "", TUNABLES);
    all[to++] = *tunables;
    for (size_t i = 0; i < n; i++)
      if (strncmp(environ[i], "GLIBC_TUNABLES=", 15) != 0) all[to++] = environ[i];
    return all;
  }
  pw_free(all);
  pw_free(*tunables);
  *tunables = NULL;
  return NULL;
}

int pw_validate(char *const argv[], const struct pw_validate_options *options, struct pw_validation *v, struct pw_error *err)
{
  char *tunables = NULL, **environment = environment_with(&tunables);
  char path[4096];
  struct pw_native native = {0};
  struct stopper stopper = {.options = options};
  struct pw_native_options how = {.show_output = options->show_output, .environment = environment, .stop = stop, .context = &stopper};
  struct pw_record_options record = {.output = options->trace, .tool_folder = options->tool_folder, .first_only = true,
                                     .no_streams = true, .environment = environment, .writer = {.level = 1, .source = "pagewalk validate"},
                                     .progress = options->progress, .progress_context = options->progress_context};
  *v = (struct pw_validation){0};
  int status = environment ? pw_program_find(path, sizeof path, argv[0], err) : pw_error_set(err, PW_ENOMEM, "memory ran out");
  if (!status) status = pw_record(argv, &record, &v->recorded, err);
  if (!status && v->recorded.interrupted) status = pw_error_set(err, PW_EINTERRUPTED, "interrupted");
  if (!status && !v->recorded.traces)
    status = pw_error_set(err, PW_EUNSUPPORTED, "%s made no access that was recorded, so there is nothing to compare", argv[0]);
  stopper.info = v->recorded;
  if (!status) status = pw_native_run(&native, path, argv, &how, err);
  if (!status) status = replay_all(v, &native, options, err);
  pw_native_clear(&native);
  pw_free(environment);
  pw_free(tunables);
  return status;
}

void pw_validation_clear(struct pw_validation *v)
{
  pw_free(v->areas);
  v->areas = NULL;
  v->n_areas = 0;
}
