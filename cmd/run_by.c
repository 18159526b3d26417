/* run --by: who in the program causes what. See run_by.h. */
#include "run_by.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "heap.h"
#include "interrupt.h"
#include "say.h"

enum { MOST_ROWS = 20, NAME_WIDTH = 44 };

/* ---- options ---- */

static int find_name(const char *option, const char *name, const char *const *names, int *number)
{
  for (int i = 0; names[i]; i++)
    if (strcmp(names[i], name) == 0) {
      *number = i;
      return -1;
    }
  const char *near = pw_nearest_name(names, name);
  return near ? say_usage("--%s: there is no '%s'; did you mean %s?", option, name, near)
              : say_usage("--%s: there is no '%s'; pagewalk help run lists them", option, name);
}

int by_understand(struct by *by, const struct by_options *options, struct pw_trace_options *trace)
{
  const char *names[8] = {0};
  int number = 0;
  for (size_t i = 0; i < 7 && pw_by_name((enum pw_by)i); i++) names[i] = pw_by_name((enum pw_by)i);
  int code = find_name("by", options->by, names, &number);
  if (code >= 0) return code;
  by->of = (enum pw_by)number;
  by->folder = options->folder;
  by->heat = PW_HEAT_NONE;
  if (options->heat && !options->folder) return say_usage("--heat draws a map into a folder: give -o DIR");
  if (options->folder && !*options->folder) return say_usage("-o needs the name of a folder");
  if (options->folder) {
    memset(names, 0, sizeof names);
    for (size_t i = 0; i < 7 && pw_heat_name((enum pw_heat_of)i); i++) names[i] = pw_heat_name((enum pw_heat_of)i);
    code = find_name("heat", options->heat ? options->heat : "walks", names, &number);
    if (code >= 0) return code;
    by->heat = (enum pw_heat_of)number;
  }
  trace->sides = trace->make_sides = by->of == PW_BY_SYMBOL || by->of == PW_BY_FUNCTION;
  return -1;
}

int by_ask(void *context, const struct trace_job *job, struct pw_trace *trace, const struct pw_run_options *options,
           struct pw_error *err)
{
  struct by *by = context;
  int status = pw_attribute(trace, by->config, by->of, by->heat, options, &by->found[job->number], err);
  return status > 0 ? PW_EINVAL : status;
}

void by_clear(struct by *by)
{
  for (size_t i = 0; by->found && i < by->n_jobs; i++) pw_attribution_clear(&by->found[i]);
  free(by->found);
  by->found = NULL;
}

/* ---- the table ---- */

enum { MOST_COLUMNS = 24 };

/* A column: a count, or where that is NULL a column of its own. */
struct owner_column {
  const char *heading;
  const struct pw_count *count;
  enum { SHARE, RETURNED } own;
};

struct cells {
  char name[256], object[256];
  char of[MOST_COLUMNS][32];
};

/* The columns that say something here; the share of the walks stands behind them. */
static size_t choose_columns(struct owner_column columns[MOST_COLUMNS], const struct by *by, const struct pw_attribution *a)
{
  const struct pw_count *c;
  const struct pw_config *config = by->config;
  size_t n = 0;
  for (size_t i = 0; (c = pw_count_entry(i)) && n + 2 < MOST_COLUMNS; i++) {
    if (!c->share || c->unit > PW_COUNT_BYTES || (c->absent && c->absent(config)) ||
        (c->limited && config->memory_bytes == PW_UNLIMITED)) continue;
    if (c->group == PW_GROUP_ACCESSES && (a->by == PW_BY_SYMBOL || a->by == PW_BY_FUNCTION)) continue;
    columns[n++] = (struct owner_column){c->share, c, SHARE};
    if (strcmp(c->name, "walks") == 0) columns[n++] = (struct owner_column){"share", NULL, SHARE};
  }
  if (a->total.returned_bytes > 0) columns[n++] = (struct owner_column){"returned", NULL, RETURNED};
  return n;
}

static const char *short_name(const char *path)
{
  const char *slash = path[0] == '/' ? strrchr(path, '/') : NULL;
  return slash && slash[1] ? slash + 1 : path;
}

/* Printable, and cut in the middle where it is long: the ends of a C++ name say most. */
static void fit_text(char *out, size_t n_out, const char *text)
{
  char all[4600];
  text_printable(all, sizeof all, text);
  size_t n = strlen(all);
  if (n <= NAME_WIDTH)
    snprintf(out, n_out, "%s", all);
  else
    snprintf(out, n_out, "%.*s...%s", NAME_WIDTH / 2 - 1, all, all + n - (NAME_WIDTH / 2 - 2));
}

