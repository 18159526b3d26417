/* An ELF file: its header and segments, and where its symbols are looked for. */
#include "elf/object.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "elf/elffile.h"

static int out_of_memory(const char *path, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out while it was read", path);
}

static int damaged(const struct pw_elf *e, size_t segment, const char *how, struct pw_error *err)
{
  return pw_error_set(err, PW_EFORMAT, "%s: is damaged: segment %zu %s; get a whole copy", e->path, segment, how);
}

/* Nothing wrong, or a status. */
static int check_segment(const struct pw_elf *e, const GElf_Phdr *p, size_t index, struct pw_error *err)
{
  uint64_t last = e->header.e_ident[EI_CLASS] == ELFCLASS32 ? UINT32_MAX : UINT64_MAX;
  if (p->p_filesz > p->p_memsz) return damaged(e, index, "is larger in the file than in memory", err);
  if (p->p_memsz > last - p->p_vaddr) return damaged(e, index, "reaches past the last address", err);
  if (p->p_offset > e->file_bytes || p->p_filesz > e->file_bytes - p->p_offset)
    return damaged(e, index, "reaches past the end of the file", err);
  return 0;
}

static int read_segments(struct pw_object *o, const struct pw_elf *e, struct pw_error *err)
{
  size_t n = 0;
  GElf_Phdr p;
  if (elf_getphdrnum(e->elf, &n) || n > PW_OBJECT_MOST_SEGMENTS)
    return pw_error_set(err, PW_EUNSUPPORTED, "%s: has more than %u program headers; no linker writes so many", e->path,
                        PW_OBJECT_MOST_SEGMENTS);
  o->segments = pw_calloc(n, sizeof *o->segments);
  if (!o->segments) return out_of_memory(e->path, err);
  for (size_t i = 0; i < n; i++) {
    if (!gelf_getphdr(e->elf, (int)i, &p)) return damaged(e, i, "cannot be read", err);
    if (p.p_type != PT_LOAD || p.p_memsz == 0) continue;
    int status = check_segment(e, &p, i, err);
    if (status) return status;
    o->segments[o->n_segments++] = (struct pw_segment){
        p.p_offset, p.p_vaddr, p.p_filesz, p.p_memsz,
        (p.p_flags & PF_R ? PW_MAP_READ : 0u) | (p.p_flags & PF_W ? PW_MAP_WRITE : 0u) |
            (p.p_flags & PF_X ? PW_MAP_EXECUTE : 0u)};
  }
  return 0;
}

/* A debug file that is damaged is as good as none. */
static int add_debug_file(struct pw_candidates *all, struct pw_object *o, const struct pw_elf *e, const char *root,
                          struct pw_error *err)
{
  char path[4096];
  struct pw_elf debug;
  bool found;
  if (!pw_debug_file_open(&debug, path, sizeof path, e, root)) return 0;
  int status = pw_candidates_add(all, o, &debug, SHT_SYMTAB, 2, &found, err);
  pw_elf_close(&debug);
  return status == PW_ENOMEM ? status : 0;
}

static int read_symbols(struct pw_object *o, const struct pw_elf *e, const char *root, struct pw_error *err)
{
  struct pw_candidates all = {0};
  bool table, dynamic;
  int status = pw_candidates_add(&all, o, e, SHT_SYMTAB, 0, &table, err);
  if (!status) status = pw_candidates_add(&all, o, e, SHT_DYNSYM, 1, &dynamic, err);
  if (!status && !table) status = add_debug_file(&all, o, e, root, err);
  if (!status) status = pw_candidates_settle(&all, o, e->path, err);
  pw_free(all.candidate);
  return status;
}

int pw_object_read(struct pw_object **object, const char *path, const char *debug_root, struct pw_error *err)
{
  struct pw_elf e;
  *object = NULL;
  int status = pw_elf_open(&e, path, err);
  if (status) return status;
  struct pw_object *o = pw_calloc(1, sizeof *o);
  if (!o) status = out_of_memory(path, err);
  if (!status) {
    o->bits = e.header.e_ident[EI_CLASS] == ELFCLASS32 ? 32 : 64;
    o->machine = e.header.e_machine;
    o->movable = e.header.e_type == ET_DYN;
    o->build_id_bytes = pw_elf_build_id(&e, o->build_id);
    status = read_segments(o, &e, err);
  }
  if (!status) status = read_symbols(o, &e, debug_root ? debug_root : PW_OBJECT_DEBUG_ROOT, err);
  pw_elf_close(&e);
  if (status) pw_object_destroy(o);
  else *object = o;
  return status;
}

void pw_object_destroy(struct pw_object *o)
{
  if (!o) return;
  for (size_t i = 0; i < sizeof o->strings / sizeof *o->strings; i++) pw_free(o->strings[i]);
  pw_free(o->segments);
  pw_free(o->symbols);
  pw_free(o);
}

void pw_object_build_id_hex(const struct pw_object *o, char hex[2 * PW_OBJECT_MOST_BUILD_ID + 1])
{
  hex[0] = 0;
  for (size_t i = 0; i < o->build_id_bytes; i++) snprintf(hex + 2 * i, 3, "%02x", o->build_id[i]);
}

size_t pw_object_symbol_from(const struct pw_object *o, uint64_t address)
{
  size_t low = 0, high = o->n_symbols;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (o->symbols[middle].address < address) low = middle + 1;
    else high = middle;
  }
  return low;
}
