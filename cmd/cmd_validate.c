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
  const char *output, *check, *csv, *thp, *memory, *swap, *runs;
  bool json, areas, show_output, quiet;
};

static const struct option_row own_rows[] = {
    {"output", 'o', OPTION_TEXT, "OUT.pwt", offsetof(struct validate_options, output), "keep the recording"},
    {"areas", 0, OPTION_FLAG, NULL, offsetof(struct validate_options, areas), "also the pages of each area of the address space"},
    {"json", 0, OPTION_FLAG, NULL, offsetof(struct validate_options, json), "print a JSON object instead"},
    {"csv", 0, OPTION_TEXT, "FILE", offsetof(struct validate_options, csv), "write a row for each number; - is stdout"},
    {"thp", 0, OPTION_TEXT, "MODE", offsetof(struct validate_options, thp),
     "huge pages: never (default); madvise: those that PROG asks\nfor; always: all, or where the system says madvise, all that\nmalloc has"},
    {"memory", 0, OPTION_TEXT, "SIZE", offsetof(struct validate_options, memory),
     "what this limit of a memory cgroup costs PROG: major faults\nand swap (needs root)"},
    {"swap", 0, OPTION_TEXT, "SIZE|none", offsetof(struct validate_options, swap), "with --memory: swap on zram (default 512M)"},
    {"runs", 0, OPTION_TEXT, "N", offsetof(struct validate_options, runs), "with --memory: native runs (default 3), and one more unpolled"},
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

/* What both ways of validating need: the recording's name, the program's arguments, the progress. */
struct both {
  char *path, **argv, *folder;
  struct progress *progress;
};

static bool begin_both(struct both *b, const struct validate_options *own, const struct words *program)
{
  uint64_t size = 0;
  b->path = recording_path(own);
  if (!b->path) return false;
  b->argv = heap_zero(program->n + 1, sizeof *b->argv);
  for (size_t i = 0; i < program->n; i++) b->argv[i] = heap_text("%s", program->items[i]);
  b->folder = tool_folder();
  interrupt_catch_waits(); /* the wait for the native run too */
  b->progress = progress_start(1, &size);
  return true;
}

static void end_both(struct both *b, const struct validate_options *own)
{
  progress_end(b->progress);
  if (!own->output) unlink(b->path);
  for (size_t i = 0; b->argv[i]; i++) free(b->argv[i]);
  free(b->argv);
  free(b->folder);
  free(b->path);
}

/* --memory, --swap and --runs, understood. */
static int limits_of(struct pw_limit_options *o, const struct validate_options *own, struct pw_error *err)
{
  static const struct spec_kind memory = {.unit = SPEC_BYTES, .least = 64 << 10, .most = UINT64_C(1) << 40},
                                swap = {.unit = SPEC_BYTES, .least = 1 << 20, .most = UINT64_C(1) << 30},
                                runs = {.unit = SPEC_PLAIN, .least = 1, .most = PW_LIMIT_RUNS};
  uint64_t n = 3;
  o->swap_bytes = UINT64_C(512) << 20;
  int status = spec_number(&o->memory_bytes, (struct slice){own->memory, strlen(own->memory)}, &memory, "--memory", err);
  if (!status && own->swap && strcmp(own->swap, "none") == 0) o->swap_bytes = 0;
  else if (!status && own->swap) status = spec_number(&o->swap_bytes, (struct slice){own->swap, strlen(own->swap)}, &swap, "--swap", err);
  if (!status && own->runs) status = spec_number(&n, (struct slice){own->runs, strlen(own->runs)}, &runs, "--runs", err);
  o->runs = (unsigned)n;
  return status;
}

static int print_limit(const struct validate_options *own, const struct words *program, const struct pw_limit_options *o,
                       const struct pw_limit_validation *v)
{
  struct pw_error err = {0};
  struct sink sink;
  if (!own->csv || strcmp(own->csv, "-") != 0) validate_limit_text(o, v);
  if (!own->csv) return DONE;
  int status = sink_open(&sink, own->csv, &err);
  if (!status) {
    validate_limit_csv(sink.stream, program, o, v);
    status = sink_close(&sink, &err);
  }
  if (status) say("%s", err.text);
  return status ? FAILED : DONE;
}

/* validate --memory */
static int validate_memory(const struct validate_options *own, const struct words *program, enum pw_system_thp thp)
{
  struct pw_limit_options options = {.show_output = own->show_output, .thp = thp};
  struct pw_limit_validation v;
  struct pw_error err = {0};
  struct both both;
  if (own->json || own->areas || own->check) return say_usage("--memory goes with --swap, --runs, --thp, --csv and -o, not with --json, --areas or --check");
  if (limits_of(&options, own, &err)) return say_usage("%s", err.text);
  if (!begin_both(&both, own, program)) return FAILED;
  options.trace = both.path;
  options.tool_folder = both.folder;
  options.progress = follow;
  options.progress_context = both.progress;
  int status = pw_validate_limit(both.argv, &options, &v, &err);
  end_both(&both, own);
  if (status) say("%s", err.text);
  return status ? FAILED : print_limit(own, program, &options, &v);
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
  if (own->memory) return validate_memory(own, program, thp);
  if (own->swap || own->runs) return say_usage("--swap and --runs go with --memory SIZE");
  struct both both;
  if (!begin_both(&both, own, program)) return FAILED;
  struct pw_validate_options options = {.trace = both.path, .tool_folder = both.folder, .show_output = own->show_output, .thp = thp,
                                        .progress = follow, .progress_context = both.progress};
  int status = pw_validate(both.argv, &options, &validation, &err), code;
  end_both(&both, own);
  if (status) say("%s", err.text);
  code = status ? FAILED : print(own, thp, program, &validation);
  if (code == DONE && own->check) code = judge(&validation, percent);
  pw_validation_clear(&validation);
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
             "0 whatever the difference.\n"
             "With --memory the model predicts what a memory limit costs PROG, and the running kernel\n"
             "is asked: in a cgroup with that limit and swap on a zram device of its own.",
    .examples = "  pagewalk validate -- ls -lR /usr/share\n"
                "  pagewalk validate --areas -- python3 -c 'print(1)'\n"
                "  pagewalk validate --thp madvise -- ./prog  page tables and huge pages, as it asks for them\n"
                "  pagewalk validate --memory 20M -- sort words   what that limit costs, by both\n"
                "  pagewalk validate --check 2 -- ./prog      exit 1 when it is off by more than 2 %",
    .run = run_validate,
};
