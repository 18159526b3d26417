/* YAML files through libcyaml. See yamlfile.h.
 *
 * libcyaml tells a schema error through its log, with the line; for a syntax error, whose
 * line it keeps to itself, libyaml is asked again. What is wrong inside a value is found
 * later, so every value remembers the line its key is on. */
#include "yamlfile.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "files.h"
#include "heap.h"

/* What the log of libcyaml said: the first error, and the innermost line of its backtrace. */
struct complaint {
  char text[256];
  unsigned line;
};

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

unsigned yaml_line_of_key(const char *text, const char *key, bool top, size_t n)
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
static void advise(char *advice, size_t n, const char *key, const struct yaml_form *form)
{
  for (size_t i = 0; form->command_only[i]; i++)
    if (strcmp(key, form->command_only[i]) == 0) {
      bool output = strcmp(key, "output") == 0;
      snprintf(advice, n, "; give it on the command line as %s%s", output ? "-o" : "--", output ? "" : key);
      return;
    }
  const char *near = pw_nearest_name(form->keys, key);
  if (near && strcmp(near, key) == 0) snprintf(advice, n, "; %s", form->at_top);
  else if (near) snprintf(advice, n, "; did you mean %s?", near);
}

static int complain(const char *path, const char *text, const struct complaint *complaint, cyaml_err_t code,
                    const struct yaml_form *form, struct pw_error *err)
{
  static const char unexpected[] = "Unexpected key: ", seen[] = "Mapping field already seen: ";
  const char *what = complaint->text[0] ? complaint->text : cyaml_strerror(code), *example = "";
  unsigned line = complaint->line;
  char advice[160] = "";
  if (strncmp(what, unexpected, sizeof unexpected - 1) == 0) {
    const char *key = what + sizeof unexpected - 1;
    unsigned below = yaml_line_of_key(text, key, false, 1), at_top = yaml_line_of_key(text, key, true, 1);
    if (at_top || below) line = at_top ? at_top : below;
    advise(advice, sizeof advice, key, form);
    return pw_error_set(err, PW_EINVAL, "%s, line %u: there is no key '%s'%s", path, line, key, advice);
  }
  if (strncmp(what, seen, sizeof seen - 1) == 0) {
    const char *key = what + sizeof seen - 1;
    unsigned again = yaml_line_of_key(text, key, true, 2);
    return pw_error_set(err, PW_EINVAL, "%s, line %u: the key '%s' is given twice", path, again ? again : line, key);
  }
  if (strstr(what, "Expecting STRING, got event: SEQUENCE"))
    what = "a list stands where one text belongs; write it as on the command line, such as ";
  else if (strstr(what, "Expecting STRING"))
    what = "a map stands where one text belongs; write it as on the command line, such as ";
  else if (strstr(what, "Expecting SEQUENCE"))
    what = form->list;
  else if (strstr(what, "Expecting MAPPING"))
    what = "keys and values belong here, such as ";
  else if (code == CYAML_ERR_STRING_LENGTH_MIN)
    what = "the key has no value";
  else if (code == CYAML_ERR_ALIAS)
    what = "aliases (*name) are not supported; write the value out";
  else if (code == CYAML_ERR_INTERNAL_ERROR)
    what = "a key is not one word; keys are the names of options, such as page-size";
  if (strlen(what) > 8 && strcmp(what + strlen(what) - 8, "such as ") == 0) example = form->example;
  return pw_error_set(err, PW_EINVAL, "%s, line %u: %s%s", path, line ? line : 1, what, example);
}


static const cyaml_config_t free_config = {.mem_fn = cyaml_mem, .flags = CYAML_CFG_NO_ALIAS};

int yaml_read(struct yaml_file *file, const char *path, const struct yaml_form *form, struct pw_error *err)
{
  struct complaint complaint = {0};
  cyaml_config_t config = free_config;
  size_t n;
  *file = (struct yaml_file){.path = path, .form = form};
  file->text = file_text(path, &n, err);
  if (!file->text) return PW_EIO;
  config.log_fn = take_log;
  config.log_ctx = &complaint;
  config.log_level = CYAML_LOG_ERROR;
  cyaml_data_t *document = NULL;
  cyaml_err_t code = cyaml_load_data((const uint8_t *)file->text, n, &config, form->schema, &document, NULL);
  file->document = document;
  if (code == CYAML_ERR_OOM) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  if (code == CYAML_ERR_LIBYAML_PARSER) return complain_syntax(path, file->text, n, err);
  if (code != CYAML_OK) return complain(path, file->text, &complaint, code, form, err);
  if (!document) return pw_error_set(err, PW_EINVAL, "%s, line 1: there is no key; write %s and options, such as %s", path, form->first, form->example);
  return 0;
}

void yaml_place(const struct yaml_file *file, char *place, size_t n, const char *key, bool top, size_t mention)
{
  unsigned line = yaml_line_of_key(file->text, key, top, mention);
  if (line) snprintf(place, n, "%.150s, line %u, %s", file->path, line, key);
  else snprintf(place, n, "%.150s, %s", file->path, key);
}

void yaml_clear(struct yaml_file *file)
{
  if (file->document) cyaml_free(&free_config, file->form->schema, file->document, 0);
  free(file->text);
  *file = (struct yaml_file){0};
}

int yaml_is(const char *path)
{
  size_t n = strlen(path);
  return (n > 5 && strcmp(path + n - 5, ".yaml") == 0) || (n > 4 && strcmp(path + n - 4, ".yml") == 0);
}
