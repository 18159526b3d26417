/* A large array used here and there: sparse.c [STRIDE], of 4 GiB, one byte in STRIDE is touched.
 *
 * Access pattern: two passes in equal steps. The default of 2 MiB + 4 KiB gives each touched page a
 * page table of its own: as much memory for tables as for data. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
  const size_t bytes = 4ul << 30;
  size_t stride = argc > 1 ? strtoul(argv[1], NULL, 0) : (2u << 20) + 4096, n = 0;
  unsigned char *array = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (array == MAP_FAILED || stride == 0) return 1;
  for (size_t i = 0; i < bytes; i += stride) array[i] = (unsigned char)++n;
  unsigned long sum = 0;
  for (size_t i = 0; i < bytes; i += stride) sum += array[i];
  printf("%zu touches, sum %lu\n", n, sum);
  return 0;
}
