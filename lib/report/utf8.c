/* Steps through text that may or may not be UTF-8 (file names may hold any byte). */
#include "report/utf8.h"

static int continues(unsigned char byte, unsigned low, unsigned high)
{
  return byte >= low && byte <= high;
}

size_t pw_utf8_length(const char *text)
{
  const unsigned char *b = (const unsigned char *)text;
  if (b[0] < 0x80) return 1;
  if (b[0] >= 0xc2 && b[0] <= 0xdf) return continues(b[1], 0x80, 0xbf) ? 2 : 0;
  if (b[0] >= 0xe0 && b[0] <= 0xef) {
    unsigned low = b[0] == 0xe0 ? 0xa0 : 0x80, high = b[0] == 0xed ? 0x9f : 0xbf;
    return continues(b[1], low, high) && continues(b[2], 0x80, 0xbf) ? 3 : 0;
  }
  if (b[0] >= 0xf0 && b[0] <= 0xf4) {
    unsigned low = b[0] == 0xf0 ? 0x90 : 0x80, high = b[0] == 0xf4 ? 0x8f : 0xbf;
    return continues(b[1], low, high) && continues(b[2], 0x80, 0xbf) && continues(b[3], 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}
