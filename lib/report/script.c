/* Writes a figure as a gnuplot script: numbers, quoted words, a template.
 *
 * Everything that came from outside (names of traces, tables, columns) reaches
 * gnuplot as an element of an array, in double quotes, with every byte that is
 * not an ASCII letter or a space written as an octal escape: so no
 * `…`, @macro, quote or line break is ever there to be seen. (Single quotes with
 * '' for ' will not do: gnuplot 5.4 ends the string early when it begins with a
 * quote.) Control characters and bytes that are not UTF-8 become "?", and where
 * gnuplot would take a tick label for a number format, % is doubled. Enhanced
 * text is off.
 * Data are numbers in an inline block. The templates hold no data and no words.
 *
 * The variables a template gets are described in plots/common.gp. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "report/sheet.h"
#include "report/script.h"
#include "report/templates.h"
#include "report/utf8.h"

static const struct {
  const char *format, *suffix;
} pictures[] = {{"svg", ".svg"}, {"png", ".png"}, {"pdf", ".pdf"}, {"terminal", ".txt"}};

int pw_picture_find(enum pw_picture *picture, const char *format, struct pw_error *err)
{
  *picture = PW_PICTURE_SVG;
  if (!format) return 0;
  for (size_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++)
    if (strcmp(pictures[i].format, format) == 0) {
      *picture = (enum pw_picture)i;
      return 0;
    }
  return pw_error_set(err, PW_EINVAL, "there is no chart format '%s': use svg, png, pdf or terminal", format);
}

const char *pw_picture_suffix(enum pw_picture picture)
{
  return pictures[picture].suffix;
}

/* Control characters, what is not UTF-8, and in `common` form letters beyond the
 * European ones: where no font has them, cairo draws boxes all over the page. */
static bool is_shown(const char *text, size_t n, bool common)
{
  unsigned char c = (unsigned char)text[0];
  if (n == 0 || c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[1] < 0xa0)) return false;
  if (!common || c < 0xd5) return true;
  return c == 0xe2 && (unsigned char)text[1] == 0x80 && (unsigned char)text[2] < 0xa8; /* U+2000 … U+2027 */
}

/* Digits are escaped as well: gnuplot would read one on as a fourth octal digit. */
static void write_byte(FILE *out, unsigned char byte)
{
  if (byte < 0x80 && (isalpha(byte) || byte == ' ')) putc(byte, out);
  else fprintf(out, "\\%03o", byte);
}

/* A script that is being written. */
struct script {
  FILE *out;
  enum pw_picture picture;
};

/* The first n bytes of a text, to a character's end, as one gnuplot string that can only be text. `of_tick`: where
 * gnuplot takes % for the start of a number format. */
static void write_part(const struct script *s, const char *text, size_t n_text, bool of_tick)
{
  bool cairo = s->picture == PW_PICTURE_PNG || s->picture == PW_PICTURE_PDF;
  const char *end = text + n_text;
  putc('"', s->out);
  while (text < end) {
    size_t n = pw_utf8_length(text);
    if (!is_shown(text, n, cairo)) write_byte(s->out, '?');
    else
      for (size_t i = 0; i < n; i++) write_byte(s->out, (unsigned char)text[i]);
    if (*text == '%' && of_tick) write_byte(s->out, '%');
    text += n ? n : 1;
  }
  fputs("\"\n", s->out);
}

static void write_text(const struct script *s, const char *text, bool of_tick)
{
  write_part(s, text, strlen(text), of_tick);
}

static void write_labels(const struct script *s, const char *name, const struct pw_labels *labels)
{
  fprintf(s->out, "array %s[%zu]\n", name, labels->n ? labels->n : 1);
  for (size_t i = 0; i < labels->n; i++) {
    fprintf(s->out, "%s[%zu] = ", name, i + 1);
    write_text(s, labels->text[i], false);
  }
}

static void write_word(const struct script *s, const char *name, const char *text)
{
  fprintf(s->out, "%s = ", name);
  write_text(s, text, false);
}

static void write_number(FILE *out, const char *name, double number)
{
  fprintf(out, "%s = %.10g%s\n", name, number, number == floor(number) && fabs(number) < 1e9 ? ".0" : "");
}

