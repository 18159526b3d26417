/* Which known name someone meant who wrote another one. */
#include "nearest.h"

#include <string.h>

/* Edits (insert, drop, replace, swap neighbours) between two short names. */
static unsigned edit_distance(const char *a, const char *b)
{
  enum { MOST = 32 };
  unsigned row[3][MOST + 1];
  size_t n = strlen(a), m = strlen(b);
  if (n > MOST || m > MOST) return MOST;
  for (size_t j = 0; j <= m; j++) row[0][j] = (unsigned)j;
  for (size_t i = 1; i <= n; i++) {
    unsigned *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
    now[0] = (unsigned)i;
    for (size_t j = 1; j <= m; j++) {
      unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
      if (last[j] + 1 < best) best = last[j] + 1;
      if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
        best = before[j - 2] + 1;
      now[j] = best;
    }
  }
  return row[n % 3][m];
}

const char *nearest_name(const char *const *names, const char *name)
{
  enum { STEM = 3 }; /* shorter beginnings tell nothing */
  const char *found = NULL, *longer = NULL;
  size_t n = strlen(name);
  unsigned best = (unsigned)n / 3 + 2; /* beyond that it is another word */
  for (; *names; names++) {
    unsigned distance = edit_distance(name, *names);
    if (distance < best) {
      best = distance;
      found = *names;
    }
    if (!longer && n >= STEM && strncmp(name, *names, n) == 0) longer = *names;
  }
  return found ? found : longer;
}

const char *nearest_entry(enum pw_list list, const char *name)
{
  const char *near = pw_list_nearest(list, name);
  struct pw_list_entry entry;
  for (size_t i = 0; !near && pw_list_entry(list, i, &entry); i++)
    if (edit_distance(name, entry.name) == 1) near = entry.name;
  for (size_t i = 0; !near && strlen(name) > 4 && pw_list_entry(list, i, &entry); i++)
    if (strcasestr(entry.summary, name)) near = entry.name;
  return near;
}
