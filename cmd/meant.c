/* Which listed name someone meant who wrote another one. */
#include "meant.h"

#include <string.h>

const char *nearest_entry(enum pw_list list, const char *name)
{
  const char *near = pw_list_nearest(list, name);
  struct pw_list_entry entry;
  for (size_t i = 0; !near && strlen(name) > 4 && pw_list_entry(list, i, &entry); i++)
    if (strcasestr(entry.summary, name)) near = entry.name;
  return near;
}
