/* Turns the picked rows into a figure: panels, series, places and points.
 *
 * Panels and series beyond what a page can show are left out and told in the
 * subtitle: of traces those with most accesses stay, of other columns the first. */
#include <string.h>

#include "base/alloc.h"
#include "report/chartwords.h"
#include "report/distinct.h"
#include "report/figure.h"

enum {MAX_PANELS = 16, MAX_SERIES = 16, MAX_PLACES = 40, MAX_GATHERED = 5};

/* `plain` for numbers whose axis already names the column. */
static int label_names(struct pw_labels *labels, const struct pw_distincts *names, const struct pw_view *view,
                       const char *column, bool plain)
{
  char trace[PW_LABEL_BYTES];
  for (size_t i = 0; i < names->n; i++) {
    struct pw_text text = {0};
    const char *cell = names->name[i].cell;
    if (plain) pw_text_add(&text, cell);
    else if (column && strcmp(column, "trace") == 0) {
      pw_words_trace(view->table, cell, trace, sizeof trace);
      pw_text_add(&text, trace);
    } else if (column) pw_text_cell(&text, column, cell);
    if (column && !plain && strcmp(column, "page_bytes") == 0) pw_text_add(&text, " pages");
    int status = text.failed || pw_label_add(labels, pw_text_get(&text)) ? -1 : 0;
    pw_text_clear(&text);
    if (status) return -1;
  }
  return 0;
}

static bool is_plain_number(const char *column)
{
  struct pw_column_look look = pw_column_look(column);
  return look.unit == PW_UNIT_PLAIN && look.scale == PW_SCALE_LOG2;
}

static int add_points(struct pw_figure *figure, const struct pw_view *view, const struct pw_distincts *panels,
                      const struct pw_distincts *series, const struct pw_distincts *places)
{
  bool category = view->chart->x_scale == PW_SCALE_CATEGORY, chosen = category || view->chart->common_x;
  for (size_t i = 0; i < view->n_picks; i++) {
    const struct pw_pick *pick = &view->picks[i];
    const struct pw_distinct *panel = pw_distincts_find(panels, pw_view_cell(view, pick, view->panel));
    const struct pw_distinct *by = pw_distincts_find(series, pw_view_cell(view, pick, view->by));
    const struct pw_distinct *place = chosen ? pw_distincts_find(places, pw_view_cell(view, pick, view->x)) : NULL;
    if (!panel || !by || (chosen && !place)) continue;
    for (size_t m = 0; m < view->n_measures; m++) {
      struct pw_point point = {.panel = (size_t)(panel - panels->name), .series = (size_t)(by - series->name)};
      if (!pw_view_value(view, pick->row, m, &point.y)) continue;
      if (category) point.x = (double)(place - places->name);
      else pw_table_number(view->table, pick->row, view->x, &point.x);
      point.unit = pw_view_times(view, pick->row);
      point.x *= point.unit;
      if (view->n_measures > 1) point.series = m;
      if (pw_point_add(figure, point)) return -1;
    }
  }
  return 0;
}

/* What the panels, series and places of the figure are. */
struct parts {
  struct pw_distincts panels, series, places;
};

static int choose_parts(struct parts *p, const struct pw_view *view, struct pw_text *note)
{
  const struct pw_chart *chart = view->chart;
  bool category = chart->x_scale == PW_SCALE_CATEGORY, over_entries = false;
  for (size_t i = 0; i < view->n_full; i++)
    over_entries |= view->full_ways[i] == view->by && view->full_entries[i] == view->x;
  if (pw_distincts_collect(&p->panels, view, view->panel) || pw_distincts_collect(&p->series, view, view->by)) return -1;
  if ((category || over_entries || chart->common_x) && pw_distincts_collect(&p->places, view, view->x)) return -1;
  if (over_entries && pw_distincts_settle_ways(&p->series, &p->places, view, category)) return -1;
  if (!category && chart->min_x > 1) pw_distincts_drop_single(&p->series);
  if (chart->common_x && p->series.n > 1 && pw_distincts_keep_common(&p->places, &p->series, view, note)) return -1;
  pw_distincts_keep(&p->panels, MAX_PANELS, chart->panel, chart->traces, note);
  pw_distincts_keep(&p->series, MAX_SERIES, chart->by, chart->traces, note);
  pw_distincts_sort(&p->series);
  if (!category) return 0;
  pw_distincts_keep(&p->places, MAX_PLACES, chart->x, chart->traces, note);
  if (!chart->x || strcmp(chart->x, "trace") != 0) pw_distincts_sort(&p->places);
  return 0;
}

