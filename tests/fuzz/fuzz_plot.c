/* Fuzzes plot: any bytes as a CSV file give scripts for gnuplot that are plain printable text, or a sentence.
 *
 * gnuplot itself is left out: this program has functions in place of those that run it. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report/charts.h"
#include "report/gnuplot.h"

static char *script;
static size_t script_bytes;

FILE *pw_gnuplot_script(struct pw_error *err)
{
  (void)err;
  FILE *file = open_memstream(&script, &script_bytes);
  MUST(file);
  return file;
}

int pw_gnuplot_run(FILE *file, const char *path, struct pw_error *err)
{
  (void)path, (void)err;
  MUST(fclose(file) == 0 && script_bytes > 0);
  for (size_t i = 0; i < script_bytes; i++) {
    unsigned char c = (unsigned char)script[i];
    MUST(c == '\n' || (c >= 0x20 && c != 0x7f)); /* the templates have letters of UTF-8; names from outside are escaped */
  }
  MUST(strlen(script) == script_bytes);
  free(script);
  script = NULL;
  return 0;
}

static void draw(const char *csv, const struct pw_chart_options *options)
{
  struct pw_error err = {0};
  int drawn = pw_charts_draw(&csv, 1, options, &err);
  if (drawn < 0) MUST(err.status == drawn && err.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  static const char *const formats[] = {"svg", "png", "terminal"};
  static const char *const axes[] = {"dtlb_entries", "walks", "page_bytes", "trace", "entries", "table", "miss_rate", "accesses"};
  char path[64];
  uint32_t seed = fuzz_seed(data, n);
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  struct pw_chart_options options = {.folder = "/tmp", .format = formats[seed % 3]};
  draw(path, &options);
  options.x = axes[seed >> 8 & 7];
  options.y = axes[seed >> 12 & 7];
  options.by = seed >> 16 & 8 ? axes[seed >> 16 & 7] : NULL;
  draw(path, &options);
  close(fd);
  return 0;
}
