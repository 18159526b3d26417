/* Gives a recording the names of what its program maps: the build id of a file, and symbols.
 *
 * Joins the reader of ELF files (namer.h) to the events of a recording (record/ring_events.h), which know
 * nothing of each other. */
#include "record/naming.h"

#include "base/alloc.h"
#include "record/ring_events.h"

struct pw_naming {
  struct pw_namer *namer;
  struct pw_recording *recording;
};

static struct pw_mapping mapping_of(const struct pw_ring_map *m)
{
  return (struct pw_mapping){.address = m->address, .bytes = m->bytes, .offset_bytes = m->offset, .inode = m->inode,
                             .protection = (uint32_t)m->bits & 7, .path = m->name, .path_bytes = m->name_bytes};
}

static void look(void *naming, struct pw_ring_map *map)
{
  struct pw_naming *n = naming;
  const struct pw_mapping mapping = mapping_of(map);
  _Static_assert(sizeof map->build_id >= 2 * PW_OBJECT_MOST_BUILD_ID + 1, "a build id fits");
  if (map->name_bytes) pw_namer_build_id(n->namer, &mapping, map->build_id);
}

static int take_map(void *naming, const struct pw_ring_map *map, struct pw_error *err)
{
  struct pw_naming *n = naming;
  const struct pw_mapping mapping = mapping_of(map);
  return pw_namer_map(n->namer, &mapping, err);
}

static void take_unmap(void *naming, uint64_t address, uint64_t bytes)
{
  struct pw_naming *n = naming;
  pw_namer_unmap(n->namer, address, bytes);
}

static int put_symbol(void *naming, const struct pw_symbol *symbol, struct pw_error *err)
{
  struct pw_naming *n = naming;
  return pw_recording_symbol(n->recording, symbol->address, symbol->bytes, symbol->kind, symbol->name, symbol->name_bytes, err);
}

void pw_naming_destroy(struct pw_naming *n)
{
  if (!n) return;
  pw_namer_destroy(n->namer);
  pw_free(n);
}

int pw_naming_create(struct pw_naming **naming, struct pw_objects *objects, struct pw_recording *recording, struct pw_error *err)
{
  struct pw_naming *n = *naming = pw_calloc(1, sizeof *n);
  if (!n) return pw_error_set(err, PW_ENOMEM, "memory ran out for the files of the program; free some and run again");
  const struct pw_namer_sink sink = {put_symbol, n};
  int status = pw_namer_create(&n->namer, objects, &sink, err);
  if (status) {
    pw_naming_destroy(n);
    *naming = NULL;
    return status;
  }
  n->recording = recording;
  pw_recording_name(recording, &(struct pw_ring_namer){n, look, take_map, take_unmap});
  return 0;
}
