/* Time series for people and programs: CSV rows and tables. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "series.h"

/* ---- CSV ---- */

static void write_count(FILE *out, uint64_t count, bool applies)
{
  putc(',', out);
  if (applies) fprintf(out, "%" PRIu64, count);
}

static void write_area(FILE *out, const struct pw_window_area *area, bool known)
{
  write_count(out, area->bytes, known);
  write_count(out, area->minor_faults, known);
  write_count(out, area->returned_bytes, known);
}

static void write_row(FILE *out, const char *trace, const struct pw_config *c, const struct pw_series *s, const struct pw_window *w)
{
  bool stlb = c->stlb.entries != 0;
  pw_csv_write_text(out, trace);
  write_count(out, w->access, true);
  write_count(out, w->counted.fetches + w->counted.loads + w->counted.stores, true);
  write_count(out, w->counted.fetches, true);
  write_count(out, w->counted.loads, true);
  write_count(out, w->counted.stores, true);
  write_count(out, w->itlb_misses, c->itlb.entries != 0);
  write_count(out, w->dtlb_misses, c->dtlb.entries != 0);
  write_count(out, w->stlb_lookups, stlb);
  write_count(out, w->stlb_misses, stlb);
  write_count(out, w->walks, true);
  write_count(out, w->minor_faults, true);
  write_count(out, w->major_faults, true);
  write_count(out, w->swap_outs, true);
  write_count(out, w->table_bytes, true);
  write_count(out, w->resident_bytes, true);
  write_area(out, &w->heap, s->has_areas);
  write_area(out, &w->mmap, s->has_areas);
  putc('\n', out);
}

int series_csv_write(FILE *out, const struct series_set *set, struct pw_error *err)
{
  fputs("trace,access,accesses,fetches,loads,stores,itlb_misses,dtlb_misses,stlb_lookups,stlb_misses,walks,"
        "minor_faults,major_faults,swap_outs,table_bytes,resident_bytes,"
        "heap_bytes,heap_minor_faults,heap_returned_bytes,mmap_bytes,mmap_minor_faults,mmap_returned_bytes\n", out);
  for (size_t i = 0; i < set->n_jobs; i++) {
    const struct pw_series *s = &set->series[i];
    for (size_t w = 0; set->jobs[i].state == JOB_DONE && w < s->n_windows; w++)
      write_row(out, set->jobs[i].path, set->config, s, &s->windows[w]);
  }
  if (!ferror(out)) return 0;
  return pw_error_set(err, PW_EIO, "a row of a time series cannot be written: %s; free some room and run again", strerror(errno));
}

void series_tables_print(const struct series_set *set)
{
  (void)set;
}
