/* Fuzzes demangling: any name gives a text that ends, the same each time and in any room. */
#include "fuzz.h"

#include <string.h>

#include "elf/demangle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  char *name = malloc(n + 1), all[8192], some[64];
  MUST(name);
  memcpy(name, data, n);
  name[n] = 0;
  bool was = pw_demangle(all, sizeof all, name);
  size_t room = 4 + fuzz_seed(data, n) % (sizeof some - 4);
  MUST(pw_demangle(some, room, name) == was);
  MUST(was || strlen(name) >= sizeof all || strcmp(all, name) == 0);
  if (strlen(all) < room) MUST(strcmp(all, some) == 0);
  else MUST(strlen(some) == room - 1 && memcmp(all, some, room - 4) == 0 && strcmp(some + room - 4, "...") == 0);
  free(name);
  return 0;
}
