/* Recordings: one program image's ring, emptied into one .pwt.
 *
 * Algorithm: a block of the ring is a list of runs with their data addresses and of records; runs
 * go through code_runs.c into visits, records become events. A program may write anywhere, also into its
 * ring: so a block is copied before it is looked at, what the header says is read once, and both are only
 * believed as far as they are checked. The copy brings the block into our cache, and little else costs time then.
 *
 * A child of a fork has a trace of its own; the event names it. */
#include "record/image.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/block.h"
#include "record/behind.h"
#include "trace/pwt_write.h"
#include "record/ring.h"
#include "record/ring_events.h"
#include "record/code_runs.h"

#define RING_BLOCKS 8u
#define RING_BLOCK_BYTES (128u << 10)
#define MOST_TEXT_BYTES (4u << 20) /* of the events in a block */
#define RING_BYTES (PW_RING_HEADER_BYTES + (size_t)RING_BLOCKS * RING_BLOCK_BYTES)

struct pw_recording {
  char *path;
  int fd;
  struct pw_ring *ring;       /* the program writes here at any time: read it by read_ring alone */
  uint32_t tail;              /* blocks emptied */
  uint64_t *words;            /* of the block that is being emptied */
  struct pw_visits *visits;
  struct pw_writer *writer;
  struct pw_behind *behind;   /* holds the writer while it records */
  struct pw_runs runs;
  struct pw_ring_events events;
  uint64_t size_limit_bytes;
  struct pw_behind_progress written; /* once all is */
  bool ended, limited;        /* nothing more is taken */
  bool drained;               /* nothing more is there */
};

static int out_of_memory(const struct pw_recording *r, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", r->path ? r->path : "recording");
}

void pw_recording_destroy(struct pw_recording *r)
{
  if (!r) return;
  if (r->ring) {
    pw_recording_stop(r);
    munmap(r->ring, RING_BYTES);
  }
  if (r->fd >= 0) close(r->fd);
  pw_visits_destroy(r->visits);
  pw_behind_destroy(r->behind);
  pw_writer_destroy(r->writer);
  pw_runs_clear(&r->runs);
  pw_ring_events_clear(&r->events);
  pw_free(r->words);
  pw_free(r->path);
  pw_free(r);
}

static int make_ring(struct pw_recording *r, struct pw_error *err)
{
  r->fd = memfd_create("pagewalk-ring", MFD_CLOEXEC);
  void *map = MAP_FAILED;
  if (r->fd >= 0 && ftruncate(r->fd, (off_t)RING_BYTES) == 0)
    map = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
  if (map == MAP_FAILED)
    return pw_error_set(err, PW_EIO, "no shared memory for recording: %s; free some of /dev/shm or memory", strerror(errno));
  r->ring = map;
  r->ring->n_blocks = RING_BLOCKS;
  r->ring->block_bytes = RING_BLOCK_BYTES;
  return 0;
}

static int make_event_room(void *recording, struct pw_error *err);

int pw_recording_create(struct pw_recording **recording, const char *path, const struct pw_recording_options *options,
                        struct pw_error *err)
{
  struct pw_recording *r = *recording = pw_calloc(1, sizeof *r);
  if (!r) return pw_error_set(err, PW_ENOMEM, "memory ran out for a recording; free some and record again");
  r->fd = -1;
  r->size_limit_bytes = options->size_limit_bytes;
  r->runs.sides = options->trace.make_sides;
  r->path = pw_strdup(path);
  r->words = pw_malloc(RING_BLOCK_BYTES, 1);
  int status = r->path && r->words ? make_ring(r, err) : out_of_memory(r, err);
  if (!status) status = pw_visits_create_bare(&r->visits, &options->trace, err);
  if (!status) status = pw_writer_create(&r->writer, path, &options->writer, err);
  if (!status) status = pw_behind_create(&r->behind, r->writer, options->trace.make_sides, err);
  r->events = (struct pw_ring_events){.path = r->path, .visits = r->visits, .room = make_event_room, .context = r};
  if (!status) return 0;
  pw_recording_destroy(r);
  *recording = NULL;
  return status;
}

void pw_recording_name(struct pw_recording *r, const struct pw_ring_namer *namer)
{
  r->events.namer = *namer;
}

void pw_recording_relate(struct pw_recording *r, uint64_t pid, uint64_t number, const struct pw_ring_family *family)
{
  r->events.pid = pid;
  r->events.number = number;
  r->events.family = *family;
}

