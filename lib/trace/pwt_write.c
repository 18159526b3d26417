/* Writes native .pwt traces: blocks of visits in columns, compressed by zstd.
 *
 * Algorithm: each block gives two or three groups of columns: the core, what the kinds of its visits
 * are, and side columns, so that a reader may leave the last compressed.
 *
 * Invariant: bytes depend on the blocks and the options alone. */
#include "trace/pwt_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/block.h"
#include "trace/pwt.h"
#include "trace/pwt_encode.h"

struct index_entry {
  uint64_t offset_bytes, first_access, first_visit;
};

struct pw_writer {
  char *name;
  struct pw_output *output; /* NULL when the stream is the caller's */
  FILE *stream;
  ZSTD_CCtx *zstd;
  unsigned char *plain;     /* one column group */
  size_t plain_room;
  struct pwt_kinds *kinds;
  unsigned char *stored;
  size_t stored_room;
  struct index_entry *index;
  size_t n_blocks, index_room;
  uint64_t offset_bytes, visits, events;
  struct pw_totals totals;
  uint32_t process, n_processes;
  uint64_t thread;
  XXH64_state_t *chain_state;
  unsigned char *header;    /* the file header's frame, kept until its features are known */
  size_t header_payload;
  uint64_t features;        /* required ones that its events ask for */
};

static int out_of_memory(const struct pw_writer *w, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out while writing", w->name);
}

static int put(struct pw_writer *w, const void *bytes, size_t n, struct pw_error *err)
{
  if (fwrite(bytes, 1, n, w->stream) != n)
    return pw_error_set(err, PW_EIO, "%s cannot be written: %s; nothing was left behind", w->name,
                        strerror(errno ? errno : EIO));
  w->offset_bytes += n;
  return 0;
}

/* Completes a skippable frame around `payload` bytes that start at frame + 8. */
static int put_frame(struct pw_writer *w, unsigned char *frame, size_t payload, uint64_t *sum, struct pw_error *err)
{
  pwt_put32(frame, PWT_MAGIC);
  pwt_put32(frame + 4, (uint32_t)(payload + PWT_SUM_BYTES));
  *sum = XXH64(frame, PWT_FRAME_BYTES + payload, 0);
  pwt_put64(frame + PWT_FRAME_BYTES + payload, *sum);
  return put(w, frame, PWT_FRAME_BYTES + payload + PWT_SUM_BYTES, err);
}

static int reserve_plain(struct pw_writer *w, size_t need, struct pw_error *err)
{
  if (pw_grow((void **)&w->plain, &w->plain_room, need, 1)) return out_of_memory(w, err);
  return 0;
}

static int put_file_header(struct pw_writer *w, const struct pw_writer_options *options, struct pw_error *err)
{
  const char *text[4] = {options->source, options->command, options->date, "pagewalk " PW_VERSION};
  size_t n = PWT_FRAME_BYTES + PWT_HEADER_FIXED + PWT_SUM_BYTES;
  for (int i = 0; i < 4; i++) n += 4 + (text[i] ? strlen(text[i]) : 0);
  if (n > PWT_MAX_HEADER)
    return pw_error_set(err, PW_EINVAL, "%s: source, command and date are longer than 1 MiB; shorten them", w->name);
  int status = reserve_plain(w, n, err);
  if (status) return status;
  unsigned char *p = w->plain + PWT_FRAME_BYTES;
  memcpy(p, PWT_SIGNATURE, 8);
  p = pwt_put16(p + 8, PWT_VERSION);
  p = pwt_put16(p, 0);               /* minor version */
  p = pwt_put32(p, PW_BASE_SHIFT);
  p = pwt_put64(p, PWT_KINDS);       /* required features */
  p = pwt_put64(p, 0);               /* optional features */
  for (int i = 0; i < 4; i++) {
    size_t length = text[i] ? strlen(text[i]) : 0;
    p = pwt_put32(p, (uint32_t)length);
    if (length) memcpy(p, text[i], length);
    p += length;
  }
  uint64_t sum;
  w->header_payload = (size_t)(p - w->plain) - PWT_FRAME_BYTES;
  status = put_frame(w, w->plain, w->header_payload, &sum, err);
  w->header = status ? NULL : pw_malloc(w->offset_bytes, 1);
  if (w->header) memcpy(w->header, w->plain, w->offset_bytes);
  return status || w->header ? status : out_of_memory(w, err);
}

