/* symbols FILE [DEBUG_ROOT]: the symbols of an ELF file, a line each: address, bytes, f or d, name. */
#include <inttypes.h>
#include <stdio.h>

#include "elf/object.h"

int main(int argc, char **argv)
{
  struct pw_object *object;
  struct pw_error err;
  char hex[2 * PW_OBJECT_MOST_BUILD_ID + 1];
  if (argc < 2) return 2;
  if (pw_object_read(&object, argv[1], argc > 2 ? argv[2] : "/nonexistent", &err)) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  pw_object_build_id_hex(object, hex);
  fprintf(stderr, "%u-bit %s %s\n", object->bits, object->movable ? "movable" : "fixed", hex);
  for (size_t i = 0; i < object->n_symbols; i++) {
    const struct pw_symbol *s = &object->symbols[i];
    printf("%016" PRIx64 " %016" PRIx64 " %c %.*s\n", s->address, s->bytes, s->kind == PW_SYMBOL_FUNCTION ? 'f' : 'd',
           (int)s->name_bytes, s->name);
  }
  pw_object_destroy(object);
  return fclose(stdout) ? 1 : 0;
}
