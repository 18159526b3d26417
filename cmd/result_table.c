/* The table that `run` prints: one machine, one column a trace.
 *
 * Its lines are the rows of the library's tables that have a name for it, and its values their cells, so
 * that a rate is computed in one place only; here they are made readable. */
#include "result_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "heap.h"
#include "say.h"

/* A line: a count, or where that is NULL the heading of a group. */
struct line {
  const char *label;
  const struct pw_count *count;
};

enum { LABEL_WIDTH = 20, GAP = 2 };

/* The lines by group; a rate stands behind what it is a rate of. Returns how many (to be freed). */
static size_t make_lines(struct line **lines)
{
  static const char *const headings[PW_GROUPS] = {"Accesses", "Address translation", "Memory", "Page tables"};
  const struct pw_count *c, *rate;
  size_t n = 0, most = PW_GROUPS;
  while (pw_count_entry(most - PW_GROUPS)) most++;
  *lines = heap_zero(most, sizeof **lines);
  for (int group = 0; group < PW_GROUPS; group++) {
    (*lines)[n++] = (struct line){headings[group], NULL};
    for (size_t i = 0; (c = pw_count_entry(i)); i++) {
      if (!c->line || (int)c->group != group || c->unit == PW_COUNT_RATE) continue;
      (*lines)[n++] = (struct line){c->line, c};
      for (size_t k = 0; (rate = pw_count_entry(k)); k++)
        if (rate->line && rate->unit == PW_COUNT_RATE && rate->offset == c->offset)
          (*lines)[n++] = (struct line){rate->line, rate};
    }
  }
  return n;
}

static void value_text(char *out, size_t n_out, const struct pw_count *count, const struct pw_config *config,
                       const struct pw_result *result)
{
  char text[128];
  pw_count_text(text, sizeof text, count, config, result);
  if (!*text) {
    snprintf(out, n_out, "-");
    return;
  }
  double rate = strtod(text, NULL);
  switch (count->unit) {
  case PW_COUNT_EVENTS: human_count(out, n_out, strtoull(text, NULL, 10)); break;
  case PW_COUNT_BYTES: human_bytes(out, n_out, strtoull(text, NULL, 10)); break;
  case PW_COUNT_RATE:
    if (rate >= 10)
      snprintf(out, n_out, "%.4g x", rate); /* tables far larger than what they map */
    else
      snprintf(out, n_out, "%.4g %%", rate * 100);
    break;
  case PW_COUNT_WORD: snprintf(out, n_out, "%.40s", text); break;
  }
}

static void print_tlb(const char *name, const struct pw_tlb_config *tlb)
{
  struct pw_list_entry policy = {"?", ""};
  if (!tlb->entries) {
    printf("  %-*s none\n", LABEL_WIDTH, name);
    return;
  }
  pw_list_entry(PW_LIST_TLB_POLICIES, (size_t)tlb->policy, &policy);
  if (tlb->ways == tlb->entries || tlb->ways == 0)
    printf("  %-*s %u entries, fully associative, %s\n", LABEL_WIDTH, name, tlb->entries, policy.name);
  else
    printf("  %-*s %u entries, %u-way, %s\n", LABEL_WIDTH, name, tlb->entries, tlb->ways, policy.name);
}

/* The cell of a parameter's first column, "" where it does not apply. */
static void parameter_text(char *text, size_t n_text, const struct pw_parameter *p, const struct pw_config *config)
{
  static const struct pw_result none;
  const char *name;
  for (size_t i = 0; (name = pw_row_column(i)); i++)
    if (strcmp(name, p->columns[0].name) == 0) pw_row_text(text, n_text, i, config, &none);
}

