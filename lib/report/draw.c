/* Draws charts from CSV files: the standard set, one of it, or a free choice of columns. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "report/chartwords.h"
#include "report/csvread.h"
#include "report/figure.h"
#include "report/gnuplot.h"
#include "report/script.h"

/* Creates the folder and those above it. */
static int make_folder(const char *folder, struct pw_error *err)
{
  struct stat st;
  char *path = pw_strdup(folder);
  if (!path) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", folder);
  for (char *c = path + 1; *path && *c; c++) {
    if (*c != '/') continue;
    *c = 0;
    mkdir(path, 0777); /* what matters is whether the last one works */
    *c = '/';
  }
  int failed = mkdir(path, 0777) && errno != EEXIST;
  int cause = errno;
  if (!failed && (stat(path, &st) || !S_ISDIR(st.st_mode))) {
    failed = 1;
    cause = ENOTDIR;
  }
  pw_free(path);
  if (!failed) return 0;
  return pw_error_set(err, PW_EIO, "the folder %s cannot be made: %s; name one that can be written to", folder,
                      strerror(cause));
}

static void tell(const struct pw_chart_options *options, const char *chart, const char *path, const char *reason)
{
  if (options->report) options->report(options->context, chart, path, reason);
}

static int draw_figure(const struct pw_figure *figure, const char *path, enum pw_picture picture, struct pw_error *err)
{
  FILE *script = pw_gnuplot_script(err);
  if (!script) return PW_EIO;
  int status = pw_script_write(script, figure, picture, err);
  if (!status) return pw_gnuplot_run(script, path, err);
  fclose(script);
  return status;
}

/* As what charts are drawn, and what machines are named after. */
struct how {
  enum pw_picture picture;
  pw_processor_fn *processor;
};

/* Results of configurations and curves are in files of their own, with columns of their own. Free blocks come before series, of
 * which they have the column too. */
enum kind {CURVES, BLOCKS, SERIES, OWNERS, HEAT, PROCESSES, SYSTEMS, RESULTS, N_KINDS};

/* A column that only this kind has. */
static const char *const marks[N_KINDS] = {[CURVES] = "of", [SERIES] = "access", [OWNERS] = "owner", [HEAT] = "first_access",
                                           [BLOCKS] = "order", [PROCESSES] = "ended", [SYSTEMS] = "managed_bytes"};

static enum kind chart_kind(const struct pw_chart *chart)
{
  for (int kind = 0; chart->mark && kind < N_KINDS; kind++)
    if (marks[kind] && strcmp(marks[kind], chart->mark) == 0) return (enum kind)kind;
  if (strcmp(chart->template_name, "timeline") == 0) return SERIES;
  if (strcmp(chart->template_name, "owners") == 0) return OWNERS;
  if (strcmp(chart->template_name, "heat") == 0) return HEAT;
  return strcmp(chart->template_name, "curves") == 0 ? CURVES : RESULTS;
}

/* Under this name 1 when drawn, 0 when left out (and told why), or a status. Some charts are of one trace. */
static int draw_named(const struct pw_chart *chart, const char *name, const char *trace, const struct pw_table *table,
                      const struct pw_chart_options *options, struct how how, struct pw_error *err)
{
  struct pw_error reason = {0};
  struct pw_figure figure = {0};
  size_t n = strlen(options->folder) + strlen(name) + 16;
  char *path = pw_malloc(n, 1);
  if (!path) return pw_error_set(err, PW_ENOMEM, "chart %s: memory ran out", chart->name);
  snprintf(path, n, "%s/%s%s", options->folder, name, pw_picture_suffix(how.picture));
  int made = 0;
  if (how.picture == PW_PICTURE_TEXT && (chart_kind(chart) == HEAT || chart_kind(chart) == BLOCKS))
    pw_error_set(&reason, PW_OK, "a map needs pixels: take svg, png or pdf");
  else switch (chart_kind(chart)) {
  case SERIES: made = pw_figure_timeline(&figure, chart, table, trace, &reason); break;
  case OWNERS: made = pw_figure_owners(&figure, chart, table, trace, &reason); break;
  case BLOCKS: made = pw_figure_blocks(&figure, chart, table, trace, &reason); break;
  case HEAT: made = pw_figure_heat(&figure, chart, table, trace, &reason); break;
  default: made = chart->x ? pw_figure_make(&figure, chart, table, &reason)
                           : pw_figure_machines(&figure, chart, table, how.processor, &reason);
  }
  if (made < 0) {
    if (err) *err = reason;
  } else if (made == 0) {
    tell(options, chart->name, path, reason.text);
  } else {
    int status = draw_figure(&figure, path, how.picture, err);
    if (status) made = status;
    else tell(options, chart->name, path, NULL);
  }
  pw_figure_clear(&figure);
  pw_free(path);
  return made;
}

