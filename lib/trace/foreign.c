/* Traces of other tools: a format parses bytes to accesses, and those are gathered to visits.
 *
 * Invariant: blocks come out the same whatever pieces the input arrived in. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/nearest.h"
#include "trace/format.h"
#include "trace/trace_class.h"
#include "trace/visits.h"

#define PEEK_BYTES (64u << 10)
#define MAX_RECORD_BYTES (16u << 20)

struct foreign {
  const struct pw_format *format;
  struct pw_parser parser;
  struct pw_visits *visits;
  struct pw_access *accesses;
  struct pw_batch batch;
  struct pw_intern texts;
  size_t batch_taken, events_taken;
  bool input_ended;
  int held_status;         /* a parse error behind accesses that are not taken yet */
  struct pw_error held;
};

static void close_foreign(struct pw_trace *t)
{
  struct foreign *f = t->state;
  if (!f) return;
  pw_visits_destroy(f->visits);
  pw_free(f->accesses);
  pw_free(f->batch.events);
  pw_intern_clear(&f->texts);
  pw_free(f);
  t->state = NULL;
}

static int choose_format(struct pw_trace *t, const struct pw_format **format, const unsigned char *bytes, size_t n, bool last,
                         struct pw_error *err)
{
  if (!t->options.format) {
    *format = pw_format_bid(bytes, n, last, t->path, err);
    return *format ? 0 : err->status;
  }
  *format = pw_format_find(t->options.format);
  if (*format) return 0;
  const char *near = pw_nearest_entry(pw_format_entry, t->options.format);
  if (strcmp(t->options.format, "pwt") == 0)
    return pw_error_set(err, PW_EFORMAT, "%s: not a .pwt trace; leave out --format to have it recognised", t->path);
  return pw_error_set(err, PW_EINVAL, "there is no trace format named %s%s%s; see pagewalk list formats",
                      t->options.format, near ? "; did you mean " : "", near ? near : "");
}

static int create_state(struct pw_trace *t, struct pw_error *err)
{
  struct foreign *f = t->state = pw_calloc(1, sizeof *f);
  if (!f) return pw_trace_out_of_memory(t, err);
  f->accesses = pw_malloc(PW_BATCH_ROOM, sizeof *f->accesses);
  f->batch.events = pw_malloc(PW_BATCH_ROOM, sizeof *f->batch.events);
  if (!f->accesses || !f->batch.events) return pw_trace_out_of_memory(t, err);
  return pw_visits_create(&f->visits, &t->options, err);
}

/* Do many of the first lines not parse? 0, or PW_ENOMEM. */
static int look_for_bad(struct foreign *f, const unsigned char *bytes, size_t n, bool last, struct pw_error *err)
{
  struct pw_parser parser = f->parser;
  struct pw_error own; /* what fails here fails again where it counts */
  uint64_t good = 0;
  parser.skip_bad = true;
  last = last && n <= PEEK_BYTES;
  n = n < PEEK_BYTES ? n : PEEK_BYTES;
  for (int64_t used = 1; n && used > 0; bytes += used > 0 ? used : 0) {
    f->batch.n = f->batch.n_events = 0;
    used = f->format->parse(&parser, bytes, n, last, &f->batch, &own);
    if (used == PW_ENOMEM) {
      *err = own;
      return PW_ENOMEM;
    }
    good += f->batch.n + f->batch.n_events;
    n -= used > 0 ? (size_t)used : 0;
  }
  f->batch.n = f->batch.n_events = 0;
  f->parser.many_bad = parser.bad_lines > 1 && parser.bad_lines * 100 >= good + parser.bad_lines;
  return 0;
}

static int rewind_foreign(struct pw_trace *t, const unsigned char *bytes, size_t n, bool last, struct pw_error *err)
{
  const struct pw_format *format;
  size_t mark = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 && !memchr(bytes, 0, n < 64 ? n : 64) ? 3 : 0; /* an editor's byte order mark */
  pw_source_consume(t->source, mark);
  bytes += mark;
  n -= mark;
  int status = choose_format(t, &format, bytes, n, last, err);
  if (status) return status;
  struct foreign *f = t->state;
  if (f) pw_visits_restart(f->visits, &t->options);
  else if ((status = create_state(t, err))) return status;
  f = t->state;
  f->format = format;
  f->parser = (struct pw_parser){.path = t->path, .skip_bad = t->options.skip_bad, .line = 1, .offset_bytes = mark};
  f->batch = (struct pw_batch){.room = PW_BATCH_ROOM, .accesses = f->accesses, .events = f->batch.events, .texts = &f->texts};
  status = look_for_bad(f, bytes, n, last, err);
  if (status) return status;
  f->batch_taken = f->events_taken = 0;
  f->input_ended = false;
  f->held_status = 0;
  t->info.format = format->name;
  return 0;
}