/* The file header once more, now that all events were seen. */
static int put_features(struct pw_writer *w, struct pw_error *err)
{
  uint64_t sum, end = w->offset_bytes;
  if (!w->features) return 0;
  if (fseeko(w->stream, -(off_t)end, SEEK_CUR))
    return pw_error_set(err, PW_EIO, "%s cannot be written: %s; nothing was left behind", w->name, strerror(errno));
  pwt_put64(w->header + PWT_FRAME_BYTES + 16, PWT_KINDS | w->features);
  int status = put_frame(w, w->header, w->header_payload, &sum, err);
  if (!status && fseeko(w->stream, (off_t)(end - w->offset_bytes + end), SEEK_CUR))
    status = pw_error_set(err, PW_EIO, "%s cannot be written: %s; nothing was left behind", w->name, strerror(errno));
  w->offset_bytes = end;
  return status;
}

int pw_writer_create_stream(struct pw_writer **writer, FILE *stream, const char *name,
                            const struct pw_writer_options *options, struct pw_error *err)
{
  struct pw_writer *w = *writer = pw_calloc(1, sizeof *w);
  if (!w) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", name);
  w->stream = stream;
  w->name = pw_strdup(name);
  w->zstd = ZSTD_createCCtx();
  w->kinds = pwt_kinds_create();
  w->chain_state = XXH64_createState();
  int status = 0;
  if (!w->name || !w->zstd || !w->kinds || !w->chain_state) {
    status = pw_error_set(err, PW_ENOMEM, "%s: memory ran out", name);
  } else {
    XXH64_reset(w->chain_state, 0);
    if (ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, options->level ? options->level : 3)))
      status = pw_error_set(err, PW_EINVAL, "%d is not a zstd level; take 1 to 22", options->level);
    else
      status = put_file_header(w, options, err);
  }
  if (status) {
    pw_writer_destroy(w);
    *writer = NULL;
  }
  return status;
}

int pw_writer_create(struct pw_writer **writer, const char *path, const struct pw_writer_options *options,
                     struct pw_error *err)
{
  static const struct pw_writer_options defaults;
  *writer = NULL;
  if (!options) options = &defaults;
  if (options->level < 0 || options->level > 22)
    return pw_error_set(err, PW_EINVAL, "%d is not a zstd level; take 1 to 22", options->level);
  struct pw_output *output;
  int status = pw_output_open(&output, path, err);
  if (status) return status;
  status = pw_writer_create_stream(writer, pw_output_stream(output), path, options, err);
  if (status)
    pw_output_abandon(output);
  else
    (*writer)->output = output;
  return status;
}

void pw_writer_destroy(struct pw_writer *w)
{
  if (!w) return;
  pw_output_abandon(w->output);
  ZSTD_freeCCtx(w->zstd);
  pwt_kinds_destroy(w->kinds);
  XXH64_freeState(w->chain_state);
  pw_free(w->plain);
  pw_free(w->stored);
  pw_free(w->index);
  pw_free(w->name);
  pw_free(w->header);
  pw_free(w);
}

/* Kinds, page planes, dictionary, events. */
static int fill_core(struct pw_writer *w, const struct pw_block *b, const struct pw_rows *rows, struct pw_totals *totals,
                     size_t *n,
                     struct pw_error *err)
{
  size_t most = (size_t)b->n_visits * 3 + (size_t)b->n_pages * 10;
  uint32_t named = w->n_processes ? w->n_processes : 1;
  for (uint32_t i = 0; i < b->n_events; i++) {
    const struct pw_event *e = &b->events[i];
    most += 50 + e->text_bytes;
    if (e->text_bytes > PWT_MAX_EVENT_TEXT)
      return pw_error_set(err, PW_EINVAL, "%s: an event's text has %u bytes; shorten it to %u", w->name, e->text_bytes,
                          PWT_MAX_EVENT_TEXT);
    if (pw_event_is_kernel(e->kind) && e->b > PW_MAX_KERNEL_BYTES)
      return pw_error_set(err, PW_EINVAL, "%s: an event says that the kernel touched %llu bytes; divide it into pieces of %u",
                          w->name,
                          (unsigned long long)e->b, PW_MAX_KERNEL_BYTES);
    if (e->kind != PW_EVENT_PROCESS && e->kind != PW_EVENT_FORK) continue;
    if (e->b > named || e->b >= PW_PROCESSES)
      return pw_error_set(err, PW_EINVAL,
                          "%s: an event names process index %llu, and %u was to be the next; number processes as they appear",
                          w->name, (unsigned long long)e->b, named);
    named += e->b == named;
  }
  if (most > PWT_MAX_PLAIN)
    return pw_error_set(err, PW_EINVAL, "%s: the events of one block take over %u bytes", w->name, PWT_MAX_PLAIN);
  int status = reserve_plain(w, most, err);
  if (status) return status;
  unsigned char *p = rows ? pwt_put_kinds_of_rows(w->plain, w->kinds, rows, totals) : pwt_put_kinds(w->plain, w->kinds, b);
  p = pwt_put_pages(p, b);
  for (uint32_t i = 0; i < b->n_pages; i++) p = pwt_put_leb(p, i ? b->pages[i] - b->pages[i - 1] - 1 : b->pages[i]);
  uint32_t at = 0;
  for (uint32_t i = 0; i < b->n_events; i++) {
    const struct pw_event *e = &b->events[i];
    p = pwt_put_leb(p, e->at - at);
    p = pwt_put_leb(p, e->kind);
    p = pwt_put_leb(p, e->a);
    p = pwt_put_leb(p, e->b);
    p = pwt_put_leb(p, e->c);
    p = pwt_put_leb(p, e->text_bytes);
    if (e->text_bytes) memcpy(p, e->text, e->text_bytes);
    p += e->text_bytes;
    at = e->at;
  }
  *n = (size_t)(p - w->plain);
  return 0;
}

