/* An open trace: its source, and the class that reads it, behind pw_trace_next.
 *
 * Invariant: a trace ends with 0 only when its end was proved (a .pwt by its end frame, a
 * compressed file by its trailer). */
#include "trace/trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/temporary.h"
#include "trace/pwt_read.h"
#include "trace/pwt_write.h"
#include "trace/trace_class.h"

#define PEEK_BYTES (64u << 10)

static void close_reader(struct pw_trace *t)
{
  if (t->class) t->class->close(t);
  t->class = NULL;
}

void pw_trace_close(struct pw_trace *t)
{
  if (!t) return;
  close_reader(t);
  if (t->source) pw_source_close(t->source);
  if (t->spool) fclose(t->spool);
  for (int i = 0; i < 4; i++) pw_free(t->text[i]);
  pw_free(t->path);
  pw_free(t);
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
  const struct pw_trace_class *class = native ? &pw_trace_native : &pw_trace_foreign;
  if (t->class != class) close_reader(t);
  t->class = class;
  return class->rewind(t, bytes, n, last, err);
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
  if (!t) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  if (options) t->options = *options;
  if (t->options.warmup && t->options.limit && t->options.limit <= t->options.warmup) {
    pw_trace_close(t);
    *trace = NULL;
    return pw_error_set(err, PW_EINVAL, "the warm-up takes all accesses that the limit leaves; raise --limit or lower --warmup");
  }
  t->memory = memory;
  t->memory_bytes = memory_bytes;
  t->path = pw_strdup(path);
  int status = t->path ? open_source(t, err) : pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  if (!status) {
    t->info = (struct pw_trace_info){.path = t->path, .compression = t->compression, .processes = 1, .threads = 1,
                                     .remark = t->remark, .source = "", .command = "", .date = "", .creator = ""};
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
  int got = t->class->next(t, block, err);
  if (!t->from_spool) t->info.stored_bytes = pw_source_stored_bytes(t->source);
  if (got < 0) return got;
  if (got) {
    count_block(t, *block);
    return 1;
  }
  if (pw_totals_sum(&t->info.totals) == 0)
    return pw_error_set(err, PW_EFORMAT, "%s holds no memory accesses%s", t->path,
                        t->options.skip ? " after those that were skipped; skip fewer" : "; record the trace again");
  if (!t->counting)
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
  t->ended = false;
}

int pw_trace_rewind(struct pw_trace *t, struct pw_error *err)
{
  struct pw_error own;
  if (!err) err = &own;
  int status = pw_source_rewind(t->source, err);
  if (status) return status;
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
  close_reader(t);
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