int pw_recording_symbol(struct pw_recording *r, uint64_t address, uint64_t bytes, uint32_t kind, const char *name,
                        size_t name_bytes, struct pw_error *err)
{
  return pw_ring_events_symbol(&r->events, address, bytes, kind, name, name_bytes, err);
}

static struct pw_behind_progress progress(const struct pw_recording *r)
{
  return r->behind ? pw_behind_progress(r->behind) : r->written;
}

/* The block that pw_visits finished, to the file. */
static int write_block(struct pw_recording *r, struct pw_error *err)
{
  int status = pw_behind_add(r->behind, &r->visits->rows, err);
  pw_ring_events_written(&r->events);
  if (r->size_limit_bytes && progress(r).stored_bytes >= r->size_limit_bytes) r->ended = r->limited = true;
  return status;
}

static int make_room(struct pw_recording *r, uint32_t n_visits, struct pw_error *err)
{
  if (!pw_visits_room(r->visits, n_visits)) return 0;
  int status = write_block(r, err);
  pw_visits_room(r->visits, n_visits);
  return status;
}

/* For an event. The names of a large library's symbols may be more than the format has room for in a block. */
static int make_event_room(void *recording, struct pw_error *err)
{
  struct pw_recording *r = recording;
  bool many = r->events.text_bytes >= MOST_TEXT_BYTES && pw_visits_flush(r->visits);
  int status = many ? write_block(r, err) : 0;
  return status ? status : make_room(r, 0, err);
}

/* A record that is not a run: the program can write where it lies, so it is copied before it is looked at. */
static int take_record(struct pw_recording *r, uint32_t kind, const uint64_t *words, size_t n, struct pw_error *err)
{
  const uint64_t *w = memcpy(r->words, words, n * sizeof *words);
  if (kind == PW_RING_FORGET) {
    pw_runs_clear(&r->runs);
    return 0;
  }
  if (kind != PW_RING_RUN) return pw_ring_events_take(&r->events, kind, w, n, err);
  if (n < 2) return pw_error_set(err, PW_EFORMAT, "%s: a run of the capture tool is cut off", r->path);
  return pw_runs_add(&r->runs, r->path, w[0], w + 1, n - 1, err);
}

#define read_ring(field) __atomic_load_n(&(field), __ATOMIC_SEQ_CST)

static int take_words(struct pw_recording *r, const uint64_t *words, size_t n, struct pw_error *err)
{
  for (size_t i = 0; i < n && !r->ended;) {
    uint64_t word = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
    int status = 0;
    if (word >> 63) {
      uint32_t kind = (uint32_t)(word >> 32 & 0x7fffffff);
      size_t n_words = (uint32_t)word;
      if (n_words > n - i - 1) return pw_error_set(err, PW_EFORMAT, "%s: a record of the capture tool is cut off", r->path);
      status = take_record(r, kind, words + i + 1, n_words, err);
      i += 1 + n_words;
    } else {
      uint32_t needs;
      size_t taken = pw_runs_take(&r->runs, words + i, n - i, r->visits, &needs);
      if (taken && r->events.exec) pw_ring_events_go_on(&r->events);
      if (pw_visits_full(r->visits)) r->ended = r->limited = true;
      else if (needs) status = make_room(r, needs, err);
      else if (!taken)
        return pw_error_set(err, PW_EFORMAT, "%s: the capture tool names a run that it never told, or cuts it off", r->path);
      i += taken;
    }
    if (status) return status;
  }
  return 0;
}

static const uint64_t *block_of(const struct pw_recording *r, uint32_t number)
{
  return (const uint64_t *)(const void *)((const char *)r->ring + PW_RING_HEADER_BYTES + (size_t)(number % RING_BLOCKS) * RING_BLOCK_BYTES);
}

static int take_block(struct pw_recording *r, uint32_t number, size_t n, struct pw_error *err)
{
  if (r->ended) return 0;
  int status = n > RING_BLOCK_BYTES / 8 ? pw_error_set(err, PW_EFORMAT, "%s: the ring is damaged", r->path)
                                         : take_words(r, block_of(r, number), n, err);
  if (status) r->ended = true;
  if (r->ended) pw_recording_stop(r);
  return status;
}

