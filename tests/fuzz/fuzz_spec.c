/* Fuzzes sweep files: any YAML gives settings that are understood or refused with a sentence. */
#include "fuzz_grammar.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../../cmd/sweepfile.h"

/* Patterns that would walk through the file system. */
static bool roams(const uint8_t *data, size_t n)
{
  bool slash = memchr(data, '/', n) || memchr(data, '\\', n) || memchr(data, '~', n), pattern = false;
  for (const char *c = "*?["; *c; c++) pattern |= memchr(data, *c, n) != NULL;
  return slash && pattern;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  char path[64];
  struct sweepfile file = {0};
  struct pw_error err = {0};
  if (roams(data, n)) return 0;
  fuzz_hush();
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (sweepfile_read(&file, path, &err)) MUST(err.text[0]);
  else {
    fuzz_understand(&file.settings);
    for (size_t i = 0; i < file.n_subs && i < 8; i++) {
      struct settings merged;
      settings_merge(&merged, &file.settings, &file.subs[i]);
      fuzz_understand(&merged);
      settings_clear(&merged);
    }
  }
  sweepfile_clear(&file);
  close(fd);
  return 0;
}
