/* libelf with a fence around it: opening, sections, their bytes, the build id. */
#include "elf/elffile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_NOTE_SECTIONS = 64 };
#define MOST_NOTE_BYTES (UINT64_C(64) << 10)
#define MOST_SECTION_NAMES_BYTES (UINT64_C(16) << 20)

/* Only regular files are opened: to open a device may have effects, to open a pipe may wait. */
static int open_regular(struct pw_elf *e, struct pw_error *err)
{
  struct stat info;
  if (stat(e->path, &info)) return pw_error_set(err, PW_EIO, "%s: cannot be read: %s", e->path, strerror(errno));
  if (!S_ISREG(info.st_mode)) return pw_error_set(err, PW_EFORMAT, "%s: is no file, so not an ELF file", e->path);
  e->fd = open(e->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (e->fd < 0 || fstat(e->fd, &info)) return pw_error_set(err, PW_EIO, "%s: cannot be read: %s", e->path, strerror(errno));
  e->file_bytes = (uint64_t)info.st_size;
  return 0;
}

/* A file with more sections than e_shnum can say counts them elsewhere, up to 2^32, and libelf
 * would believe it. Only object files before linking have so many. */
static bool sections_elsewhere(const unsigned char head[sizeof(Elf64_Ehdr)])
{
  if (head[EI_CLASS] == ELFCLASS64) {
    Elf64_Ehdr h;
    memcpy(&h, head, sizeof h);
    return h.e_shoff && !h.e_shnum;
  }
  Elf32_Ehdr h;
  memcpy(&h, head, sizeof h);
  return head[EI_CLASS] == ELFCLASS32 && h.e_shoff && !h.e_shnum;
}

static int check_head(const struct pw_elf *e, struct pw_error *err)
{
  unsigned char head[sizeof(Elf64_Ehdr)] = {0};
  ssize_t got = pread(e->fd, head, sizeof head, 0);
  if (got < 0) return pw_error_set(err, PW_EIO, "%s: cannot be read: %s", e->path, strerror(errno));
  if (got < SELFMAG || memcmp(head, ELFMAG, SELFMAG) != 0)
    return pw_error_set(err, PW_EFORMAT, "%s: is not an ELF file", e->path);
  if ((size_t)got < sizeof(Elf32_Ehdr))
    return pw_error_set(err, PW_EFORMAT, "%s: ends inside the ELF header; get a whole copy", e->path);
  if (sections_elsewhere(head))
    return pw_error_set(err, PW_EUNSUPPORTED, "%s: has the section table of no linked ELF file; link it", e->path);
  return 0;
}

static int check_header(struct pw_elf *e, struct pw_error *err)
{
  size_t names;
  e->elf = elf_version(EV_CURRENT) == EV_NONE ? NULL : elf_begin(e->fd, ELF_C_READ, NULL);
  if (!e->elf || elf_kind(e->elf) != ELF_K_ELF || !gelf_getehdr(e->elf, &e->header) || elf_getshdrnum(e->elf, &e->n_sections))
    return pw_error_set(err, PW_EFORMAT, "%s: its ELF header is damaged (%s); get a whole copy", e->path, elf_errmsg(-1));
  if (e->header.e_type != ET_EXEC && e->header.e_type != ET_DYN)
    return pw_error_set(err, PW_EUNSUPPORTED, "%s: is an ELF file, but neither a program nor a shared object; link it", e->path);
  if (e->n_sections < e->header.e_shnum)
    return pw_error_set(err, PW_EFORMAT, "%s: its section table lies beyond its end at byte %llu; get a whole copy", e->path,
                        (unsigned long long)e->file_bytes);
  if (e->n_sections && elf_getshdrstrndx(e->elf, &names) == 0 && names) {
    Elf_Data *data = pw_elf_data(e, names, MOST_SECTION_NAMES_BYTES);
    e->section_names = data ? data->d_buf : NULL;
    e->section_names_bytes = data ? data->d_size : 0;
  }
  return 0;
}

int pw_elf_open(struct pw_elf *e, const char *path, struct pw_error *err)
{
  *e = (struct pw_elf){.path = path, .fd = -1};
  int status = open_regular(e, err);
  if (!status) status = check_head(e, err);
  if (!status) status = check_header(e, err);
  if (status) pw_elf_close(e);
  return status;
}

void pw_elf_close(struct pw_elf *e)
{
  if (e->elf) elf_end(e->elf);
  if (e->fd >= 0) close(e->fd);
  *e = (struct pw_elf){.path = e->path, .fd = -1};
}

bool pw_elf_section(const struct pw_elf *e, size_t index, GElf_Shdr *section)
{
  Elf_Scn *scn = index < e->n_sections ? elf_getscn(e->elf, index) : NULL;
  return scn && gelf_getshdr(scn, section);
}

/* elf_strptr would look for the end of the name at each call, through all names if the last is not ended. */
static bool is_named(const struct pw_elf *e, size_t at, const char *name)
{
  size_t n = strlen(name) + 1;
  return e->section_names && at < e->section_names_bytes && e->section_names_bytes - at >= n &&
         memcmp(e->section_names + at, name, n) == 0;
}

size_t pw_elf_find(const struct pw_elf *e, uint32_t type, const char *name, GElf_Shdr *section)
{
  for (size_t i = 1; i < e->n_sections; i++)
    if (pw_elf_section(e, i, section) && section->sh_type == type && (!name || is_named(e, section->sh_name, name))) return i;
  return 0;
}

Elf_Data *pw_elf_data(const struct pw_elf *e, size_t index, uint64_t most_bytes)
{
  GElf_Shdr s;
  if (!pw_elf_section(e, index, &s) || s.sh_type == SHT_NOBITS || s.sh_flags & SHF_COMPRESSED) return NULL;
  if (s.sh_size > most_bytes || s.sh_offset > e->file_bytes || s.sh_size > e->file_bytes - s.sh_offset) return NULL;
  Elf_Data *data = elf_getdata(elf_getscn(e->elf, index), NULL);
  return data && data->d_buf && data->d_size <= s.sh_size ? data : NULL;
}

static size_t build_id_in(Elf_Data *data, unsigned char id[PW_OBJECT_MOST_BUILD_ID])
{
  GElf_Nhdr note;
  size_t name, text, at = 0;
  while ((at = gelf_getnote(data, at, &note, &name, &text)) > 0) {
    if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof "GNU" || note.n_descsz == 0) continue;
    if (note.n_descsz > PW_OBJECT_MOST_BUILD_ID || memcmp((const char *)data->d_buf + name, "GNU", sizeof "GNU") != 0) continue;
    memcpy(id, (const char *)data->d_buf + text, note.n_descsz);
    return note.n_descsz;
  }
  return 0;
}

