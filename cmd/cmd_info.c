/* pagewalk info: what a trace holds. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "heap.h"
#include "interrupt.h"
#include "info_layout.h"
#include "options.h"
#include "pageset.h"
#include "progress.h"
#include "say.h"
#include "settings.h"
#include "traces.h"

struct info_options {
  bool all, json, quiet;
};

static const struct option_row own_rows[] = {
    {"all", 0, OPTION_FLAG, NULL, offsetof(struct info_options, all),
     "every area of the address space, and every part of\na file by itself"},
    {"json", 0, OPTION_FLAG, NULL, offsetof(struct info_options, json), "print a JSON array instead"},
    {"quiet", 'q', OPTION_FLAG, NULL, offsetof(struct info_options, quiet), "no progress bar and no remarks"},
    {0}};

static const char *const event_names[] = {NULL,   "thread switches", "process switches", "maps", "unmaps",
                                          "forks", "execs", "exits", "marks", "protections", "discards", "moves",
                                          "kernel reads", "kernel writes", "thread starts", "thread ends", "maps of files", "symbols",
                                          "advice", "traces of children"};
enum { N_EVENT_NAMES = sizeof event_names / sizeof *event_names };

struct holdings {
  uint64_t events[N_EVENT_NAMES];
  struct pageset code, data;
  size_t pages; /* in either */
  struct pw_layout *layout;
};

static void take_block(struct holdings *h, const struct pw_block *block)
{
  static unsigned char touched[PW_BLOCK_VISITS + 1]; /* 1 = as code, 2 = as data */
  memset(touched, 0, block->n_pages);
  for (uint32_t i = 0; i < block->n_visits; i++)
    touched[block->page[i]] |= block->flags[i] & PW_VISIT_CODE ? 1 : 2;
  for (uint32_t i = 0; i < block->n_pages; i++) {
    if (touched[i] & 1) pageset_add(&h->code, block->pages[i]);
    if (touched[i] & 2) pageset_add(&h->data, block->pages[i]);
  }
  for (uint32_t i = 0; i < block->n_events; i++)
    if (block->events[i].kind < N_EVENT_NAMES) h->events[block->events[i].kind]++;
}

static int read_all(struct pw_trace *trace, struct holdings *h, struct progress *progress, struct pw_error *err)
{
  const struct pw_block *block;
  int status;
  while ((status = pw_trace_next(trace, &block, err)) > 0) {
    take_block(h, block);
    if ((status = pw_layout_take(h->layout, block, err)) != 0) return status;
    progress_update(progress, 0, pw_trace_info(trace));
    if (interrupt_seen()) return pw_error_set(err, PW_EINTERRUPTED, "interrupted");
  }
  pageset_settle(&h->code);
  pageset_settle(&h->data);
  h->pages = pageset_union(&h->code, &h->data);
  return status;
}

static void line_text(const char *label, const char *text)
{
  char shown[512];
  text_printable(shown, sizeof shown, text);
  if (*shown) printf("  %-18s %s\n", label, shown);
}

static void line_count(const char *label, uint64_t value, const char *more)
{
  char text[32];
  human_count(text, sizeof text, value);
  printf("  %-18s %s%s\n", label, text, more);
}

static void line_pages(const char *label, size_t pages)
{
  char size[32], more[64];
  human_bytes(size, sizeof size, (uint64_t)pages << PW_BASE_SHIFT);
  snprintf(more, sizeof more, " pages of 4 KiB, %s", size);
  line_count(label, pages, more);
}

static void print_text(const struct pw_trace_info *info, const struct holdings *h, bool all)
{
  const struct pw_totals *t = &info->totals;
  uint64_t n = t->fetches + t->loads + t->stores;
  char text[64], name[512];
  text_printable(name, sizeof name, info->path);
  printf("%s\n", name);
  line_text("format", info->format);
  line_text("compression", info->compression);
  human_bytes(text, sizeof text, info->stored_bytes);
  line_text("stored", text);
  if (n) {
    snprintf(text, sizeof text, "%.4g bytes an access", (double)info->stored_bytes / (double)n);
    line_text("", text);
  }
  line_count("accesses", n, "");
  line_count("fetches", t->fetches, "");
  line_count("loads", t->loads, "");
  line_count("stores", t->stores, "");
  snprintf(text, sizeof text, ", %.4g accesses each", info->visits ? (double)n / (double)info->visits : 0.0);
  line_count("visits", info->visits, text);
  line_pages("footprint", h->pages);
  line_pages("code", h->code.n);
  line_pages("data", h->data.n);
  line_count("processes", info->processes, "");
  line_count("threads", info->threads, "");
  for (size_t i = 1; i < N_EVENT_NAMES; i++)
    if (h->events[i]) line_count(event_names[i], h->events[i], "");
  if (info->bad_lines) line_count("lines left out", info->bad_lines, "");
  if (*info->remark) line_text("remark", info->remark);
  line_text("source", info->source);
  line_text("command", info->command);
  line_text("date", info->date);
  line_text("created by", info->creator);
  layout_print(h->layout, &h->code, &h->data, all);
}

