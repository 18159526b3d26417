/* The machine and trace options that run, sweep and sweep files share. */
#include "settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap.h"
#include "meant.h"
#include "say.h"
#include "spec.h"

#define AT(setting) (offsetof(struct settings, of) + (setting) * sizeof(struct words))

const struct option_row running_rows[] = {
    {"seed", 0, OPTION_WORD, "N", AT(SET_SEED), "seed of the random policies (default 1)"},
    {"asid", 0, OPTION_WORD, "on|off", AT(SET_ASID),
     "off: a process switch empties the TLBs (default on)"},
    {"only", 0, OPTION_WORD, "STREAM", AT(SET_ONLY), "fetch or data: simulate that stream alone"},
    {"engine", 0, OPTION_WORD, "NAME", AT(SET_ENGINE),
     "auto (default) or direct; the numbers are the same"},
    {"jobs", 'j', OPTION_WORD, "N", AT(SET_JOBS), "threads, over traces and within them (default: one a processor)"},
    {0}};

const struct option_row reading_rows[] = {
    {"format", 0, OPTION_WORD, "NAME", AT(SET_FORMAT),
     "format of the traces (default: a look at the first bytes;\npagewalk list formats)"},
    {"skip-bad", 0, OPTION_SWITCH, NULL, AT(SET_SKIP_BAD),
     "leave out lines that do not parse, and count them"},
    {"ignore", 0, OPTION_WORD, "WHAT", AT(SET_IGNORE),
     "events: drop map, unmap, exec, exit and the like;\nkernel: drop kernel touches of user buffers"},
    {"skip", 0, OPTION_WORD, "N", AT(SET_SKIP), "leave out the first N accesses (20K, 50M, 1G)"},
    {"limit", 0, OPTION_WORD, "N", AT(SET_LIMIT), "stop after N accesses"},
    {"warmup", 0, OPTION_WORD, "N", AT(SET_WARMUP), "simulate N accesses before counting starts"},
    {0}};

static const char *const defaults[N_SETTINGS - N_MACHINE_SETTINGS] = {"1", "on", "", "auto", "", "", "off", "", "0", "0", "0"};

const struct option_row *machine_rows(void)
{
  static struct option_row rows[N_MACHINE_SETTINGS + 1];
  const struct pw_parameter *p;
  for (size_t i = 0; (p = pw_parameter_entry(i)); i++)
    rows[i] = (struct option_row){p->name, 0, p->kind == PW_PARAMETER_VA_BITS ? OPTION_WORD : OPTION_WORDS, p->argument, AT(i),
                                  p->help};
  return rows;
}

const struct option_row *setting_row(size_t setting)
{
  if (setting < N_MACHINE_SETTINGS) return &machine_rows()[setting];
  if (setting < N_RUN_SETTINGS) return &running_rows[setting - N_MACHINE_SETTINGS];
  return &reading_rows[setting - N_RUN_SETTINGS];
}

const char *setting_name(size_t setting)
{
  return setting_row(setting)->name;
}

size_t setting_of_kind(enum pw_parameter_kind kind)
{
  size_t i = 0;
  while (pw_parameter_entry(i)->kind != kind) i++;
  return i;
}

const char *setting_default(size_t setting)
{
  return setting < N_MACHINE_SETTINGS ? pw_parameter_entry(setting)->initial : defaults[setting - N_MACHINE_SETTINGS];
}

void settings_clear(struct settings *settings)
{
  for (int i = 0; i < N_SETTINGS; i++) words_clear(&settings->of[i]);
}

void settings_merge(struct settings *result, const struct settings *under, const struct settings *over)
{
  for (int i = 0; i < N_SETTINGS; i++) {
    const struct words *from = over->of[i].n ? &over->of[i] : &under->of[i];
    result->of[i] = (struct words){0};
    snprintf(result->of[i].place, sizeof result->of[i].place, "%s", from->place);
    for (size_t j = 0; j < from->n; j++) words_add(&result->of[i], from->items[j]);
  }
}

char *setting_text(const struct settings *settings, size_t setting)
{
  const struct words *words = &settings->of[setting];
  if (!words->n) return heap_text("%s", setting_default(setting));
  char *text = heap_text("%s", words->items[0]);
  for (size_t i = 1; i < words->n; i++) {
    char *longer = heap_text("%s;%s", text, words->items[i]);
    free(text);
    text = longer;
  }
  return text;
}

/* The only word of a setting, or NULL when it was not given. */
static const char *word_of(const struct settings *settings, enum setting setting)
{
  const struct words *words = &settings->of[setting];
  return words->n ? words->items[words->n - 1] : NULL;
}

static int number_of(const struct settings *settings, enum setting setting, enum spec_unit unit,
                     uint64_t least, uint64_t most, uint64_t *value, struct pw_error *err)
{
  const char *word = word_of(settings, setting);
  if (!word) return 0;
  struct spec_kind kind = {.unit = unit, .least = least, .most = most};
  return spec_number(value, (struct slice){word, strlen(word)}, &kind, settings->of[setting].place, err);
}

/* on, off and what YAML has for them */
static int switch_of(const struct settings *settings, enum setting setting, bool *value, struct pw_error *err)
{
  static const char *const names[] = {"off", "on", "no", "yes", "false", "true"};
  const char *word = word_of(settings, setting);
  if (!word) return 0;
  for (size_t i = 0; i < 6; i++)
    if (strcmp(word, names[i]) == 0) {
      *value = i % 2 == 1;
      return 0;
    }
  return pw_error_set(err, PW_EINVAL, "%s: '%s' is neither on nor off", settings->of[setting].place, word);
}

