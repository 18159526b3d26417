/* The map of one trace's misses: addresses upwards, time to the right, how many as colour.
 *
 * Only what was touched has a place: the granules of the grid that have counts stand one on the
 * other, those of a region together as a band with its name. A band is as high as it has granules,
 * but high enough for its name; where there are more bands than a page has room for, small
 * neighbours share one. Where a band has more granules than lines, a line adds some up. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/chartwords.h"
#include "report/figure.h"

enum {LINES = 480, LEAST_LINES = 15, MOST_BANDS = 26, WIDTH = 640, MOST_COLUMNS = 256};

#define MOST_ACCESSES 0x1p63

struct cell {
  double process, address, at, count;
  const char *region;
  size_t granule;
};

struct band {
  const char *first_name, *last_name;
  size_t granule, n;     /* its first granule, and how many */
  size_t line, n_lines;
};

struct map {
  const struct pw_table *table;
  struct cell *cells;
  size_t n, capacity, n_granules;
  double bucket, bytes, last, total;
  const char *counted;
  struct band *bands;
  size_t n_bands, band_capacity;
};

/* An address is written in hexadecimal digits, which strtod reads too. */
static double number(const struct pw_table *table, size_t row, const char *column)
{
  return strtod(pw_table_cell(table, row, pw_table_find(table, column)), NULL);
}

/* 0, -1 when memory ran out, or 1 when a number is none of an access: its place in the map would be outside. */
static int collect(struct map *m, const char *trace)
{
  const struct pw_table *t = m->table;
  size_t of_trace = pw_table_find(t, "trace"), mark = pw_table_find(t, "first_access");
  for (size_t row = 0; row < t->n_rows; row++) {
    if (!*pw_table_cell(t, row, mark) || strcmp(pw_table_cell(t, row, of_trace), trace) != 0) continue;
    if (pw_grow((void **)&m->cells, &m->capacity, m->n + 1, sizeof *m->cells)) return -1;
    struct cell *c = &m->cells[m->n++];
    *c = (struct cell){ number(t, row, "process"), number(t, row, "address"), number(t, row, "first_access"), number(t, row, "misses"),
                        pw_table_cell(t, row, pw_table_find(t, "region")), 0};
    if (!(c->at >= 0 && c->at < MOST_ACCESSES)) return 1;
    m->bucket = fmax(1, number(t, row, "accesses"));
    m->bytes = number(t, row, "bytes");
    m->counted = pw_table_cell(t, row, pw_table_find(t, "counted"));
    m->last = fmax(m->last, c->at);
    m->total += c->count;
  }
  return 0;
}

static int by_address(const void *left, const void *right)
{
  const struct cell *a = left, *b = right;
  if (a->process != b->process) return a->process < b->process ? -1 : 1;
  return a->address < b->address ? -1 : a->address > b->address;
}

/* Numbers the granules, and begins a band where the region changes. */
static int make_bands(struct map *m)
{
  pw_sort(m->cells, m->n, sizeof *m->cells, by_address);
  for (size_t i = 0; i < m->n; i++) {
    struct cell *c = &m->cells[i], *before = i ? c - 1 : NULL;
    bool same = before && by_address(before, c) == 0;
    if (!same && i) m->n_granules++;
    c->granule = m->n_granules;
    if (same) continue;
    if (!before || before->process != c->process || strcmp(before->region, c->region) != 0) {
      if (pw_grow((void **)&m->bands, &m->band_capacity, m->n_bands + 1, sizeof *m->bands)) return -1;
      m->bands[m->n_bands++] = (struct band){.first_name = c->region, .last_name = c->region, .granule = c->granule};
    }
    m->bands[m->n_bands - 1].n++;
  }
  m->n_granules++;
  return 0;
}

/* Bytes of a region's name that it shares with the other segments of its file: "libc.so.6" of "libc.so.6 r-x". */
static size_t file_bytes(const char *name)
{
  const char *space = name[0] == '[' ? NULL : strrchr(name, ' ');
  return space ? (size_t)(space - name) : strlen(name);
}

static bool same_file(const char *a, const char *b)
{
  return file_bytes(a) == file_bytes(b) && strncmp(a, b, file_bytes(a)) == 0;
}

static void join_next(struct map *m, size_t at)
{
  m->bands[at].n += m->bands[at + 1].n;
  m->bands[at].last_name = m->bands[at + 1].last_name;
  memmove(m->bands + at + 1, m->bands + at + 2, (m->n_bands - at - 2) * sizeof *m->bands);
  m->n_bands--;
}

/* Small segments of a file share a band; then the two neighbours that are smallest together, until the page has
 * room for all. */
static void join_bands(struct map *m)
{
  for (size_t i = 0; i + 1 < m->n_bands;) {
    const struct band *b = &m->bands[i];
    bool small = b[0].n + b[1].n <= m->n_granules / 10;
    if (small && same_file(b[0].first_name, b[0].last_name) && same_file(b[0].last_name, b[1].first_name)) join_next(m, i);
    else i++;
  }
  while (m->n_bands > MOST_BANDS) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < m->n_bands; i++)
      if (m->bands[i].n + m->bands[i + 1].n < m->bands[best].n + m->bands[best + 1].n) best = i;
    join_next(m, best);
  }
}

