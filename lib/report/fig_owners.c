/* The chart of owners: who has which share of the misses, walks and faults of one trace.
 *
 * A row an owner, a panel a count, bars in per cent of the panel's total, so that all panels have one
 * axis. The owners with the largest shares are shown, the others as one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/chartwords.h"
#include "report/figure.h"

enum {MOST_OWNERS = 15};
enum {ITLB, DTLB, WALKS, FAULTS, N_COUNTS};

static const struct count {
  const char *title, *column, *more; /* `more` is added to it */
} counts[N_COUNTS] = {
  [ITLB] = {"ITLB misses", "itlb_misses", NULL},
  [DTLB] = {"DTLB misses", "dtlb_misses", NULL},
  [WALKS] = {"page walks", "walks", NULL},
  [FAULTS] = {"page faults", "minor_faults", "major_faults"},
};

struct owner {
  size_t row;
  double count[N_COUNTS], weight;
};

struct owners {
  const struct pw_table *table;
  struct owner *owner;
  size_t n, capacity;
  double total[N_COUNTS];
  bool shown[N_COUNTS];
};

static double number(const struct pw_table *table, size_t row, const char *column)
{
  double value;
  return column && pw_table_number(table, row, pw_table_find(table, column), &value) && value > 0 ? value : 0;
}

static int collect(struct owners *o, const char *trace)
{
  size_t of_trace = pw_table_find(o->table, "trace"), name = pw_table_find(o->table, "owner");
  for (size_t row = 0; row < o->table->n_rows; row++) {
    if (!*pw_table_cell(o->table, row, name) || strcmp(pw_table_cell(o->table, row, of_trace), trace) != 0) continue;
    if (pw_grow((void **)&o->owner, &o->capacity, o->n + 1, sizeof *o->owner)) return -1;
    struct owner *owner = &o->owner[o->n++];
    *owner = (struct owner){.row = row};
    for (int i = 0; i < N_COUNTS; i++) {
      owner->count[i] = number(o->table, row, counts[i].column) + number(o->table, row, counts[i].more);
      o->total[i] += owner->count[i];
    }
  }
  return 0;
}

/* Misses count together, so that a few ITLB misses do not decide who is shown, nor take room if they are that few. */
static void weigh(struct owners *o)
{
  double misses = o->total[ITLB] + o->total[DTLB];
  for (size_t k = 0; k < o->n; k++) {
    struct owner *owner = &o->owner[k];
    if (misses > 0) owner->weight += (owner->count[ITLB] + owner->count[DTLB]) / misses;
    for (int i = WALKS; i < N_COUNTS; i++)
      if (o->total[i] > 0) owner->weight += owner->count[i] / o->total[i];
  }
  for (int i = 0; i < N_COUNTS; i++) o->shown[i] = o->total[i] > 0 && (i >= WALKS || o->total[i] >= 0.01 * misses);
}

static int heaviest_first(const void *left, const void *right)
{
  const struct owner *a = left, *b = right;
  if (a->weight != b->weight) return a->weight > b->weight ? -1 : 1;
  return a->row < b->row ? -1 : 1;
}

static const char *last_part(const char *path)
{
  const char *slash = path[0] == '/' ? strrchr(path, '/') : NULL;
  return slash && slash[1] ? slash + 1 : path;
}

/* Cut in the middle: the ends of a long name say most. */
static void add_short(struct pw_text *text, const char *name, size_t most)
{
  size_t n = strlen(name), head = most / 2;
  if (n <= most) {
    pw_text_add(text, name);
    return;
  }
  while (head > 0 && ((unsigned char)name[head] & 0xc0) == 0x80) head--; /* not within a character */
  const char *tail = name + n - (most - head - 3);
  while (((unsigned char)*tail & 0xc0) == 0x80) tail++;
  pw_text_printf(text, "%.*s…%s", (int)head, name, tail);
}

