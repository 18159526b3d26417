/* How columns look on a chart: titles, units, values for people, tick marks.
 *
 * Ticks are chosen here and not by gnuplot, so that sizes that double are
 * marked at the sizes, bytes read "64 MiB", and every output format agrees. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/axes.h"

/* A log axis spans at most six decades; what is smaller is drawn at its floor. */
#define MAX_DEPTH 1e6
/* The floor lies so far below the least value that the marks do not touch. */
#define FLOOR_DEEP 8
#define FLOOR_ZERO 4

/* What is not in the tables of counts and parameters. */
static const struct pw_column_look looks[] = {
  {"trace", "trace", PW_UNIT_PLAIN, PW_SCALE_CATEGORY, 0},
  {"name", "process", PW_UNIT_PLAIN, PW_SCALE_CATEGORY, 0},
  {"setting", "configuration", PW_UNIT_PLAIN, PW_SCALE_CATEGORY, 0},
  {"group_limit_bytes", "limit of the group", PW_UNIT_BYTES, PW_SCALE_LINEAR, 0},
  {"swap_device_bytes", "swap device", PW_UNIT_BYTES, PW_SCALE_LOG2, 0},
  {"swap_bytes", "in swap", PW_UNIT_BYTES, PW_SCALE_AUTO, PW_PART_ALL},
  {"swappiness", "swappiness", PW_UNIT_PLAIN, PW_SCALE_LINEAR, 0},
  {"reclaim", "who leaves", PW_UNIT_PLAIN, PW_SCALE_CATEGORY, 0},
  {"quantum", "accesses of a turn", PW_UNIT_PLAIN, PW_SCALE_LOG10, 0},
  {"of", "curve of", PW_UNIT_PLAIN, PW_SCALE_CATEGORY, 0}, /* these are columns of a curve */
  {"entries", "entries", PW_UNIT_PLAIN, PW_SCALE_LOG2, 0},
  {"misses", "misses", PW_UNIT_PLAIN, PW_SCALE_AUTO, PW_PART_ALL},
  {"miss_rate", "misses per access", PW_UNIT_PERCENT, PW_SCALE_AUTO, PW_PART_ALL},
  {"access", "accesses", PW_UNIT_PLAIN, PW_SCALE_LINEAR, 0}, /* these are columns of a time series */
  {"heap_bytes", "mapped heap", PW_UNIT_BYTES, PW_SCALE_AUTO, PW_PART_ALL},
  {"heap_minor_faults", "minor faults in the heap", PW_UNIT_PLAIN, PW_SCALE_AUTO, PW_PART_ALL},
  {"heap_returned_bytes", "heap given back", PW_UNIT_BYTES, PW_SCALE_AUTO, PW_PART_ALL},
  {"mmap_bytes", "anonymous mappings", PW_UNIT_BYTES, PW_SCALE_AUTO, PW_PART_ALL},
  {"mmap_minor_faults", "minor faults in anonymous mappings", PW_UNIT_PLAIN, PW_SCALE_AUTO, PW_PART_ALL},
  {"mmap_returned_bytes", "anonymous mappings given back", PW_UNIT_BYTES, PW_SCALE_AUTO, PW_PART_ALL},
};

static struct pw_column_look look_of_count(const struct pw_count *c)
{
  static const enum pw_unit units[] = {PW_UNIT_PLAIN, PW_UNIT_BYTES, PW_UNIT_PERCENT, PW_UNIT_PLAIN};
  return (struct pw_column_look){ c->name, c->title, units[c->unit], c->unit == PW_COUNT_WORD ? PW_SCALE_CATEGORY : PW_SCALE_AUTO,
                                  c->parts};
}