static void share_lines(struct map *m)
{
  double left = LINES - LEAST_LINES * (double)m->n_bands;
  size_t line = 0;
  for (size_t i = 0; i < m->n_bands; i++) {
    struct band *b = &m->bands[i];
    b->line = line;
    b->n_lines = LEAST_LINES + (size_t)(left * (double)b->n / (double)m->n_granules);
    line += b->n_lines;
  }
}

static void fill_cells(const struct map *m, struct pw_cells *cells, double column)
{
  size_t band = 0;
  for (size_t i = 0; i < m->n; i++) {
    const struct cell *c = &m->cells[i];
    while (c->granule >= m->bands[band].granule + m->bands[band].n) band++;
    const struct band *b = &m->bands[band];
    size_t at = c->granule - b->granule, from = at * b->n_lines / b->n, to = (at + 1) * b->n_lines / b->n;
    if (to == from) to++; /* several granules a line */
    size_t x = (size_t)(c->at / column);
    if (x >= cells->columns) x = cells->columns - 1; /* very large numbers are rounded */
    for (size_t line = b->line + from; line < b->line + to; line++)
      cells->count[line * cells->columns + x] += c->count;
  }
}

/* A band's name, and its first and last line as the point of a series. */
static int add_bands(struct pw_figure *figure, const struct map *m)
{
  for (size_t i = 0; i < m->n_bands; i++) {
    const struct band *b = &m->bands[i];
    struct pw_text text = {0};
    char first[24], last[24]; /* of two names */
    pw_text_fit(first, sizeof first, b->first_name);
    pw_text_fit(last, sizeof last, b->last_name);
    if (strcmp(b->first_name, b->last_name) == 0) pw_text_add(&text, b->first_name);
    else if (same_file(b->first_name, b->last_name)) pw_text_printf(&text, "%.*s", (int)file_bytes(b->first_name), b->first_name);
    else pw_text_printf(&text, "%s … %s", first, last);
    pw_text_cut(&text, 51);
    struct pw_point point = {.series = i, .x = (double)b->line, .y = (double)(b->line + b->n_lines)};
    int status = text.failed || pw_label_add(&figure->series, pw_text_get(&text)) || pw_point_add(figure, point) ? -1 : 0;
    pw_text_clear(&text);
    if (status) return -1;
  }
  return pw_label_add(&figure->panels, "");
}

static void dress(struct pw_figure *figure, const struct map *m, const char *trace, double span)
{
  char words[120], granule[32], total[32];
  bool dtlb = strcmp(m->counted, "dtlb") == 0, faults = strcmp(m->counted, "faults") == 0;
  const char *what = dtlb ? "DTLB misses" : faults ? "page faults" : "page walks";
  pw_words_trace(m->table, trace, words, sizeof words);
  pw_text_printf(&figure->title, "%s: %s by address and time", words, what);
  pw_text_number(total, sizeof total, m->total, PW_UNIT_PLAIN);
  pw_text_bytes(granule, sizeof granule, m->bytes);
  pw_text_printf(&figure->subtitle, "%s %s · pages that have any, lowest address at the bottom, in steps of %s", total, what,
                 granule);
  figure->x = (struct pw_axis){.scale = PW_SCALE_LINEAR, .unit = PW_UNIT_PLAIN};
  const double ends[2] = {0, span};
  pw_axis_place(&figure->x, ends, 2, 8);
  figure->x.max = span;
  while (figure->x.n_ticks && figure->x.ticks[figure->x.n_ticks - 1].at > span) figure->x.n_ticks--;
  snprintf(figure->x.title, sizeof figure->x.title, "accesses");
}

static int fill(struct pw_figure *figure, struct map *m, const char *trace)
{
  if (make_bands(m)) return -1;
  join_bands(m);
  share_lines(m);
  size_t columns = (size_t)(m->last / m->bucket) + 1, join = (columns + MOST_COLUMNS - 1) / MOST_COLUMNS;
  columns = (columns + join - 1) / join;
  struct pw_cells *cells = figure->cells = pw_calloc(1, sizeof *cells);
  if (!cells) return -1;
  const struct band *top = &m->bands[m->n_bands - 1];
  cells->columns = columns;
  cells->rows = top->line + top->n_lines;
  cells->repeat = columns < WIDTH ? WIDTH / columns : 1;
  cells->count = pw_calloc(cells->rows * columns, sizeof *cells->count);
  if (!cells->count) return -1;
  fill_cells(m, cells, m->bucket * (double)join);
  dress(figure, m, trace, (double)columns * m->bucket * (double)join);
  return figure->title.failed || figure->subtitle.failed || add_bands(figure, m) || pw_figure_colours(figure, PW_SCALE_LOG10, PW_UNIT_PLAIN) < 0 ? -1 : 0;
}

int pw_figure_heat(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table, const char *trace,
                   struct pw_error *err)
{
  struct map m = {.table = table};
  figure->chart = chart;
  int status = collect(&m, trace);
  bool wild = status > 0;
  if (wild) status = 0, m.n = 0;
  if (!status && m.n) status = fill(figure, &m, trace);
  pw_free(m.cells);
  pw_free(m.bands);
  if (status) return pw_error_set(err, PW_ENOMEM, "chart %s: memory ran out; give fewer rows", chart->name);
  if (wild) pw_error_set(err, PW_OK, "a row of %s has a first_access that is no number of an access", trace);
  else if (!m.n) pw_error_set(err, PW_OK, "nothing was counted in %s", trace);
  return m.n > 0;
}
