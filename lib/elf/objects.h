/* ELF files that were read, by path and inode: each is read once for a whole recording. */
#ifndef PW_OBJECTS_H
#define PW_OBJECTS_H

#include "elf/object.h"

#define PW_OBJECTS_MOST_BYTES (UINT64_C(512) << 20) /* of all objects together; later files give none */

struct pw_objects;

/* debug_root: as of pw_object_read; copied. */
int pw_objects_create(struct pw_objects **objects, const char *debug_root, struct pw_error *err);
void pw_objects_destroy(struct pw_objects *objects);

/* The object in a file, borrowed until destroy; NULL when the file has none, cannot be read, or no
 * memory is left. The inode only tells apart files that had the same path one after the other;
 * what is read is what lies there now. */
const struct pw_object *pw_objects_get(struct pw_objects *objects, const char *path, size_t path_bytes, uint64_t inode);

#endif
