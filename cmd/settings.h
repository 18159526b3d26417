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

/* The machine's settings are its parameters, by their number (pw_parameter_entry): lists in a sweep, and in the sub-sweeps
 * of a sweep file. */
enum setting {
  N_MACHINE_SETTINGS = PW_PARAMETERS_MOST, /* those past the last parameter have no name */
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

const struct option_row *machine_rows(void); /* of[0 … N_MACHINE_SETTINGS) */
extern const struct option_row running_rows[];
extern const struct option_row reading_rows[];

/* Its row in the tables above, for a command that takes some of them only. */
const struct option_row *setting_row(size_t setting);
const char *setting_name(size_t setting); /* NULL past the last parameter */
/* The parameter of this kind, of those that are there once. */
size_t setting_of_kind(enum pw_parameter_kind kind);
/* What the setting is when it is not given, as it would be written. */
const char *setting_default(size_t setting);
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

/* Remarks on how a trace was read: what its reader says, lines left out, and that those of skip, limit and warmup that were given
 * were rounded. */
void note_reading(const struct pw_trace_options *options, const char *path, const char *remark, uint64_t bad_lines, bool rounded);

/* The words of a setting as one text, joined by ';' (to be freed), or its default. */
char *setting_text(const struct settings *settings, size_t setting);

#endif
