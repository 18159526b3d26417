/* pagewalk validate: one program under the running kernel and under a model of it. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "heap.h"
#include "interrupt.h"
#include "options.h"
#include "progress.h"
#include "say.h"
#include "spec.h"
#include "toolfolder.h"
#include "validate_report.h"

struct validate_options {
  const char *output, *check, *csv, *thp;
  bool json, areas, show_output, quiet;
};

static const struct option_row own_rows[] = {
    {"output", 'o', OPTION_TEXT, "OUT.pwt", offsetof(struct validate_options, output), "keep the recording"},
    {"areas", 0, OPTION_FLAG, NULL, offsetof(struct validate_options, areas), "also the pages of each area of the address space"},
    {"json", 0, OPTION_FLAG, NULL, offsetof(struct validate_options, json), "print a JSON object instead"},
    {"csv", 0, OPTION_TEXT, "FILE", offsetof(struct validate_options, csv), "write a row for each number; - is stdout"},
    {"thp", 0, OPTION_TEXT, "MODE", offsetof(struct validate_options, thp),
     "huge pages: never (default); madvise: those that PROG asks\nfor; always: all, or where the system says madvise, all that\nmalloc has"},
    {"check", 0, OPTION_TEXT, "PERCENT", offsetof(struct validate_options, check),
     "exit 1 when page tables or faults differ by more"},
    {"show-output", 0, OPTION_FLAG, NULL, offsetof(struct validate_options, show_output), "let PROG print, in its native run"},
    {"quiet", 'q', OPTION_FLAG, NULL, offsetof(struct validate_options, quiet), "no progress and no remarks"},
    {0}};

static int follow(void *context, const struct pw_record_info *info)
{
  struct pw_trace_info trace = {.totals = info->totals};
  progress_update(context, 0, &trace);
  return interrupt_seen();
}

/* Where the recording goes: where the user said, or a new name in TMPDIR. NULL after an error. */
static char *recording_path(const struct validate_options *own)
{
  if (own->output) return heap_text("%s", own->output);
  const char *folder = getenv("TMPDIR");
  char *path = heap_text("%s/pagewalk-XXXXXX.pwt", folder && *folder ? folder : "/tmp");
  int fd = mkstemps(path, 4);
  if (fd >= 0) {
    close(fd);
    return path;
  }
  say("no temporary file %s for the recording; set TMPDIR, or name one with -o", path);
  free(path);
  return NULL;
}

static int print(const struct validate_options *own, enum pw_system_thp mode, const struct words *program, const struct pw_validation *v)
{
  bool thp = mode != PW_SYSTEM_THP_NEVER;
  struct pw_error err = {0};
  if (own->json)
    validate_print_json(program, v, thp);
  else if (!own->csv || strcmp(own->csv, "-") != 0)
    validate_print_text(v, thp, own->areas);
  if (!own->csv) return DONE;
  struct sink sink;
  int status = sink_open(&sink, own->csv, &err);
  if (!status) {
    validate_print_csv(sink.stream, program, v, thp);
    status = sink_close(&sink, &err);
  }
  if (status) say("%s", err.text);
  return status ? FAILED : DONE;
}

static int judge(const struct pw_validation *v, double percent)
{
  double tables = validate_difference(v->table_bytes), faults = validate_difference(v->minor_faults);
  if (fabs(tables) <= percent && fabs(faults) <= percent) return DONE;
  say("the prediction is off by more than %g %%: page tables %+.2f %%, minor faults %+.2f %%", percent, tables, faults);
  return FAILED;
}

static int mode_of(const char *text, enum pw_system_thp *mode)
{
  *mode = PW_SYSTEM_THP_NEVER;
  for (int i = 0; text && pw_system_thp_name(i); i++)
    if (strcmp(text, pw_system_thp_name(i)) == 0) {
      *mode = (enum pw_system_thp)i;
      return DONE;
    }
  return text ? say_usage("--thp: '%s' is none of never, madvise, always", text) : DONE;
}

static int validate(const struct validate_options *own, const struct words *program)
{
  struct pw_validation validation = {0};
  struct pw_error err = {0};
  double percent = 0;
  char *end = NULL;
  if (program->n == 0) return say_usage("validate needs a program to run: pagewalk validate -- PROG ARGS...");
  if (own->check) percent = strtod(own->check, &end);
  if (own->check && (end == own->check || *end || !(percent >= 0)))
    return say_usage("--check takes a percentage such as 2 or 0.5, and not '%s'", own->check);
  enum pw_system_thp thp;
  if (mode_of(own->thp, &thp) != DONE) return USAGE;
  char *path = recording_path(own);
  if (!path) return FAILED;
  char **argv = heap_zero(program->n + 1, sizeof *argv);
  for (size_t i = 0; i < program->n; i++) argv[i] = heap_text("%s", program->items[i]);
  char *folder = tool_folder();
  uint64_t size = 0;
  interrupt_catch_waits(); /* the wait for the native run too */
  struct progress *progress = progress_start(1, &size);
  struct pw_validate_options options = {.trace = path, .tool_folder = folder, .show_output = own->show_output, .thp = thp,
                                        .progress = follow, .progress_context = progress};
  int status = pw_validate(argv, &options, &validation, &err), code;
  progress_end(progress);
  if (!own->output) unlink(path);
  if (status) say("%s", err.text);
  code = status ? FAILED : print(own, thp, program, &validation);
  if (code == DONE && own->check) code = judge(&validation, percent);
  pw_validation_clear(&validation);
  for (size_t i = 0; i < program->n; i++) free(argv[i]);
  free(argv);
  free(folder);
  free(path);
  return code;
}

static int run_validate(const struct command *self, int argc, char **argv)
{
  struct validate_options own = {0};
  struct words program = {0};
  const struct option_group groups[] = {{"Output", own_rows, &own}, {NULL, NULL, NULL}};
  int code = options_parse_program(self, groups, &program, argc, argv, "pagewalk validate --");
  if (code < 0) {
    say_set_quiet(own.quiet);
    code = validate(&own, &program);
  }
  words_clear(&program);
  return code;
}

const struct command command_validate = {
    .name = "validate",
    .summary = "compares the running kernel with the model, on a program",
    .usage = "[options] -- PROG ARGS...",
    .about = "Runs PROG twice, once recorded and once natively, replays the recording in a model of\n"
             "Linux's memory management, and prints what the kernel measured against what the\n"
             "model predicts: page-table bytes, peak resident bytes and minor faults. PROG reads\n"
             "/dev/null and prints nothing, unless --show-output. The native run is without\n"
             "address randomisation, and without huge pages unless --thp asks for them. Exits with\n"
             "0 whatever the difference.",
    .examples = "  pagewalk validate -- ls -lR /usr/share\n"
                "  pagewalk validate --areas -- python3 -c 'print(1)'\n"
                "  pagewalk validate --thp madvise -- ./prog  page tables and huge pages, as it asks for them\n"
                "  pagewalk validate --check 2 -- ./prog      exit 1 when it is off by more than 2 %",
    .run = run_validate,
};
