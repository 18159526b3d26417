/* The machine and trace options that run, sweep and sweep files share.
 *
 * Every setting is kept as the words given until all sources are merged (a sweep file,
 * then the command line, which wins); only then are the words understood. The rows of
 * settings.c drive the command line, its help, the keys of sweep files and manifest.json. */
#ifndef CMD_SETTINGS_H
#define CMD_SETTINGS_H

#include <stdio.h>

#include "options.h"
#include "pagewalk.h"
#include "words.h"

enum setting {
  /* the machine: lists in a sweep, and in the sub-sweeps of a sweep file */
  SET_PAGE_SIZE, SET_TABLE, SET_LEVELS, SET_VA_BITS, SET_MACHINE, SET_ITLB, SET_DTLB, SET_STLB,
  SET_MEMORY, SET_MEMORY_POLICY,
  N_MACHINE_SETTINGS,
  /* how the machine runs: one value each */
  SET_SEED = N_MACHINE_SETTINGS, SET_ASID, SET_ONLY, SET_ENGINE, SET_JOBS,
  N_RUN_SETTINGS,
  /* how traces are read */
  SET_FORMAT = N_RUN_SETTINGS, SET_SKIP_BAD, SET_IGNORE, SET_SKIP, SET_LIMIT, SET_WARMUP,
  N_SETTINGS
};

struct settings {
  struct words of[N_SETTINGS];
};

extern const struct option_row machine_rows[]; /* of[0 … N_MACHINE_SETTINGS) */
extern const struct option_row running_rows[];
extern const struct option_row reading_rows[];

/* Its row in the tables above, for a command that takes some of them only. */
const struct option_row *setting_row(enum setting setting);
const char *setting_name(enum setting setting);
/* What the setting is when it is not given, as it would be written. */
const char *setting_default(enum setting setting);
void settings_clear(struct settings *settings);
/* Where `over` gives words they replace those of `under`. The result borrows the texts. */
void settings_merge(struct settings *result, const struct settings *under, const struct settings *over);

/* The single-valued settings, understood. */
struct running {
  enum pw_stream only;
  bool no_asid;
  uint64_t seed;
  enum pw_engine_choice engine;
  unsigned jobs;
  struct pw_trace_options trace;
};
/* What the library wants of them. */
struct pw_run_options running_options(const struct running *running);
int settings_understand(const struct settings *settings, struct running *running, struct pw_error *err);

/* Remarks that those of skip, limit and warmup that were given were rounded. */
void note_rounded(const struct pw_trace_options *options, const char *path);

/* The words of a setting as one text, joined by ';' (to be freed), or its default. */
char *setting_text(const struct settings *settings, enum setting setting);

#endif
