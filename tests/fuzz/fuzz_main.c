/* Replays a fuzz corpus without libFuzzer: runs the target on every file of the
 * folders given, and fails when there is none, as an empty test proves nothing. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static void replay_file(const char *path)
{
  FILE *file = fopen(path, "rb");
  MUST(file);
  MUST(fseek(file, 0, SEEK_END) == 0);
  long n = ftell(file);
  MUST(n >= 0);
  rewind(file);
  uint8_t *data = malloc(n > 0 ? (size_t)n : 1); /* exact, for the sanitizers */
  MUST(data && fread(data, 1, (size_t)n, file) == (size_t)n);
  fclose(file);
  LLVMFuzzerTestOneInput(data, (size_t)n);
  free(data);
}

static unsigned replay_folder(const char *folder)
{
  unsigned files = 0;
  DIR *dir = opendir(folder);
  if (!dir) return 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    char path[4096];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) continue;
    fprintf(stderr, "%s\n", path); /* names the culprit if it crashes */
    replay_file(path);
    files++;
  }
  closedir(dir);
  return files;
}

int main(int argc, char **argv)
{
  unsigned files = 0;
  for (int i = 1; i < argc; i++) files += replay_folder(argv[i]);
  printf("%u corpus files replayed\n", files);
  return files > 0 ? 0 : 1;
}
