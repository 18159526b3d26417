/* The file of a computer and its programs. See system_file.h. */
#include "system_file.h"

#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "yamlfile.h"

enum { TRACE, NAME, COPIES, START, OOM_SCORE_ADJ, OOM_ADJ, NICE, PROGRAM_KEYS };

struct program_document {
  char *values[PROGRAM_KEYS];
};

struct system_document {
  char *values[SYS_SETTINGS];
  struct program_document *programs;
  unsigned n_programs;
};

static const char *const program_keys[PROGRAM_KEYS] = {"trace", "name", "copies", "start", "oom_score_adj", "oom_adj", "nice"};

static cyaml_schema_field_t program_fields[PROGRAM_KEYS + 1], fields[SYS_SETTINGS + 2];
static const char *keys[SYS_SETTINGS + PROGRAM_KEYS + 2] = {"processes"};

static const cyaml_schema_value_t program_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct program_document, program_fields)};
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct system_document, fields)};
static const char *const command_only[] = {"by", "csv", "json", "no-charts", "output", "quiet", "target", "audit", NULL};
static const struct yaml_form form = {.schema = &schema, .keys = keys, .command_only = command_only, .first = "processes:",
                                      .example = "memory: 256M", .list = "a list belongs here, such as processes: [{trace: a.pwt}]",
                                      .at_top = "it is of the whole computer: write it at the top level"};

static cyaml_schema_field_t text_field(const char *key, size_t number)
{
  return (cyaml_schema_field_t){.key = key, .data_offset = (uint32_t)(number * sizeof(char *)), /* `values` comes first in both */
                                .value = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char, 1, CYAML_UNLIMITED)}};
}

/* The keys are the rows of the options. */
static void make_schema(void)
{
  size_t n = 0, n_keys = 1;
  for (size_t i = 0; i < SYS_SETTINGS; i++) {
    fields[n++] = text_field(system_setting_name((enum system_setting)i), i);
    keys[n_keys++] = system_setting_name((enum system_setting)i);
  }
  fields[n] = (cyaml_schema_field_t)CYAML_FIELD_SEQUENCE_COUNT("processes", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct system_document,
                                                               programs, n_programs, &program_schema, 1, 10000);
  for (size_t i = 0; i < PROGRAM_KEYS; i++) {
    program_fields[i] = text_field(program_keys[i], i);
    keys[n_keys++] = program_keys[i];
  }
}

/* Relative to the folder of the file. */
static char *trace_at(const char *path, const char *trace)
{
  const char *slash = strrchr(path, '/');
  if (trace[0] == '/' || !slash || strcmp(trace, "-") == 0) return heap_text("%s", trace);
  return heap_text("%.*s%s", (int)(slash + 1 - path), path, trace);
}

static int take_program(struct system_file *file, const struct program_document *d, size_t number, size_t mentions[], struct pw_error *err)
{
  const struct yaml_file *yaml = file->yaml;
  struct system_program_words *p = &file->programs[file->n_programs];
  struct words *const words[PROGRAM_KEYS] = {NULL, NULL, &p->copies, &p->start, &p->oom_score_adj, &p->oom_adj, &p->nice};
  if (!d->values[TRACE])
    return pw_error_set(err, PW_EINVAL, "%s, line %u: process %zu of the list has no trace; add trace: FILE", yaml->path,
                        yaml_line_of_key(yaml->text, "processes", true, 1), number + 1);
  p->trace = trace_at(yaml->path, d->values[TRACE]);
  p->name = d->values[NAME];
  file->n_programs++;
  for (int k = COPIES; k < PROGRAM_KEYS; k++) {
    if (!d->values[k]) continue;
    yaml_place(yaml, words[k]->place, sizeof words[k]->place, program_keys[k], false, ++mentions[k]);
    words_add(words[k], d->values[k]);
  }
  return 0;
}

int system_file_read(struct system_file *file, struct system_settings *settings, const char *path, struct pw_error *err)
{
  size_t mentions[PROGRAM_KEYS] = {0};
  *file = (struct system_file){.yaml = heap_zero(1, sizeof *file->yaml)};
  make_schema();
  int status = yaml_read(file->yaml, path, &form, err);
  if (status) return status;
  const struct system_document *d = file->yaml->document;
  for (size_t i = 0; i < SYS_SETTINGS; i++) {
    struct words *w = &settings->of[i];
    if (!d->values[i] || w->n) continue; /* the command line replaces it */
    yaml_place(file->yaml, w->place, sizeof w->place, system_setting_name((enum system_setting)i), true, 1);
    words_add(w, d->values[i]);
  }
  file->programs = heap_zero(d->n_programs ? d->n_programs : 1, sizeof *file->programs);
  for (unsigned i = 0; !status && i < d->n_programs; i++) status = take_program(file, &d->programs[i], i, mentions, err);
  return status;
}

void system_file_clear(struct system_file *file)
{
  for (size_t i = 0; i < file->n_programs; i++) {
    free(file->programs[i].trace);
    words_clear(&file->programs[i].copies);
    words_clear(&file->programs[i].start);
    words_clear(&file->programs[i].oom_score_adj);
    words_clear(&file->programs[i].oom_adj);
    words_clear(&file->programs[i].nice);
  }
  free(file->programs);
  if (file->yaml) yaml_clear(file->yaml);
  free(file->yaml);
  *file = (struct system_file){0};
}
