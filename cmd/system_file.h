/* The file of a computer and its programs, in YAML: the options of `pagewalk system` by their names, and `processes:`, a list
 * of maps with trace (relative to the file's folder), name, copies, start, oom_score_adj, oom_adj and nice. */
#ifndef CMD_SYSTEM_FILE_H
#define CMD_SYSTEM_FILE_H

#include "system_spec.h"

struct yaml_file;

struct system_file {
  struct yaml_file *yaml;   /* owns the texts */
  struct system_program_words {
    char *trace;            /* owned */
    const char *name;       /* or NULL */
    struct words copies, start, oom_score_adj, oom_adj, nice;
  } *programs;
  size_t n_programs;
};

/* What the file says where the settings say nothing. Errors name the file and the line. Clear it in any case. */
int system_file_read(struct system_file *file, struct system_settings *settings, const char *path, struct pw_error *err);
void system_file_clear(struct system_file *file);

#endif
