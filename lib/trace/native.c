/* Traces that are .pwt: blocks come ready, and are cut and thinned where the options ask for it.
 *
 * A small file can unfold to any number of events: a block of 65,536 equal ones takes 240 bytes. Who keeps names
 * keeps their texts, so those of a whole trace are capped; and each event costs time, so only so many are read for
 * each byte of the file. Recordings have less than one, also that of dd with a byte at a time. */
#include "base/alloc.h"
#include "base/block.h"
#include "trace/pwt.h"
#include "trace/pwt_read.h"
#include "trace/slice.h"
#include "trace/trace_class.h"

#define FREE_EVENTS (UINT64_C(16) << 20)
#define MOST_EVENTS_A_BYTE 16u

struct native {
  struct pwt_reader *reader;
  struct pw_slice *slice;  /* with --skip, --limit, --warmup */
  struct pw_event *kept;   /* events that --ignore leaves */
  size_t kept_room;
  struct pw_block filtered;
  uint64_t text_bytes;     /* of the events handed out */
  uint64_t events;         /* of them; 16 pages that the kernel accesses are as good as one more */
};

static void close_native(struct pw_trace *t)
{
  struct native *n = t->state;
  if (!n) return;
  pwt_reader_destroy(n->reader);
  pw_slice_destroy(n->slice);
  pw_free(n->kept);
  pw_free(n);
  t->state = NULL;
}

/* Provenance is that of the trace, not of a temporary copy of it. */
static int copy_provenance(struct pw_trace *t, const struct pwt_reader *reader, struct pw_error *err)
{
  for (unsigned i = 0; i < 4; i++) {
    pw_free(t->text[i]);
    t->text[i] = pw_strdup(pwt_reader_text(reader, i));
    if (!t->text[i]) return pw_trace_out_of_memory(t, err);
  }
  t->info.source = t->text[0];
  t->info.command = t->text[1];
  t->info.date = t->text[2];
  t->info.creator = t->text[3];
  t->info.format = "pwt";
  return 0;
}

static int rewind_native(struct pw_trace *t, const unsigned char *bytes, size_t n_bytes, bool last, struct pw_error *err)
{
  (void)bytes, (void)n_bytes, (void)last;
  close_native(t);
  struct native *n = t->state = pw_calloc(1, sizeof *n);
  if (!n) return pw_trace_out_of_memory(t, err);
  int status = pwt_reader_create(&n->reader, t->source, t->from_spool ? "the temporary copy of the pipe" : t->path, err);
  if (!status && !t->from_spool) status = copy_provenance(t, n->reader, err);
  bool cut = t->options.skip || t->options.limit || t->options.warmup;
  return !status && cut ? pw_slice_create(&n->slice, &t->options, err) : status;
}

static int drop_events(struct pw_trace *t, const struct pw_block **block, struct pw_error *err)
{
  struct native *s = t->state;
  const struct pw_block *in = *block;
  if (pw_grow((void **)&s->kept, &s->kept_room, in->n_events, sizeof *s->kept)) return pw_trace_out_of_memory(t, err);
  uint32_t n = 0;
  for (uint32_t i = 0; i < in->n_events; i++)
    if (pw_event_is_kept(&t->options, in->events[i].kind)) s->kept[n++] = in->events[i];
  s->filtered = *in;
  s->filtered.events = s->kept;
  s->filtered.n_events = n;
  *block = &s->filtered;
  return 0;
}

static int count_events(struct pw_trace *t, const struct pw_block *block, struct pw_error *err)
{
  struct native *n = t->state;
  for (uint32_t i = 0; i < block->n_events; i++) {
    const struct pw_event *e = &block->events[i];
    n->text_bytes += e->text_bytes;
    n->events += 1 + (pw_event_is_kernel(e->kind) ? e->b >> (PW_BASE_SHIFT + 4) : 0);
  }
  if (n->events > FREE_EVENTS + MOST_EVENTS_A_BYTE * pw_source_stored_bytes(t->source))
    return pw_error_set(err, PW_EUNSUPPORTED, "%s: its events are more than %u for each byte of the file, which no recording "
                        "has; read it with --ignore events,kernel", t->path, MOST_EVENTS_A_BYTE);
  if (n->text_bytes <= PWT_MOST_TEXT_BYTES) return 0;
  return pw_error_set(err, PW_EUNSUPPORTED, "%s: the names in its events take more than %u MiB, which is more than is kept of "
                      "a trace; read it with --ignore events", t->path, (unsigned)(PWT_MOST_TEXT_BYTES >> 20));
}

static int next_wanted(struct pw_trace *t, const struct pw_block **block, struct pw_error *err)
{
  struct native *n = t->state;
  for (;;) {
    int got = pwt_reader_next(n->reader, t->options.counts || n->slice, t->options.sides, block, err);
    if (got <= 0) {
      t->ended = true;
      return got;
    }
    if ((t->options.ignore_events || t->options.ignore_kernel) && (*block)->n_events) {
      int status = drop_events(t, block, err);
      if (status) return status;
    }
    int status = count_events(t, *block, err);
    if (status) return status;
    if (!n->slice) return 1;
    int cut = pw_slice_cut(n->slice, *block, block, err);
    t->info.rounded = pw_slice_rounded(n->slice);
    if (cut == 2) t->ended = true;
    bool empty = (*block)->n_visits == 0 && (*block)->n_events == 0; /* skip and limit in one visit */
    if (cut) return !empty;
  }
}

static int next_native(struct pw_trace *t, const struct pw_block **block, struct pw_error *err)
{
  struct native *n = t->state;
  int got = t->ended ? 0 : next_wanted(t, block, err);
  if (got < 0) return got;
  t->info.processes = pwt_reader_processes(n->reader);
  t->info.threads = pwt_reader_threads(n->reader);
  t->counting = !n->slice || pw_slice_counting(n->slice);
  return got;
}

const struct pw_trace_class pw_trace_native = {next_native, rewind_native, close_native};
