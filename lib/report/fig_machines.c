/* The figure that compares machines on one trace: the one on which they differ most.
 *
 * The base machine is the setting nearest to the default one. Rows with other
 * TLBs at two levels or more, or with those of a processor known by name, are
 * whole processors: when the table holds some and they fit on the page, they are
 * what is compared. Otherwise it is the machines with one part changed, and of
 * each part the best, the middle and the worst: what a single change to the
 * machine buys; how many were left out is told. Machines whose values hardly
 * differ make no chart. A machine is named by the processor that has its TLBs, if one
 * is known, else by what differs from the base. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/cells.h"
#include "report/chartwords.h"
#include "report/figure.h"

/* Bars that differ by less of the longest look the same. */
#define LEAST_SPREAD 0.02

enum {MAX_MACHINES = 12, MAX_OF_PART = 3, TLBS = PW_PART_ITLB | PW_PART_DTLB | PW_PART_STLB};

struct figure_machine {
  size_t row;
  unsigned changed; /* parts that differ from the base */
  bool whole;       /* a whole processor */
  double y;
  bool dropped;
};

/* The machines of one trace. Invariant: no two have the same configuration. */
struct machines {
  const struct pw_view *view;
  pw_processor_fn *processor;
  struct pw_config_column config[PW_CONFIG_COLUMNS];
  size_t column[PW_CONFIG_COLUMNS], n_columns; /* of the table, for each of these */
  struct figure_machine *machine; /* [0] is the base */
  size_t n, capacity;
  size_t n_shown;          /* those not dropped */
  bool processors;         /* those not dropped are whole processors, beside the base */
  double spread, most;     /* largest y less smallest, and the largest, of those not dropped */
};

static const char *config_cell(const struct machines *all, size_t row, size_t i)
{
  return pw_table_cell(all->view->table, row, all->column[i]);
}

static int compare_configs(const struct machines *all, size_t a, size_t b)
{
  for (size_t i = 0; i < all->n_columns; i++) {
    int order = strcmp(config_cell(all, a, i), config_cell(all, b, i));
    if (order) return order;
  }
  return 0;
}

static int by_config(const void *left, const void *right, void *all)
{
  const struct figure_machine *a = left, *b = right;
  int order = compare_configs(all, a->row, b->row);
  return order ? order : a->row < b->row ? -1 : a->row > b->row;
}

/* The base first, then as in the table. */
static int by_row(const void *left, const void *right)
{
  const struct figure_machine *a = left, *b = right;
  if (!a->changed != !b->changed) return !a->changed ? -1 : 1;
  return a->row < b->row ? -1 : a->row > b->row;
}

static unsigned differing_parts(const struct machines *all, size_t a, size_t b)
{
  unsigned parts = 0;
  for (size_t i = 0; i < all->n_columns; i++)
    if (strcmp(config_cell(all, a, i), config_cell(all, b, i)) != 0) parts |= all->config[i].part;
  return parts;
}

static bool is_one_part(unsigned parts)
{
  return parts && !(parts & (parts - 1));
}

/* Its name, where processor number `index` has the TLBs of this row; "" where not, NULL past the last one. */
static const char *match_processor(const struct machines *all, size_t row, size_t index, unsigned page_shift)
{
  struct pw_cell cell;
  const char *name = NULL;
  bool same = true, absent = false;
  for (size_t i = 0; i < all->n_columns && same; i++) {
    const struct pw_config_column *c = &all->config[i];
    if (!c->parameter || c->parameter->kind != PW_PARAMETER_TLB) continue;
    bool entries = c->column == c->parameter->columns;
    if (!(name = all->processor(index, page_shift, c, &cell))) return NULL;
    same = (absent && !entries) || strcmp(pw_cell_text(&cell), config_cell(all, row, i)) == 0;
    if (entries) absent = strcmp(pw_cell_text(&cell), "0") == 0; /* no ways and no policy then */
  }
  return same ? name : "";
}

/* The names of the processors that have the TLBs of this row, "" when none is known. */
static void find_processors(const struct machines *all, size_t row, struct pw_text *text)
{
  const char *name;
  double page_bytes;
  unsigned shift = PW_BASE_SHIFT;
  if (!pw_table_number(all->view->table, row, all->column[0], &page_bytes)) return;
  while ((double)(UINT64_C(1) << shift) < page_bytes && shift < 40) shift++;
  for (size_t i = 0; (name = match_processor(all, row, i, shift)); i++) {
    if (*name) pw_text_printf(text, "%s%s", text->n ? ", " : "", name);
  }
}

