/* The typed columns of results.csv: one table drives CSV, JSON and terminal tables. */
#ifndef PW_CELLS_H
#define PW_CELLS_H

#include "pagewalk.h"

enum pw_value_kind { PW_VALUE_ABSENT, PW_VALUE_TEXT, PW_VALUE_COUNT, PW_VALUE_RATE };

struct pw_value {
  enum pw_value_kind kind;
  const char *text; /* borrowed from the configuration or the tables of the code */
  uint64_t count;
  double rate;
};

/* The value of one column (numbered as pw_row_column does) for one row. */
struct pw_value pw_row_value(size_t column, const char *trace, const struct pw_config *config,
                             const struct pw_result *result);

#define PW_VALUE_BYTES 32 /* room for any count or rate as text */

/* Integers plain, rates with nine significant digits, absent as "". */
const char *pw_value_text(const struct pw_value *value, char number[PW_VALUE_BYTES]);

#endif
