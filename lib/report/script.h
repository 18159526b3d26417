/* Writes a figure as a gnuplot script: numbers, quoted words, a template. */
#ifndef PW_SCRIPT_H
#define PW_SCRIPT_H

#include "report/figure.h"

enum pw_picture { PW_PICTURE_SVG, PW_PICTURE_PNG, PW_PICTURE_PDF, PW_PICTURE_TEXT };

/* The suffix of a picture's file, with its dot. */
const char *pw_picture_suffix(enum pw_picture picture);
/* 0, or PW_EINVAL for a format that is none of "svg", "png", "pdf", "terminal". */
int pw_picture_find(enum pw_picture *picture, const char *format, struct pw_error *err);

int pw_script_write(FILE *out, const struct pw_figure *figure, enum pw_picture picture, struct pw_error *err);

/* Writes text as one gnuplot string that can only be text. */
struct pw_words_form {
  bool of_tick; /* where gnuplot takes % for the start of a number format */
  bool common;  /* characters that every font has; others become "?" */
};

void pw_script_text(FILE *out, const char *text, struct pw_words_form form);

#endif
