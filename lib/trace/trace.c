/* An open trace: source, format and visits put together behind pw_trace_next.
 *
 * Invariant: blocks come out the same whatever pieces the input arrived in, and a
 * trace ends with 0 only when its end was proved (a .pwt by its end frame, a
 * compressed file by its trailer). */
#include "trace/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/nearest.h"
#include "base/block.h"
#include "base/temporary.h"
#include "trace/format.h"
#include "trace/pwt_read.h"
#include "trace/pwt_write.h"
#include "trace/slice.h"
#include "trace/source.h"
#include "trace/visits.h"

#define PEEK_BYTES (64u << 10)
#define MAX_RECORD_BYTES (16u << 20)

struct pw_trace {
  char *path;
  const void *memory;      /* when it was opened from memory */
  size_t memory_bytes;
  struct pw_trace_options options;
  struct pw_source *source;
  bool from_spool;         /* the source is a temporary copy of a pipe */
  FILE *spool;
  struct pwt_reader *reader; /* native … */
  struct pw_slice *slice;
  struct pw_event *kept;   /* events that --ignore leaves */
  size_t kept_room;
  struct pw_block filtered;
  const struct pw_format *format; /* … or foreign */
  struct pw_parser parser;
  struct pw_visits *visits;
  struct pw_access *accesses;
  struct pw_batch batch;
  size_t batch_taken;
  bool input_ended, ended;
  int held_status;         /* a parse error behind accesses that are not taken yet */
  struct pw_error held;
  struct pw_trace_info info;
  char *text[4];           /* provenance copied when the reader goes away */
  char compression[32];
};

static int out_of_memory(const char *path, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
}

void pw_trace_close(struct pw_trace *t)
{
  if (!t) return;
  pwt_reader_destroy(t->reader);
  pw_slice_destroy(t->slice);
  pw_visits_destroy(t->visits);
  if (t->source) pw_source_close(t->source);
  if (t->spool) fclose(t->spool);
  for (int i = 0; i < 4; i++) pw_free(t->text[i]);
  pw_free(t->kept);
  pw_free(t->accesses);
  pw_free(t->path);
  pw_free(t);
}

static int start_native(struct pw_trace *t, struct pw_error *err)
{
  const char *name = t->from_spool ? "the temporary copy of the pipe" : t->path;
  int status = pwt_reader_create(&t->reader, t->source, name, err);
  if (status) return status;
  if (!t->from_spool) {
    for (unsigned i = 0; i < 4; i++) {
      pw_free(t->text[i]);
      t->text[i] = pw_strdup(pwt_reader_text(t->reader, i));
      if (!t->text[i]) return out_of_memory(t->path, err);
    }
    t->info.source = t->text[0];
    t->info.command = t->text[1];
    t->info.date = t->text[2];
    t->info.creator = t->text[3];
    t->info.format = "pwt";
  }
  if (t->options.skip || t->options.limit || t->options.warmup) return pw_slice_create(&t->slice, &t->options, err);
  return 0;
}

static int start_foreign(struct pw_trace *t, const unsigned char *bytes, size_t n, bool last, struct pw_error *err)
{
  if (t->options.format) {
    t->format = pw_format_find(t->options.format);
    if (!t->format) {
      const char *near = pw_nearest_entry(pw_format_entry, t->options.format);
      if (strcmp(t->options.format, "pwt") == 0)
        return pw_error_set(err, PW_EFORMAT, "%s: not a .pwt trace; leave out --format to have it recognised", t->path);
      return pw_error_set(err, PW_EINVAL, "there is no trace format named %s%s%s; see pagewalk list formats",
                          t->options.format, near ? "; did you mean " : "", near ? near : "");
    }
  } else {
    t->format = pw_format_bid(bytes, n, last, t->path, err);
    if (!t->format) return err ? err->status : PW_EFORMAT;
  }
  t->info.format = t->format->name;
  t->parser = (struct pw_parser){.path = t->path, .skip_bad = t->options.skip_bad, .line = 1};
  t->batch = (struct pw_batch){0, PW_BATCH_ROOM, t->accesses};
  t->batch_taken = 0;
  if (t->visits) {
    pw_visits_restart(t->visits, &t->options);
    return 0;
  }
  return pw_visits_create(&t->visits, &t->options, err);
}