static void fill_cell(char *text, size_t n_text, const struct owner_column *column, const struct pw_owner *o,
                      const struct pw_owner *total)
{
  const struct pw_count *c = column->count;
  if (c && c->unit == PW_COUNT_BYTES)
    human_bytes(text, n_text, pw_count_value(c, &o->counts));
  else if (c)
    human_count(text, n_text, pw_count_value(c, &o->counts));
  else if (column->own == RETURNED)
    human_bytes(text, n_text, o->returned_bytes);
  else
    snprintf(text, n_text, total->counts.walks ? "%.1f %%" : "-", 100.0 * (double)o->counts.walks / (double)total->counts.walks);
}

static void fill_cells(struct cells *cells, const struct owner_column *columns, size_t n, const struct pw_owner *o,
                       const struct pw_owner *total)
{
  fit_text(cells->name, sizeof cells->name, o->name);
  fit_text(cells->object, sizeof cells->object, short_name(o->object));
  for (size_t i = 0; i < n; i++) fill_cell(cells->of[i], sizeof cells->of[i], &columns[i], o, total);
}

static void add_counts(struct pw_owner *sum, const struct pw_owner *o)
{
  const struct pw_count *c;
  for (size_t i = 0; (c = pw_count_entry(i)); i++) {
    uint64_t value = pw_count_value(c, &sum->counts) + pw_count_value(c, &o->counts);
    if (c->owned == PW_OWNED_SUMMED) memcpy((char *)&sum->counts + c->offset, &value, sizeof value);
  }
  sum->returned_bytes += o->returned_bytes;
}

static void print_cells(const struct owner_column *columns, size_t n_columns, const struct cells *cells, size_t n, bool objects)
{
  size_t name_width = strlen("owner"), object_width = strlen("object"), width[MOST_COLUMNS];
  for (size_t i = 0; i < n; i++) {
    if (text_width(cells[i].name) > name_width) name_width = text_width(cells[i].name);
    if (text_width(cells[i].object) > object_width) object_width = text_width(cells[i].object);
  }
  for (size_t c = 0; c < n_columns; c++) {
    width[c] = strlen(columns[c].heading);
    for (size_t i = 0; i < n; i++)
      if (strlen(cells[i].of[c]) > width[c]) width[c] = strlen(cells[i].of[c]);
  }
  printf("  %-*s", (int)name_width, "owner");
  if (objects) printf("  %-*s", (int)object_width, "object");
  for (size_t c = 0; c < n_columns; c++) printf("  %*s", (int)width[c], columns[c].heading);
  putchar('\n');
  for (size_t i = 0; i < n; i++) {
    printf("  %s%*s", cells[i].name, (int)(name_width - text_width(cells[i].name)), "");
    if (objects) printf("  %s%*s", cells[i].object, (int)(object_width - text_width(cells[i].object)), "");
    for (size_t c = 0; c < n_columns; c++) printf("  %*s", (int)width[c], cells[i].of[c]);
    putchar('\n');
  }
}

/* An object says more than the name of a symbol or of one of several owners of that name. */
static bool wants_objects(const struct pw_attribution *a, size_t n)
{
  if (a->by == PW_BY_SYMBOL || a->by == PW_BY_FUNCTION) return true;
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < i; k++)
      if (strcmp(a->owners[i].name, a->owners[k].name) == 0) return true;
  return false;
}

static void print_owners(const struct by *by, const struct pw_attribution *a)
{
  /* a line for one other says less than its name */
  size_t n = a->n_owners <= MOST_ROWS + 1 ? a->n_owners : MOST_ROWS, n_cells = 0;
  struct owner_column columns[MOST_COLUMNS];
  size_t n_columns = choose_columns(columns, by, a);
  struct cells *cells = heap_zero(n + 2, sizeof *cells);
  struct pw_owner others = {.name = "", .object = ""};
  for (size_t i = 0; i < a->n_owners; i++) {
    if (i < n) fill_cells(&cells[n_cells++], columns, n_columns, &a->owners[i], &a->total);
    else add_counts(&others, &a->owners[i]);
  }
  if (n < a->n_owners) {
    fill_cells(&cells[n_cells], columns, n_columns, &others, &a->total);
    snprintf(cells[n_cells++].name, sizeof cells->name, "... %zu others", a->n_owners - n);
  }
  fill_cells(&cells[n_cells++], columns, n_columns, &a->total, &a->total);
  print_cells(columns, n_columns, cells, n_cells, wants_objects(a, n));
  free(cells);
}

