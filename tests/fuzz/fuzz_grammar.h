/* What the targets of the command's grammar share: what was given is understood as sweep does. */
#ifndef FUZZ_GRAMMAR_H
#define FUZZ_GRAMMAR_H

#include "fuzz.h"

#include <string.h>

#include "../../cmd/combine.h"
#include "../../cmd/settings.h"
#include "../../cmd/target.h"

/* The command speaks to people; nobody listens here. */
static inline void fuzz_hush(void)
{
  static FILE *nowhere;
  if (nowhere) return;
  nowhere = fopen("/dev/null", "w");
  MUST(nowhere);
  stdout = stderr = nowhere;
}

static inline void fuzz_understand(const struct settings *settings)
{
  struct running running;
  struct combination combination = {0};
  struct pw_plan plan = {0};
  struct pw_error err = {0};
  if (settings_understand(settings, &running, &err)) MUST(err.text[0]);
  err.text[0] = 0;
  if (combination_parse(&combination, settings, &err)) MUST(err.text[0]);
  else if (combination_count(&combination) <= 2000) {
    int status = combination_plan(&combination, &plan, &err);
    MUST(status == 0 || err.text[0]);
    for (size_t i = 0; !status && i < plan.n_configs; i++) MUST(pw_config_check(&plan.configs[i], &err) == 0);
  }
  pw_plan_clear(&plan);
  combination_clear(&combination);
}

#endif
