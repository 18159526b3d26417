/* Names what a process maps.
 *
 * Which segment a mapping of a file is: one whose pages in the file hold the mapping's offset and that has
 * its protection, or had it before it lost the right to write (what ld.so protects after relocation). A
 * program that cannot be moved must lie where it wants to be. As segments may share a page of the file,
 * the one that continues the load before it is preferred, then one that starts at the offset. Pages have
 * 4 KiB.
 *
 * Invariant: a place that waits for a .bss belongs to a segment whose last page of the file is mapped, or
 * was when the place was noted and has not been unmapped since. */
#include "record/namer.h"

#include "base/alloc.h"

#define PAGE UINT64_C(4096)
enum { SAME_LOAD = 8 }; /* outweighs how well one mapping fits */

/* Where the zeroes of a segment will be mapped. */
struct bss {
  const struct pw_object *object; /* NULL = a free place */
  uint64_t start, end;            /* absolute; the pages that no file is behind */
  uint64_t bias;                  /* absolute address = address in the file + bias */
};

struct pw_namer {
  struct pw_objects *objects;
  struct pw_namer_sink sink;
  struct bss bss[PW_NAMER_MOST_BSS];
  size_t next_bss;
  const struct pw_object *loaded; /* the last object, and where */
  uint64_t bias;
};

int pw_namer_create(struct pw_namer **namer, struct pw_objects *objects, const struct pw_namer_sink *sink, struct pw_error *err)
{
  struct pw_namer *n = *namer = pw_calloc(1, sizeof *n);
  if (!n) return pw_error_set(err, PW_ENOMEM, "memory ran out for the symbols of the program; free some and run again");
  n->objects = objects;
  n->sink = *sink;
  return 0;
}

void pw_namer_destroy(struct pw_namer *n)
{
  pw_free(n);
}

void pw_namer_build_id(struct pw_namer *n, const struct pw_mapping *m, char hex[2 * PW_OBJECT_MOST_BUILD_ID + 1])
{
  const struct pw_object *object = pw_objects_get(n->objects, m->path, m->path_bytes, m->inode);
  hex[0] = 0;
  if (object) pw_object_build_id_hex(object, hex);
}

static uint64_t floor_page(uint64_t bytes)
{
  return bytes & ~(PAGE - 1);
}

/* Saturates, so that what reaches the last page does not end at 0. */
static uint64_t ceil_page(uint64_t bytes)
{
  return bytes > UINT64_MAX - PAGE ? UINT64_MAX : floor_page(bytes + PAGE - 1);
}

/* Gives the symbols that start in [from, to) of the file's addresses. */
static int give(struct pw_namer *n, const struct pw_object *o, uint64_t from, uint64_t to, uint64_t bias, struct pw_error *err)
{
  int status = 0;
  for (size_t i = pw_object_symbol_from(o, from); i < o->n_symbols && o->symbols[i].address < to && !status; i++) {
    struct pw_symbol symbol = o->symbols[i];
    symbol.address += bias;
    if (symbol.bytes - 1 > UINT64_MAX - symbol.address) continue;
    status = n->sink.symbol(n->sink.context, &symbol, err);
  }
  return status;
}

/* ---- the zeroes ---- */

static void await_bss(struct pw_namer *n, const struct pw_object *o, const struct pw_segment *s, uint64_t bias)
{
  uint64_t start = s->file_bytes ? ceil_page(s->address + s->file_bytes) : floor_page(s->address);
  uint64_t end = s->address + s->memory_bytes;
  if (start >= end) return;
  struct bss bss = {o, start + bias, end + bias, bias};
  for (size_t i = 0; i < PW_NAMER_MOST_BSS; i++) {
    if (!n->bss[i].object || n->bss[i].start != bss.start) continue;
    n->bss[i] = bss;
    return;
  }
  n->bss[n->next_bss] = bss;
  n->next_bss = (n->next_bss + 1) % PW_NAMER_MOST_BSS;
}