/* The same under its own name. */
static int draw_chart(const struct pw_chart *chart, const struct pw_table *table, const struct pw_chart_options *options,
                      struct how how, struct pw_error *err)
{
  return draw_named(chart, chart->name, NULL, table, options, how, err);
}

/* Columns that must be in every file, each once. */
struct needed {
  const char *name[64];
  size_t n;
};

static void need(struct needed *needed, const char *column)
{
  if (!column) return;
  for (size_t i = 0; i < needed->n; i++)
    if (strcmp(needed->name[i], column) == 0) return;
  if (needed->n < sizeof needed->name / sizeof needed->name[0]) needed->name[needed->n++] = column;
}

static void need_chart(struct needed *needed, const struct pw_chart *chart)
{
  need(needed, "trace");
  if (chart_kind(chart) == CURVES) {
    need(needed, "of");
    need(needed, "page_bytes");
    need(needed, chart->x);
  } else if (chart_kind(chart) != RESULTS) {
    need(needed, marks[chart_kind(chart)]);
    if (chart_kind(chart) == SERIES) need(needed, "accesses");
    if (chart->mark) need(needed, chart->x);
    if (chart->mark) need(needed, chart->by);
  } else {
    struct pw_config_column c;
    for (size_t i = 0; pw_config_column(&c, i); i++)
      if (c.parameter && c.parameter->since == 0) need(needed, c.column->name); /* files from before may lack the others */
    need(needed, "accesses");
  }
  for (size_t m = 0; m < PW_MAX_MEASURES; m++) {
    need(needed, chart->y[m].column);
    need(needed, chart->y[m].over);
  }
}

/* Reads the files; there[kind] says whether one was of that kind. */
static int read_tables(struct pw_table *table, const char *const *paths, size_t n_paths,
                       const struct needed needed[N_KINDS], bool there[N_KINDS], struct pw_error *err)
{
  struct pw_table_kind kinds[N_KINDS];
  for (int i = 0; i < N_KINDS; i++) kinds[i] = (struct pw_table_kind){marks[i], needed[i].name, needed[i].n};
  for (size_t i = 0; i < n_paths; i++) {
    size_t kind;
    int status = pw_table_add_kind(table, paths[i], kinds, &kind, err);
    if (status) return status;
    there[kind] = true;
  }
  if (table->n_rows > 0) return 0;
  return pw_error_set(err, PW_EFORMAT, "%s holds no rows under its header: there is nothing to draw; sweep again",
                      n_paths ? paths[0] : "no file");
}

/* True when every cell that is not empty (nor "unlimited" memory) is a number, and one is. */
static bool is_numeric(const struct pw_table *table, const char *column)
{
  size_t index = pw_table_find(table, column);
  bool any = false;
  double number;
  for (size_t row = 0; row < table->n_rows; row++) {
    const char *cell = pw_table_cell(table, row, index);
    if (!*cell || strcmp(cell, "unlimited") == 0) continue;
    if (!pw_table_number(table, row, index, &number)) return false;
    any = true;
  }
  return any;
}

/* What can be a file's name, and a word in a shell, from words that cannot. */
static void make_file_name(char *name)
{
  for (char *c = name; *c; c++)
    if (*c == '/' || (unsigned char)*c < 0x20) *c = '_';
    else if (*c == ' ') *c = '-';
}

/* The texts of a free chart, which its row points to; what is very long of them is cut. */
struct chart_texts {
  char name[140], title[196];
};

