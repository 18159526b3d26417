/* pagewalk: the table of commands, and the way into them. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "pagewalk.h"
#include "say.h"

static const struct command *const commands[] = {
    &command_record, &command_run,  &command_sweep, &command_curve, &command_plot,
    &command_system, &command_convert, &command_info, &command_validate, &command_list, &command_help, NULL,
};

/* An option where the command belongs. */
static int refuse_option(const char *name)
{
  static const char *const names[] = {"help", "version", NULL};
  const char *near = pw_nearest_name(names, name + strspn(name, "-"));
  if (near) return say_usage("there is no option %s; did you mean --%s?", name, near);
  return say_usage("there is no option %s before the command; options follow it, as in pagewalk run TRACE %s", name, name);
}

static int dispatch(int argc, char **argv)
{
  char *help[] = {NULL};
  if (argc < 2) {
    fprintf(stderr, "pagewalk %s: what would this program's address translation cost on another machine?\n\n",
            PW_VERSION);
    for (size_t i = 0; commands[i]; i++) fprintf(stderr, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(stderr, "\npagewalk help COMMAND says more; pagewalk run TRACE is a good start\n");
    return USAGE;
  }
  const char *name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return command_help.run(&command_help, 0, help);
  if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
    printf("pagewalk %s\n", PW_VERSION);
    return DONE;
  }
  const struct command *command = command_find(commands, name);
  if (command) return command->run(command, argc - 2, argv + 2);
  if (name[0] == '-') return refuse_option(name);
  const char *near = command_nearest(commands, name);
  if (near) return say_usage("there is no command '%s'; did you mean %s?", name, near);
  return say_usage("there is no command '%s'; pagewalk help shows them", name);
}

/* A file that we open must not become a stream that was closed: messages would be written into it. A
 * program that is recorded still finds the stream closed. */
static void occupy_streams(void)
{
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int main(int argc, char **argv)
{
  occupy_streams();
  help_about(commands);
  signal(SIGPIPE, SIG_IGN); /* a reader that leaves shows as a failed write, and so does the limit of a file's size */
  signal(SIGXFSZ, SIG_IGN);
  FILE *out = terminal_stream(stdout);
  if (out) stdout = out;
  else say("memory ran out; free some and run again");
  int code = out ? dispatch(argc, argv) : FAILED;
  int end = stdout_finish();
  return code == DONE ? end : code;
}
