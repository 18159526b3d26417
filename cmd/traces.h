/* The traces that a user names: standard input at most once, outputs never among them. */
#ifndef CMD_TRACES_H
#define CMD_TRACES_H

#include "words.h"

/* 0, or USAGE after saying why not. `each_once`: one file may not be given twice. */
int traces_check(const struct words *traces, const char *command, int each_once);
/* USAGE when `output` is one of the traces. */
int traces_check_output(const struct words *traces, const char *option, const char *output);

#endif