/* Looks at the first bytes and starts the right reader. */
static int start(struct pw_trace *t, struct pw_error *err)
{
  size_t n = 64;
  const unsigned char *bytes = pw_source_peek_stored(t->source, &n);
  if (bytes && pwt_recognise(bytes, n)) pw_source_set_raw(t->source);
  bool last;
  int status = pw_source_fill(t->source, PEEK_BYTES, &bytes, &n, &last, err);
  if (status) return status;
  if (n == 0) return pw_error_set(err, PW_EFORMAT, "%s is empty; record or convert the trace again", t->path);
  if (!t->from_spool) {
    snprintf(t->compression, sizeof t->compression, "%s", pw_source_compression(t->source));
    t->info.file_bytes = pw_source_file_bytes(t->source);
  }
  bool native = pwt_recognise(bytes, n) && (!t->options.format || strcmp(t->options.format, "pwt") == 0);
  return native ? start_native(t, err) : start_foreign(t, bytes, n, last, err);
}

static int open_source(struct pw_trace *t, struct pw_error *err)
{
  if (t->memory) return pw_source_open_memory(&t->source, t->path, t->memory, t->memory_bytes, err);
  return pw_source_open(&t->source, t->path, err);
}

static int open_trace(struct pw_trace **trace, const char *path, const void *memory, size_t memory_bytes,
                      const struct pw_trace_options *options, struct pw_error *err)
{
  struct pw_error own;
  if (!err) err = &own; /* bids answer through it */
  struct pw_trace *t = *trace = pw_calloc(1, sizeof *t);
  if (!t) return out_of_memory(path, err);
  if (options) t->options = *options;
  if (t->options.warmup && t->options.limit && t->options.limit <= t->options.warmup) {
    pw_trace_close(t);
    *trace = NULL;
    return pw_error_set(err, PW_EINVAL, "the warm-up takes all accesses that the limit leaves; raise --limit or lower --warmup");
  }
  t->memory = memory;
  t->memory_bytes = memory_bytes;
  t->path = pw_strdup(path);
  t->accesses = pw_malloc(PW_BATCH_ROOM, sizeof *t->accesses);
  int status = t->path && t->accesses ? open_source(t, err) : out_of_memory(path, err);
  if (!status) {
    t->info = (struct pw_trace_info){.path = t->path, .compression = t->compression, .processes = 1, .threads = 1,
                                     .source = "", .command = "", .date = "", .creator = ""};
    status = start(t, err);
  }
  if (status) {
    pw_trace_close(t);
    *trace = NULL;
  }
  return status;
}

int pw_trace_open(struct pw_trace **trace, const char *path, const struct pw_trace_options *options, struct pw_error *err)
{
  return open_trace(trace, path, NULL, 0, options, err);
}

int pw_trace_open_memory(struct pw_trace **trace, const char *name, const void *data, size_t n_bytes,
                         const struct pw_trace_options *options, struct pw_error *err)
{
  return open_trace(trace, name, data ? data : "", n_bytes, options, err);
}

/* Parses until the batch holds something or the input ends. */
static int parse_more(struct pw_trace *t, struct pw_error *err)
{
  t->batch.n = 0;
  t->batch_taken = 0;
  size_t want = PEEK_BYTES;
  while (t->batch.n == 0) {
    const unsigned char *bytes;
    size_t n;
    bool last;
    int status = pw_source_fill(t->source, want, &bytes, &n, &last, err);
    if (status) return status;
    if (n == 0 && last && t->parser.offset_bytes == 0)
      return pw_error_set(err, PW_EFORMAT, "%s is empty; record or convert the trace again", t->path);
    int64_t used = t->format->parse(&t->parser, bytes, n, last, &t->batch, err);
    if (used < 0 && t->batch.n == 0) return (int)used;
    if (used < 0) { /* the accesses before it come first: a limit may end the trace there */
      t->held_status = (int)used;
      t->held = *err;
      return 0;
    }
    pw_source_consume(t->source, (size_t)used);
    t->parser.offset_bytes += (uint64_t)used;
    if (last && (size_t)used == n) {
      t->input_ended = true;
      return 0;
    }
    if (used == 0 && t->batch.n == 0) {
      if (last || n >= MAX_RECORD_BYTES)
        return pw_error_set(err, PW_EFORMAT, "%s: no whole %s record at byte %" PRIu64 "; the file is damaged or of another format",
                            t->path, t->format->name, t->parser.offset_bytes);
      want = n * 2;
    } else {
      want = PEEK_BYTES;
    }
  }
  return 0;
}

