/* Writing behind: a thread of its own encodes and compresses the blocks of a trace.
 *
 * A finished block is copied into one of two slots, which costs 1 ns a visit where encoding and
 * compressing cost 20: the columns are filled anew meanwhile. */
#include "trace/behind.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/pwt_write.h"

enum { SLOTS = 2 };

struct slot {
  struct pw_block block; /* points into the arrays below */
  uint64_t *pages;
  uint16_t *columns;     /* page, fetches, loads, stores, touches */
  uint8_t *flags;
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
  struct slot slots[SLOTS];
  uint64_t given, written;  /* blocks */
  uint64_t bytes;
  bool started, leaving;
  int status;
  struct pw_error error;
};

static void *write_blocks(void *argument)
{
  struct pw_behind *b = argument;
  pthread_mutex_lock(&b->lock);
  for (;;) {
    while (b->given == b->written && !b->leaving) pthread_cond_wait(&b->changed, &b->lock);
    if (b->given == b->written) break;
    const struct pw_block *block = &b->slots[b->written % SLOTS].block;
    struct pw_error err;
    int status = b->status;
    pthread_mutex_unlock(&b->lock);
    if (!status) status = pw_writer_add(b->writer, block, &err);
    uint64_t bytes = pw_writer_bytes(b->writer);
    pthread_mutex_lock(&b->lock);
    b->bytes = bytes;
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
    pw_free(b->slots[i].pages);
    pw_free(b->slots[i].columns);
    pw_free(b->slots[i].flags);
    pw_free(b->slots[i].events);
    pw_free(b->slots[i].texts);
  }
  pthread_mutex_destroy(&b->lock);
  pthread_cond_destroy(&b->changed);
  pw_free(b);
}

int pw_behind_create(struct pw_behind **behind, struct pw_writer *writer, struct pw_error *err)
{
  struct pw_behind *b = *behind = pw_calloc(1, sizeof *b);
  if (!b) return pw_error_set(err, PW_ENOMEM, "memory ran out");
  b->writer = writer;
  pthread_mutex_init(&b->lock, NULL);
  pthread_cond_init(&b->changed, NULL);
  bool good = true;
  for (int i = 0; i < SLOTS; i++) {
    struct slot *s = &b->slots[i];
    s->pages = pw_malloc(PW_BLOCK_VISITS, sizeof *s->pages);
    s->columns = pw_malloc((size_t)5 * PW_BLOCK_VISITS, sizeof *s->columns);
    s->flags = pw_malloc(PW_BLOCK_VISITS, sizeof *s->flags);
    good &= s->pages && s->columns && s->flags;
  }
  b->started = good && pthread_create(&b->thread, NULL, write_blocks, b) == 0;
  if (b->started) return 0;
  pw_behind_destroy(b);
  *behind = NULL;
  return pw_error_set(err, PW_ENOMEM, "memory ran out, or there may be no more threads");
}

static const uint16_t *copy_column(struct slot *s, int number, const uint16_t *from, uint32_t n)
{
  uint16_t *to = s->columns + (size_t)number * PW_BLOCK_VISITS;
  memcpy(to, from, n * sizeof *to);
  return to;
}

static int copy_events(struct slot *s, const struct pw_block *block)
{
  size_t texts = 0, at = 0;
  for (uint32_t i = 0; i < block->n_events; i++) texts += block->events[i].text_bytes;
  if (pw_grow((void **)&s->events, &s->events_room, block->n_events, sizeof *s->events) ||
      pw_grow((void **)&s->texts, &s->texts_room, texts, 1))
    return PW_ENOMEM;
  for (uint32_t i = 0; i < block->n_events; i++) {
    s->events[i] = block->events[i];
    if (!block->events[i].text_bytes) continue;
    memcpy(s->texts + at, block->events[i].text, block->events[i].text_bytes);
    s->events[i].text = s->texts + at;
    at += block->events[i].text_bytes;
  }
  return 0;
}

static int copy_block(struct slot *s, const struct pw_block *block)
{
  uint32_t n = block->n_visits;
  memcpy(s->pages, block->pages, block->n_pages * sizeof *s->pages);
  memcpy(s->flags, block->flags, n);
  s->block = *block;
  s->block.pages = s->pages;
  s->block.flags = s->flags;
  s->block.page = copy_column(s, 0, block->page, n);
  s->block.fetches = copy_column(s, 1, block->fetches, n);
  s->block.loads = copy_column(s, 2, block->loads, n);
  s->block.stores = copy_column(s, 3, block->stores, n);
  s->block.touches = copy_column(s, 4, block->touches, n);
  int status = block->n_events ? copy_events(s, block) : 0;
  s->block.events = s->events;
  return status;
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

int pw_behind_add(struct pw_behind *b, const struct pw_block *block, struct pw_error *err)
{
  int status = wait_until(b, SLOTS - 1, err);
  if (status) return status;
  if (copy_block(&b->slots[b->given % SLOTS], block)) return pw_error_set(err, PW_ENOMEM, "memory ran out while recording");
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

uint64_t pw_behind_bytes(struct pw_behind *b)
{
  pthread_mutex_lock(&b->lock);
  uint64_t bytes = b->bytes;
  pthread_mutex_unlock(&b->lock);
  return bytes;
}
