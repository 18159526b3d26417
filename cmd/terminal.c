/* What reaches a terminal is only to be read: escape sequences in names from outside are broken up there.
 *
 * Files and pipes get every byte as it is: a CSV row names the path that was given, whoever reads it next. */
#include "terminal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned char printable_byte(struct printable *at, unsigned char byte)
{
  bool control = byte < 0x20 || byte == 0x7f, goes_on = (byte & 0xc0) == 0x80 && at->more > 0;
  if (goes_on) {
    control = at->lead == 0xc2 && byte < 0xa0; /* U+0080 … U+009F */
    at->more--;
  } else {
    bool leads = byte >= 0xc2 && byte < 0xf5;
    control |= byte >= 0x80 && !leads;
    at->more = !leads ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
  }
  at->lead = byte;
  return control ? '?' : byte;
}

void text_printable(char *out, size_t n_out, const char *text)
{
  struct printable at = {0};
  size_t i = 0;
  for (; text[i] && i + 1 < n_out; i++) out[i] = (char)printable_byte(&at, (unsigned char)text[i]);
  out[i] = '\0';
}

struct filter {
  FILE *to;
  struct printable at;
};

static ssize_t filter_write(void *cookie, const char *bytes, size_t n)
{
  struct filter *f = cookie;
  for (size_t i = 0; i < n; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    bool lays_out = byte == '\n' || byte == '\t' || byte == '\f';
    unsigned char shown = printable_byte(&f->at, byte);
    putc(lays_out ? byte : shown, f->to);
  }
  return fflush(f->to) ? 0 : (ssize_t)n;
}

static int filter_close(void *cookie)
{
  struct filter *f = cookie;
  int status = fclose(f->to);
  free(f);
  return status;
}

FILE *terminal_stream(FILE *stream)
{
  if (!isatty(fileno(stream))) return stream;
  struct filter *f = calloc(1, sizeof *f);
  if (!f) return NULL;
  f->to = stream;
  FILE *filtered = fopencookie(f, "w", (cookie_io_functions_t){.write = filter_write, .close = filter_close});
  if (filtered) setvbuf(filtered, NULL, _IOLBF, BUFSIZ);
  else free(f);
  return filtered;
}
