/* Reads native .pwt traces, block by block, and trusts nothing.
 *
 * Invariant: a block that is handed out passed every check of
 * docs/trace-format.md, so the models may use its indices without looking.
 * Cost: zstd, then some 2 ns a visit; counts are only spread over the visits if asked for. */
#include "trace/pwt_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/block.h"
#include "trace/pwt.h"
#include "trace/pwt_columns.h"
#include "trace/pwt_events.h"

struct pwt_reader {
  struct pw_source *source;
  const char *path;
  ZSTD_DCtx *zstd;
  XXH64_state_t *chain;
  char *text[4];
  uint64_t offset_bytes;       /* of the next frame in the file */
  unsigned char *plain[PWT_GROUPS]; /* decompressed */
  size_t plain_room[PWT_GROUPS];
  bool has_kinds;              /* PWT_KINDS */
  struct pwt_kind_table *kinds;
  uint8_t *flags;
  uint64_t *pages;
  uint16_t *page, *counts;     /* counts: four columns of PW_BLOCK_VISITS */
  uint16_t *offset;            /* side columns, once asked for */
  uint64_t *pc;
  unsigned char *used;         /* by page index: seen in this block */
  struct pwt_events events;
  uint64_t (*offsets)[3];      /* of the block headers, their first access and visit, to compare with the index */
  size_t n_blocks, offsets_room;
  uint64_t visits, n_events;
  struct pw_totals totals;
  struct pw_block block;
};

/* Magic and signature, with leave for a damaged byte or two: the header's checksum
 * then says what is wrong, better than "unknown format" would. */
bool pwt_recognise(const unsigned char *bytes, size_t n)
{
  unsigned char want[16];
  pwt_put32(want, PWT_MAGIC);
  memcpy(want + 8, PWT_SIGNATURE, 8);
  size_t alike = 0;
  for (size_t i = 0; i < 16 && i < n; i++) alike += (i < 4 || i >= 8) && bytes[i] == want[i];
  return n >= 16 ? alike >= 10 : n >= 4 && alike == (n < 8 ? 4 : n - 4);
}

static int damaged(const struct pwt_reader *r, struct pw_error *err, const char *what)
{
  return pw_error_set(err, PW_EFORMAT, "%s: damaged at byte %" PRIu64 ": %s; fetch the file again", r->path,
                      r->offset_bytes, what);
}

static int out_of_memory(const struct pwt_reader *r, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", r->path);
}

/* Makes `want` stored bytes available; fewer mean that the file is cut short. */
static int need(struct pwt_reader *r, size_t want, const unsigned char **bytes, struct pw_error *err)
{
  size_t n;
  bool last;
  int status = pw_source_fill(r->source, want, bytes, &n, &last, err);
  if (status) return status;
  if (n >= want) return 0;
  return pw_error_set(err, PW_EFORMAT,
                      "%s: truncated at byte %" PRIu64 ": the end of the trace is missing; fetch or convert it again",
                      r->path, r->offset_bytes + n);
}

static void consume(struct pwt_reader *r, size_t n)
{
  pw_source_consume(r->source, n);
  r->offset_bytes += n;
}

/* A skippable frame of ours, whole and with a right checksum; payload excludes it. */
static int need_frame(struct pwt_reader *r, size_t most, const unsigned char **frame, size_t *payload, struct pw_error *err)
{
  *payload = 0;
  int status = need(r, PWT_FRAME_BYTES, frame, err);
  if (status) return status;
  uint32_t size = pwt_get32(*frame + 4);
  if (pwt_get32(*frame) != PWT_MAGIC || size < PWT_SUM_BYTES || size > most) return damaged(r, err, "a frame header is wrong");
  status = need(r, PWT_FRAME_BYTES + size, frame, err);
  if (status) return status;
  *payload = size - PWT_SUM_BYTES;
  if (XXH64(*frame, PWT_FRAME_BYTES + *payload, 0) != pwt_get64(*frame + PWT_FRAME_BYTES + *payload))
    return damaged(r, err, "a header's checksum does not match");
  return 0;
}

static int read_texts(struct pwt_reader *r, const unsigned char *p, size_t n, struct pw_error *err)
{
  for (int i = 0; i < 4; i++) {
    uint32_t length = n >= 4 ? pwt_get32(p) : 0;
    if (n < 4 || length > n - 4) return damaged(r, err, "the file header is cut short");
    r->text[i] = pw_calloc((size_t)length + 1, 1);
    if (!r->text[i]) return out_of_memory(r, err);
    memcpy(r->text[i], p + 4, length);
    p += 4 + length;
    n -= 4 + length;
  }
  return n ? damaged(r, err, "the file header is too long") : 0;
}