/* What a run did before a fault, behind n words of a block. */
static int take_cut(struct pw_recording *r, uint32_t number, size_t n, uint64_t address, struct pw_error *err)
{
  uint32_t needs = 0;
  if (r->ended) return 0;
  if (n > RING_BLOCK_BYTES / 8) return pw_error_set(err, PW_EFORMAT, "%s: the ring is damaged", r->path);
  int status = 0;
  do {
    if (needs) status = make_room(r, needs, err);
    if (!status) pw_runs_take_cut(&r->runs, block_of(r, number) + n, RING_BLOCK_BYTES / 8 - n, address, r->visits, &needs);
  } while (needs && !status);
  return status;
}

int pw_recording_step(struct pw_recording *r, struct pw_error *err)
{
  struct pw_ring *ring = r->ring;
  uint32_t tail = r->tail, filled = read_ring(ring->head) - tail;
  if (filled == 0) return 0;
  if (filled > RING_BLOCKS) return pw_error_set(err, PW_EFORMAT, "%s: the ring is damaged", r->path);
  uint32_t n = read_ring(ring->words[tail % RING_BLOCKS]);
  uint64_t cut = read_ring(ring->cut[tail % RING_BLOCKS]);
  int status = take_block(r, tail, n, err);
  if (!status && cut) status = take_cut(r, tail, n, cut, err);
  __atomic_store_n(&ring->tail, r->tail = tail + 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &ring->tail, FUTEX_WAKE, 1, NULL, NULL, 0);
  return status ? status : 1;
}

bool pw_recording_sleep(struct pw_recording *r)
{
  __atomic_store_n(&r->ring->reader_sleeps, 1, __ATOMIC_SEQ_CST);
  return read_ring(r->ring->head) == r->tail;
}

void pw_recording_stop(struct pw_recording *r)
{
  __atomic_store_n(&r->ring->stop, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &r->ring->tail, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* What stands in the block that was being filled: up to the cursor, in the program's addresses. */
static int take_rest(struct pw_recording *r, struct pw_error *err)
{
  uint32_t head = read_ring(r->ring->head);
  uint64_t base = read_ring(r->ring->base), cursor = read_ring(r->ring->cursor);
  uint64_t start = base + PW_RING_HEADER_BYTES + (uint64_t)(head % RING_BLOCKS) * RING_BLOCK_BYTES;
  if (base == 0 || cursor < start || cursor - start > RING_BLOCK_BYTES) return 0;
  return take_block(r, head, (size_t)(cursor - start) / 8, err);
}

void pw_recording_end(struct pw_recording *r, uint64_t exit_status, uint64_t signal)
{
  r->events.has_end = true;
  r->events.exit_status = exit_status;
  r->events.signal = signal;
}

bool pw_recording_has_end(const struct pw_recording *r)
{
  return r->events.has_end || r->events.exec;
}

bool pw_recording_goes_on_unrecorded(const struct pw_recording *r)
{
  return r->events.exec && r->events.unrecorded;
}

/* A program that lives may fill blocks as fast as we empty them: more than the ring holds are not waited for. */
int pw_recording_drain(struct pw_recording *r, struct pw_error *err)
{
  int status = 1;
  for (unsigned turn = 0; status > 0 && turn <= RING_BLOCKS; turn++) status = pw_recording_step(r, err);
  if (!status) status = take_rest(r, err);
  r->ended = r->drained = true;
  pw_recording_stop(r);
  return status < 0 ? status : 0;
}

int pw_recording_finish(struct pw_recording *r, struct pw_error *err)
{
  int all = 0, status = r->drained ? 0 : pw_recording_drain(r, err);
  if (status == PW_EFORMAT) all = status; /* the trace up to there is good */
  else if (status) return status;
  if (!all && !r->limited) all = pw_ring_events_end(&r->events, err);
  status = pw_visits_flush(r->visits) ? write_block(r, err) : 0;
  if (!status) status = pw_behind_finish(r->behind, err);
  r->written = progress(r);
  pw_behind_destroy(r->behind);
  r->behind = NULL;
  if (!status && r->written.visits) status = pw_writer_finish(r->writer, err);
  return status ? status : all;
}

int pw_recording_ring(const struct pw_recording *r)
{
  return r->fd;
}

const char *pw_recording_path(const struct pw_recording *r)
{
  return r->path;
}

struct pw_totals pw_recording_totals(const struct pw_recording *r)
{
  return progress(r).totals;
}

uint64_t pw_recording_visits(const struct pw_recording *r)
{
  return progress(r).visits;
}

uint64_t pw_recording_stored_bytes(const struct pw_recording *r)
{
  return r->behind ? progress(r).stored_bytes : pw_writer_bytes(r->writer);
}

bool pw_recording_limited(const struct pw_recording *r)
{
  return r->limited;
}
