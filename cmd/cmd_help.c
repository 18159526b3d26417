/* pagewalk help: the overview, or the help of one command. */
#include <stdio.h>

#include "command.h"
#include "options.h"
#include "pagewalk.h"
#include "say.h"

static const struct command *const *commands;

void help_about(const struct command *const *all)
{
  commands = all;
}

static void overview(void)
{
  printf("pagewalk %s: trace-driven analysis of TLBs, page tables and paging\n\n"
         "usage: pagewalk COMMAND ...\n\nCommands\n", PW_VERSION);
  for (size_t i = 0; commands[i]; i++) printf("  %-9s %s\n", commands[i]->name, commands[i]->summary);
  printf("\nA first look\n"
         "  pagewalk info sort.pwt                         what the trace holds\n"
         "  pagewalk run sort.pwt                          one machine, one table of numbers\n"
         "  pagewalk sweep sort.pwt --dtlb '16..1024*2:4' -o out   seven machines, results.csv and charts\n"
         "  pagewalk curve sort.pwt --of memory --target 50ppm   the memory that keeps faults that rare\n"
         "\npagewalk help COMMAND shows a command's options; pagewalk list shows formats, page\n"
         "tables, policies, machines and charts. --version prints the version.\n");
}

static int run_help(const struct command *self, int argc, char **argv)
{
  static const struct option_row none[] = {{0}};
  const struct option_group groups[] = {{"", none, NULL}, {NULL, NULL, NULL}};
  struct words operands = {0};
  int code = options_parse(self, groups, &operands, argc, argv);
  if (code < 0 && operands.n > 1) code = say_usage("help takes one command at a time");
  if (code < 0 && operands.n == 0) {
    overview();
    code = DONE;
  }
  if (code < 0) {
    const struct command *command = command_find(commands, operands.items[0]);
    const char *near = command ? NULL : command_nearest(commands, operands.items[0]);
    char word[] = "--help", *help[] = {word, NULL};
    if (command)
      code = command->run(command, 1, help);
    else if (near)
      code = say_usage("there is no command '%s'; did you mean %s?", operands.items[0], near);
    else
      code = say_usage("there is no command '%s'; pagewalk help shows them", operands.items[0]);
  }
  words_clear(&operands);
  return code;
}

const struct command command_help = {
    .name = "help",
    .summary = "the overview, or the options of a command",
    .usage = "[COMMAND]",
    .about = "Prints what pagewalk can do, or the options and examples of one command.",
    .examples = "  pagewalk help sweep",
    .run = run_help,
};
