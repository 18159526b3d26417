/* Typed option rows: one table drives both the parsing and the help of a command.
 *
 * A command has one or more groups of rows; a group knows the object that its rows
 * write into, so that groups (the machine options) are shared between commands. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stddef.h>

#include "command.h"
#include "words.h"

enum option_type {
  OPTION_FLAG,   /* bool: given or not */
  OPTION_TEXT,   /* const char *: given at most once */
  OPTION_WORD,   /* struct words: given at most once */
  OPTION_WORDS,  /* struct words: each time adds a whole spec */
  OPTION_SWITCH, /* struct words: takes no argument and adds the word "on" */
};

struct option_row {
  const char *name;     /* without the dashes; NULL ends the table */
  char letter;          /* short form, or 0 */
  enum option_type type;
  const char *argument; /* its name in the help; NULL when it takes none */
  size_t offset;        /* of the target in the group's object */
  const char *help;     /* lines after the first are indented by the printer */
};

struct option_group {
  const char *heading; /* NULL: parsed, so that a command can say why not, but not in the help */
  const struct option_row *rows;
  void *target;
};

/* Parses argv into the groups (the array ends with rows == NULL) and the operands.
 * Returns -1 to go on, or an exit code: USAGE after an error was said, DONE after
 * --help was printed. */
int options_parse(const struct command *command, const struct option_group *groups,
                  struct words *operands, int argc, char **argv);
/* The same for a command that runs a program: what comes after "--" becomes the words of `program`.
 * `usage` shows where it goes, up to "--". */
int options_parse_program(const struct command *command, const struct option_group *groups, struct words *program, int argc,
                          char **argv, const char *usage);

#endif
