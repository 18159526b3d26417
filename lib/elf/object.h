/* An ELF file: what of it gets mapped where, and the names of its functions and data.
 *
 * Executables and shared objects (ET_EXEC, ET_DYN) of 32 and 64 bits and any byte order. A stripped file
 * takes its names from the separate debug file, where one is installed and belongs to it: under
 * ROOT/.build-id by build id, or by .gnu_debuglink beside the file, in .debug/ and under ROOT.
 *
 * Symbols are those of .symtab and .dynsym that lie in a PT_LOAD segment: STT_FUNC and STT_GNU_IFUNC are
 * functions, STT_OBJECT and STT_COMMON data; labels without a type, thread-local variables and undefined
 * symbols are none. At one address one name stands: one with a size before one without, a global
 * before a local or weak one, then the fewest leading underscores, then the alphabet. A symbol without a
 * size reaches to the next one of its section, or to the section's end. Versions (@@GLIBC_2.34) are no
 * part of a name.
 *
 * Not read: compressed sections, .gnu_debugdata, a symbol table without section headers, the function
 * descriptors of 64-bit big-endian PowerPC (they are found as the data that they are).
 *
 * Invariant: symbols rise strictly in address; each has a name, at least one byte, and ends with its
 * segment at the latest. A hostile file gives an error or fewer names: work and memory stay in
 * proportion to its size, up to the limits below. */
#ifndef PW_OBJECT_H
#define PW_OBJECT_H

#include "pagewalk.h"

#define PW_OBJECT_MOST_SEGMENTS 128u
#define PW_OBJECT_MOST_SYMBOLS (UINT64_C(4) << 20)     /* in one table */
#define PW_OBJECT_MOST_STRING_BYTES (UINT64_C(256) << 20) /* for their names */
#define PW_OBJECT_MOST_NAME 4095u                       /* longer names are cut */
#define PW_OBJECT_MOST_BUILD_ID 64u
#define PW_OBJECT_DEBUG_ROOT "/usr/lib/debug"

/* A PT_LOAD segment. */
struct pw_segment {
  uint64_t offset_bytes;     /* in the file */
  uint64_t address;          /* where it wants to be; the loader may add one number to all of an object */
  uint64_t file_bytes;       /* come from the file */
  uint64_t memory_bytes;     /* >= file_bytes; the rest are zeroes (.bss) */
  uint32_t protection;       /* PW_MAP_READ | … */
};

struct pw_symbol {
  uint64_t address;          /* as in the file */
  uint64_t bytes;
  const char *name;          /* name_bytes long, mangled, not terminated */
  uint32_t name_bytes;
  uint32_t kind;             /* enum pw_symbol_kind */
};

struct pw_object {
  uint32_t bits;             /* 32 or 64 */
  uint32_t machine;          /* EM_… of <elf.h> */
  bool movable;              /* may be loaded anywhere (ET_DYN) */
  unsigned char build_id[PW_OBJECT_MOST_BUILD_ID];
  size_t build_id_bytes;     /* 0 = none */
  struct pw_segment *segments;
  size_t n_segments;
  struct pw_symbol *symbols;
  size_t n_symbols;
  uint64_t memory_bytes;     /* that the object takes */
  void *strings[3];          /* what the names point into */
};

/* Reads the file. PW_EFORMAT: it is no ELF file, or a damaged one; PW_EUNSUPPORTED: one that nothing
 * can run or link to, or past the limits; PW_EIO, PW_ENOMEM. debug_root: where separate debug
 * files lie, NULL for PW_OBJECT_DEBUG_ROOT. */
int pw_object_read(struct pw_object **object, const char *path, const char *debug_root, struct pw_error *err);
void pw_object_destroy(struct pw_object *object);

/* The build id in hexadecimal, "" when there is none. */
void pw_object_build_id_hex(const struct pw_object *object, char hex[2 * PW_OBJECT_MOST_BUILD_ID + 1]);

/* Index of the first symbol at or above an address; n_symbols when there is none. */
size_t pw_object_symbol_from(const struct pw_object *object, uint64_t address);

#endif
