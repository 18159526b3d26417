/* What validate prints. */
#include "validate_report.h"

#include <inttypes.h>
#include <string.h>

#include "say.h"

double validate_difference(struct pw_validated n)
{
  if (n.measured == n.predicted) return 0;
  return 100 * ((double)n.predicted - (double)n.measured) / (double)(n.measured ? n.measured : 1);
}

static void line(const char *what, struct pw_validated n)
{
  printf("%s: measured %" PRIu64 ", predicted %" PRIu64, what, n.measured, n.predicted);
  if (n.measured == n.predicted)
    puts(" (equal)");
  else
    printf(" (%+.2f %%)\n", validate_difference(n));
}

static void print_areas(const struct pw_validation *v)
{
  printf("\n  %-25s %10s %10s  area\n", "native addresses", "measured", "predicted");
  for (size_t i = 0; i < v->n_areas; i++) {
    const struct pw_validated_area *a = &v->areas[i];
    char name[sizeof a->name];
    text_printable(name, sizeof name, a->name);
    printf("  %012" PRIx64 "-%012" PRIx64 " %10" PRIu64 " %10" PRIu64 "%c %s\n", a->start, a->end, a->pages.measured,
           a->pages.predicted, a->pages.measured == a->pages.predicted ? ' ' : '*', name);
  }
}

void validate_print_text(const struct pw_validation *v, bool areas)
{
  line("page-table bytes", v->table_bytes);
  line("resident peak bytes", v->resident_bytes);
  line("minor faults", v->minor_faults);
  line("own bytes", v->own_bytes);
  line("cached bytes", v->cached_bytes);
  printf("start %" PRIu64 " special %" PRIu64 " maps %" PRIu64 " unplaced %" PRIu64 " strays %" PRIu64 " threads %u anon %" PRIu64 " file %" PRIu64 " copy %" PRIu64 " maj %" PRIu64 "\n", v->start_faults,
         v->special_pages, v->maps, v->unplaced_maps, v->strays, v->threads, v->anonymous_faults, v->file_faults, v->copy_faults, v->major_faults);
  if (areas) print_areas(v);
}

void validate_print_json(const struct words *program, const struct pw_validation *v)
{
  (void)program, (void)v;
}

void validate_print_csv(FILE *out, const struct words *program, const struct pw_validation *v)
{
  (void)out, (void)program, (void)v;
}