static bool is_whole(const struct machines *all, const struct figure_machine *machine)
{
  struct pw_text processors = {0};
  unsigned tlbs = machine->changed & TLBS;
  if (!tlbs || machine->changed != tlbs) return false;
  if (!is_one_part(tlbs)) return true;
  find_processors(all, machine->row, &processors);
  bool known = processors.n > 0;
  pw_text_clear(&processors);
  return known;
}

/* Gathers the machines on the trace of the base's row, all with the base's memory. */
static int collect(struct machines *all, size_t base)
{
  const struct pw_view *view = all->view;
  const char *trace = pw_table_cell(view->table, base, view->trace);
  size_t n = 0;
  all->n = 0;
  for (size_t row = 0; row < view->table->n_rows; row++) {
    struct figure_machine machine = {.row = row};
    if (strcmp(pw_table_cell(view->table, row, view->trace), trace) != 0) continue;
    if (!pw_view_value(view, row, 0, &machine.y)) continue;
    machine.changed = differing_parts(all, base, row);
    if (machine.changed & PW_PART_MEMORY) continue;
    if (pw_grow((void **)&all->machine, &all->capacity, all->n + 1, sizeof *all->machine)) return -1;
    all->machine[all->n++] = machine;
  }
  qsort_r(all->machine, all->n, sizeof *all->machine, by_config, all);
  for (size_t i = 0; i < all->n; i++)
    if (i == 0 || compare_configs(all, all->machine[i].row, all->machine[n - 1].row) != 0)
      all->machine[n++] = all->machine[i];
  all->n = n;
  pw_sort(all->machine, all->n, sizeof *all->machine, by_row);
  for (size_t i = 0; i < all->n; i++) all->machine[i].whole = is_whole(all, &all->machine[i]);
  return 0;
}

static int by_y(const void *left, const void *right)
{
  const struct figure_machine *const *a = left, *const *b = right;
  if ((*a)->y != (*b)->y) return (*a)->y < (*b)->y ? -1 : 1;
  return (*a)->row < (*b)->row ? -1 : 1;
}

/* Of the machines that differ in this part alone: best, middle, worst. */
static int thin_part(struct machines *all, unsigned part)
{
  struct figure_machine **of_part = pw_calloc(all->n, sizeof *of_part);
  size_t n = 0;
  if (!of_part) return -1;
  for (size_t i = 1; i < all->n; i++)
    if (all->machine[i].changed == part) of_part[n++] = &all->machine[i];
  if (n > MAX_OF_PART) pw_sort(of_part, n, sizeof *of_part, by_y);
  for (size_t i = 0; n > MAX_OF_PART && i < n; i++) of_part[i]->dropped = i != 0 && i != n / 2 && i != n - 1;
  pw_free(of_part);
  return 0;
}

static int thin(struct machines *all)
{
  size_t n_whole = 0;
  all->processors = false;
  for (size_t i = 0; i < all->n; i++) n_whole += all->machine[i].whole;
  if (all->n <= MAX_MACHINES) return 0;
  bool processors = all->processors = n_whole >= 2 && n_whole < MAX_MACHINES;
  for (size_t i = 1; i < all->n; i++)
    all->machine[i].dropped = processors ? !all->machine[i].whole : !is_one_part(all->machine[i].changed);
  for (unsigned part = 1; !processors && part < PW_PART_ALL; part <<= 1)
    if (thin_part(all, part)) return -1;
  return 0;
}

static void measure_spread(struct machines *all)
{
  double least = all->machine[0].y, most = least;
  all->n_shown = 1;
  for (size_t i = 1; i < all->n; i++) {
    if (all->machine[i].dropped) continue;
    all->n_shown++;
    if (all->machine[i].y < least) least = all->machine[i].y;
    if (all->machine[i].y > most) most = all->machine[i].y;
  }
  all->spread = most - least;
  all->most = most;
}