/* Sections come first: in a separate debug file the segments point nowhere. */
size_t pw_elf_build_id(const struct pw_elf *e, unsigned char id[PW_OBJECT_MOST_BUILD_ID])
{
  GElf_Shdr s;
  GElf_Phdr p;
  size_t n = 0, n_headers = 0, looked = 0;
  for (size_t i = 1; i < e->n_sections && !n && looked < MOST_NOTE_SECTIONS; i++) {
    if (!pw_elf_section(e, i, &s) || s.sh_type != SHT_NOTE) continue;
    Elf_Data *data = pw_elf_data(e, i, MOST_NOTE_BYTES);
    if (data) n = build_id_in(data, id);
    looked++;
  }
  if (n || elf_getphdrnum(e->elf, &n_headers) || n_headers > PW_OBJECT_MOST_SEGMENTS) return n;
  for (int i = 0; (size_t)i < n_headers && !n; i++) {
    if (!gelf_getphdr(e->elf, i, &p) || p.p_type != PT_NOTE || p.p_filesz > MOST_NOTE_BYTES) continue;
    if (p.p_offset > e->file_bytes || p.p_filesz > e->file_bytes - p.p_offset) continue;
    Elf_Data *data = elf_getdata_rawchunk(e->elf, (int64_t)p.p_offset, p.p_filesz, p.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    if (data) n = build_id_in(data, id);
  }
  return n;
}
