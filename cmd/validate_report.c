/* What validate prints: measured against predicted, and what is known of a difference.
 *
 * The explanation of a number says where the prediction comes from; when it differs, also which of
 * the known reasons the two runs show. */
#include "validate_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "say.h"

double validate_difference(struct pw_validated n)
{
  if (n.measured == n.predicted) return 0;
  return 100 * ((double)n.predicted - (double)n.measured) / (double)(n.measured ? n.measured : 1);
}

/* ---- for people ---- */

static void line(const char *what, struct pw_validated n)
{
  printf("%s: measured %" PRIu64 ", predicted %" PRIu64, what, n.measured, n.predicted);
  if (n.measured != n.predicted) printf(" (%+.2f %%)", validate_difference(n));
  putchar('\n');
}

static void explain_tables(const struct pw_validation *v)
{
  printf("  %" PRIu64 " tables of pages, %" PRIu64 " above them, %" PRIu64 " above those, 4 KiB each; the root is not counted",
         v->tables[0],
         v->tables[1], v->tables[2]);
  if (v->table_bytes.measured != v->table_bytes.predicted && v->unplaced_maps)
    printf("; %" PRIu64 " of %" PRIu64 " mappings had no native counterpart and were placed by rule", v->unplaced_maps, v->maps);
  putchar('\n');
}

static void explain_resident(const struct pw_validation *v)
{
  printf("  at the end: own %" PRIu64 " and %" PRIu64 ", of files %" PRIu64 " and %" PRIu64 " bytes", v->own_bytes.measured,
         v->own_bytes.predicted, v->cached_bytes.measured, v->cached_bytes.predicted);
  if (v->cached_bytes.measured < v->cached_bytes.predicted)
    printf("; fault-around leaves out pages of a file that are not cached, or locked by another process");
  if (v->kernel_peak_bytes != v->resident_bytes.measured)
    printf("; VmHWM, from counters kept for each processor, says %" PRIu64, v->kernel_peak_bytes);
  putchar('\n');
}

static void explain_faults(const struct pw_validation *v)
{
  printf("  %" PRIu64 " before the first instruction (both), then %" PRIu64 " of anonymous memory, %" PRIu64 " of files (%" PRIu64
         " pages came around them), %" PRIu64 " copies",
         v->start_faults, v->anonymous_faults, v->file_faults, v->around_pages, v->copy_faults);
  if (v->minor_faults.measured != v->minor_faults.predicted) {
    if (v->forks) printf("; %" PRIu32 " fork%s, whose children ran beside it", v->forks, v->forks == 1 ? "" : "s");
    if (v->threads > 1) printf("; threads ran in another order");
    printf("; where a program looks at addresses (allocators, hashes) or at the processor (registers saved while symbols are "
           "bound), the two runs differ a little");
  }
  putchar('\n');
}

/* What the program did natively that the model has nothing of. */
static void explain_beyond(const struct pw_validation *v)
{
  const struct pw_validated *n[] = {&v->table_bytes, &v->resident_bytes, &v->minor_faults};
  bool same = true;
  for (size_t i = 0; i < 3; i++) same = same && n[i]->measured == n[i]->predicted;
  if (same) return;
  if (v->kept_moves)
    printf("not recorded: %" PRIu32 " mremap with MREMAP_DONTUNMAP, which Valgrind refuses: from there the two runs differ\n",
           v->kept_moves);
  if (v->null_writes)
    printf("predicted, but not so: that %" PRIu32 " write%s to /dev/null read the pages of %s\n", v->null_writes,
           v->null_writes == 1 ? "" : "s", v->null_writes == 1 ? "its buffer" : "their buffers");
  if (v->shared_maps)
    printf("not predicted: pages of the %" PRIu32 " writable shared mapping%s that came with a larger piece of a file%s\n",
           v->shared_maps,
           v->shared_maps == 1 ? "" : "s", v->forks ? ", or that a child had brought" : "");
}

static void explain_runs(const struct pw_validation *v)
{
  const struct pw_record_info *r = &v->recorded;
  if (v->became_another) say_note("the program executed another: the comparison is up to there");
  if (!v->became_another && (v->exit_status != r->exit_status || v->signal != r->signal))
    say_note("the two runs ended differently: recorded with %s %d, natively with %s %d", r->signal ? "signal" : "status",
             r->signal ? r->signal : r->exit_status, v->signal ? "signal" : "status", v->signal ? v->signal : v->exit_status);
  else if (v->signal)
    say_note("signal %d ended the program in both runs", v->signal);
  if (v->major_faults) say_note("%" PRIu64 " major faults were measured: parts of a file were not in memory", v->major_faults);
  if (v->strays) say_note("%" PRIu64 " recorded accesses fall outside of what was mapped natively", v->strays);
}

static void print_areas(const struct pw_validation *v)
{
  printf("\n%-25s  %10s  %10s  %s\n", "native addresses", "measured", "predicted", "pages there at the end, of");
  for (size_t i = 0; i < v->n_areas; i++) {
    const struct pw_validated_area *a = &v->areas[i];
    char name[sizeof a->name];
    text_printable(name, sizeof name, a->name);
    printf("%012" PRIx64 "-%012" PRIx64 "  %10" PRIu64 "  %10" PRIu64 "%s%s\n", a->start, a->end, a->pages.measured,
           a->pages.predicted, a->pages.measured == a->pages.predicted ? "  " : " *", name);
  }
}

