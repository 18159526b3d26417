/* pagewalk convert: any trace that pagewalk reads, to .pwt. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "files.h"
#include "heap.h"
#include "interrupt.h"
#include "options.h"
#include "progress.h"
#include "say.h"
#include "settings.h"
#include "spec.h"
#include "traces.h"

struct convert_options {
  const char *output, *level, *command, *source, *date;
  bool pc, quiet;
};

static const struct option_row own_rows[] = {
    {"output", 'o', OPTION_TEXT, "OUT", offsetof(struct convert_options, output),
     "file to write; a folder for several inputs"},
    {"level", 0, OPTION_TEXT, "N", offsetof(struct convert_options, level), "zstd level, 1..22 (default 3)"},
    {"pc", 0, OPTION_FLAG, NULL, offsetof(struct convert_options, pc),
     "with side columns, for attribution: which instruction\nopened each visit, and where in its page"},
    {"source", 0, OPTION_TEXT, "TEXT", offsetof(struct convert_options, source), "provenance: where the trace is from"},
    {"command", 0, OPTION_TEXT, "TEXT", offsetof(struct convert_options, command), "provenance: the command that was traced"},
    {"date", 0, OPTION_TEXT, "TEXT", offsetof(struct convert_options, date), "provenance: when (never taken from the clock)"},
    {"quiet", 'q', OPTION_FLAG, NULL, offsetof(struct convert_options, quiet), "no progress bar and no summary"},
    {0}};

/* IN without folder, compression suffix and format suffix: "a/sort.lackey.xz" -> "sort". */
static char *base_name(const char *path)
{
  static const char *const compressions[] = {".gz", ".xz", ".zst", ".bz2", ".lz4", ".zip"};
  const char *slash = strrchr(path, '/');
  char *name = heap_text("%s", slash ? slash + 1 : path);
  size_t n = strlen(name);
  for (size_t i = 0; i < sizeof compressions / sizeof *compressions; i++) {
    size_t m = strlen(compressions[i]);
    if (n > m && strcmp(name + n - m, compressions[i]) == 0) {
      name[n - m] = '\0';
      break;
    }
  }
  char *dot = strrchr(name, '.');
  if (dot && dot != name) *dot = '\0';
  return name;
}

/* The output of every input, in `outputs`; -1, or USAGE. */
static int name_outputs(const struct words *inputs, const char *output, char **outputs)
{
  struct stat st;
  if (!output || !*output) return say_usage("convert needs a file to write: -o OUT.pwt");
  bool folder = file_is_folder(output);
  if (strcmp(output, "-") == 0)
    return say_usage("a .pwt file is written with an index at its end, so not to a pipe; name a file with -o");
  if (inputs->n > 1 && !folder) return say_usage("%s is not a folder; several traces need one that exists", output);
  if (!folder && stat(output, &st) == 0 && !S_ISREG(st.st_mode))
    return say_usage("%s is not a regular file; name another with -o", output);
  for (size_t i = 0; i < inputs->n; i++) {
    if (folder && strcmp(inputs->items[i], "-") == 0)
      return say_usage("standard input has no name; give -o a file, not a folder");
    char *base = folder ? base_name(inputs->items[i]) : NULL;
    outputs[i] = folder ? heap_text("%s/%s.pwt", output, base) : heap_text("%s", output);
    free(base);
    if (traces_check_output(inputs, "-o", outputs[i])) return USAGE;
    for (size_t j = 0; j < i; j++)
      if (strcmp(outputs[i], outputs[j]) == 0)
        return say_usage("%s and %s would both become %s; convert them one at a time", inputs->items[j], inputs->items[i],
                         outputs[i]);
  }
  return -1;
}

static int copy_blocks(struct pw_trace *trace, struct pw_writer *writer, struct progress *progress, struct pw_error *err)
{
  const struct pw_block *block;
  int status;
  while ((status = pw_trace_next(trace, &block, err)) > 0) {
    if ((status = pw_writer_add(writer, block, err))) return status;
    progress_update(progress, 0, pw_trace_info(trace));
    if (interrupt_seen()) return pw_error_set(err, PW_EINTERRUPTED, "interrupted: nothing was written");
  }
  return status ? status : pw_writer_finish(writer, err);
}

