/* Steps through text that may or may not be UTF-8. */
#ifndef PW_UTF8_H
#define PW_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed UTF-8 character at `text` (1 to 4), or 0 when what
 * stands there is not one: a stray byte, an overlong form, a surrogate. */
size_t pw_utf8_length(const char *text);

#endif
