/* libelf with a fence around it, for the files of this room.
 *
 * Invariant: nothing larger than a limit is asked of libelf, which allocates what a file's headers
 * claim; and what it hands out lies inside the file. */
#ifndef PW_ELFFILE_H
#define PW_ELFFILE_H

#include <gelf.h>

#include "elf/object.h"

struct pw_elf {
  const char *path;          /* borrowed */
  int fd;
  Elf *elf;
  uint64_t file_bytes;
  GElf_Ehdr header;
  size_t n_sections;
  const char *section_names;
  size_t section_names_bytes;
};

/* Opens and checks the header. `path` is borrowed. On failure nothing is left open. */
int pw_elf_open(struct pw_elf *e, const char *path, struct pw_error *err);
void pw_elf_close(struct pw_elf *e);

/* Section `index`; false when there is none. */
bool pw_elf_section(const struct pw_elf *e, size_t index, GElf_Shdr *section);
/* Index of the first section of a type, and of that name unless it is NULL; 0 = none. */
size_t pw_elf_find(const struct pw_elf *e, uint32_t type, const char *name, GElf_Shdr *section);
/* Its bytes, in this machine's order; NULL when they are not in the file, too many or compressed. */
Elf_Data *pw_elf_data(const struct pw_elf *e, size_t index, uint64_t most_bytes);
/* Bytes of the build id, 0 when there is none. */
size_t pw_elf_build_id(const struct pw_elf *e, unsigned char id[PW_OBJECT_MOST_BUILD_ID]);

/* symtab.c: what was found in symbol tables, before one name stands at an address. */
struct pw_candidate {
  uint64_t address, bytes;
  uint64_t end;              /* of its section */
  const char *name;
  uint32_t name_bytes;
  uint8_t kind, global;
};

struct pw_candidates {
  struct pw_candidate *candidate;
  size_t n, room;
};

/* Adds the symbols of the first table of a type (SHT_SYMTAB, SHT_DYNSYM) that lie in the object's segments;
 * their strings become strings[slot] of the object. *found tells whether there is a table. */
int pw_candidates_add(struct pw_candidates *all, struct pw_object *object, const struct pw_elf *e, uint32_t type,
                      size_t slot, bool *found, struct pw_error *err);
/* Makes the object's symbols of them. */
int pw_candidates_settle(struct pw_candidates *all, struct pw_object *object, const char *path, struct pw_error *err);

/* debugfile.c: opens the separate debug file that belongs to a file, if one is found. Its path is kept
 * in `path`, which must outlive it. */
bool pw_debug_file_open(struct pw_elf *debug, char *path, size_t n_path, const struct pw_elf *e, const char *root);

#endif
