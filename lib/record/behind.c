/* Writing behind: a thread of its own finishes, encodes and compresses the blocks of a trace.
 *
 * A block changes hands by its rows changing places with those of a free slot. */
#include "record/behind.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/pwt_write.h"

enum { SLOTS = 2 };

struct waiting {
  struct pw_rows rows;
  struct pw_event *events;
  size_t events_room;
  char *texts;
  size_t texts_room;
};

struct pw_behind {
  struct pw_writer *writer;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct waiting slots[SLOTS];
  uint64_t given, written;  /* blocks */
  struct pw_columns *columns;
  struct pw_behind_progress done;
  bool started, leaving;
  int status;
  struct pw_error error;
};

static void note_done(struct pw_behind_progress *done, const struct pw_block *block, uint64_t stored_bytes)
{
  done->stored_bytes = stored_bytes;
  done->visits += block->n_visits;
  done->totals.fetches += block->totals.fetches;
  done->totals.loads += block->totals.loads;
  done->totals.stores += block->totals.stores;
}

static void *write_blocks(void *argument)
{
  struct pw_behind *b = argument;
  pthread_mutex_lock(&b->lock);
  for (;;) {
    while (b->given == b->written && !b->leaving) pthread_cond_wait(&b->changed, &b->lock);
    if (b->given == b->written) break;
    const struct waiting *slot = &b->slots[b->written % SLOTS];
    struct pw_error err;
    struct pw_block block;
    int status = b->status;
    pthread_mutex_unlock(&b->lock);
    pw_columns_number(b->columns, &slot->rows, &block);
    if (!status) status = pw_writer_add_rows(b->writer, &block, &slot->rows, &err);
    uint64_t bytes = pw_writer_bytes(b->writer);
    pthread_mutex_lock(&b->lock);
    if (!status) note_done(&b->done, &block, bytes);
    if (status && !b->status) {
      b->status = status;
      b->error = err;
    }
    b->written++;
    pthread_cond_signal(&b->changed);
  }
  pthread_mutex_unlock(&b->lock);
  return NULL;
}

void pw_behind_destroy(struct pw_behind *b)
{
  if (!b) return;
  if (b->started) {
    pthread_mutex_lock(&b->lock);
    b->leaving = true;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
    pthread_join(b->thread, NULL);
  }
  for (int i = 0; i < SLOTS; i++) {
    pw_rows_clear(&b->slots[i].rows);
    pw_free(b->slots[i].events);
    pw_free(b->slots[i].texts);
  }
  pw_columns_destroy(b->columns);
  pthread_mutex_destroy(&b->lock);
  pthread_cond_destroy(&b->changed);
  pw_free(b);
}

int pw_behind_create(struct pw_behind **behind, struct pw_writer *writer, bool sides, struct pw_error *err)
{
  struct pw_behind *b = *behind = pw_calloc(1, sizeof *b);
  if (!b) return pw_error_set(err, PW_ENOMEM, "memory ran out for the blocks that are being written; free some and record again");
  b->writer = writer;
  pthread_mutex_init(&b->lock, NULL);
  pthread_cond_init(&b->changed, NULL);
  b->columns = pw_columns_create();
  bool good = b->columns != NULL;
  for (int i = 0; i < SLOTS; i++) good &= pw_rows_init(&b->slots[i].rows, sides);
  b->started = good && pthread_create(&b->thread, NULL, write_blocks, b) == 0;
  if (b->started) return 0;
  pw_behind_destroy(b);
  *behind = NULL;
  return pw_error_set(err, PW_ENOMEM, "memory ran out, or there may be no more threads");
}

static int copy_events(struct waiting *s, const struct pw_rows *rows)
{
  size_t texts = 0, at = 0;
  for (uint32_t i = 0; i < rows->n_events; i++) texts += rows->events[i].text_bytes;
  if (pw_grow((void **)&s->events, &s->events_room, rows->n_events, sizeof *s->events) ||
      pw_grow((void **)&s->texts, &s->texts_room, texts, 1))
    return PW_ENOMEM;
  for (uint32_t i = 0; i < rows->n_events; i++) {
    s->events[i] = rows->events[i];
    if (!rows->events[i].text_bytes) continue;
    memcpy(s->texts + at, rows->events[i].text, rows->events[i].text_bytes);
    s->events[i].text = s->texts + at;
    at += rows->events[i].text_bytes;
  }
  return 0;
}

static int wait_until(struct pw_behind *b, uint64_t most_open, struct pw_error *err)
{
  pthread_mutex_lock(&b->lock);
  while (b->given - b->written > most_open) pthread_cond_wait(&b->changed, &b->lock);
  int status = b->status;
  if (status && err) *err = b->error;
  pthread_mutex_unlock(&b->lock);
  return status;
}

int pw_behind_add(struct pw_behind *b, struct pw_rows *rows, struct pw_error *err)
{
  int status = wait_until(b, SLOTS - 1, err);
  if (status) return status;
  struct waiting *slot = &b->slots[b->given % SLOTS];
  if (rows->n_events && copy_events(slot, rows)) return pw_error_set(err, PW_ENOMEM, "memory ran out while recording");
  struct pw_rows given = *rows;
  given.events = slot->events;
  slot->rows.events = rows->events;
  *rows = slot->rows;
  slot->rows = given;
  pthread_mutex_lock(&b->lock);
  b->given++;
  pthread_cond_signal(&b->changed);
  pthread_mutex_unlock(&b->lock);
  return 0;
}

int pw_behind_finish(struct pw_behind *b, struct pw_error *err)
{
  return wait_until(b, 0, err);
}

struct pw_behind_progress pw_behind_progress(struct pw_behind *b)
{
  pthread_mutex_lock(&b->lock);
  struct pw_behind_progress done = b->done;
  pthread_mutex_unlock(&b->lock);
  return done;
}