/* The index of the word among names (ending with NULL). */
static int choice_of(const struct settings *settings, enum setting setting, const char *const *names,
                     int *value, struct pw_error *err)
{
  const char *word = word_of(settings, setting);
  if (!word) return 0;
  for (int i = 0; names[i]; i++)
    if (strcmp(word, names[i]) == 0) {
      *value = i;
      return 0;
    }
  return pw_error_set(err, PW_EINVAL, "%s: '%s' is neither %s nor %s", settings->of[setting].place, word,
                      names[0], names[1]);
}

static int ignore_of(const struct settings *settings, bool *events, bool *kernel, struct pw_error *err)
{
  const char *word = word_of(settings, SET_IGNORE);
  struct slice rest = {word, word ? strlen(word) : 0}, item;
  while (slice_next(&rest, ',', &item)) {
    if (item.n == 6 && memcmp(item.text, "events", 6) == 0)
      *events = true;
    else if (item.n == 6 && memcmp(item.text, "kernel", 6) == 0)
      *kernel = true;
    else
      return pw_error_set(err, PW_EINVAL, "%s: '%.*s' is neither events nor kernel",
                          settings->of[SET_IGNORE].place, (int)item.n, item.text);
  }
  return 0;
}

static int format_of(const struct settings *settings, const char **format, struct pw_error *err)
{
  const char *word = word_of(settings, SET_FORMAT);
  if (!word) return 0;
  struct pw_list_entry entry;
  for (size_t i = 0; pw_list_entry(PW_LIST_FORMATS, i, &entry); i++)
    if (strcmp(entry.name, word) == 0) {
      *format = word;
      return 0;
    }
  const char *near = nearest_entry(PW_LIST_FORMATS, word);
  if (near)
    return pw_error_set(err, PW_EINVAL, "%s: there is no format '%s'; did you mean %s?",
                        settings->of[SET_FORMAT].place, word, near);
  return pw_error_set(err, PW_EINVAL, "%s: there is no format '%s'; pagewalk list formats shows them",
                      settings->of[SET_FORMAT].place, word);
}

int settings_understand(const struct settings *settings, struct running *running, struct pw_error *err)
{
  static const char *const streams[] = {"fetch", "data", NULL};
  static const char *const engines[] = {"auto", "direct", NULL};
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t jobs = processors > 0 ? (uint64_t)processors : 1;
  bool asid = true;
  int stream = -1, engine = 0;
  *running = (struct running){.seed = 1};
  struct pw_trace_options *trace = &running->trace;
  if (number_of(settings, SET_SEED, SPEC_PLAIN, 0, UINT64_MAX, &running->seed, err) ||
      number_of(settings, SET_WARMUP, SPEC_COUNT, 0, UINT64_MAX, &trace->warmup, err) ||
      number_of(settings, SET_SKIP, SPEC_COUNT, 0, UINT64_MAX, &trace->skip, err) ||
      number_of(settings, SET_LIMIT, SPEC_COUNT, 1, UINT64_MAX, &trace->limit, err) ||
      number_of(settings, SET_JOBS, SPEC_PLAIN, 1, 1024, &jobs, err) ||
      switch_of(settings, SET_ASID, &asid, err) ||
      switch_of(settings, SET_SKIP_BAD, &trace->skip_bad, err) ||
      choice_of(settings, SET_ONLY, streams, &stream, err) ||
      choice_of(settings, SET_ENGINE, engines, &engine, err) ||
      ignore_of(settings, &trace->ignore_events, &trace->ignore_kernel, err) || format_of(settings, &trace->format, err))
    return PW_EINVAL;
  if (trace->limit && trace->warmup >= trace->limit)
    return pw_error_set(err, PW_EINVAL, "%s leaves nothing to count: it must be under --limit",
                        settings->of[SET_WARMUP].place);
  running->no_asid = !asid;
  running->engine = engine == 1 ? PW_ENGINE_DIRECT : PW_ENGINE_AUTO;
  running->jobs = (unsigned)jobs;
  if (stream >= 0) running->only = stream == 0 ? PW_STREAM_FETCH : PW_STREAM_DATA;
  return 0;
}

struct pw_run_options running_options(const struct running *running)
{
  return (struct pw_run_options){.only = running->only, .no_asid = running->no_asid, .seed = running->seed,
                                 .engine = running->engine, .jobs = running->jobs};
}

static void note_rounded(const struct pw_trace_options *options, const char *path)
{
  const char *names[3];
  size_t n = 0;
  if (options->skip) names[n++] = "--skip";
  if (options->limit) names[n++] = "--limit";
  if (options->warmup) names[n++] = "--warmup";
  if (n == 1) say_note("%s: %s was rounded to whole visits", path, names[0]);
  if (n == 2) say_note("%s: %s and %s were rounded to whole visits", path, names[0], names[1]);
  if (n == 3) say_note("%s: %s, %s and %s were rounded to whole visits", path, names[0], names[1], names[2]);
}

void note_reading(const struct pw_trace_options *options, const char *path, const char *remark, uint64_t bad_lines, bool rounded)
{
  if (*remark) say_note("%s: %s", path, remark);
  if (bad_lines) say_note("%s: %ju line%s that could not be parsed left out", path, (uintmax_t)bad_lines, bad_lines == 1 ? "" : "s");
  if (rounded) note_rounded(options, path);
}