static int read_file_header(struct pwt_reader *r, struct pw_error *err)
{
  const unsigned char *frame;
  size_t payload;
  int status = need_frame(r, PWT_MAX_HEADER, &frame, &payload, err);
  if (status) return status;
  const unsigned char *p = frame + PWT_FRAME_BYTES;
  if (payload < PWT_HEADER_FIXED || memcmp(p, PWT_SIGNATURE, 8) != 0) return damaged(r, err, "the file header is wrong");
  if (pwt_get16(p + 8) > PWT_VERSION)
    return pw_error_set(err, PW_EUNSUPPORTED,
                        "%s: written in .pwt version %u, and this pagewalk reads up to %u; use a newer pagewalk",
                        r->path, pwt_get16(p + 8), PWT_VERSION);
  if (pwt_get64(p + 16) & ~PWT_REQUIRED_KNOWN)
    return pw_error_set(err, PW_EUNSUPPORTED,
                        "%s: needs features 0x%" PRIx64 " that this pagewalk does not know; use a newer pagewalk",
                        r->path, pwt_get64(p + 16) & ~PWT_REQUIRED_KNOWN);
  r->has_kinds = pwt_get64(p + 16) & PWT_KINDS;
  r->events.advice = pwt_get64(p + 16) & PWT_ADVICE;
  r->events.family = pwt_get64(p + 16) & PWT_FAMILY;
  if (pwt_get32(p + 12) != PW_BASE_SHIFT) return damaged(r, err, "the base page is not 4 KiB");
  status = read_texts(r, p + PWT_HEADER_FIXED, payload - PWT_HEADER_FIXED, err);
  if (!status) consume(r, PWT_FRAME_BYTES + payload + PWT_SUM_BYTES);
  return status;
}

int pwt_reader_create(struct pwt_reader **reader, struct pw_source *source, const char *path, struct pw_error *err)
{
  struct pwt_reader *r = *reader = pw_calloc(1, sizeof *r);
  if (!r) return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", path);
  r->source = source;
  r->path = path;
  r->events.n_processes = 1;
  r->zstd = ZSTD_createDCtx();
  r->chain = XXH64_createState();
  r->pages = pw_malloc(PW_BLOCK_VISITS, sizeof *r->pages);
  r->page = pw_malloc(PW_BLOCK_VISITS, sizeof *r->page);
  r->flags = pw_malloc(PW_BLOCK_VISITS, 1);
  r->used = pw_malloc(PW_BLOCK_VISITS, 1);
  int status = 0;
  if (!r->zstd || !r->chain || !r->pages || !r->page || !r->flags || !r->used) {
    status = out_of_memory(r, err);
  } else {
    XXH64_reset(r->chain, 0);
    status = read_file_header(r, err);
  }
  if (status) {
    pwt_reader_destroy(r);
    *reader = NULL;
  }
  return status;
}

void pwt_reader_destroy(struct pwt_reader *r)
{
  if (!r) return;
  ZSTD_freeDCtx(r->zstd);
  XXH64_freeState(r->chain);
  for (int i = 0; i < 4; i++) pw_free(r->text[i]);
  for (int g = 0; g < PWT_GROUPS; g++) pw_free(r->plain[g]);
  pw_free(r->kinds);
  pw_free(r->flags);
  pw_free(r->pages);
  pw_free(r->page);
  pw_free(r->counts);
  pw_free(r->offset);
  pw_free(r->pc);
  pw_free(r->used);
  pw_free(r->offsets);
  pwt_events_clear(&r->events);
  pw_free(r);
}

/* Side columns are there as a whole or not at all. */
static bool sane_sides(const struct pwt_block_header *h)
{
  uint32_t stored = h->group[PWT_SIDE].stored_bytes, plain = h->group[PWT_SIDE].plain_bytes;
  if (stored == 0) return plain == 0 && h->group[PWT_SIDE].sum == 0;
  return h->n_visits > 0 && plain <= PWT_MAX_PLAIN && plain >= 2 * h->n_visits && stored <= ZSTD_compressBound(plain);
}

