/* Commands by name. See command.h. */
#include "command.h"

#include <string.h>

#include "pagewalk.h"

const struct command *command_find(const struct command *const *commands, const char *name)
{
  for (size_t i = 0; commands[i]; i++)
    if (strcmp(commands[i]->name, name) == 0) return commands[i];
  return NULL;
}

const char *command_nearest(const struct command *const *commands, const char *name)
{
  const char *names[64];
  size_t n = 0;
  for (; commands[n] && n + 1 < sizeof names / sizeof *names; n++) names[n] = commands[n]->name;
  names[n] = NULL;
  return pw_nearest_name(names, name);
}