static int next_foreign(struct pw_trace *t, const struct pw_block **block, struct pw_error *err)
{
  for (;;) {
    if (t->batch_taken < t->batch.n) {
      size_t taken = 0;
      int got = pw_visits_add(t->visits, t->path, t->accesses + t->batch_taken, t->batch.n - t->batch_taken, &taken, err);
      if (got < 0) return got;
      t->batch_taken += taken;
      if (got == 1) break;
      if (got == 2) t->input_ended = true;
      if (got == 2) t->batch_taken = t->batch.n;
    } else if (t->held_status && !t->input_ended && !pw_visits_full(t->visits)) {
      *err = t->held;
      return t->held_status;
    } else if (t->input_ended || pw_visits_full(t->visits)) {
      t->ended = true;
      if (pw_visits_flush(t->visits)) break;
      return 0;
    } else {
      int status = parse_more(t, err);
      if (status) return status;
    }
  }
  *block = &t->visits->block;
  return 1;
}

/* Forks stay with the switches, since they number processes. */
static bool is_kept(const struct pw_trace_options *o, uint32_t kind)
{
  switch (kind) {
    case PW_EVENT_THREAD:
    case PW_EVENT_PROCESS:
    case PW_EVENT_FORK:
    case PW_EVENT_MARK: return true;
    case PW_EVENT_KERNEL_READ:
    case PW_EVENT_KERNEL_WRITE: return !o->ignore_kernel;
    default: return !o->ignore_events;
  }
}

static int drop_events(struct pw_trace *t, const struct pw_block **block, struct pw_error *err)
{
  const struct pw_block *in = *block;
  if (pw_grow((void **)&t->kept, &t->kept_room, in->n_events, sizeof *t->kept)) return out_of_memory(t->path, err);
  uint32_t n = 0;
  for (uint32_t i = 0; i < in->n_events; i++)
    if (is_kept(&t->options, in->events[i].kind)) t->kept[n++] = in->events[i];
  t->filtered = *in;
  t->filtered.events = t->kept;
  t->filtered.n_events = n;
  *block = &t->filtered;
  return 0;
}

static int next_native(struct pw_trace *t, const struct pw_block **block, struct pw_error *err)
{
  for (;;) {
    int got = pwt_reader_next(t->reader, t->options.counts || t->slice, t->options.sides, block, err);
    if (got <= 0) {
      t->ended = true;
      return got;
    }
    if ((t->options.ignore_events || t->options.ignore_kernel) && (*block)->n_events) {
      int status = drop_events(t, block, err);
      if (status) return status;
    }
    if (!t->slice) return 1;
    int cut = pw_slice_cut(t->slice, *block, block, err);
    t->info.rounded = pw_slice_rounded(t->slice);
    if (cut == 2) t->ended = true;
    bool empty = (*block)->n_visits == 0 && (*block)->n_events == 0; /* skip and limit in one visit */
    if (cut) return !empty;
  }
}

static void count_block(struct pw_trace *t, const struct pw_block *b)
{
  t->info.totals.fetches += b->totals.fetches;
  t->info.totals.loads += b->totals.loads;
  t->info.totals.stores += b->totals.stores;
  t->info.visits += b->n_visits;
  t->info.events += b->n_events;
  t->info.blocks++;
}

