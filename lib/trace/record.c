/* Recordings: one program image's ring, emptied into one .pwt.
 *
 * Algorithm: a block of the ring is a list of runs with their data addresses and of records; runs
 * go through runs.c into visits, records become events. The words of a block are only
 * believed as far as they are checked: a program may write anywhere, also into its ring.
 *
 * A fork leaves no event: the child has a trace of its own. */
#include "trace/record.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/block.h"
#include "trace/behind.h"
#include "trace/pwt_write.h"
#include "trace/ring.h"
#include "trace/runs.h"

#define RING_BLOCKS 8u
#define RING_BLOCK_BYTES (128u << 10)
#define RING_BYTES (PW_RING_HEADER_BYTES + (size_t)RING_BLOCKS * RING_BLOCK_BYTES)
#define MOST_TEXT 4095u

struct text {
  struct text *next;
  char bytes[];
};

struct pw_recording {
  char *path;
  int fd;
  struct pw_ring *ring;
  struct pw_visits *visits;
  struct pw_writer *writer;
  struct pw_behind *behind;   /* holds the writer while it records */
  struct pw_runs runs;
  struct text *texts;         /* of the events in the open block */
  char *exec;                 /* the program that is being tried */
  bool exec_unrecorded, has_end;
  uint64_t exit_status, signal;
  uint64_t size_limit_bytes;
  struct pw_behind_progress written; /* once all is */
  bool ended, limited;        /* nothing more is taken */
  bool drained;               /* nothing more is there */
};

static int out_of_memory(const struct pw_recording *r, struct pw_error *err)
{
  return pw_error_set(err, PW_ENOMEM, "%s: memory ran out", r->path ? r->path : "recording");
}

