/* Which known name someone meant. See nearest.h. */
#include "base/nearest.h"

#include <string.h>

/* Edits (insert, drop, replace, swap neighbours) between two short names; longer ones are far apart. */
static unsigned distance(const char *a, const char *b)
{
  enum { MOST = 63 };
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
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
      now[j] = best;
    }
  }
  return row[n % 3][m];
}

const char *pw_nearest_entry(pw_entry_fn *entry, const char *name)
{
  const char *nearest = NULL;
  unsigned best = strlen(name) < 4 ? 2 : 3; /* farther is no likeness */
  struct pw_list_entry e;
  for (size_t i = 0; entry(i, &e); i++) {
    unsigned d = distance(name, e.name);
    if (d < best) {
      best = d;
      nearest = e.name;
    }
  }
  return nearest;
}

const char *pw_nearest_name(const char *const *names, const char *name)
{
  enum { STEM = 3 }; /* shorter beginnings tell nothing */
  const char *found = NULL, *longer = NULL;
  size_t n = strlen(name);
  unsigned best = (unsigned)n / 3 + 2; /* beyond that it is another word */
  for (; *names; names++) {
    unsigned d = distance(name, *names);
    if (d < best) {
      best = d;
      found = *names;
    }
    if (!longer && n >= STEM && strncmp(name, *names, n) == 0) longer = *names;
  }
  return found ? found : longer;
}