static void name_free_chart(struct chart_texts *words, const char *x, const char *y, const struct pw_chart_options *options)
{
  char of_x[44], of_y[44], of_by[44], title_x[96], title_y[96];
  pw_text_fit(of_x, sizeof of_x, options->x);
  pw_text_fit(of_y, sizeof of_y, options->y);
  pw_text_fit(of_by, sizeof of_by, options->by ? options->by : "");
  pw_text_fit(title_x, sizeof title_x, x);
  pw_text_fit(title_y, sizeof title_y, y);
  snprintf(words->name, sizeof words->name, "%s-by-%s%s%s", of_y, of_x, *of_by ? "-and-" : "", of_by);
  snprintf(words->title, sizeof words->title, "%s by %s", title_y, title_x);
  make_file_name(words->name);
  words->title[0] = (char)toupper((unsigned char)words->title[0]);
}

/* A chart of the user's own columns, shaped by what they hold. */
static int free_chart(struct pw_chart *chart, struct chart_texts *words, const struct pw_table *table,
                      const struct pw_chart_options *options, struct pw_error *err)
{
  struct pw_column_look x = pw_column_look(options->x), y = pw_column_look(options->y);
  if (!is_numeric(table, options->y))
    return pw_error_set(err, PW_EINVAL, "column '%s' holds words: --y needs a column of numbers", options->y);
  bool numeric = is_numeric(table, options->x);
  bool has_trace = pw_table_find(table, "trace") != PW_NO_COLUMN;
  bool x_is_trace = strcmp(options->x, "trace") == 0;
  name_free_chart(words, x.title, y.title, options);
  *chart = (struct pw_chart){.name = words->name, .summary = "", .title = words->title, .template_name = "lines",
                              .x = options->x, .y = {{.column = options->y, .factor = 1}},
                              .y_title = y.title, .y_scale = PW_SCALE_AUTO,
                              .y_unit = y.unit, .by = options->by, .min_x = 1, .min_series = 1};
  chart->x_scale = !numeric ? PW_SCALE_CATEGORY : x.scale;
  if (chart->x_scale == PW_SCALE_CATEGORY) chart->template_name = "bars";
  if (!options->by && has_trace && !x_is_trace) chart->by = "trace";
  else if (options->by && has_trace && !x_is_trace && strcmp(options->by, "trace") != 0) chart->panel = "trace";
  return 0;
}

static int draw_free(const struct pw_table *table, const struct pw_chart_options *options, struct how how,
                     struct pw_error *err)
{
  struct pw_chart chart;
  struct chart_texts words;
  int status = free_chart(&chart, &words, table, options, err);
  return status ? status : draw_chart(&chart, table, options, how, err);
}

/* True when a row is of what the curves of this chart are of. */
static bool has_curve(const struct pw_table *table, const struct pw_chart *chart)
{
  size_t of = pw_table_find(table, "of");
  const char *wanted = strchr(chart->where, '=') + 1;
  for (size_t row = 0; row < table->n_rows; row++)
    if (strcmp(pw_table_cell(table, row, of), wanted) == 0) return true;
  return false;
}

/* A name that can be a file's; told apart from other traces' by its number where need be. */
static void trace_name(char *name, size_t n_name, const struct pw_chart *chart, const struct pw_table *table,
                          const char *const *traces, size_t n_traces, size_t at)
{
  char words[64], other[64];
  bool taken = false;
  pw_words_trace(table, traces[at], words, sizeof words);
  for (size_t i = 0; i < n_traces && !taken && strstr(words, "…"); i++) { /* only what was cut can be alike */
    pw_words_trace(table, traces[i], other, sizeof other);
    taken = i != at && strcmp(words, other) == 0;
  }
  if (n_traces == 1) snprintf(name, n_name, "%s", chart->name);
  else if (taken) snprintf(name, n_name, "%s-%s-%zu", chart->name, words, at + 1);
  else snprintf(name, n_name, "%s-%s", chart->name, words);
  make_file_name(name);
}

