/* The figure that compares machines on one trace.
 *
 * Of the traces the one with most accesses is taken. The base machine is the
 * setting nearest to the default one; every other machine is named by what
 * differs from it. When a sweep holds more machines than a page can show, only
 * those with one part changed stay, and of each part the best, the middle and
 * the worst: what a single change to the machine buys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/chartwords.h"
#include "report/figure.h"

enum { MAX_MACHINES = 12, MAX_OF_PART = 3 };

struct machine {
  size_t row;
  unsigned changed; /* parts that differ from the base */
  double y;
  bool dropped;
};

struct machines {
  struct machine *machine; /* [0] is the base */
  size_t n, capacity;
  size_t n_one;            /* of them those with one part changed */
};

static const char *config_cell(const struct pw_table *table, size_t row, size_t i)
{
  return pw_table_cell(table, row, pw_table_find(table, pw_config_columns[i].name));
}

static unsigned differing_parts(const struct pw_table *table, size_t a, size_t b)
{
  unsigned parts = 0;
  for (size_t i = 0; i < PW_CONFIG_COLUMNS; i++)
    if (strcmp(config_cell(table, a, i), config_cell(table, b, i)) != 0) parts |= pw_config_columns[i].part;
  return parts;
}

static bool one_part(unsigned parts)
{
  return parts && !(parts & (parts - 1));
}

/* The base machine's row for the trace with most accesses. */
static size_t base_row(const struct pw_view *view)
{
  size_t best = view->picks[0].row;
  double most = -1, accesses;
  for (size_t i = 0; i < view->n_picks; i++) {
    size_t row = view->picks[i].row;
    if (!pw_table_number(view->table, row, view->accesses, &accesses)) accesses = 0;
    if (accesses > most) {
      most = accesses;
      best = row;
    }
  }
  return best;
}

static bool known(const struct pw_table *table, const struct machines *all, size_t row)
{
  for (size_t i = 0; i < all->n; i++)
    if (differing_parts(table, all->machine[i].row, row) == 0) return true;
  return false;
}

/* Machines with several changes are of use only while all fit on the page. */
static int collect(const struct pw_view *view, size_t base, struct machines *all)
{
  const struct pw_table *table = view->table;
  const char *trace = pw_table_cell(table, base, view->trace);
  for (size_t i = 0; i <= table->n_rows; i++) {
    size_t row = i == 0 ? base : i - 1;
    struct machine machine = { .row = row };
    if (strcmp(pw_table_cell(table, row, view->trace), trace) != 0) continue;
    if (!pw_view_value(view, row, 0, &machine.y)) continue;
    machine.changed = differing_parts(table, base, row);
    if (machine.changed & PW_PART_MEMORY) continue;
    if (all->n > MAX_MACHINES && !one_part(machine.changed)) continue;
    if (known(table, all, row)) continue;
    if (pw_grow((void **)&all->machine, &all->capacity, all->n + 1, sizeof *all->machine)) return -1;
    all->machine[all->n++] = machine;
    all->n_one += one_part(machine.changed);
  }
  return 0;
}

static int by_y(const void *left, const void *right)
{
  const struct machine *const *a = left, *const *b = right;
  if ((*a)->y != (*b)->y) return (*a)->y < (*b)->y ? -1 : 1;
  return (*a)->row < (*b)->row ? -1 : 1;
}

/* Of the machines that differ in this part alone: best, middle, worst. */
static int thin_part(struct machines *all, unsigned part)
{
  struct machine **of_part = pw_calloc(all->n, sizeof *of_part);
  size_t n = 0;
  if (!of_part) return -1;
  for (size_t i = 1; i < all->n; i++)
    if (all->machine[i].changed == part) of_part[n++] = &all->machine[i];
  qsort(of_part, n, sizeof *of_part, by_y);
  for (size_t i = 0; n > MAX_OF_PART && i < n; i++) of_part[i]->dropped = i != 0 && i != n / 2 && i != n - 1;
  pw_free(of_part);
  return 0;
}

static int thin(struct machines *all)
{
  if (all->n <= MAX_MACHINES) return 0;
  for (size_t i = 1; i < all->n; i++) all->machine[i].dropped = !one_part(all->machine[i].changed);
  for (unsigned part = 1; part < PW_PART_ALL; part <<= 1)
    if (thin_part(all, part)) return -1;
  return 0;
}

static int draw(struct pw_figure *figure, const struct pw_view *view, const struct machines *all)
{
  char words[256] = "", trace[PW_LABEL_BYTES * 2];
  pw_figure_dress(figure);
  pw_words_trace(view->table, pw_table_cell(view->table, all->machine[0].row, view->trace), trace, sizeof trace);
  snprintf(figure->subtitle, sizeof figure->subtitle, "trace %s", trace);
  pw_words_machine(view->table, all->machine[0].row, PW_PART_ALL, words, sizeof words);
  pw_words_append(figure->subtitle, sizeof figure->subtitle, "base: ");
  strncat(figure->subtitle, words, sizeof figure->subtitle - strlen(figure->subtitle) - 1);
  if (pw_label_add(&figure->panels, "") || pw_label_add(&figure->series, "other machine") ||
      pw_label_add(&figure->series, "base machine"))
    return -1;
  for (size_t i = 0; i < all->n; i++) {
    const struct machine *machine = &all->machine[i];
    char label[256] = "";
    struct pw_point point = { .series = i == 0, .x = (double)figure->places.n, .y = machine->y };
    if (machine->dropped) continue;
    pw_words_machine(view->table, machine->row, machine->changed, label, sizeof label);
    if (pw_label_add(&figure->places, i == 0 ? "base machine" : label) || pw_point_add(figure, point)) return -1;
  }
  return pw_figure_settle(figure);
}

int pw_figure_machines(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table,
                       struct pw_error *err)
{
  struct pw_view view;
  struct machines all = { 0 };
  int status = pw_view_make(&view, chart, table, err);
  if (status <= 0) return status;
  figure->chart = chart;
  status = collect(&view, base_row(&view), &all) || thin(&all) ? -1 : 1;
  if (status == 1 && all.n < chart->min_x) {
    pw_error_set(err, PW_OK, "it needs rows of at least %zu machines with the same memory on one trace", chart->min_x);
    status = 0;
  } else if (status == 1 && draw(figure, &view, &all)) {
    status = -1;
  }
  pw_free(all.machine);
  pw_view_clear(&view);
  if (status < 0) return pw_error_set(err, PW_ENOMEM, "chart %s: memory ran out; give fewer rows", chart->name);
  return status;
}
