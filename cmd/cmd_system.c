/* pagewalk system: several programs on one computer under a model of Linux. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
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
#include "settings.h"
#include "system_all.h"
#include "system_charts.h"
#include "system_file.h"
#include "system_json.h"
#include "system_regions.h"
#include "system_report.h"
#include "system_spec.h"
#include "system_target.h"
#include "yamlfile.h"

struct system_options {
  const char *csv, *json, *folder, *target, *by;
  bool no_charts, quiet;
};

static const struct option_row own_rows[] = {
    {"csv", 0, OPTION_TEXT, "FILE", offsetof(struct system_options, csv), "write the rows of system.csv instead of the summary (- = stdout)"},
    {"json", 0, OPTION_TEXT, "FILE", offsetof(struct system_options, json), "write system, processes and slabs as JSON, likewise"},
    {"output", 'o', OPTION_TEXT, "DIR", offsetof(struct system_options, folder),
     "a folder for system.csv, processes.csv, slabs.csv, buddy.csv,\nseries.csv, events.csv and charts/"},
    {"target", 0, OPTION_TEXT, "RATE", offsetof(struct system_options, target),
     "the least --group-limit (or --memory) of those given that keeps\nmajor faults there: 100/s, 100/run, 0.001, 0.1% or 1000ppm"},
    {"by", 0, OPTION_TEXT, "region", offsetof(struct system_options, by), "walks, faults and memory by process and region too: regions.csv"},
    {"no-charts", 0, OPTION_FLAG, NULL, offsetof(struct system_options, no_charts), "draw no charts"},
    {"quiet", 'q', OPTION_FLAG, NULL, offsetof(struct system_options, quiet), "no progress bar and no remarks"},
    {0}};

/* All configurations, what came of them, and the parts of the work: configurations with turns of one length, which read
 * the traces once together. */
struct work {
  const struct system_plan *plan;
  struct pw_trace_options reading;
  struct pw_system_case *cases;
  struct pw_system_case **sorted; /* by length of their turns */
  struct part {
    size_t first, n;              /* of `sorted` */
  } *parts;
  size_t n_parts;
  const char *file;               /* of the computer, or NULL */
  bool summary;                   /* goes to the terminal */
  bool by_region;
  uint64_t every;
  struct progress *progress;
  atomic_size_t next;
};

struct follower {
  struct work *work;
  size_t number;
};

enum { PART_MOST = 16 };
#define PART_MEMORY (UINT64_C(256) << 30) /* of the computers of a part: its frames take 1/512 of that */

static struct part *largest(const struct work *w)
{
  struct part *most = &w->parts[0];
  for (size_t i = 1; i < w->n_parts; i++)
    if (w->parts[i].n >= most->n) most = &w->parts[i];
  return most;
}

/* Configurations of one length into parts that are as large as they may be; then more of them until all threads have
 * equally many. */
static void divide(struct work *w)
{
  size_t n = w->plan->n_configs, sorted = 0;
  bool *taken = heap_zero(n, sizeof *taken);
  w->sorted = heap_zero(n, sizeof(struct pw_system_case *));
  w->parts = heap_zero(n, sizeof *w->parts);
  for (size_t i = 0; i < n; i++) {
    size_t first = sorted;
    for (size_t k = i; k < n && !taken[i]; k++)
      if (w->plan->configs[k].quantum == w->plan->configs[i].quantum) w->sorted[sorted++] = &w->cases[k];
    for (size_t k = first; k < sorted; k++) taken[w->sorted[k] - w->cases] = true;
    for (size_t k = first; k < sorted;) {
      struct part *p = &w->parts[w->n_parts++];
      p->first = k;
      for (uint64_t memory = 0; k < sorted && p->n < PART_MOST; k++, p->n++) {
        memory += w->sorted[k]->config->memory_bytes;
        if (p->n && memory > PART_MEMORY) break;
      }
    }
  }
  for (struct part *p; w->n_parts % w->plan->jobs && (p = largest(w))->n > 1;) {
    size_t half = p->n / 2;
    w->parts[w->n_parts++] = (struct part){p->first + p->n - half, half};
    p->n -= half;
  }
  free(taken);
}

static int follow(void *context, const struct pw_trace_info *info)
{
  struct follower *f = context;
  progress_update(f->work->progress, f->number, info);
  return interrupt_seen();
}

/* On the terminal, before the summary; beside other output as remarks. */
static void told(void *context, const char *sentence)
{
  const struct work *w = context;
  char shown[400];
  text_printable(shown, sizeof shown, sentence);
  if (w->summary) puts(shown);
  else say_note("%s", shown);
}

static void note_read(void *context, const struct pw_trace_info *info)
{
  const struct work *w = context;
  note_reading(&w->reading, info->path, info->remark, info->bad_lines, info->rounded);
}

