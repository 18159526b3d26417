/* What /proc tells of a stopped thread's memory. See native_run.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "judge/native_run.h"

/* 512 MiB of pagemap: a sanitizer's shadow of terabytes would take minutes. */
#define MOST_READ_PAGES (UINT64_C(1) << 26)

static FILE *open_proc(pid_t process, pid_t thread, const char *name)
{
  char path[96];
  snprintf(path, sizeof path, "/proc/%ld/task/%ld/%s", (long)process, (long)thread, name);
  return fopen(path, "re");
}

static int cannot_read(const char *name, struct pw_error *err)
{
  return pw_error_set(err, PW_EUNSUPPORTED, "the program's /proc/PID/%s cannot be read: %s; mount /proc, and run as the user "
                                            "that you are", name, strerror(errno));
}

static int out_of_memory(struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "memory ran out for what the kernel tells of the program");
}

/* ---- numbers ---- */

static int read_status(struct pw_native_state *s, pid_t process, pid_t thread, struct pw_error *err)
{
  const struct { const char *name; uint64_t *value; } rows[] = {
      {"VmPTE:", &s->table_bytes}, {"VmHWM:", &s->peak_bytes},   {"VmRSS:", &s->resident_bytes},
      {"RssAnon:", &s->own_bytes}, {"RssFile:", &s->file_bytes}, {"RssShmem:", &s->shared_bytes}};
  char line[512];
  bool seen = false;
  FILE *file = open_proc(process, thread, "status");
  if (!file) return cannot_read("status", err);
  while (fgets(line, sizeof line, file))
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      size_t n = strlen(rows[i].name);
      uint64_t kib;
      if (strncmp(line, rows[i].name, n) != 0 || sscanf(line + n, "%" SCNu64, &kib) != 1) continue;
      *rows[i].value = kib << 10;
      seen |= i == 0;
    }
  fclose(file);
  if (seen) return 0;
  return pw_error_set(err, PW_EUNSUPPORTED, "this kernel tells no VmPTE in /proc/PID/status, so there is nothing to compare with");
}

uint64_t pw_native_table_bytes(pid_t process)
{
  struct pw_native_state state = {0};
  return read_status(&state, process, process, NULL) ? 0 : state.table_bytes;
}

/* The fields of /proc/PID/stat from the third on: behind the name, which may hold anything. */
static bool read_stat(pid_t process, char *line, size_t n, const char **fields)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/stat", (long)process);
  FILE *file = fopen(path, "re");
  bool good = file && fgets(line, (int)n, file) && (*fields = strrchr(line, ')'));
  if (file) fclose(file);
  if (good) *fields += 2;
  return good;
}

/* Field number `at` as the manual counts them, from 3. */
static uint64_t stat_field(const char *fields, unsigned at)
{
  uint64_t value = 0;
  for (; at > 3 && fields; at--) {
    fields = strchr(fields, ' ');
    if (fields) fields++;
  }
  return fields && sscanf(fields, "%" SCNu64, &value) == 1 ? value : 0;
}

static int read_faults(struct pw_native_state *s, pid_t process, struct pw_error *err)
{
  char line[1024];
  const char *fields;
  if (!read_stat(process, line, sizeof line, &fields)) return cannot_read("stat", err);
  s->minor_faults = stat_field(fields, 10);
  s->major_faults = stat_field(fields, 12);
  return 0;
}

uint64_t pw_native_heap_start(pid_t process)
{
  char line[1024];
  const char *fields;
  return read_stat(process, line, sizeof line, &fields) ? stat_field(fields, 47) : 0;
}

uint64_t pw_native_resident(pid_t thread)
{
  char path[64];
  uint64_t pages = 0;
  snprintf(path, sizeof path, "/proc/%ld/statm", (long)thread);
  FILE *file = fopen(path, "re");
  if (!file || fscanf(file, "%*u %" SCNu64, &pages) != 1) pages = 0;
  if (file) fclose(file);
  return pages << PW_BASE_SHIFT;
}

bool pw_native_is_thread(pid_t process, pid_t thread)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/task/%ld", (long)process, (long)thread);
  return access(path, F_OK) == 0;
}

bool pw_native_file(pid_t thread, int fd, uint64_t *inode, uint64_t *bytes)
{
  char path[64];
  struct stat st;
  snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)thread, fd);
  if (fd < 0 || stat(path, &st)) return false;
  *inode = st.st_ino;
  *bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
  return true;
}

bool pw_native_is_null(pid_t thread, int fd)
{
  char path[64];
  struct stat st;
  snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)thread, fd);
  return fd >= 0 && stat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* ---- huge pages ---- */

void pw_native_thp_mode(char mode[16])
{
  char line[128] = "";
  FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
  mode[0] = '\0';
  if (!file) return;
  const char *chosen = fgets(line, sizeof line, file) ? strchr(line, '[') : NULL;
  if (chosen) sscanf(chosen, "[%15[a-z]", mode);
  fclose(file);
}

