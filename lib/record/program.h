/* What is known of a program before it is recorded: where it is, and whether it can be. */
#ifndef PW_PROGRAM_H
#define PW_PROGRAM_H

#include "pagewalk.h"

/* Finds the program as execvp would: executable, not setuid. */
int pw_program_find(char *path, size_t n_path, const char *name, struct pw_error *err);
/* Can the capture tool run it? It must be an x86-64 ELF file or a script. */
int pw_program_check(const char *path, struct pw_error *err);
/* In a child that is about to become the program: signals as they were, and with an output, nothing to read
 * and both streams there. */
void pw_program_before(int output);
/* Is the capture tool in that folder? */
int pw_capture_check(const char *folder, struct pw_error *err);

#endif
