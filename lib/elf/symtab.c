/* Symbol tables to symbols: which count, where they end, and which name stands at an address.
 *
 * Cost: one sort by address; among the names of one address a single pass picks the best, so that a
 * table of a million names for one address costs a million comparisons and not a sort of them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "elf/elffile.h"

struct table {
  const struct pw_elf *e;
  const struct pw_object *object;
  Elf_Data *symbols;
  const char *strings;
  size_t strings_bytes, n;
  GElf_Shdr *sections; /* a section that holds no symbols of ours has sh_size 0 */
};

static int out_of_memory(const char *path, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out while its symbols were read", path);
}

/* Copies the names, as they must outlive libelf's handle. */
static int copy_strings(struct table *t, size_t index, void **slot, uint64_t *memory_bytes, struct pw_error *err)
{
  GElf_Shdr section;
  if (pw_elf_section(t->e, index, &section) && section.sh_size > PW_OBJECT_MOST_STRING_BYTES)
    return pw_error_set(err, PW_EUNSUPPORTED, "%s: has %llu bytes of names of symbols, and at most %llu are read; strip it",
                        t->e->path,
                        (unsigned long long)section.sh_size, (unsigned long long)PW_OBJECT_MOST_STRING_BYTES);
  Elf_Data *data = pw_elf_data(t->e, index, PW_OBJECT_MOST_STRING_BYTES);
  if (!data)
    return pw_error_set(err, PW_EFORMAT, "%s: is damaged: the names of its symbols cannot be read; get a whole copy", t->e->path);
  char *copy = pw_malloc(data->d_size, 1);
  if (!copy) return out_of_memory(t->e->path, err);
  memcpy(copy, data->d_buf, data->d_size);
  *slot = copy;
  *memory_bytes += data->d_size;
  t->strings = copy;
  t->strings_bytes = data->d_size;
  return 0;
}

static int copy_sections(struct table *t, struct pw_error *err)
{
  t->sections = pw_calloc(t->e->n_sections, sizeof *t->sections);
  if (!t->sections) return out_of_memory(t->e->path, err);
  for (size_t i = 1; i < t->e->n_sections; i++) {
    GElf_Shdr *s = &t->sections[i];
    if (!pw_elf_section(t->e, i, s) || !(s->sh_flags & SHF_ALLOC) || s->sh_flags & SHF_TLS) s->sh_size = 0;
    if (s->sh_size > UINT64_MAX - s->sh_addr) s->sh_size = UINT64_MAX - s->sh_addr;
  }
  return 0;
}

static uint8_t kind_of(const GElf_Sym *s)
{
  switch (GELF_ST_TYPE(s->st_info)) {
    case STT_FUNC:
    case STT_GNU_IFUNC: return PW_SYMBOL_FUNCTION;
    case STT_OBJECT:
    case STT_COMMON: return PW_SYMBOL_DATA;
    default: return 0;
  }
}

/* The end of the segment around an address, 0 when there is none. */
static uint64_t segment_end(const struct pw_object *o, uint64_t address)
{
  for (size_t i = 0; i < o->n_segments; i++) {
    const struct pw_segment *s = &o->segments[i];
    if (address >= s->address && address - s->address < s->memory_bytes) return s->address + s->memory_bytes;
  }
  return 0;
}

static uint32_t name_bytes(const struct table *t, size_t at)
{
  if (at >= t->strings_bytes) return 0;
  size_t most = t->strings_bytes - at;
  if (most > PW_OBJECT_MOST_NAME) most = PW_OBJECT_MOST_NAME;
  const char *name = t->strings + at, *version;
  size_t n = strnlen(name, most);
  if (n > 1 && (version = memchr(name + 1, '@', n - 1))) n = (size_t)(version - name);
  return (uint32_t)n;
}

/* False when the symbol is none of ours. */
static bool take(const struct table *t, const GElf_Sym *s, struct pw_candidate *c)
{
  c->kind = kind_of(s);
  if (!c->kind || s->st_shndx == SHN_UNDEF || s->st_shndx >= SHN_LORESERVE || s->st_shndx >= t->e->n_sections) return false;
  const GElf_Shdr *section = &t->sections[s->st_shndx];
  c->address = s->st_value;
  if (t->object->machine == EM_ARM && c->kind == PW_SYMBOL_FUNCTION) c->address &= ~UINT64_C(1); /* Thumb */
  c->name = t->strings + s->st_name;
  c->name_bytes = name_bytes(t, s->st_name);
  c->end = section->sh_addr + section->sh_size;
  c->global = GELF_ST_BIND(s->st_info) == STB_GLOBAL || GELF_ST_BIND(s->st_info) == STB_GNU_UNIQUE;
  uint64_t end = segment_end(t->object, c->address);
  if (!c->name_bytes || !end || section->sh_size == 0) return false;
  if (c->end > end) c->end = end;
  c->bytes = s->st_size < end - c->address ? s->st_size : end - c->address;
  return c->bytes || c->end > c->address; /* a label at the end of its section is nothing's name */
}

