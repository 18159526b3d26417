/* Sweep files: the options of a sweep, kept in YAML. */
#include "sweepfile.h"

#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "yamlfile.h"

struct sub_document {
  char *values[N_MACHINE_SETTINGS];
};

struct document {
  char *values[N_SETTINGS];
  char **traces;
  unsigned n_traces;
  struct sub_document *subs;
  unsigned n_subs;
};

static cyaml_schema_field_t sub_fields[N_MACHINE_SETTINGS + 1];
static cyaml_schema_field_t fields[N_SETTINGS + 3];

static const cyaml_schema_value_t trace_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED)};
static const cyaml_schema_value_t sub_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sub_document, sub_fields)};
static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct document, fields)};

static cyaml_schema_field_t text_field(size_t setting)
{
  return (cyaml_schema_field_t){
      .key = setting_name(setting),
      .data_offset = (uint32_t)(setting * sizeof(char *)), /* `values` comes first in both documents */
      .value = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char, 1, CYAML_UNLIMITED)}};
}

/* The keys are the rows of the options. */
static void make_schema(void)
{
  size_t n = 0;
  for (size_t i = 0; i < N_SETTINGS; i++) {
    if (!setting_name(i)) continue;
    if (i < N_MACHINE_SETTINGS) sub_fields[n] = text_field(i);
    fields[n++] = text_field(i);
  }
  fields[n++] = (cyaml_schema_field_t)CYAML_FIELD_SEQUENCE_COUNT(
      "traces", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct document, traces, n_traces, &trace_schema, 1,
      CYAML_UNLIMITED);
  fields[n] = (cyaml_schema_field_t)CYAML_FIELD_SEQUENCE_COUNT(
      "sweeps", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct document, subs, n_subs, &sub_schema, 1, 10000);
}

static void place_value(struct words *words, char *value, const struct yaml_file *yaml, size_t setting, bool top, size_t mention)
{
  yaml_place(yaml, words->place, sizeof words->place, setting_name(setting), top, mention);
  words_add(words, value);
}

/* The pattern as it is, or relative to the folder of the sweep file. */
static char *pattern_at(const char *path, const char *pattern)
{
  const char *slash = strrchr(path, '/');
  if (pattern[0] == '/' || !slash) return heap_text("%s", pattern);
  char *folder = heap_zero(2 * (size_t)(slash - path) + 1, 1);
  size_t n = 0;
  for (const char *c = path; c < slash; c++) {
    if (strchr("*?[\\", *c)) folder[n++] = '\\'; /* the folder's own name is no pattern */
    folder[n++] = *c;
  }
  char *whole = heap_text("%s/%s", folder, pattern);
  free(folder);
  return whole;
}

static int find_traces(struct sweepfile *file, const struct document *document, const struct yaml_file *yaml, struct pw_error *err)
{
  size_t room = 0;
  int status = 0;
  unsigned line = yaml_line_of_key(yaml->text, "traces", true, 1);
  for (unsigned i = 0; !status && i < document->n_traces; i++) {
    char *pattern = pattern_at(yaml->path, document->traces[i]);
    glob_t found = {0};
    if (glob(pattern, GLOB_BRACE | GLOB_TILDE, NULL, &found) || !found.gl_pathc)
      status = pw_error_set(err, PW_EINVAL, "%s, line %u, traces: no file matches '%s'", yaml->path, line, pattern);
    for (size_t m = 0; !status && m < found.gl_pathc; m++) {
      file->matches = heap_grow(file->matches, &room, file->traces.n + 1, sizeof *file->matches);
      file->matches[file->traces.n] = heap_text("%s", found.gl_pathv[m]);
      words_add(&file->traces, file->matches[file->traces.n]);
    }
    globfree(&found);
    free(pattern);
  }
  return status;
}

static int take_document(struct sweepfile *file, const struct document *document, struct pw_error *err)
{
  const struct yaml_file *yaml = file->yaml;
  size_t mentions[N_MACHINE_SETTINGS] = {0};
  for (size_t i = 0; i < N_SETTINGS; i++)
    if (document->values[i]) place_value(&file->settings.of[i], document->values[i], yaml, i, true, 1);
  file->n_subs = document->n_subs;
  file->subs = heap_zero(document->n_subs, sizeof *file->subs);
  for (unsigned s = 0; s < document->n_subs; s++)
    for (size_t i = 0; i < N_MACHINE_SETTINGS; i++)
      if (document->subs[s].values[i]) place_value(&file->subs[s].of[i], document->subs[s].values[i], yaml, i, false, ++mentions[i]);
  return find_traces(file, document, yaml, err);
}

static const char *const command_only[] = {"output", "no-charts", "explain", "resume", "force", "quiet", NULL};
static const char *keys[N_SETTINGS + 3] = {"traces", "sweeps"};
static const struct yaml_form form = {.schema = &schema, .keys = keys, .command_only = command_only, .first = "traces:",
                                      .example = "page-size: 4K,2M", .list = "a list belongs here, such as traces: [a.pwt, b.pwt]",
                                      .at_top = "it applies to all sub-sweeps: write it at the top level"};

int sweepfile_read(struct sweepfile *file, const char *path, struct pw_error *err)
{
  size_t n = 2;
  *file = (struct sweepfile){.yaml = heap_zero(1, sizeof *file->yaml)};
  make_schema();
  for (size_t i = 0; i < N_SETTINGS; i++)
    if (setting_name(i)) keys[n++] = setting_name(i);
  int status = yaml_read(file->yaml, path, &form, err);
  return status ? status : take_document(file, file->yaml->document, err);
}

void sweepfile_clear(struct sweepfile *file)
{
  settings_clear(&file->settings);
  for (size_t i = 0; i < file->n_subs; i++)
    for (int s = 0; s < N_SETTINGS; s++) words_clear(&file->subs[i].of[s]);
  free(file->subs);
  for (size_t i = 0; i < file->traces.n; i++) free(file->matches[i]);
  free(file->matches);
  words_clear(&file->traces);
  if (file->yaml) yaml_clear(file->yaml);
  free(file->yaml);
  *file = (struct sweepfile){0};
}
