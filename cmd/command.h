/* The commands of pagewalk: one row in main.c and one file cmd_NAME.c each.
 *
 * Adding a command: write cmd_NAME.c with a `const struct command command_NAME`,
 * declare it below, add it to the table in main.c, and write docs/man/pagewalk-NAME.1
 * (tests/golden/man_pages.sh checks that the page names every option). */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

enum { DONE = 0, FAILED = 1, USAGE = 2 }; /* exit codes */

struct command {
  const char *name;
  const char *summary;  /* one line */
  const char *usage;    /* what follows the name: "TRACE… [options]" */
  const char *about;    /* a paragraph for the help, lines broken by hand */
  const char *examples; /* one command a line */
  int (*run)(const struct command *self, int argc, char **argv); /* argv[0] follows the name */
};

extern const struct command command_record, command_validate, command_run, command_sweep, command_curve, command_plot,
    command_convert, command_info, command_list, command_help, command_system;

/* A table of commands ends with NULL. */
const struct command *command_find(const struct command *const *commands, const char *name);
const char *command_nearest(const struct command *const *commands, const char *name); /* or NULL */
/* Hands the help all commands, in its order. */
void help_about(const struct command *const *commands);

#endif
