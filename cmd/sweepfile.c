/* Sweep files: the options of a sweep, kept in YAML and read through libcyaml.
 *
 * libcyaml tells a schema error through its log, with the line; for a syntax error, whose
 * line it keeps to itself, libyaml is asked again. What is wrong inside a value is found
 * later, so every value remembers the line its key is on. */
#include "sweepfile.h"

#include <cyaml/cyaml.h>
#include <ctype.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "files.h"
#include "heap.h"
#include "say.h"

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

/* What the log of libcyaml said: the first error, and the innermost line of its backtrace. */
struct complaint {
  char text[256];
  unsigned line;
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

static void take_log(cyaml_log_t level, void *context, const char *format, va_list args)
{
  struct complaint *complaint = context;
  char text[256];
  if (level < CYAML_LOG_ERROR) return;
  vsnprintf(text, sizeof text, format, args);
  text[strcspn(text, "\n")] = '\0';
  const char *line = strstr(text, "(line: ");
  if (line && !complaint->line) complaint->line = (unsigned)strtoul(line + 7, NULL, 10);
  const char *message = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
  if (!complaint->text[0] && !line && strncmp(message, "Backtrace", 9) != 0)
    snprintf(complaint->text, sizeof complaint->text, "%s", message);
}

/* The line of the n-th mention (from 1) of a key, at the top level or below it; 0 if not
 * found. Only for messages: a flow map or a quoted key may escape it. */
static unsigned line_of_key(const char *text, const char *key, bool top, size_t n)
{
  size_t length = strlen(key);
  unsigned number = 1;
  for (const char *line = text; *line; number++) {
    const char *end = strchrnul(line, '\n');
    for (const char *at = line; at + length < end && *at != '#'; at++) {
      bool starts = at == line || strchr(" \t{,-\"'", at[-1]);
      if (!starts || memcmp(at, key, length) != 0 || !strchr(":\"' ", at[length])) continue;
      bool is_top = at == line || (at == line + 1 && strchr("\"'{", *line));
      if (is_top == top && --n == 0) return number;
      break;
    }
    line = *end ? end + 1 : end;
  }
  return 0;
}

/* What libyaml says, in words about the file; `opened`: the line that matters is where
 * the unfinished thing begins. */
static const struct {
  const char *problem, *text;
  bool opened;
} syntax[] = {
    {"did not find expected key", "no key of this map can stand here; check how far the line is indented", false},
    {"mapping values are not allowed", "a ': ' stands inside a value; put the value in quotes", false},
    {"cannot start any token", "no value begins with this character; indent with blanks, not tabs, or put the value in quotes",
     false},
    {"could not find expected ':'", "a ':' is missing after the key", true},
    {"found unexpected end of stream", "a quote is opened and never closed", true},
    {"did not find expected ',' or ']'", "a '[' is opened and never closed", true},
    {"did not find expected ',' or '}'", "a '{' is opened and never closed", true},
    {"control characters", "there is a control character; remove it", false},
    {"UTF-8", "the text is not UTF-8; save the file as that", false},
};

static int explain_syntax(const char *path, const char *text, const yaml_parser_t *parser, struct pw_error *err)
{
  const char *problem = parser->problem ? parser->problem : "it is no YAML";
  size_t line = parser->problem_mark.line + 1;
  if (parser->error == YAML_READER_ERROR) {
    line = 1;
    for (size_t i = 0; i < parser->problem_offset && text[i]; i++) line += text[i] == '\n';
  }
  for (size_t i = 0; i < sizeof syntax / sizeof *syntax; i++)
    if (strstr(problem, syntax[i].problem))
      return pw_error_set(err, PW_EINVAL, "%s, line %zu: %s", path,
                          syntax[i].opened ? parser->context_mark.line + 1 : line, syntax[i].text);
  return pw_error_set(err, PW_EINVAL, "%s, line %zu: the text is not YAML: %s", path, line, problem);
}

/* Reads the text once more, for the place of its first syntax error. */
static int complain_syntax(const char *path, const char *text, size_t n, struct pw_error *err)
{
  yaml_parser_t parser;
  yaml_event_t event;
  bool more = true;
  if (!yaml_parser_initialize(&parser)) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
  while (more && yaml_parser_parse(&parser, &event)) {
    more = event.type != YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
  }
  int status = explain_syntax(path, text, &parser, err);
  yaml_parser_delete(&parser);
  return status;
}

/* Keys that name an option of the command itself, or nothing known. */
static void advise(char *advice, size_t n, const char *key)
{
  static const char *const command_only[] = {"output", "no-charts", "explain", "resume", "force", "quiet", NULL};
  const char *names[N_SETTINGS + 3] = {"traces", "sweeps"};
  size_t n_names = 2;
  for (size_t i = 0; i < N_SETTINGS; i++)
    if (setting_name(i)) names[n_names++] = setting_name(i);
  for (size_t i = 0; command_only[i]; i++)
    if (strcmp(key, command_only[i]) == 0) {
      snprintf(advice, n, "; give it on the command line as %s%s", i ? "--" : "-o", i ? key : "");
      return;
    }
  const char *near = pw_nearest_name(names, key);
  if (near && strcmp(near, key) == 0)
    snprintf(advice, n, "; it applies to all sub-sweeps: write it at the top level");
  else if (near)
    snprintf(advice, n, "; did you mean %s?", near);
}

static int complain(const char *path, const char *text, const struct complaint *complaint, cyaml_err_t code,
                    struct pw_error *err)
{
  static const char unexpected[] = "Unexpected key: ", seen[] = "Mapping field already seen: ";
  const char *what = complaint->text[0] ? complaint->text : cyaml_strerror(code);
  unsigned line = complaint->line;
  char advice[160] = "";
  if (strncmp(what, unexpected, sizeof unexpected - 1) == 0) {
    const char *key = what + sizeof unexpected - 1;
    unsigned below = line_of_key(text, key, false, 1), at_top = line_of_key(text, key, true, 1);
    if (at_top || below) line = at_top ? at_top : below;
    advise(advice, sizeof advice, key);
    return pw_error_set(err, PW_EINVAL, "%s, line %u: there is no key '%s'%s", path, line, key, advice);
  }
  if (strncmp(what, seen, sizeof seen - 1) == 0) {
    const char *key = what + sizeof seen - 1;
    unsigned again = line_of_key(text, key, true, 2);
    return pw_error_set(err, PW_EINVAL, "%s, line %u: the key '%s' is given twice", path, again ? again : line, key);
  }
  if (strstr(what, "Expecting STRING, got event: SEQUENCE"))
    what = "a list stands where one text belongs; write it as on the command line, such as page-size: 4K,2M";
  else if (strstr(what, "Expecting STRING"))
    what = "a map stands where one text belongs; write it as on the command line, such as page-size: 4K,2M";
  else if (strstr(what, "Expecting SEQUENCE"))
    what = "a list belongs here, such as traces: [a.pwt, b.pwt]";
  else if (strstr(what, "Expecting MAPPING"))
    what = "keys and values belong here, such as page-size: 4K,2M";
  else if (code == CYAML_ERR_STRING_LENGTH_MIN)
    what = "the key has no value";
  else if (code == CYAML_ERR_ALIAS)
    what = "aliases (*name) are not supported; write the value out";
  else if (code == CYAML_ERR_INTERNAL_ERROR)
    what = "a key is not one word; keys are the names of options, such as page-size";
  if (!line) line = 1;
  return pw_error_set(err, PW_EINVAL, "%s, line %u: %s", path, line, what);
}

static void place_value(struct words *words, char *value, const char *path, const char *text,
                        size_t setting, bool top, size_t mention)
{
  unsigned line = line_of_key(text, setting_name(setting), top, mention);
  if (line)
    snprintf(words->place, sizeof words->place, "%.150s, line %u, %s", path, line, setting_name(setting));
  else
    snprintf(words->place, sizeof words->place, "%.150s, %s", path, setting_name(setting));
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

static int find_traces(struct sweepfile *file, const struct document *document, const char *path,
                       const char *text, struct pw_error *err)
{
  size_t room = 0;
  int status = 0;
  unsigned line = line_of_key(text, "traces", true, 1);
  for (unsigned i = 0; !status && i < document->n_traces; i++) {
    char *pattern = pattern_at(path, document->traces[i]);
    glob_t found = {0};
    if (glob(pattern, GLOB_BRACE | GLOB_TILDE, NULL, &found) || !found.gl_pathc)
      status = pw_error_set(err, PW_EINVAL, "%s, line %u, traces: no file matches '%s'", path, line, pattern);
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

static const cyaml_config_t free_config = {.mem_fn = cyaml_mem, .flags = CYAML_CFG_NO_ALIAS};

static int take_document(struct sweepfile *file, const struct document *document, const char *path,
                         const char *text, struct pw_error *err)
{
  size_t mentions[N_MACHINE_SETTINGS] = {0};
  for (size_t i = 0; i < N_SETTINGS; i++)
    if (document->values[i]) place_value(&file->settings.of[i], document->values[i], path, text, i, true, 1);
  file->n_subs = document->n_subs;
  file->subs = heap_zero(document->n_subs, sizeof *file->subs);
  for (unsigned s = 0; s < document->n_subs; s++)
    for (size_t i = 0; i < N_MACHINE_SETTINGS; i++)
      if (document->subs[s].values[i])
        place_value(&file->subs[s].of[i], document->subs[s].values[i], path, text, i, false, ++mentions[i]);
  return find_traces(file, document, path, text, err);
}

int sweepfile_read(struct sweepfile *file, const char *path, struct pw_error *err)
{
  struct complaint complaint = {0};
  cyaml_config_t config = free_config;
  size_t n;
  *file = (struct sweepfile){0};
  make_schema();
  char *text = file_text(path, &n, err);
  if (!text) return PW_EIO;
  config.log_fn = take_log;
  config.log_ctx = &complaint;
  config.log_level = CYAML_LOG_ERROR;
  cyaml_data_t *document = NULL;
  cyaml_err_t code = cyaml_load_data((const uint8_t *)text, n, &config, &schema, &document, NULL);
  int status;
  if (code == CYAML_ERR_OOM)
    status = pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  else if (code == CYAML_ERR_LIBYAML_PARSER)
    status = complain_syntax(path, text, n, err);
  else if (code != CYAML_OK)
    status = complain(path, text, &complaint, code, err);
  else if (!document)
    status = pw_error_set(err, PW_EINVAL, "%s, line 1: there is no key; write traces: and options, such as page-size: 4K,2M",
                          path);
  else
    status = take_document(file, document, path, text, err);
  file->document = document;
  free(text);
  return status;
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
  if (file->document) cyaml_free(&free_config, &schema, file->document, 0);
  *file = (struct sweepfile){0};
}

int sweepfile_is(const char *path)
{
  size_t n = strlen(path);
  return (n > 5 && strcmp(path + n - 5, ".yaml") == 0) || (n > 4 && strcmp(path + n - 4, ".yml") == 0);
}