static void *work_on(void *context)
{
  struct work *w = context;
  for (;;) {
    size_t i = atomic_fetch_add(&w->next, 1);
    if (i >= w->n_parts || interrupt_seen()) return NULL;
    struct follower f = {w, i};
    struct pw_system_options options = {.reading = w->reading, .every = w->every, .recorded = w->plan->recorded, .by_region = w->by_region,
                                        .kernel_events = w->plan->kernel_events, .progress = follow, .progress_context = &f};
    bool first = w->sorted[w->parts[i].first] == &w->cases[0];
    if (first) options.tell = w->plan->tell, options.read = note_read, options.read_context = w;
    options.told = told;
    options.told_context = w;
    pw_system_run(w->plan->programs, w->plan->n_programs, &w->sorted[w->parts[i].first], w->parts[i].n, &options);
    progress_update(w->progress, i, NULL);
  }
}

static void run_all(struct work *w)
{
  size_t n = w->plan->n_configs;
  uint64_t bytes = 0;
  for (size_t i = 0; i < n; i++) w->cases[i].config = &w->plan->configs[i];
  divide(w);
  uint64_t *sizes = heap_zero(w->n_parts, sizeof *sizes);
  for (size_t i = 0; i < w->plan->n_programs; i++) bytes += file_bytes(w->plan->programs[i].trace) * w->plan->programs[i].copies;
  for (size_t i = 0; i < w->n_parts; i++) sizes[i] = bytes;
  interrupt_catch();
  w->progress = progress_start(w->n_parts, sizes);
  size_t threads = w->plan->jobs < w->n_parts ? w->plan->jobs : w->n_parts, started = 1;
  pthread_t *thread = heap_zero(threads, sizeof *thread);
  while (started < threads && pthread_create(&thread[started], NULL, work_on, w) == 0) started++;
  work_on(w);
  for (size_t i = 1; i < started; i++) pthread_join(thread[i], NULL);
  progress_end(w->progress);
  free(thread);
  free(sizes);
  free(w->sorted);
  free(w->parts);
}

/* ---- what is written ---- */

struct system_table {
  const struct work *work;
  enum pw_system_table table;
};

static int write_table(const void *context, FILE *out, struct pw_error *err)
{
  const struct system_table *t = context;
  int status = pw_system_csv_header(out, t->table, err);
  for (size_t i = 0; !status && i < t->work->plan->n_configs; i++)
    if (!t->work->cases[i].error.status) status = pw_system_csv_rows(out, t->table, &t->work->plan->configs[i], &t->work->cases[i].result, err);
  return status;
}

static int write_json(const void *context, FILE *out, struct pw_error *err)
{
  const struct system_table *t = context;
  static const enum pw_system_table tables[] = {PW_SYSTEM_RUNS, PW_SYSTEM_PROCESSES, PW_SYSTEM_SLABS, PW_SYSTEM_REGIONS};
  int status = 0;
  size_t n_tables = sizeof tables / sizeof *tables - !t->work->by_region;
  for (size_t k = 0; k < n_tables && !status; k++) {
    size_t n = 0;
    fprintf(out, "%s\n  \"%s\": [", k ? "," : "{", pw_system_table_name(tables[k]));
    for (size_t i = 0; !status && i < t->work->plan->n_configs; i++)
      if (!t->work->cases[i].error.status)
        status = system_json_rows(out, tables[k], &t->work->plan->configs[i], &t->work->cases[i].result, &n, err);
    fputs("\n  ]", out);
  }
  fputs("\n}\n", out);
  return status;
}

static int write_folder(const struct work *w, const char *folder)
{
  int code = DONE;
  for (int table = 0; code == DONE && table < PW_SYSTEM_TABLES; table++) {
    struct system_table t = {w, (enum pw_system_table)table};
    if (t.table == PW_SYSTEM_REGIONS && !w->by_region) continue;
    char *path = heap_text("%s/%s.csv", folder, pw_system_table_name(t.table));
    code = sink_write(path, write_table, &t);
    free(path);
  }
  return code;
}

static const char *files_of(const struct work *w)
{
  return w->by_region ? "seven CSV files" : "six CSV files";
}

static int draw(const struct work *w, const char *folder)
{
  size_t n = 0;
  int code = system_charts_draw(w->plan, folder, &n);
  if (code == DONE) say_note("%s: %s and %zu chart%s", folder, files_of(w), n, n == 1 ? "" : "s");
  return code;
}

/* A start behind all the others is allowed, and seldom meant. */
static void remark_starts(const struct pw_system_result *r)
{
  char name[64];
  for (size_t i = 0; i < r->n_processes; i++)
    if (r->processes[i].waited && r->n_processes > 1 && !(i && r->processes[i].program == r->processes[i - 1].program)) {
      text_printable(name, sizeof name, r->processes[i].name);
      say_note("%s starts when nothing else runs, and the clock jumps to its start", name);
    }
}