static void explain_huge(const struct pw_validation *v)
{
  printf("  at the end; %" PRIu64 " faults brought 2 MiB, %" PRIu64 " of those mappings were divided", v->thp_faults, v->thp_splits);
  if (v->huge_bytes.measured != v->huge_bytes.predicted && v->malloc_asks)
    printf("; malloc lets its heap end at multiples of 2 MiB, and the heaps of the two runs begin at other distances from one");
  if (v->huge_bytes.measured > v->huge_bytes.predicted)
    printf("; khugepaged, which joins pages every ten seconds, is not predicted");
  else if (v->huge_bytes.measured < v->huge_bytes.predicted)
    printf("; the kernel takes small pages where it has no block of 2 MiB at once%s", v->forks ? ", or where a child shared it" : "");
  putchar('\n');
}

void validate_print_text(const struct pw_validation *v, bool thp, bool areas)
{
  line("page-table bytes", v->table_bytes);
  explain_tables(v);
  line("resident peak bytes", v->resident_bytes);
  explain_resident(v);
  if (thp) line("huge-page bytes", v->huge_bytes);
  if (thp) explain_huge(v);
  line("minor faults", v->minor_faults);
  explain_faults(v);
  explain_beyond(v);
  if (areas && v->pages_known) print_areas(v);
  if (areas && !v->pages_known) say_note("this kernel does not tell which pages are there (/proc/PID/pagemap)");
  explain_runs(v);
}

/* ---- for machines ---- */

static const struct validated_line {
  const char *name;
  size_t offset;
} quantities[] = {
    {"page_table_bytes", offsetof(struct pw_validation, table_bytes)},
    {"resident_peak_bytes", offsetof(struct pw_validation, resident_bytes)},
    {"minor_faults", offsetof(struct pw_validation, minor_faults)},
    {"own_bytes", offsetof(struct pw_validation, own_bytes)},
    {"cached_bytes", offsetof(struct pw_validation, cached_bytes)},
    {"huge_bytes", offsetof(struct pw_validation, huge_bytes)},
};
enum { N_QUANTITIES = sizeof quantities / sizeof *quantities };

/* The last stands there where huge pages were asked for. */
static size_t n_quantities(bool thp)
{
  return thp ? N_QUANTITIES : N_QUANTITIES - 1;
}

static struct pw_validated value_of(const struct pw_validation *v, size_t i)
{
  return *(const struct pw_validated *)(const void *)((const char *)v + quantities[i].offset);
}

static void json_areas(const struct pw_validation *v)
{
  fputs(",\n  \"areas\": [", stdout);
  for (size_t i = 0; i < v->n_areas; i++) {
    const struct pw_validated_area *a = &v->areas[i];
    printf("%s\n    {\"start\": %" PRIu64 ", \"end\": %" PRIu64 ", \"measured_pages\": %" PRIu64
           ", \"predicted_pages\": %" PRIu64 ", \"name\": ",
           i ? "," : "", a->start, a->end, a->pages.measured, a->pages.predicted);
    pw_json_write_text(stdout, a->name);
    putchar('}');
  }
  fputs("\n  ]", stdout);
}

void validate_print_json(const struct words *program, const struct pw_validation *v, bool thp)
{
  fputs("{\n  \"program\": [", stdout);
  for (size_t i = 0; i < program->n; i++) {
    if (i) fputs(", ", stdout);
    pw_json_write_text(stdout, program->items[i]);
  }
  putchar(']');
  for (size_t i = 0; i < n_quantities(thp); i++) {
    struct pw_validated n = value_of(v, i);
    printf(",\n  \"%s\": {\"measured\": %" PRIu64 ", \"predicted\": %" PRIu64 ", \"difference_percent\": %.6g}",
           quantities[i].name, n.measured,
           n.predicted, validate_difference(n));
  }
  const struct { const char *name; uint64_t value; } counts[] = {
      {"start_faults", v->start_faults},         {"major_faults", v->major_faults}, {"anonymous_faults", v->anonymous_faults},
      {"file_faults", v->file_faults},           {"copy_faults", v->copy_faults},   {"around_pages", v->around_pages},
      {"pte_tables", v->tables[0]},              {"pmd_tables", v->tables[1]},      {"pud_tables", v->tables[2]},
      {"maps", v->maps},                         {"unplaced_maps", v->unplaced_maps}, {"strays", v->strays},
      {"threads", v->threads},                   {"forks", v->forks},               {"vmhwm_bytes", v->kernel_peak_bytes},
      {"populated", v->populated},               {"kept_moves", v->kept_moves},     {"shared_maps", v->shared_maps},
      {"null_writes", v->null_writes}};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) printf(",\n  \"%s\": %" PRIu64, counts[i].name, counts[i].value);
  if (thp) printf(",\n  \"thp_faults\": %" PRIu64 ",\n  \"thp_splits\": %" PRIu64, v->thp_faults, v->thp_splits);
  printf(",\n  \"became_another\": %s,\n  \"exit_status\": %d,\n  \"signal\": %d", v->became_another ? "true" : "false",
         v->exit_status, v->signal);
  if (v->pages_known) json_areas(v);
  fputs("\n}\n", stdout);
}

char *validate_program(const struct words *program)
{
  char *text = heap_text("%s", "");
  for (size_t i = 0; i < program->n; i++) {
    char *longer = heap_text("%s%s%s", text, i ? " " : "", program->items[i]);
    free(text);
    text = longer;
  }
  return text;
}

void validate_print_csv(FILE *out, const struct words *program, const struct pw_validation *v, bool thp)
{
  char *text = validate_program(program);
  fputs("program,quantity,measured,predicted,difference_percent\n", out);
  for (size_t i = 0; i < n_quantities(thp); i++) {
    struct pw_validated n = value_of(v, i);
    pw_csv_write_text(out, text);
    fprintf(out, ",%s,%" PRIu64 ",%" PRIu64 ",%.9g\n", quantities[i].name, n.measured, n.predicted, validate_difference(n));
  }
  free(text);
}
