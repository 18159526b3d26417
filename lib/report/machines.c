/* The figure that compares machines on one trace.
 *
 * The base machine is the setting nearest to the default one; of the traces the
 * one whose walks read most of the page table on it is taken. Machines that
 * differ from the base in several parts are whole processors: when the table
 * holds some and they fit on the page, they are what is compared. Otherwise it
 * is the machines with one part changed, and of each part the best, the middle
 * and the worst: what a single change to the machine buys. A machine is named
 * by the processor that has its TLBs, if one is known, else by what differs. */
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

static bool is_one_part(unsigned parts)
{
  return parts && !(parts & (parts - 1));
}

struct machines {
  struct machine *machine; /* [0] is the base */
  size_t n, capacity;
  size_t n_whole;          /* of them those with several parts changed */
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

/* The base machine's row for the trace on which it reads most. */
static size_t base_row(const struct pw_view *view)
{
  size_t best = view->picks[0].row;
  double most = -1, reads;
  for (size_t i = 0; i < view->n_picks; i++) {
    size_t row = view->picks[i].row;
    if (!pw_table_number(view->table, row, view->measure[0], &reads)) reads = 0;
    if (reads > most) {
      most = reads;
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

/* Machines with several changes are counted, but kept only while they fit on the page. */
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
    bool whole = i > 0 && !is_one_part(machine.changed);
    if (whole && all->n_whole > MAX_MACHINES) continue;
    if (known(table, all, row)) continue;
    all->n_whole += whole;
    if (pw_grow((void **)&all->machine, &all->capacity, all->n + 1, sizeof *all->machine)) return -1;
    all->machine[all->n++] = machine;
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
  bool whole = all->n_whole >= 2 && all->n_whole < MAX_MACHINES;
  for (size_t i = 1; i < all->n; i++) all->machine[i].dropped = is_one_part(all->machine[i].changed) == whole;
  if (whole) return 0;
  for (unsigned part = 1; part < PW_PART_ALL; part <<= 1)
    if (thin_part(all, part)) return -1;
  return 0;
}

static bool same_tlb(const struct pw_table *table, size_t row, const struct pw_tlb_config *tlb, size_t first)
{
  struct pw_list_entry policy;
  const char *entries = config_cell(table, row, first), *ways = config_cell(table, row, first + 1);
  if (strtoul(entries, NULL, 10) != tlb->entries) return false;
  if (tlb->entries == 0) return true;
  return strtoul(ways, NULL, 10) == tlb->ways && pw_list_entry(PW_LIST_TLB_POLICIES, (size_t)tlb->policy, &policy) &&
         strcmp(policy.name, config_cell(table, row, first + 2)) == 0;
}

/* The names of the processors that have the TLBs of this row, "" when none is known. */
static void find_processors(const struct pw_table *table, size_t row, char *text, size_t n_text)
{
  struct pw_list_entry entry;
  double page_bytes;
  text[0] = 0;
  if (!pw_table_number(table, row, pw_table_find(table, "page_bytes"), &page_bytes)) return;
  for (size_t i = 0; pw_list_entry(PW_LIST_MACHINES, i, &entry); i++) {
    struct pw_config config;
    size_t n = strlen(text);
    pw_config_default(&config);
    while ((double)(UINT64_C(1) << config.page_shift) < page_bytes && config.page_shift < 40) config.page_shift++;
    if (pw_machine_find(&config, entry.name, NULL) || !same_tlb(table, row, &config.itlb, 2) ||
        !same_tlb(table, row, &config.dtlb, 5) || !same_tlb(table, row, &config.stlb, 8))
      continue;
    snprintf(text + n, n_text - n, "%s%s", n ? ", " : "", entry.name);
  }
}

/* Adds the name of a machine to the places of the figure. */
static int add_name(struct pw_figure *figure, const struct pw_table *table, const struct machine *machine, bool base)
{
  const unsigned tlbs = PW_PART_ITLB | PW_PART_DTLB | PW_PART_STLB;
  char label[256] = "", processors[PW_LABEL_BYTES];
  find_processors(table, machine->row, processors, sizeof processors);
  bool known_processor = processors[0] && (base || (machine->changed & tlbs));
  if (base && known_processor) snprintf(label, sizeof label, "base machine (%s)", processors);
  else if (base) snprintf(label, sizeof label, "base machine");
  else if (known_processor) snprintf(label, sizeof label, "%s", processors);
  if (!base) pw_words_machine(table, machine->row, machine->changed & ~(known_processor ? tlbs : 0), label, sizeof label);
  return pw_label_add(&figure->places, label);
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
    struct pw_point point = { .series = i == 0, .x = (double)figure->places.n, .y = machine->y };
    if (machine->dropped) continue;
    if (add_name(figure, view->table, machine, i == 0) || pw_point_add(figure, point)) return -1;
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
