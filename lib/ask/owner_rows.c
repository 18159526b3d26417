/* Writes attribution.csv and heat.csv, and owners as JSON.
 *
 * Counts and rates are the columns of results.csv under their names, and absent where they are absent
 * there. By symbol and by function accesses are nobody's, so they and the rates over them are absent. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "report/cells.h"

static const char *const shared[] = {
  "accesses", "fetches", "loads", "stores", "itlb_misses", "dtlb_misses", "stlb_lookups", "stlb_misses", "walks", "walk_refs",
  "itlb_miss_rate", "dtlb_miss_rate", "stlb_miss_rate", "walk_rate", "minor_faults", "major_faults", "fault_rate", "swap_outs",
};
enum { N_SHARED = sizeof shared / sizeof *shared, N_ACCESSES = 4 };

static size_t column_number(const char *name)
{
  size_t column = 0;
  while (strcmp(pw_row_column(column), name) != 0) column++;
  return column;
}

static bool knows_accesses(enum pw_by by)
{
  return by == PW_BY_REGION || by == PW_BY_OBJECT;
}

/* A count of results.csv, as this owner has it. */
static struct pw_value value_of(size_t which, const struct pw_config *config, enum pw_by by, const struct pw_owner *owner)
{
  struct pw_result counts = owner->counts;
  if (!knows_accesses(by)) {
    if (which < N_ACCESSES) return (struct pw_value){.kind = PW_VALUE_ABSENT};
    counts.counted = (struct pw_totals){0, 0, 0}; /* rates over them are absent then */
  }
  return pw_row_value(column_number(shared[which]), "", config, &counts);
}

static int written(FILE *out, struct pw_error *err)
{
  if (!ferror(out)) return 0;
  return pw_error_set(err, PW_EIO, "a row of owners cannot be written: %s; free some room and run again", strerror(errno));
}

int pw_owner_csv_header(FILE *out, struct pw_error *err)
{
  fputs("trace,by,owner,object", out);
  for (size_t i = 0; i < N_SHARED; i++) fprintf(out, ",%s", shared[i]);
  fputs(",touched_bytes,table_bytes,returned_bytes\n", out);
  return written(out, err);
}

int pw_owner_csv_row(FILE *out, const char *trace, const struct pw_config *config, enum pw_by by, const struct pw_owner *owner,
                     struct pw_error *err)
{
  pw_csv_write_text(out, trace);
  fprintf(out, ",%s,", pw_by_name(by));
  pw_csv_write_text(out, owner->name);
  putc(',', out);
  pw_csv_write_text(out, owner->object);
  for (size_t i = 0; i < N_SHARED; i++) {
    char number[PW_VALUE_BYTES];
    struct pw_value value = value_of(i, config, by, owner);
    putc(',', out);
    fputs(pw_value_text(&value, number), out);
  }
  fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", owner->counts.touched_bytes, owner->counts.table_bytes, owner->returned_bytes);
  return written(out, err);
}

int pw_owner_json_row(FILE *out, const char *trace, const struct pw_config *config, enum pw_by by, const struct pw_owner *owner,
                      struct pw_error *err)
{
  fputs("{\"trace\": ", out);
  pw_json_write_text(out, trace);
  fprintf(out, ", \"by\": \"%s\", \"owner\": ", pw_by_name(by));
  pw_json_write_text(out, owner->name);
  fputs(", \"object\": ", out);
  pw_json_write_text(out, owner->object);
  for (size_t i = 0; i < N_SHARED; i++) {
    char number[PW_VALUE_BYTES];
    struct pw_value value = value_of(i, config, by, owner);
    fprintf(out, ", \"%s\": %s", shared[i], value.kind == PW_VALUE_ABSENT ? "null" : pw_value_text(&value, number));
  }
  fprintf(out, ", \"touched_bytes\": %" PRIu64 ", \"table_bytes\": %" PRIu64 ", \"returned_bytes\": %" PRIu64 "}",
          owner->counts.touched_bytes, owner->counts.table_bytes, owner->returned_bytes);
  return written(out, err);
}

int pw_heat_csv_header(FILE *out, struct pw_error *err)
{
  fputs("trace,counted,process,region,address,bytes,first_access,accesses,misses\n", out);
  return written(out, err);
}

int pw_heat_csv_row(FILE *out, const char *trace, enum pw_heat_of of, const struct pw_heat_cell *cell, struct pw_error *err)
{
  pw_csv_write_text(out, trace);
  fprintf(out, ",%s,%" PRIu32 ",", pw_heat_name(of), cell->process);
  pw_csv_write_text(out, cell->region);
  fprintf(out, ",0x%" PRIx64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", cell->address, cell->bytes, cell->first_access,
          cell->accesses, cell->misses);
  return written(out, err);
}