/* A symbol is told with its object, which its name does not say. */
static int add_name(struct pw_figure *figure, const struct owners *o, size_t row)
{
  struct pw_text text = {0};
  const char *by = pw_table_cell(o->table, row, pw_table_find(o->table, "by"));
  const char *owner = pw_table_cell(o->table, row, pw_table_find(o->table, "owner"));
  const char *where = last_part(pw_table_cell(o->table, row, pw_table_find(o->table, "object")));
  bool told = *owner != '[' && (strcmp(by, "symbol") == 0 || strcmp(by, "function") == 0);
  add_short(&text, owner, told ? 38 : 54);
  if (told) pw_text_add(&text, " · ");
  if (told) add_short(&text, where, 20);
  int status = text.failed || pw_label_add(&figure->places, pw_text_get(&text)) ? -1 : 0;
  pw_text_clear(&text);
  return status;
}

static int add_bars(struct pw_figure *figure, const struct owners *o, const struct owner *owner)
{
  size_t panel = 0;
  for (int i = 0; i < N_COUNTS; i++) {
    if (!o->shown[i]) continue;
    struct pw_point point = {.panel = panel++, .x = (double)figure->places.n - 1, .y = owner->count[i] / o->total[i]};
    if (pw_point_add(figure, point)) return -1;
  }
  return 0;
}

static int add_rows(struct pw_figure *figure, struct owners *o)
{
  size_t n = o->n <= MOST_OWNERS + 1 ? o->n : MOST_OWNERS;
  struct owner others = {0};
  size_t n_others = 0;
  pw_sort(o->owner, o->n, sizeof *o->owner, heaviest_first);
  while (n > 1 && o->owner[n - 1].weight == 0) n--; /* there are those who only have memory */
  for (size_t i = 0; i < n; i++)
    if (add_name(figure, o, o->owner[i].row) || add_bars(figure, o, &o->owner[i])) return -1;
  for (size_t k = n; k < o->n; k++) {
    n_others += o->owner[k].weight > 0;
    others.weight += o->owner[k].weight;
    for (int i = 0; i < N_COUNTS; i++) others.count[i] += o->owner[k].count[i];
  }
  if (others.weight == 0) return 0;
  char text[40];
  snprintf(text, sizeof text, "%zu other%s", n_others, n_others == 1 ? "" : "s");
  return pw_label_add(&figure->places, text) || add_bars(figure, o, &others) ? -1 : 0;
}

static int dress(struct pw_figure *figure, const struct owners *o, const char *trace)
{
  char words[120], value[32];
  const char *by = pw_table_cell(o->table, o->owner[0].row, pw_table_find(o->table, "by"));
  pw_words_trace(o->table, trace, words, sizeof words);
  pw_text_printf(&figure->title, "%s: misses, walks and faults by %.20s", words, by);
  pw_text_add(&figure->subtitle, "each owner's share of the trace's total");
  if (figure->title.failed || figure->subtitle.failed) return -1;
  figure->x.scale = PW_SCALE_CATEGORY;
  figure->y = (struct pw_axis){.scale = PW_SCALE_LINEAR, .unit = PW_UNIT_PERCENT, .max = 1};
  for (int i = 0; i < N_COUNTS; i++) {
    if (!o->shown[i]) continue;
    pw_text_number(value, sizeof value, o->total[i], PW_UNIT_PLAIN);
    snprintf(words, sizeof words, "%s %s", value, counts[i].title);
    if (pw_label_add(&figure->panels, words)) return -1;
  }
  return pw_label_add(&figure->series, "");
}

static int by_panel(const void *left, const void *right)
{
  const struct pw_point *a = left, *b = right;
  if (a->panel != b->panel) return a->panel < b->panel ? -1 : 1;
  return a->x < b->x ? -1 : a->x > b->x;
}

int pw_figure_owners(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table, const char *trace,
                     struct pw_error *err)
{
  struct owners o = {.table = table};
  double total = 0;
  figure->chart = chart;
  int status = collect(&o, trace);
  for (int i = 0; i < N_COUNTS; i++) total += o.total[i];
  bool any = !status && o.n && total > 0;
  weigh(&o);
  if (any) status = add_rows(figure, &o) || dress(figure, &o, trace) ? -1 : 0;
  if (any && !status) pw_sort(figure->points, figure->n_points, sizeof *figure->points, by_panel);
  pw_free(o.owner);
  if (status) return pw_error_set(err, PW_ENOMEM, "chart %s: memory ran out; give fewer rows", chart->name);
  if (!any) pw_error_set(err, PW_OK, "nothing missed or faulted in %s", trace);
  return any;
}
