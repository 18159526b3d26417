/* Fuzzes the reader of ELF files and the namer: any bytes give an object that keeps every promise of
 * object.h, or an error; and mapped any way it gives each symbol inside the mapping only. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/demangle.h"
#include "record/namer.h"

static uint64_t segment_end(const struct pw_object *o, uint64_t address)
{
  for (size_t i = 0; i < o->n_segments; i++)
    if (address >= o->segments[i].address && address - o->segments[i].address < o->segments[i].memory_bytes)
      return o->segments[i].address + o->segments[i].memory_bytes;
  return 0;
}

static void check(const struct pw_object *o, size_t n)
{
  char name[PW_OBJECT_MOST_NAME + 1], out[256];
  MUST((o->bits == 32 || o->bits == 64) && o->n_segments <= PW_OBJECT_MOST_SEGMENTS);
  MUST(o->memory_bytes < 8 * n + (1 << 16));
  for (size_t i = 0; i < o->n_segments; i++) {
    const struct pw_segment *s = &o->segments[i];
    MUST(s->memory_bytes > 0 && s->file_bytes <= s->memory_bytes && s->address + s->memory_bytes > s->address);
    MUST(s->offset_bytes <= n && s->file_bytes <= n - s->offset_bytes && s->protection <= 7);
  }
  for (size_t i = 0; i < o->n_symbols; i++) {
    const struct pw_symbol *s = &o->symbols[i];
    MUST(s->kind == PW_SYMBOL_FUNCTION || s->kind == PW_SYMBOL_DATA);
    MUST(i == 0 || o->symbols[i - 1].address < s->address);
    MUST(s->bytes > 0 && s->bytes <= segment_end(o, s->address) - s->address);
    MUST(s->name_bytes > 0 && s->name_bytes <= PW_OBJECT_MOST_NAME && !memchr(s->name, 0, s->name_bytes));
    memcpy(name, s->name, s->name_bytes);
    name[s->name_bytes] = 0;
    pw_demangle(out, sizeof out, name);
    MUST(strlen(out) < sizeof out);
  }
}

static int inside(void *context, const struct pw_symbol *s, struct pw_error *err)
{
  const struct pw_mapping *m = context;
  (void)err;
  MUST(s->address - m->address < m->bytes && s->bytes > 0 && s->address + s->bytes - 1 >= s->address);
  return 0;
}

static uint64_t next(uint64_t *state)
{
  *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
  return *state >> 32;
}

/* Offsets and places near those that a loader would choose, and some anywhere. */
static void map_some(const char *path, const struct pw_object *o, uint64_t seed)
{
  struct pw_mapping m = {.path = path, .path_bytes = strlen(path)};
  struct pw_objects *objects;
  struct pw_namer *namer;
  MUST(pw_objects_create(&objects, "/nonexistent", NULL) == 0);
  MUST(pw_namer_create(&namer, objects, &(struct pw_namer_sink){inside, &m}, NULL) == 0);
  for (int i = 0; i < 40; i++) {
    const struct pw_segment *s = &o->segments[next(&seed) % o->n_segments];
    uint64_t bias = next(&seed) % 3 ? 0x10000000 : next(&seed) << 12;
    bool file = next(&seed) % 4;
    m.path_bytes = file ? strlen(path) : 0;
    m.offset_bytes = (s->offset_bytes & ~UINT64_C(4095)) + (next(&seed) % 4 ? 0 : next(&seed) % 8 << 12);
    m.address = ((file ? s->address : s->address + s->file_bytes + 4095) & ~UINT64_C(4095)) + bias;
    m.bytes = next(&seed) % 2 ? (s->memory_bytes + 8191) & ~UINT64_C(4095) : (1 + next(&seed) % 16) << 12;
    m.protection = next(&seed) % 3 ? s->protection : next(&seed) % 8;
    if (next(&seed) % 3) pw_namer_unmap(namer, m.address, m.bytes);
    MUST(pw_namer_map(namer, &m, NULL) == 0);
  }
  pw_namer_destroy(namer);
  pw_objects_destroy(objects);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  char path[64];
  struct pw_object *object;
  struct pw_error err = {0};
  int fd = memfd_create("elf", MFD_CLOEXEC);
  MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int status = pw_object_read(&object, path, "/nonexistent", &err);
  if (status == 0) {
    check(object, n);
    if (object->n_segments) map_some(path, object, fuzz_seed(data, n));
    pw_object_destroy(object);
  } else {
    MUST(!object && err.status == status && err.text[0]);
  }
  close(fd);
  return 0;
}