/* A block without visits may leave out its counts. */
static bool sane_counts(const struct pwt_reader *r, const struct pwt_block_header *h)
{
  uint32_t stored = h->group[PWT_COUNTS].stored_bytes, plain = h->group[PWT_COUNTS].plain_bytes;
  if (stored == 0) return h->n_visits == 0 && plain == 0 && h->group[PWT_COUNTS].sum == 0;
  if (plain > PWT_MAX_PLAIN || stored > ZSTD_compressBound(plain)) return false;
  return plain >= (r->has_kinds ? 1 : 4 * h->n_visits);
}

static bool sane_header(const struct pwt_reader *r, const struct pwt_block_header *h)
{
  return h->n_visits <= PW_BLOCK_VISITS && h->n_pages <= h->n_visits && (h->n_pages > 0) == (h->n_visits > 0) &&
         h->n_events <= PWT_MAX_EVENTS && h->n_visits + h->n_events > 0 &&
         h->group[PWT_CORE].plain_bytes <= PWT_MAX_PLAIN &&
         h->group[PWT_CORE].plain_bytes >= 3 * h->n_visits + h->n_pages + 6 * h->n_events &&
         h->group[PWT_CORE].stored_bytes <= ZSTD_compressBound(h->group[PWT_CORE].plain_bytes) &&
         sane_counts(r, h) && sane_sides(h) &&
         h->first_access == pw_totals_sum(&r->totals) && h->process == r->events.process && h->thread == r->events.thread;
}

static void parse_block_header(const unsigned char *p, struct pwt_block_header *h)
{
  h->n_visits = pwt_get32(p + 4);
  h->n_pages = pwt_get32(p + 8);
  h->n_events = pwt_get32(p + 12);
  h->thread = pwt_get64(p + 16);
  h->process = pwt_get32(p + 24);
  h->totals = (struct pw_totals){pwt_get64(p + 32), pwt_get64(p + 40), pwt_get64(p + 48)};
  h->first_access = pwt_get64(p + 56);
  for (int g = 0; g < PWT_GROUPS; g++) {
    h->group[g].stored_bytes = pwt_get32(p + 64 + 16 * g);
    h->group[g].plain_bytes = pwt_get32(p + 68 + 16 * g);
    h->group[g].sum = pwt_get64(p + 72 + 16 * g);
  }
}

/* One zstd frame: always checked, decompressed into plain[group] only if wanted. */
static int read_group(struct pwt_reader *r, const struct pwt_block_header *h, int group, bool wanted, struct pw_error *err)
{
  const unsigned char *stored;
  size_t n_stored = h->group[group].stored_bytes, n_plain = h->group[group].plain_bytes;
  int status = need(r, n_stored, &stored, err);
  if (status) return status;
  if (XXH64(stored, n_stored, 0) != h->group[group].sum) return damaged(r, err, "a block's checksum does not match");
  if (wanted) {
    if (pw_grow((void **)&r->plain[group], &r->plain_room[group], n_plain, 1)) return out_of_memory(r, err);
    if (ZSTD_findFrameCompressedSize(stored, n_stored) != n_stored ||
        ZSTD_decompressDCtx(r->zstd, r->plain[group], n_plain, stored, n_stored) != n_plain)
      return damaged(r, err, "a block does not decompress to its size");
  }
  consume(r, n_stored);
  return 0;
}

static int read_sides(struct pwt_reader *r, const struct pwt_block_header *h, bool wanted, struct pw_error *err)
{
  if (h->group[PWT_SIDE].stored_bytes == 0) return 0;
  int status = read_group(r, h, PWT_SIDE, wanted, err);
  if (status || !wanted) return status;
  if (!r->offset) r->offset = pw_malloc(PW_BLOCK_VISITS, sizeof *r->offset);
  if (!r->pc) r->pc = pw_malloc(PW_BLOCK_VISITS, sizeof *r->pc);
  if (!r->offset || !r->pc) return out_of_memory(r, err);
  if (!pwt_decode_sides(h, r->plain[PWT_SIDE], &r->block, r->offset, r->pc))
    return damaged(r, err, "a block's side columns make no sense");
  r->block.offset = r->offset;
  r->block.pc = r->pc;
  return 0;
}