static struct pw_column_look look_of_parameter(const struct pw_parameter *p, size_t which)
{
  bool bytes = p->kind == PW_PARAMETER_PAGE || p->kind == PW_PARAMETER_MEMORY || p->kind == PW_PARAMETER_SIZE;
  bool words = p->kind == PW_PARAMETER_TABLE || p->kind == PW_PARAMETER_CHOICE || (p->kind == PW_PARAMETER_TLB && which == 2);
  return (struct pw_column_look){ p->columns[which].name, p->columns[which].title, bytes ? PW_UNIT_BYTES : PW_UNIT_PLAIN,
                                  words ? PW_SCALE_CATEGORY : PW_SCALE_LOG2, 0};
}

bool pw_config_column(struct pw_config_column *column, size_t index)
{
  static const struct pw_parameter_column of = {"of", "curve of", "dtlb", NULL};
  const struct pw_parameter *p;
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++)
    for (size_t which = 0; which < 3; which++) {
      if (!p->columns[which].usual || index-- > 0) continue;
      *column = (struct pw_config_column){p, p->part, &p->columns[which]};
      return true;
    }
  *column = (struct pw_config_column){NULL, PW_PART_ALL, &of};
  return index == 0;
}

struct pw_column_look pw_column_look(const char *column)
{
  const struct pw_parameter *p;
  const struct pw_count *c;
  for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
    if (strcmp(looks[i].name, column) == 0) return looks[i];
  for (size_t i = 0; (c = pw_count_entry(i)); i++)
    if (c->title && strcmp(c->name, column) == 0) return look_of_count(c);
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++)
    for (size_t which = 0; which < 3; which++)
      if (p->columns[which].name && strcmp(p->columns[which].name, column) == 0) return look_of_parameter(p, which);
  return (struct pw_column_look){NULL, column, PW_UNIT_PLAIN, PW_SCALE_AUTO, PW_PART_ALL};
}

void pw_text_bytes(char *text, size_t n_text, double bytes)
{
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  while (bytes >= 1023.5 && unit + 1 < sizeof units / sizeof units[0]) {
    bytes /= 1024;
    unit++;
  }
  bool whole = bytes == floor(bytes);
  snprintf(text, n_text, whole || bytes >= 100 ? "%.0f %s" : "%.3g %s", bytes, units[unit]);
}

/* Six digits; three of what %g would write with an exponent; no zeros behind. */
static void text_percent(char *text, size_t n_text, double percent)
{
  double size = fabs(percent);
  if (size >= 1e-4 || size < 1e-12) {
    snprintf(text, n_text, "%.6g%%", percent);
    return;
  }
  snprintf(text, n_text, "%.*f", 2 - (int)floor(log10(size)), percent);
  size_t n = strlen(text);
  while (text[n - 1] == '0') n--;
  snprintf(text + n, n_text - n, "%%");
}

/* Thousands as "1k" where that says all, so that 1k, 10k and 100k stand
 * together, and sizes such as 1024 and 16384 stay as they are known. */
void pw_text_number(char *text, size_t n_text, double number, enum pw_unit unit)
{
  double size = fabs(number);
  if (unit == PW_UNIT_BYTES) pw_text_bytes(text, n_text, number);
  else if (unit == PW_UNIT_PERCENT) text_percent(text, n_text, number * 100);
  else if (size >= 1e9) snprintf(text, n_text, "%.4gG", number / 1e9);
  else if (size >= 1e6) snprintf(text, n_text, "%.4gM", number / 1e6);
  else if (size >= 1e5 || (size > 999.5 && fabs(remainder(size, 100)) < 1e-6)) snprintf(text, n_text, "%.4gk", number / 1e3);
  else snprintf(text, n_text, "%.6g", number);
}

