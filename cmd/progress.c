/* A bar on stderr for long work: part done, accesses, their rate, time left. */
#include "progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "heap.h"
#include "say.h"

struct progress_slot {
  uint64_t size_bytes, done_bytes, accesses;
};

struct progress {
  size_t n;
  size_t n_done;
  struct progress_slot *slots;
  uint64_t size_bytes; /* of all; 0 = unknown */
  uint64_t done_bytes, accesses; /* sums over the slots */
  double started, drawn; /* seconds */
};

/* One bar at a time; the lock keeps its line whole among threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct progress *shown;
static int line_is_drawn;

static double seconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void wipe(void)
{
  if (!line_is_drawn) return;
  fputs("\r\033[K", stderr);
  fflush(stderr);
  line_is_drawn = 0;
}

/* Until the next update. */
static void hide(void)
{
  pthread_mutex_lock(&lock);
  wipe();
  pthread_mutex_unlock(&lock);
}

struct progress *progress_start(size_t n_traces, const uint64_t *sizes)
{
  struct progress *p = heap_zero(1, sizeof *p);
  int known = 1;
  say_before(hide);
  p->n = n_traces;
  p->slots = heap_zero(n_traces, sizeof *p->slots);
  for (size_t i = 0; i < n_traces; i++) {
    p->slots[i].size_bytes = sizes[i];
    p->size_bytes += sizes[i];
    known = known && sizes[i];
  }
  if (!known) p->size_bytes = 0;
  p->started = seconds();
  p->drawn = p->started; /* work under a tenth of a second shows nothing */
  if (isatty(STDERR_FILENO) && !say_is_quiet()) shown = p;
  return p;
}

static void draw_bar(char *out, double part)
{
  enum { WIDTH = 16 };
  int filled = (int)(part * WIDTH);
  *out++ = '[';
  for (int i = 0; i < WIDTH; i++) *out++ = i < filled ? '#' : '.';
  *out++ = ']';
  *out = '\0';
}

static void draw(struct progress *p, double now)
{
  char text[256], bar[32];
  double spent = now - p->started, rate = (double)p->accesses / spent;
  int n = 0;
  if (p->size_bytes) {
    double part = (double)p->done_bytes / (double)p->size_bytes;
    if (part > 1) part = 1;
    draw_bar(bar, part);
    n = snprintf(text, sizeof text, "%s %3.0f %%  ", bar, part * 100);
    if (part > 0) {
      double left = spent / part - spent;
      n += snprintf(text + n, sizeof text - (size_t)n, "%d:%02d left  ", (int)(left / 60), (int)left % 60);
    }
  }
  n += snprintf(text + n, sizeof text - (size_t)n, "%.1f M accesses  %.1f M/s", (double)p->accesses / 1e6, rate / 1e6);
  if (p->n > 1) snprintf(text + n, sizeof text - (size_t)n, "  %zu/%zu traces", p->n_done, p->n);
  struct winsize window = {0};
  int width = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 ? window.ws_col - 1 : 79;
  fprintf(stderr, "\r%.*s\033[K", width, text);
  fflush(stderr);
  line_is_drawn = 1;
}

void progress_update(struct progress *p, size_t slot, const struct pw_trace_info *info)
{
  pthread_mutex_lock(&lock);
  struct progress_slot *s = &p->slots[slot];
  uint64_t bytes = s->size_bytes, accesses = s->accesses;
  if (info) {
    bytes = info->stored_bytes < s->size_bytes ? info->stored_bytes : s->size_bytes;
    accesses = info->totals.fetches + info->totals.loads + info->totals.stores;
  } else {
    p->n_done++;
  }
  p->done_bytes += bytes - s->done_bytes; /* a second pass starts again: the sum may fall */
  p->accesses += accesses - s->accesses;
  s->done_bytes = bytes;
  s->accesses = accesses;
  double now = seconds();
  if (p == shown && now - p->drawn >= 0.1) {
    p->drawn = now;
    draw(p, now);
  }
  pthread_mutex_unlock(&lock);
}

void progress_end(struct progress *p)
{
  pthread_mutex_lock(&lock);
  wipe();
  if (shown == p) shown = NULL;
  pthread_mutex_unlock(&lock);
  free(p->slots);
  free(p);
}
