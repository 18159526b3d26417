/* pagewalk record: runs a program and keeps what its memory accesses were, as .pwt. */
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

struct record_options {
  const char *output, *backend, *qemu, *sysroot, *level, *skip, *limit, *size_limit, *date, *kernel_events;
  bool pc, first_only, quiet;
};

static const struct option_row own_rows[] = {
    {"output", 'o', OPTION_TEXT, "OUT.pwt", offsetof(struct record_options, output),
     "file to write; a program that PROG starts or\nbecomes gets OUT.PID.pwt"},
    {"skip", 0, OPTION_TEXT, "N", offsetof(struct record_options, skip), "leave out the first N accesses"},
    {"limit", 0, OPTION_TEXT, "N", offsetof(struct record_options, limit), "record at most N accesses; PROG runs on to its end"},
    {"size-limit", 0, OPTION_TEXT, "SIZE", offsetof(struct record_options, size_limit), "end a trace that has grown to SIZE"},
    {"pc", 0, OPTION_FLAG, NULL, offsetof(struct record_options, pc),
     "with side columns, for attribution: which instruction\nopened each visit, and where in its page"},
    {"first", 0, OPTION_FLAG, NULL, offsetof(struct record_options, first_only), "PROG alone, not what it starts or becomes"},
    {"backend", 0, OPTION_TEXT, "NAME", offsetof(struct record_options, backend),
     "valgrind: x86-64 programs (default);\nqemu: those of arm64, riscv64 and others"},
    {"qemu", 0, OPTION_TEXT, "PATH", offsetof(struct record_options, qemu), "the QEMU to use (default: qemu-MACHINE in PATH)"},
    {"sysroot", 0, OPTION_TEXT, "DIR", offsetof(struct record_options, sysroot),
     "where the libraries of a program under QEMU are\n(default: /usr/MACHINE-linux-gnu)"},
    {"kernel-events", 0, OPTION_TEXT, "FILE", offsetof(struct record_options, kernel_events),
     "also run PROG once more, natively and unheard, and write what\nthe kernel did with its memory for it (root; see system)"},
    {"level", 0, OPTION_TEXT, "N", offsetof(struct record_options, level), "zstd level, 1..22 (default 1, to keep up)"},
    {"date", 0, OPTION_TEXT, "TEXT", offsetof(struct record_options, date), "provenance: when (never taken from the clock)"},
    {"quiet", 'q', OPTION_FLAG, NULL, offsetof(struct record_options, quiet), "no progress and no summary"},
    {0}};

/* The command line as a shell would take it, more or less: for people. */
static char *command_line(const struct words *words)
{
  char *text = heap_text("%s", "");
  for (size_t i = 0; i < words->n; i++) {
    char *longer = heap_text("%s%s%s", text, i ? " " : "", words->items[i]);
    free(text);
    text = longer;
    if (strlen(text) > 4096) break; /* xargs and its kin */
  }
  return text;
}

