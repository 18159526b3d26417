/* Feeds bytes to a format as the trace layer does, in windows of any cut, and checks
 * what every format promises: nothing taken beyond the window, no batch overfull,
 * no standstill. Each window is a fresh exact-size copy, so that a sanitizer sees
 * every read outside it and every pointer that was kept. */
#ifndef FEED_H
#define FEED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/format.h"

struct feed {
  const struct pw_format *format;
  bool skip_bad;
  bool late_last;     /* the end is noticed one call late, as with pipes */
  size_t chunk_bytes; /* 0: sizes from the seed */
  uint32_t seed;
  size_t room;        /* of a batch */
};

struct fed {
  struct pw_access *accesses;
  size_t n, capacity, n_events;
  int status; /* 0 or the error */
  struct pw_error err;
  uint64_t lines, bad_lines;
};

#define FEED_PROMISE(what) \
  do { \
    if (!(what)) { \
      fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #what); \
      abort(); \
    } \
  } while (0)

static inline size_t feed_next_chunk(struct feed *feed)
{
  if (feed->chunk_bytes > 0) return feed->chunk_bytes;
  feed->seed = feed->seed * 1664525u + 1013904223u;
  unsigned kind = feed->seed >> 29;
  size_t random = feed->seed >> 8 & 0xffff;
  return kind == 0 ? 1 : kind < 5 ? 1 + random % 16 : kind < 7 ? 1 + random % 200 : 1 + random;
}

static inline void feed_keep(struct fed *fed, const struct pw_access *accesses, size_t n)
{
  if (fed->n + n > fed->capacity) {
    fed->capacity = 2 * (fed->n + n);
    fed->accesses = realloc(fed->accesses, fed->capacity * sizeof *fed->accesses);
    FEED_PROMISE(fed->accesses);
  }
  if (n > 0) memcpy(fed->accesses + fed->n, accesses, n * sizeof *accesses);
  fed->n += n;
}

static inline struct fed feed_bytes(struct feed feed, const void *data, size_t n_bytes)
{
  struct fed fed = {0};
  struct pw_parser parser = {.path = "T", .skip_bad = feed.skip_bad, .line = 1};
  size_t at = 0, window = 0;
  bool told = false;
  struct pw_access *accesses = malloc(feed.room * sizeof *accesses);
  struct pw_batch_event *events = malloc(feed.room * sizeof *events);
  struct pw_intern texts = {0};
  FEED_PROMISE(accesses && events && feed.room >= PW_BATCH_ROOM);
  for (;;) {
    bool last = at + window == n_bytes && (!feed.late_last || told);
    told = at + window == n_bytes;
    unsigned char *copy = malloc(window ? window : 1);
    FEED_PROMISE(copy);
    if (window) memcpy(copy, (const unsigned char *)data + at, window);
    struct pw_batch batch = {.room = feed.room, .accesses = accesses, .events = events, .texts = &texts};
    int64_t taken = feed.format->parse(&parser, copy, window, last, &batch, &fed.err);
    free(copy);
    FEED_PROMISE(taken <= (int64_t)window && batch.n <= batch.room && batch.n_events <= batch.room);
    for (size_t i = 0; i < batch.n_events; i++) FEED_PROMISE(events[i].before <= batch.n && events[i].before >= (i ? events[i - 1].before : 0));
    fed.n_events += batch.n_events;
    feed_keep(&fed, accesses, batch.n);
    if (taken < 0) {
      FEED_PROMISE(fed.err.status == (int)taken && fed.err.text[0] && !strchr(fed.err.text, '\n'));
      fed.status = (int)taken;
      break;
    }
    at += (size_t)taken;
    window -= (size_t)taken;
    parser.offset_bytes += (uint64_t)taken;
    if (last && window == 0) break;
    FEED_PROMISE(!last || taken > 0); /* else it stands still */
    size_t more = feed_next_chunk(&feed);
    window = more < n_bytes - at - window ? window + more : n_bytes - at;
  }
  free(accesses);
  free(events);
  pw_intern_clear(&texts);
  fed.lines = parser.line;
  fed.bad_lines = parser.bad_lines;
  return fed;
}

static inline bool fed_equal(const struct fed *a, const struct fed *b)
{
  return a->status == b->status && a->n == b->n && a->n_events == b->n_events && a->lines == b->lines && a->bad_lines == b->bad_lines &&
         (a->n == 0 || memcmp(a->accesses, b->accesses, a->n * sizeof *a->accesses) == 0) &&
         (a->status == 0 || strcmp(a->err.text, b->err.text) == 0);
}

#endif