static void json_text(const char *name, const char *text)
{
  printf(", \"%s\": ", name);
  pw_json_write_text(stdout, text);
}

static void json_count(const char *name, uint64_t value)
{
  printf(", \"%s\": %" PRIu64, name, value);
}

static void print_json(const struct pw_trace_info *info, const struct holdings *h)
{
  const struct pw_totals *t = &info->totals;
  fputs("{\"path\": ", stdout);
  pw_json_write_text(stdout, info->path);
  json_text("format", info->format);
  json_text("compression", info->compression);
  json_count("stored_bytes", info->stored_bytes);
  json_count("accesses", t->fetches + t->loads + t->stores);
  json_count("fetches", t->fetches);
  json_count("loads", t->loads);
  json_count("stores", t->stores);
  json_count("visits", info->visits);
  json_count("blocks", info->blocks);
  json_count("footprint_pages", h->pages);
  json_count("code_pages", h->code.n);
  json_count("data_pages", h->data.n);
  json_count("processes", info->processes);
  json_count("threads", info->threads);
  json_count("events", info->events);
  for (size_t i = 1; i < N_EVENT_NAMES; i++) {
    char name[32];
    snprintf(name, sizeof name, "%s", event_names[i]);
    for (char *c = name; *c; c++) *c = *c == ' ' ? '_' : *c;
    json_count(name, h->events[i]);
  }
  json_count("bad_lines", info->bad_lines);
  json_text("source", info->source);
  json_text("command", info->command);
  json_text("date", info->date);
  json_text("creator", info->creator);
  putchar('}');
}

static int inform(const char *path, const struct pw_trace_options *options, const struct info_options *own, bool first)
{
  struct pw_error err = {0};
  struct pw_trace *trace = NULL;
  struct holdings holdings = {0};
  uint64_t size = file_bytes(path);
  struct progress *progress = progress_start(1, &size);
  int status = pw_trace_open(&trace, path, options, &err);
  if (!status) status = pw_layout_create(&holdings.layout, &err);
  if (!status) status = read_all(trace, &holdings, progress, &err);
  progress_end(progress);
  if (status) {
    say("%s", err.text);
  } else if (own->json) {
    fputs(first ? "[\n  " : ",\n  ", stdout);
    print_json(pw_trace_info(trace), &holdings);
  } else {
    if (!first) putchar('\n');
    print_text(pw_trace_info(trace), &holdings, own->all);
  }
  if (trace) pw_trace_close(trace);
  pageset_clear(&holdings.code);
  pageset_clear(&holdings.data);
  pw_layout_destroy(holdings.layout);
  return status;
}

static int run_info(const struct command *self, int argc, char **argv)
{
  struct info_options own = {0};
  struct settings settings = {0};
  struct words traces = {0};
  struct running running;
  struct pw_error err = {0};
  const struct option_group groups[] = {
      {"Output", own_rows, &own}, {"Reading", reading_rows, &settings}, {NULL, NULL, NULL}};
  int code = options_parse(self, groups, &traces, argc, argv);
  if (code < 0) {
    say_set_quiet(own.quiet);
    if (traces_check(&traces, "info", 0))
      code = USAGE;
    else if (settings_understand(&settings, &running, &err))
      code = say_usage("%s", err.text);
  }
  if (code < 0) {
    bool first = true;
    interrupt_catch();
    code = DONE;
    for (size_t i = 0; i < traces.n && !interrupt_seen(); i++) {
      if (inform(traces.items[i], &running.trace, &own, first))
        code = FAILED;
      else
        first = false;
    }
    if (own.json) fputs(first ? "[\n]\n" : "\n]\n", stdout);
  }
  settings_clear(&settings);
  words_clear(&traces);
  return code;
}

const struct command command_info = {
    .name = "info",
    .summary = "what a trace holds: totals, footprint, events, provenance",
    .usage = "TRACE... [options]",
    .about = "Reads each trace to its end, which also checks it, and prints its totals, how many\n"
             "pages it touches, its processes, threads and events, and where it is from; then, if\n"
             "it tells what was mapped, the layout of the address space.",
    .examples = "  pagewalk info sort.pwt\n  pagewalk info --json *.pwt",
    .run = run_info,
};