static int understand(const struct record_options *own, struct pw_record_options *options, struct pw_error *err)
{
  static const struct spec_kind level_kind = {.unit = SPEC_PLAIN, .least = 1, .most = 22};
  static const struct spec_kind count_kind = {.unit = SPEC_COUNT, .least = 1, .most = UINT64_MAX - 1};
  static const struct spec_kind size_kind = {.unit = SPEC_BYTES, .least = 1, .most = UINT64_MAX - 1};
  uint64_t level = 1;
  const struct { const char *text; uint64_t *value; const struct spec_kind *kind; const char *place; } rows[] = {
      {own->level, &level, &level_kind, "--level"},
      {own->skip, &options->skip, &count_kind, "--skip"},
      {own->limit, &options->limit, &count_kind, "--limit"},
      {own->size_limit, &options->size_limit_bytes, &size_kind, "--size-limit"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (!rows[i].text) continue;
    int status = spec_number(rows[i].value, (struct slice){rows[i].text, strlen(rows[i].text)}, rows[i].kind, rows[i].place, err);
    if (status) return status;
  }
  options->writer.level = (int)level;
  return 0;
}

static int follow(void *context, const struct pw_record_info *info)
{
  struct pw_trace_info trace = {.totals = info->totals};
  progress_update(context, 0, &trace);
  return (int)interrupt_level();
}

static void summarise(const char *output, const struct pw_record_info *info, bool under_qemu)
{
  char accesses[32], visits[32], bytes[32];
  uint64_t n = info->totals.fetches + info->totals.loads + info->totals.stores;
  human_count(accesses, sizeof accesses, n);
  human_count(visits, sizeof visits, info->visits);
  human_bytes(bytes, sizeof bytes, info->stored_bytes);
  say_note("%s: %s accesses, %s visits, %s, %.3g bytes an access%s", output, accesses, visits, bytes,
           n ? (double)info->stored_bytes / (double)n : 0.0,
           info->interrupted ? "; interrupted" : info->limited ? "; the limit ended it" : "");
  if (info->traces > 1)
    say_note("%u more trace%s of what it started stand%s next to it", info->traces - 1, info->traces == 2 ? "" : "s",
             info->traces == 2 ? "s" : "");
  if (info->unrecorded)
    say_note("%u program%s that it executed ran unrecorded: %s", info->unrecorded, info->unrecorded == 1 ? "" : "s",
             under_qemu ? "under QEMU only forks are followed" : "setuid, another user's, or not 64-bit x86-64");
}

/* Ends as the program did, so that whoever called us sees the same; a dump is its own. */
static int end_like(const struct pw_record_info *info)
{
  if (!info->signal) return info->exit_status;
  struct rlimit none = {0, 0};
  sigset_t set;
  setrlimit(RLIMIT_CORE, &none);
  signal(info->signal, SIG_DFL);
  sigemptyset(&set);
  sigaddset(&set, info->signal);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  raise(info->signal);
  return 128 + info->signal;
}

static int record_kernel(char *const argv[], const char *output)
{
  struct pw_error err = {0};
  uint64_t lost;
  if (pw_record_kernel(argv, output, &lost, &err)) {
    say("%s", err.text);
    return FAILED;
  }
  if (lost) say("%s: %ju events did not fit the kernel's buffer and are missing", output, (uintmax_t)lost);
  else say_note("%s: what the kernel did with its memory; pagewalk system --kernel-events %s", output, output);
  return DONE;
}

static int record(const struct record_options *own, const struct words *program)
{
  struct pw_record_options options = {.output = own->output, .sides = own->pc, .first_only = own->first_only};
  struct pw_record_info info = {0};
  struct pw_error err = {0};
  struct stat st;
  if (!own->output || !*own->output) return say_usage("record needs a file to write: -o OUT.pwt");
  if (strcmp(own->output, "-") == 0)
    return say_usage("a .pwt file is written with an index at its end, so not to a pipe; name a file with -o");
  if (stat(own->output, &st) == 0 && !S_ISREG(st.st_mode))
    return say_usage("%s is not a regular file; name another with -o", own->output);
  if (own->backend && strcmp(own->backend, "qemu") != 0 && strcmp(own->backend, "valgrind") != 0)
    return say_usage("--backend is valgrind or qemu, not '%s'", own->backend);
  if (own->backend && strcmp(own->backend, "qemu") == 0) options.backend = PW_RECORD_QEMU;
  if (options.backend != PW_RECORD_QEMU && (own->qemu || own->sysroot))
    return say_usage("--qemu and --sysroot go with --backend qemu");
  options.qemu = own->qemu;
  options.sysroot = own->sysroot;
  if (own->kernel_events && (options.backend == PW_RECORD_QEMU || strcmp(own->kernel_events, own->output) == 0))
    return say_usage(options.backend == PW_RECORD_QEMU ? "--kernel-events runs PROG natively, which a program under QEMU cannot be"
                                                       : "--kernel-events needs a file of its own, and not that of -o");
  if (program->n == 0) return say_usage("record needs a program to run: pagewalk record -o OUT.pwt -- PROG ARGS...");
  if (understand(own, &options, &err)) return say_usage("%s", err.text);
  char **argv = heap_zero(program->n + 1, sizeof *argv);
  for (size_t i = 0; i < program->n; i++) argv[i] = heap_text("%s", program->items[i]);
  char *folder = tool_folder(), *command = command_line(program);
  options.tool_folder = folder;
  options.writer.source = options.backend == PW_RECORD_QEMU ? "pagewalk record, QEMU" : "pagewalk record";
  options.writer.command = command;
  options.writer.date = own->date;
  uint64_t size = 0;
  interrupt_catch_all();
  struct progress *progress = progress_start(1, &size);
  options.progress = follow;
  options.progress_context = progress;
  int status = pw_record(argv, &options, &info, &err);
  progress_end(progress);
  interrupt_catch(); /* what follows loses no recording */
  int kernel = !status && own->kernel_events && !info.interrupted ? record_kernel(argv, own->kernel_events) : DONE;
  for (size_t i = 0; i < program->n; i++) free(argv[i]);
  free(argv);
  free(folder);
  free(command);
  if (status) {
    say("%s", err.text);
    return FAILED;
  }
  if (info.traces)
    summarise(own->output, &info, options.backend == PW_RECORD_QEMU);
  else
    say_note("%s: no access was recorded, so no trace is written", own->output);
  return kernel == DONE ? end_like(&info) : FAILED;
}

static int run_record(const struct command *self, int argc, char **argv)
{
  struct record_options own = {0};
  struct words program = {0};
  const struct option_group groups[] = {{"Output", own_rows, &own}, {NULL, NULL, NULL}};
  int code = options_parse_program(self, groups, &program, argc, argv, "pagewalk record -o OUT.pwt --");
  if (code < 0) {
    say_set_quiet(own.quiet);
    code = record(&own, &program);
  }
  words_clear(&program);
  return code;
}

const struct command command_record = {
    .name = "record",
    .summary = "runs a program and writes the trace of its accesses",
    .usage = "-o OUT.pwt [options] -- PROG ARGS...",
    .about = "Runs PROG under a capture tool and writes every fetch, load and store of it, with\n"
             "what it maps, as .pwt: some ten times slower than PROG alone. What PROG reads and\n"
             "prints passes through, and its exit status is the command's; 1 also says that the\n"
             "recording failed. Each process image is a trace of its own. Ctrl-C ends PROG and\n"
             "leaves the trace of what ran; twice, at once. PROG may be of another machine with --backend qemu.",
    .examples = "  pagewalk record -o sort.pwt -- sort words.txt -o sorted.txt\n"
                "  pagewalk record -o python.pwt --limit 100M -- python3 script.py\n"
                "  pagewalk record --backend qemu -o arm.pwt -- ./arm64-program\n"
                "  setarch -R pagewalk record -o same.pwt -- ./prog      fixed addresses",
    .run = run_record,
};
