/* Typed option rows: parsing and help from one table. */
#include "options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pagewalk.h"
#include "say.h"

struct parse {
  const struct command *command;
  const struct option_group *groups;
  int argc;
  char **argv;
  int at;
  const struct words *operands;
};

/* The row of a long name (of n letters), or of a short letter when name is NULL. */
static const struct option_row *row_find(const struct option_group *groups, const char *name, size_t n,
                                         char letter, void **target)
{
  for (; groups->rows; groups++)
    for (const struct option_row *row = groups->rows; row->name; row++) {
      bool same = name ? strlen(row->name) == n && memcmp(row->name, name, n) == 0 : row->letter == letter;
      if (!same) continue;
      *target = (char *)groups->target + row->offset;
      return row;
    }
  return NULL;
}

static int unknown(const struct parse *p, const char *given)
{
  if (p->operands->n && strstr(p->command->usage, "-- PROG"))
    return say_usage("%s has no option %s; a program and its options come after --: pagewalk %s ... -- %s ...", p->command->name,
                     given,
                     p->command->name, p->operands->items[0]);
  const char *names[128] = {"help"};
  size_t n = 1;
  for (const struct option_group *g = p->groups; g->rows; g++)
    for (const struct option_row *row = g->rows; g->heading && row->name && n + 1 < 128; row++) names[n++] = row->name;
  const char *name = given + (given[1] == '-' ? 2 : 1);
  char text[64];
  snprintf(text, sizeof text, "%.*s", (int)strcspn(name, "="), name);
  const char *near = pw_nearest_name(names, text);
  if (near && given[1] == '-')
    return say_usage("%s has no option --%s; did you mean --%s?", p->command->name, text, near);
  return say_usage("%s has no option %s; pagewalk help %s shows them", p->command->name, given,
                   p->command->name);
}

/* The argument of a row that takes one: after '=', glued to its letter, or the next word. */
static const char *argument_of(struct parse *p, const struct option_row *row, const char *glued)
{
  if (glued) return glued;
  if (p->at + 1 >= p->argc || strncmp(p->argv[p->at + 1], "--", 2) == 0) {
    say("--%s needs its %s: --%s=%s", row->name, row->argument, row->name, row->argument);
    return NULL;
  }
  return p->argv[++p->at];
}

static int store(const struct option_row *row, void *target, const char *argument)
{
  struct words *words = target;
  switch (row->type) {
  case OPTION_FLAG: *(bool *)target = true; return -1;
  case OPTION_TEXT: {
    const char **text = target;
    if (*text) return say_usage("--%s is given twice; give it once", row->name);
    *text = argument;
    return -1;
  }
  case OPTION_WORD:
    if (words->n) return say_usage("--%s is given twice; give it once", row->name);
    break;
  case OPTION_SWITCH:
    if (words->n) return -1;
    argument = "on";
    break;
  case OPTION_WORDS: break;
  }
  snprintf(words->place, sizeof words->place, "--%s", row->name);
  words_add(words, argument);
  return -1;
}

static int help(const struct command *command, const struct option_group *groups);

static int parse_option(struct parse *p, const char *word)
{
  void *target = NULL;
  const struct option_row *row;
  const char *glued = NULL;
  if (word[1] == '-') {
    const char *name = word + 2;
    size_t n = strcspn(name, "=");
    if (name[n]) glued = name + n + 1;
    if (n == 4 && memcmp(name, "help", 4) == 0) return help(p->command, p->groups);
    row = row_find(p->groups, name, n, 0, &target);
  } else {
    if (strcmp(word, "-h") == 0) return help(p->command, p->groups);
    row = row_find(p->groups, NULL, 0, word[1], &target);
    if (word[2]) glued = word + 2;
  }
  if (!row) return unknown(p, word);
  if (!row->argument) {
    if (glued) return say_usage("--%s takes no argument, so %s is too much", row->name, word);
    return store(row, target, NULL);
  }
  const char *argument = argument_of(p, row, glued);
  return argument ? store(row, target, argument) : USAGE;
}

int options_parse(const struct command *command, const struct option_group *groups,
                  struct words *operands, int argc, char **argv)
{
  struct parse p = {command, groups, argc, argv, 0, operands};
  bool only_operands = false;
  for (; p.at < argc; p.at++) {
    const char *word = argv[p.at];
    if (only_operands || word[0] != '-' || word[1] == '\0') {
      words_add(operands, word);
    } else if (strcmp(word, "--") == 0) {
      only_operands = true;
    } else {
      int code = parse_option(&p, word);
      if (code >= 0) return code;
    }
  }
  return -1;
}

static void help_row(const struct option_row *row)
{
  enum { COLUMN = 26 };
  char left[80];
  int n = snprintf(left, sizeof left, "  %c%c%c --%s%s%s", row->letter ? '-' : ' ',
                   row->letter ? row->letter : ' ', row->letter ? ',' : ' ', row->name,
                   row->argument ? " " : "", row->argument ? row->argument : "");
  printf("%s", left);
  if (n >= COLUMN - 1) {
    putchar('\n');
    n = 0;
  }
  const char *line = row->help;
  while (*line) {
    size_t length = strcspn(line, "\n");
    printf("%*s%.*s\n", COLUMN - n, "", (int)length, line);
    line += length + (line[length] == '\n');
    n = 0;
  }
}

static int help(const struct command *command, const struct option_group *groups)
{
  printf("pagewalk %s %s\n\n%s\n", command->name, command->usage, command->about);
  for (; groups->rows; groups++) {
    if (!groups->rows->name || !groups->heading) continue;
    printf("\n%s\n", groups->heading);
    for (const struct option_row *row = groups->rows; row->name; row++) help_row(row);
  }
  printf("\nExamples\n%s\n", command->examples);
  return DONE;
}

int options_parse_program(const struct command *command, const struct option_group *groups, struct words *program, int argc,
                          char **argv, const char *usage)
{
  int before = 0;
  while (before < argc && strcmp(argv[before], "--") != 0) before++;
  int code = options_parse(command, groups, program, before, argv);
  if (code < 0 && program->n)
    code = say_usage("the program to %s comes after --: %s %s ...", command->name, usage, program->items[0]);
  for (int i = before + 1; i < argc; i++) words_add(program, argv[i]);
  return code;
}
