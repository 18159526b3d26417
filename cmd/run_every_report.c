/* Time series for people and programs: CSV rows and tables. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "say.h"
#include "run_every.h"

/* ---- CSV ---- */

enum { N_AREAS = 6 };

static const char *const area_columns[N_AREAS] = {"heap_bytes", "heap_minor_faults", "heap_returned_bytes",
                                                  "mmap_bytes", "mmap_minor_faults", "mmap_returned_bytes"};

static void write_areas(FILE *out, const struct pw_series *s, const struct pw_window *w)
{
  const uint64_t values[N_AREAS] = {w->heap.bytes, w->heap.minor_faults, w->heap.returned_bytes,
                                    w->mmap.bytes, w->mmap.minor_faults, w->mmap.returned_bytes};
  for (size_t i = 0; i < N_AREAS; i++) {
    putc(',', out);
    if (s->has_areas) fprintf(out, "%" PRIu64, values[i]);
  }
}

static void write_cell(FILE *out, const struct pw_config *config, const struct pw_window *w, const struct pw_count *c)
{
  char text[64] = "";
  if (w) pw_count_text(text, sizeof text, c, config, &w->counts);
  fprintf(out, ",%s", w ? text : c->name);
}

/* The header for w = NULL. The areas stand behind the counts that were there from the beginning. */
static void write_row(FILE *out, const char *trace, const struct pw_config *config, const struct pw_series *s,
                      const struct pw_window *w)
{
  const struct pw_count *c;
  bool later = false;
  pw_csv_write_text(out, trace);
  if (w) fprintf(out, ",%" PRIu64, w->access);
  else fputs(",access", out);
  for (unsigned since = 0; since == 0 || later; since++) {
    later = false;
    for (size_t i = 0; (c = pw_count_entry(i)); i++) {
      later |= c->since > since;
      if (c->window && c->since == since) write_cell(out, config, w, c);
    }
    if (since == 0 && w) write_areas(out, s, w);
    for (size_t i = 0; since == 0 && !w && i < N_AREAS; i++) fprintf(out, ",%s", area_columns[i]);
  }
  putc('\n', out);
}

int series_csv_write(FILE *out, const struct series_set *set, struct pw_error *err)
{
  write_row(out, "trace", set->config, NULL, NULL);
  for (size_t i = 0; i < set->n_jobs; i++) {
    const struct pw_series *s = &set->series[i];
    for (size_t w = 0; set->jobs[i].state == JOB_DONE && w < s->n_windows; w++)
      write_row(out, set->jobs[i].path, set->config, s, &s->windows[w]);
  }
  if (!ferror(out)) return 0;
  return pw_error_set(err, PW_EIO, "a row of a time series cannot be written: %s; free some room and run again", strerror(errno));
}

/* ---- tables ---- */

/* What a table shows: a count of the windows, of events or of bytes, or a state at their end. */
struct quantity {
  const char *name;
  const struct pw_count *count; /* or NULL: */
  size_t offset;                /* in struct pw_window */
  enum { EVENTS, BYTES, STATE } kind;
  bool in_lines;                /* and not only as a course */
  bool always;                  /* also where it is 0 all the time */
};

#define AT(field) offsetof(struct pw_window, field)

static const struct quantity of_areas[N_AREAS] = {
    {"heap", NULL, AT(heap.bytes), STATE, true, false},
    {"heap faults", NULL, AT(heap.minor_faults), EVENTS, false, false},
    {"heap given back", NULL, AT(heap.returned_bytes), BYTES, false, false},
    {"mmap", NULL, AT(mmap.bytes), STATE, true, false},
    {"mmap faults", NULL, AT(mmap.minor_faults), EVENTS, false, false},
    {"mmap given back", NULL, AT(mmap.returned_bytes), BYTES, false, false},
};
enum { MOST_LINES = 24, COURSE = 60, NAME_WIDTH = 16, LEAST_WIDTH = 11 };

/* What the tables show, in their order: what fell in the windows, by group, then what there was at their ends. To be freed. */
static size_t make_quantities(struct quantity **quantities)
{
  static const enum pw_count_group order[] = {PW_GROUP_MEMORY, PW_GROUP_TRANSLATION, PW_GROUP_TABLES, PW_GROUP_ACCESSES};
  const struct pw_count *c;
  size_t n = 0, most = N_AREAS;
  while (pw_count_entry(most - N_AREAS)) most++;
  *quantities = heap_zero(most, sizeof **quantities);
  for (size_t k = 0; k < 2 * PW_GROUPS; k++)
    for (size_t i = 0; (c = pw_count_entry(i)); i++) {
      bool level = c->window == PW_WINDOW_LEVEL;
      if (!c->window || !c->course || c->group != order[k % PW_GROUPS] || level != (k >= PW_GROUPS)) continue;
      (*quantities)[n++] = (struct quantity){c->course, c, 0, level ? STATE : c->unit == PW_COUNT_BYTES ? BYTES : EVENTS, true,
                                             !level && !c->limited && !c->absent};
    }
  memcpy(*quantities + n, of_areas, sizeof of_areas);
  return n + N_AREAS;
}

