/* What validate prints: measured against predicted, and what is known of a difference. */
#ifndef CMD_VALIDATE_REPORT_H
#define CMD_VALIDATE_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "pagewalk.h"
#include "words.h"

/* thp: huge pages were asked for. */
void validate_print_text(const struct pw_validation *validation, bool thp, bool areas);
void validate_print_json(const struct words *program, const struct pw_validation *validation, bool thp);
void validate_print_csv(FILE *out, const struct words *program, const struct pw_validation *validation, bool thp);
/* Percent that the prediction is above (or below: negative) what was measured. */
double validate_difference(struct pw_validated number);

/* The program with its arguments, to be freed. */
char *validate_program(const struct words *program);

/* What a memory limit costs: predicted, in each run, and how far it is off. */
void validate_limit_text(const struct pw_limit_options *options, const struct pw_limit_validation *validation);
void validate_limit_csv(FILE *out, const struct words *program, const struct pw_limit_options *options,
                        const struct pw_limit_validation *validation);

#endif
