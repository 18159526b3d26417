/* Where memory lies whose address a program rounds up. See roundup.h. */
#include "space/roundup.h"

enum { TWO_MIB = 512 };

static uint64_t up_to_2m(uint64_t page)
{
  return -page % TWO_MIB;
}

bool pw_round_up(uint64_t first, uint64_t pages, uint64_t native, uint64_t start, uint64_t end, struct pw_range parts[2])
{
  uint64_t front = up_to_2m(first), native_front = up_to_2m(native);
  if (start % TWO_MIB || start < first || start >= end || end > first + pages || front == native_front) return false;
  if (end - first + native_front > pages + front) return false; /* natively it would not be all in the mapping */
  uint64_t cut = native_front > front ? pages - (native_front - front) : front - native_front; /* so many come to lie behind the rest */
  parts[0] = (struct pw_range){.first = first, .last = first + cut - 1, .value = native + pages - cut - first};
  parts[1] = (struct pw_range){.first = first + cut, .last = first + pages - 1, .value = native - cut - first};
  return true;
}
