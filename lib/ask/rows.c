/* Rows of results.csv: what stands in each column, as CSV, JSON and text.
 *
 * The order of the columns is a contract: the trace, the parameters, the counts; and behind them, by their `since`,
 * those parameters and counts that came later. It is known here how a kind of parameter is printed, and what is absent.
 *
 * Invariant: a rate whose denominator is 0 and anything about an absent TLB
 * is absent, so that no reader takes "nothing to count" for "no misses". */
#include "ask/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/parameters.h"

enum { PER_PARAMETER = sizeof((struct pw_parameter *)0)->columns / sizeof *((struct pw_parameter *)0)->columns };

bool pw_column_next(struct pw_column *c)
{
  const struct pw_parameter *p;
  const struct pw_count *count;
  if (!c->name) {
    c->name = "trace";
    return true;
  }
  while ((p = pw_parameter_entry(c->next_place / PER_PARAMETER)) && !p->columns[c->next_place % PER_PARAMETER].name)
    c->next_place++;
  while ((count = pw_count_entry(c->next_count)) && count->elsewhere) c->next_count++;
  if (!p && !count) return false;
  if (p && count && p->since > count->since) p = NULL;
  c->parameter = p;
  c->count = p ? NULL : count;
  c->which = c->next_place % PER_PARAMETER;
  c->name = p ? p->columns[c->which].name : count->name;
  if (p) c->next_place++;
  else c->next_count++;
  return true;
}

static struct pw_cell entry_cell(enum pw_list list, int index)
{
  struct pw_list_entry entry;
  return pw_cell_word(index >= 0 && pw_list_entry(list, (size_t)index, &entry) ? entry.name : NULL);
}

static struct pw_cell tlb_cell(const struct pw_tlb_config *tlb, size_t which)
{
  if (which == 0) return pw_cell_count(tlb->entries);
  if (which == 1) return pw_cell_count(tlb->entries ? tlb->ways : 0);
  return tlb->entries ? entry_cell(PW_LIST_TLB_POLICIES, tlb->policy) : pw_cell_word(NULL);
}

struct pw_cell pw_parameter_cell(const struct pw_parameter *p, size_t which, const struct pw_config *config)
{
  const struct pw_geometry *geometry = config->geometry;
  uint64_t number = pw_config_number(config, p);
  if (!pw_parameter_applies(p, config) || (p->kind == PW_PARAMETER_TABLE && !geometry)) return pw_cell_word(NULL);
  switch (p->kind) {
  case PW_PARAMETER_PAGE: return pw_cell_count(UINT64_C(1) << number);
  case PW_PARAMETER_TABLE:
    return which == 0 ? pw_cell_word(geometry->name) : pw_cell_count(pw_geometry_walk_levels(geometry, config->page_shift));
  case PW_PARAMETER_TLB: return tlb_cell(pw_config_tlb(config, p), which);
  case PW_PARAMETER_MEMORY: return number == PW_UNLIMITED ? pw_cell_word("unlimited") : pw_cell_count(number);
  case PW_PARAMETER_CHOICE: return entry_cell(p->list, (int)number);
  default: return pw_cell_count(number);
  }
}

struct pw_cell pw_count_cell(const struct pw_count *c, const struct pw_config *config, const struct pw_result *result)
{
  if (c->absent && c->absent(config)) return pw_cell_word(NULL);
  if (c->unit == PW_COUNT_WORD) return pw_cell_word(c->word(result));
  if (c->unit == PW_COUNT_RATE) return pw_cell_rate(pw_count_value(c, result), c->over(result));
  return pw_cell_count(pw_count_value(c, result));
}

struct pw_cell pw_column_cell(const struct pw_column *c, const char *trace, const struct pw_config *config,
                              const struct pw_result *result)
{
  if (c->parameter) return pw_parameter_cell(c->parameter, c->which, config);
  return c->count ? pw_count_cell(c->count, config, result) : pw_cell_word(trace);
}

int pw_csv_write_header(FILE *out, struct pw_error *err)
{
  struct pw_column column = {0};
  for (bool first = true; pw_column_next(&column); first = false) fprintf(out, "%s%s", first ? "" : ",", column.name);
  putc('\n', out);
  return pw_row_written(out, "results", err);
}

int pw_csv_write_row(FILE *out, const char *trace, const struct pw_config *config, const struct pw_result *result,
                     struct pw_error *err)
{
  struct pw_column column = {0};
  for (bool first = true; pw_column_next(&column); first = false) {
    struct pw_cell cell = pw_column_cell(&column, trace, config, result);
    pw_csv_cell(out, &cell, first);
  }
  putc('\n', out);
  return pw_row_written(out, "results", err);
}

int pw_json_write_row(FILE *out, const char *trace, const struct pw_config *config, const struct pw_result *result,
                      struct pw_error *err)
{
  struct pw_column column = {0};
  for (bool first = true; pw_column_next(&column); first = false) {
    struct pw_cell cell = pw_column_cell(&column, trace, config, result);
    pw_json_cell(out, column.name, &cell, first);
  }
  putc('}', out);
  return pw_row_written(out, "results", err);
}

const char *pw_row_column(size_t number)
{
  struct pw_column column = {0};
  for (size_t i = 0; pw_column_next(&column); i++)
    if (i == number) return column.name;
  return NULL;
}

void pw_row_text(char *text, size_t n_text, size_t number, const struct pw_config *config, const struct pw_result *result)
{
  struct pw_column column = {0};
  struct pw_cell cell = {0};
  for (size_t i = 0; pw_column_next(&column); i++)
    if (i == number) cell = pw_column_cell(&column, "", config, result);
  snprintf(text, n_text, "%s", pw_cell_text(&cell));
}

void pw_count_text(char *text, size_t n_text, const struct pw_count *count, const struct pw_config *config,
                   const struct pw_result *result)
{
  struct pw_cell cell = pw_count_cell(count, config, result);
  snprintf(text, n_text, "%s", pw_cell_text(&cell));
}
