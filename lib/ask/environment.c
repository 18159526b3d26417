/* What a program is run with. See environment.h. */
#include "ask/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "judge/drain.h"

/* Valgrind's processor is an Intel one with AVX2 and no more. glibc chooses its string functions,
 * how it saves registers and where ld.so looks for libraries by the processor's features, so it is
 * told to do without those that differ, and without restartable sequences, in both runs. */
#define HUGE_TUNABLE ":glibc.malloc.hugetlb=1" /* malloc asks for huge pages by madvise */
#define TUNABLES "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512CD,-AVX512DQ,-ERMS,-FSRM,-XSAVEC,-XSAVE,-MOVBE,-LZCNT:glibc.pthread.rseq=0"

void pw_environment_clear(struct pw_environment *e)
{
  pw_free(e->list);
  pw_free(e->tunables);
  pw_free(e->padding);
}

/* Ours, with glibc's tunables, of malloc too, and so many bytes more if `padding` is not 0. */
int pw_environment_make(struct pw_environment *e, bool malloc_asks, size_t padding, struct pw_error *err)
{
  static const char name[] = "PAGEWALK_PADDING=";
  const char *old = getenv("GLIBC_TUNABLES");
  size_t n = 0, to = 0, room = (old ? strlen(old) : 0) + sizeof TUNABLES + sizeof HUGE_TUNABLE + 32;
  while (environ[n]) n++;
  *e = (struct pw_environment){.list = pw_calloc(n + 3, sizeof *e->list), .tunables = pw_malloc(room, 1)};
  if (padding) e->padding = pw_calloc(sizeof name + padding, 1);
  if (!e->list || !e->tunables || (padding && !e->padding)) {
    pw_environment_clear(e);
    *e = (struct pw_environment){0};
    return pw_error_set(err, PW_ENOMEM, "memory ran out for the environment of the program; free some and run again");
  }
  snprintf(e->tunables, room, "GLIBC_TUNABLES=%s%s%s%s", old ? old : "", old ? ":" : "", TUNABLES, malloc_asks ? HUGE_TUNABLE : "");
  e->list[to++] = e->tunables;
  if (padding) {
    memcpy(e->padding, name, sizeof name - 1);
    memset(e->padding + sizeof name - 1, 'x', padding);
    e->list[to++] = e->padding;
  }
  for (size_t i = 0; i < n; i++)
    if (strncmp(environ[i], "GLIBC_TUNABLES=", 15) != 0) e->list[to++] = environ[i];
  return 0;
}

int pw_environment_record(char *const argv[], struct pw_record_options how, bool malloc_asks, struct pw_record_info *recorded, struct pw_error *err)
{
  struct pw_environment environment;
  struct pw_drain drain;
  int status = pw_environment_make(&environment, malloc_asks, 0, err);
  if (status) return status;
  status = pw_drain_start(&drain, false, err);
  how.first_only = true;
  how.environment = environment.list;
  how.program_output = drain.output;
  if (!status) status = pw_record(argv, &how, recorded, err);
  pw_drain_end(&drain);
  pw_environment_clear(&environment);
  if (!status && recorded->interrupted) status = pw_error_set(err, PW_EINTERRUPTED, "interrupted");
  if (!status && !recorded->traces)
    status = pw_error_set(err, PW_EUNSUPPORTED, "%s made no access that was recorded, so there is nothing to compare", argv[0]);
  return status;
}
