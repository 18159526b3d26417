/* A YAML file whose keys are options and whose values are the words of the command line. */
#ifndef CMD_YAMLFILE_H
#define CMD_YAMLFILE_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stddef.h>

#include "pagewalk.h"

/* What kind of file it is. */
struct yaml_form {
  const cyaml_schema_value_t *schema;
  const char *const *keys;         /* all that may stand there, for who misspells one; ends with NULL */
  const char *const *command_only; /* options that stand on the command line alone; ends with NULL */
  const char *first, *example;     /* "traces:", "page-size: 4K,2M" */
  const char *list;                /* the sentence where a list belongs */
  const char *at_top;              /* the advice for a key that stands below, where it has no place */
};

struct yaml_file {
  const char *path; /* borrowed */
  const struct yaml_form *form;
  char *text;
  void *document;   /* as the schema says */
};

/* Errors name the file and the line: 0, PW_EIO, PW_EINVAL or PW_ENOMEM. Clear it in any case. */
int yaml_read(struct yaml_file *file, const char *path, const struct yaml_form *form, struct pw_error *err);
void yaml_clear(struct yaml_file *file);
/* The line of the n-th mention (from 1) of a key, at the top level or below it; 0 if not
 * found. Only for messages: a flow map or a quoted key may escape it. */
unsigned yaml_line_of_key(const char *text, const char *key, bool top, size_t n);
/* "study.yaml, line 3, dtlb" */
void yaml_place(const struct yaml_file *file, char *place, size_t n, const char *key, bool top, size_t mention);
/* True when the name ends as such a file's does. */
int yaml_is(const char *path);

#endif