/* An axis of numbers: AXIS_MIN, AXIS_MAX, AXIS_LOG (base or 0), AXIS_N, AXIS_AT[], AXIS_LABEL[]. */
static void write_axis(const struct script *s, char letter, const struct pw_axis *axis, bool padded)
{
  bool log = axis->scale == PW_SCALE_LOG2 || axis->scale == PW_SCALE_LOG10;
  double share = padded ? 0.03 : 1e-6; /* not 0: rounding would cost gnuplot the tick at the end of a log axis */
  double pad = log ? pow(axis->max / axis->min, share) : padded ? (axis->max - axis->min) * share : 0;
  double min = log ? axis->min / pad : axis->min - pad, max = log ? axis->max * pad : axis->max + pad;
  fprintf(s->out, "%c_MIN = %.10g\n%c_MAX = %.10g\n", letter, min, letter, max);
  fprintf(s->out, "%c_LOG = %d\n", letter, axis->scale == PW_SCALE_LOG2 ? 2 : log ? 10 : 0);
  fprintf(s->out, "%c_N = %zu\narray %c_AT[%zu]\narray %c_LABEL[%zu]\n", letter, axis->n_ticks, letter, axis->n_ticks + 1,
          letter, axis->n_ticks + 1);
  for (size_t i = 0; i < axis->n_ticks; i++) {
    fprintf(s->out, "%c_AT[%zu] = %.10g\n%c_LABEL[%zu] = ", letter, i + 1, axis->ticks[i].at, letter, i + 1);
    write_text(s, axis->ticks[i].label, true);
  }
}

/* An axis of places: the same variables, one mark per place, from 0. */
static void write_places(const struct script *s, const struct pw_labels *places)
{
  fprintf(s->out, "X_MIN = -0.5\nX_MAX = %.1f\nX_LOG = 0\nX_N = %zu\n", (double)places->n - 0.5, places->n);
  fprintf(s->out, "array X_AT[%zu]\narray X_LABEL[%zu]\n", places->n + 1, places->n + 1);
  for (size_t i = 0; i < places->n; i++) {
    fprintf(s->out, "X_AT[%zu] = %zu\nX_LABEL[%zu] = ", i + 1, i, i + 1);
    write_text(s, places->text[i], true);
  }
}

/* The axes of a timeline's panels, their ticks one after the other, and which panel has which series. */
static void write_rows(const struct script *s, const struct pw_figure *f)
{
  size_t n = f->panels.n, first = 0, total = 0;
  for (size_t p = 0; p < n; p++) total += f->rows[p].n_ticks;
  fprintf(s->out, "array ROW_MIN[%zu]\narray ROW_MAX[%zu]\narray ROW_LOG[%zu]\narray ROW_N[%zu]\narray ROW_FIRST[%zu]\n", n, n, n,
          n, n);
  fprintf(s->out, "array ROW_AT[%zu]\narray ROW_LABEL[%zu]\narray HAS[%zu]\n", total + 1, total + 1, n * f->series.n);
  for (size_t p = 0; p < n; p++) {
    const struct pw_axis *axis = &f->rows[p];
    fprintf(s->out, "ROW_MIN[%zu] = %.10g\nROW_MAX[%zu] = %.10g\nROW_LOG[%zu] = %d\nROW_N[%zu] = %zu\nROW_FIRST[%zu] = %zu\n",
            p + 1,
            axis->min, p + 1, axis->max, p + 1, axis->scale == PW_SCALE_LOG2 ? 2 : axis->scale == PW_SCALE_LOG10 ? 10 : 0, p + 1,
            axis->n_ticks, p + 1, first);
    for (size_t i = 0; i < axis->n_ticks; i++) {
      fprintf(s->out, "ROW_AT[%zu] = %.10g\nROW_LABEL[%zu] = ", first + i + 1, axis->ticks[i].at, first + i + 1);
      write_text(s, axis->ticks[i].label, true);
    }
    first += axis->n_ticks;
  }
  fprintf(s->out, "array HAS_N[%zu]\n", n);
  for (size_t i = 0; i < n; i++) fprintf(s->out, "HAS_N[%zu] = 0\n", i + 1);
  for (size_t i = 0; i < n * f->series.n; i++) fprintf(s->out, "HAS[%zu] = 0\n", i + 1);
  for (size_t i = 0; i < f->n_points; i++)
    if (i == 0 || f->points[i].panel != f->points[i - 1].panel || f->points[i].series != f->points[i - 1].series)
      fprintf(s->out, "HAS[%zu] = 1\nHAS_N[%zu] = HAS_N[%zu] + 1\n", f->points[i].panel * f->series.n + f->points[i].series + 1,
              f->points[i].panel + 1, f->points[i].panel + 1);
}

