/* Sweep files: the options of a sweep, kept in YAML.
 *
 * Keys are the option names and values the same words as on the command line. Besides
 * them, `traces:` lists glob patterns relative to the file's folder, and `sweeps:` lists
 * maps of machine options; each inherits the top-level keys, and the rows of all are united. */
#ifndef CMD_SWEEPFILE_H
#define CMD_SWEEPFILE_H

#include "settings.h"

struct sweepfile {
  struct settings settings;  /* the top level */
  struct words traces;       /* matches of the patterns, in order */
  size_t n_subs;
  struct settings *subs;     /* own keys of each sub-sweep */
  struct yaml_file *yaml;    /* owns the texts */
  char **matches;            /* owns the trace names */
};

/* Reads and checks PATH. Errors name the file and the line. */
int sweepfile_read(struct sweepfile *file, const char *path, struct pw_error *err);
void sweepfile_clear(struct sweepfile *file);

#endif
