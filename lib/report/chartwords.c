/* The words on a chart: names of traces, descriptions of machines.
 *
 * What is told of a machine is what was held fixed and matters to the numbers
 * shown, in the words of the command line: "DTLB 64:4", "STLB 1536:12:fifo". */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/chartwords.h"
#include "report/utf8.h"

enum {MOST_PART_BYTES = 160};

void pw_words_append(struct pw_text *text, const char *format, ...)
{
  struct pw_text part = {0};
  va_list args;
  va_start(args, format);
  pw_text_vprintf(&part, format, args);
  va_end(args);
  pw_text_cut(&part, MOST_PART_BYTES);
  if (part.failed) text->failed = true;
  else if (part.n) pw_text_printf(text, "%s%s", text->n ? " · " : "", part.chars);
  pw_text_clear(&part);
}

/* One TLB; entries, ways or policy are NULL when they are not told. */
static void tell_tlb(struct pw_text *text, const char *name, const char *entries, const char *ways, const char *policy)
{
  if (entries && !*entries) entries = NULL;
  if (ways && !*ways) ways = NULL;
  bool told = policy && *policy;
  const char *before = told ? policy : "", *space = told ? " " : "";
  const char *behind = told && strcmp(policy, "lru") != 0 ? policy : "";
  if (entries && strcmp(entries, "0") == 0) pw_words_append(text, "no %s", name);
  else if (entries)
    pw_words_append(text, "%s %s%s%s%s%s", name, entries, ways ? ":" : "",
                    !ways ? "" : strcmp(entries, ways) == 0 ? "full" : ways, *behind ? ":" : "", behind);
  else if (ways && strcmp(ways, "full") == 0) pw_words_append(text, "fully associative %s%s%s", before, space, name);
  else if (ways) pw_words_append(text, "%s-way %s%s%s", ways, before, space, name);
  else if (told) pw_words_append(text, "%s %s", policy, name);
}

static void tell_memory(struct pw_text *text, const char *bytes, const char *policy)
{
  char *rest, size[32];
  double number = bytes ? strtod(bytes, &rest) : 0;
  if (bytes && strcmp(bytes, "unlimited") == 0) pw_words_append(text, "unlimited memory");
  else if (bytes && number > 0 && !*rest) {
    pw_text_bytes(size, sizeof size, number);
    pw_words_append(text, "%s of memory%s%s", size, policy && *policy ? ", " : "", policy ? policy : "");
  } else if (policy && *policy) pw_words_append(text, "%s replacement", policy);
}

/* One parameter by the cells of its columns; `next` is the parameter behind it. */
static void tell_parameter(const struct pw_parameter *p, const struct pw_parameter *next, const char *const cells[],
                           struct pw_text *text)
{
  struct pw_text cell = {0};
  if (p->kind == PW_PARAMETER_TLB) tell_tlb(text, p->title, cells[0], cells[1], cells[2]);
  if (p->kind == PW_PARAMETER_MEMORY) tell_memory(text, cells[0], next && !next->title ? cells[1] : NULL);
  if (p->kind == PW_PARAMETER_TLB || p->kind == PW_PARAMETER_MEMORY || !p->title || !cells[0] || !*cells[0]) return;
  pw_text_cell(&cell, p->columns[0].name, cells[0]);
  const char *words = pw_text_get(&cell);
  if (p->kind == PW_PARAMETER_PAGE) pw_words_append(text, "%s pages", words);
  else if (p->kind == PW_PARAMETER_TABLE) pw_words_append(text, "%s page table", words);
  else pw_words_append(text, "%s %s", p->title, words);
  text->failed |= cell.failed;
  pw_text_clear(&cell);
}

/* cells[i] is the value of pw_config_column number i, or NULL when it is not told. Empty ones have nothing
 * to tell: rows of curve.csv have none of a machine's columns, and get them beside a results.csv. */