/* Each configuration with huge pages against the one without, and last what they could do at most. */
static void compare_thp(const struct work *w)
{
  const struct pw_system_config *configs = w->plan->configs;
  size_t first = w->plan->n_configs; /* that others are compared with */
  for (size_t i = 0; i < w->plan->n_configs; i++) {
    if (configs[i].thp != PW_SYSTEM_THP_NEVER || w->cases[i].error.status) continue;
    for (size_t k = 0; k < w->plan->n_configs; k++) {
      if (configs[k].thp == configs[i].thp || !system_alike_but(&configs[i], &configs[k], SYSTEM_THP) || w->cases[k].error.status) continue;
      system_report_compare(&configs[i], &w->cases[i].result, &configs[k], &w->cases[k].result);
      if (w->by_region) system_regions_compare(&configs[i], &w->cases[i].result, &configs[k], &w->cases[k].result);
      if (first == w->plan->n_configs) first = i;
    }
  }
  if (first < w->plan->n_configs) system_all_tell(w->plan, &configs[first], &w->cases[first].result, &w->reading);
}

static int report(const struct work *w, const struct system_options *options)
{
  int code = DONE;
  struct system_table rows = {w, PW_SYSTEM_RUNS};
  for (size_t i = 0; i < w->plan->n_configs; i++)
    if (w->cases[i].error.status == PW_EINTERRUPTED || interrupt_seen()) {
      say("interrupted: nothing was written");
      return FAILED;
    }
  size_t good = 0;
  for (size_t i = 0; i < w->plan->n_configs; i++) {
    good += !w->cases[i].error.status;
    if (w->cases[i].error.status) say("%s", w->cases[i].error.text);
  }
  if (!good) return FAILED;
  for (size_t i = 0; i < w->plan->n_configs; i++)
    if (!w->cases[i].error.status) {
      remark_starts(&w->cases[i].result);
      break;
    }
  if (options->csv) code = sink_write(options->csv, write_table, &rows);
  if (code == DONE && options->json) code = sink_write(options->json, write_json, &rows);
  if (code == DONE && options->folder) code = write_folder(w, options->folder);
  if (code == DONE && options->folder && !options->no_charts) code = draw(w, options->folder);
  if (code == DONE && options->folder && options->no_charts) say_note("%s: %s", options->folder, files_of(w));
  for (size_t i = 0; w->summary && i < w->plan->n_configs; i++)
    if (!w->cases[i].error.status) {
      system_report_print(&w->plan->configs[i], &w->cases[i].result, i > 0);
      if (w->by_region) system_regions_print(&w->cases[i].result);
    }
  if (w->summary) compare_thp(w);
  struct target target;
  struct pw_error none;
  if (options->target && !target_parse_faults(&target, options->target, "--target", &none)) system_target_tell(w->plan, w->cases, &target, options->target, w->summary);
  return good == w->plan->n_configs ? code : FAILED;
}

/* No output may take the place of what is read, and what is read once serves one part of the work. */
static int check_input(const struct work *w, const struct system_options *options, const char *what, const char *input)
{
  const char *const files[] = {options->csv, options->json};
  static const char *const names[] = {"--csv", "--json"};
  if (!input) return DONE;
  if (strcmp(input, "-") == 0 && w->plan->n_configs > 1)
    return say_usage("standard input can be read once, and there are %zu configurations; name a file", w->plan->n_configs);
  for (int i = 0; i < 2; i++)
    if (files[i] && strcmp(files[i], "-") != 0 && files_same(files[i], input))
      return say_usage("%s %s would overwrite the %s %s; name another file", names[i], files[i], what, input);
  for (int table = 0; options->folder && table < PW_SYSTEM_TABLES; table++) {
    char *path = heap_text("%s/%s.csv", options->folder, pw_system_table_name((enum pw_system_table)table));
    bool same = files_same(path, input);
    free(path);
    if (same) return say_usage("-o %s would overwrite the %s %s; name another folder", options->folder, what, input);
  }
  return DONE;
}

