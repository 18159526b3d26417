/* Writes attribution.csv and heat.csv, and owners as JSON.
 *
 * Counts and rates are the columns of results.csv under their names, and absent where they are absent
 * there. By symbol and by function accesses are nobody's, so they and the rates over them are absent. */
#include <inttypes.h>

#include "ask/rows.h"

/* A count of results.csv, as this owner has it. */
static struct pw_cell count_of(const struct pw_count *count, const struct pw_config *config, enum pw_by by,
                               const struct pw_owner *owner)
{
  struct pw_result counts = owner->counts;
  if (by == PW_BY_SYMBOL || by == PW_BY_FUNCTION) {
    if (count->group == PW_GROUP_ACCESSES) return pw_cell_word(NULL);
    counts.counted = (struct pw_totals){0, 0, 0}; /* rates over them are absent then */
  }
  return pw_count_cell(count, config, &counts);
}

enum { N_NAMES = 4 };
static const char *const names[N_NAMES] = {"trace", "by", "owner", "object"};

/* Column number `number` behind the names: the counts from the beginning, returned_bytes (NULL), and those that came later.
 * False past the end. */
static bool find_column(size_t number, const struct pw_count **count)
{
  for (unsigned since = 0, more = 1; more; since++) {
    more = 0;
    for (size_t i = 0; (*count = pw_count_entry(i)); i++) {
      more |= (*count)->since > since;
      if ((*count)->owned && (*count)->since == since && number-- == 0) return true;
    }
    if (since == 0 && number-- == 0) return true;
  }
  return false;
}

int pw_owner_csv_header(FILE *out, struct pw_error *err)
{
  const struct pw_count *c;
  for (size_t i = 0; i < N_NAMES; i++) fprintf(out, "%s%s", i ? "," : "", names[i]);
  for (size_t i = 0; find_column(i, &c); i++) fprintf(out, ",%s", c ? c->name : "returned_bytes");
  putc('\n', out);
  return pw_row_written(out, "owners", err);
}

static int write_row(FILE *out, const char *trace, const struct pw_config *config, enum pw_by by, const struct pw_owner *owner,
                     bool json, struct pw_error *err)
{
  const char *words[N_NAMES] = {trace, pw_by_name(by), owner->name, owner->object};
  const struct pw_count *c = NULL;
  for (size_t i = 0; i < N_NAMES || find_column(i - N_NAMES, &c); i++) {
    struct pw_cell cell = pw_cell_count(owner->returned_bytes);
    if (i < N_NAMES) cell = pw_cell_word(words[i]);
    else if (c) cell = count_of(c, config, by, owner);
    if (json) pw_json_cell(out, i < N_NAMES ? names[i] : c ? c->name : "returned_bytes", &cell, i == 0);
    else pw_csv_cell(out, &cell, i == 0);
  }
  putc(json ? '}' : '\n', out);
  return pw_row_written(out, "owners", err);
}

int pw_owner_csv_row(FILE *out, const char *trace, const struct pw_config *config, enum pw_by by, const struct pw_owner *owner,
                     struct pw_error *err)
{
  return write_row(out, trace, config, by, owner, false, err);
}

int pw_owner_json_row(FILE *out, const char *trace, const struct pw_config *config, enum pw_by by, const struct pw_owner *owner,
                      struct pw_error *err)
{
  return write_row(out, trace, config, by, owner, true, err);
}

int pw_heat_csv_header(FILE *out, struct pw_error *err)
{
  fputs("trace,counted,process,region,address,bytes,first_access,accesses,misses\n", out);
  return pw_row_written(out, "owners", err);
}

int pw_heat_csv_row(FILE *out, const char *trace, enum pw_heat_of of, const struct pw_heat_cell *cell, struct pw_error *err)
{
  pw_csv_write_text(out, trace);
  fprintf(out, ",%s,%" PRIu32 ",", pw_heat_name(of), cell->process);
  pw_csv_write_text(out, cell->region);
  fprintf(out, ",0x%" PRIx64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", cell->address, cell->bytes, cell->first_access,
          cell->accesses, cell->misses);
  return pw_row_written(out, "owners", err);
}
