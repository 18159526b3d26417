/* The program to record: found as execvp would, refused where recording cannot work, and given its streams. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/program.h"

static bool is_file(const char *path)
{
  struct stat st;
  return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Looks through PATH; *hidden gets the first one that is there but not executable. */
static bool search(char *path, size_t n_path, const char *name, bool *hidden)
{
  const char *folder = getenv("PATH");
  *hidden = false;
  if (!folder) folder = "/usr/local/bin:/usr/bin:/bin";
  for (;;) {
    size_t n = strcspn(folder, ":");
    int written = snprintf(path, n_path, "%.*s%s%s", (int)n, folder, n ? "/" : "./", name);
    if (written > 0 && (size_t)written < n_path && is_file(path)) {
      if (access(path, X_OK) == 0) return true;
      *hidden = true;
    }
    if (!folder[n]) return false;
    folder += n + 1;
  }
}

static int check_rights(const char *path, struct pw_error *err)
{
  struct stat st;
  if (stat(path, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)))
    return pw_error_set(err, PW_EUNSUPPORTED,
                        "%s is setuid or setgid, and such a program cannot be recorded; record a copy without that bit", path);
  return 0;
}

/* The word behind #!, in place. */
static const char *interpreter(char *head)
{
  char *start = head + 2 + strspn(head + 2, " \t");
  start[strcspn(start, " \t\n")] = '\0';
  return start;
}

static int check_file(const char *path, char *head, size_t n_head, struct pw_error *err)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return pw_error_set(err, PW_EUNSUPPORTED, "%s cannot be read: %s; recording needs to read it", path, strerror(errno));
  ssize_t n = read(fd, head, n_head - 1);
  close(fd);
  if (n < 0) n = 0;
  memset(head + n, 0, n_head - (size_t)n);
  if (head[0] == '#' && head[1] == '!') return 0;
  if (n < 20 || memcmp(head, ELFMAG, SELFMAG) != 0)
    return pw_error_set(err, PW_EUNSUPPORTED,
                        "%s is neither an ELF program nor a script that starts with #!; name its interpreter", path);
  if (head[EI_CLASS] != ELFCLASS64 || head[18] != EM_X86_64 || head[19] != 0)
    return pw_error_set(err, PW_EUNSUPPORTED, "%s is not a 64-bit x86-64 program; --backend qemu records those of other machines",
                        path);
  return 0;
}

/* The program, and for a script its interpreter. */
int pw_program_check(const char *path, struct pw_error *err)
{
  char heads[2][256];
  const char *file = path;
  for (int depth = 0; depth < 2; depth++) {
    char *head = heads[depth];
    int status = check_file(file, head, sizeof heads[0], err);
    if (status || head[0] != '#') return status;
    file = interpreter(head);
  }
  return pw_error_set(err, PW_EUNSUPPORTED, "%s: its interpreter is a script too, and such cannot be recorded; name the "
                                            "interpreter of that before it", path);
}

int pw_program_find(char *path, size_t n_path, const char *name, struct pw_error *err)
{
  bool hidden = false;
  if (strchr(name, '/')) {
    struct stat st;
    if (stat(name, &st)) return pw_error_set(err, PW_EIO, "%s: %s; name a program to record", name, strerror(errno));
    if (S_ISDIR(st.st_mode)) return pw_error_set(err, PW_EIO, "%s is a folder; name a program to record", name);
    if (strlen(name) >= n_path) return pw_error_set(err, PW_EINVAL, "the path of the program is too long");
    strcpy(path, name);
    hidden = access(name, X_OK) != 0;
  } else if (!*name || (!search(path, n_path, name, &hidden) && !hidden)) {
    return pw_error_set(err, PW_EIO, "there is no program '%s' in PATH; name it with its path", name);
  }
  if (hidden) return pw_error_set(err, PW_EIO, "%s is not executable; chmod +x it, or name its interpreter", name);
  return check_rights(path, err);
}

int pw_capture_check(const char *folder, struct pw_error *err)
{
  char path[4096];
  static const char *const files[] = {"launch", "pagewalk-amd64-linux"};
  for (size_t i = 0; i < 2; i++) {
    int n = folder ? snprintf(path, sizeof path, "%s/%s", folder, files[i]) : -1;
    if (n < 0 || (size_t)n >= sizeof path || access(path, X_OK))
      return pw_error_set(err, PW_EUNSUPPORTED,
                          "this pagewalk was built without its capture tool, which record needs: "
                          "install the package valgrind (scripts/setup) and build again");
  }
  return 0;
}

void pw_program_before(int output)
{
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  if (!output) return;
  int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, 0);
  if (null > 2) close(null);
  dup2(output, 1);
  dup2(output, 2);
}
