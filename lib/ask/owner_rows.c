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

/* The columns of counts, in order: those from the beginning, returned_bytes (NULL), and those that came later. */
typedef void each_fn(void *context, const struct pw_count *count);

static void walk(each_fn *each, void *context)
{
  const struct pw_count *c;
  bool later = false;
  for (unsigned since = 0; since == 0 || later; since++) {
    later = false;
    for (size_t i = 0; (c = pw_count_entry(i)); i++) {
      later |= c->since > since;
      if (c->owned && c->since == since) each(context, c);
    }
    if (since == 0) each(context, NULL);
  }
}

struct writing {
  FILE *out;
  const struct pw_config *config;
  enum pw_by by;
  const struct pw_owner *owner;
};

static struct pw_cell cell_of(const struct writing *w, const struct pw_count *count)
{
  return count ? count_of(count, w->config, w->by, w->owner) : pw_cell_count(w->owner->returned_bytes);
}

static void write_name(void *context, const struct pw_count *count)
{
  fprintf(context, ",%s", count ? count->name : "returned_bytes");
}

static void write_csv(void *context, const struct pw_count *count)
{
  const struct writing *w = context;
  struct pw_cell cell = cell_of(w, count);
  pw_csv_cell(w->out, &cell, false);
}

static void write_json(void *context, const struct pw_count *count)
{
  const struct writing *w = context;
  struct pw_cell cell = cell_of(w, count);
  pw_json_cell(w->out, count ? count->name : "returned_bytes", &cell, false);
}

int pw_owner_csv_header(FILE *out, struct pw_error *err)
{
  fputs("trace,by,owner,object", out);
  walk(write_name, out);
  putc('\n', out);
  return pw_row_written(out, "owners", err);
}

int pw_owner_csv_row(FILE *out, const char *trace, const struct pw_config *config, enum pw_by by, const struct pw_owner *owner,
                     struct pw_error *err)
{
  struct writing w = {out, config, by, owner};
  const char *words[] = {trace, pw_by_name(by), owner->name, owner->object};
  for (size_t i = 0; i < 4; i++) {
    if (i) putc(',', out);
    pw_csv_write_text(out, words[i]);
  }
  walk(write_csv, &w);
  putc('\n', out);
  return pw_row_written(out, "owners", err);
}

int pw_owner_json_row(FILE *out, const char *trace, const struct pw_config *config, enum pw_by by, const struct pw_owner *owner,
                      struct pw_error *err)
{
  static const char *const names[] = {"trace", "by", "owner", "object"};
  struct writing w = {out, config, by, owner};
  const char *words[] = {trace, pw_by_name(by), owner->name, owner->object};
  for (size_t i = 0; i < 4; i++) {
    struct pw_cell cell = pw_cell_word(words[i]);
    pw_json_cell(out, names[i], &cell, i == 0);
  }
  walk(write_json, &w);
  putc('}', out);
  return pw_row_written(out, "owners", err);
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