/* Compresses w->plain[0 … n) behind what is stored already at *stored_bytes. */
static int store_group(struct pw_writer *w, size_t n, struct pwt_block_header *h, int group, size_t *stored_bytes,
                       struct pw_error *err)
{
  size_t most = ZSTD_compressBound(n);
  if (pw_grow((void **)&w->stored, &w->stored_room, *stored_bytes + most, 1)) return out_of_memory(w, err);
  unsigned char *to = w->stored + *stored_bytes;
  size_t stored = ZSTD_compress2(w->zstd, to, most, w->plain, n);
  if (ZSTD_isError(stored))
    return pw_error_set(err, PW_ENOMEM, "%s: zstd cannot compress a block: %s", w->name, ZSTD_getErrorName(stored));
  h->group[group].plain_bytes = (uint32_t)n;
  h->group[group].stored_bytes = (uint32_t)stored;
  h->group[group].sum = XXH64(to, stored, 0);
  *stored_bytes += stored;
  return 0;
}

static int put_block_header(struct pw_writer *w, const struct pwt_block_header *h, struct pw_error *err)
{
  unsigned char frame[PWT_FRAME_BYTES + PWT_BLOCK_PAYLOAD + PWT_SUM_BYTES];
  unsigned char *p = frame + PWT_FRAME_BYTES;
  p = pwt_put32(p, PWT_TYPE_BLOCK);
  p = pwt_put32(p, h->n_visits);
  p = pwt_put32(p, h->n_pages);
  p = pwt_put32(p, h->n_events);
  p = pwt_put64(p, h->thread);
  p = pwt_put32(p, h->process);
  p = pwt_put32(p, 0);
  p = pwt_put64(p, h->totals.fetches);
  p = pwt_put64(p, h->totals.loads);
  p = pwt_put64(p, h->totals.stores);
  p = pwt_put64(p, h->first_access);
  for (int g = 0; g < PWT_GROUPS; g++) {
    p = pwt_put32(p, h->group[g].stored_bytes);
    p = pwt_put32(p, h->group[g].plain_bytes);
    p = pwt_put64(p, h->group[g].sum);
  }
  uint64_t sum;
  int status = put_frame(w, frame, PWT_BLOCK_PAYLOAD, &sum, err);
  unsigned char bytes[8];
  pwt_put64(bytes, sum);
  XXH64_update(w->chain_state, bytes, sizeof bytes);
  return status;
}

static void follow_events(struct pw_writer *w, const struct pw_block *b)
{
  for (uint32_t i = 0; i < b->n_events; i++) {
    if (b->events[i].kind == PW_EVENT_PROCESS) w->process = (uint32_t)b->events[i].b;
    if (b->events[i].kind == PW_EVENT_THREAD) w->thread = b->events[i].a;
    bool advises = b->events[i].kind == PW_EVENT_ADVISE || (b->events[i].kind == PW_EVENT_MAP && b->events[i].c & PW_MAP_HUGETLB);
    if (advises) w->features |= PWT_ADVICE;
    if (b->events[i].kind == PW_EVENT_CHILD) w->features |= PWT_FAMILY;
    bool names_process = b->events[i].kind == PW_EVENT_PROCESS || b->events[i].kind == PW_EVENT_FORK;
    if (names_process && b->events[i].b >= w->n_processes) w->n_processes = (uint32_t)b->events[i].b + 1;
  }
}

