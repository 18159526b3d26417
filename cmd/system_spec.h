/* The options of `pagewalk system`, understood: programs, and the configurations that their lists make. */
#ifndef CMD_SYSTEM_SPEC_H
#define CMD_SYSTEM_SPEC_H

#include <stdbool.h>

#include "options.h"
#include "pagewalk.h"
#include "words.h"

/* Every option that is a word or a list of them. */
enum system_setting {
  SYS_MEMORY, SYS_KERNEL, SYS_THP, SYS_QUANTUM, SYS_PAGE_CACHE, SYS_FAULTS, SYS_ASID, SYS_RATE, SYS_TABLE, SYS_MACHINE,
  SYS_ITLB, SYS_DTLB, SYS_STLB, SYS_SEED, SYS_JOBS, SYS_EVERY, SYS_KERNEL_EVENTS, SYS_TELL, SYS_LAYOUT,
  SYS_GROUP_LIMIT, SYS_SWAP, SYS_RECLAIM, SYS_SWAPPINESS, SYS_WATERMARK_SCALE, SYS_MIN_FREE, SYS_OOM, SYS_HUGETLB, SYS_SWAP_DEVICE, SYS_SWAP_LATENCY, SYS_PAGE_CLUSTER, SYS_SETTINGS
};

struct system_settings {
  struct words of[SYS_SETTINGS];
  bool audit;
};

extern const struct option_row system_machine_rows[], system_running_rows[];

/* The name of its option, which is its key in a file. */
const char *system_setting_name(enum system_setting setting);

struct system_file;

struct system_plan {
  size_t n_programs, n_texts, n_configs, configs_room;
  struct pw_system_program *programs;
  char **texts;                    /* that the programs point into, one each */
  char **labels, **settings;       /* of the configurations */
  struct pw_system_config *configs;
  struct pw_geometry geometry;     /* borrowed by the configurations */
  unsigned jobs;
  uint64_t every, tell;
  bool recorded;                   /* addresses stay as they were recorded */
  const char *kernel_events;       /* borrowed, or NULL */
};

/* 0, or PW_EINVAL with one sentence. Where there are no operands, the programs are those of the file, which may be empty. */
int system_understand(struct system_plan *plan, const struct system_settings *settings, const struct words *operands,
                      const struct system_file *file, struct pw_error *err);
/* system_programs.c: its part of that. */
int system_programs_take(struct system_plan *plan, const struct words *operands, const struct system_file *file, struct pw_error *err);
void system_plan_clear(struct system_plan *plan);
void system_settings_clear(struct system_settings *settings);

#endif