static void forget_texts(struct pw_recording *r)
{
  while (r->texts) {
    struct text *next = r->texts->next;
    pw_free(r->texts);
    r->texts = next;
  }
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
  forget_texts(r);
  pw_free(r->exec);
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

int pw_recording_create(struct pw_recording **recording, const char *path, const struct pw_recording_options *options,
                        struct pw_error *err)
{
  struct pw_recording *r = *recording = pw_calloc(1, sizeof *r);
  if (!r) return pw_error_set(err, PW_ENOMEM, "memory ran out");
  r->fd = -1;
  r->size_limit_bytes = options->size_limit_bytes;
  r->runs.sides = options->trace.make_sides;
  r->path = pw_strdup(path);
  int status = r->path ? make_ring(r, err) : out_of_memory(r, err);
  if (!status) status = pw_visits_create_bare(&r->visits, &options->trace, err);
  if (!status) status = pw_writer_create(&r->writer, path, &options->writer, err);
  if (!status) status = pw_behind_create(&r->behind, r->writer, options->trace.make_sides, err);
  if (!status) return 0;
  pw_recording_destroy(r);
  *recording = NULL;
  return status;
}

static struct pw_behind_progress progress(const struct pw_recording *r)
{
  return r->behind ? pw_behind_progress(r->behind) : r->written;
}

/* The block that pw_visits finished, to the file. */
static int write_block(struct pw_recording *r, struct pw_error *err)
{
  int status = pw_behind_add(r->behind, &r->visits->rows, err);
  forget_texts(r);
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

static int put_event(struct pw_recording *r, struct pw_event event, const char *text, size_t text_bytes, struct pw_error *err)
{
  int status = make_room(r, 0, err);
  if (status) return status;
  if (text_bytes > MOST_TEXT) text_bytes = MOST_TEXT;
  if (text_bytes) {
    struct text *copy = pw_malloc(1, sizeof *copy + text_bytes);
    if (!copy) return out_of_memory(r, err);
    memcpy(copy->bytes, text, text_bytes);
    copy->next = r->texts;
    r->texts = copy;
    event.text = copy->bytes;
    event.text_bytes = (uint32_t)text_bytes;
  }
  pw_visits_event(r->visits, &event);
  return 0;
}

static int put_map(struct pw_recording *r, const uint64_t *w, uint64_t bits, const char *name, size_t name_bytes, struct pw_error *err)
{
  if (w[1] == 0 || w[0] + w[1] - 1 < w[0]) return 0;
  return put_event(r, (struct pw_event){.kind = PW_EVENT_MAP, .a = w[0], .b = w[1], .c = bits & 63}, name, name_bytes, err);
}

/* Nonsense of the program, which the kernel refused too, is left out. */
static int put_range(struct pw_recording *r, enum pw_event_kind kind, const uint64_t *w, uint64_t c, struct pw_error *err)
{
  if (w[1] == 0 || w[0] + w[1] - 1 < w[0] || c + w[1] - 1 < c) return 0;
  return put_event(r, (struct pw_event){.kind = kind, .a = w[0], .b = w[1], .c = c}, NULL, 0, err);
}

static int take_map(struct pw_recording *r, const uint64_t *w, size_t n, struct pw_error *err)
{
  const char *name = (const char *)(w + 5);
  int status = put_map(r, w, w[2], name, strnlen(name, 8 * (n - 5)), err);
  if (status || !w[4]) return status;
  return put_event(r, (struct pw_event){.kind = PW_EVENT_BACKING, .a = w[3], .b = w[4]}, NULL, 0, err);
}

static int note_exec(struct pw_recording *r, const uint64_t *words, size_t n, struct pw_error *err)
{
  pw_free(r->exec);
  size_t bytes = strnlen((const char *)words, n * sizeof *words);
  r->exec = pw_calloc(1, bytes + 1);
  if (!r->exec) return out_of_memory(r, err);
  memcpy(r->exec, words, bytes);
  r->exec_unrecorded = false;
  return 0;
}

/* The program goes on, so it was not executed. */
static void forget_exec(struct pw_recording *r)
{
  pw_free(r->exec);
  r->exec = NULL;
}

/* Words that a record has at least. */
static size_t least_words(uint32_t kind)
{
  static const unsigned char least[] = {
      [PW_RING_RUN] = 2, [PW_RING_MAP] = 5, [PW_RING_STACK] = 2, [PW_RING_HEAP] = 3, [PW_RING_UNMAP] = 2,
      [PW_RING_PROTECT] = 3, [PW_RING_MOVE] = 3, [PW_RING_DISCARD] = 2, [PW_RING_READ] = 2, [PW_RING_WRITE] = 2,
      [PW_RING_THREAD] = 1, [PW_RING_THREAD_NEW] = 2, [PW_RING_THREAD_END] = 1,
      [PW_RING_EXEC] = 1, [PW_RING_EXIT] = 2, [PW_RING_UNRECORDED] = 1};
  return kind < sizeof least ? least[kind] : 0;
}

static int take_record(struct pw_recording *r, uint32_t kind, const uint64_t *w, size_t n, struct pw_error *err)
{
  if (n < least_words(kind)) return pw_error_set(err, PW_EFORMAT, "%s: the capture tool's record %u is cut off", r->path, kind);
  switch (kind) {
    case PW_RING_RUN: return pw_runs_add(&r->runs, r->path, w[0], w + 1, n - 1, err);
    case PW_RING_MAP: return take_map(r, w, n, err);
    case PW_RING_STACK: return put_map(r, w, (n > 2 ? w[2] : 3) | PW_MAP_STACK, "[stack]", 7, err);
    case PW_RING_HEAP: return put_map(r, w, w[2], "[heap]", 6, err);
    case PW_RING_UNMAP: return put_range(r, PW_EVENT_UNMAP, w, 0, err);
    case PW_RING_MOVE: return put_range(r, PW_EVENT_MOVE, w, w[2], err);
    case PW_RING_PROTECT: return put_range(r, PW_EVENT_PROTECT, w, w[2] & 7, err);
    case PW_RING_DISCARD: return put_range(r, PW_EVENT_DISCARD, w, 0, err);
    case PW_RING_READ: return put_range(r, PW_EVENT_KERNEL_READ, w, 0, err);
    case PW_RING_WRITE: return put_range(r, PW_EVENT_KERNEL_WRITE, w, 0, err);
    case PW_RING_THREAD: return put_event(r, (struct pw_event){.kind = PW_EVENT_THREAD, .a = w[0]}, NULL, 0, err);
    case PW_RING_THREAD_NEW: return put_event(r, (struct pw_event){.kind = PW_EVENT_THREAD_START, .a = w[1], .b = w[0]}, NULL, 0, err);
    case PW_RING_THREAD_END: return put_event(r, (struct pw_event){.kind = PW_EVENT_THREAD_END, .a = w[0]}, NULL, 0, err);
    case PW_RING_EXEC: return note_exec(r, w, n, err);
    case PW_RING_UNRECORDED:
      r->exec_unrecorded = true;
      return 0;
    case PW_RING_EXIT:
      pw_recording_end(r, w[0], w[1]);
      return 0;
    default: return 0;
  }
}

static int take_words(struct pw_recording *r, const uint64_t *words, size_t n, struct pw_error *err)
{
  for (size_t i = 0; i < n && !r->ended;) {
    uint64_t word = words[i];
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
      if (taken && r->exec) forget_exec(r);
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

/* A block that starts a program's last words may be overwritten while it is read: by then we
 * have stopped, or the program is gone. */
static const uint64_t *block_words(const struct pw_recording *r, uint32_t number)
{
  return (const uint64_t *)(const void *)((const char *)r->ring + PW_RING_HEADER_BYTES +
                                          (size_t)(number % RING_BLOCKS) * RING_BLOCK_BYTES);
}

static int take_block(struct pw_recording *r, const uint64_t *words, size_t n, struct pw_error *err)
{
  if (r->ended) return 0;
  int status = n > RING_BLOCK_BYTES / 8 ? pw_error_set(err, PW_EFORMAT, "%s: the ring is damaged", r->path)
                                        : take_words(r, words, n, err);
  if (status) r->ended = true;
  if (r->ended) pw_recording_stop(r);
  return status;
}

int pw_recording_step(struct pw_recording *r, struct pw_error *err)
{
  struct pw_ring *ring = r->ring;
  uint32_t tail = ring->tail;
  if (__atomic_load_n(&ring->head, __ATOMIC_SEQ_CST) == tail) return 0;
  int status = take_block(r, block_words(r, tail), ring->words[tail % RING_BLOCKS], err);
  __atomic_store_n(&ring->tail, tail + 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &ring->tail, FUTEX_WAKE, 1, NULL, NULL, 0);
  return status ? status : 1;
}

bool pw_recording_sleep(struct pw_recording *r)
{
  __atomic_store_n(&r->ring->reader_sleeps, 1, __ATOMIC_SEQ_CST);
  return __atomic_load_n(&r->ring->head, __ATOMIC_SEQ_CST) == r->ring->tail;
}

void pw_recording_stop(struct pw_recording *r)
{
  __atomic_store_n(&r->ring->stop, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &r->ring->tail, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* What stands in the block that was being filled: up to the cursor, in the program's addresses. */
static int take_rest(struct pw_recording *r, struct pw_error *err)
{
  struct pw_ring *ring = r->ring;
  uint64_t start = ring->base + PW_RING_HEADER_BYTES + (uint64_t)(ring->head % RING_BLOCKS) * RING_BLOCK_BYTES;
  uint64_t cursor = __atomic_load_n(&ring->cursor, __ATOMIC_SEQ_CST);
  if (ring->base == 0 || cursor < start || cursor - start > RING_BLOCK_BYTES) return 0;
  return take_block(r, block_words(r, ring->head), (size_t)(cursor - start) / 8, err);
}

void pw_recording_end(struct pw_recording *r, uint64_t exit_status, uint64_t signal)
{
  r->has_end = true;
  r->exit_status = exit_status;
  r->signal = signal;
}

bool pw_recording_has_end(const struct pw_recording *r)
{
  return r->has_end || r->exec;
}

bool pw_recording_goes_on_unrecorded(const struct pw_recording *r)
{
  return r->exec && r->exec_unrecorded;
}

static int put_end(struct pw_recording *r, struct pw_error *err)
{
  if (r->exec) return put_event(r, (struct pw_event){.kind = PW_EVENT_EXEC}, r->exec, strlen(r->exec), err);
  if (!r->has_end) return 0;
  return put_event(r, (struct pw_event){.kind = PW_EVENT_EXIT, .a = r->exit_status, .b = r->signal}, NULL, 0, err);
}

int pw_recording_drain(struct pw_recording *r, struct pw_error *err)
{
  int status;
  while ((status = pw_recording_step(r, err)) > 0) continue;
  if (!status) status = take_rest(r, err);
  r->ended = r->drained = true;
  pw_recording_stop(r);
  return status;
}

int pw_recording_finish(struct pw_recording *r, struct pw_error *err)
{
  int all = 0, status = r->drained ? 0 : pw_recording_drain(r, err);
  if (status == PW_EFORMAT) all = status; /* the trace up to there is good */
  else if (status) return status;
  if (!all && !r->limited) all = put_end(r, err);
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