/* The visits of a block, or of its rows; then the totals come from these. */
static int add(struct pw_writer *w, const struct pw_block *b, const struct pw_rows *rows, struct pw_totals *totals,
               struct pw_error *err)
{
  if (pw_grow((void **)&w->index, &w->index_room, w->n_blocks + 1, sizeof *w->index)) return out_of_memory(w, err);
  struct pwt_block_header h = {.n_visits = b->n_visits, .n_pages = b->n_pages, .n_events = b->n_events,
                               .process = w->process, .thread = w->thread,
                               .first_access = pw_totals_sum(&w->totals)};
  size_t n = 0, stored_bytes = 0;
  int status = fill_core(w, b, rows, totals, &n, err);
  if (!status) status = store_group(w, n, &h, PWT_CORE, &stored_bytes, err);
  if (!status) status = reserve_plain(w, (size_t)b->n_visits * (PWT_MOST_KIND_BYTES + 1) + 3, err);
  if (status) return status;
  n = (size_t)(pwt_put_kind_table(w->plain, w->kinds, b->n_visits) - w->plain);
  status = store_group(w, n, &h, PWT_COUNTS, &stored_bytes, err);
  if (!status && b->offset && b->pc && b->n_visits) {
    n = (size_t)(pwt_put_sides(w->plain, b) - w->plain);
    status = store_group(w, n, &h, PWT_SIDE, &stored_bytes, err);
  }
  if (status) return status;
  w->index[w->n_blocks++] = (struct index_entry){w->offset_bytes, h.first_access, w->visits};
  w->visits += b->n_visits;
  w->events += b->n_events;
  h.totals = *totals;
  w->totals.fetches += totals->fetches;
  w->totals.loads += totals->loads;
  w->totals.stores += totals->stores;
  follow_events(w, b);
  status = put_block_header(w, &h, err);
  return status ? status : put(w, w->stored, stored_bytes, err);
}

int pw_writer_add(struct pw_writer *w, const struct pw_block *b, struct pw_error *err)
{
  struct pw_totals totals = b->totals;
  return add(w, b, NULL, &totals, err);
}

int pw_writer_add_rows(struct pw_writer *w, struct pw_block *b, const struct pw_rows *rows, struct pw_error *err)
{
  return add(w, b, rows, &b->totals, err);
}

uint64_t pw_writer_bytes(const struct pw_writer *w)
{
  return w->offset_bytes;
}

static int put_index(struct pw_writer *w, struct pw_error *err)
{
  size_t payload = PWT_INDEX_FIXED + w->n_blocks * PWT_INDEX_ENTRY;
  int status = reserve_plain(w, PWT_FRAME_BYTES + payload + PWT_SUM_BYTES, err);
  if (status) return status;
  unsigned char *p = w->plain + PWT_FRAME_BYTES;
  p = pwt_put32(p, PWT_TYPE_INDEX);
  p = pwt_put32(p, (uint32_t)w->n_blocks);
  for (size_t i = 0; i < w->n_blocks; i++) {
    p = pwt_put64(p, w->index[i].offset_bytes);
    p = pwt_put64(p, w->index[i].first_access);
    p = pwt_put64(p, w->index[i].first_visit);
  }
  uint64_t sum;
  return put_frame(w, w->plain, payload, &sum, err);
}

int pw_writer_finish(struct pw_writer *w, struct pw_error *err)
{
  uint64_t index_offset = w->offset_bytes;
  int status = put_index(w, err);
  if (status) return status;
  unsigned char frame[PWT_FRAME_BYTES + PWT_END_PAYLOAD + PWT_SUM_BYTES];
  unsigned char *p = frame + PWT_FRAME_BYTES;
  p = pwt_put32(p, PWT_TYPE_END);
  p = pwt_put32(p, w->n_processes ? w->n_processes : 1);
  p = pwt_put64(p, w->totals.fetches);
  p = pwt_put64(p, w->totals.loads);
  p = pwt_put64(p, w->totals.stores);
  p = pwt_put64(p, w->visits);
  p = pwt_put64(p, w->events);
  p = pwt_put64(p, w->n_blocks);
  p = pwt_put64(p, index_offset);
  p = pwt_put64(p, XXH64_digest(w->chain_state));
  p = pwt_put64(p, 0);
  uint64_t sum;
  status = put_frame(w, frame, PWT_END_PAYLOAD, &sum, err);
  if (!status) status = put_features(w, err);
  if (status) return status;
  if (!w->output) {
    if (fflush(w->stream) == 0) return 0;
    return pw_error_set(err, PW_EIO, "%s cannot be written: %s", w->name, strerror(errno));
  }
  struct pw_output *output = w->output;
  w->output = NULL;
  return pw_output_commit(output, err);
}