static void print_parameter(const struct pw_parameter *p, const struct pw_config *config)
{
  char text[128] = "", size[32];
  if (p->kind == PW_PARAMETER_TLB) {
    print_tlb(p->title, pw_config_tlb(config, p));
    return;
  }
  parameter_text(text, sizeof text, p, config);
  bool bytes = p->kind == PW_PARAMETER_PAGE || p->kind == PW_PARAMETER_MEMORY || p->kind == PW_PARAMETER_SIZE;
  if (bytes && text[0] >= '0' && text[0] <= '9') {
    human_bytes(size, sizeof size, strtoull(text, NULL, 10));
    snprintf(text, sizeof text, "%s", size);
  }
  if (p->title) printf("  %-*s %s", LABEL_WIDTH, p->title, text);
  else if (*text) printf(", %s", text); /* to the parameter before it */
  if (p->kind == PW_PARAMETER_TABLE) printf(", %u levels", pw_geometry_walk_levels(config->geometry, config->page_shift));
}

static void print_machine(const struct pw_config *config)
{
  const struct pw_parameter *p, *next;
  puts("Machine");
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++) {
    if (!p->columns[0].name) continue;
    print_parameter(p, config);
    next = pw_parameter_entry(i + 1);
    if (p->kind != PW_PARAMETER_TLB && (!next || next->title || !next->columns[0].name)) putchar('\n');
  }
}

/* The file name without its folders, cut when it is long. */
static void trace_label(char *out, size_t n_out, const char *path)
{
  enum { MOST = 28 };
  const char *slash = strrchr(path, '/');
  char name[512];
  text_printable(name, sizeof name, strcmp(path, "-") == 0 ? "standard input" : slash && slash[1] ? slash + 1 : path);
  if (strlen(name) > MOST)
    snprintf(out, n_out, "%.*s...", MOST - 3, name);
  else
    snprintf(out, n_out, "%s", name);
}

struct column {
  size_t width;
  char label[64];
  char (*values)[48]; /* by line */
};

static void fill_column(struct column *column, const struct line *lines, size_t n_lines, const struct pw_config *config,
                        const struct trace_job *job, const struct pw_result *result)
{
  column->values = heap_zero(n_lines, sizeof *column->values);
  trace_label(column->label, sizeof column->label, job->path);
  column->width = text_width(column->label);
  for (size_t line = 0; line < n_lines; line++) {
    if (!lines[line].count) continue;
    value_text(column->values[line], sizeof column->values[line], lines[line].count, config, result);
    size_t width = strlen(column->values[line]);
    if (width > column->width) column->width = width;
  }
}

static void print_block(const struct line *lines, size_t n_lines, const struct column *columns, size_t n)
{
  printf("\n  %-*s", LABEL_WIDTH, "Trace");
  for (size_t i = 0; i < n; i++)
    printf("%*s%s", (int)(columns[i].width + GAP - text_width(columns[i].label)), "", columns[i].label);
  putchar('\n');
  for (size_t line = 0; line < n_lines; line++) {
    if (!lines[line].count) {
      printf("%s\n", lines[line].label);
      continue;
    }
    printf("  %-*s", LABEL_WIDTH, lines[line].label);
    for (size_t i = 0; i < n; i++) printf("%*s", (int)columns[i].width + GAP, columns[i].values[line]);
    putchar('\n');
  }
}

void result_table_print(const struct pw_config *config, const struct trace_job *jobs, size_t n_jobs,
                        const struct pw_result *results)
{
  struct column *columns = heap_zero(n_jobs, sizeof *columns);
  struct line *lines;
  size_t n = 0, n_lines = make_lines(&lines);
  for (size_t i = 0; i < n_jobs; i++)
    if (jobs[i].state == JOB_DONE) fill_column(&columns[n++], lines, n_lines, config, &jobs[i], &results[i]);
  struct winsize window = {0};
  size_t most = ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 40 ? window.ws_col : 100;
  print_machine(config);
  for (size_t first = 0, last; first < n; first = last) {
    size_t width = LABEL_WIDTH + 2;
    for (last = first; last < n; last++) {
      width += columns[last].width + GAP;
      if (width > most && last > first) break;
    }
    print_block(lines, n_lines, columns + first, last - first);
  }
  for (size_t i = 0; i < n; i++) free(columns[i].values);
  free(columns);
  free(lines);
}
