/* What a machine is made of: one table of parameters.
 *
 * It is data. How a kind is written, read, compared and told is known to those who walk it (struct pw_parameter in
 * pagewalk.h says what a row holds). Its order is the order of options, of columns and of a sweep's rows. */
#ifndef PW_PARAMETERS_H
#define PW_PARAMETERS_H

#include "pagewalk.h"

/* Parts of a machine. Parts that a chart's measure does not depend on need not be held fixed. */
enum {
  PW_PART_PAGE = 1 << 0,
  PW_PART_TABLE = 1 << 1,
  PW_PART_ITLB = 1 << 2,
  PW_PART_DTLB = 1 << 3,
  PW_PART_STLB = 1 << 4,
  PW_PART_MEMORY = 1 << 5,
  PW_PART_ALL = (1 << 12) - 1, /* with those that are added */
};

static inline bool pw_parameter_applies(const struct pw_parameter *parameter, const struct pw_config *config)
{
  return !parameter->applies || parameter->applies(config);
}

#endif
