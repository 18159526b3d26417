/* The map of free memory: the orders of its blocks upwards, time to the right, how many bytes are in such blocks as colour.
 *
 * A window is a column and shows what there was at its end; more windows than columns share one, which shows the least: what
 * a request would have found at worst. Blocks of all migrate types are added. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/chartwords.h"
#include "report/figure.h"

enum {ORDERS = 11, ORDER_LINES = 34, WIDTH = 640, MOST_COLUMNS = 160, PAGE = 4096};

struct blocks {
  const struct pw_table *table;
  double *bytes;    /* [window][order] */
  double *access;   /* [window]: its end */
  size_t n, room;
};

/* 0, -1 when memory ran out, 1 when a row is none that system writes. */
static int collect(struct blocks *b, const char *trace)
{
  const struct pw_table *t = b->table;
  size_t of_trace = pw_table_find(t, "trace"), window = pw_table_find(t, "window"), access = pw_table_find(t, "access");
  size_t order = pw_table_find(t, "order"), blocks = pw_table_find(t, "blocks"), access_room = 0;
  for (size_t row = 0; row < t->n_rows; row++) {
    double w, at, o, count;
    if (!*pw_table_cell(t, row, order) || strcmp(pw_table_cell(t, row, of_trace), trace) != 0) continue;
    bool good = pw_table_number(t, row, window, &w) && pw_table_number(t, row, access, &at) && pw_table_number(t, row, order, &o) &&
                pw_table_number(t, row, blocks, &count);
    if (!good || w < 0 || w > (double)(b->n) || w != floor(w) || o < 0 || o >= ORDERS || o != floor(o)) return 1;
    if ((size_t)w == b->n) {
      if (pw_grow((void **)&b->bytes, &b->room, (b->n + 1) * ORDERS, sizeof *b->bytes) ||
          pw_grow((void **)&b->access, &access_room, b->n + 1, sizeof *b->access))
        return -1;
      memset(b->bytes + b->n * ORDERS, 0, ORDERS * sizeof *b->bytes);
      b->n++;
    }
    b->access[(size_t)w] = at;
    b->bytes[(size_t)w * ORDERS + (size_t)o] += ldexp(count * PAGE, (int)o);
  }
  return 0;
}

static void fill_cells(const struct blocks *b, struct pw_cells *cells)
{
  for (size_t x = 0; x < cells->columns; x++)
    for (size_t order = 0; order < ORDERS; order++) {
      double least = INFINITY;
      for (size_t w = x * b->n / cells->columns; w < (x + 1) * b->n / cells->columns; w++) least = fmin(least, b->bytes[w * ORDERS + order]);
      for (size_t line = 0; line + 1 < ORDER_LINES; line++) cells->count[(order * ORDER_LINES + line) * cells->columns + x] = least;
    }
}

static int add_bands(struct pw_figure *figure)
{
  for (size_t order = 0; order < ORDERS; order++) {
    char name[48], size[24];
    pw_text_bytes(size, sizeof size, ldexp(PAGE, (int)order));
    snprintf(name, sizeof name, "order %zu, %s", order, size);
    struct pw_point point = {.series = order, .x = (double)(order * ORDER_LINES), .y = (double)((order + 1) * ORDER_LINES)};
    if (pw_label_add(&figure->series, name) || pw_point_add(figure, point)) return -1;
  }
  return pw_label_add(&figure->panels, "");
}

static int fill(struct pw_figure *figure, const struct blocks *b, const char *trace)
{
  struct pw_cells *cells = figure->cells = pw_calloc(1, sizeof *cells);
  if (!cells) return -1;
  cells->columns = b->n < MOST_COLUMNS ? b->n : MOST_COLUMNS;
  cells->rows = ORDERS * ORDER_LINES;
  cells->repeat = WIDTH / cells->columns;
  cells->count = pw_calloc(cells->rows * cells->columns, sizeof *cells->count);
  if (!cells->count) return -1;
  fill_cells(b, cells);
  bool alone = strcmp(trace, "system") == 0;
  pw_text_printf(&figure->title, "%s%sfree memory by order of its blocks", alone ? "" : trace, alone ? "" : ": ");
  if (alone) figure->title.chars[0] = 'F';
  pw_text_cut(&figure->title, 150);
  pw_text_printf(&figure->subtitle, "bytes that are free in blocks of so many pages%s; 2 MiB need a block of order 9",
                 b->n > cells->columns ? ", the least of the windows of a column" : ", at the end of each window");
  figure->x = (struct pw_axis){.scale = PW_SCALE_LINEAR, .unit = PW_UNIT_PLAIN};
  const double ends[2] = {0, b->access[b->n - 1]};
  pw_axis_place(&figure->x, ends, 2, 8);
  figure->x.max = ends[1];
  while (figure->x.n_ticks && figure->x.ticks[figure->x.n_ticks - 1].at > ends[1]) figure->x.n_ticks--;
  snprintf(figure->x.title, sizeof figure->x.title, "accesses of all programs");
  if (figure->title.failed || figure->subtitle.failed || add_bands(figure)) return -1;
  return pw_figure_colours(figure, PW_SCALE_LOG2, PW_UNIT_BYTES);
}

int pw_figure_blocks(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table, const char *trace,
                     struct pw_error *err)
{
  struct blocks b = {.table = table};
  figure->chart = chart;
  int status = collect(&b, trace);
  bool wild = status > 0;
  if (!status && b.n && b.access[b.n - 1] > 0) status = fill(figure, &b, trace);
  bool none = !b.n || status > 0 || !(b.access[b.n - 1] > 0);
  pw_free(b.bytes);
  pw_free(b.access);
  if (status < 0) return pw_error_set(err, PW_ENOMEM, "chart %s: memory ran out; give fewer rows", chart->name);
  if (wild) pw_error_set(err, PW_OK, "a row of %s is none of a window and an order", trace);
  else if (none) pw_error_set(err, PW_OK, "%s has no free blocks in a window", trace);
  return !wild && !none;
}
