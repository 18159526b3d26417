/* The table that `run` prints: one machine, one column a trace.
 *
 * Its values come from the columns of results.csv, so that a rate is computed in one
 * place only; here they are made readable. */
#include "result_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "heap.h"
#include "say.h"

enum kind { HEADING, COUNT, RATE, BYTES };

static const struct {
  const char *label;
  const char *column; /* of results.csv */
  enum kind kind;
} lines[] = {
    {"Accesses", NULL, HEADING},
    {"accesses", "accesses", COUNT},
    {"fetches", "fetches", COUNT},
    {"loads", "loads", COUNT},
    {"stores", "stores", COUNT},
    {"Address translation", NULL, HEADING},
    {"ITLB misses", "itlb_misses", COUNT},
    {"ITLB miss rate", "itlb_miss_rate", RATE},
    {"DTLB misses", "dtlb_misses", COUNT},
    {"DTLB miss rate", "dtlb_miss_rate", RATE},
    {"STLB lookups", "stlb_lookups", COUNT},
    {"STLB misses", "stlb_misses", COUNT},
    {"STLB miss rate", "stlb_miss_rate", RATE},
    {"page walks", "walks", COUNT},
    {"walks per access", "walk_rate", RATE},
    {"table entries read", "walk_refs", COUNT},
    {"Memory", NULL, HEADING},
    {"minor faults", "minor_faults", COUNT},
    {"major faults", "major_faults", COUNT},
    {"faults per access", "fault_rate", RATE},
    {"pages written back", "swap_outs", COUNT},
    {"peak resident", "resident_bytes", BYTES},
    {"Page tables", NULL, HEADING},
    {"peak size", "table_bytes", BYTES},
    {"of touched bytes", "table_overhead", RATE},
};
enum { N_LINES = sizeof lines / sizeof *lines, LABEL_WIDTH = 20, GAP = 2 };

static size_t column_number(const char *name)
{
  size_t column = 0;
  while (pw_row_column(column) && strcmp(pw_row_column(column), name) != 0) column++;
  return column;
}

static void value_text(char *out, size_t n_out, size_t line, const struct pw_config *config,
                       const struct pw_result *result)
{
  char text[128];
  pw_row_text(text, sizeof text, column_number(lines[line].column), config, result);
  if (!*text) {
    snprintf(out, n_out, "-");
    return;
  }
  double rate = strtod(text, NULL);
  switch (lines[line].kind) {
  case COUNT: human_count(out, n_out, strtoull(text, NULL, 10)); break;
  case BYTES: human_bytes(out, n_out, strtoull(text, NULL, 10)); break;
  case RATE:
    if (rate >= 10)
      snprintf(out, n_out, "%.4g x", rate); /* tables far larger than what they map */
    else
      snprintf(out, n_out, "%.4g %%", rate * 100);
    break;
  case HEADING: snprintf(out, n_out, "%s", text); break;
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

static void print_machine(const struct pw_config *config)
{
  char text[32];
  struct pw_list_entry policy = {"?", ""};
  human_bytes(text, sizeof text, (uint64_t)1 << config->page_shift);
  printf("Machine\n  %-*s %s\n", LABEL_WIDTH, "page size", text);
  printf("  %-*s %s, %u levels\n", LABEL_WIDTH, "page table", config->geometry->name,
         pw_geometry_walk_levels(config->geometry, config->page_shift));
  print_tlb("ITLB", &config->itlb);
  print_tlb("DTLB", &config->dtlb);
  print_tlb("STLB", &config->stlb);
  if (config->memory_bytes == PW_UNLIMITED) {
    printf("  %-*s unlimited\n", LABEL_WIDTH, "memory");
    return;
  }
  human_bytes(text, sizeof text, config->memory_bytes);
  pw_list_entry(PW_LIST_MEMORY_POLICIES, (size_t)config->memory_policy, &policy);
  printf("  %-*s %s, %s\n", LABEL_WIDTH, "memory", text, policy.name);
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
  char values[N_LINES][48];
};

static void fill_column(struct column *column, const struct pw_config *config, const struct trace_job *job,
                        const struct pw_result *result)
{
  trace_label(column->label, sizeof column->label, job->path);
  column->width = text_width(column->label);
  for (size_t line = 0; line < N_LINES; line++) {
    if (lines[line].kind == HEADING) continue;
    value_text(column->values[line], sizeof column->values[line], line, config, result);
    size_t width = strlen(column->values[line]);
    if (width > column->width) column->width = width;
  }
}

static void print_block(const struct column *columns, size_t n)
{
  printf("\n  %-*s", LABEL_WIDTH, "Trace");
  for (size_t i = 0; i < n; i++)
    printf("%*s%s", (int)(columns[i].width + GAP - text_width(columns[i].label)), "", columns[i].label);
  putchar('\n');
  for (size_t line = 0; line < N_LINES; line++) {
    if (lines[line].kind == HEADING) {
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
  size_t n = 0;
  for (size_t i = 0; i < n_jobs; i++)
    if (jobs[i].state == JOB_DONE) fill_column(&columns[n++], config, &jobs[i], &results[i]);
  struct winsize window = {0};
  size_t most = ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 40 ? window.ws_col : 100;
  print_machine(config);
  for (size_t first = 0, last; first < n; first = last) {
    size_t width = LABEL_WIDTH + 2;
    for (last = first; last < n; last++) {
      width += columns[last].width + GAP;
      if (width > most && last > first) break;
    }
    print_block(columns + first, last - first);
  }
  free(columns);
}