static void summarise(const char *output, const struct pw_trace_info *info, const struct pw_trace_options *options)
{
  char accesses[32], visits[32], bytes[32];
  uint64_t n = info->totals.fetches + info->totals.loads + info->totals.stores, stored = file_bytes(output);
  human_count(accesses, sizeof accesses, n);
  human_count(visits, sizeof visits, info->visits);
  human_bytes(bytes, sizeof bytes, stored);
  say_note("%s: %s accesses, %s visits, %s, %.3g bytes an access", output, accesses, visits, bytes,
           n ? (double)stored / (double)n : 0.0);
  note_reading(options, info->path, info->remark, info->bad_lines, info->rounded);
}

/* What is not said anew stays as the trace says it: of a .pwt that is where it is from. */
static struct pw_writer_options with_provenance(const struct pw_writer_options *asked, const struct pw_trace_info *info)
{
  struct pw_writer_options options = *asked;
  if (!options.source && info->source) options.source = info->source;
  if (!options.command && info->command) options.command = info->command;
  if (!options.date && info->date) options.date = info->date;
  return options;
}

static int convert_one(const char *input, const char *output, const struct pw_trace_options *trace_options,
                       const struct pw_writer_options *writer_options)
{
  struct pw_error err = {0};
  struct pw_trace *trace = NULL;
  struct pw_writer *writer = NULL;
  uint64_t size = file_bytes(input);
  struct progress *progress = progress_start(1, &size);
  int status = pw_trace_open(&trace, input, trace_options, &err);
  if (!status) {
    struct pw_writer_options options = with_provenance(writer_options, pw_trace_info(trace));
    status = pw_writer_create(&writer, output, &options, &err);
  }
  if (!status) status = copy_blocks(trace, writer, progress, &err);
  progress_end(progress);
  if (writer) pw_writer_destroy(writer);
  if (status)
    say("%s", err.text);
  else
    summarise(output, pw_trace_info(trace), trace_options);
  if (trace) pw_trace_close(trace);
  return status;
}

static int convert_all(const struct convert_options *own, const struct words *inputs, const struct settings *settings)
{
  static const struct spec_kind level_kind = {.unit = SPEC_PLAIN, .least = 1, .most = 22};
  struct pw_error err = {0};
  struct running running;
  uint64_t level = 0;
  if (traces_check(inputs, "convert", 0)) return USAGE;
  if (settings_understand(settings, &running, &err) ||
      (own->level && spec_number(&level, (struct slice){own->level, strlen(own->level)}, &level_kind, "--level", &err)))
    return say_usage("%s", err.text);
  char **outputs = heap_zero(inputs->n, sizeof *outputs);
  int code = name_outputs(inputs, own->output, outputs);
  struct pw_writer_options writer = {
      .level = (int)level, .source = own->source, .command = own->command, .date = own->date};
  running.trace.counts = running.trace.sides = true;
  running.trace.make_sides = own->pc;
  interrupt_catch();
  size_t bad = 0;
  for (size_t i = 0; code < 0 && i < inputs->n && !interrupt_seen(); i++)
    bad += convert_one(inputs->items[i], outputs[i], &running.trace, &writer) != 0;
  for (size_t i = 0; i < inputs->n; i++) free(outputs[i]);
  free(outputs);
  if (code >= 0) return code;
  if (bad && inputs->n > 1 && !interrupt_seen()) say("%zu of %zu traces could not be converted", bad, inputs->n);
  return bad ? FAILED : DONE;
}

static int run_convert(const struct command *self, int argc, char **argv)
{
  struct convert_options own = {0};
  struct settings settings = {0};
  struct words inputs = {0};
  const struct option_group groups[] = {
      {"Output", own_rows, &own}, {"Reading", reading_rows, &settings}, {NULL, NULL, NULL}};
  int code = options_parse(self, groups, &inputs, argc, argv);
  if (code < 0) {
    say_set_quiet(own.quiet);
    code = convert_all(&own, &inputs, &settings);
  }
  settings_clear(&settings);
  words_clear(&inputs);
  return code;
}

const struct command command_convert = {
    .name = "convert",
    .summary = "any trace to .pwt: smaller, checked, and read far faster",
    .usage = "TRACE... -o OUT.pwt [options]",
    .about = "Writes a trace as .pwt. With several inputs OUT is a folder, and each becomes\n"
             "OUT/NAME.pwt, NAME being its file name without the last suffixes (.lackey.xz).\n"
             "An existing OUT is replaced, but never an input. - reads standard input.",
    .examples = "  pagewalk convert sort.lackey.xz -o sort.pwt --command 'sort words'\n"
                "  pagewalk convert traces/*.din -o converted/\n"
                "  valgrind --tool=lackey --trace-mem=yes --log-fd=9 ls 9>&1 >ls.out | pagewalk convert - -o ls.pwt",
    .run = run_convert,
};