static bool ends_with(const char *text, const char *end)
{
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

void pw_text_cell(struct pw_text *text, const char *column, const char *cell)
{
  char *rest, size[32];
  double number = strtod(cell, &rest);
  bool numeric = rest != cell && !*rest;
  pw_text_bytes(size, sizeof size, number);
  if (!*cell) pw_text_add(text, "(none)");
  else if (pw_column_look(column).unit == PW_UNIT_BYTES && numeric) pw_text_add(text, size);
  else if (ends_with(column, "_ways") && numeric) pw_text_printf(text, "%s-way", cell);
  else if (ends_with(column, "_entries") && numeric) pw_text_printf(text, "%s entries", cell);
  else if (strcmp(column, "levels") == 0) pw_text_printf(text, "%s %s", cell, number == 1 ? "level" : "levels");
  else pw_text_add(text, cell);
}

static void add_tick(struct pw_axis *axis, double at)
{
  if (axis->n_ticks == PW_MAX_TICKS) return;
  struct pw_tick *tick = &axis->ticks[axis->n_ticks++];
  tick->at = at;
  pw_text_number(tick->label, sizeof tick->label, at, axis->unit);
}

/* Powers of two, every one or every second, third, … so that max_ticks do. */
static void place_log2(struct pw_axis *axis, size_t max_ticks)
{
  double low = ceil(log2(axis->min) - 1e-9), high = floor(log2(axis->max) + 1e-9);
  double step = ceil((high - low + 1) / (double)max_ticks);
  if (axis->unit == PW_UNIT_BYTES && step > 3) step = step > 5 ? 10 : 5;
  if (step < 1) step = 1;
  for (double e = step > 3 ? ceil(low / step) * step : low; e <= high; e += step) add_tick(axis, exp2(e));
}

/* Puts a tick, with its name if that leaves some room to its neighbours' names. */
static void place_tlb_tick(struct pw_axis *axis, double at)
{
  double octave = axis->tlb_sizes / log2(axis->max / axis->min);
  if (at < axis->min || at > axis->max) return;
  add_tick(axis, at);
  struct pw_tick *tick = &axis->ticks[axis->n_ticks - 1];
  for (struct pw_tick *t = axis->ticks; t < tick; t++) {
    double room = fabs(log2(at / t->at)) * octave;
    if (t->at == at) {
      axis->n_ticks--;
      return;
    }
    if (*t->label && room < (double)(strlen(t->label) + strlen(tick->label)) / 2 + 1.1) *tick->label = 0;
  }
}

/* The sizes that machines have, named in even steps first, and the other powers of two. */
static void place_tlb_sizes(struct pw_axis *axis)
{
  static const double usual[] = {64, 1024, 16, 256, 4, 4096, 16384, 512, 2048, 128, 32, 1536};
  for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) place_tlb_tick(axis, usual[i]);
  for (int odd = 0; odd < 2; odd++)
    for (int e = odd; e < 40; e += 2) place_tlb_tick(axis, exp2(e));
}

/* Decades; within less than two of them 1, 2 and 5. */
static void place_log10(struct pw_axis *axis, size_t max_ticks)
{
  double low = axis->floor > 0 ? axis->floor * 2 : axis->min;
  double decades = log10(axis->max / low);
  double step = ceil((decades + 1) / (double)max_ticks);
  static const double within[] = {1, 2, 5};
  for (double e = floor(log10(low)); e <= ceil(log10(axis->max)); e += step < 1 ? 1 : step)
    for (int i = 0; i < (decades < 1.7 ? 3 : 1); i++) {
      double at = within[i] * pow(10, e);
      if (at >= low * (1 - 1e-9) && at <= axis->max * (1 + 1e-9)) add_tick(axis, at);
    }
}

/* Steps of 1, 2 or 5 times a power of ten, of bytes a power of two; the range grows to whole steps. */
static void place_linear(struct pw_axis *axis, size_t max_ticks)
{
  double rough = (axis->max - axis->min) / (double)max_ticks, power = pow(10, floor(log10(rough)));
  double step = power * 10;
  if (power * 5 >= rough) step = power * 5;
  if (power * 2 >= rough) step = power * 2;
  if (power >= rough) step = power;
  if (axis->unit == PW_UNIT_BYTES) step = exp2(ceil(log2(rough)));
  double first = floor(axis->min / step + 1e-9), last = ceil(axis->max / step - 1e-9);
  for (double i = first; i <= last; i++) add_tick(axis, i * step);
  axis->min = first * step;
  axis->max = last * step;
}

