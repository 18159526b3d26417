/* The programs of `pagewalk system`: TRACE;copies=3;start=10M;name=sshd, or those of a file. See system_spec.h. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "spec.h"
#include "system_file.h"
#include "system_spec.h"

static bool begins(const struct slice *s, const char *key, struct slice *value)
{
  size_t n = strlen(key);
  if (s->n <= n || memcmp(s->text, key, n) != 0 || s->text[n] != '=') return false;
  *value = (struct slice){s->text + n + 1, s->n - n - 1};
  return true;
}

static const struct spec_kind copies = {.unit = SPEC_PLAIN, .least = 1, .most = 4096}, start = {.unit = SPEC_COUNT, .most = UINT64_MAX};

/* A whole number with its sign. */
static int signed_number(int *to, struct slice text, int least, int most, const char *place, struct pw_error *err)
{
  char digits[16], *end = digits;
  long value = 0;
  if (text.n && text.n < sizeof digits) {
    memcpy(digits, text.text, text.n);
    digits[text.n] = 0;
    value = strtol(digits, &end, 10);
  }
  if (end == digits || *end || value < least || value > most || digits[0] == ' ')
    return pw_error_set(err, PW_EINVAL, "%s: '%.*s' is no whole number from %d to %d", place, (int)text.n, text.text, least, most);
  *to = (int)value;
  return 0;
}

enum { ADJ_MOST = 1000, OOM_ADJ_LEAST = -17, OOM_ADJ_MOST = 15, NICE_LEAST = -20, NICE_MOST = 19 };

static int one_adjustment(const struct pw_system_program *p, const char *place, struct pw_error *err)
{
  if (!p->oom_adj || !p->oom_score_adj) return 0;
  return pw_error_set(err, PW_EINVAL, "%s: oom_adj and oom_score_adj say the same thing; give one of them", place);
}

static int program_part(struct pw_system_program *p, const struct slice *part, const char *place, struct pw_error *err)
{
  struct slice value;
  uint64_t n = 1;
  int status = 0;
  if (begins(part, "copies", &value)) {
    status = spec_number(&n, value, &copies, place, err);
    p->copies = (unsigned)n;
  } else if (begins(part, "start", &value)) {
    status = spec_number(&p->start, value, &start, place, err);
  } else if (begins(part, "name", &value) && value.n) {
    p->name = value.text;
  } else if (begins(part, "oom_score_adj", &value)) {
    status = signed_number(&p->oom_score_adj, value, -ADJ_MOST, ADJ_MOST, place, err);
  } else if (begins(part, "oom_adj", &value)) {
    status = signed_number(&p->oom_adj, value, OOM_ADJ_LEAST, OOM_ADJ_MOST, place, err);
  } else if (begins(part, "nice", &value)) {
    status = signed_number(&p->nice, value, NICE_LEAST, NICE_MOST, place, err);
  } else {
    status = pw_error_set(err, PW_EINVAL, "%s: '%.*s' is none of copies=N, start=N, oom_score_adj=N, oom_adj=N, nice=N and name=TEXT", place,
                          (int)part->n, part->text);
  }
  return status;
}

/* The text is cut into its parts, which end with a zero each. */
static int program_of(struct pw_system_program *p, char *text, struct pw_error *err)
{
  char *rest = text, *part = strsep(&rest, ";"), place[300];
  int status = 0;
  snprintf(place, sizeof place, "%.250s", part);
  *p = (struct pw_system_program){.trace = part, .copies = 1};
  if (!*part) return pw_error_set(err, PW_EINVAL, "a program has no trace; write TRACE, or 'TRACE;copies=3;start=10M'");
  while (!status && (part = strsep(&rest, ";")) != NULL) {
    struct slice slice = {part, strlen(part)};
    status = program_part(p, &slice, place, err);
  }
  return status ? status : one_adjustment(p, place, err);
}

static int not_twice(const struct system_plan *plan, size_t i, struct pw_error *err)
{
  for (size_t k = 0; k < i; k++)
    if (strcmp(plan->programs[k].trace, plan->programs[i].trace) == 0)
      return pw_error_set(err, PW_EINVAL, "the trace %s is given twice; give it once, with copies", plan->programs[i].trace);
  return 0;
}

static int number_in(const struct words *words, const struct spec_kind *kind, uint64_t *number, struct pw_error *err)
{
  return words->n ? spec_number(number, (struct slice){words->items[0], strlen(words->items[0])}, kind, words->place, err) : 0;
}

static int signed_in(const struct words *words, int *number, int least, int most, struct pw_error *err)
{
  return words->n ? signed_number(number, (struct slice){words->items[0], strlen(words->items[0])}, least, most, words->place, err) : 0;
}

static int programs_of_file(struct system_plan *plan, const struct system_file *file, struct pw_error *err)
{
  int status = 0;
  plan->programs = heap_zero(file->n_programs, sizeof *plan->programs);
  for (; !status && plan->n_programs < file->n_programs; plan->n_programs++) {
    const struct system_program_words *w = &file->programs[plan->n_programs];
    struct pw_system_program *p = &plan->programs[plan->n_programs];
    uint64_t n = 1;
    *p = (struct pw_system_program){.trace = w->trace, .name = w->name};
    status = number_in(&w->copies, &copies, &n, err);
    if (!status) status = number_in(&w->start, &start, &p->start, err);
    if (!status) status = signed_in(&w->oom_score_adj, &p->oom_score_adj, -ADJ_MOST, ADJ_MOST, err);
    if (!status) status = signed_in(&w->oom_adj, &p->oom_adj, OOM_ADJ_LEAST, OOM_ADJ_MOST, err);
    if (!status) status = signed_in(&w->nice, &p->nice, NICE_LEAST, NICE_MOST, err);
    if (!status) status = one_adjustment(p, w->trace, err);
    p->copies = (unsigned)n;
    if (!status) status = not_twice(plan, plan->n_programs, err);
  }
  return status;
}

int system_programs_take(struct system_plan *plan, const struct words *operands, const struct system_file *file, struct pw_error *err)
{
  int status = 0;
  if (!operands->n && file->n_programs) return programs_of_file(plan, file, err);
  if (!operands->n && plan->kernel_events) return 0;
  if (!operands->n) return pw_error_set(err, PW_EINVAL, "system needs a trace; pagewalk help system shows how");
  plan->programs = heap_zero(operands->n, sizeof *plan->programs);
  plan->texts = heap_zero(operands->n, sizeof *plan->texts);
  for (size_t i = 0; !status && i < operands->n; i++) {
    plan->texts[i] = heap_text("%s", operands->items[i]);
    plan->n_programs = plan->n_texts = i + 1;
    status = program_of(&plan->programs[i], plan->texts[i], err);
    if (!status) status = not_twice(plan, i, err);
  }
  return status;
}
