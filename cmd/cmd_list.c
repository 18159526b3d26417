/* pagewalk list: what there is, from the tables of the library. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "options.h"
#include "pagewalk.h"
#include "say.h"

/* Several lists may share a word: `list policies` shows both kinds. */
static const struct {
  const char *word, *heading;
  enum pw_list list;
} lists[] = {
    {"formats", "Trace formats (--format)", PW_LIST_FORMATS},
    {"tables", "Page tables (--table)", PW_LIST_TABLES},
    {"policies", "TLB replacement policies (--dtlb 64:4:POLICY)", PW_LIST_TLB_POLICIES},
    {"policies", "Memory replacement policies (--memory-policy)", PW_LIST_MEMORY_POLICIES},
    {"machines", "Machines (--machine): ITLB, DTLB and STLB for pages of 4 KiB", PW_LIST_MACHINES},
    {"charts", "Charts (plot --chart)", PW_LIST_CHARTS},
    {"slabs", "Slab caches of the kernel (system)", PW_LIST_SLABS},
};
enum { N_LISTS = sizeof lists / sizeof *lists };

static void print_list(enum pw_list list, const char *indent)
{
  struct pw_list_entry entry;
  size_t width = 0;
  for (size_t i = 0; pw_list_entry(list, i, &entry); i++)
    if (strlen(entry.name) > width) width = strlen(entry.name);
  for (size_t i = 0; pw_list_entry(list, i, &entry); i++)
    printf("%s%-*s  %s\n", indent, (int)width, entry.name, entry.summary);
}

/* A single list comes without its heading, ready for scripts. */
static int print_lists(const char *word)
{
  size_t n = 0, printed = 0;
  for (size_t i = 0; i < N_LISTS; i++) n += !word || strcmp(word, lists[i].word) == 0;
  for (size_t i = 0; i < N_LISTS; i++) {
    if (word && strcmp(word, lists[i].word) != 0) continue;
    if (n > 1) printf("%s%s\n", printed++ ? "\n" : "", lists[i].heading);
    print_list(lists[i].list, n > 1 ? "  " : "");
  }
  if (n) return DONE;
  const char *names[N_LISTS + 1] = {0};
  for (size_t i = 0; i < N_LISTS; i++) names[i] = lists[i].word;
  const char *near = pw_nearest_name(names, word);
  if (near) return say_usage("there is no list '%s'; did you mean %s?", word, near);
  return say_usage("there is no list '%s': formats, tables, policies, machines, charts or slabs", word);
}

static int run_list(const struct command *self, int argc, char **argv)
{
  static const struct option_row none[] = {{0}};
  const struct option_group groups[] = {{"", none, NULL}, {NULL, NULL, NULL}};
  struct words operands = {0};
  int code = options_parse(self, groups, &operands, argc, argv);
  if (code < 0 && operands.n > 1) code = say_usage("list takes one name at a time");
  if (code < 0) code = print_lists(operands.n ? operands.items[0] : NULL);
  words_clear(&operands);
  return code;
}

const struct command command_list = {
    .name = "list",
    .summary = "formats, page tables, policies, machines, charts and slabs there are",
    .usage = "[formats|tables|policies|machines|charts|slabs]",
    .about = "Prints the names that options take, one a line with what each stands for;\n"
             "without a word, all of them.",
    .examples = "  pagewalk list tables",
    .run = run_list,
};