void by_print(const struct by *by)
{
  bool first = true;
  for (size_t i = 0; i < by->n_jobs; i++) {
    if (by->jobs[i].state != JOB_DONE) continue;
    char trace[1024], page[32];
    text_printable(trace, sizeof trace, strcmp(by->jobs[i].path, "-") == 0 ? "standard input" : by->jobs[i].path);
    human_bytes(page, sizeof page, (uint64_t)1 << by->config->page_shift);
    printf("%s%s by %s: %s pages, table %s\n", first ? "" : "\n", trace, pw_by_name(by->of), page, by->config->geometry->name);
    print_owners(by, &by->found[i]);
    first = false;
  }
}

void by_note(const struct by *by)
{
  for (size_t i = 0; i < by->n_jobs; i++)
    if (by->jobs[i].state == JOB_DONE && !by->found[i].mapped)
      say_note("%s does not tell what is mapped, so everything is [unknown]; traces of pagewalk record do",
               strcmp(by->jobs[i].path, "-") == 0 ? "standard input" : by->jobs[i].path);
}

/* ---- files ---- */

int by_write_csv(const struct by *by, FILE *out, struct pw_error *err)
{
  int status = pw_owner_csv_header(out, err);
  for (size_t i = 0; i < by->n_jobs; i++)
    for (size_t k = 0; !status && by->jobs[i].state == JOB_DONE && k < by->found[i].n_owners; k++)
      status = pw_owner_csv_row(out, by->jobs[i].path, by->config, by->of, &by->found[i].owners[k], err);
  return status;
}

int by_write_json(const struct by *by, FILE *out, struct pw_error *err)
{
  int status = 0;
  const char *before = "[\n";
  for (size_t i = 0; i < by->n_jobs; i++)
    for (size_t k = 0; !status && by->jobs[i].state == JOB_DONE && k < by->found[i].n_owners; k++) {
      fputs(before, out);
      before = ",\n";
      status = pw_owner_json_row(out, by->jobs[i].path, by->config, by->of, &by->found[i].owners[k], err);
    }
  if (before[0] == '[') fputs(before, out);
  fputs("\n]\n", out);
  return status;
}

static int write_heat(const struct by *by, FILE *out, struct pw_error *err)
{
  int status = pw_heat_csv_header(out, err);
  for (size_t i = 0; i < by->n_jobs; i++)
    for (size_t k = 0; !status && by->jobs[i].state == JOB_DONE && k < by->found[i].n_cells; k++)
      status = pw_heat_csv_row(out, by->jobs[i].path, by->found[i].heat, &by->found[i].cells[k], err);
  return status;
}

static int write_file(const struct by *by, const char *path, int (*write)(const struct by *, FILE *, struct pw_error *),
                      struct pw_error *err)
{
  struct sink sink;
  int status = sink_open(&sink, path, err);
  if (status) return status;
  status = write(by, sink.stream, err);
  if (!status) return sink_close(&sink, err);
  sink_abandon(&sink);
  return status;
}

static void count_chart(void *context, const char *chart, const char *path, const char *reason)
{
  size_t *n = context;
  (void)path;
  if (reason) say_note("chart %s was left out: %s", chart, reason);
  else ++*n;
}

static int draw(const struct by *by, const char *owners, const char *cells, struct pw_error *err)
{
  char *folder = heap_text("%s/charts", by->folder);
  const char *const paths[] = {owners, cells};
  size_t n = 0;
  struct pw_chart_options options = {.folder = folder, .report = count_chart, .stop = interrupt_stops, .context = &n};
  int status = pw_charts_draw(paths, by->heat == PW_HEAT_NONE ? 1 : 2, &options, err);
  if (status >= 0) say_note("%s; %s: %zu chart%s", owners, folder, n, n == 1 ? "" : "s");
  free(folder);
  return status < 0 ? status : 0;
}

int by_write_folder(const struct by *by)
{
  struct pw_error err = {0};
  char *owners = heap_text("%s/attribution.csv", by->folder), *cells = heap_text("%s/heat.csv", by->folder);
  int status = folder_make(by->folder, NULL, &err);
  if (!status) status = write_file(by, owners, by_write_csv, &err);
  if (!status && by->heat != PW_HEAT_NONE) status = write_file(by, cells, write_heat, &err);
  if (!status) status = draw(by, owners, cells, &err);
  if (status) say("%s", err.text);
  free(owners);
  free(cells);
  return status ? FAILED : DONE;
}
