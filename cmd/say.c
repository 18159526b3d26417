/* What pagewalk says to people: one sentence a line on stderr, and numbers they can read. */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static bool quiet;
static void (*before)(void);

void say_before(void (*step_aside)(void))
{
  before = step_aside;
}

void say_set_quiet(bool value)
{
  quiet = value;
}

bool say_is_quiet(void)
{
  return quiet;
}

/* One write for the whole line: threads may speak at the same time. */
static void say_line(const char *format, va_list args)
{
  char text[2048], line[2100];
  vsnprintf(text, sizeof text, format, args);
  text_printable(text, sizeof text, text);
  snprintf(line, sizeof line, "pagewalk: %s\n", text);
  if (before) before();
  fputs(line, stderr);
}

void say(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  say_line(format, args);
  va_end(args);
}

int say_usage(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  say_line(format, args);
  va_end(args);
  return USAGE;
}

void say_note(const char *format, ...)
{
  if (quiet) return;
  va_list args;
  va_start(args, format);
  say_line(format, args);
  va_end(args);
}

size_t text_width(const char *text)
{
  size_t width = 0;
  for (; *text; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

void human_count(char *out, size_t n_out, uint64_t value)
{
  char digits[24];
  int n = snprintf(digits, sizeof digits, "%ju", (uintmax_t)value);
  size_t at = 0;
  for (int i = 0; i < n && at + 2 < n_out; i++) {
    if (i > 0 && (n - i) % 3 == 0) out[at++] = ',';
    out[at++] = digits[i];
  }
  out[at] = '\0';
}

void human_bytes(char *out, size_t n_out, uint64_t bytes)
{
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  unsigned unit = 0;
  while (unit < 6 && bytes >> (10 * (unit + 1))) unit++;
  uint64_t one = (uint64_t)1 << (10 * unit);
  if (bytes % one == 0)
    snprintf(out, n_out, "%ju %s", (uintmax_t)(bytes / one), units[unit]);
  else
    snprintf(out, n_out, "%.4g %s", (double)bytes / (double)one, units[unit]);
}
