/* Takes pages when it is told to: each byte of standard input is one page more of a mapping of 1 GiB, stored to; each is answered by a
 * byte. At the end of input it exits. */
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
  enum { PAGE = 4096 };
  const size_t most = (size_t)1 << 30;
  char order[256];
  char *at = mmap(NULL, most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return 1;
  madvise(at, most, MADV_NOHUGEPAGE);
  for (ssize_t n; (n = read(0, order, sizeof order)) > 0;) {
    for (ssize_t i = 0; i < n; i++, at += PAGE) *at = 1;
    if (write(1, order, (size_t)n) != n) return 1;
  }
  return 0;
}