int pw_native_huge_bytes(uint64_t *bytes, pid_t process, pid_t thread, struct pw_error *err)
{
  char line[4096 + 128];
  bool seen = false;
  FILE *file = open_proc(process, thread, "smaps");
  *bytes = 0;
  if (!file) return cannot_read("smaps", err);
  while (fgets(line, sizeof line, file)) {
    uint64_t kib;
    if (sscanf(line, "AnonHugePages: %" SCNu64, &kib) != 1) continue;
    *bytes += kib << 10;
    seen = true;
  }
  fclose(file);
  if (seen) return 0;
  return pw_error_set(err, PW_EUNSUPPORTED, "this kernel tells no AnonHugePages in /proc/PID/smaps: it is built without huge pages");
}

/* ---- areas and pages ---- */

static uint32_t area_flags(const char *permissions, const char *name)
{
  uint32_t flags = 0;
  flags |= permissions[0] == 'r' ? PW_MAP_READ : 0;
  flags |= permissions[1] == 'w' ? PW_MAP_WRITE : 0;
  flags |= permissions[2] == 'x' ? PW_MAP_EXECUTE : 0;
  flags |= permissions[3] == 's' ? PW_MAP_SHARED : 0;
  if (strncmp(name, "[v", 2) == 0) flags |= PW_AREA_SPECIAL; /* vdso, vvar, vvar_vclock: not used, see native_run.c */
  return flags | (strcmp(name, "[stack]") == 0 ? PW_MAP_STACK : 0);
}

static int add_area(struct pw_native_state *s, char *line, struct pw_error *err)
{
  uint64_t start, end, offset, inode;
  char permissions[5];
  int name = 0;
  struct stat st;
  line[strcspn(line, "\n")] = '\0';
  if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %" SCNu64 " %n", &start, &end, permissions, &offset,
             &inode, &name) < 5)
    return 0;
  if (start >> 63) return 0; /* the kernel's half: vsyscall */
  struct pw_native_area area = {.name = pw_strdup(line + name),
                                .vma = {.start = start >> 12, .end = end >> 12, .offset = offset >> 12, .inode = inode,
                                        .flags = area_flags(permissions, line + name) | (inode ? PW_AREA_FILE : 0)}};
  if (inode && stat(line + name, &st) == 0 && st.st_ino == inode) area.vma.file_pages = ((uint64_t)st.st_size + 4095) >> 12;
  if (!area.name || pw_grow((void **)&s->areas, &s->areas_room, s->n_areas + 1, sizeof *s->areas)) {
    pw_free(area.name);
    return out_of_memory(err);
  }
  s->areas[s->n_areas++] = area;
  return 0;
}

static int read_areas(struct pw_native_state *s, pid_t process, pid_t thread, struct pw_error *err)
{
  char line[4096 + 128];
  int status = 0;
  FILE *file = open_proc(process, thread, "maps");
  if (!file) return cannot_read("maps", err);
  while (!status && fgets(line, sizeof line, file)) status = add_area(s, line, err);
  fclose(file);
  return status;
}

/* An entry of pagemap: bit 63 tells that a page is there, bit 61 that it is a file's, or shared. */
static int add_pages(struct pw_native_state *s, struct pw_native_area *area, int pagemap, struct pw_error *err)
{
  static const size_t most = 8192;
  uint64_t *entries = pw_malloc(most, sizeof *entries);
  if (!entries) return out_of_memory(err);
  int status = 0;
  for (uint64_t page = area->vma.start, end = area->vma.end; page < end && !status;) {
    size_t n = end - page < most ? (size_t)(end - page) : most;
    ssize_t got = pread(pagemap, entries, n * sizeof *entries, (off_t)(page * sizeof *entries));
    if (got <= 0) break;
    n = (size_t)got / sizeof *entries;
    if (pw_grow((void **)&s->pages, &s->pages_room, s->n_pages + n, sizeof *s->pages)) status = out_of_memory(err);
    for (size_t i = 0; i < n && !status; i++) {
      if (!(entries[i] >> 63)) continue;
      area->present++;
      s->pages[s->n_pages++] = (struct pw_native_page){page + i, !(entries[i] >> 61 & 1)};
    }
    page += n;
  }
  pw_free(entries);
  return status;
}

static int read_pages(struct pw_native_state *s, pid_t process, pid_t thread, struct pw_error *err)
{
  char path[96];
  snprintf(path, sizeof path, "/proc/%ld/task/%ld/pagemap", (long)process, (long)thread);
  int pagemap = open(path, O_RDONLY | O_CLOEXEC), status = 0;
  s->pages_known = pagemap >= 0;
  for (size_t i = 0; i < s->n_areas && s->pages_known && !status; i++)
    if (s->areas[i].vma.end - s->areas[i].vma.start <= MOST_READ_PAGES) status = add_pages(s, &s->areas[i], pagemap, err);
  if (pagemap >= 0) close(pagemap);
  return status;
}

void pw_native_forget(struct pw_native_state *s)
{
  for (size_t i = 0; i < s->n_areas; i++) pw_free(s->areas[i].name);
  pw_free(s->areas);
  pw_free(s->pages);
  *s = (struct pw_native_state){0};
}

int pw_native_look(struct pw_native_state *s, pid_t process, pid_t thread, struct pw_error *err)
{
  pw_native_forget(s);
  int status = read_status(s, process, thread, err);
  if (!status) status = read_faults(s, process, err);
  if (!status) status = read_areas(s, process, thread, err);
  if (!status) status = read_pages(s, process, thread, err);
  return status;
}
