/* Files that a user names: are two the same, and writing where the user said.
 *
 * A result goes to stdout ("-"), to a device or pipe directly, and to a regular file
 * through a temporary name, so that the final name never holds half a result. */
#ifndef CMD_FILES_H
#define CMD_FILES_H

#include <stdbool.h>
#include <stdio.h>

#include "pagewalk.h"

/* True when both name one existing regular file, or are spelt the same. */
bool files_same(const char *a, const char *b);
bool file_is_folder(const char *path);
bool file_exists(const char *path);
uint64_t file_bytes(const char *path); /* 0 when it is unknown, as for "-" and pipes */
/* The whole file as text, to be freed; NULL with an error. At most 64 MiB. */
char *file_text(const char *path, size_t *n, struct pw_error *err);

/* Makes the folder that -o names unless it is there; *is_new (may be NULL) tells which. */
int folder_make(const char *path, bool *is_new, struct pw_error *err);

struct sink {
  const char *path;
  FILE *stream;
  struct pw_output *output;
};

int sink_open(struct sink *sink, const char *path, struct pw_error *err);
/* Ends the writing: 0, or an error said in *err. The sink is closed either way. */
int sink_close(struct sink *sink, struct pw_error *err);
void sink_abandon(struct sink *sink);
/* What `write` writes goes to the path as a whole or not at all: an exit code, after an error was said. */
int sink_write(const char *path, int (*write)(const void *context, FILE *out, struct pw_error *err), const void *context);

/* Flushes stdout; FAILED when its data did not arrive (said, unless a reader such
 * as head simply left). */
int stdout_finish(void);

#endif
