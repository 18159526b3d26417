/* What pagewalk says to people: one sentence a line on stderr, and numbers they can read.
 *
 * Text from outside (paths, labels) may hold anything; control characters in it are
 * shown as '?', so that a terminal obeys none of them. */
#ifndef CMD_SAY_H
#define CMD_SAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "terminal.h"

/* "pagewalk: …": an error, always said. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same; returns USAGE, the exit code of bad usage. */
int say_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A remark, not said under -q. */
void say_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What is called before a line is said: whoever draws on the terminal steps aside. */
void say_before(void (*step_aside)(void));
void say_set_quiet(bool quiet);
bool say_is_quiet(void);

/* Columns that UTF-8 text takes on a terminal, near enough. */
size_t text_width(const char *text);

/* 1234567 -> "1,234,567" */
void human_count(char *out, size_t n_out, uint64_t value);
/* 16384 -> "16 KiB", 1500000 -> "1.43 MiB"; powers of 1024 */
void human_bytes(char *out, size_t n_out, uint64_t bytes);

#endif
