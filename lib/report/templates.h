/* The gnuplot templates of plots/, embedded at build time; ends with a NULL name. */
#ifndef PW_TEMPLATES_H
#define PW_TEMPLATES_H

struct pw_template {
  const char *name; /* file name without folder and suffix */
  const char *text;
};

extern const struct pw_template pw_templates[];

#endif
