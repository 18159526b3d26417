/* Mangled names of C++ and Rust, as people write them. */
#ifndef PW_DEMANGLE_H
#define PW_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

#define PW_DEMANGLE_MOST 4096u /* bytes of a mangled name; longer ones are left as they are */

/* Writes the name, demangled or, when it is no mangled name, as it is, into out (n >= 4 bytes,
 * always terminated; a longer text ends in "..."). True when it was mangled. Allocates no memory that
 * could run out; the same name always gives the same text. */
bool pw_demangle(char *out, size_t n, const char *name);

#endif