/* Title, and what is held fixed and left out. */
static int tell(struct pw_figure *figure, const struct pw_view *view, const struct pw_text *note)
{
  const struct pw_chart *chart = view->chart;
  struct pw_text *subtitle = &figure->subtitle;
  if (strcmp(chart->template_name, "heatmap") == 0) /* a colour bar has no room for its name */
    pw_text_printf(subtitle, "%s%s", chart->y_title, chart->y_unit == PW_UNIT_PERCENT ? ", in %" : "");
  pw_words_fixed(view, subtitle);
  if (note->n) pw_text_printf(subtitle, "%s%s", subtitle->n ? " · " : "", note->chars);
  pw_figure_dress(figure);
  return note->failed || subtitle->failed ? -1 : 0;
}

static int name_parts(struct pw_figure *figure, const struct pw_view *view, const struct parts *p)
{
  const struct pw_chart *chart = view->chart;
  if (label_names(&figure->panels, &p->panels, view, chart->panel, false)) return -1;
  for (size_t m = 0; view->n_measures > 1 && m < view->n_measures; m++)
    if (pw_label_add(&figure->series, chart->y[m].label)) return -1;
  if (view->n_measures == 1 && label_names(&figure->series, &p->series, view, chart->by, false)) return -1;
  if (chart->x_scale != PW_SCALE_CATEGORY) return 0;
  return label_names(&figure->places, &p->places, view, chart->x, is_plain_number(chart->x));
}

static int fill(struct pw_figure *figure, const struct pw_view *view, struct parts *p)
{
  struct pw_text note = {0};
  /* named first: how much room an axis has depends on the number of panels */
  int status = choose_parts(p, view, &note) || name_parts(figure, view, p) || tell(figure, view, &note) ? -1 : 0;
  pw_text_clear(&note);
  if (status || add_points(figure, view, &p->panels, &p->series, &p->places) || pw_figure_settle(figure)) return -1;
  return strcmp(view->chart->template_name, "curves") == 0 ? pw_figure_steps(figure) : 0;
}

static size_t count_names(const struct pw_view *view, size_t column)
{
  struct pw_distincts names = {0};
  size_t n = pw_distincts_collect(&names, view, column) ? 0 : names.n;
  pw_free(names.name);
  return n;
}

/* Lines that stand alone in a few panels are easier to compare in one. 1, or a status. */
static int gather(struct pw_figure *figure, struct pw_view *view, struct pw_error *err)
{
  size_t panels = count_names(view, view->panel);
  if (count_names(view, view->by) != 1 || panels < 2 || panels > MAX_GATHERED) return 1;
  figure->gathered = *figure->chart;
  figure->gathered.by = figure->chart->panel;
  figure->gathered.panel = NULL;
  figure->chart = &figure->gathered;
  pw_view_clear(view);
  return pw_view_make(view, figure->chart, view->table, err);
}

int pw_figure_make(struct pw_figure *figure, const struct pw_chart *chart, const struct pw_table *table,
                   struct pw_error *err)
{
  struct pw_view view;
  struct parts parts = {0};
  int status = pw_view_make(&view, chart, table, err);
  if (status <= 0) return status;
  figure->chart = chart;
  figure->scatter = view.scatter;
  if (chart->gathered && (status = gather(figure, &view, err)) <= 0) return status;
  status = fill(figure, &view, &parts);
  pw_free(parts.panels.name);
  pw_free(parts.series.name);
  pw_free(parts.places.name);
  pw_view_clear(&view);
  if (status) return pw_error_set(err, PW_ENOMEM, "chart %s: memory ran out; give fewer rows", chart->name);
  return 1;
}
