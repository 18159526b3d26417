/* A model: what eats whole blocks of one page size by itself.
 *
 * Models know nothing of one another, so that any of them may run at the same time on
 * the same block; each sees the blocks in order. A model writes only to itself. */
#ifndef PW_MODEL_H
#define PW_MODEL_H

#include "engine/halt.h"
#include "os/os.h"

struct pw_model {
  const struct pw_model_class {
    int (*feed)(struct pw_model *model, const struct pw_paged *block, struct pw_error *err);
    void (*destroy)(struct pw_model *model);
  } *class;
  struct pw_halt *halt; /* of who runs it, who sets this; asked between stretches */
};

#endif
