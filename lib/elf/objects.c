/* ELF files that were read. Files without an object are remembered too, the last REFUSED of them, as
 * a program may map the same data file again and again.
 *
 * Invariant: an object never moves or goes away before the whole, and all take PW_OBJECTS_MOST_BYTES and
 * the one that reached it at most. */
#include "elf/objects.h"

#include <string.h>

#include "base/alloc.h"

enum { REFUSED = 256 };

struct file {
  char *path;
  size_t path_bytes;
  uint64_t inode;
  struct pw_object *object; /* NULL in refused */
};

struct pw_objects {
  char *debug_root;
  struct file *files;
  size_t n_files, files_room;
  struct file refused[REFUSED];
  size_t next_refused;
  uint64_t bytes;
};

int pw_objects_create(struct pw_objects **objects, const char *debug_root, struct pw_error *err)
{
  struct pw_objects *o = *objects = pw_calloc(1, sizeof *o);
  if (o) o->debug_root = pw_strdup(debug_root ? debug_root : PW_OBJECT_DEBUG_ROOT);
  if (o && o->debug_root) return 0;
  pw_objects_destroy(o);
  *objects = NULL;
  return pw_error_set(err, PW_ENOMEM, "memory ran out for the symbols of a file; free some and run again");
}

static void clear(struct file *file)
{
  pw_free(file->path);
  pw_object_destroy(file->object);
  *file = (struct file){0};
}

void pw_objects_destroy(struct pw_objects *o)
{
  if (!o) return;
  for (size_t i = 0; i < o->n_files; i++) clear(&o->files[i]);
  for (size_t i = 0; i < REFUSED; i++) clear(&o->refused[i]);
  pw_free(o->files);
  pw_free(o->debug_root);
  pw_free(o);
}

static const struct file *find(const struct file *files, size_t n, const char *path, size_t path_bytes, uint64_t inode)
{
  for (size_t i = 0; i < n; i++)
    if (files[i].inode == inode && files[i].path_bytes == path_bytes && files[i].path &&
        memcmp(files[i].path, path, path_bytes) == 0)
      return &files[i];
  return NULL;
}

/* Takes the file over; a file that cannot be kept is cleared. */
static const struct pw_object *keep(struct pw_objects *o, struct file file)
{
  bool full = file.object && pw_grow((void **)&o->files, &o->files_room, o->n_files + 1, sizeof file);
  if (full) {
    pw_object_destroy(file.object);
    file.object = NULL;
  }
  if (file.object) {
    o->files[o->n_files++] = file;
    o->bytes += file.object->memory_bytes;
    return file.object;
  }
  clear(&o->refused[o->next_refused]);
  o->refused[o->next_refused] = file;
  o->next_refused = (o->next_refused + 1) % REFUSED;
  return NULL;
}

const struct pw_object *pw_objects_get(struct pw_objects *o, const char *path, size_t path_bytes, uint64_t inode)
{
  if (path_bytes == 0 || path[0] != '/' || memchr(path, 0, path_bytes)) return NULL;
  const struct file *known = find(o->files, o->n_files, path, path_bytes, inode);
  if (known) return known->object;
  if (find(o->refused, REFUSED, path, path_bytes, inode) || o->bytes >= PW_OBJECTS_MOST_BYTES) return NULL;
  struct file file = {.path = pw_malloc(path_bytes + 1, 1), .path_bytes = path_bytes, .inode = inode};
  if (!file.path) return NULL;
  memcpy(file.path, path, path_bytes);
  file.path[path_bytes] = 0;
  if (pw_object_read(&file.object, file.path, o->debug_root, NULL)) file.object = NULL;
  return keep(o, file);
}