static void lend_counts(struct pwt_reader *r)
{
  r->block.fetches = r->counts;
  r->block.loads = r->counts + PW_BLOCK_VISITS;
  r->block.stores = r->counts + 2 * (size_t)PW_BLOCK_VISITS;
  r->block.touches = r->counts + 3 * (size_t)PW_BLOCK_VISITS;
}

/* The core group, and the flags wherever they stand. */
static int read_flags(struct pwt_reader *r, const struct pwt_block_header *h, struct pw_error *err)
{
  int status = read_group(r, h, PWT_CORE, true, err);
  if (status) return status;
  if (!h->group[PWT_COUNTS].stored_bytes) return 0;
  if (!r->has_kinds) {
    memcpy(r->flags, r->plain[PWT_CORE], h->n_visits);
    return 0;
  }
  if (!r->kinds && !(r->kinds = pw_malloc(1, sizeof *r->kinds))) return out_of_memory(r, err);
  status = read_group(r, h, PWT_COUNTS, true, err);
  if (status) return status;
  if (pwt_decode_kinds(h, r->plain[PWT_CORE], r->plain[PWT_COUNTS], r->kinds, r->flags)) return 0;
  return damaged(r, err, "a block's kinds make no sense");
}

/* Totals are believed as far as the counts could add up to them: so no sum of them is beyond 2^62, and whoever leaves
 * the counts compressed prints nothing impossible. */
static int check_totals(const struct pwt_reader *r, const struct pwt_block_header *h, struct pw_error *err)
{
  const struct pw_totals *t = &h->totals;
  bool fit = !h->n_visits    ? !(t->fetches | t->loads | t->stores)
             : r->has_kinds ? pwt_totals_fit_kinds(h, r->kinds)
                            : pwt_totals_fit_columns(h);
  return fit ? 0 : damaged(r, err, "a block's totals are not what its visits can add up to");
}

static int read_counts(struct pwt_reader *r, const struct pwt_block_header *h, bool wanted, struct pw_error *err)
{
  bool there = h->group[PWT_COUNTS].stored_bytes > 0;
  int status = r->has_kinds || !there ? 0 : read_group(r, h, PWT_COUNTS, wanted, err);
  if (status || !wanted) return status;
  if (!r->counts && !(r->counts = pw_malloc(4 * (size_t)PW_BLOCK_VISITS, sizeof *r->counts))) return out_of_memory(r, err);
  bool good = !there || (r->has_kinds ? pwt_spread_counts(h, r->kinds, r->counts)
                                      : pwt_decode_counts(h, r->plain[PWT_COUNTS], r->flags, r->counts));
  if (!good) return damaged(r, err, "a block's counts make no sense");
  lend_counts(r);
  return 0;
}

static int read_block(struct pwt_reader *r, const struct pwt_block_header *h, bool counts, bool sides, struct pw_error *err)
{
  if (!sane_header(r, h)) return damaged(r, err, "a block header makes no sense");
  if (pwt_events_reserve(&r->events, h->n_events)) return out_of_memory(r, err);
  int status = read_flags(r, h, err);
  if (!status) status = check_totals(r, h, err);
  if (status) return status;
  const unsigned char *core = r->plain[PWT_CORE];
  struct pwt_cursor c = {core + 3 * (size_t)h->n_visits, core + h->group[PWT_CORE].plain_bytes, true};
  if (!pwt_decode_pages(h, r->flags, core + h->n_visits, r->page, r->used) || !pwt_decode_dictionary(h, &c, r->pages) ||
      !pwt_events_decode(&r->events, h, &c) || c.p != c.end || !pwt_events_fit(&r->events, h, r->flags, r->page, r->pages))
    return damaged(r, err, "a block's columns make no sense");
  r->block = (struct pw_block){.n_visits = h->n_visits, .n_pages = h->n_pages, .n_events = h->n_events, .pages = r->pages,
                               .page = r->page, .flags = r->flags, .events = r->events.list, .totals = h->totals};
  status = read_counts(r, h, counts || r->events.marked, err);
  return status ? status : read_sides(r, h, sides, err);
}

static int check_index(struct pwt_reader *r, const unsigned char *p, size_t payload, struct pw_error *err)
{
  if (payload != PWT_INDEX_FIXED + r->n_blocks * PWT_INDEX_ENTRY || pwt_get32(p + 4) != r->n_blocks)
    return damaged(r, err, "the index does not fit the blocks");
  for (size_t i = 0; i < r->n_blocks; i++)
    for (size_t k = 0; k < 3; k++)
      if (pwt_get64(p + PWT_INDEX_FIXED + i * PWT_INDEX_ENTRY + 8 * k) != r->offsets[i][k])
        return damaged(r, err, "the index does not fit the blocks");
  return 0;
}

