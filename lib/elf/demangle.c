/* Mangled names of C++ (Itanium) and Rust (legacy and v0), by libiberty.
 *
 * Its functions with a callback are used: they need no heap, so there is nothing to run out of and
 * nothing that would end the program. A short mangled name can stand for an endless text; past
 * MOST_TEXT we leave through a jump, as the library offers no other way to stop. */
#include "elf/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <string.h>

#define MOST_TEXT ((size_t)1 << 20)

struct text {
  char *out;
  size_t room, n, calls; /* n: of the whole text, also what did not fit */
  jmp_buf enough;
};

static void put(struct text *t, const char *bytes, size_t n)
{
  if (n > 0 && t->n < t->room) memcpy(t->out + t->n, bytes, n < t->room - t->n ? n : t->room - t->n);
  t->n += n;
}

static void add(const char *bytes, size_t n, void *context)
{
  struct text *t = context;
  put(t, bytes, n); /* no bytes come as NULL */
  if (t->n > MOST_TEXT || ++t->calls > MOST_TEXT) longjmp(t->enough, 1);
}

static void end(struct text *t)
{
  if (t->n < t->room) {
    t->out[t->n] = 0;
    return;
  }
  memcpy(t->out + t->room - 4, "...", 4);
}

/* Rust first: its old names look like C++ ones. */
static bool demangle(struct text *t, const char *name)
{
  const int style = DMGL_PARAMS | DMGL_ANSI;
  if (setjmp(t->enough)) return true;
  if (rust_demangle_callback(name, style, add, t)) return true;
  t->n = 0;
  /* The limit that is switched off here would refuse names of 1 KiB, which templates reach. */
  if (cplus_demangle_v3_callback(name, style | DMGL_NO_RECURSE_LIMIT, add, t)) return true;
  t->n = 0;
  return false;
}

bool pw_demangle(char *out, size_t n, const char *name)
{
  struct text t = {.out = out, .room = n};
  bool may = strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0 || strncmp(name, "_GLOBAL_", 8) == 0;
  bool was = may && strnlen(name, PW_DEMANGLE_MOST + 1) <= PW_DEMANGLE_MOST && demangle(&t, name);
  if (!was) put(&t, name, strnlen(name, n));
  end(&t);
  return was;
}