/* Settles on the trace on which the machines differ most: 0 or -1. */
static int choose_trace(struct machines *all)
{
  size_t best = all->view->picks[0].row;
  double most = -1;
  for (size_t i = 0; i <= all->view->n_picks; i++) { /* and once more for the chosen one */
    size_t row = i < all->view->n_picks ? all->view->picks[i].row : best;
    if (collect(all, row) || thin(all)) return -1;
    measure_spread(all);
    if (all->spread <= most) continue;
    most = all->spread;
    best = row;
  }
  return 0;
}

/* Adds the name of a machine to the places of the figure. */
static int add_name(struct pw_figure *figure, const struct machines *all, const struct figure_machine *machine)
{
  struct pw_text label = {0}, processors = {0};
  bool base = !machine->changed;
  find_processors(all, machine->row, &processors);
  bool named = processors.n && (base || (machine->changed & TLBS));
  if (base && named) pw_text_printf(&label, "base machine (%s)", processors.chars);
  else if (base) pw_text_add(&label, "base machine");
  else if (named) pw_text_add(&label, processors.chars);
  if (!base) pw_words_machine(all->view->table, machine->row, machine->changed & ~(named ? (unsigned)TLBS : 0), &label);
  int status = processors.failed || label.failed || pw_label_add(&figure->places, pw_text_get(&label)) ? -1 : 0;
  pw_text_clear(&processors);
  pw_text_clear(&label);
  return status;
}

/* Says how many machines are shown of how many, and which. */
static void tell_choice(const struct machines *all, struct pw_text *text)
{
  const char *which = all->processors ? "the base and the processors"
                                      : "best, middle, worst change of each part";
  if (all->n_shown != all->n) pw_words_append(text, "%zu of %zu configurations: %s", all->n_shown, all->n, which);
}

static int draw(struct pw_figure *figure, const struct machines *all)
{
  struct pw_text words = {0};
  char trace[PW_LABEL_BYTES];
  const struct pw_table *table = all->view->table;
  pw_figure_dress(figure);
  pw_words_trace(table, pw_table_cell(table, all->machine[0].row, all->view->trace), trace, sizeof trace);
  pw_text_printf(&figure->subtitle, "trace %s", trace);
  tell_choice(all, &figure->subtitle);
  pw_words_machine(table, all->machine[0].row, PW_PART_ALL, &words);
  pw_text_printf(&figure->subtitle, " · base: %s", pw_text_get(&words));
  figure->subtitle.failed |= words.failed;
  pw_text_clear(&words);
  if (pw_label_add(&figure->panels, "") || pw_label_add(&figure->series, "other machine") ||
      pw_label_add(&figure->series, "base machine"))
    return -1;
  for (size_t i = 0; i < all->n; i++) {
    const struct figure_machine *machine = &all->machine[i];
    struct pw_point point = {.series = i == 0, .x = (double)figure->places.n, .y = machine->y};
    if (machine->dropped) continue;
    if (add_name(figure, all, machine) || pw_point_add(figure, point)) return -1;
  }
  return pw_figure_settle(figure);
}

int pw_figure_machines(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table,
                       pw_processor_fn *processor, struct pw_error *err)
{
  struct pw_view view;
  struct machines all = {.view = &view, .processor = processor};
  int status = pw_view_make(&view, chart, table, err);
  if (status <= 0) return status;
  figure->chart = chart;
  for (; pw_config_column(&all.config[all.n_columns], all.n_columns); all.n_columns++)
    all.column[all.n_columns] = pw_table_find(table, all.config[all.n_columns].column->name);
  status = choose_trace(&all) ? -1 : 1;
  if (status == 1 && all.n < chart->min_x) {
    pw_error_set(err, PW_OK, "it needs rows of at least %zu machines with the same memory on one trace", chart->min_x);
    status = 0;
  } else if (status == 1 && all.spread <= LEAST_SPREAD * all.most) {
    pw_error_set(err, PW_OK, "the page walks of its %zu machines cost the same to within %.0f %% on every trace",
                 all.n_shown, LEAST_SPREAD * 100);
    status = 0;
  } else if (status == 1 && draw(figure, &all)) {
    status = -1;
  }
  pw_free(all.machine);
  pw_view_clear(&view);
  if (status < 0) return pw_error_set(err, PW_ENOMEM, "chart %s: memory ran out; give fewer rows", chart->name);
  return status;
}
