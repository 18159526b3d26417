/* Names what a process maps: which symbols of which ELF file come to lie where.
 *
 * A namer follows the mappings of one process image, in the order in which they come. When a
 * mapping is (a part of) a PT_LOAD segment it gives the symbols in it, at their addresses; when an
 * anonymous mapping follows the file's pages of a segment it gives those of the .bss. The reader's rule
 * is: an unmap takes away every symbol that starts in its range, and a mapping over another is
 * an unmap and a map. So a loader that maps a whole file first and lays the segments over it, as
 * ld.so does, names each symbol once.
 *
 * What has no names: files that are gone or replaced by the time they are read, [vdso], code made at run
 * time, a file that is mapped for reading at other addresses than a loader would choose. A mapping
 * that moves (mremap) leaves its names behind.
 *
 * Memory: PW_OBJECTS_MOST_BYTES for the objects, which all namers of a recorder may share; PW_NAMER_MOST_BSS
 * places a namer, of which the oldest is forgotten. */
#ifndef PW_NAMER_H
#define PW_NAMER_H

#include "elf/objects.h"

#define PW_NAMER_MOST_BSS 256u

struct pw_namer;

/* `symbol` is told each symbol, its address absolute; what it points to is valid during the call only. */
struct pw_namer_sink {
  int (*symbol)(void *context, const struct pw_symbol *symbol, struct pw_error *err);
  void *context;
};

struct pw_mapping {
  uint64_t address, bytes;
  uint64_t offset_bytes;     /* in the file */
  uint64_t inode;
  uint32_t protection;       /* PW_MAP_READ | …; other bits do not matter */
  const char *path;          /* path_bytes long, not terminated; none for anonymous memory */
  size_t path_bytes;
};

/* `objects` is borrowed and must outlive the namer; no two threads may use it at once. */
int pw_namer_create(struct pw_namer **namer, struct pw_objects *objects, const struct pw_namer_sink *sink, struct pw_error *err);
void pw_namer_destroy(struct pw_namer *namer);

/* The build id of a mapped file in hexadecimal, "" when it has none. */
void pw_namer_build_id(struct pw_namer *namer, const struct pw_mapping *mapping, char hex[2 * PW_OBJECT_MOST_BUILD_ID + 1]);
/* A mapping came (its unmap of what lay there was told before) or went. Fails only when the sink does. */
int pw_namer_map(struct pw_namer *namer, const struct pw_mapping *mapping, struct pw_error *err);
void pw_namer_unmap(struct pw_namer *namer, uint64_t address, uint64_t bytes);

#endif