/* The subtitle in lines of at most `most` characters, cut between its parts. */
static void write_subtitle(const struct script *s, const char *subtitle, size_t most)
{
  size_t n = 0;
  fprintf(s->out, "array SUBTITLE[%d]\n", PW_MAX_LINES);
  while (*subtitle && n < PW_MAX_LINES) {
    size_t n_line = pw_text_line(subtitle, most);
    fprintf(s->out, "SUBTITLE[%zu] = ", ++n);
    write_part(s, subtitle, n_line, false);
    subtitle += n_line;
  }
  fprintf(s->out, "SUBTITLE_N = %zu\n", n);
}

static void short_share(char *text, size_t n_text, double share)
{
  if (share < 0.0005) snprintf(text, n_text, "<0.1 %%");
  else snprintf(text, n_text, "%.1f %%", share * 100);
}

/* A value to print in a cell or, with a digit more, beside a bar; percent without the sign. */
static void short_number(char *text, size_t n_text, double number, enum pw_unit unit, bool longer)
{
  double shown = unit == PW_UNIT_PERCENT ? number * 100 : number;
  if (unit == PW_UNIT_BYTES) pw_text_bytes(text, n_text, number);
  else if (shown >= 1e5) pw_text_number(text, n_text, shown, PW_UNIT_PLAIN);
  else if (longer && shown >= 0.001 && shown < 999.5) snprintf(text, n_text, "%#.3g", shown);
  else if (shown == 0 || shown >= 99.95) snprintf(text, n_text, "%.0f", shown);
  else if (shown >= 0.995) snprintf(text, n_text, "%.1f", shown);
  else if (shown >= 0.0995) snprintf(text, n_text, "%.2f", shown);
  else if (shown >= 0.0005) snprintf(text, n_text, "%.3f", shown);
  else snprintf(text, n_text, "<.001");
}

/* One data set a panel and series, in that order: x, y, y as words. */
static void write_data(FILE *out, const struct pw_figure *f)
{
  size_t at = 0;
  char words[32];
  bool ranks = strcmp(f->chart->template_name, "ranks") == 0, timeline = pw_figure_is_timeline(f);
  bool owners = strcmp(f->chart->template_name, "owners") == 0;
  fputs("$DATA << END_OF_DATA\n", out);
  for (size_t panel = 0; panel < f->panels.n; panel++)
    for (size_t series = 0; series < f->series.n; series++) {
      size_t n = 0;
      for (; at < f->n_points && f->points[at].panel == panel && f->points[at].series == series; at++, n++) {
        double x = f->points[at].x, y = f->points[at].y;
        const struct pw_axis *axis = timeline ? &f->rows[panel] : &f->y;
        if (owners) short_share(words, sizeof words, y);
        else short_number(words, sizeof words, y, axis->unit, ranks);
        fprintf(out, "%.10g %.10g \"%s\"\n", x < f->x.least ? f->x.floor : x, y < axis->least && !f->cells ? axis->floor : y,
                words);
      }
      fputs(n ? "\n\n" : "NaN NaN \"\"\n\n\n", out); /* a set may not be empty */
    }
  fputs("END_OF_DATA\n", out);
}

/* The pixels of a map: a line of counts for each row, from the lowest, the logarithm taken. */
static void write_cells(FILE *out, const struct pw_figure *f)
{
  const struct pw_cells *c = f->cells;
  if (!c) return;
  fprintf(out, "CELL_ROWS = %zu\nCELL_COLUMNS = %zu\n$CELLS << END_OF_CELLS\n", c->rows, c->columns * c->repeat);
  for (size_t row = 0; row < c->rows; row++) {
    for (size_t column = 0; column < c->columns; column++)
      for (size_t i = 0; i < c->repeat; i++) {
        double count = c->count[row * c->columns + column];
        if (count > 0) fprintf(out, "%.4g ", log10(count < f->y.least ? f->y.floor : count));
        else fputs("NaN ", out);
      }
    putc('\n', out);
  }
  fputs("END_OF_CELLS\n", out);
}

/* The same sets for the points that are named: x, y, 1 when its name stands above, name. */
static void write_marks(FILE *out, const struct pw_figure *f)
{
  size_t at = 0;
  if (!f->n_marks) return;
  fputs("$MARKS << END_OF_DATA\n", out);
  for (size_t panel = 0; panel < f->panels.n; panel++)
    for (size_t series = 0; series < f->series.n; series++) {
      size_t n = 0;
      for (; at < f->n_marks && f->marks[at].panel == panel && f->marks[at].series == series; at++, n++) {
        const struct pw_mark *m = &f->marks[at];
        fprintf(out, "%.10g %.10g %d \"%s\"\n", m->x, m->y < f->y.least ? f->y.floor : m->y, (int)m->side, m->label);
      }
      fputs(n ? "\n\n" : "NaN NaN 0 \"\"\n\n\n", out);
    }
  fputs("END_OF_DATA\n", out);
}