/* A chart for each trace that has rows of this kind. How many were drawn, or a status. */
static int draw_by_trace(const struct pw_chart *chart, const struct pw_table *table, const struct pw_chart_options *options,
                          struct how how, struct pw_error *err)
{
  const char **traces = NULL;
  size_t n = 0;
  int drawn = 0, status = pw_table_traces(table, marks[chart_kind(chart)], &traces, &n, err);
  for (size_t i = 0; status >= 0 && i < n; i++) {
    char name[256];
    trace_name(name, sizeof name, chart, table, traces, n, i);
    if (options->stop && options->stop(options->context))
      status = pw_error_set(err, PW_EINTERRUPTED, "interrupted: %d of the charts are drawn", drawn);
    else status = draw_named(chart, name, traces[i], table, options, how, err);
    if (status > 0) drawn += status;
  }
  pw_free(traces);
  return status < 0 ? status : drawn;
}

/* Charts of a kind of file or curve that is not there are passed over without a word. */
static int draw_standard(const struct pw_table *table, const struct pw_chart_options *options, struct how how,
                         const bool there[N_KINDS], struct pw_error *err)
{
  int n = 0;
  for (size_t i = 0; i < pw_chart_count; i++) {
    if (options->only ? strcmp(options->only, pw_chart_table[i].name) != 0 : !there[chart_kind(&pw_chart_table[i])])
      continue;
    if (!options->only && chart_kind(&pw_chart_table[i]) == CURVES && !has_curve(table, &pw_chart_table[i])) continue;
    if (options->stop && options->stop(options->context))
      return pw_error_set(err, PW_EINTERRUPTED, "interrupted: %d of the charts are drawn", n);
    const struct pw_chart *chart = &pw_chart_table[i];
    bool by_trace = chart_kind(chart) >= BLOCKS && chart_kind(chart) <= HEAT;
    int status = by_trace ? draw_by_trace(chart, table, options, how, err) : draw_chart(chart, table, options, how, err);
    /* an interrupt from the terminal reaches gnuplot too */
    if (status < 0 && options->stop && options->stop(options->context))
      return pw_error_set(err, PW_EINTERRUPTED, "interrupted: %d of the charts are drawn", n);
    if (status < 0) return status;
    n += status;
  }
  return n;
}

static void need_free(struct needed *needed, const struct pw_chart_options *options)
{
  need(needed, options->x);
  need(needed, options->y);
  need(needed, options->by);
}

/* What each kind of file must have. One chart alone needs its columns of every file. */
static int check_options(const struct pw_chart_options *options, enum pw_picture *picture,
                         struct needed needed[N_KINDS], struct pw_error *err)
{
  bool found = false;
  int status = pw_picture_find(picture, options->format, err);
  if (status) return status;
  if (options->x || options->y) {
    if (!options->x || !options->y)
      return pw_error_set(err, PW_EINVAL, "a free chart needs two columns: give both --x and --y");
    for (int kind = 0; kind < N_KINDS; kind++) need_free(&needed[kind], options);
    return 0;
  }
  for (size_t i = 0; i < pw_chart_count; i++) {
    const struct pw_chart *chart = &pw_chart_table[i];
    if (options->only && strcmp(options->only, chart->name) != 0) continue;
    found = true;
    for (int kind = 0; kind < N_KINDS; kind++)
      if (options->only || chart_kind(chart) == (enum kind)kind) need_chart(&needed[kind], chart);
  }
  if (!found)
    return pw_error_set(err, PW_EINVAL, "there is no chart '%s': see 'pagewalk list charts'", options->only);
  return 0;
}

int pw_draw_charts(const char *const *csv_paths, size_t n_paths, const struct pw_chart_options *options,
                   pw_processor_fn *processor, struct pw_error *err)
{
  struct how how = {.processor = processor};
  struct needed needed[N_KINDS] = {{.n = 0}};
  bool there[N_KINDS] = {false};
  struct pw_table table = {0};
  int status = check_options(options, &how.picture, needed, err);
  if (!status) status = read_tables(&table, csv_paths, n_paths, needed, there, err);
  if (!status) status = make_folder(options->folder, err);
  if (!status)
    status = options->x ? draw_free(&table, options, how, err) : draw_standard(&table, options, how, there, err);
  pw_table_clear(&table);
  return status;
}
