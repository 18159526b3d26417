/* Writes a figure as a gnuplot script: numbers, quoted words, a template. */
#ifndef PW_SCRIPT_H
#define PW_SCRIPT_H

#include "report/figure.h"

enum pw_picture {PW_PICTURE_SVG, PW_PICTURE_PNG, PW_PICTURE_PDF, PW_PICTURE_TEXT};

/* The suffix of a picture's file, with its dot. */
const char *pw_picture_suffix(enum pw_picture picture);
/* 0, or PW_EINVAL for a format that is none of "svg", "png", "pdf", "terminal". */
int pw_picture_find(enum pw_picture *picture, const char *format, struct pw_error *err);

int pw_script_write(FILE *out, const struct pw_figure *figure, enum pw_picture picture, struct pw_error *err);

#endif
