/* A part: models of one page size that eat whole blocks by themselves.
 *
 * Parts know nothing of one another, so that any of them may run at the same time on
 * the same block; each sees the blocks in order. A part writes only to itself. */
#ifndef PW_PART_H
#define PW_PART_H

#include "engine/numbered.h"

struct pw_part {
  const struct pw_part_class {
    int (*feed)(struct pw_part *part, const struct pw_numbered *block, struct pw_error *err);
    void (*destroy)(struct pw_part *part);
  } *class;
};

#endif