/* The next 1, 2 or 5 of a decade at or below (above) a number. */
static double round_down(double number)
{
  double power = pow(10, floor(log10(number) + 1e-12));
  double digit = number / power * (1 + 1e-12);
  return power * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
}

static double round_up(double number)
{
  double power = pow(10, floor(log10(number) + 1e-12));
  double digit = number / power * (1 - 1e-12);
  return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

/* The next decade; a little above it where what reaches the tick would lie on the frame. */
static double decade_above(double number)
{
  double decade = pow(10, ceil(log10(number) - 1e-9));
  return number > decade / 1.4 ? decade * 1.5 : decade;
}

/* The mark at the floor: "0", or "<0.001%" when small values are drawn there too. */
static void add_floor(struct pw_axis *axis, bool deep)
{
  char least[16];
  size_t n = 0;
  for (size_t i = 0; i < axis->n_ticks; i++) /* side by side, words need more room than one above the other */
    if (axis->headroom || axis->ticks[i].at > axis->floor * 20) axis->ticks[n++] = axis->ticks[i];
  axis->n_ticks = n;
  add_tick(axis, axis->floor);
  struct pw_tick *tick = &axis->ticks[axis->n_ticks - 1];
  pw_text_number(least, sizeof least, axis->floor * FLOOR_DEEP, axis->unit);
  if (deep) snprintf(tick->label, sizeof tick->label, "<%s", least);
  else snprintf(tick->label, sizeof tick->label, "0");
}

void pw_axis_place(struct pw_axis *axis, const double *sorted, size_t n, size_t max_ticks)
{
  size_t zeros = 0;
  while (zeros < n && sorted[zeros] <= 0) zeros++;
  double least = zeros < n ? sorted[zeros] : 1, most = zeros < n ? sorted[n - 1] : 1;
  bool negative = n > 0 && sorted[0] < 0;
  if (axis->scale == PW_SCALE_AUTO && most / least < 100) axis->scale = PW_SCALE_LINEAR;
  if (axis->scale == PW_SCALE_AUTO) axis->scale = axis->unit == PW_UNIT_BYTES ? PW_SCALE_LOG2 : PW_SCALE_LOG10;
  if (negative) axis->scale = PW_SCALE_LINEAR;
  axis->floor = axis->least = 0;
  axis->n_ticks = 0;
  if (axis->scale == PW_SCALE_LINEAR) {
    axis->min = negative ? sorted[0] : 0;
    axis->max = sorted[0] < sorted[n - 1] || !negative ? most : axis->min + 1;
    place_linear(axis, max_ticks);
    return;
  }
  bool binary = axis->scale == PW_SCALE_LOG2;
  axis->min = binary ? exp2(floor(log2(least) + 1e-9)) : round_down(least);
  axis->max = binary ? exp2(ceil(log2(most) - 1e-9)) : round_up(most);
  if (binary && axis->headroom && most == axis->max) axis->max *= 2;
  if (axis->footroom) axis->min /= binary ? 4 : 2;
  if (axis->max <= axis->min) axis->max = axis->min * (binary ? 2 : 10);
  bool deep = !binary && axis->max / axis->min > MAX_DEPTH * 1.5;
  if (deep) axis->min = pow(10, ceil(log10(axis->max) - 1e-9)) / MAX_DEPTH;
  if (zeros > 0 || deep) {
    axis->least = axis->min;
    axis->floor = axis->min / (deep ? FLOOR_DEEP : FLOOR_ZERO);
    axis->min = axis->floor;
  }
  if (!binary && axis->headroom) axis->max = fmax(axis->max, decade_above(most));
  if (axis->tlb_sizes > 0) place_tlb_sizes(axis);
  else if (binary) place_log2(axis, max_ticks);
  else place_log10(axis, max_ticks);
  if (axis->floor > 0) add_floor(axis, deep);
}
