/* Where things go on a page: margins are made as wide as the words in them.
 *
 * Panels of one figure share their axes: names and numbers stand at the left
 * column and under the lowest panel of each column only. */
#include <math.h>
#include <string.h>

#include "report/sheet.h"

#define CHAR PW_CHAR_WIDTH
#define LINE PW_CHAR_HEIGHT
#define TITLE (18 / 14.0) /* the size of its letters */

size_t pw_text_width(const char *text)
{
  size_t n = 0;
  for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
  return n;
}

size_t pw_text_line(const char *text, size_t most)
{
  const char *end = text, *next;
  size_t width = 0;
  do {
    next = strstr(end, " · ");
    next = next ? next + strlen(" · ") : end + strlen(end);
    for (const char *c = end; c < next; c++) width += ((unsigned char)*c & 0xc0) != 0x80;
    if (end > text && width > most + (*next ? 1 : 0)) break; /* the space at the end is not seen */
    end = next;
  } while (*end);
  return (size_t)(end - text);
}

static size_t count_lines(const char *text, size_t most)
{
  size_t n = 0;
  for (; *text && n < PW_MAX_LINES; text += pw_text_line(text, most)) n++;
  return n;
}

static double widest_label(const struct pw_labels *labels)
{
  size_t most = 0;
  for (size_t i = 0; i < labels->n; i++)
    if (pw_text_width(labels->text[i]) > most) most = pw_text_width(labels->text[i]);
  return (double)most * CHAR;
}

static double widest_tick(const struct pw_axis *axis)
{
  size_t most = 0;
  for (size_t i = 0; i < axis->n_ticks; i++)
    if (pw_text_width(axis->ticks[i].label) > most) most = pw_text_width(axis->ticks[i].label);
  return (double)most * CHAR;
}

/* Panels in a row: a page about twice as wide as high, with few places left empty. */
static size_t count_columns(size_t panels, double width, double height)
{
  size_t best = 1;
  double least = INFINITY;
  for (size_t columns = 1; columns <= panels && (columns == 1 || (double)columns * width <= 1400); columns++) {
    size_t rows = (panels + columns - 1) / columns;
    double shape = (double)columns * width / ((double)rows * height);
    double badness = fabs(log(shape / 2.2)) + 0.2 * (double)(rows * columns - panels);
    if (badness < least) {
      least = badness;
      best = columns;
    }
  }
  return best;
}

static bool is(const struct pw_figure *figure, const char *template_name)
{
  return strcmp(figure->chart->template_name, template_name) == 0;
}

static void size_panels(struct pw_sheet *l, const struct pw_figure *f, bool text)
{
  size_t n = f->panels.n;
  double places = (double)f->places.n, series = (double)f->series.n;
  l->panel_width = n == 1 ? 600 : n <= 3 ? 330 : 210;
  l->panel_height = n == 1 ? 380 : n <= 3 ? 270 : 170;
  l->gap_x = fmax(20, widest_tick(&f->x) + 8); /* two panels' outer numbers may meet */
  if (is(f, "heatmap")) {
    l->panel_width = fmax(places * 46, 180);
    l->panel_height = series * 27;
  } else if (is(f, "bars")) {
    double group = fmax(series * 15 + 14, 44);
    l->panel_width = fmax(n == 1 ? 420 : 200, places * group);
    l->slanted = widest_label(&f->places) > l->panel_width / fmax(places, 1) - 6;
  } else if (is(f, "dots") || is(f, "ranks")) {
    l->panel_width = 560;
    l->panel_height = places * 27 + 12;
  }
  if (is(f, "owners")) {
    l->panel_width = n <= 3 ? 250 : 212;
    l->panel_height = text ? places * LINE : places * 24 + 10; /* in characters, a line each */
    l->gap_x = 24;
  } else if (is(f, "heat")) {
    l->panel_width = (double)(f->cells->columns * f->cells->repeat);
    l->panel_height = (double)f->cells->rows;
  } else if (pw_figure_is_timeline(f)) {
    l->panel_width = 760;
    l->panel_height = text ? 160 : 104;
  } else if (text && n > 1 && !is(f, "heatmap")) {
    l->panel_width = 400;
    l->panel_height = 250;
  }
}

static void size_margins(struct pw_sheet *l, const struct pw_figure *f)
{
  bool across = is(f, "dots") || is(f, "ranks") || is(f, "owners"); /* places run down the page */
  double place = widest_label(&f->places), legend = widest_label(&f->series) + 64; /* with its sample */
  l->bottom = is(f, "bars") ? 24 + (l->slanted ? place * 0.54 : 8) : 24 + LINE + 20;
  l->legend = f->series.n < 2 ? PW_LEGEND_NONE : PW_LEGEND_RIGHT;
  if (f->chart->by && strcmp(f->chart->by, "page_bytes") == 0) l->legend = PW_LEGEND_TOP; /* short, and never many */
  if (is(f, "heatmap")) l->legend = PW_LEGEND_NONE;
  l->left = across ? place + 24 : widest_tick(&f->y) + 50;
  if (pw_figure_is_timeline(f)) {
    l->legend = PW_LEGEND_NONE; /* each panel has its own, above it */
    l->left = 0;
    for (size_t i = 0; i < f->panels.n; i++) l->left = fmax(l->left, widest_tick(&f->rows[i]) + 30);
  }
  if (is(f, "heatmap")) l->left = widest_label(&f->series) + 50;
  if (is(f, "heat")) l->left = widest_label(&f->series) * 0.9 + 28; /* in smaller letters */
  l->right = 30;
  if (l->legend == PW_LEGEND_RIGHT) l->right = legend + 16;
  if (is(f, "heatmap")) l->right = widest_tick(&f->y) + 64; /* the colour bar */
  if (is(f, "heat")) {
    l->legend = PW_LEGEND_NONE;
    l->right = widest_tick(&f->y) + 64;
  }
  if (is(f, "owners")) {
    l->legend = PW_LEGEND_NONE;
    l->bottom = 16;
  }
  if (is(f, "ranks")) {
    l->legend = PW_LEGEND_NONE;
    l->right = 80;
  }
}

void pw_sheet_make(struct pw_sheet *layout, const struct pw_figure *figure, bool text)
{
  struct pw_sheet *l = layout;
  *l = (struct pw_sheet){0};
  size_panels(l, figure, text);
  l->gap_y = LINE + 20;
  l->columns = pw_figure_is_timeline(figure) ? 1
             : is(figure, "owners")          ? figure->panels.n
                                             : count_columns(figure->panels.n, l->panel_width + l->gap_x,
                                                             l->panel_height + l->gap_y);
  l->rows = (figure->panels.n + l->columns - 1) / l->columns;
  size_margins(l, figure);
  double inside = (double)l->columns * (l->panel_width + l->gap_x) - l->gap_x;
  l->width = l->left + inside + l->right;
  double least = fmax(640, (double)pw_text_width(pw_text_get(&figure->title)) * CHAR * TITLE + 24);
  if (l->width < least) {
    l->panel_width += (least - l->width) / (double)l->columns;
    l->width = least;
  }
  l->subtitle_chars = (size_t)((l->width - 24) / (CHAR * 0.93)); /* where a reader expects a margin, too */
  l->top = 40 + (double)count_lines(pw_text_get(&figure->subtitle), l->subtitle_chars) * LINE + 8;
  if (l->legend == PW_LEGEND_TOP) l->top += LINE + 14;
  if (figure->panels.n > 1) l->top += LINE + 4;
  l->height = l->top + (double)l->rows * (l->panel_height + l->gap_y) - l->gap_y + l->bottom;
}