int pw_trace_next(struct pw_trace *t, const struct pw_block **block, struct pw_error *err)
{
  int got = 0;
  if (!t->ended) got = t->reader ? next_native(t, block, err) : next_foreign(t, block, err);
  if (!t->from_spool) t->info.stored_bytes = pw_source_stored_bytes(t->source);
  if (got < 0) return got;
  if (got) count_block(t, *block);
  if (t->reader) {
    t->info.processes = pwt_reader_processes(t->reader);
    t->info.threads = pwt_reader_threads(t->reader);
  } else {
    t->info.processes = t->visits->n_processes ? t->visits->n_processes : 1;
    t->info.threads = t->visits->threads.n ? (uint32_t)t->visits->threads.n : 1;
    t->info.bad_lines = t->parser.bad_lines;
  }
  if (got) return 1;
  if (pw_totals_sum(&t->info.totals) == 0)
    return pw_error_set(err, PW_EFORMAT, "%s holds no memory accesses%s", t->path,
                        t->options.skip ? " after those that were skipped; skip fewer" : "; record the trace again");
  bool counting = t->slice ? pw_slice_counting(t->slice) : t->reader ? true : t->visits->counting;
  if (!counting)
    return pw_error_set(err, PW_EINVAL, "%s: the warm-up takes the whole trace and leaves nothing to count; lower --warmup",
                        t->path);
  t->info.complete = true;
  return 0;
}

static void reset_counts(struct pw_trace *t)
{
  struct pw_trace_info *i = &t->info;
  i->totals = (struct pw_totals){0, 0, 0};
  i->visits = i->blocks = i->events = i->stored_bytes = 0;
  i->complete = i->rounded = false;
  t->ended = t->input_ended = false;
  t->held_status = 0;
}

int pw_trace_rewind(struct pw_trace *t, struct pw_error *err)
{
  struct pw_error own;
  if (!err) err = &own;
  int status = pw_source_rewind(t->source, err);
  if (status) return status;
  pwt_reader_destroy(t->reader);
  pw_slice_destroy(t->slice);
  t->reader = NULL;
  t->slice = NULL;
  reset_counts(t);
  return start(t, err);
}

const struct pw_trace_info *pw_trace_info(const struct pw_trace *t)
{
  return &t->info;
}

void pw_trace_need_counts(struct pw_trace *t)
{
  t->options.counts = true;
}

static int copy_to_spool(struct pw_trace *t, pw_progress_fn *progress, void *context, struct pw_error *err)
{
  struct pw_writer *writer;
  struct pw_writer_options options = {.level = 1};
  t->options.counts = true;
  int status = pw_writer_create_stream(&writer, t->spool, "temporary copy of a pipe (set TMPDIR)", &options, err);
  if (status) return status;
  const struct pw_block *block;
  while ((status = pw_trace_next(t, &block, err)) > 0) {
    if (progress && progress(context, &t->info)) status = pw_error_set(err, PW_EINTERRUPTED, "interrupted");
    else status = pw_writer_add(writer, block, err);
    if (status) break;
  }
  if (!status) status = pw_writer_finish(writer, err);
  pw_writer_destroy(writer);
  return status;
}

int pw_trace_make_seekable(struct pw_trace *t, pw_progress_fn *progress, void *context, struct pw_error *err)
{
  if (!pw_source_is_pipe(t->source)) return 0;
  struct pw_error own;
  if (!err) err = &own;
  t->spool = pw_temporary_file(err);
  if (!t->spool) return err->status;
  int status = copy_to_spool(t, progress, context, err);
  if (status) return status;
  struct pw_trace_info info = t->info;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(t->spool));
  pwt_reader_destroy(t->reader);
  pw_slice_destroy(t->slice);
  t->reader = NULL;
  t->slice = NULL;
  pw_source_close(t->source);
  t->source = NULL;
  t->from_spool = true;
  t->options.skip = t->options.limit = t->options.warmup = 0; /* done while copying */
  t->options.format = NULL;
  reset_counts(t);
  status = pw_source_open(&t->source, path, err);
  if (!status) status = start(t, err);
  t->info.rounded = info.rounded;
  t->info.stored_bytes = info.stored_bytes;
  return status;
}
