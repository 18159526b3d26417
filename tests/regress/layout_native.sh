#!/usr/bin/env bash
# Where `system` puts the mappings of a recording, against where the kernel puts them without randomisation: the program says of
# itself where its parts lie. Needs $PAGEWALK, a compiler, setarch and Valgrind.
set -u
: "${PAGEWALK:?the command under test}"
command -v setarch >/dev/null && setarch -R true 2>/dev/null || { echo "no setarch -R here: addresses cannot be fixed"; exit 77; }
command -v valgrind >/dev/null && [ "$(uname -m)" = x86_64 ] || { echo "no Valgrind on x86-64 here"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
fail() { echo "layout_native: $*"; exit 1; }

# It touches pages in the program, the heap, a library, maps of several sizes, a grown one and the stack: one leaf table for each.
cat >p.c <<'C'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static char data[100000];
static char *get(size_t bytes)
{
  char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 1, bytes);
  return p;
}
int main(void)
{
  char *heap = malloc(50000), *small = get(12288), *large = get(6 << 20), *odd = get((5 << 20) + 4096), line[512];
  memset(heap, 1, 50000);
  munmap(small, 12288);
  large = mremap(large, 6 << 20, 12 << 20, MREMAP_MAYMOVE);
  memset(large, 2, 12 << 20);
  small = get(8192);
  data[sizeof data - 1] = odd[0];
  FILE *f = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, f))
    if (strncmp(line, "VmPTE", 5) == 0) fputs(line, stdout);
  printf("%p %p %p %p\n", (void *)small, (void *)large, (void *)odd, (void *)heap);
  return 0;
}
C
"${CC:-cc}" -O1 -pie -fPIE -o p p.c || fail "the program does not compile"
"$PAGEWALK" record -q -o p.pwt -- ./p >/dev/null || fail "recording failed"
want=$(setarch -R ./p | awk '/VmPTE/ { print $2 * 1024 }')
got=$("$PAGEWALK" system --memory 256M --kernel 0 --thp never p.pwt --csv - |
  awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "table_bytes") c = i } NR == 2 { print $c }')
recorded=$("$PAGEWALK" system --memory 256M --kernel 0 --thp never --layout recorded p.pwt --csv - |
  awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "table_bytes") c = i } NR == 2 { print $c }')
# the kernel does not count the root
[ "$got" = $((want + 4096)) ] || fail "tables natively: $((want + 4096)) bytes, the model $got (as recorded: $recorded)"
echo "tables: $got bytes, as the kernel; as recorded $recorded"
