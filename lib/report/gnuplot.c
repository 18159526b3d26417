/* Runs gnuplot on a script, without a shell.
 *
 * gnuplot reads the script from memory (a memfd, so no pipe can fill up or
 * break), writes the picture to its standard output, which is the temporary
 * file of the chart, and complains into another memfd, whose first line ends up
 * in the error. It never sees a file name, and inherits these three alone.
 *
 * The program is "gnuplot" on the PATH, or what PAGEWALK_GNUPLOT names. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/gnuplot.h"

extern char **environ;

static const char *program(void)
{
  const char *named = getenv("PAGEWALK_GNUPLOT");
  return named && *named ? named : "gnuplot";
}

static FILE *memory_file(const char *name, struct pw_error *err)
{
  int fd = memfd_create(name, MFD_CLOEXEC);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");
  if (file) return file;
  pw_error_set(err, PW_EIO, "no room for a gnuplot script: %s; close some files and run again", strerror(errno));
  if (fd >= 0) close(fd);
  return NULL;
}

FILE *pw_gnuplot_script(struct pw_error *err)
{
  return memory_file("gnuplot-script", err);
}

/* Starts the program with these three descriptors and default signals. */
static int spawn(pid_t *pid, int in, int out, int complaints)
{
  char *argv[] = {(char *)program(), (char *)"-d", (char *)"/dev/stdin", NULL}; /* "-" would be read a byte at a time */
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&how);
  posix_spawn_file_actions_adddup2(&files, in, 0);
  posix_spawn_file_actions_adddup2(&files, out, 1);
  posix_spawn_file_actions_adddup2(&files, complaints, 2);
  posix_spawn_file_actions_addclosefrom_np(&files, 3);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &all);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int cause = posix_spawnp(pid, argv[0], &files, &how, argv, environ);
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  return cause;
}

/* What gnuplot complained of: its "line N: ..." if there is one, else its first words. */
static void first_complaint(FILE *complaints, char *text, size_t n_text)
{
  char line[400];
  bool found = false;
  snprintf(text, n_text, "it gave no reason");
  rewind(complaints);
  while (fgets(line, sizeof line, complaints)) {
    char *start = line + strspn(line, " \t\r\n^");
    start[strcspn(start, "\r\n")] = 0;
    if (strncmp(start, "\"/dev/stdin\" ", 13) == 0) start += 13;
    if (!*start || strstr(start, "warning: ")) continue;
    bool numbered = strncmp(start, "line ", 5) == 0;
    if (numbered || !found) snprintf(text, n_text, "%s", start);
    found = true;
    if (numbered) return;
  }
}

static int not_started(int cause, const char *path, struct pw_error *err)
{
  if (cause == ENOENT)
    return pw_error_set(err, PW_EIO,
                        "%s cannot be drawn: the program %s was not found; install gnuplot (Debian: gnuplot-nox), "
                        "then draw from the CSV with 'pagewalk plot'",
                        path, program());
  return pw_error_set(err, PW_EIO, "%s cannot be drawn: the program %s does not start: %s; check that it can be run",
                      path, program(), strerror(cause));
}

static int wait_for(pid_t pid)
{
  int how;
  while (waitpid(pid, &how, 0) < 0)
    if (errno != EINTR) return -1;
  return how;
}

/* gnuplot does not say that it could not write. */
static bool is_full(FILE *picture)
{
  struct statvfs room;
  return fstatvfs(fileno(picture), &room) == 0 && room.f_bavail == 0;
}

static int run(FILE *script, FILE *picture, FILE *complaints, const char *path, struct pw_error *err)
{
  pid_t pid;
  struct stat st;
  char complaint[400];
  if (fflush(script) || ferror(script) || fseek(script, 0, SEEK_SET))
    return pw_error_set(err, PW_EIO, "%s cannot be drawn: memory ran out for its script; give fewer rows", path);
  int cause = spawn(&pid, fileno(script), fileno(picture), fileno(complaints));
  if (cause) return not_started(cause, path, err);
  int how = wait_for(pid);
  if (how >= 0 && WIFSIGNALED(how))
    return pw_error_set(err, PW_EIO, "%s cannot be drawn: gnuplot was stopped by signal %d; run again", path,
                        WTERMSIG(how));
  if (how != 0 && is_full(picture))
    return pw_error_set(err, PW_EIO, "%s cannot be written: %s; free some room and run again", path, strerror(ENOSPC));
  if (how != 0) {
    first_complaint(complaints, complaint, sizeof complaint);
    return pw_error_set(err, PW_EIO, "%s cannot be drawn: gnuplot says: %s; gnuplot 5.4 or later is needed", path,
                        complaint);
  }
  if (fstat(fileno(picture), &st) || st.st_size == 0)
    return pw_error_set(err, PW_EIO, "%s cannot be drawn: gnuplot drew nothing; check that it can draw this format",
                        path);
  return 0;
}

/* cairo stamps a PDF with the time of day; the same data must give the same bytes. */
static void forget_date(int fd)
{
  static const char stamp[] = "/CreationDate (D:";
  struct stat st;
  if (fstat(fd, &st) || st.st_size < 64) return;
  size_t n = (size_t)st.st_size;
  char *bytes = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (bytes == MAP_FAILED) return;
  char *at = memmem(bytes, n, stamp, sizeof stamp - 1);
  if (at && (size_t)(bytes + n - at) > sizeof stamp + 14) memcpy(at + sizeof stamp - 1, "19700101000000", 14);
  munmap(bytes, n);
}

int pw_gnuplot_run(FILE *script, const char *path, struct pw_error *err)
{
  struct pw_output *output = NULL;
  FILE *complaints = memory_file("gnuplot-complaints", err);
  int status = complaints ? pw_output_open(&output, path, err) : PW_EIO;
  if (!status) {
    FILE *picture = pw_output_stream(output);
    status = run(script, picture, complaints, path, err);
    const char *suffix = strrchr(path, '.');
    if (!status && suffix && strcmp(suffix, ".pdf") == 0) forget_date(fileno(picture));
    if (status) pw_output_abandon(output);
    else status = pw_output_commit(output, err);
  }
  if (complaints) fclose(complaints);
  fclose(script);
  return status;
}