static void tell(const char *const cells[PW_CONFIG_COLUMNS], struct pw_text *text)
{
  struct pw_config_column c, next;
  for (size_t i = 0, first = 0; pw_config_column(&c, i); i++) {
    bool more = pw_config_column(&next, i + 1);
    if (more && next.parameter == c.parameter) continue;
    if (c.parameter) tell_parameter(c.parameter, more ? next.parameter : NULL, cells + first, text);
    else if (cells[i] && *cells[i]) pw_words_append(text, strcmp(cells[i], "memory") != 0 ? "fully associative LRU" : "LRU");
    first = i + 1;
  }
}

/* A chart of one trace names it here: neither panels nor a legend do. */
static void tell_only_trace(const struct pw_view *view, struct pw_text *text)
{
  char name[128];
  if (view->trace == PW_NO_COLUMN || view->x == view->trace) return;
  const char *only = pw_view_cell(view, &view->picks[0], view->trace);
  for (size_t i = 1; i < view->n_picks; i++)
    if (strcmp(pw_view_cell(view, &view->picks[i], view->trace), only) != 0) return;
  pw_words_trace(view->table, only, name, sizeof name);
  pw_words_append(text, "trace %s", name);
}

void pw_words_fixed(const struct pw_view *view, struct pw_text *text)
{
  const char *cells[PW_CONFIG_COLUMNS] = {NULL};
  const struct pw_parameter *p;
  tell_only_trace(view, text);
  for (size_t i = 0; i < view->n_fixed; i++)
    cells[view->fixed[i]] = pw_view_cell(view, &view->picks[0], view->fixed_column[i]);
  tell(cells, text);
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++)
    if (view->follows & p->part) pw_words_append(text, "%s ways vary with entries", p->title);
}

void pw_words_machine(const struct pw_table *table, size_t row, unsigned parts, struct pw_text *text)
{
  const char *cells[PW_CONFIG_COLUMNS] = {NULL};
  struct pw_config_column c;
  for (size_t i = 0; pw_config_column(&c, i); i++) {
    size_t column = pw_table_find(table, c.column->name);
    if (column != PW_NO_COLUMN && (c.part & parts)) cells[i] = pw_table_cell(table, row, column);
  }
  tell(cells, text);
}

static const char *base_name(const char *path, size_t *n)
{
  const char *slash = strrchr(path, '/');
  if (slash && slash[1]) path = slash + 1;
  *n = strlen(path);
  if (*n > 4 && strcmp(path + *n - 4, ".pwt") == 0) *n -= 4;
  return path;
}

/* Copies at most `most` characters, the middle cut out for "…". */
static void shorten(char *text, size_t n_text, const char *from, size_t n_from, size_t most)
{
  size_t n_head = most * 2 / 3, n_tail = most - n_head - 1, i = 0, n;
  if (n_from <= most) {
    snprintf(text, n_text, "%.*s", (int)n_from, from);
    return;
  }
  while (i < n_head) i += (n = pw_utf8_length(from + i)) ? n : 1;
  size_t tail = n_from - n_tail;
  while (tail < n_from && ((unsigned char)from[tail] & 0xc0) == 0x80) tail++;
  if (i >= tail) snprintf(text, n_text, "%.*s", (int)n_from, from);
  else snprintf(text, n_text, "%.*s…%.*s", (int)i, from, (int)(n_from - tail), from + tail);
}

void pw_words_trace(const struct pw_table *table, const char *path, char *text, size_t n_text)
{
  size_t n, m, column = pw_table_find(table, "trace");
  const char *name = base_name(path, &n);
  for (size_t row = 0; column != PW_NO_COLUMN && row < table->n_rows; row++) {
    const char *cell = pw_table_cell(table, row, column);
    if (strcmp(cell, path) == 0) continue;
    const char *other = base_name(cell, &m);
    if (m == n && memcmp(name, other, n) == 0) {
      name = path;
      n = strlen(path);
      break;
    }
  }
  shorten(text, n_text, name, n, 28);
  if (!*text) snprintf(text, n_text, "(no name)");
}