/* Parses until the batch holds something or the input ends. */
static int parse_more(struct pw_trace *t, struct foreign *f, struct pw_error *err)
{
  f->batch.n = f->batch.n_events = 0;
  f->batch_taken = f->events_taken = 0;
  size_t want = PEEK_BYTES;
  while (f->batch.n + f->batch.n_events == 0) {
    const unsigned char *bytes;
    size_t n;
    bool last;
    int status = pw_source_fill(t->source, want, &bytes, &n, &last, err);
    if (status) return status;
    if (n == 0 && last && f->parser.offset_bytes == 0)
      return pw_error_set(err, PW_EFORMAT, "%s is empty; record or convert the trace again", t->path);
    int64_t used = f->format->parse(&f->parser, bytes, n, last, &f->batch, err);
    if (used < 0 && f->batch.n + f->batch.n_events == 0) return (int)used;
    if (used < 0) { /* the accesses before it come first: a limit may end the trace there */
      f->held_status = (int)used;
      f->held = *err;
      return 0;
    }
    pw_source_consume(t->source, (size_t)used);
    f->parser.offset_bytes += (uint64_t)used;
    if (last && (size_t)used == n) {
      f->input_ended = true;
      return 0;
    }
    if (used == 0 && f->batch.n + f->batch.n_events == 0) {
      if (last || n >= MAX_RECORD_BYTES)
        return pw_error_set(err, PW_EFORMAT,
                            "%s: no whole %s record at byte %" PRIu64 "; the file is damaged or of another format",
                            t->path, f->format->name, f->parser.offset_bytes);
      want = n * 2;
    } else {
      want = PEEK_BYTES;
    }
  }
  return 0;
}

/* The batch's next accesses, or the event before them: as pw_visits_add. */
static int take(struct pw_trace *t, struct foreign *f, struct pw_error *err)
{
  struct pw_batch_event *e = f->events_taken < f->batch.n_events ? &f->batch.events[f->events_taken] : NULL;
  size_t until = e ? e->before : f->batch.n, taken = 0;
  int got = 0;
  if (f->batch_taken < until) {
    got = pw_visits_add(f->visits, t->path, f->accesses + f->batch_taken, until - f->batch_taken, &taken, err);
    f->batch_taken += taken;
  } else if (!pw_event_is_kept(&t->options, e->event.kind)) {
    f->events_taken++;
  } else {
    got = pw_visits_add_event(f->visits, t->path, e->pid, e->tid, &e->event, err);
    f->events_taken += got == 0;
  }
  return got;
}

static int gather(struct pw_trace *t, struct foreign *f, const struct pw_block **block, struct pw_error *err)
{
  for (;;) {
    if (f->batch_taken < f->batch.n || f->events_taken < f->batch.n_events) {
      int got = take(t, f, err);
      if (got < 0) return got;
      if (got == 1) break;
      if (got == 2) {
        f->input_ended = true;
        f->batch_taken = f->batch.n;
        f->events_taken = f->batch.n_events;
      }
    } else if (f->held_status && !f->input_ended && !pw_visits_full(f->visits)) {
      *err = f->held;
      return f->held_status;
    } else if (f->input_ended || pw_visits_full(f->visits)) {
      t->ended = true;
      if (pw_visits_flush(f->visits)) break;
      return 0;
    } else {
      int status = parse_more(t, f, err);
      if (status) return status;
    }
  }
  *block = &f->visits->block;
  return 1;
}

static int next_foreign(struct pw_trace *t, const struct pw_block **block, struct pw_error *err)
{
  struct foreign *f = t->state;
  int got = t->ended ? 0 : gather(t, f, block, err);
  if (got < 0) return got;
  t->info.processes = f->visits->n_processes ? f->visits->n_processes : 1;
  t->info.threads = f->visits->threads.n ? (uint32_t)f->visits->threads.n : 1;
  t->info.bad_lines = f->parser.bad_lines;
  memcpy(t->remark, f->parser.remark, sizeof t->remark);
  t->counting = f->visits->counting;
  return got;
}

const struct pw_trace_class pw_trace_foreign = {next_foreign, rewind_foreign, close_foreign};