static void write_terminal(FILE *out, enum pw_picture picture, const struct pw_sheet *l)
{
  switch (picture) {
  case PW_PICTURE_SVG:
    fprintf(out, "set terminal svg size %.0f,%.0f noenhanced rounded font 'sans-serif,14' background 'white'\n", l->width,
            l->height);
    break;
  case PW_PICTURE_PNG:
    fprintf(out, "set terminal pngcairo size %.0f,%.0f noenhanced rounded font 'DejaVu Sans,10.5' fontscale 2 linewidth 2 "
                 "pointscale 2 background 'white'\n", 2 * l->width, 2 * l->height);
    break;
  case PW_PICTURE_PDF:
    fprintf(out, "set terminal pdfcairo size %.3fin,%.3fin noenhanced rounded font 'DejaVu Sans,10.5' linewidth 1.2 "
                 "background 'white'\n", l->width / 96, l->height / 96);
    break;
  case PW_PICTURE_TEXT:
    fprintf(out, "set terminal dumb noenhanced size %.0f,%.0f\n", ceil(l->width / PW_CHAR_WIDTH),
            ceil(l->height / PW_CHAR_HEIGHT));
    break;
  }
}

static void write_layout(FILE *out, const struct pw_sheet *l)
{
  static const char *const legends[] = {"none", "top", "right"};
  fprintf(out, "COLUMNS = %zu\nSLANTED = %d\nLEGEND = '%s'\n", l->columns, l->slanted, legends[l->legend]);
  write_number(out, "WIDTH", l->width);
  write_number(out, "HEIGHT", l->height);
  write_number(out, "PANEL_WIDTH", l->panel_width);
  write_number(out, "PANEL_HEIGHT", l->panel_height);
  write_number(out, "GAP_X", l->gap_x);
  write_number(out, "GAP_Y", l->gap_y);
  write_number(out, "LEFT", l->left);
  write_number(out, "RIGHT", l->right);
  write_number(out, "TOP", l->top);
  write_number(out, "BOTTOM", l->bottom);
}

static int write_template(FILE *out, const char *name, struct pw_error *err)
{
  for (const struct pw_template *t = pw_templates; t->name; t++)
    if (strcmp(t->name, name) == 0) return fputs(t->text, out) < 0 ? PW_EIO : 0;
  return pw_error_set(err, PW_EINVAL, "there is no chart template '%s': add plots/%s.gp and build again", name, name);
}

int pw_script_write(FILE *out, const struct pw_figure *figure, enum pw_picture picture, struct pw_error *err)
{
  struct pw_sheet layout;
  const struct script s = {.out = out, .picture = picture};
  pw_sheet_make(&layout, figure, picture == PW_PICTURE_TEXT);
  write_terminal(out, picture, &layout);
  fprintf(out, "set encoding utf8\nPIXEL = %g\nTEXT_ONLY = %d\nSCATTER = %d\n",
          picture == PW_PICTURE_SVG ? 1 : 0.75, picture == PW_PICTURE_TEXT, figure->scatter);
  write_layout(out, &layout);
  write_word(&s, "TITLE", pw_text_get(&figure->title));
  write_word(&s, "X_TITLE", figure->x.title);
  write_word(&s, "Y_TITLE", figure->y.title);
  write_subtitle(&s, pw_text_get(&figure->subtitle), layout.subtitle_chars);
  fprintf(out, "PANEL_N = %zu\nSERIES_N = %zu\n", figure->panels.n, figure->series.n);
  write_labels(&s, "PANEL", &figure->panels);
  write_labels(&s, "SERIES", &figure->series);
  if (figure->x.scale == PW_SCALE_CATEGORY) write_places(&s, &figure->places);
  else write_axis(&s, 'X', &figure->x, !pw_figure_is_timeline(figure) && !figure->cells);
  if (pw_figure_is_timeline(figure)) write_rows(&s, figure);
  write_axis(&s, 'Y', &figure->y, false);
  write_data(out, figure);
  write_cells(out, figure);
  fprintf(out, "MARK_N = %zu\n", figure->n_marks);
  write_marks(out, figure);
  int status = write_template(out, "common", err);
  return status ? status : write_template(out, figure->chart->template_name, err);
}