static int run_system(struct work *w, const struct system_options *options)
{
  struct pw_error err = {0};
  bool folder_is_new = false;
  for (size_t i = 0; i < w->plan->n_programs; i++)
    if (check_input(w, options, "trace", w->plan->programs[i].trace) != DONE) return USAGE;
  if (check_input(w, options, "file of the kernel's events", w->plan->kernel_events) != DONE) return USAGE;
  if (check_input(w, options, "file of the computer", w->file) != DONE) return USAGE;
  if (options->csv && options->json && strcmp(options->csv, options->json) == 0)
    return say_usage("--csv and --json both write %s; name two files", options->csv);
  struct target target;
  if (options->target && target_parse_faults(&target, options->target, "--target", &err)) return say_usage("%s", err.text);
  if (options->by && strcmp(options->by, "region") != 0) return say_usage("--by %s is not possible here; --by region is", options->by);
  if (options->folder && !*options->folder) return say_usage("-o needs the name of a folder");
  if (options->folder && folder_make(options->folder, &folder_is_new, &err)) {
    say("%s", err.text);
    return FAILED;
  }
  w->every = w->plan->every ? w->plan->every : options->folder ? PW_SYSTEM_EVERY_FITTING : 0;
  w->by_region = options->by;
  w->summary = !options->csv && !options->json && !options->folder;
  w->cases = heap_zero(w->plan->n_configs, sizeof *w->cases);
  run_all(w);
  int code = report(w, options);
  if (folder_is_new && code != DONE) rmdir(options->folder); /* fails, as it should, when it holds something */
  for (size_t i = 0; i < w->plan->n_configs; i++) pw_system_clear(&w->cases[i].result);
  free(w->cases);
  return code;
}

/* Operands are programs, except for one file of a computer; -1 to go on. */
static int read_operands(const struct words *operands, struct words *programs, struct system_file *file, struct system_settings *settings)
{
  const char *path = NULL;
  struct pw_error err = {0};
  for (size_t i = 0; i < operands->n; i++) {
    if (!yaml_is(operands->items[i])) {
      words_add(programs, operands->items[i]);
      continue;
    }
    if (path) return say_usage("%s and %s both describe a computer; give one at a time", path, operands->items[i]);
    path = operands->items[i];
  }
  int status = path ? system_file_read(file, settings, path, &err) : 0;
  bool needs = !settings->of[SYS_KERNEL_EVENTS].n;
  if (!status && path && !programs->n && !file->n_programs && needs)
    return say_usage("%s names no programs; add processes: to it, such as processes: [{trace: a.pwt}], or give traces on the command line",
                     path);
  if (!status) return -1;
  say("%s", err.text);
  return status == PW_EINVAL ? USAGE : FAILED;
}

static int run_command(const struct command *self, int argc, char **argv)
{
  struct system_options options = {0};
  struct system_settings settings = {0};
  struct settings reading = {0};
  struct running running = {0};
  struct words operands = {0}, programs = {0};
  struct system_file file = {0};
  struct system_plan plan = {0};
  struct pw_error err = {0};
  const struct option_group groups[] = {{"Output", own_rows, &options},
                                        {"Computer", system_machine_rows, &settings},
                                        {"Running", system_running_rows, &settings},
                                        {"Reading", reading_rows, &reading},
                                        {NULL, NULL, NULL}};
  int code = options_parse(self, groups, &operands, argc, argv);
  if (code < 0) {
    say_set_quiet(options.quiet);
    code = read_operands(&operands, &programs, &file, &settings);
  }
  if (code < 0) {
    if (settings_understand(&reading, &running, &err) || system_understand(&plan, &settings, &programs, &file, &err)) code = say_usage("%s", err.text);
    else if (running.trace.warmup) code = say_usage("--warmup is not for system, which counts from the first access");
  }
  struct work work = {.plan = &plan, .reading = running.trace, .file = file.yaml ? file.yaml->path : NULL};
  if (code < 0) code = run_system(&work, &options);
  system_plan_clear(&plan);
  system_settings_clear(&settings);
  settings_clear(&reading);
  words_clear(&operands);
  words_clear(&programs);
  system_file_clear(&file);
  return code;
}

const struct command command_system = {
    .name = "system",
    .summary = "several programs on one computer under a model of Linux",
    .usage = "[FILE.yaml] [TRACE...] --memory SIZE [options]",
    .about = "Runs the programs in turns on one processor and one memory: address spaces, page faults,\n"
             "a page cache, copy on write, page tables, huge pages, buddy allocator and slab caches, and\n"
             "TLBs whose entries have sizes. When frames are few, pages are dropped or swapped as Linux\n"
             "chooses them; when nothing helps, a process is killed by its score. A TRACE may say more:\n"
             "'TRACE;copies=3;start=10M;name=db;oom_adj=-16'. Options with ... take lists, which make a\n"
             "configuration of every combination. A FILE.yaml has options by their names, and processes: a\n"
             "list of {trace:, name:, copies:, start:, oom_score_adj:, oom_adj:, nice:}.",
    .examples = "  pagewalk system sort.pwt gzip.pwt --memory 256M\n"
                "  pagewalk system 'sqlite3.pwt;copies=4' --memory 1G --thp never,always --csv -\n"
                "  pagewalk system db.pwt --memory 1G --swap 1G --group-limit 64M..512M*2 --csv -\n"
                "  pagewalk system cc1.pwt sort.pwt --memory 512M --quantum 10K,1M --asid off,6 --every 1M -o together",
    .run = run_command,
};