static uint64_t read_quantity(const struct quantity *q, const struct pw_window *w)
{
  uint64_t value;
  if (q->count) return pw_count_value(q->count, &w->counts);
  memcpy(&value, (const char *)w + q->offset, sizeof value);
  return value;
}

/* Windows [from, to) as one: what was counted in all of them, what there was at the end of the last. */
static uint64_t gather(const struct quantity *q, const struct pw_series *s, size_t from, size_t to)
{
  uint64_t sum = 0;
  if (q->kind == STATE) return read_quantity(q, &s->windows[to - 1]);
  for (size_t i = from; i < to; i++) sum += read_quantity(q, &s->windows[i]);
  return sum;
}

static uint64_t most_of(const struct quantity *q, const struct pw_series *s)
{
  uint64_t most = 0;
  for (size_t i = 0; i < s->n_windows; i++) {
    uint64_t value = read_quantity(q, &s->windows[i]);
    if (value > most) most = value;
  }
  return most;
}

static void value_text(char *text, size_t n_text, const struct quantity *q, uint64_t value)
{
  if (q->kind == EVENTS) human_count(text, n_text, value);
  else human_bytes(text, n_text, value);
}

/* The course of a quantity in a line of bars; each stands for as many windows as need be, and
 * shows the highest of them, so that no peak is lost. */
static void print_course(const struct quantity *q, const struct pw_series *s)
{
  static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  char most_text[32], end_text[32];
  size_t places = s->n_windows < COURSE ? s->n_windows : COURSE;
  uint64_t most = most_of(q, s);
  printf("  %-*s ", NAME_WIDTH, q->name);
  for (size_t i = 0; i < places; i++) {
    size_t from = i * s->n_windows / places, to = (i + 1) * s->n_windows / places;
    uint64_t value = 0;
    for (size_t w = from; w < to; w++)
      if (read_quantity(q, &s->windows[w]) > value) value = read_quantity(q, &s->windows[w]);
    fputs(bars[value ? 1 + (unsigned)((double)value / (double)most * 7.0) : 0], stdout);
  }
  value_text(most_text, sizeof most_text, q, most);
  value_text(end_text, sizeof end_text, q, gather(q, s, 0, s->n_windows));
  printf("%*s  most %s, %s %s\n", (int)(COURSE - places), "", most_text, q->kind == STATE ? "at the end" : "in all", end_text);
}

static int width_of(const struct quantity *q)
{
  size_t width = strlen(q->name);
  return (int)(width > LEAST_WIDTH ? width : LEAST_WIDTH);
}

static void print_lines(const struct series_set *set, const struct pw_series *s, const struct quantity *const *shown, size_t n)
{
  char text[32];
  size_t each = (s->n_windows + MOST_LINES - 1) / MOST_LINES;
  printf("\n  %*s", NAME_WIDTH, "to access");
  for (size_t i = 0; i < n; i++) printf("  %*s", width_of(shown[i]), shown[i]->name);
  putchar('\n');
  for (size_t from = 0; from < s->n_windows; from += each) {
    size_t to = from + each < s->n_windows ? from + each : s->n_windows;
    human_count(text, sizeof text, s->windows[to - 1].access);
    printf("  %*s", NAME_WIDTH, text);
    for (size_t i = 0; i < n; i++) {
      value_text(text, sizeof text, shown[i], gather(shown[i], s, from, to));
      printf("  %*s", width_of(shown[i]), text);
    }
    putchar('\n');
  }
  if (each == 1) return;
  char windows[32];
  human_count(text, sizeof text, set->every);
  human_count(windows, sizeof windows, each);
  printf("  a line is %s windows of %s accesses; --csv writes each window\n", windows, text);
}

static void print_table(const struct series_set *set, const char *path, const struct pw_series *s)
{
  struct quantity *quantities;
  size_t n_quantities = make_quantities(&quantities);
  const struct quantity **shown = heap_zero(n_quantities, sizeof *shown);
  char trace[1024], count[32], every[32], windows[32];
  size_t n = 0;
  text_printable(trace, sizeof trace, strcmp(path, "-") == 0 ? "standard input" : path);
  human_count(count, sizeof count, s->total.counted.fetches + s->total.counted.loads + s->total.counted.stores);
  human_count(every, sizeof every, set->every);
  human_count(windows, sizeof windows, s->n_windows);
  printf("%s: %s accesses, %s window%s of %s\n\n", trace, count, windows, s->n_windows == 1 ? "" : "s", every);
  for (size_t i = 0; i < n_quantities; i++) {
    const struct quantity *q = &quantities[i];
    if (most_of(q, s) == 0 && !q->always) continue;
    print_course(q, s);
    if (q->in_lines) shown[n++] = q;
  }
  print_lines(set, s, shown, n);
  free(shown);
  free(quantities);
}

void series_tables_print(const struct series_set *set)
{
  bool first = true;
  for (size_t i = 0; i < set->n_jobs; i++) {
    if (set->jobs[i].state != JOB_DONE) continue;
    if (!first) putchar('\n');
    first = false;
    print_table(set, set->jobs[i].path, &set->series[i]);
  }
}
