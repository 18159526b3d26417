/* Separate debug files: where the names of a stripped file may lie, and whether they are its own.
 *
 * Invariant: a debug file is used only if it has the build id of the file or, where the file has none,
 * the checksum that its .gnu_debuglink names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "elf/elffile.h"

#define MOST_CHECKED_BYTES (UINT64_C(2) << 30)
#define MOST_LINK_BYTES UINT64_C(4096)

struct wanted {
  unsigned char build_id[PW_OBJECT_MOST_BUILD_ID];
  size_t build_id_bytes;
  char name[256];            /* of .gnu_debuglink, "" = none */
  uint32_t checksum;
};

/* The section is a name, zeroes up to a multiple of 4, and a checksum in the file's byte order. */
static void read_link(const struct pw_elf *e, struct wanted *w)
{
  GElf_Shdr section;
  size_t index = pw_elf_find(e, SHT_PROGBITS, ".gnu_debuglink", &section);
  Elf_Data *data = index ? pw_elf_data(e, index, MOST_LINK_BYTES) : NULL;
  if (!data) return;
  size_t n = strnlen(data->d_buf, data->d_size), sum = (n + 4) & ~(size_t)3;
  if (n == 0 || n >= sizeof w->name || sum > data->d_size || data->d_size - sum < 4 || memchr(data->d_buf, '/', n)) return;
  const unsigned char *b = (const unsigned char *)data->d_buf + sum;
  bool big = e->header.e_ident[EI_DATA] == ELFDATA2MSB;
  for (int i = 0; i < 4; i++) w->checksum |= (uint32_t)b[big ? 3 - i : i] << 8 * i;
  memcpy(w->name, data->d_buf, n + 1);
}

static bool has_checksum(const struct pw_elf *e, uint32_t wanted)
{
  unsigned char bytes[16384];
  uLong sum = crc32(0, NULL, 0);
  uint64_t at = 0;
  if (e->file_bytes > MOST_CHECKED_BYTES) return false;
  while (at < e->file_bytes) {
    ssize_t got = pread(e->fd, bytes, sizeof bytes, (off_t)at);
    if (got <= 0) return false;
    sum = crc32(sum, bytes, (uInt)got);
    at += (uint64_t)got;
  }
  return sum == wanted;
}

static bool belongs(const struct pw_elf *debug, const struct pw_elf *e, const struct wanted *w, bool linked)
{
  unsigned char id[PW_OBJECT_MOST_BUILD_ID];
  size_t n = pw_elf_build_id(debug, id);
  if (debug->header.e_machine != e->header.e_machine || debug->header.e_ident[EI_CLASS] != e->header.e_ident[EI_CLASS])
    return false;
  if (n && w->build_id_bytes) return n == w->build_id_bytes && memcmp(id, w->build_id, n) == 0;
  return linked && has_checksum(debug, w->checksum);
}

static bool try_path(struct pw_elf *debug, const char *path, int length, size_t room, const struct pw_elf *e,
                     const struct wanted *w, bool linked)
{
  if (length <= 0 || (size_t)length >= room || pw_elf_open(debug, path, NULL)) return false;
  if (belongs(debug, e, w, linked)) return true;
  pw_elf_close(debug);
  return false;
}

static bool by_build_id(struct pw_elf *debug, char *path, size_t n_path, const struct pw_elf *e, const struct wanted *w,
                        const char *root)
{
  if (w->build_id_bytes < 2) return false;
  int at = snprintf(path, n_path, "%s/.build-id/%02x/", root, w->build_id[0]);
  for (size_t i = 1; i < w->build_id_bytes && at > 0 && (size_t)at < n_path; i++)
    at += snprintf(path + at, n_path - (size_t)at, "%02x", w->build_id[i]);
  if (at > 0 && (size_t)at < n_path) at += snprintf(path + at, n_path - (size_t)at, ".debug");
  return try_path(debug, path, at, n_path, e, w, false);
}

static bool by_link(struct pw_elf *debug, char *path, size_t n_path, const struct pw_elf *e, const struct wanted *w,
                    const char *root)
{
  char folder[4096];
  if (!w->name[0] || !realpath(e->path, folder)) return false;
  *strrchr(folder, '/') = 0;
  const char *parts[][3] = {{"", folder, ""}, {"", folder, "/.debug"}, {root, folder, ""}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    int n = snprintf(path, n_path, "%s%s%s/%s", parts[i][0], parts[i][1], parts[i][2], w->name);
    if (try_path(debug, path, n, n_path, e, w, true)) return true;
  }
  return false;
}

bool pw_debug_file_open(struct pw_elf *debug, char *path, size_t n_path, const struct pw_elf *e, const char *root)
{
  struct wanted w = {.name = ""};
  w.build_id_bytes = pw_elf_build_id(e, w.build_id);
  read_link(e, &w);
  return by_build_id(debug, path, n_path, e, &w, root) || by_link(debug, path, n_path, e, &w, root);
}