static int take_all(struct pw_candidates *all, const struct table *t, struct pw_error *err)
{
  GElf_Sym s;
  struct pw_candidate c;
  for (size_t i = 0; i < t->n; i++) {
    if (!gelf_getsym(t->symbols, (int)i, &s) || !take(t, &s, &c)) continue;
    if (pw_grow((void **)&all->candidate, &all->room, all->n + 1, sizeof c)) return out_of_memory(t->e->path, err);
    all->candidate[all->n++] = c;
  }
  return 0;
}

int pw_candidates_add(struct pw_candidates *all, struct pw_object *object, const struct pw_elf *e, uint32_t type,
                      size_t slot, bool *found, struct pw_error *err)
{
  GElf_Shdr section;
  size_t entry = gelf_fsize(e->elf, ELF_T_SYM, 1, EV_CURRENT), index = pw_elf_find(e, type, NULL, &section);
  *found = index != 0;
  if (!index || !entry) return 0;
  struct table t = {.e = e, .object = object, .n = section.sh_size / entry};
  if (t.n > PW_OBJECT_MOST_SYMBOLS)
    return pw_error_set(err, PW_EUNSUPPORTED, "%s: has a table of %zu symbols, and at most %llu are read; strip it", e->path, t.n,
                        (unsigned long long)PW_OBJECT_MOST_SYMBOLS);
  t.symbols = pw_elf_data(e, index, section.sh_size);
  if (!t.symbols)
    return pw_error_set(err, PW_EFORMAT, "%s: is damaged: its symbol table cannot be read; get a whole copy", e->path);
  int status = copy_strings(&t, section.sh_link, &object->strings[slot], &object->memory_bytes, err);
  if (!status) status = copy_sections(&t, err);
  if (!status) status = take_all(all, &t, err);
  pw_free(t.sections);
  return status;
}

/* ---- one name an address ---- */

static int by_address(const void *left, const void *right)
{
  const struct pw_candidate *a = left, *b = right;
  return (a->address > b->address) - (a->address < b->address);
}

/* Nobody tells more than 99 apart. */
static uint32_t underscores(const struct pw_candidate *c)
{
  uint32_t n = 0;
  while (n < c->name_bytes && n < 99 && c->name[n] == '_') n++;
  return n;
}

/* Total on names that differ, so the order in which they come does not matter. */
static bool better(const struct pw_candidate *a, const struct pw_candidate *b)
{
  if (!a->bytes != !b->bytes) return a->bytes != 0;
  if (a->global != b->global) return a->global;
  uint32_t ours = underscores(a), theirs = underscores(b);
  if (ours != theirs) return ours < theirs;
  int order = memcmp(a->name, b->name, a->name_bytes < b->name_bytes ? a->name_bytes : b->name_bytes);
  if (order) return order < 0;
  if (a->name_bytes != b->name_bytes) return a->name_bytes < b->name_bytes;
  if (a->bytes != b->bytes) return a->bytes > b->bytes;
  return a->end != b->end ? a->end > b->end : a->kind < b->kind;
}

int pw_candidates_settle(struct pw_candidates *all, struct pw_object *object, const char *path, struct pw_error *err)
{
  struct pw_candidate *c = all->candidate;
  size_t n = 0;
  pw_sort(c, all->n, sizeof *c, by_address);
  for (size_t i = 0; i < all->n; i++) {
    if (n == 0 || c[n - 1].address != c[i].address) c[n++] = c[i];
    else if (better(&c[i], &c[n - 1])) c[n - 1] = c[i];
  }
  all->n = n;
  object->symbols = pw_calloc(n, sizeof *object->symbols);
  if (!object->symbols) return out_of_memory(path, err);
  for (size_t i = 0; i < n; i++) {
    uint64_t end = i + 1 < n && c[i + 1].address < c[i].end ? c[i + 1].address : c[i].end;
    uint64_t bytes = c[i].bytes ? c[i].bytes : end - c[i].address;
    object->symbols[i] = (struct pw_symbol){c[i].address, bytes, c[i].name, c[i].name_bytes, c[i].kind};
  }
  object->n_symbols = n;
  object->memory_bytes += sizeof *object + n * sizeof *object->symbols + object->n_segments * sizeof *object->segments;
  return 0;
}
