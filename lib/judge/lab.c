/* A cgroup and a zram device. See lab.h. */
#include "judge/lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, MAGIC_AT = PAGE_BYTES - 10, HEADER_AT = 1024, TRIES = 40 };
#define PREFIX "pagewalk-"
#define ZRAM "/sys/class/zram-control/"

/* ---- small files ---- */

void pw_file_text(const char *path, char *text, size_t n)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  size_t has = 0;
  for (ssize_t got; fd >= 0 && has + 1 < n && (got = read(fd, text + has, n - 1 - has)) > 0;) has += (size_t)got;
  text[has] = '\0';
  if (fd >= 0) close(fd);
}

/* 0 or errno. */
static int write_text(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  ssize_t done = write(fd, text, strlen(text));
  int why = done < 0 ? errno : 0;
  close(fd);
  return why;
}

uint64_t pw_counter(const char *text, const char *name)
{
  size_t n = strlen(name);
  for (const char *at = text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
    if (strncmp(at, name, n) == 0 && (at[n] == ' ' || at[n] == ':')) return strtoull(at + n + 1, NULL, 10);
  return 0;
}

static void pause_a_little(void)
{
  nanosleep(&(struct timespec){.tv_nsec = 25000000}, NULL);
}

/* ---- groups ---- */

uint64_t pw_lab_value(const struct pw_lab *lab, const char *file, const char *name)
{
  char path[400], text[1 << 14];
  snprintf(path, sizeof path, "%s/%s", lab->group, file);
  pw_file_text(path, text, sizeof text);
  return name ? pw_counter(text, name) : strtoull(text, NULL, 10);
}

static void kill_all(const char *group)
{
  char path[400], line[32];
  snprintf(path, sizeof path, "%s/cgroup.procs", group);
  FILE *procs = fopen(path, "re");
  if (!procs) return;
  while (fgets(line, sizeof line, procs)) kill((pid_t)strtol(line, NULL, 10), SIGKILL);
  fclose(procs);
}

static void remove_group(const char *group)
{
  for (int i = 0; i < TRIES && rmdir(group) && errno != ENOENT; i++) {
    kill_all(group);
    pause_a_little();
  }
}

static void remove_device(int device)
{
  char path[100], number[16];
  snprintf(path, sizeof path, "/dev/zram%d", device);
  swapoff(path);
  snprintf(path, sizeof path, "/sys/block/zram%d/reset", device);
  write_text(path, "1");
  snprintf(number, sizeof number, "%d", device);
  for (int i = 0; i < TRIES && write_text(ZRAM "hot_remove", number) == EBUSY; i++) pause_a_little();
}

/* Labs whose process is gone. */
static void remove_leftovers(const char *root)
{
  DIR *folder = opendir(root);
  if (!folder) return;
  for (const struct dirent *d; (d = readdir(folder)) != NULL;) {
    int pid, device;
    char group[500];
    if (sscanf(d->d_name, PREFIX "%d-zram%d", &pid, &device) != 2 || kill(pid, 0) == 0 || errno != ESRCH) continue;
    snprintf(group, sizeof group, "%s/%s", root, d->d_name);
    remove_group(group);
    if (device >= 0) remove_device(device);
  }
  closedir(folder);
}

/* Where the memory controller is. */
static int find_root(struct pw_lab *lab, struct pw_error *err)
{
  FILE *mounts = setmntent("/proc/self/mounts", "re");
  char path[300], text[4096];
  for (const struct mntent *m; mounts && (m = getmntent(mounts)) != NULL;) {
    bool first = strcmp(m->mnt_type, "cgroup") == 0 && hasmntopt(m, "memory"), second = strcmp(m->mnt_type, "cgroup2") == 0;
    if ((!first && !second) || strlen(m->mnt_dir) >= sizeof lab->root) continue;
    snprintf(path, sizeof path, "%s/cgroup.subtree_control", m->mnt_dir);
    pw_file_text(path, text, sizeof text);
    if (second && !strstr(text, "memory")) continue;
    strcpy(lab->root, m->mnt_dir);
    lab->second = second;
  }
  if (mounts) endmntent(mounts);
  if (lab->root[0]) return 0;
  return pw_error_set(err, PW_EUNSUPPORTED, "no memory cgroups here: mount the memory controller, or (version 2) write +memory to "
                                            "cgroup.subtree_control of the root");
}

int pw_lab_group(struct pw_lab *lab, uint64_t limit_bytes, struct pw_error *err)
{
  char path[400], number[32];
  snprintf(lab->group, sizeof lab->group, "%s/" PREFIX "%d-zram%d-%u", lab->root, getpid(), lab->device, lab->runs++);
  if (mkdir(lab->group, 0755)) {
    int why = errno;
    char group[sizeof lab->group];
    strcpy(group, lab->group);
    lab->group[0] = '\0';
    return pw_error_set(err, PW_EUNSUPPORTED, "no cgroup %s: %s", group, strerror(why));
  }
  snprintf(path, sizeof path, "%s/%s", lab->group, lab->second ? "memory.max" : "memory.limit_in_bytes");
  snprintf(number, sizeof number, "%" PRIu64, limit_bytes);
  int why = write_text(path, number);
  return why ? pw_error_set(err, PW_EUNSUPPORTED, "%s: %s", path, strerror(why)) : 0;
}

void pw_lab_ungroup(struct pw_lab *lab)
{
  if (!lab->group[0]) return;
  kill_all(lab->group);
  remove_group(lab->group);
  lab->group[0] = '\0';
}

int pw_lab_join(const struct pw_lab *lab)
{
  char path[400];
  snprintf(path, sizeof path, "%s/cgroup.procs", lab->group);
  return write_text(path, "0");
}

/* ---- swap ---- */

/* The header that mkswap writes: pages of the device but the last one's number, and a mark. */
static int write_header(const char *path, uint64_t bytes)
{
  static union {
    char bytes[PAGE_BYTES];
    uint32_t words[PAGE_BYTES / 4];
  } page;
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  page.words[HEADER_AT / 4] = 1; /* version */
  page.words[HEADER_AT / 4 + 1] = (uint32_t)(bytes / PAGE_BYTES - 1);
  memcpy(page.bytes + MAGIC_AT, "SWAPSPACE2", 10);
  ssize_t done = pwrite(fd, page.bytes, sizeof page.bytes, 0);
  int why = done == (ssize_t)sizeof page.bytes ? 0 : done < 0 ? errno : ENOSPC;
  if (close(fd) && !why) why = errno;
  return why;
}

static int make_swap(struct pw_lab *lab, uint64_t bytes, struct pw_error *err)
{
  char path[100], text[64], *end;
  pw_file_text(ZRAM "hot_add", text, sizeof text); /* reading it adds one */
  long device = strtol(text, &end, 10);
  if (end == text)
    return pw_error_set(err, PW_EUNSUPPORTED, "no zram device can be made here (" ZRAM "hot_add); load the module zram, or take --swap none");
  lab->device = (int)device;
  snprintf(path, sizeof path, "/sys/block/zram%d/disksize", lab->device);
  snprintf(text, sizeof text, "%" PRIu64, bytes);
  int why = write_text(path, text);
  snprintf(path, sizeof path, "/dev/zram%d", lab->device);
  for (int i = 0; !why && i < TRIES && access(path, W_OK); i++) pause_a_little(); /* udev makes it */
  if (!why) why = write_header(path, bytes);
  if (!why && swapon(path, 0)) why = errno;
  lab->swaps = !why;
  return why ? pw_error_set(err, PW_EUNSUPPORTED, "%s does not become swap: %s", path, strerror(why)) : 0;
}

static int check_system(struct pw_error *err)
{
  char text[4096];
  if (geteuid() != 0) return pw_error_set(err, PW_EUNSUPPORTED, "validate --memory makes a cgroup and a swap device of its own, which only root can");
  pw_file_text("/sys/kernel/mm/lru_gen/enabled", text, sizeof text);
  if (text[0] && strtoull(text, NULL, 16))
    return pw_error_set(err, PW_EUNSUPPORTED, "this kernel reclaims by generations (lru_gen), and the model has its two lists; write 0 to "
                                              "/sys/kernel/mm/lru_gen/enabled");
  return 0;
}

static int check_swap(struct pw_error *err)
{
  char text[4096];
  pw_file_text("/proc/swaps", text, sizeof text);
  const char *first = strchr(text, '\n');
  return first && first[1] ? pw_error_set(err, PW_EUNSUPPORTED, "swap is on already, and would take part: %.*s; turn it off with swapoff first",
                                          (int)strcspn(first + 1, " \t\n"), first + 1)
                           : 0;
}

bool pw_lab_damon(void)
{
  char text[16];
  pw_file_text("/sys/module/damon_reclaim/parameters/enabled", text, sizeof text);
  return text[0] == 'Y';
}

unsigned pw_lab_swappiness(void)
{
  char text[16];
  pw_file_text("/proc/sys/vm/swappiness", text, sizeof text);
  return text[0] ? (unsigned)strtoul(text, NULL, 10) : 60;
}

int pw_lab_begin(struct pw_lab *lab, uint64_t swap_bytes, struct pw_error *err)
{
  *lab = (struct pw_lab){.device = -1};
  int status = check_system(err);
  if (!status) status = find_root(lab, err);
  if (!status) remove_leftovers(lab->root);
  if (!status) status = check_swap(err);
  return status || !swap_bytes ? status : make_swap(lab, swap_bytes, err);
}

void pw_lab_end(struct pw_lab *lab)
{
  pw_lab_ungroup(lab);
  if (lab->device >= 0) remove_device(lab->device);
  *lab = (struct pw_lab){.device = -1};
}