static int map_anonymous(struct pw_namer *n, const struct pw_mapping *m, struct pw_error *err)
{
  for (size_t i = 0; i < PW_NAMER_MOST_BSS; i++) {
    struct bss *b = &n->bss[i];
    if (!b->object || b->start != m->address) continue;
    struct bss found = *b;
    uint64_t to = m->bytes < found.end - found.start ? found.start + m->bytes : found.end;
    b->start = to; /* what is left may come in a second mapping */
    if (b->start == b->end) b->object = NULL;
    return give(n, found.object, found.start - found.bias, to - found.bias, found.bias, err);
  }
  return 0;
}

void pw_namer_unmap(struct pw_namer *n, uint64_t address, uint64_t bytes)
{
  for (size_t i = 0; i < PW_NAMER_MOST_BSS; i++)
    if (n->bss[i].start - 1 - address < bytes) n->bss[i].object = NULL;
}

/* ---- the file ---- */

/* How well a mapping fits a segment, 0 = not at all; and where the load would lie then. */
static int fit(const struct pw_namer *n, const struct pw_object *o, const struct pw_segment *s, const struct pw_mapping *m,
               uint64_t *bias)
{
  const uint32_t rights = PW_MAP_READ | PW_MAP_WRITE | PW_MAP_EXECUTE, has = m->protection & rights;
  uint64_t first = floor_page(s->offset_bytes), last = ceil_page(s->offset_bytes + s->file_bytes);
  if (s->file_bytes == 0 || m->offset_bytes < first || m->offset_bytes >= last) return 0;
  if ((s->offset_bytes ^ s->address) % PAGE) return 0; /* no loader can map it */
  if (has != s->protection && has != (s->protection & ~(uint32_t)PW_MAP_WRITE)) return 0;
  *bias = m->address - floor_page(s->address) - (m->offset_bytes - first); /* wraps for a load below its address */
  if (!o->movable && *bias != 0) return 0;
  return 1 + (has == s->protection) + 2 * (m->offset_bytes == first) + (o == n->loaded && *bias == n->bias ? SAME_LOAD : 0);
}

/* The segment that fits best, at least so well; NULL when there is none. */
static const struct pw_segment *find_segment(const struct pw_namer *n, const struct pw_object *o, const struct pw_mapping *m,
                                             int least, uint64_t *bias)
{
  const struct pw_segment *s = NULL;
  uint64_t its = 0;
  for (size_t i = 0; i < o->n_segments; i++) {
    int now = fit(n, o, &o->segments[i], m, &its);
    if (now < least) continue;
    least = now + 1;
    *bias = its;
    s = &o->segments[i];
  }
  return s;
}

/* Names one segment's part of the mapping and takes it off the front. Where two segments share a page
 * of memory, both lie in it. */
static int take_segment(struct pw_namer *n, struct pw_mapping *m, const struct pw_object *o, const struct pw_segment *s,
                        struct pw_error *err)
{
  uint64_t from = m->address - n->bias, left = ceil_page(s->address + s->file_bytes) - from;
  uint64_t bytes = m->bytes < left ? m->bytes : left;
  m->address += bytes;
  m->offset_bytes += bytes;
  m->bytes -= bytes;
  return give(n, o, from, from + bytes, n->bias, err);
}

/* A mapping may be several segments that follow each other with the same rights, when what was
 * protected is told together with the constants before it. */
static int map_file(struct pw_namer *n, struct pw_mapping m, const struct pw_object *o, struct pw_error *err)
{
  uint64_t bias;
  const struct pw_segment *s = find_segment(n, o, &m, 1, &bias);
  int status = 0;
  if (!s) return 0;
  n->loaded = o;
  n->bias = bias;
  for (size_t i = 0; i < o->n_segments; i++) await_bss(n, o, &o->segments[i], bias);
  while (s && !status) {
    status = take_segment(n, &m, o, s, err);
    s = m.bytes ? find_segment(n, o, &m, SAME_LOAD, &bias) : NULL;
  }
  return status;
}

int pw_namer_map(struct pw_namer *n, const struct pw_mapping *m, struct pw_error *err)
{
  if (m->bytes == 0) return 0;
  if (m->path_bytes == 0) return map_anonymous(n, m, err);
  const struct pw_object *o = pw_objects_get(n->objects, m->path, m->path_bytes, m->inode);
  return o ? map_file(n, *m, o, err) : 0;
}