static int check_end(struct pwt_reader *r, uint64_t index_offset, struct pw_error *err)
{
  const unsigned char *frame;
  size_t payload;
  int status = need_frame(r, PWT_END_PAYLOAD + PWT_SUM_BYTES, &frame, &payload, err);
  if (status) return status;
  const unsigned char *p = frame + PWT_FRAME_BYTES;
  if (payload != PWT_END_PAYLOAD || pwt_get32(p) != PWT_TYPE_END || pwt_get32(p + 4) != r->events.n_processes ||
      pwt_get64(p + 8) != r->totals.fetches || pwt_get64(p + 16) != r->totals.loads ||
      pwt_get64(p + 24) != r->totals.stores || pwt_get64(p + 32) != r->visits || pwt_get64(p + 40) != r->n_events ||
      pwt_get64(p + 48) != r->n_blocks || pwt_get64(p + 56) != index_offset ||
      pwt_get64(p + 64) != XXH64_digest(r->chain))
    return damaged(r, err, "the totals at the end do not fit the blocks");
  consume(r, PWT_FRAME_BYTES + payload + PWT_SUM_BYTES);
  const unsigned char *rest;
  size_t n;
  bool last;
  status = pw_source_fill(r->source, 1, &rest, &n, &last, err);
  if (status) return status;
  return n ? damaged(r, err, "something follows the end of the trace") : 0;
}

static int note_block(struct pwt_reader *r, const struct pwt_block_header *h, const unsigned char *sum, struct pw_error *err)
{
  if (r->n_blocks >= PWT_MAX_BLOCKS || pw_grow((void **)&r->offsets, &r->offsets_room, r->n_blocks + 1, sizeof *r->offsets))
    return out_of_memory(r, err);
  XXH64_update(r->chain, sum, PWT_SUM_BYTES);
  uint64_t *entry = r->offsets[r->n_blocks++];
  entry[0] = r->offset_bytes;
  entry[1] = h->first_access;
  entry[2] = r->visits;
  r->visits += h->n_visits;
  r->n_events += h->n_events;
  return 0;
}

int pwt_reader_next(struct pwt_reader *r, bool counts, bool sides, const struct pw_block **block, struct pw_error *err)
{
  const unsigned char *frame;
  size_t payload, most = PWT_INDEX_FIXED + r->n_blocks * PWT_INDEX_ENTRY + PWT_SUM_BYTES;
  if (most < PWT_BLOCK_PAYLOAD + PWT_SUM_BYTES) most = PWT_BLOCK_PAYLOAD + PWT_SUM_BYTES;
  int status = need_frame(r, most, &frame, &payload, err);
  if (status) return status;
  const unsigned char *p = frame + PWT_FRAME_BYTES;
  uint32_t type = payload >= 8 ? pwt_get32(p) : 0;
  if (type == PWT_TYPE_INDEX) {
    uint64_t index_offset = r->offset_bytes;
    status = check_index(r, p, payload, err);
    if (status) return status;
    consume(r, PWT_FRAME_BYTES + payload + PWT_SUM_BYTES);
    return check_end(r, index_offset, err);
  }
  if (type != PWT_TYPE_BLOCK || payload != PWT_BLOCK_PAYLOAD) return damaged(r, err, "a frame is of an unknown kind");
  struct pwt_block_header h;
  parse_block_header(p, &h);
  status = note_block(r, &h, p + payload, err);
  if (status) return status;
  consume(r, PWT_FRAME_BYTES + payload + PWT_SUM_BYTES);
  status = read_block(r, &h, counts, sides, err);
  if (status) return status;
  r->totals.fetches += h.totals.fetches;
  r->totals.loads += h.totals.loads;
  r->totals.stores += h.totals.stores;
  *block = &r->block;
  return 1;
}

const char *pwt_reader_text(const struct pwt_reader *r, unsigned which)
{
  return r->text[which];
}

uint32_t pwt_reader_threads(const struct pwt_reader *r)
{
  return r->events.threads.n ? (uint32_t)r->events.threads.n : 1;
}

uint32_t pwt_reader_processes(const struct pwt_reader *r)
{
  return r->events.n_processes;
}
